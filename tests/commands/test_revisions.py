"""Revisions: which there are, what they hold, going back to one, and those that must be confirmed."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import timedelta

import pytest

from console.commands.execute import run_command
from console.enforcement.ledger import Ledger
from console.errors import AuthorityError, CommandError
from console.model.revision import Revision
from console.store.confirmation import waiting_confirmation
from console.store.messages import list_messages
from console.store.outbox import waiting
from console.store.revisions import active_number, active_policy, count_changes, list_revisions, pending_policy
from console.store.session import reading, transaction
from tests.commands.conftest import NOW

ADD = "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR({}) RMTPORT({}) ACTION(*REJECT)"


@pytest.fixture
def three(context):
    """Return a context whose store has revisions 1 to 3, with one more rule each."""
    for number, port in ((10, 25), (20, 26)):
        run_command(ADD.format(number, port), context)
        run_command(f"ACTSOCPCY 'port {port}'", context)
    return context


def run(text, context):
    return [message.message_id for message in run_command(text, context).messages]


def refusal(text, context):
    with pytest.raises(CommandError) as caught:
        run_command(text, context)
    return caught.value.message_id


def ports(context, active=True):
    with reading(context.store) as session:
        policy = active_policy(session)[1] if active else pending_policy(session)
    return [rule.remote_port for rule in policy.rules if rule.sequence < 99999]


def active(context):
    with reading(context.store) as session:
        return active_number(session)


def test_the_revisions_are_listed_newest_first_and_the_active_one_is_marked(three):
    lines = run_command("WRKSOCPCY", three).lines
    assert [line.split()[0] for line in lines] == ["Revision", "3", "2", "1"]
    assert ["*ACTIVE" in line for line in lines] == [False, True, False, False]
    assert "OPER  port 26" in lines[1]


def test_what_a_revision_holds_is_shown_as_a_list(three):
    head, modes, *rules = run_command("DSPSOCPCY 2", three).lines
    assert head == "Revision 2, made 2026-03-01 12:00:00 by OPER: port 25"
    assert "*CONNECT *ENFORCE" in modes
    assert [line.split()[1] for line in rules if line.startswith("*CONNECT")] == ["10", "*DFT"]
    assert run_command("DSPSOCPCY *PENDING", three).lines[0] == "The pending policy"


@pytest.mark.parametrize("command", ["RBKSOCPCY", "RBKSOCPCY *PRV", "RBKSOCPCY 2"])
def test_rolling_back_makes_a_new_revision_that_holds_what_the_old_one_does(three, command):
    run_command(ADD.format(30, 27), three)
    assert run(command, three) == ["GWL0148", "GWL0292"]
    assert (active(three), ports(three), ports(three, active=False)) == (4, ["25"], ["25"])
    with reading(three.store) as session:
        assert list_revisions(session)[0].text == "Revision 2 again"
        texts = [entry.text for entry in waiting(session)]
    assert "Pending policy made what revision 2 is: 2 rules removed" in texts


def test_an_old_revision_can_be_made_pending_only(three):
    assert run("RBKSOCPCY 1 ACTIVATE(*NO)", three) == ["GWL0292"]
    assert (active(three), ports(three), ports(three, active=False)) == (3, ["25", "26"], [])


def test_a_revision_that_is_not_there_is_refused(three):
    with pytest.raises(Exception, match="GWL0325"):
        run_command("RBKSOCPCY 9", three)
    assert ports(three, active=False) == ["25", "26"]


def test_before_the_first_there_is_none(context):
    assert refusal("RBKSOCPCY", context) == "GWL0293"


def later(context, **since):
    return replace(context, clock=lambda: NOW + timedelta(**since))


def ledger_at(context, **since):
    """Return what the worker does with the store, by its clock."""
    return Ledger(context.store, lambda: NOW + timedelta(**since))


@pytest.fixture
def unconfirmed(three):
    """Return a context whose revision 4 must be confirmed within five minutes."""
    run_command(ADD.format(30, 27), three)
    assert run("ACTSOCPCY CONFIRM(5)", three)[0] == "GWL0291"  # no worker runs that would take it back
    return three


def test_who_confirms_in_time_keeps_the_revision(unconfirmed):
    assert run("CFMSOCPCY", later(unconfirmed, minutes=4)) == ["GWL0296"]
    assert ledger_at(unconfirmed, minutes=6).policies.newer(4) is None
    assert active(unconfirmed) == 4
    assert refusal("CFMSOCPCY", unconfirmed) == "GWL0295"


def test_the_worker_takes_back_what_nobody_confirms_and_leaves_the_pending_policy(unconfirmed):
    assert ledger_at(unconfirmed, minutes=5, seconds=-1).policies.newer(4) is None
    number, policy = ledger_at(unconfirmed, minutes=5).policies.newer(4)
    assert (number, [rule.remote_port for rule in policy.rules if rule.sequence < 99999]) == (5, ["25", "26"])
    assert (active(unconfirmed), ports(unconfirmed)) == (5, ["25", "26"])
    assert ports(unconfirmed, active=False) == ["25", "26", "27"]
    assert refusal("CFMSOCPCY", unconfirmed) == "GWL0295"


def test_that_is_in_the_journal_and_told_to_operators(unconfirmed):
    ledger_at(unconfirmed, minutes=5).policies.newer(4)
    with reading(unconfirmed.store) as session:
        entry = waiting(session)[-1]
        (told,) = list_messages(session)
    assert (entry.entry_type, entry.user_name, entry.revision) == ("GR", "QSYS", 5)
    assert entry.text == "Revision 4 was taken back: revision 5 is revision 3 again"
    assert told.message_id == "GWL0294"


def test_it_holds_over_a_restart_of_the_worker_which_then_begins_with_the_old_revision(unconfirmed):
    number, policy = ledger_at(unconfirmed, hours=1).start(host="njord")
    assert number == 5
    assert "27" not in [rule.remote_port for rule in policy.rules]


def test_another_activation_confirms_the_revision_before_it(unconfirmed):
    run_command(ADD.format(40, 28), unconfirmed)
    assert run("ACTSOCPCY", unconfirmed) == ["GWL0148"]
    assert ledger_at(unconfirmed, hours=1).policies.newer(5) is None


def test_two_that_wait_are_both_taken_back(unconfirmed):
    run_command(ADD.format(40, 28), unconfirmed)
    run_command("ACTSOCPCY CONFIRM(5)", unconfirmed)
    ledger_at(unconfirmed, hours=1).policies.newer(5)
    assert ports(unconfirmed) == ["25", "26"]


def test_a_rollback_may_be_confirmed_too(three):
    run_command("RBKSOCPCY 1 CONFIRM(1)", three)
    with reading(three.store) as session:
        assert waiting_confirmation(session).return_to == 3
    ledger_at(three, minutes=2).policies.newer(4)
    assert ports(three) == ["25", "26"]


def test_what_waits_is_marked_in_the_list(unconfirmed):
    assert "*CONFIRM" in run_command("WRKSOCPCY", unconfirmed).lines[1]


def test_a_policy_is_exported_for_its_owner_only_and_taken_in_again(three, tmp_path):
    path = tmp_path / "policy.yaml"
    assert run(f"EXPSOCPCY '{path}' 2", three) == ["GWL0297"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert refusal(f"EXPSOCPCY '{path}' 3", three) == "GWL0633"
    run_command(f"IMPSOCPCY '{path}'", three)
    assert ports(three, active=False) == ["25"]
    assert run(f"EXPSOCPCY '{path}' *ACTIVE REPLACE(*YES)", three) == ["GWL0297"]
    assert path.read_text().count("port:") == 2


def test_passwords_are_exported_only_when_asked_for_and_that_is_audited(three, tmp_path):
    run_command("ADDSOCKSE 10 SERVER(proxy) USERID(me) PASSWORD(s3cret)", three)
    run_command(f"EXPSOCPCY '{tmp_path}/a.yaml'", three)
    with reading(three.store) as session:
        assert "EXPSOCPCY" not in waiting(session)[-1].text
    run_command(f"EXPSOCPCY '{tmp_path}/b.yaml' SECRETS(*YES)", three)
    assert "s3cret" not in (tmp_path / "a.yaml").read_text()
    assert "s3cret" in (tmp_path / "b.yaml").read_text()
    with reading(three.store) as session:
        assert waiting(session)[-1].text.startswith("EXPSOCPCY TOFILE(")


def test_exporting_passwords_needs_more_authority(three, tmp_path):
    few = replace(three, authorities=frozenset({"*ALLOBJ"}))
    run_command(f"EXPSOCPCY '{tmp_path}/a.yaml'", few)
    with pytest.raises(CommandError):
        run_command(f"EXPSOCPCY '{tmp_path}/b.yaml' SECRETS(*YES)", few)


def test_nothing_pends_after_a_rollback(three):
    run_command("RBKSOCPCY 1", three)
    with reading(three.store) as session:
        assert count_changes(session) == 0


def test_a_revision_that_cannot_be_gone_back_to_is_told_of_and_the_worker_goes_on(unconfirmed):
    with transaction(unconfirmed.store) as session:
        session.get_one(Revision, 3).document = "{"
    ledger = ledger_at(unconfirmed, hours=1)
    assert ledger.start(host="njord")[0] == 4
    assert ledger.policies.newer(4) is None
    with reading(unconfirmed.store) as session:
        assert [told.message_id for told in list_messages(session)] == ["GWL0299"]


@pytest.mark.parametrize("more", ["", " ACTIVATE(*NO)"])
def test_an_exit_program_is_brought_back_by_who_might_add_it_only(context, more):
    lesser = replace(context, user="NETADM", authorities=frozenset({"*IOSYSCFG"}))

    def run_all(who, *commands):
        for command in commands:
            run(command, who)

    run_all(context, "ADDEXITPGM *ACCEPT 2 office_hours:ask", "ACTSOCPCY")
    run_all(lesser, ADD.format(10, 25), "ACTSOCPCY", "RBKSOCPCY")  # it is there all the time
    run_all(lesser, "RMVEXITPGM *ACCEPT 2", f"RBKSOCPCY 2{more}", "RMVEXITPGM *ACCEPT 2", "ACTSOCPCY")
    with pytest.raises(AuthorityError, match="GWL1006"):
        run(f"RBKSOCPCY 2{more}", lesser)
    with reading(context.store) as session:
        assert not active_policy(session)[1].exit_programs
        assert not pending_policy(session).exit_programs
        assert waiting(session)[-1].entry_type == "AF"
    run("RBKSOCPCY 1", lesser)
    run(f"RBKSOCPCY 2{more}", context)
