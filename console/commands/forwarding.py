"""The commands on targets of the journal's forwarding; IBM i has none of them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence

from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.keywords import TEXT, as_it_is, number, one_of, with_special
from console.commands.language import SAME
from console.commands.listing import Column, table
from console.errors import CommandError
from console.messages import message
from console.model.forwarding import ForwardFormat, ForwardState, ForwardTarget, Protocol
from console.model.words import AUDIT, IOSYSCFG, YesNo
from console.store.forwarding import add_target, change_target, get_target, list_targets, remove_target
from console.store.journal import last_number

SYSTEM = "*SYSTEM"
"""Special value of CAFILE: the certificates that this system trusts."""
FIRST, CURRENT = "*FIRST", "*CURRENT"

_LONGEST_PATH = 4096
_LONGEST_HOST = 255
_LARGEST = 10**18
_NAME = re.compile(r"[A-Z#$@][A-Z0-9#$@_.]{0,9}")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}\.?)+")
_PORTS = {Protocol.UDP: "514", Protocol.TCP: "514", Protocol.TLS: "6514", Protocol.RELP: "2514"}
_DEFAULT = "*DFT"


def _name_check(value: str) -> str:
    upper = value.upper()
    if not _NAME.fullmatch(upper):
        raise CommandError("GWL0113", keyword="FWD", value=value, allowed="a name of up to 10 characters")
    return upper


def _host_check(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        pass
    if len(value) > _LONGEST_HOST or not _HOST.fullmatch(value):
        raise CommandError("GWL0113", keyword="RMTHOST", value=value, allowed="an address or a host name")
    return value


def _file_check(value: str) -> str:
    if value.upper() == SYSTEM:
        return SYSTEM
    if not value.startswith("/") or "\0" in value:
        raise CommandError("GWL0113", keyword="CAFILE", value=value, allowed=f"a path from the root on, {SYSTEM}")
    return value


def _targets(context: Context) -> Sequence[Choice]:
    with context.opened() as session:
        return [Choice(row.name, f"{row.protocol} {row.host} {row.port}") for row in list_targets(session)]


NAME = Parameter("FWD", "Forwarding target", _name_check, choices="Name")
"""Name of a target to be made; required."""
TARGET = Parameter("FWD", "Forwarding target", _name_check, choices="Name, F4 for list", list_values=_targets)
"""Name of a target that is there; required."""

_VALUES = (
    Parameter(
        "RMTHOST",
        "Syslog server",
        _host_check,
        length=_LONGEST_HOST,
        choices="Address, host name",
        monocase=False,
        quoted=True,
    ),
    Parameter(
        "PROTOCOL", "Protocol", one_of("PROTOCOL", tuple(Protocol)), default=Protocol.TLS, special=tuple(Protocol)
    ),
    Parameter(
        "PORT",
        "Port",
        with_special(number("PORT", 1, 65535), _DEFAULT),
        length=5,
        default=_DEFAULT,
        special=(_DEFAULT,),
        choices="1-65535, *DFT",
    ),
    Parameter(
        "FORMAT",
        "Format of messages",
        one_of("FORMAT", tuple(ForwardFormat)),
        default=ForwardFormat.SYSLOG,
        special=tuple(ForwardFormat),
    ),
    Parameter(
        "CAFILE",
        "File of trusted certificates",
        _file_check,
        names_file=True,
        length=_LONGEST_PATH,
        default=SYSTEM,
        special=(SYSTEM,),
        choices="Path, *SYSTEM",
        monocase=False,
        quoted=True,
    ),
)
_STARTS = with_special(number("STRSEQ", 1, _LARGEST), FIRST, CURRENT)


def _start(default: str, *special: str) -> Parameter:
    return Parameter(
        "STRSEQ",
        "Starting sequence number",
        with_special(_STARTS, *special),
        length=19,
        default=default,
        special=special,
        choices="Number, " + ", ".join(special),
    )


_ACTIVE = Parameter("ACTIVE", "Active", one_of("ACTIVE", tuple(YesNo)), default=YesNo.YES, special=tuple(YesNo))


def target_values(row: ForwardTarget) -> dict[str, str]:
    """Return a target as a command's values, by keyword; it goes on where it is."""
    return {
        "FWD": row.name,
        "RMTHOST": row.host,
        "PROTOCOL": row.protocol,
        "PORT": str(row.port),
        "FORMAT": row.format,
        "CAFILE": row.ca_file or SYSTEM,
        "STRSEQ": SAME,
        "ACTIVE": row.active,
        "TEXT": row.text,
    }


