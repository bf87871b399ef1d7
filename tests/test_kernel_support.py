"""What a system lacks for the kernel engine is said in one sentence, whatever it is."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from console import kernel_support
from console.kernel_support import Lack, first_lack
from console.messages import message

MOUNTED = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


@pytest.fixture
def system(monkeypatch, tmp_path):
    """Make this a system that has everything; a test takes something away."""
    types, mounts = tmp_path / "vmlinux", tmp_path / "mountinfo"
    types.touch()
    mounts.write_text(MOUNTED)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(release="6.1.0-18-amd64"))
    monkeypatch.setattr(kernel_support, "TYPE_INFORMATION", types)
    monkeypatch.setattr(kernel_support, "_MOUNTS", mounts)
    monkeypatch.setattr(kernel_support, "_not_loadable", lambda load: "")
    return SimpleNamespace(types=types, mounts=mounts, patch=monkeypatch.setattr)


@pytest.mark.parametrize(
    ("listed", "told", "has"),
    [
        ("lockdown,capability,landlock,bpf", (), True),
        ("lockdown,capability,bpfilter\n", (109,), False),
        (None, (108, 100, 109), True),
        (None, (108, 100), False),
        (None, (), False),
    ],
)
def test_bpf_is_a_security_module_where_the_list_or_the_kernel_says_so(monkeypatch, tmp_path, listed, told, has):
    modules = tmp_path / "lsm"
    if listed is not None:
        modules.write_text(listed)
    monkeypatch.setattr(kernel_support, "_MODULES", modules)
    monkeypatch.setattr(kernel_support, "_told_modules", lambda: list(told))
    assert kernel_support.has_bpf_security() is has


def test_kernel_tells_its_security_modules_or_none(monkeypatch):
    told = kernel_support._told_modules()
    assert told == [] or 100 in told  # LSM_ID_CAPABILITY is always there
    monkeypatch.setattr(kernel_support, "_LSM_LIST_MODULES", 100_000)
    assert kernel_support._told_modules() == []


def said(lack):
    found = message(lack.message_id, **lack.values)
    assert found.cause
    assert found.recovery
    return found.text


def test_system_with_everything_lacks_nothing(system):
    assert first_lack() is None


def test_who_is_not_root_is_told_so(system):
    system.patch(os, "geteuid", lambda: 1000)
    assert said(first_lack()) == "The kernel engine needs root."


@pytest.mark.parametrize("release", ["6.0.19", "5.17.1", "4.19.0-26-amd64", "5.4"])
def test_old_kernel_is_named(system, release):
    system.patch(os, "uname", lambda: SimpleNamespace(release=release))
    assert said(first_lack()) == f"The kernel engine needs Linux 6.1; this is {release}."


def test_kernel_without_type_information_is_told_so(system):
    system.types.unlink()
    assert "type information" in said(first_lack())


def test_cgroups_of_version_1_only_are_told_so(system):
    system.mounts.write_text("31 23 0:27 / /sys/fs/cgroup/net_cls rw - cgroup cgroup rw,net_cls\n")
    assert "cgroups of version 2" in said(first_lack())


def test_missing_library_is_told_with_the_reason(system):
    system.patch(kernel_support, "_not_loadable", lambda load: "libbpf.so.1: no such file")
    assert "libbpf.so.1: no such file" in said(first_lack())


def test_library_that_cannot_be_loaded_says_why():
    def load(name):
        raise OSError(f"{name}: wrong machine")

    assert kernel_support._not_loadable(load) == "libbpf.so.1: wrong machine"
    assert isinstance(Lack("GWL0473", {}), tuple)
