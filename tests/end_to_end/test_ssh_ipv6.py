"""The console over SSH from another system by IPv6: global and link-local addresses, in network namespaces."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess

import pytest

from tests.end_to_end.command import until
from tests.end_to_end.ssh import ssh_server, with_alice

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("ip") is None, reason="ip, and root, are needed"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]

SERVER, CLIENT = "2001:db8:5::1", "2001:db8:5::2"


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True).stdout


@pytest.fixture
def here():
    """Return the namespace of the server, linked to that of `there`."""
    here, there = (f"gw{secrets.token_hex(4)}" for _ in range(2))
    try:
        try:
            ip("netns", "add", here)
        except subprocess.CalledProcessError:
            pytest.skip("no network namespace can be made here")
        ip("netns", "add", there)
        ip("link", "add", "near", "netns", here, "type", "veth", "peer", "name", "far", "netns", there)
        for name, device, address in ((here, "near", SERVER), (there, "far", CLIENT)):
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "addr", "add", f"{address}/64", "dev", device, "nodad")
            ip("-n", name, "link", "set", device, "up")
        yield here, there
    finally:
        for name in (here, there):
            ip("netns", "delete", name, check=False)


def link_local(name, device):
    """Return the address of a device on its link, as soon as nobody else is known to have it."""

    def found():
        (shown,) = json.loads(ip("-n", name, "-j", "-6", "addr", "show", "dev", device))
        told = [each["local"] for each in shown["addr_info"] if each["scope"] == "link" and not each.get("tentative")]
        return told[0] if told else None

    return until(found, "an address of the link")


@pytest.fixture
def way(request, here):
    """Return where the server listens, where the client finds it, and from where the server sees the client."""
    near, far = (link_local(name, device) for name, device in zip(here, ("near", "far"), strict=True))
    return {
        "global": (f"[{SERVER}]:0", SERVER, CLIENT),
        "any": ("[::]:0", SERVER, CLIENT),
        "link": (f"[{near}%near]:0", f"{near}%far", far),
        "any by link": ("[::]:0", f"{near}%far", far),
    }[request.param]


@pytest.mark.parametrize("way", ["global", "any", "link", "any by link"], indirect=True)
def test_operator_works_by_ipv6_and_the_journal_has_the_address(greenwall, tmp_path, terminal, here, way):
    listen, host, seen = way
    with_alice(greenwall, tmp_path)
    inside, outside = (("ip", "netns", "exec", name) for name in here)
    with ssh_server(greenwall, tmp_path, listen=listen, before=inside) as server:
        server.host = host
        console = terminal([*outside, *server.words()])
        console.wait_for("Greenwall Main Menu")
        console.enter("wrksshssn")
        assert "ALICE" in console.wait_for("Work with SSH Sessions")
        wrong = server.words(user="nobody", options=("-o", "BatchMode=yes"))
        assert subprocess.run([*outside, *wrong], stdin=subprocess.DEVNULL, check=False).returncode == 255
        console.press("F3")
        console.wait_for("Greenwall Main Menu")
        console.enter("90")
        console.wait_for_end()
        entries = server.entries("JS", "S")
    told = {(each["remote_address"], each["address_family"]) for each in entries if each["remote_address"]}
    assert told == {(seen, "*IPV6")}
    assert any(f"at [{seen}]:" in each["text"] for each in entries)
