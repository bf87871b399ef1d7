"""The command on the settings of the policy."""

from __future__ import annotations

import json

import pytest

from console.commands.execute import run_command
from console.errors import ConsoleError
from console.model.words import RawSockets, Udp
from console.store.outbox import waiting
from console.store.revisions import active_policy
from console.store.session import reading
from console.store.settings import Settings, get_settings


def settings(context):
    with reading(context.store) as session:
        return get_settings(session)


def audit(context):
    with reading(context.store) as session:
        return waiting(session)


def test_a_setting_is_changed_and_the_other_stays_the_same(context):
    result = run_command("CHGSOCPCY UDP(*DECIDE)", context)
    assert result.messages[0].text == "Datagrams are *DECIDE and raw sockets *REFUSE, once activated."
    assert settings(context) == Settings(Udp.DECIDE, RawSockets.REFUSE)
    run_command("CHGSOCPCY RAWSKT(allow)", context)
    assert settings(context) == Settings(Udp.DECIDE, RawSockets.ALLOW)


def test_a_changed_setting_leaves_a_gr_and_a_cd_entry(context):
    run_command("CHGSOCPCY *DECIDE", context)
    gr, cd = audit(context)
    assert (gr.entry_type, gr.exit_point, gr.text) == ("GR", "", "Settings changed to UDP(*DECIDE) RAWSKT(*REFUSE)")
    assert json.loads(gr.detail) == {
        "before": {"udp": "*IGNORE", "raw_sockets": "*REFUSE"},
        "after": {"udp": "*DECIDE", "raw_sockets": "*REFUSE"},
    }
    assert (cd.entry_type, cd.detail) == ("CD", "CHGSOCPCY UDP(*DECIDE)")


@pytest.mark.parametrize("command", ["CHGSOCPCY", "CHGSOCPCY UDP(*IGNORE) RAWSKT(*SAME)"])
def test_settings_that_are_the_same_stay_without_an_audit_entry(context, command):
    assert [message.message_id for message in run_command(command, context).messages] == ["GWL0155"]
    assert audit(context) == []


@pytest.mark.parametrize("command", ["CHGSOCPCY UDP(*REFUSE)", "CHGSOCPCY RAWSKT(*YES)"])
def test_a_word_that_is_none_is_answered_with_those_that_are(context, command):
    with pytest.raises(ConsoleError) as caught:
        run_command(command, context)
    assert caught.value.message_id == "GWL0113"
    assert settings(context) == Settings(Udp.IGNORE, RawSockets.REFUSE)


def test_changed_settings_count_when_they_are_activated(context):
    run_command("CHGSOCPCY *DECIDE *ALLOW", context)
    with reading(context.store) as session:
        assert active_policy(session)[1].udp is Udp.IGNORE
    assert run_command("ACTSOCPCY", context).messages[0].text == "Revision 2 is active: 2 settings changed."
    with reading(context.store) as session:
        _, policy = active_policy(session)
        assert (policy.udp, policy.raw_sockets) == (Udp.DECIDE, RawSockets.ALLOW)
