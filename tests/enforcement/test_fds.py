"""A descriptor has one owner."""

from __future__ import annotations

import gc
import os

import pytest

from console.enforcement.fds import OwnedFd


def opened():
    return OwnedFd(os.open(os.devnull, os.O_RDONLY))


def is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_closed_descriptor_cannot_reach_its_successor():
    descriptor = opened()
    number = descriptor.number
    descriptor.close()
    successor = opened()
    assert successor.number == number
    descriptor.close()
    with pytest.raises(ValueError, match="closed"):
        _ = descriptor.number
    assert is_open(number)
    successor.close()


def test_block_closes_at_its_end_and_on_an_error():
    with opened() as descriptor:
        number = descriptor.number
        assert is_open(number)
    assert not is_open(number)
    descriptor = opened()
    number = descriptor.number
    with pytest.raises(RuntimeError), descriptor:
        raise RuntimeError
    assert not is_open(number)


def test_released_descriptor_is_the_receivers():
    descriptor = opened()
    number = descriptor.release()
    descriptor.close()
    assert is_open(number)
    os.close(number)
    with pytest.raises(ValueError, match="closed"):
        descriptor.release()


def test_forgotten_descriptor_is_closed():
    number = opened().number
    gc.collect()
    assert not is_open(number)


def test_negative_number_is_no_descriptor():
    with pytest.raises(ValueError, match="negative"):
        OwnedFd(-1)


def test_descriptor_shows_its_number_until_it_is_closed():
    descriptor = opened()
    assert repr(descriptor) == f"OwnedFd({descriptor.number})"
    descriptor.close()
    assert repr(descriptor) == "OwnedFd(closed)"
