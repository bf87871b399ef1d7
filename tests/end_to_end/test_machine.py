"""The services under a real systemd, with the kernel engine on the root cgroup: in a virtual machine of its own.

Only in campaigns, as root, with qemu-system-x86_64 and debootstrap: an hour where the processor must be emulated. The
machine has Debian 12 with its kernel, Linux 6.1, and no network but its loopback. What it is installed from comes from
the package sources that the system is set to.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MACHINE = Path(__file__).with_name("machine")
CHECKOUT = Path(__file__).parents[2]
NEEDED = ("qemu-system-x86_64", "debootstrap", "mkfs.ext4")
PACKAGES = (
    "systemd,systemd-sysv,dbus,udev,kmod,linux-image-cloud-amd64,initramfs-tools,python3,python3-venv,iproute2,procps,"
    "libbpf1"
)
IMAGE = "3G"
PATIENCE_S = 5400


def lacking():
    if os.environ.get("GREENWALL_CAMPAIGN") != "1":
        return "a virtual machine is made in campaigns only: tests/run --campaign"
    if os.geteuid() != 0:
        return "root only can make the disk of a virtual machine"
    return next((f"{name} is not installed" for name in NEEDED if shutil.which(name) is None), "")


def done(*words, **options):
    subprocess.run([str(word) for word in words], check=True, stdin=subprocess.DEVNULL, **options)


def install_greenwall(root, place):
    done("python3", "-m", "venv", place / "maker")
    done(place / "maker/bin/pip", "wheel", "--quiet", "--wheel-dir", root / "wheels", CHECKOUT)
    done("chroot", root, "python3", "-m", "venv", "/opt/greenwall")
    offline = ("--quiet", "--no-index", "--find-links", "/wheels")
    done("chroot", root, "/opt/greenwall/bin/pip", "install", *offline, "greenwall")
    shutil.rmtree(root / "wheels")
    (root / "usr/local/bin/greenwall").symlink_to("/opt/greenwall/bin/greenwall")


def put_check(root):
    for name in ("check.sh", "connect.py"):
        shutil.copy(MACHINE / name, root / "opt")
    shutil.copy(MACHINE / "check.service", root / "etc/systemd/system")
    wanted = root / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / "check.service").symlink_to("../check.service")
    settings = root / "etc/systemd/system.conf.d"
    settings.mkdir(exist_ok=True)
    (settings / "slow.conf").write_text("[Manager]\nDefaultTimeoutStartSec=900\n")  # the processor is emulated
    (root / "etc/fstab").write_text("/dev/vda / ext4 rw 0 1\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")


def run_machine(root, place):
    """Run it until it powers off, after it has started itself anew once."""
    (kernel,), (first,) = (root / "boot").glob("vmlinuz-*"), (root / "boot").glob("initrd.img-*")
    done(
        *("qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "1024", "-kernel", kernel, "-initrd", first),
        *("-append", "root=/dev/vda rw console=ttyS0", "-drive", f"file={place}/disk,format=raw,if=virtio"),
        *("-nic", "none", "-display", "none", "-monitor", "none", "-device", "virtio-rng-pci"),
        *("-serial", f"file:{place}/console", "-serial", f"file:{place}/facts"),
        timeout=PATIENCE_S,
    )


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """Return what is seen in the machine, by name."""
    if lacks := lacking():
        pytest.skip(lacks)
    place = tmp_path_factory.mktemp("machine")
    root = place / "root"
    # What it mounts goes with its mount namespace: nothing of this system is below the directory when that is removed.
    maker = ("unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={PACKAGES}")
    done(*maker, "bookworm", root, stdout=subprocess.DEVNULL)
    install_greenwall(root, place)
    done("chroot", root, "useradd", "--create-home", "alice")
    put_check(root)
    done("truncate", "--size", IMAGE, place / "disk")
    done("mkfs.ext4", "-q", "-d", root, place / "disk")
    run_machine(root, place)
    shutil.rmtree(root)
    lines = (place / "facts").read_text(errors="replace").splitlines()
    return dict(line.strip().split(": ", 1) for line in lines if ": " in line)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("installed again", "3 GWL0491 1 GWL0492"),
        ("worker", "active"),
        ("ssh service", "active SSH-2.0"),
        ("watched", "0"),
        ("refused", "EPERM"),
        ("another user", "0"),
        ("refused at the SYN", "timeout"),
        ("refused listener", "PermissionError"),
        ("refused at the listen", "PermissionError"),
        ("during a restart", "EPERM"),
        ("worker restarted", "active"),
        ("worker killed", "EPERM"),
        ("worker again", "active"),
        ("engine said", "kernel"),
        ("worker after a reboot", "active"),
        ("after a reboot", "EPERM"),
        ("worker stopped", "EPERM"),
        ("detached", "0"),
        ("attached again", "EPERM"),
        ("uninstalled", "0"),
        ("left", "0 0 0"),
    ],
)
def test_services_do_under_systemd_what_they_say(facts, name, seen):
    assert facts.get(name) == seen, facts


def test_refusals_are_in_the_journal_after_a_reboot(facts):
    assert int(facts["journalled"]) > 0


def test_exposure_of_the_running_services_is_what_the_readme_says(facts):
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    for each in facts["exposure"].split("greenwall-")[1:]:
        unit, figure = each.split(": ")
        assert f"`greenwall-{unit}` {figure.strip()}" in readme
