"""Taking policies over from files by a command."""

from __future__ import annotations

import os

import pytest

from console.commands.execute import run_command
from console.errors import ConsoleError
from console.store.outbox import waiting
from console.store.revisions import pending_policy
from console.store.session import reading

DOCUMENT = """
greenwall: 1
rules:
  - {exit_point: '*CONNECT', sequence: 40, remote_port: 25, action: '*REJECT'}
socks:
  - {sequence: 10, servers: proxy.example, user_id: u}
"""
PROXYCHAINS = "strict_chain\nproxy_dns\n[ProxyList]\nsocks5 192.0.2.1 1080\n"
SOCKS_CONF = "route { from: 0.0.0.0/0 to: 0.0.0.0/0 via: 192.0.2.1 port = 1080 proxyprotocol: socks_v5 }\n"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def put(text):
        path = tmp_path / "Policy File"
        path.write_text(text, encoding="utf-8")
        return path

    return put


def pending(context):
    with reading(context.store) as session:
        return pending_policy(session)


def run(context, path, *more):
    return [message.message_id for message in run_command(f"IMPSOCPCY '{path}' {' '.join(more)}", context).messages]


def test_document_becomes_the_pending_policy(context, write):
    run_command("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(50) ACTION(*REJECT)", context)
    assert run(context, write(DOCUMENT)) == ["GWL0011", "GWL012A"]
    policy = pending(context)
    assert [rule.sequence for rule in policy.rules if rule.sequence < 99_999] == [40]
    assert [entry.sequence for entry in policy.socks] == [10]


def test_password_that_a_document_lacks_is_kept(context, write):
    run_command("ADDSOCKSE SEQNBR(10) SERVER(proxy.example) USERID(u) PASSWORD(hunter2)", context)
    before = pending(context).socks[0].password
    assert run(context, write(DOCUMENT), "*YAML") == ["GWL0011"]
    assert pending(context).socks[0].password == before


@pytest.mark.parametrize(
    ("text", "word", "said"),
    [(PROXYCHAINS, "*PROXYCHAINS", ["GWL0286", "GWL026D"]), (SOCKS_CONF, "socksconf", ["GWL0286"])],
)
def test_configuration_of_another_program_takes_the_place_of_the_entries_only(context, write, text, word, said):
    run_command("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(50) ACTION(*REJECT)", context)
    run_command("ADDSOCKSE SEQNBR(30) SERVER(other.example)", context)
    told = run(context, write(text), f"FROM({word})")
    assert told[0] == "GWL0286"
    assert set(said) <= set(told)
    policy = pending(context)
    assert [rule.sequence for rule in policy.rules if rule.sequence < 99_999] == [50]
    assert {server.host for entry in policy.socks for server in entry.servers} == {"192.0.2.1"}


def test_import_is_audited_with_what_it_changed(context, write):
    run(context, write(DOCUMENT))
    with reading(context.store) as session:
        *changes, done = waiting(session)
    assert {entry.entry_type for entry in changes} == {"GR"}
    assert (done.entry_type, done.text.split()[0]) == ("CD", "IMPSOCPCY")


def test_import_of_what_is_pending_changes_nothing(context, write):
    path = write(DOCUMENT)
    run(context, path)
    with reading(context.store) as session:
        before = len(waiting(session))
    run(context, path)
    with reading(context.store) as session:
        assert len(waiting(session)) == before


@pytest.mark.parametrize(
    ("text", "word", "message_id"),
    [
        ("greenwall: 2", "*YAML", None),
        ("", "*PROXYCHAINS", "GWL0262"),
        ("[ProxyList]\nhttp 192.0.2.1 80\n", "*PROXYCHAINS", None),
        (PROXYCHAINS, "*TOML", "GWL0113"),
    ],
)
def test_what_cannot_be_taken_over_changes_nothing(context, write, text, word, message_id):
    before = pending(context)
    with pytest.raises(ConsoleError) as caught:
        run(context, write(text), f"FROM({word})")
    assert message_id in (None, caught.value.message_id)
    assert pending(context) == before


def test_file_that_cannot_be_read_is_named(context, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message_id in [(tmp_path / name, "GWL0006") for name in ("none", "", "pipe")]:
        with pytest.raises(ConsoleError) as caught:
            run(context, path)
        assert (caught.value.message_id, caught.value.values["path"]) == (message_id, str(path))
    (tmp_path / "octets").write_bytes(b"greenwall: 1\n\xff")
    with pytest.raises(ConsoleError) as caught:
        run(context, tmp_path / "octets")
    assert (caught.value.message_id, caught.value.values["line"]) == ("GWL0007", 2)


@pytest.mark.parametrize("path", ["' '", "'/'", "'a/'"])
def test_what_is_no_path_is_refused(context, path):
    with pytest.raises(ConsoleError) as caught:
        run_command(f"IMPSOCPCY {path}", context)
    assert caught.value.message_id == "GWL0113"