def _fields(values: Mapping[str, str]) -> dict[str, object]:
    protocol = Protocol(values["PROTOCOL"])
    return {
        "protocol": protocol,
        "host": values["RMTHOST"],
        "port": int(_PORTS[protocol] if values["PORT"] == _DEFAULT else values["PORT"]),
        "format": values["FORMAT"],
        "ca_file": "" if values["CAFILE"] == SYSTEM else values["CAFILE"],
        "active": values["ACTIVE"],
        "text": values["TEXT"],
    }


def _position(context: Context, value: str) -> int:
    """Return the number of the last entry that is not to be sent."""
    if value == FIRST:
        return 0
    with context.opened() as session:
        last = last_number(session)
    if value == CURRENT:
        return last
    if int(value) > last + 1:
        raise CommandError("GWL066A", first=value, last=last)
    return int(value) - 1


class AddJournalForwarding(Command):
    """Adds a target."""

    name = "ADDJRNFWD"
    text = "Add Journal Forwarding"
    authority = (AUDIT, IOSYSCFG)
    parameters = (NAME, *_VALUES, _start(CURRENT, FIRST, CURRENT), _ACTIVE, TEXT)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Add it."""
        position = _position(context, values["STRSEQ"])
        with context.opened() as session:
            row = add_target(session, {"name": values["FWD"], "position": position, **_fields(values)}, context.clock())
        done = message("GWL0666", name=row.name, first=position + 1, host=row.host, port=row.port)
        return Result(messages=(done,))


class ChangeJournalForwarding(Command):
    """Changes a target."""

    name = "CHGJRNFWD"
    text = "Change Journal Forwarding"
    authority = (AUDIT, IOSYSCFG)
    parameters = (TARGET, *as_it_is(_VALUES), _start(SAME, SAME, FIRST, CURRENT), *as_it_is((_ACTIVE, TEXT)))
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the target as it is."""
        with context.opened() as session:
            return target_values(get_target(session, values["FWD"]))

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it."""
        fields = _fields(values)
        if values["STRSEQ"] != SAME:
            fields["position"] = _position(context, values["STRSEQ"])
        if values["ACTIVE"] == YesNo.YES:
            with context.opened() as session:
                if get_target(session, values["FWD"]).state is ForwardState.HELD:
                    fields |= {"state": ForwardState.NEW, "state_since": context.clock()}
        with context.opened() as session:
            row = change_target(session, values["FWD"], fields)
        return Result(messages=(message("GWL0667", name=row.name),))


class RemoveJournalForwarding(Command):
    """Removes a target."""

    name = "RMVJRNFWD"
    text = "Remove Journal Forwarding"
    authority = (AUDIT, IOSYSCFG)
    parameters = (TARGET,)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove it."""
        with context.opened() as session:
            remove_target(session, values["FWD"])
        return Result(messages=(message("GWL0668", name=values["FWD"]),))


_COLUMNS = (
    Column("Target"),
    Column("Protocol"),
    Column("Server"),
    Column("Port", right=True),
    Column("Format"),
    Column("State"),
    Column("Since"),
    Column("Delivered", right=True),
    Column("Behind", right=True),
    Column("Last error"),
    Column("Text"),
)


class WorkWithJournalForwarding(Command):
    """Shows where the journal is forwarded to."""

    name = "WRKJRNFWD"
    text = "Work with Journal Forwarding"
    authority = (AUDIT,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        with context.opened() as session:
            rows, last = list_targets(session), last_number(session)
        return Result(lines=target_list(rows, last), panel="WorkWithForwarding", arguments=dict(values))


def target_list(rows: Sequence[ForwardTarget], last: int) -> tuple[str, ...]:
    """Return targets as a list.

    Args:
        rows: The targets.
        last: Number of the newest entry of the journal.
    """
    return table(_COLUMNS, (_row(row, last) for row in rows), "(The journal is not forwarded)")


def _row(row: ForwardTarget, last: int) -> tuple[object, ...]:
    return (
        row.name,
        row.protocol,
        row.host,
        row.port,
        row.format,
        row.state,
        row.state_since.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        row.position,
        max(0, last - row.position),
        row.last_error,
        row.text,
    )


COMMANDS: tuple[type[Command], ...] = (
    WorkWithJournalForwarding,
    AddJournalForwarding,
    ChangeJournalForwarding,
    RemoveJournalForwarding,
)
