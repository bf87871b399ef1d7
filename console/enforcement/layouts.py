"""Numbers and layouts that the kernel fixes: system calls, seccomp structures, socket addresses.

Everything here is little-endian x86-64 unless a name ends in ``_be``. Nothing here calls the kernel.
"""

from __future__ import annotations

import socket
import struct
from functools import lru_cache
from typing import NamedTuple

from console.policy.request import MAPPED

MACHINE = "x86_64"
"""The machine these numbers belong to, as uname(2) spells it."""

# System call numbers; source: arch/x86/entry/syscalls/syscall_64.tbl.
SYS_SOCKET = 41
SYS_CONNECT = 42
SYS_ACCEPT = 43
SYS_SENDTO = 44
SYS_SENDMSG = 46
SYS_BIND = 49
SYS_LISTEN = 50
SYS_GETSOCKNAME = 51
SYS_RECVFROM = 45
SYS_RECVMSG = 47
SYS_RECVMMSG = 299
SYS_GETPEERNAME = 52
SYS_SOCKETPAIR = 53
SYS_SETSOCKOPT = 54
SYS_SETGROUPS = 116
SYS_SETRESUID = 117
SYS_SETRESGID = 119
SYS_CAPGET = 125
SYS_CAPSET = 126
SYS_ACCEPT4 = 288
SYS_SENDMMSG = 307
SYS_SECCOMP = 317
SYS_IO_URING_SETUP = 425
SYS_IO_URING_ENTER = 426
SYS_IO_URING_REGISTER = 427
SYS_PIDFD_OPEN = 434
SYS_PIDFD_GETFD = 438
SYS_LANDLOCK_CREATE_RULESET = 444
SYS_LANDLOCK_RESTRICT_SELF = 446

I386_SOCKET_CALLS = (102, 359, 360, 361, 362, 363, 364, 366, 369, 370, 345, 425, 426, 427)
"""socketcall, socket, socketpair, bind, connect, listen, accept4, setsockopt, sendto, sendmsg, sendmmsg, and the three
of io_uring; source: arch/x86/entry/syscalls/syscall_32.tbl."""

X32_BIT = 0x4000_0000
"""Set in the number of a system call made through the x32 entry (asm/unistd.h, __X32_SYSCALL_BIT)."""

AUDIT_ARCH_X86_64 = 0xC000_003E
AUDIT_ARCH_I386 = 0x4000_0003

MSG_FASTOPEN = 0x2000_0000

# Families, types and protocols of sockets that Python's socket module does not name on every build; source:
# linux/socket.h, linux/net.h, linux/in.h.
AF_PPPOX = 24
AF_RXRPC = 33
AF_SMC = 43
AF_XDP = 44
SOCK_PACKET = 10
IPPROTO_MPTCP = 262
SOCKET_TYPE_MASK = 0xF
"""What of the type argument of socket(2) is the type; the rest are flags (linux/net.h, SOCK_TYPE_MASK)."""
TCP_ULP = 31
"""Option of level IPPROTO_TCP: hand the socket to another protocol of the kernel, by name (linux/tcp.h)."""

LANDLOCK_NO_CONNECTS = struct.pack("<QQ", 0, 1 << 1)
"""struct landlock_ruleset_attr of Linux 6.7: file accesses handled, none; network accesses handled, CONNECT_TCP
(linux/landlock.h). A ruleset without rules forbids what it handles."""
OWN_RESTRICTION = 0x47574C52
"""Third argument of our own landlock_restrict_self(2), which takes two: by that the filter knows it."""

# seccomp; source: linux/seccomp.h.
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_GET_NOTIF_SIZES = 3
SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3
SECCOMP_RET_ALLOW = 0x7FFF_0000
SECCOMP_RET_USER_NOTIF = 0x7FC0_0000
SECCOMP_RET_ERRNO = 0x0005_0000
SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1
SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 1
SECCOMP_ADDFD_FLAG_SEND = 2

NOTIFICATION = struct.Struct("<QIIiIQ6Q")
"""struct seccomp_notif: id, pid (of a thread), flags; then seccomp_data: nr, arch, instruction pointer, 6 arguments."""
RESPONSE = struct.Struct("<QqiI")
"""struct seccomp_notif_resp: id, value, error (negative errno), flags."""
ADDFD = struct.Struct("<QIIII")
"""struct seccomp_notif_addfd: id, flags, source descriptor, new descriptor, flags of the new descriptor."""
COOKIE = struct.Struct("<Q")
IO_VECTOR = struct.Struct("<QQ")
"""struct iovec: address, size."""
IO_VECTORS = struct.Struct("<QQQQ")
"""Two of them in a row."""
THREE_IO_VECTORS = struct.Struct("<6Q")
FILTER_INSTRUCTION = struct.Struct("<HBBI")
"""struct sock_filter: code, jump if true, jump if false, constant."""


