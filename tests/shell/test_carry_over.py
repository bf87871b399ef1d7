"""The verbs ``policy check --from`` and ``policy import --from``, as an operator types them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.__main__ import main
from console.store.engine import open_store
from console.store.outbox import waiting
from console.store.session import reading

PROXYCHAINS = """\
strict_chain
proxy_dns
localnet 10.0.0.0/8
[ProxyList]
socks5 198.51.100.7 1080 kim s3cret
"""
SOCKS_CONF = """\
route {
  from: 0.0.0.0/0 to: 0.0.0.0/0 via: 198.51.100.1 port = 9050
  proxyprotocol: socks_v5
}
route { from: 0.0.0.0/0 to: 10.0.0.0/8 via: direct }
"""
CHAIN = "[ProxyList]\nsocks5 198.51.100.1 1080\nsocks5 198.51.100.2 1080\n"
POLICY = """\
greenwall: 1
udp: decide
rules:
  - exit_point: "*CONNECT"
    sequence: 10
    remote_port: 443
    action: "*REJECT"
socks:
  - sequence: 5
    type: "*SOCKS"
    servers: ["old.example"]
"""


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def ids(self):
        """The ids of what was told on standard error."""
        return [line.split()[0] for line in self.stderr.splitlines()[::2]]


@pytest.fixture
def store_url(tmp_path):
    return f"sqlite:///{tmp_path}/shell.db"


@pytest.fixture
def shell(store_url, monkeypatch, capsys):
    """Call greenwall on a store of its own, in this process."""

    def call(*arguments, text=""):
        monkeypatch.setattr(sys, "argv", ["greenwall", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        code = main()
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    monkeypatch.setenv("GREENWALL_STORE", store_url)
    return call


def exported(shell, *options):
    return shell("policy", "export", *options).stdout


def socks_of(document):
    return document.partition("\nsocks:\n")[2]


def test_the_entries_of_the_pending_policy_are_replaced_and_all_else_stays(shell):
    shell("policy", "import", "-", text=POLICY)
    before = exported(shell)
    result = shell("policy", "import", "--from", "socks.conf", "-", text=SOCKS_CONF)
    assert (result.returncode, result.ids) == (0, ["GWL027C", "GWL027E"])
    assert result.stdout.startswith("GWL0286 SOCKS entries pending: 2, in place of 1 (")
    after = exported(shell)
    assert after.partition("\nsocks:\n")[0] == before.partition("\nsocks:\n")[0]
    assert 'remote_port: 443\n    action: "*REJECT"' in after
    assert "old.example" not in after
    assert socks_of(after) == (
        '  - sequence: 10\n    remote_address: "10.0.0.0/8"\n    type: "*DIRECT"\n    text: "socks.conf line 5"\n'
        '  - sequence: 20\n    remote_address: "0.0.0.0/0"\n    type: "*SOCKS"\n    servers: ["198.51.100.1:9050"]\n'
        '    text: "socks.conf line 1"\n'
    )


def test_importing_the_same_again_changes_nothing(shell):
    for _ in range(2):
        result = shell("policy", "import", "--from", "proxychains", "-", text=PROXYCHAINS)
    assert "pending: 2, in place of 2 (nothing changed)" in result.stdout


def test_what_cannot_be_carried_over_is_told_with_its_line_and_what_to_do(shell):
    result = shell("policy", "import", "--from", "proxychains", "-", text=PROXYCHAINS)
    told, what_to_do = result.stderr.splitlines()
    assert told.startswith("GWL026D Line 2: proxy_dns ")
    assert what_to_do


def test_a_password_is_kept_and_shown_only_when_asked_for(shell, tmp_path):
    result = shell("policy", "import", "--from", "proxychains", "-", text=PROXYCHAINS)
    assert "s3cret" not in result.stdout + result.stderr
    assert "GWL012A" not in result.ids
    assert "s3cret" not in exported(shell)
    assert 'password: "s3cret"' in exported(shell, "--with-secrets")
    assert not [path for path in tmp_path.iterdir() if b"s3cret" in path.read_bytes()]


def test_a_missing_password_is_told(shell):
    text = PROXYCHAINS.replace(" s3cret", "")
    result = shell("policy", "import", "--from", "proxychains", "-", text=text)
    assert (result.returncode, result.ids) == (0, ["GWL026D", "GWL012A"])


def test_an_import_is_in_the_audit_journal_with_its_format_and_each_change(shell, store_url):
    shell("policy", "import", "--from", "proxychains", "-", text=PROXYCHAINS)
    store = open_store(store_url)
    with reading(store) as session:
        kept = [entry.text for entry in waiting(session)]
    store.close()
    assert "greenwall policy import --from proxychains -" in "\n".join(kept)
    assert "SOCKS entry 10 added by import" in kept
    assert "SOCKS entry 20 added by import" in kept


@pytest.mark.parametrize(
    ("source", "text", "message_id", "said"),
    [
        ("proxychains", CHAIN, "GWL0263", "line 2, 3"),
        ("proxychains", "localnet 10.0.0.0/8\n", "GWL0262", ""),
        ("proxychains", "localnet 10.0.0.0\n", "GWL0260", "line 1: "),
        ("proxychains", "[ProxyList]\nhttp 198.51.100.1 3128\n", "GWL0263", "line 2 "),
        ("socks.conf", "# route\n", "GWL0262", ""),
        ("socks.conf", "internal: eth0\n", "GWL0261", "line 1: "),
        ("socks.conf", SOCKS_CONF.replace("socks_v5", "http"), "GWL0263", "line 1 "),
    ],
)
@pytest.mark.parametrize("verb", ["check", "import"])
def test_what_cannot_be_taken_is_refused_and_the_pending_policy_stays(shell, verb, source, text, message_id, said):
    shell("policy", "import", "-", text=POLICY)
    before = exported(shell)
    result = shell("policy", verb, "--from", source, "-", text=text)
    assert (result.returncode, result.stdout, result.ids[-1]) == (1, "", message_id)
    assert said in result.stderr.splitlines()[-2]
    assert exported(shell) == before


def test_a_chain_is_told_by_its_name(shell):
    result = shell("policy", "check", "--from", "proxychains", "-", text="dynamic_chain\n" + CHAIN)
    assert result.stderr.startswith("GWL0264 Line 1: dynamic_chain with 2 proxies was not carried over")


@pytest.mark.parametrize("verb", ["check", "import"])
def test_an_unknown_format_is_a_usage_error(shell, verb):
    result = shell("policy", verb, "--from", "socks", "-", text=SOCKS_CONF)
    assert (result.returncode, result.ids) == (2, ["GWL000E"])
    assert "proxychains, socks.conf" in result.stderr


def test_a_check_needs_no_store_and_changes_nothing(shell, tmp_path, monkeypatch):
    monkeypatch.setenv("GREENWALL_STORE", "nonsense")
    result = shell("policy", "check", "--from", "socks.conf", "-", text=SOCKS_CONF)
    assert (result.returncode, result.stdout) == (0, "GWL0285 SOCKS entries in -: 2. Not carried over: 2.\n")
    assert not list(tmp_path.iterdir())


def test_the_help_says_what_is_replaced(shell):
    said = " ".join(shell("policy", "import", "--help").stdout.split())
    assert "replace the SOCKS entries of the pending policy" in said
    assert "proxychains or socks.conf" in said


def test_the_command_itself_imports_a_file_of_the_file_system(tmp_path, store_url):
    file = tmp_path / "proxychains.conf"
    file.write_text(PROXYCHAINS)
    command = [str(Path(sys.executable).parent / "greenwall"), "--store", store_url, "policy"]
    environment = {name: value for name, value in os.environ.items() if name != "GREENWALL_STORE"}
    ended = [
        subprocess.run([*command, *words], capture_output=True, text=True, timeout=120, check=False, env=environment)
        for words in (["import", "--from", "proxychains", str(file)], ["export"])
    ]
    assert [each.returncode for each in ended] == [0, 0], ended
    assert "pending: 2" in ended[0].stdout
    assert 'servers: ["198.51.100.7"]' in ended[1].stdout
