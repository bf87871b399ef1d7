"""Sockets of all kinds: says how each call that makes one ends. Needs nothing but Python."""

import errno
import os
import socket
import struct
import sys

MPTCP, SMC = 262, 256
KINDS = {
    "tcp": (socket.AF_INET, socket.SOCK_STREAM, 0),
    "udp": (socket.AF_INET, socket.SOCK_DGRAM, 0),
    "udplite": (socket.AF_INET, socket.SOCK_DGRAM, 136),
    "ping": (socket.AF_INET, socket.SOCK_DGRAM, 1),
    "smc": (socket.AF_INET, socket.SOCK_STREAM, SMC),
    "smc family": (43, socket.SOCK_STREAM, 0),
    "sctp": (socket.AF_INET6, socket.SOCK_STREAM, 132),
    "sctp packets": (socket.AF_INET, socket.SOCK_SEQPACKET, 0),
    "dccp": (socket.AF_INET, 6, 33),
    "l2tp": (socket.AF_INET, socket.SOCK_DGRAM, 115),
    "quic": (socket.AF_INET, socket.SOCK_DGRAM, 261),
    "rds": (21, 5, 0),
    "tipc": (30, 1, 0),
    "rxrpc": (33, 2, 2),
    "no protocol": (socket.AF_INET, socket.SOCK_STREAM, 1000),
    "no type": (socket.AF_INET, 11, 0),
    "no family": (99, 1, 0),
}
RAW_KINDS = {
    "raw": (socket.AF_INET, socket.SOCK_RAW, 1),
    "raw 6": (socket.AF_INET6, socket.SOCK_RAW, 58),
    "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0),
    "old packet": (socket.AF_INET, 10, 0),
    "xdp": (44, socket.SOCK_RAW, 0),
}


def result(call, *arguments):
    try:
        made = call(*arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    if isinstance(made, socket.socket):
        made.close()
    return "0"


def kinds(which):
    for name, (family, kind, protocol) in which.items():
        print(name, result(socket.socket, family, kind, protocol))


def mptcp(port):
    """Make MPTCP sockets, and use one."""
    for flags in (0, socket.SOCK_CLOEXEC, socket.SOCK_NONBLOCK):
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | flags, MPTCP)
        print(made.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL), made.getblocking())
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP) as made:
        print(result(made.connect, ("127.0.0.2", port)))
        print(result(made.connect, ("127.0.0.1", port)))
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM, MPTCP) as made:
        print(result(made.connect, ("::ffff:127.0.0.2", port)))


def made_by_child():
    """Make an MPTCP socket in a child; returns the child's process id and how it ended."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.write(writes, result(socket.socket, socket.AF_INET, socket.SOCK_STREAM, MPTCP).encode())
        os._exit(0)
    os.close(writes)
    os.waitpid(child, 0)
    with os.fdopen(reads) as said:
        return child, said.read()


def number_again():
    """Make sockets in two processes, the second of which has the number of the first, which has ended."""
    child, said = made_by_child()
    print(said)
    for _ in range(200):
        with open("/proc/sys/kernel/ns_last_pid", "w") as last:
            last.write(str(child - 1))
        again, said = made_by_child()
        if again == child:
            print(said)
            return


def options():
    """Set the options that would lead elsewhere."""
    four, six = socket.socket(), socket.socket(socket.AF_INET6)
    route = struct.pack("BBB4s4sx", 131, 11, 4, socket.inet_aton("127.0.0.2"), socket.inet_aton("127.0.0.1"))
    print("route", result(four.setsockopt, 0, 4, route))
    print("route on IPv6", result(six.setsockopt, 0, 4, route))
    print("no route", result(four.setsockopt, 0, 4, b""))
    print("routing header", result(six.setsockopt, 41, 57, bytes(24)))
    print("smc", result(four.setsockopt, 6, 31, b"smc"))
    print("nothing", result(four.setsockopt, 6, 31, b"nothing"))
    print("nodelay", result(four.setsockopt, 6, 1, 1))


match sys.argv[1:]:
    case ["kinds"]:
        kinds(KINDS)
    case ["raw"]:
        kinds(RAW_KINDS)
    case ["mptcp", number]:
        mptcp(int(number))
    case ["number-again"]:
        number_again()
    case ["options"]:
        options()
