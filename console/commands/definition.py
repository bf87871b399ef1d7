"""What a command of the CL kind is made of.

From one class come the prompter panel, F4 and F9, command-line parsing with errors at a column, ``*SAME`` on changes,
the audit entry, and the shell form. A command gets strings that its parameters have checked, and a `Context` to work
in. This file knows no command and no panel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from console.clock import Clock, system_clock

if TYPE_CHECKING:
    from sqlmodel import Session

    from console.messages import Message
    from console.store.engine import Store

NOBODY = "*NOBODY"
"""No special authority: nobody has it."""


def _say_nothing(text: str) -> None:
    del text


@dataclass(frozen=True, slots=True)
class Context:
    """What a running command may use."""

    store: Store
    user: str
    """User profile that runs the command, upper case; goes into audit entries."""
    job: str
    """Qualified job name of the console or shell: ``number/USER/NAME``."""
    clock: Clock = system_clock
    session: Session | None = None
    """Transaction of the command that runs; set by `console.commands.execute`, not by callers."""
    has_panels: bool = False
    """Whether the panel of a result will be opened: then a command that takes long to list need not list as well."""
    tell: Callable[[str], None] = _say_nothing
    """Shows how far a command has come that takes more than a moment; an empty text ends that."""
    authorities: frozenset[str] = frozenset()
    """Special authorities of the user profile and its groups: ``*SECADM``. None unless they are given."""
    answered_for: str = ""
    """What the user was asked about and said yes to, as the refusal named it; empty when nothing was asked. A command
    that finds something else by then must not go on with it."""
    limited: bool = True
    """Whether the user has LMTCPB(*YES), and may key only commands that are `Command.for_limited`."""

    @contextmanager
    def opened(self) -> Iterator[Session]:
        """Give the transaction of the running command, or one that only reads when none runs (prompts, lists).

        Raises:
            StoreError: The store cannot be read.
        """
        if self.session is not None:
            yield self.session
            return
        # Imported here because definitions are also read to show help, and SQLModel takes half a second to load.
        from console.store.session import reading

        with reading(self.store) as session:
            yield session


@dataclass(frozen=True, slots=True)
class Choice:
    """One row of an F4 list."""

    value: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One keyword of a command."""

    keyword: str
    """Upper case, at most 10 characters: ``RMTADR``."""
    prompt: str
    """Label in the prompter, at most 30 characters: ``Remote address``."""
    check: Callable[[str], str]
    """Returns the canonical spelling, or raises a `ConsoleError` that names the value. Not called for *SAME."""
    length: int = 10
    """Cells of its field in the prompter."""
    default: str | None = None
    """Value when none is given; None: the parameter is required."""
    special: tuple[str, ...] = ()
    """Special values, in the order in which they are shown."""
    choices: str = ""
    """What the prompter says at the right; made of `special` when left empty."""
    monocase: bool = True
    """Whether lower case is folded to upper outside of quotes, as CL does."""
    quoted: bool = False
    """Whether `render` puts the value in apostrophes (texts, paths, addresses with / or :)."""
    additional: bool = False
    """Whether the prompter shows it only after F10."""
    secret: bool = False
    """Whether it is a password: keyed unseen, and never in an audit entry, a message or the commands that F9 finds."""
    names_file: bool = False
    """Whether it names a file of this system: any value but a special one then needs *ALLOBJ."""
    many: bool = False
    """Whether it takes several values, with blanks between them; its check gets them so."""
    is_phrase: bool = False
    """Whether these several are words of one value, such as a date and a time, and not a list that can be longer."""
    list_values: Callable[[Context], Sequence[Choice]] | None = None
    """Rows for F4; `special` is used when None."""
    list_for: tuple[str, Callable[[Context, str], Sequence[Choice]]] | None = None
    """Keyword of another parameter, and what returns the rows for F4 once that one has a valid value."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command gives back."""

    messages: tuple[Message, ...] = ()
    """Completion messages, in past tense."""
    lines: tuple[str, ...] = ()
    """A listing, for commands that display; the shell prints it, safe to show as it is."""
    panel: str = ""
    """Panel to open in the console, named as its class in screens/panels: ``WorkWithRules``; empty for none."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """What the panel is opened with: the command's values, by keyword."""
    changed: bool = True
    """False when a command that changes something found everything as it was to be: then there is no CD entry."""
    is_secret: bool = False
    """Whether the listing holds what may be shown once only, and never printed to a file."""


class Command(ABC):
    """One command; its docstring is not shown, its help is data/help/NAME.md.

    Subclasses set the class variables and `run`. The class is found by its `name` once its module is imported by
    `console.commands.registry`.
    """

    name: ClassVar[str]
    """``ADDSOCRUL``: a verb of 3 letters and its object, at most 10 characters."""
    text: ClassVar[str]
    """``Add Socket Rule``: title of its prompter and its line in lists of commands."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names that it may be typed by: ``NETSTAT``."""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    """In prompt order; the first `positional` of them may be given without keyword."""
    positional: ClassVar[int] = 1
    changes: ClassVar[bool] = False
    """Whether it changes something: then a CD entry is journalled when it has done so."""
    interactive: ClassVar[bool] = False
    """Whether it makes sense only in the console: the shell refuses it."""
    authority: ClassVar[tuple[str, ...]] = (NOBODY,)
    """Special authorities that whoever runs it must have, every one of them; *ALLOBJ stands in for no other. Each
    command says it, ``()`` for everybody: one that forgot to is for nobody."""
    for_limited: ClassVar[bool] = False
    """Whether users with LMTCPB(*YES) may key it on a command line (IBM's ALWLMTUSR)."""

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return what these values need besides `authority`: most commands need nothing.

        Args:
            context: What may be asked; no transaction is open.
            values: By keyword, checked; ``*SAME`` is still in them.
        """
        return ()

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str] | None:
        """Return what the object named by the key values holds now, by keyword; None where there is no ``*SAME``.

        Change commands override it: the prompter fills its fields from it, and ``*SAME`` (the default of each of their
        other parameters) is replaced by it before `run`.

        Raises:
            CommandError: The object does not exist.
        """
        return None

    @abstractmethod
    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Do it, whole or not at all.

        Args:
            context: What it may use.
            values: A checked, canonical value for each parameter, by keyword; no ``*SAME`` left.

        Raises:
            ConsoleError: Nothing was changed.
        """