def _ioctl_number(direction: int, number: int, size: int) -> int:
    """Return an ioctl request of type ``!`` (asm-generic/ioctl.h); direction 1 writes, 3 writes and reads."""
    return direction << 30 | size << 16 | ord("!") << 8 | number


IOCTL_RECEIVE = _ioctl_number(3, 0, NOTIFICATION.size)
IOCTL_SEND = _ioctl_number(3, 1, RESPONSE.size)
IOCTL_ID_VALID = _ioctl_number(1, 2, COOKIE.size)
IOCTL_ADDFD = _ioctl_number(1, 3, ADDFD.size)
IOCTL_SET_FLAGS = _ioctl_number(1, 4, COOKIE.size)

RBIND_LEVEL = 0x4752_424E
"""Level and name of the socket option by which a program asks for Rbind: "GRBN". No protocol has that level, so without
a guard the answer is ENOPROTOOPT."""
RBIND_OPTION = 1

# Sends; source: linux/socket.h, linux/uio.h.
MESSAGE = struct.Struct("<QI4xQQQQI4x")
"""struct user_msghdr: address and length of the name; address and number of the parts; address and length of the
control data; flags, which no send looks at."""
MESSAGE_COUNT_OFFSET = MESSAGE.size
"""Where struct mmsghdr has the number of octets that were sent, an unsigned int."""
MESSAGE_OF_MANY_SIZE = 64
"""struct mmsghdr."""
PART = struct.Struct("<QQ")
"""struct iovec: address, length."""
MOST_PARTS = 1024
"""UIO_MAXIOV: parts of a message, and messages of one sendmmsg."""
CONTROL_HEADER = struct.Struct("<Qii")
"""struct cmsghdr: length with the header, level, type; the next one begins at the next multiple of 8."""

SOCKADDR_STORAGE_SIZE = 128
"""The longest address the kernel takes (struct __kernel_sockaddr_storage)."""
SOCKADDR_IN_SIZE = 16
SOCKADDR_IN6_SIZE_RFC2133 = 24
"""The shortest sockaddr_in6 that tcp_v6_connect takes: without the scope id (net/ipv6.h, SIN6_LEN_RFC2133)."""

_FAMILY = struct.Struct("=H")
# Read in network order as a whole, so that one unpacking gives port and address; the family, in host order, is then
# compared with itself turned round.
_IN = struct.Struct(">HHI")
_IN6 = struct.Struct(">HHIQQ")
_AF_INET_BE = int.from_bytes(socket.AF_INET.to_bytes(2, "little"), "big")
_AF_INET6_BE = int.from_bytes(socket.AF_INET6.to_bytes(2, "little"), "big")


class Endpoint(NamedTuple):
    """One side of a connection, in the units of `console.policy.request.Request`."""

    address: int
    port: int


NO_ENDPOINT = Endpoint(0, 0)


def sockaddr_family(octets: bytes) -> int:
    """Return the family of a socket address; AF_UNSPEC for one too short to have any."""
    return int(_FAMILY.unpack_from(octets)[0]) if len(octets) >= _FAMILY.size else socket.AF_UNSPEC


def parse_sockaddr(octets: bytes) -> Endpoint | None:
    """Read an internet socket address.

    Layout: sockaddr_in: family 2, port_be 2, address 4, zero 8; sockaddr_in6: family 2, port_be 2, flow 4, address 16,
    scope 4 (which may be missing).

    Returns:
        None when the family is another, or when the address is shorter than the kernel would take.
    """
    if len(octets) < SOCKADDR_IN_SIZE:
        return None
    family_be, port, address = _IN.unpack_from(octets)
    if family_be == _AF_INET_BE:
        return Endpoint(MAPPED + address, port)
    if family_be == _AF_INET6_BE and len(octets) >= SOCKADDR_IN6_SIZE_RFC2133:
        _, _, _, high, low = _IN6.unpack_from(octets)
        return Endpoint(high << 64 | low, port)
    return None


parse_known_sockaddr = lru_cache(maxsize=1024)(parse_sockaddr)
"""As `parse_sockaddr`, for addresses that come again and again: those that are connected to."""


def with_address(octets: bytes, address: int) -> bytes:
    """Return a socket address with another internet address of its family in it; AF_UNSPEC is laid out as AF_INET."""
    if sockaddr_family(octets) == socket.AF_INET6:
        return octets[:8] + address.to_bytes(16, "big") + octets[24:]
    return octets[:4] + (address - MAPPED).to_bytes(4, "big") + octets[8:]


def is_mapped(address: int) -> bool:
    """Say whether an address of the 128-bit space is an IPv4 one."""
    return address >> 32 == MAPPED >> 32


@lru_cache(maxsize=4096)
def address_text(address: int) -> str:
    """Return an address as people write it; IPv4 in dotted form."""
    if is_mapped(address):
        return socket.inet_ntop(socket.AF_INET, (address - MAPPED).to_bytes(4, "big"))
    return socket.inet_ntop(socket.AF_INET6, address.to_bytes(16, "big"))
