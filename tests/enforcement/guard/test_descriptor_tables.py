"""Processes without a descriptor left: real ones, whose table is full below their limit, or above it only."""

from __future__ import annotations

import contextlib
import errno
import socket
import subprocess
import sys

import pytest

from console.enforcement import layouts as k
from console.enforcement.fake import FakeBackend, Step
from console.enforcement.guard.descriptor_tables import DescriptorTables
from tests.end_to_end.command import until
from tests.enforcement.guard.setting import PATIENCE_S, Setting, hears

FILLS_ITS_TABLE = """
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 32))
try:
    while True:
        os.dup(0)
except OSError:
    print("full", flush=True)
input()
os.close(15)
print("room", flush=True)
input()
"""
HAS_MANY_ABOVE_ITS_LIMIT = """
import os, resource
for number in range(20, 40):
    os.dup2(0, number)
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 64))
print("room", flush=True)
input()
"""


@contextlib.contextmanager
def program(text):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", text], **pipes) as process:
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def make_room(process):
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "room\n"


def caller_of(process):
    kernel = FakeBackend()
    return kernel.caller(kernel.call(k.SYS_ACCEPT, thread=process.pid))


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def test_full_table_is_seen_and_remembered_until_there_is_room():
    tables = DescriptorTables()
    with program(FILLS_ITS_TABLE) as process:
        caller = caller_of(process)
        assert tables.look(caller)
        assert tables.full == {process.pid}
        make_room(process)
        assert not tables.look(caller)
        assert tables.full == set()


def test_descriptors_above_a_limit_that_was_lowered_do_not_fill_the_table():
    with program(HAS_MANY_ABOVE_ITS_LIMIT) as process:
        assert not DescriptorTables().look(caller_of(process))


def test_table_of_one_that_has_ended_is_not_full():
    tables = DescriptorTables()
    with program(FILLS_ITS_TABLE) as process:
        caller = caller_of(process)
        tables.note_full(caller)
    assert not tables.look(caller)
    assert tables.full == set()


def test_nothing_more_is_taken_for_one_whose_table_is_full(server):
    setting = Setting()
    connect = socket.create_connection
    with program(FILLS_ITS_TABLE) as process, connect(server.getsockname()), connect(server.getsockname()):
        call = setting.accept(server, thread=process.pid)
        setting.kernel.fail(call, Step.DELIVER, errno.EMFILE)
        assert setting.serve(call) == errno.EMFILE
        for _ in range(3):
            hears(server)
            assert setting.serve(setting.accept(server, thread=process.pid)) == errno.EMFILE
        assert len(setting.accept_point.kept.entries) == 1
        make_room(process)
        for _ in range(2):
            hears(server)
            assert setting.serve(setting.accept(server, thread=process.pid)) is None
        assert setting.serve(setting.accept(server, thread=process.pid)) == errno.EAGAIN
        assert not setting.accept_point.kept.entries
    assert setting.outcomes == [("*ALLOWED", ""), ("*ALLOWED", "")]


def test_another_process_gets_what_one_without_a_descriptor_left(server):
    setting = Setting()
    with program(FILLS_ITS_TABLE) as process, socket.create_connection(server.getsockname()):
        call = setting.accept(server, thread=process.pid)
        setting.kernel.fail(call, Step.DELIVER, errno.EMFILE)
        setting.serve(call)
        hears(server)
        assert setting.serve(setting.accept(server)) is None
        assert len(setting.kernel.deliveries) == 1


def test_accept_that_blocks_does_not_wait_without_a_descriptor_left(server):
    server.setblocking(True)
    setting = Setting(room=True)
    with program(FILLS_ITS_TABLE) as process:
        full, other = setting.accept(server, thread=process.pid), setting.accept(server)
        setting.serve(full)
        setting.serve(other)
        assert setting.kernel.wait_for(full, PATIENCE_S)
        assert setting.kernel.result(full) == errno.EMFILE
        with socket.create_connection(server.getsockname()):
            assert setting.kernel.wait_for(other, PATIENCE_S)
        until(lambda: not setting.room._queues, "the room to be empty", PATIENCE_S)
