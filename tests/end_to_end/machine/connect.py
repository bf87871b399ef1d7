"""Connects, and prints how that went: 0, the name of an errno, or `timeout`."""

import errno
import socket
import sys

with socket.socket() as client:
    client.settimeout(5)
    number = client.connect_ex((sys.argv[1], int(sys.argv[2])))
print({0: "0", errno.EAGAIN: "timeout"}.get(number) or errno.errorcode[number])
