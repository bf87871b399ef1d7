"""Each channel against a real receiver, with harmless notices and hostile ones."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import ssl
import sys
import warnings
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from console.alerts import by_apprise
from console.alerts.by_syslog import line_of
from console.alerts.by_webhook import signature
from console.alerts.channels import WAYS
from console.alerts.notices import notice
from console.alerts.place import Place
from console.alerts.states import Spec, Tracker
from console.errors import AlertError
from console.messages import describe
from console.model.alerts import Channel, Security
from console.policy.secret import Secret
from tests.alerts.receivers import DEADLINE_S, Mailbox, Posts, datagram_server, free_port, mail_server, web_server
from tests.alerts.rows import row

HOSTILE = 'EVIL\r\nBcc: all@example.com\n\x1b]0;x\x07 \u202e<13>1 - "]\\ $(id) `id`; \u2028'


def payload(**fields):
    spec = Spec("REFUSED", "outcome = *REJECTED", per="user_name program")
    (event,) = Tracker(spec).feed(row(7, outcome="*REJECTED", remote_address="10.0.0.1", **fields))
    return notice(spec, event, severity=40, text="Refused", system="HERE", notice_id="0" * 32).payload


def hostile():
    return {**payload(user_name=HOSTILE, program=f"/tmp/{HOSTILE}", text=HOSTILE), "system": HOSTILE}


def place(channel, target, **fields):
    return Place("TARGET", Channel(channel), target, **{"time_limit_s": 10, **fields})


def deliver(where, what):
    WAYS[where.channel].check(where)
    return WAYS[where.channel].deliver(where, what)


def reason(where, what=None):
    with pytest.raises(AlertError) as refused:
        deliver(where, what or payload())
    return describe(refused.value).text


def import_apprise():
    """Load Apprise, whose modules use some that Python will do without."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pytest.importorskip("apprise").Apprise().add("json://127.0.0.1/")


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """Return the path of a certificate for localhost and its key, which this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


def parsed(envelope):
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def test_mail_says_what_happened_to_every_receiver():
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        where = place("*EMAIL", "ops@example.com, night@example.com", server="127.0.0.1", port=port)
        assert deliver(where, payload()) == ""
    (envelope,) = mailbox.envelopes
    assert envelope.rcpt_tos == ["ops@example.com", "night@example.com"]
    assert envelope.mail_from == "greenwall@here"
    mail = parsed(envelope)
    assert mail["Subject"] == (
        "[HERE] Alert REFUSED is raised for ALICE /usr/bin/curl (Refused): 1 or more entries in 1 min."
    )
    assert mail["Message-ID"] == f"<{'0' * 32}@here.greenwall>"
    assert "remote_address:      10.0.0.1" in mail.get_content()


def test_nothing_in_an_entry_adds_a_header_or_a_receiver_to_a_mail():
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        deliver(place("*EMAIL", "ops@example.com", server="127.0.0.1", port=port), hostile())
    (envelope,) = mailbox.envelopes
    assert envelope.rcpt_tos == ["ops@example.com"]
    mail = parsed(envelope)
    assert "Bcc" not in mail
    assert len(mail.get_all("Subject")) == 1
    text = mail.get_content().replace("\r\n", "\n")
    assert not any(mark in text for mark in ("\x1b", "\x07", "\u202e", "\u2028", "\r"))
    assert "\nBcc:" not in text


def test_receiver_that_the_mail_server_does_not_know_is_said_while_others_are_served():
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        two = place("*EMAIL", "ops@example.com nobody@example.com", server="127.0.0.1", port=port)
        assert deliver(two, payload()) == "refused: nobody@example.com"
        none = place("*EMAIL", "nobody@example.com", server="127.0.0.1", port=port)
        assert "no such user" in reason(none)
        mailbox.answer = "451 come back\x1b[2J later"
        assert "451 come back·[2J later" in reason(two)


def test_mail_server_that_is_not_there_is_a_failure():
    assert "refused" in reason(place("*EMAIL", "ops@example.com", server="127.0.0.1", port=free_port())).lower()


def test_mail_password_is_sent_over_starttls_only(certificate):
    mailbox = Mailbox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    options = {"tls_context": context, "authenticator": mailbox.authenticate, "auth_required": True}
    with mail_server(mailbox, **options) as port:
        where = {"server": "localhost", "port": port, "user_id": "greenwall", "security": Security.STARTTLS}
        assert deliver(place("*EMAIL", "ops@example.com", secret=Secret("right"), **where), payload()) == ""
        assert "535" in reason(place("*EMAIL", "ops@example.com", secret=Secret("wrong"), **where))
    assert set(mailbox.logins) == {("greenwall", "right"), ("greenwall", "wrong")}
    assert len(mailbox.envelopes) == 1
    in_clear = place("*EMAIL", "o@example.com", server="h", user_id="u", secret=Secret("right"))
    assert "SECURITY" in reason(in_clear)


def test_mail_server_with_a_certificate_that_is_not_trusted_gets_nothing(certificate, monkeypatch):
    mailbox = Mailbox()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    with mail_server(mailbox, tls_context=context) as port:
        where = place("*EMAIL", "ops@example.com", server="localhost", port=port, security=Security.STARTTLS)
        assert "certificate" in reason(where)
    assert mailbox.envelopes == []


def test_webhook_gets_the_payload_as_json_signed():
    posts = Posts()
    with web_server(posts) as port:
        where = place("*WEBHOOK", f"http://127.0.0.1:{port}/hook?a=b", secret=Secret("key"))
        deliver(where, hostile())
    ((path, headers, body),) = posts.found
    assert path == "/hook?a=b"
    assert json.loads(body)["entry"]["user_name"] == HOSTILE
    assert headers["X-Greenwall-Id"] == "0" * 32
    assert headers["X-Greenwall-Signature"] == signature("key", headers["X-Greenwall-Timestamp"], body)
    assert body.isascii()


def test_webhook_follows_no_redirect():
    posts, elsewhere = Posts(), Posts()
    with web_server(posts) as port, web_server(elsewhere) as other:
        posts.status, posts.headers = 307, {"Location": f"http://127.0.0.1:{other}/"}
        assert "307" in reason(place("*WEBHOOK", f"http://127.0.0.1:{port}/"))
    assert (len(posts.found), elsewhere.found) == (1, [])


@pytest.mark.parametrize("status", [400, 500, 204])
def test_webhook_is_delivered_when_the_server_says_so(status):
    posts = Posts()
    posts.status = status
    with web_server(posts) as port:
        where = place("*WEBHOOK", f"http://127.0.0.1:{port}/")
        if status == 204:
            deliver(where, payload())
        else:
            assert str(status) in reason(where)


def test_webhook_that_says_nothing_ends_when_its_time_is_over():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = place("*WEBHOOK", f"http://127.0.0.1:{silent.getsockname()[1]}/", time_limit_s=1)
        assert "did not end within 1 seconds" in reason(where)


@pytest.mark.parametrize(
    "target",
    ["", "ftp://h/", "http://", "http://h\r\nX: y/", "http://h/ x", "http://u:p@h/", "http://h:99999/", "http://[::1/"],
)
def test_webhook_must_be_a_url(target):
    assert "TARGET" in reason(place("*WEBHOOK", target))


def test_syslog_over_udp_is_one_line_of_rfc_5424():
    with datagram_server() as server:
        deliver(place("*SYSLOG", f"udp://127.0.0.1:{server.getsockname()[1]}"), payload())
        line = server.recv(4096).decode()
    assert line.startswith("<106>1 2026-03-01T12:00:00.123456Z HERE greenwall - GWL0910 [notice@32473 id=")
    assert line.endswith("\ufeffAlert REFUSED is raised for ALICE /usr/bin/curl (Refused): 1 or more entries in 1 min.")


def test_syslog_over_tcp_is_framed_by_its_length():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_S)
        deliver(place("*SYSLOG", f"tcp://127.0.0.1:{server.getsockname()[1]}"), hostile())
        connection, _ = server.accept()
        with connection:
            octets = connection.makefile("rb").read()
    length, _, line = octets.partition(b" ")
    assert int(length) == len(line)
    assert line == line_of(hostile())


def test_syslog_over_a_unix_socket(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "log"))
        server.settimeout(DEADLINE_S)
        deliver(place("*SYSLOG", f"unix://{tmp_path}/log"), payload())
        assert server.recv(4096).startswith(b"<106>1 ")


def test_hostile_syslog_line_stays_one_line_with_its_fields_quoted():
    line = line_of(hostile()).decode()
    assert not any(ord(character) < 32 or character in "\x7f\u2028\u202e" for character in line)
    assert '\\"\\]\\\\' in line
    host = line.split(" ")[2]
    assert host.isascii()


@pytest.mark.parametrize("target", ["", "host", "udp://", "http://h:1", "unix://x", "tcp://h:x"])
def test_syslog_must_be_named_by_a_url(target):
    assert "TARGET" in reason(place("*SYSLOG", target))


def test_command_gets_the_payload_on_its_input_and_entries_only_as_data(tmp_path):
    script = tmp_path / "take it.py"
    script.write_text(
        "import json, os, sys\n"
        "told = [sys.argv[1:], json.load(sys.stdin), dict(os.environ)]\n"
        "open(sys.argv[1], 'w').write(json.dumps(told))\n"
    )
    out = tmp_path / "out"
    deliver(place("*COMMAND", f"{sys.executable} '{script}' {out} '$(id)'"), hostile())
    arguments, told, environment = json.loads(out.read_text())
    assert arguments == [str(out), "$(id)"]
    assert told == hostile()
    assert environment["GREENWALL_ALERT"] == "REFUSED"
    assert environment["GREENWALL_SEVERITY"] == "40"
    assert not any(ord(character) < 32 for value in environment.values() for character in value)
    assert "HOME" not in environment


def test_command_that_fails_or_takes_too_long_or_is_not_there_was_not_delivered():
    assert "status 3" in reason(place("*COMMAND", "/bin/sh -c 'exit 3'"))
    assert "within 1 seconds" in reason(place("*COMMAND", "/bin/sleep 60", time_limit_s=1))
    assert "No such file" in reason(place("*COMMAND", "/nowhere/at/all"))
    for target in ("", "relative", "/bin/sh 'open"):
        assert "TARGET" in reason(place("*COMMAND", target))


def test_apprise_delivers_to_what_its_url_names():
    import_apprise()
    posts = Posts()
    with web_server(posts) as port:
        deliver(place("*APPRISE", "", secret=Secret(f"json://127.0.0.1:{port}/hook")), hostile())
        posts.status = 500
        assert "did not take it" in reason(place("*APPRISE", "", secret=Secret(f"json://127.0.0.1:{port}/")))
    (path, _, body), _ = posts.found
    assert path == "/hook"
    assert "Alert REFUSED is raised" in json.loads(body)["title"]
    assert "\x1b" not in json.loads(body)["message"]


def test_apprise_takes_no_url_that_it_does_not_know():
    import_apprise()
    assert "SECRET" in reason(place("*APPRISE", "", secret=Secret("nonsense")))
    assert "SECRET" in reason(place("*APPRISE", ""))


def test_apprise_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr(by_apprise, "find_spec", lambda name: None)
    assert "not installed" in reason(place("*APPRISE", "", secret=Secret("json://127.0.0.1/")))


def test_secret_is_in_no_error():
    where = place("*WEBHOOK", f"http://127.0.0.1:{free_port()}/", secret=Secret("hidden word"))
    assert "hidden" not in reason(where) + repr(where)
