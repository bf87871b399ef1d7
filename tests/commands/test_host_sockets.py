"""Sockets and processes as /proc tells of them, on real ones."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from console.commands.host_sockets import LISTEN, OPEN, lineage, parse_socket, read_processes, read_sockets

LINE = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000"
LINE6 = (
    "   0: 0000000000000000FFFF00000100007F:0016 B80D01200000000000000000010000FF:D431 01 00000000:00000000 "
    "00:00000000 00000000     0        0 42 1 0000 20 4 30 10 -1"
)


def test_a_line_of_the_ipv4_table():
    found = parse_socket(LINE, "TCP")
    assert (found.local_address, found.local_port, found.state) == ("127.0.0.1", 8080, LISTEN)
    assert (found.remote_address, found.remote_port, found.user_id, found.inode) == ("", 0, 1000, 4711)


def test_a_line_of_the_ipv6_table():
    found = parse_socket(LINE6, "TCP")
    assert (found.local_address, found.local_port) == ("::ffff:127.0.0.1", 22)
    assert (found.remote_address, found.remote_port, found.state) == ("2001:db8::ff00:1", 54321, "ESTABLISHED")


def test_a_datagram_socket_without_other_end_is_open():
    assert parse_socket(LINE.replace(" 0A ", " 07 "), "UDP").state == OPEN


@pytest.fixture
def pair():
    """Return a listening socket, and the two ends of a connection to it."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as server,
    ):
        yield listener, client, server


def test_sockets_of_this_process_are_found_with_their_ends_and_their_holder(pair):
    listener, client, server = pair
    processes = read_processes()
    found = {each.inode: each for each in read_sockets(processes)}
    mine = next(process for process in processes if process.pid == os.getpid())
    inodes = [os.fstat(each.fileno()).st_ino for each in pair]
    assert mine.sockets is not None
    assert set(inodes) <= mine.sockets
    assert [found[inode].state for inode in inodes] == [LISTEN, "ESTABLISHED", "ESTABLISHED"]
    assert found[inodes[1]].remote_port == listener.getsockname()[1]
    assert (found[inodes[2]].remote_address, found[inodes[2]].remote_port) == client.getsockname()
    assert {found[inode].user_id for inode in inodes} == {os.geteuid()}
    assert server.getsockname()[1] == found[inodes[2]].local_port


def test_the_lineage_of_a_process_begins_with_its_parent_and_ends():
    by_pid = {process.pid: process for process in read_processes()}
    above = [process.pid for process in lineage(by_pid[os.getpid()], by_pid)]
    assert above[0] == os.getppid()
    assert len(above) == len(set(above))


def test_a_process_whose_name_is_made_to_confuse_is_read(tmp_path):
    program = tmp_path / ") S 1 1 ("
    program.write_bytes(b"#!/bin/sh\nread line\n")
    program.chmod(0o700)
    with subprocess.Popen([program], stdin=subprocess.PIPE) as process:
        try:
            found = next(each for each in read_processes() if each.pid == process.pid)
            assert found.parent == os.getpid()
        finally:
            process.stdin.close()
