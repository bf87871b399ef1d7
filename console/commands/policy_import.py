"""Takes policies over from files: documents, and the configurations of programs that send connections through SOCKS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from console.commands.audit import GR_TYPES, record
from console.commands.definition import Command, Context, Parameter, Result
from console.commands.host import service_port
from console.commands.input_file import read_file
from console.commands.keywords import one_of
from console.commands.policy import summary, unused_groups
from console.errors import CommandError, PolicyError
from console.messages import Message, message
from console.model.words import ALLOBJ, IOSYSCFG
from console.policy import dante, proxychains
from console.policy.carried import Carried
from console.policy.difference import Change, Subject, compare
from console.policy.document import parse
from console.policy.rule import Policy
from console.policy.socks_entries import lacks_password
from console.store.revisions import pending_policy, set_pending
from console.store.secrets import seal_policy

DOCUMENT = "*YAML"
"""Special value of FROM: a policy as Greenwall writes it."""
_LONGEST_PATH = 256


def _dante(text: str, name: str) -> Carried:
    return dante.parse(text, name, service_port)


FORMATS: Mapping[str, Callable[[str, str], Carried]] = MappingProxyType(
    {"proxychains": proxychains.parse, "socks.conf": _dante}
)
"""Name of another program's configuration -> what reads it."""
_WORDS = {"*PROXYCHAINS": "proxychains", "*SOCKSCONF": "socks.conf"}
"""Special value of FROM -> name of the format."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A pending policy that was made by `make_pending`."""

    before: Policy
    policy: Policy
    told: str
    """What changed, for people."""
    changed: bool


def make_pending(inside: Context, made: Callable[[Policy], Policy]) -> Pending:
    """Put a policy in the place of the pending one, and record each change.

    Args:
        inside: Of the audited act.
        made: Returns the new policy, its passwords in clear, from the pending one.

    Raises:
        StoreError: The store cannot be written.
    """
    with inside.opened() as session:
        before = pending_policy(session)
        new = seal_policy(inside.store.location, made(before), before.socks)
        changes = compare(before, new)
        if changes:
            set_pending(session, new)
    for change in changes:
        _record(inside, change)
    return Pending(before, new, summary(changes) if changes else "nothing changed", bool(changes))


def _record(context: Context, change: Change) -> None:
    record(
        context,
        f"{change.what} {change.kind} by import",
        exit_point=change.exit_point,
        before={change.what: change.before},
        after={change.what: change.after},
        gr_type=GR_TYPES[change.kind] if change.subject is Subject.EXIT_PROGRAM else "",
    )


def lacking_passwords(policy: Policy) -> list[Message]:
    """Return a message for each SOCKS entry whose password is missing, as it mostly is in a document."""
    lacking = (entry for entry in policy.socks if lacks_password(entry))
    return [message("GWL012A", sequence=entry.sequence, user_id=entry.user_id) for entry in lacking]


def take_document(policy: Policy, name: str, inside: Context) -> Result:
    """Make a policy the pending policy, whole or not at all.

    Args:
        policy: As it was read.
        name: Of its file.
        inside: Of the audited act.

    Raises:
        StoreError: The store cannot be written; the pending policy is as it was.
    """
    taken = make_pending(inside, lambda _: policy)
    done = message("GWL0011", path=name, count=len(policy.rules), changes=taken.told)
    said = (*lacking_passwords(taken.policy), *unused_groups(taken.policy))
    return Result(messages=(done, *said), changed=taken.changed)


def left_behind(carried: Carried) -> list[Message]:
    """Return a message for each thing that cannot be carried over."""
    return [message(each.message_id, **each.values) for each in carried.left]


def check_carried(carried: Carried, name: str) -> None:
    """Refuse what would send connections another way than its file does.

    Raises:
        PolicyError: Nothing in the file can be carried over, or connections that it sends through a proxy would be made
            directly.
    """
    if carried.direct:
        raise PolicyError("GWL0263", path=name, lines=", ".join(map(str, carried.direct)))
    if not carried.entries:
        raise PolicyError("GWL0262", path=name)


def take_entries(carried: Carried, name: str, inside: Context) -> Result:
    """Replace the SOCKS entries of the pending policy; all else in it stays.

    Args:
        carried: As `check_carried` lets it pass.
        name: Of its file.
        inside: Of the audited act.

    Raises:
        StoreError: The store cannot be written; the pending policy is as it was.
    """
    taken = make_pending(inside, lambda policy: replace(policy, socks=carried.entries))
    done = message("GWL0286", path=name, count=len(carried.entries), before=len(taken.before.socks), changes=taken.told)
    return Result(messages=(done, *lacking_passwords(taken.policy)), changed=taken.changed)


def _path(value: str) -> str:
    if not value.isprintable() or not value.strip() or value.endswith("/"):
        raise CommandError("GWL0113", keyword="FROMFILE", value=value, allowed="path of a file")
    return value


class ImportSocketPolicy(Command):
    """Makes what a file says the pending policy, or its SOCKS entries."""

    name = "IMPSOCPCY"
    text = "Import Socket Policy"
    authority = (IOSYSCFG, ALLOBJ)
    parameters = (
        Parameter(
            "FROMFILE",
            "File to read",
            _path,
            length=_LONGEST_PATH,
            choices="Path",
            monocase=False,
            quoted=True,
            names_file=True,
        ),
        Parameter(
            "FROM", "Format", one_of("FROM", (DOCUMENT, *_WORDS)), length=12, default=DOCUMENT,
            special=(DOCUMENT, *_WORDS),
        ),
    )  # fmt: skip
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Read the file and take it over, whole or not at all."""
        path = values["FROMFILE"]
        text = read_file(path)
        if values["FROM"] == DOCUMENT:
            return take_document(parse(text, path), path, context)
        carried = FORMATS[_WORDS[values["FROM"]]](text, path)
        check_carried(carried, path)
        taken = take_entries(carried, path, context)
        done, *lacking = taken.messages
        return replace(taken, messages=(done, *left_behind(carried), *lacking))


COMMANDS: tuple[type[Command], ...] = (ImportSocketPolicy,)
