"""Who may run what: one check in front of every command, and an AF entry for every refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from console.commands.definition import Command, Context
from console.errors import AuthorityError
from console.model.words import ALLOBJ
from console.people.records import LIMITED, NO_AUTHORITY, Doer, record_refusal
from console.store import wakeup
from console.store.session import transaction


def missing_authority(cls: type[Command], values: Mapping[str, str] | None, context: Context) -> tuple[str, ...]:
    """Return the special authorities that the user lacks for a command, in order.

    Args:
        cls: The command.
        values: Its values; None to ask for no more than what it needs whatever they are.
        context: Whose.
    """
    further = (*cls.further_authority(context, values), *_for_files(cls, values)) if values is not None else ()
    return tuple(sorted({*cls.authority, *further} - context.authorities))


def _for_files(cls: type[Command], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is needed where values name files: on a console over SSH, they are read as its server may."""
    named = (each for each in cls.parameters if each.names_file)
    return (ALLOBJ,) if any(values[each.keyword] not in each.special for each in named) else ()


def check_authority(cls: type[Command], values: Mapping[str, str] | None, context: Context, *, keyed: bool) -> None:
    """Say whether the user may run a command.

    Args:
        cls: The command.
        values: Its values, or None.
        context: Whose.
        keyed: Whether it was keyed on a command line, where limited users may run few commands.

    Raises:
        AuthorityError: The user may not.
    """
    if keyed and context.limited and not cls.for_limited:
        raise AuthorityError("GWL1007", kind=LIMITED, what=cls.name, missing="LMTCPB(*NO)")
    missing = missing_authority(cls, values, context)
    if missing:
        raise lacking(cls.name, missing)


def lacking(what: str, missing: tuple[str, ...]) -> AuthorityError:
    """Return the error for a command or a panel that special authorities are missing for."""
    return AuthorityError("GWL1006", kind=NO_AUTHORITY, what=what, missing=" ".join(missing))


@contextmanager
def refusals_recorded(context: Context, string: str) -> Iterator[None]:
    """Record a refusal that comes out of this block (AF), in a transaction of its own: that of the command is undone.

    Args:
        context: Whose; its session, if it has one, is left alone.
        string: What was tried, without passwords.
    """
    try:
        yield
    except AuthorityError as error:
        values = error.values
        doer = Doer(context.clock(), context.user, context.job)
        with transaction(context.store) as session:
            record_refusal(session, doer, error.kind, str(values["what"]), str(values["missing"]), string)
        wakeup.notify(context.store)
        raise
