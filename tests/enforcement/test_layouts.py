"""Numbers and layouts, against the running kernel and Python's own."""

from __future__ import annotations

import ctypes
import os
import socket
import struct

import pytest

from console.enforcement import layouts as k
from console.enforcement.syscalls import local_sockaddr
from console.policy.request import MAPPED


def in_sockaddr(address="192.0.2.1", port=443):
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) + socket.inet_aton(address) + bytes(8)


def in6_sockaddr(address="2001:db8::1", port=443):
    packed = socket.inet_pton(socket.AF_INET6, address)
    return struct.pack("=H", socket.AF_INET6) + struct.pack(">HI", port, 7) + packed + struct.pack("=I", 2)


@pytest.mark.kernel
def test_seccomp_structures_are_of_the_kernels_sizes():
    sizes = (ctypes.c_ushort * 3)()
    assert ctypes.CDLL(None).syscall(k.SYS_SECCOMP, k.SECCOMP_GET_NOTIF_SIZES, 0, ctypes.byref(sizes)) == 0
    assert (sizes[0], sizes[1], sizes[2]) == (k.NOTIFICATION.size, k.RESPONSE.size, 64)


def test_structures_and_requests_are_those_of_the_header():
    assert (k.NOTIFICATION.size, k.RESPONSE.size, k.ADDFD.size, k.COOKIE.size) == (80, 24, 24, 8)
    assert k.FILTER_INSTRUCTION.size == 8
    assert len(k.LANDLOCK_NO_CONNECTS) == 16
    assert (k.IOCTL_RECEIVE, k.IOCTL_SEND) == (0xC050_2100, 0xC018_2101)
    assert (k.IOCTL_ID_VALID, k.IOCTL_ADDFD, k.IOCTL_SET_FLAGS) == (0x4008_2102, 0x4018_2103, 0x4008_2104)


def test_whole_addresses_are_read():
    v4, v6 = in_sockaddr(), in6_sockaddr()
    assert k.parse_sockaddr(v4) == k.Endpoint(MAPPED + 0xC000_0201, 443)
    assert k.parse_sockaddr(v6) == k.Endpoint(0x2001_0DB8 << 96 | 1, 443)
    assert k.parse_sockaddr(in6_sockaddr("::ffff:192.0.2.1")) == k.parse_sockaddr(v4)
    assert k.sockaddr_family(v4) == socket.AF_INET


@pytest.mark.parametrize("length", range(k.SOCKADDR_STORAGE_SIZE + 1))
def test_address_of_each_length_is_read_when_the_kernel_would_take_it(length):
    for whole, shortest in ((in_sockaddr(), 16), (in6_sockaddr(), 24)):
        found = k.parse_sockaddr((whole + os.urandom(128))[:length])
        assert found == (k.parse_sockaddr(whole) if length >= shortest else None)


@pytest.mark.parametrize("family", [0, 1, 3, 9, 11, 16, 17, 40, 0x0200, 0x0A00, 65535])
def test_address_of_another_family_is_none(family):
    for length in (0, 1, 2, 16, 28, 110, 128):
        octets = (struct.pack("=H", family) + bytes(range(126)))[:length]
        assert k.parse_sockaddr(octets) is None
        assert k.sockaddr_family(octets) == (family if length >= 2 else socket.AF_UNSPEC)


def test_real_sockets_agree():
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            server = socket.create_server((host, 0), family=family)
        except OSError:
            pytest.skip(f"{host} is not there")
        with server:
            endpoint = k.parse_sockaddr(local_sockaddr(server.fileno()))
            assert (k.address_text(endpoint.address), endpoint.port) == server.getsockname()[:2]


@pytest.mark.parametrize("text", ["0.0.0.0", "127.0.0.1", "255.255.255.255"])
def test_mapped_address_is_written_as_ipv4(text):
    address = MAPPED + int.from_bytes(socket.inet_aton(text), "big")
    assert k.is_mapped(address)
    assert k.address_text(address) == text


@pytest.mark.parametrize("text", ["::", "::1", "2001:db8::1", "::fffe:0:0", "ffff::"])
def test_other_addresses_are_written_as_ipv6(text):
    address = int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
    assert not k.is_mapped(address)
    assert k.address_text(address) == text
