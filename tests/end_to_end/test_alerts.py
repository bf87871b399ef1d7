"""Alerts from the call that is refused to the mail that arrives; messages from the shell to the console."""

from __future__ import annotations

import email
import email.policy
import signal

import pytest

from tests.alerts.receivers import Mailbox, Posts, free_port, mail_server, web_server
from tests.end_to_end.command import end, until

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]

KNOCK = """
import socket, sys
for number in range(int(sys.argv[2])):
    with socket.socket() as endpoint:
        endpoint.settimeout(5)
        try:
            endpoint.connect(("127.0.0.1", int(sys.argv[1])))
        except OSError:
            pass
"""
SERVE = """
import selectors, socket, sys
listening = selectors.DefaultSelector()
for _ in range(int(sys.argv[1])):
    server = socket.create_server(("127.0.0.1", 0))
    listening.register(server, selectors.EVENT_READ)
    print(server.getsockname()[1], flush=True)
print("ready", flush=True)
while True:
    for key, _ in listening.select():
        key.fileobj.accept()[0].close()
"""


def knock(greenwall, port, times):
    assert greenwall.run("python3", "-c", KNOCK, str(port), str(times)).returncode == 0


def refuse_all(greenwall):
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) RMTADR('127.0.0.0/8') ACTION(*REJECT)", "ACTSOCPCY")


def said(greenwall, message_id):
    return [each for each in greenwall.show("messages") if each["message_id"] == message_id]


def test_refused_connects_raise_an_alert_that_arrives_by_mail_and_webhook(greenwall):
    mailbox, posts = Mailbox(), Posts()
    with mail_server(mailbox) as mail, web_server(posts) as hook:
        refuse_all(greenwall)
        greenwall.cl(
            f"ADDALRDST MAIL *EMAIL TARGET('ops@example.com') SERVER('127.0.0.1') PORT({mail})",
            f"ADDALRDST HOOK *WEBHOOK TARGET('http://127.0.0.1:{hook}/') SECRET('key')",
            "ADDALR FAILS COND('sk_type = C AND outcome = *REJECTED') PER(user_name remote_port) THRESHOLD(5) "
            "WITHIN(30) CLEAR(2) SENDTO(*MSGQ MAIL HOOK) TEXT('Refused connects')",
        )
        knock(greenwall, 7, 4)
        knock(greenwall, 9, 6)
        until(lambda: len(posts.found) >= 2, "the webhook to be told that it is raised and over")
        until(lambda: len(mailbox.envelopes) >= 2, "the mails")
    raised, over = posts.bodies()
    assert (raised["event"], raised["key_fields"]["remote_port"], raised["count"]) == ("*RAISED", 9, 5)
    assert (over["event"], over["count"]) == ("*CLEARED", 6)
    subjects = [
        email.message_from_bytes(each.content, policy=email.policy.default)["Subject"] for each in mailbox.envelopes
    ]
    assert "Alert FAILS is raised for" in subjects[0]
    assert "Alert FAILS is over for" in subjects[1]
    assert [each["severity"] for each in said(greenwall, "GWL0910")] == [40]
    assert len(said(greenwall, "GWL0913")) == 1
    (alert,) = [each for each in greenwall.show("alerts") if each["name"] == "FAILS"]
    assert alert["raised"] == []


def test_notice_waits_for_its_receiver_over_the_death_of_the_worker(greenwall):
    posts, port = Posts(), free_port()
    refuse_all(greenwall)
    greenwall.cl(
        f"ADDALRDST HOOK *WEBHOOK TARGET('http://127.0.0.1:{port}/')",
        "ADDALR FAILS COND('sk_type = C AND outcome = *REJECTED') THRESHOLD(3) CLEAR(600) SENDTO(HOOK)",
    )
    knock(greenwall, 9, 5)
    until(lambda: said(greenwall, "GWL0924"), "operators to be told that the receiver is not there")
    (worker,) = greenwall.workers()
    end(worker, signal.SIGKILL)
    knock(greenwall, 9, 2)
    with web_server(posts, port):
        greenwall.cl("TSTALRDST HOOK")
        until(lambda: len(posts.found) > 1, "the notice")
        until(lambda: said(greenwall, "GWL0925"), "operators to be told that it works again")
    assert sorted(body["event"] for body in posts.bodies()) == ["*RAISED", "*TEST"]
    assert len(said(greenwall, "GWL0941")) == 1, "the worker that was killed"
    (alert,) = [each for each in greenwall.show("alerts") if each["name"] == "FAILS"]
    assert [each["count"] for each in alert["raised"]] == [7]
    assert "is whole" in greenwall("journal", "verify").stdout


def test_port_scan_is_in_the_journal_and_in_the_queue(greenwall):
    greenwall.cl("CHGALR PORTSCAN ACTIVE(*YES)")
    with greenwall.running("python3", "-c", SERVE, "6") as server:
        ports = [int(server.stdout.readline()) for _ in range(6)]
        assert server.stdout.readline() == "ready\n"
        for port in ports:
            knock(greenwall, port, 2)
        entries = until(
            lambda: [each for each in greenwall.show("journal") if each["entry_type"] == "IM"], "the IM entry"
        )
    (entry,) = entries
    assert (entry["sk_type"], entry["remote_address"], entry["local_port"] in ports) == ("P", "127.0.0.1", True)
    assert "Port scan from one address for 127.0.0.1" in entry["text"]
    assert len(said(greenwall, "GWL0910")) == 1


@pytest.mark.parametrize("size", [(80, 25), (132, 30)], ids=["80x25", "132x30"])
def test_severe_message_breaks_in_and_what_is_typed_stays(greenwall, terminal, size):
    screen = terminal(greenwall.arguments(), size)
    screen.wait_for("Greenwall Main Menu")
    assert " MW " not in screen.screen()
    screen.type("WRKSOC")
    greenwall.cl("SNDMSG 'Tea is ready' SEV(0)")
    screen.wait_for(" MW ")
    assert "Tea" not in screen.screen()
    place = screen.cursor()
    greenwall.cl("SNDMSG 'The house is on fire' SEV(50)")
    screen.wait_for("Message to QSYSOPR: The house is on fire")
    assert screen.cursor() == place
    screen.enter("RUL")
    screen.wait_for("Work with Socket Rules")
    screen.press("F12")
    screen.wait_for("Greenwall Main Menu")
    screen.enter("DSPMSG")
    screen.wait_for("Display Messages")
    screen.wait_for("The house is on fire")
    screen.wait_until_gone(" MW ")
