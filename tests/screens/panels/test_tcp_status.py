"""Work with TCP/IP Network Status: connections of the system, and what is done with them."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import pytest

from console.commands.coverage import Coverage, CoveredSocket, Engine, Holder, read_coverage
from console.commands.host_sockets import LISTEN, HostProcess, HostSocket
from screens.panels.work_with_tcp_status import WorkWithTcpStatus
from screens.terminal.page import WIDE
from tests.screens.panels.operator import Operator
from tests.screens.panels.test_coverage import SOCKETS

CURL = HostProcess(6001, 1, 0.0, "curl", "/usr/bin/curl", 0, frozenset({7}))
CONNECTION = CoveredSocket(
    HostSocket(7, "TCP", "ESTABLISHED", "192.0.2.10", 49822, "203.0.113.9", 443, 1000),
    Engine.KERNEL, "", "", "ALICE", (Holder(CURL, is_in_kernel=True),),
)  # fmt: skip


@pytest.fixture
def seen():
    return [Coverage((*SOCKETS, CONNECTION), 3)]


@pytest.fixture
def status(services, seen):
    return Operator(WorkWithTcpStatus(services, {}, look=lambda context: seen[0]))


def test_the_list_looks_as_drawn(status):
    assert status.matches("work_with_tcp_status")
    assert status.press("F11").matches("work_with_tcp_status_program")
    assert status.press("F11").matches("work_with_tcp_status_engine")


def test_a_wide_screen_shows_more(services, seen):
    wide = Operator(WorkWithTcpStatus(services, {}, look=lambda context: seen[0]), WIDE)
    assert wide.matches("work_with_tcp_status_wide")
    assert wide.press("F11").matches("work_with_tcp_status_engine_wide")


def test_f18_shows_a_subset_and_says_which(status):
    status.press("F18").enter(TYPE="*CNN", USRPRF="AL*")
    assert list(status.buffer.values) == ["POSTO", "OPT.7", "CMD"]
    assert "Subset . . . :  *CNN AL*" in status.row(3)


def test_position_to_brings_a_port_to_the_top(status):
    status.enter(POSTO="443")
    assert ":443 " in status.row(9)


def test_option_5_shows_who_holds_a_connection(status):
    status.option("7", "5").press("ENTER")
    assert status.title == "Display Socket"
    assert "6001  curl" in status.shown


def test_option_8_shows_the_job_of_a_socket(status):
    status.option("2", "8").press("ENTER")
    assert status.title == "Work with Socket Jobs"
    assert "Subset . . . :  000012/NOBODY/HTTPD" in status.shown


def test_option_8_names_the_process_where_there_is_no_job(status):
    status.option("1", "8").press("ENTER")
    assert status.message == "No job under a guard holds this socket, but process 812, /usr/sbin/sshd."
    assert status.options == {"1": "8"}


def test_option_14_fills_in_a_rule_that_refuses_the_like(status):
    status.option("7", "14").press("ENTER")
    assert status.title == "Add Socket Rule (ADDSOCRUL)"
    filled = {word: status.buffer.values[word] for word in ("EXITPNT", "USRPRF", "RMTADR", "RMTPORT", "ACTION")}
    assert filled == {
        "EXITPNT": "*CONNECT", "USRPRF": "ALICE", "RMTADR": "203.0.113.9", "RMTPORT": "443", "ACTION": "*REJECT",
    }  # fmt: skip
    status.press("ENTER")
    assert status.title == "Work with TCP/IP Network Status"
    assert status.message == "Rule 10 added to *CONNECT."


def test_f5_reads_anew_and_keeps_an_option(status, seen):
    status.option("7", "14")
    seen[0] = Coverage((CONNECTION,), 0)
    status.press("F5")
    assert status.options == {"7": "14"}
    assert "Listeners 0, connections 1" in status.row(4)
    assert "Only root" not in status.row(4)


def test_a_datagram_socket_cannot_be_ended(status):
    status.option("6", "4").press("ENTER")
    assert status.message_ids == ["GWL0756"]


def test_what_a_program_calls_itself_cannot_draw(services):
    nasty = replace(CURL, name="\x1b[2J\x07x", program="/tmp/\x1b]0;x\x07")
    row = replace(CONNECTION, holders=(Holder(nasty),))
    status = Operator(WorkWithTcpStatus(services, {}, look=lambda context: Coverage((row,), 0)))
    assert "\x1b" not in status.press("F11").shown
    assert "\x07" not in status.shown


@pytest.mark.skipif(os.geteuid() != 0, reason="ending sockets needs CAP_NET_ADMIN")
def test_option_4_asks_then_ends_the_connection(services):
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as server,
    ):
        port = str(client.getsockname()[1])
        status = Operator(WorkWithTcpStatus(services, {"LCLPORT": port, "TYPE": "*CNN"}, look=read_coverage))
        inode = str(os.fstat(client.fileno()).st_ino)
        status.option(inode, "4").press("ENTER")
        assert status.title == "Confirm End of TCP/IP Connections"
        assert f"127.0.0.1:{port}" in status.shown
        status.press("F12").press("ENTER").press("ENTER")
        assert status.message_ids == ["GWL0751"]
        with pytest.raises(ConnectionResetError):
            server.recv(1)
        assert f"127.0.0.1:{port}" not in status.shown


def test_a_listener_counts_as_one(status):
    assert LISTEN in status.row(9)
