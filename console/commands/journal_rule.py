"""From a journal entry to rules: the one that decided, as it was then, and the values of one to add now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.commands.definition import Context
from console.commands.keywords import NEXT
from console.errors import CommandError, PolicyError, StoreError
from console.journal.describe import is_about_call
from console.messages import describe
from console.model.journal import JournalEntry
from console.model.words import DEFAULT_SEQUENCE, Action, ExitPoint, Outcome
from console.policy.fields import check_user
from console.policy.rule import ANY, Rule
from console.store.revisions import revision_policy
from console.store.rules import list_rules

_NO_CALL = "GWL0638"
_NO_USER = "GWL0639"


def deciding_rule(context: Context, entry: JournalEntry) -> Rule | str:
    """Return the rule that decided, as the revision has it that decided; or why it cannot be shown."""
    if not entry.rule_sequence or not entry.revision:
        return ""
    try:
        with context.opened() as session:
            policy = revision_policy(session, entry.revision)
    except StoreError as error:
        return describe(error).text
    found = (each for each in policy.rules if (each.exit_point, each.sequence) == _place(entry))
    return next(found, None) or f"Revision {entry.revision} has no such rule"


def _place(entry: JournalEntry) -> tuple[str, int]:
    return entry.exit_point, entry.rule_sequence


def check_call(entry: JournalEntry) -> None:
    """Refuse an entry that no rule can be made from.

    Raises:
        CommandError: It is not about a socket call that was decided, or its user cannot be named in a rule.
    """
    if not is_about_call(entry.entry_type, entry.exit_point) or entry.exit_point not in tuple(ExitPoint):
        raise CommandError(_NO_CALL, number=entry.sequence_number)
    if not is_plain_user(entry.user_name):
        raise CommandError(_NO_USER, number=entry.sequence_number, user=entry.user_name)


def is_plain_user(name: str) -> bool:
    """Say whether a rule with this user name means this user, and nobody else: no generic name, no group."""
    try:
        is_plain = check_user(name) == name and name[:1] not in ("*", "%")
    except PolicyError:
        return False
    return is_plain and not name.endswith("*")


def rule_values(context: Context, entry: JournalEntry) -> Mapping[str, str]:
    """Return the values of ADDSOCRUL for a rule that decides calls like this one the other way.

    What a call has by chance is left out: the port of the end that connects.

    Raises:
        ConsoleError: There can be no such rule, or the store cannot be read.
    """
    check_call(entry)
    exit_point = ExitPoint(entry.exit_point)
    action = Action.REJECT if entry.outcome == Outcome.ALLOWED else Action.ALLOW
    values = {
        "EXITPNT": exit_point.value,
        "SEQNBR": free_sequence(context, exit_point, entry.rule_sequence),
        "USRPRF": entry.user_name,
        **_ends(exit_point, entry),
        "ACTION": action.value,
        "TEXT": f"From journal entry {entry.sequence_number}",
    }
    return {keyword: value for keyword, value in values.items() if value}


def _ends(exit_point: ExitPoint, entry: JournalEntry) -> dict[str, str]:
    local, remote = entry.local_address, entry.remote_address
    match exit_point:
        case ExitPoint.CONNECT:
            return {"RMTADR": remote or ANY, "RMTPORT": _port(entry.remote_port)}
        case ExitPoint.ACCEPT:
            return {"LCLADR": local or ANY, "LCLPORT": _port(entry.local_port), "RMTADR": remote or ANY}
        case ExitPoint.LISTEN:
            return {"LCLADR": local or ANY, "LCLPORT": _port(entry.local_port)}


def _port(port: int) -> str:
    return str(port) if port else ANY


def free_sequence(context: Context, exit_point: ExitPoint, decided: int) -> str:
    """Return a number just before the rule that decided, where a new one is asked first; ``*NEXT`` if none is free."""
    if decided in (0, DEFAULT_SEQUENCE):
        return NEXT
    with context.opened() as session:
        taken = [rule.sequence for rule in list_rules(session, exit_point)]
    return str(free_before(taken, decided) or NEXT)


def free_before(taken: Iterable[int], decided: int) -> int | None:
    """Return a free number in the gap before one, in its middle; None where there is no gap."""
    before = max((number for number in taken if number < decided), default=0)
    gap = decided - before
    return before + gap // 2 if gap > 1 else None
