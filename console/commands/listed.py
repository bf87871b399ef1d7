"""What F4 lists for the numbers of rules, SOCKS entries and exit programs: those of the pending policy, in short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.commands.definition import Choice, Context
from console.model.words import DEFAULT_SEQUENCE, ExitPoint
from console.policy.fields import DFT
from console.policy.rule import ALL, ANY
from console.store.exit_programs import list_exit_programs
from console.store.rules import list_rules
from console.store.socks_entries import list_socks_entries


def rules_there(context: Context, exit_point: str = "") -> Sequence[Choice]:
    """Return the sequence numbers of rules; behind each the rules of that exit point, or of every one, that have it."""
    with context.opened() as session:
        rules = list_rules(session, ExitPoint(exit_point) if exit_point else None)
    return _by_number(
        (
            rule.sequence,
            _words(rule.exit_point, rule.action, rule.user, rule.local_address, rule.local_port, rule.remote_address,
                   rule.remote_port, rule.text),
        )
        for rule in rules
    )  # fmt: skip


def socks_entries_there(context: Context) -> Sequence[Choice]:
    """Return the sequence numbers of SOCKS entries."""
    with context.opened() as session:
        entries = list_socks_entries(session)
    return [
        Choice(str(each.sequence), _words(each.type, each.user, each.remote_address, each.remote_port, each.text))
        for each in entries
    ]


def exit_programs_there(context: Context, exit_point: str = "") -> Sequence[Choice]:
    """Return the numbers of exit programs; behind each those of that exit point, or of every one, that have it."""
    with context.opened() as session:
        programs = list_exit_programs(session, ExitPoint(exit_point) if exit_point else None)
    return _by_number((each.number, _words(each.exit_point, each.program)) for each in programs)


def _by_number(told: Iterable[tuple[int, str]]) -> Sequence[Choice]:
    found: dict[int, list[str]] = {}
    for number, words in told:
        found.setdefault(number, []).append(words)
    return [
        Choice(DFT if number == DEFAULT_SEQUENCE else str(number), "; ".join(words))
        for number, words in sorted(found.items())
    ]


def _words(*values: object) -> str:
    """Return what says something: not that all users, addresses or ports are meant."""
    return " ".join(text for text in map(str, values) if text and text not in (ALL, ANY))
