"""The commands on message queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.alert_keywords import name_check
from console.commands.definition import Command, Context, Parameter, Result
from console.commands.keywords import number
from console.commands.listing import Column, table
from console.errors import CommandError
from console.messages import message
from console.model.messages import SEVERITY_MAX, QueueMessage
from console.model.words import JOBCTL
from console.store.messages import QSYSOPR, clear_queue, list_messages, remove_messages, send_message

_MOST_LISTED = 1000
_MOST_REMOVED = 100
_COLUMNS = (
    Column("Number", right=True),
    Column("Date and time"),
    Column("Sev", right=True),
    Column("Id"),
    Column("Times", right=True),
    Column("From"),
    Column("Message"),
)


def _queue(keyword: str, prompt: str) -> Parameter:
    return Parameter(keyword, prompt, name_check(keyword), default=QSYSOPR, choices="Name, QSYSOPR")


MSGQ = _queue("MSGQ", "Message queue")
_SEVERITY = Parameter(
    "SEV", "Severity", number("SEV", 0, SEVERITY_MAX), length=2, default="0", choices="0-99", additional=True
)


def _text(value: str) -> str:
    if not value.strip():
        raise CommandError("GWL0113", keyword="MSG", value="an empty text", allowed="one character or more")
    return value


def _numbers(value: str) -> str:
    check = number("MSGNBR", 1, 2**62)
    numbers = [check(each) for each in value.split()]
    if not 0 < len(numbers) <= _MOST_REMOVED:
        raise CommandError("GWL0113", keyword="MSGNBR", value=value, allowed=f"1 to {_MOST_REMOVED} numbers")
    return " ".join(numbers)


class DisplayMessages(Command):
    """Shows the messages of a queue."""

    name = "DSPMSG"
    text = "Display Messages"
    authority = ()
    for_limited = True
    parameters = (MSGQ, _SEVERITY)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them, newest first."""
        with context.opened() as session:
            found = list_messages(session, values["MSGQ"], severity=int(values["SEV"]), limit=_MOST_LISTED)
        return Result(lines=message_list(found), panel="DisplayMessages", arguments=dict(values))


class SendMessage(Command):
    """Puts a message into a queue."""

    name = "SNDMSG"
    text = "Send Message"
    authority = ()
    for_limited = True
    parameters = (
        Parameter("MSG", "Message text", _text, length=430, choices="", monocase=False, quoted=True),
        _queue("TOMSGQ", "To message queue"),
        _SEVERITY,
    )
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Send it."""
        with context.opened() as session:
            send_message(
                session,
                queue=values["TOMSGQ"],
                message_id="",
                text=values["MSG"],
                severity=int(values["SEV"]),
                at=context.clock(),
                sender=context.user,
            )
        return Result(messages=(message("GWL0961", queue=values["TOMSGQ"]),))


class RemoveMessage(Command):
    """Removes messages from a queue."""

    name = "RMVMSG"
    text = "Remove Message"
    authority = ()
    parameters = (
        MSGQ,
        Parameter("MSGNBR", "Message number", _numbers, length=86, choices="Numbers that DSPMSG shows", many=True),
    )
    positional = 2
    changes = True

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return what another's queue needs."""
        return () if values["MSGQ"] == context.user else (JOBCTL,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove them; those that are not there any more do not matter."""
        with context.opened() as session:
            count = remove_messages(session, [int(each) for each in values["MSGNBR"].split()], values["MSGQ"])
        done = message("GWL0962", count=count, queue=values["MSGQ"])
        return Result(messages=(done,), changed=count > 0)


class ClearMessageQueue(Command):
    """Removes every message from a queue."""

    name = "CLRMSGQ"
    text = "Clear Message Queue"
    authority = ()
    parameters = (MSGQ,)
    changes = True

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return what another's queue needs."""
        return () if values["MSGQ"] == context.user else (JOBCTL,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Clear it."""
        with context.opened() as session:
            count = clear_queue(session, values["MSGQ"])
        done = message("GWL0962", count=count, queue=values["MSGQ"])
        return Result(messages=(done,), changed=count > 0)


def message_list(found: Sequence[QueueMessage]) -> tuple[str, ...]:
    """Return messages as a list, in the order given."""
    rows = (
        (
            each.id,
            each.sent_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            each.severity,
            each.message_id,
            each.count if each.count > 1 else "",
            each.sender,
            each.text,
        )
        for each in found
    )
    return table(_COLUMNS, rows, "(No messages)")


COMMANDS: tuple[type[Command], ...] = (DisplayMessages, SendMessage, RemoveMessage, ClearMessageQueue)
