"""Overriding the rules of an exit point in an emergency: at once, for a while, with a reason, and by itself over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from console.commands.audit import record
from console.commands.definition import Context, Parameter, Result
from console.commands.keywords import TEXT, number, one_of
from console.commands.policy import check_own_way, check_return, now_of
from console.errors import CommandError
from console.messages import message
from console.model.words import ExitPoint
from console.policy.compiler import compile_policy
from console.policy.emergency import Emergency, overridden
from console.policy.image import check_image
from console.store.confirmation import ask_confirmation, take_back, waiting_confirmation
from console.store.emergencies import lasting_overrides, write_overrides
from console.store.messages import send
from console.store.revisions import activate_policy, active_policy
from console.store.workers import is_in_kernel

NO, END = "*NO", "*END"
_LONGEST_MIN = 1440
_WORDS = {Emergency.ALLOW: "lets everything pass", Emergency.REJECT: "rejects everything"}

EMERGENCY = (
    Parameter(
        "EMERGENCY", "Emergency override", one_of("EMERGENCY", (NO, *Emergency, END)), default=NO,
        special=(NO, *Emergency, END), additional=True,
    ),
    Parameter(
        "MINUTES", "Minutes that it lasts", number("MINUTES", 1, _LONGEST_MIN), length=4, default="60",
        choices="1-1440", additional=True,
    ),
    TEXT,
)  # fmt: skip
"""The parameters of CHGSOCEXT on emergencies."""


def override(context: Context, values: Mapping[str, str]) -> Result:
    """Override the rules of an exit point, or end that; the pending policy stays as it is.

    Args:
        context: Of the running command, its transaction open.
        values: Of CHGSOCEXT.

    Raises:
        CommandError: No reason was given, it would keep the operator out of the whole system, or nothing is to end.
    """
    if values["EMERGENCY"] == END:
        return _end(context)
    exit_point, emergency = ExitPoint(values["EXITPNT"]), Emergency(values["EMERGENCY"])
    if not values["TEXT"].strip():
        raise CommandError("GWL02A0", keyword="TEXT", emergency=emergency)
    until = context.clock() + timedelta(minutes=int(values["MINUTES"]))
    with context.opened() as session:
        before, policy = active_policy(session)
        earlier = lasting_overrides(session)
        new = overridden(policy, exit_point, emergency)
        if is_in_kernel(session):
            compiled = compile_policy(new)
            check_image(compiled)
            check_own_way(compiled.at(now_of(context)))
        made = activate_policy(session, new, user=context.user, at=context.clock(), text=values["TEXT"])
        return_to = ask_confirmation(
            session, number=made, return_to=before, until=until, user=context.user, emergency=True
        )
        write_overrides(session, {**earlier, exit_point: emergency})
        check_return(session, return_to)
        done = message(
            "GWL02A1", exit_point=exit_point, does=_WORDS[emergency], time=f"{until.astimezone():%H:%M:%S}",
            user=context.user, reason=values["TEXT"],
        )  # fmt: skip
        send(session, done, at=context.clock(), key=f"emergency:{exit_point}")
    record(
        context,
        f"Emergency: {exit_point} {_WORDS[emergency]} for {values['MINUTES']} minutes: {values['TEXT']}",
        exit_point=exit_point.value,
        revision=made,
        before={"revision": before},
        after={"revision": made, "emergency": emergency, "minutes": values["MINUTES"], "reason": values["TEXT"]},
    )
    return Result(messages=(done,))


def _end(context: Context) -> Result:
    with context.opened() as session:
        waiting = waiting_confirmation(session)
        is_one = waiting is not None and waiting.emergency
        done = take_back(session, max(waiting.until, context.clock())) if waiting is not None and is_one else None
    if done is None:
        raise CommandError("GWL02A2", keyword="EMERGENCY")
    return Result(messages=(message("GWL02A3", number=done.number, made=done.made, return_to=done.return_to),))
