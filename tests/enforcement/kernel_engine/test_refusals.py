"""What keeps the engine from being loaded or pinned is said, each from its own cause."""

from __future__ import annotations

import os
import uuid

import pytest

from console.enforcement.kernel import engine as engine_module
from console.enforcement.kernel.engine import KernelEngine
from console.enforcement.kernel.pins import Pins
from console.enforcement.kernel_place import BPF_MOUNT
from console.errors import KernelError
from console.messages import describe
from console.resources import data_path


def said(call):
    with pytest.raises(KernelError) as caught:
        call()
    return describe(caught.value)


@pytest.mark.parametrize("kept", [0, 1000, 200_000])
def test_damaged_object_file_cannot_be_loaded(house, monkeypatch, tmp_path, kept):
    damaged = tmp_path / "greenwall.bpf.o"
    damaged.write_bytes(data_path("bpf", "greenwall.bpf.o").read_bytes()[:kept])
    monkeypatch.setattr(engine_module, "data_path", lambda *parts: damaged)
    found = said(KernelEngine)
    assert (found.message_id, str(damaged) in found.text) == ("GWL0475", True)
    assert "damaged" in found.cause


def test_missing_object_file_cannot_be_loaded(house, monkeypatch, tmp_path):
    monkeypatch.setattr(engine_module, "data_path", lambda *parts: tmp_path / "greenwall.bpf.o")
    found = said(KernelEngine)
    assert (found.message_id, "No such file" in found.text) == ("GWL0475", True)


def test_programs_cannot_be_pinned_outside_of_the_bpf_file_system(house, tmp_path):
    found = said(lambda: house.engine.pin(tmp_path))
    assert (found.message_id, str(tmp_path) in found.text) == ("GWL047C", True)


def test_directory_that_the_bpf_file_system_does_not_take_is_named(house):
    if not os.path.ismount(BPF_MOUNT):
        pytest.skip("no BPF file system")
    directory = BPF_MOUNT / f"greenwall.test.{uuid.uuid4().hex[:12]}"  # it takes no dots in names
    found = said(lambda: Pins(directory).make(house.cgroup))
    assert (found.message_id, str(directory) in found.text) == ("GWL047C", True)
