"""Public keys: read as OpenSSH writes them, and named by the fingerprint that ssh-keygen shows."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from console.errors import CommandError
from console.people.public_keys import read_key
from tests.people.profiles import KEY


def test_key_is_read_with_its_comment():
    key = read_key(f"  {KEY} at home \n")
    assert key.key == KEY.rsplit(" ", 1)[0]
    assert key.comment == "anna@laptop at home"


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH is not installed")
@pytest.mark.parametrize("kind", [("ed25519",), ("ecdsa", "-b", "384"), ("rsa", "-b", "2048")])
def test_fingerprint_is_the_one_that_openssh_shows(kind, tmp_path):
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", *kind, "-f", str(file)], check=True)
    shown = subprocess.run(["ssh-keygen", "-lf", f"{file}.pub"], capture_output=True, text=True, check=True).stdout
    assert read_key((tmp_path / "key.pub").read_text()).fingerprint == shown.split()[1]


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH is not installed")
def test_short_rsa_key_is_refused(tmp_path):
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "rsa", "-b", "1024", "-f", str(file)], check=True)
    with pytest.raises(CommandError, match="GWL1035"):
        read_key((tmp_path / "key.pub").read_text())


@pytest.mark.parametrize(
    "text",
    ["", "ssh-ed25519", "ssh-dss AAAA", "ssh-ed25519 !!!!", "ssh-ed25519 AAAA", f"ssh-rsa {KEY.split()[1]}", "*NONE"],
)
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(CommandError, match="GWL1030"):
        read_key(text)


def test_private_key_is_refused_and_not_told():
    with pytest.raises(CommandError, match="GWL1031") as refused:
        read_key("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk")
    assert "b3Blbn" not in str(refused.value)
