"""What the tests of this directory talk about: places, servers, and what a server would answer."""

from __future__ import annotations

import socket
import struct

from hypothesis import strategies as st

from console.socks.words import IPV4, Place, Server, Version

SECRET = "correct horse battery"


def ipv4(text, port=80):
    return Place(IPV4 << 32 | struct.unpack(">I", socket.inet_aton(text))[0], port)


def ipv6(text, port=80):
    return Place(int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big"), port)


def named(name, port=80):
    return Place(0, port, name)


def server(version="5", **more):
    return Server(Version(version), "proxy.test:1080", **more)


ports = st.integers(0, 65_535)
ipv4_places = st.builds(
    Place, st.integers(0x0000_0100, 0xFFFF_FFFF).map(lambda low: IPV4 << 32 | low), ports, st.just("")
)
ipv6_places = st.builds(
    Place, st.integers(0, 2**128 - 1).filter(lambda address: address >> 32 != IPV4), ports, st.just("")
)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1, max_size=255)
named_places = st.builds(Place, st.just(0), ports, names)
places = ipv4_places | ipv6_places | named_places
users = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
