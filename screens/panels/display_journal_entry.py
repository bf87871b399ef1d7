"""Display Journal Entry: one entry, first its data as recorded, then every field by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from console.commands.listing import shown_sequence
from console.messages import message
from console.model.journal import JournalEntry
from screens.panel import FunctionKey, Reply, Stay, Submission
from screens.panels.display import Display, Line
from screens.panels.services import Services

_ROW = 50
"""Characters of entry-specific data on a row, as IBM i shows them."""
_RULER = "*...+....1....+....2....+....3....+....4....+....5"
_NO_OTHER = "GWL0714"
_TYPES = {
    "SK": "Sockets connection",
    "GR": "Generic record: a change to the policy, or a message of a guard or worker",
    "CD": "Command that changed something",
    "JS": "Job started or ended",
}
_SK_TYPES = {"A": "accept", "C": "connect", "L": "listen"}


class EsdField(NamedTuple):
    """One field of the entry-specific data of an SK entry."""

    label: str
    name: str
    """Field of `JournalEntry`."""
    length: int


_SK_LAYOUT: tuple[EsdField, ...] = (
    EsdField("Entry type", "sk_type", 1),
    EsdField("Local IP address", "local_address", 15),
    EsdField("Local port", "local_port", 5),
    EsdField("Remote IP address", "remote_address", 15),
    EsdField("Remote port", "remote_port", 5),
    EsdField("Address family", "address_family", 10),
    EsdField("Local IP address, long", "local_address", 46),
    EsdField("Remote IP address, long", "remote_address", 46),
    EsdField("Outcome", "outcome", 10),
    EsdField("Exit point", "exit_point", 10),
    EsdField("Rule", "rule_sequence", 5),
    EsdField("Revision", "revision", 10),
)
"""Entry-specific data as we show it. To the remote port as in IBM's QASYSKJ5; so are the three fields after that, which
there stand behind fields on mail that we do not have. The outcome and what follows are ours."""

_HEADING: tuple[tuple[str, str], ...] = (
    ("Receiver", "receiver_name"),
    ("User profile", "user_name"),
    ("Job", "qualified_job_name"),
    ("Process id", "pid"),
    ("Program", "program"),
)
_SOCKET: tuple[tuple[str, str], ...] = (
    ("Outcome", "outcome"),
    ("Exit point", "exit_point"),
    ("Rule that decided", "rule_sequence"),
    ("Revision of the policy", "revision"),
    ("Address family", "address_family"),
    ("Local address", "local_address"),
    ("Local port", "local_port"),
    ("Remote address", "remote_address"),
    ("Remote port", "remote_port"),
    ("SOCKS server", "socks_server"),
    ("Decided in microseconds", "decision_us"),
)
_REST: tuple[tuple[str, str], ...] = (
    ("Text", "text"),
    ("Detail", "detail"),
    ("Guard", "guard_id"),
    ("Guard's running number", "guard_number"),
    ("Chain hash", "chain_hash"),
)

Neighbour = Callable[[int, int], JournalEntry | None]
"""Returns the entry before (-1) or after (1) a sequence number."""


class DisplayJournalEntry(Display):
    """Shows one entry; F14 and F15 go to the one before and after."""

    name = "DSPJRNENT"
    title = "Display Journal Entry"
    module = "display_journal_entry"

    def __init__(self, services: Services, entry: JournalEntry, neighbour: Neighbour) -> None:
        """Show an entry.

        Args:
            services: What panels share.
            entry: The entry.
            neighbour: Finds the others.
        """
        super().__init__(services)
        self._entry = entry
        self._neighbour = neighbour
        self._is_interpreted = False

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F9 names the other view."""
        return (
            FunctionKey(3, "Exit"),
            FunctionKey(9, "Display data as recorded" if self._is_interpreted else "Display fields by name"),
            FunctionKey(12, "Cancel"),
            FunctionKey(14, "Previous entry", attention=True),
            FunctionKey(15, "Next entry", attention=True),
        )

    def lines(self) -> Sequence[Line]:
        """Return the entry in the view that is chosen."""
        return [*self._identity(), Line(), *(self._interpreted() if self._is_interpreted else self._recorded())]

    def answer_key(self, submission: Submission) -> Reply:
        """Change the view, or the entry."""
        if submission.key == "F9":
            self._is_interpreted = not self._is_interpreted
        else:
            step = -1 if submission.key == "F14" else 1
            found = self._neighbour(self._entry.sequence_number, step)
            if found is None:
                return Stay((message(_NO_OTHER, which="earlier" if step < 0 else "later"),))
            self._entry = found
        self.top = 0
        return Stay(redraw=True)

    def _identity(self) -> list[Line]:
        entry = self._entry
        when = entry.entry_timestamp.astimezone()
        kind = _TYPES.get(entry.entry_type, "")
        detail = _SK_TYPES.get(entry.sk_type, "")
        return [
            Line("Sequence", str(entry.sequence_number), "SEQUENCE"),
            Line("Date and time", f"{when:%Y-%m-%d %H:%M:%S.%f}", "TIME"),
            Line("Code", f"{entry.journal_code}  -  Audit trail entry", "CODE"),
            Line("Type", f"{entry.entry_type} {entry.sk_type}".rstrip() + f"  -  {kind}{_joined(detail)}", "TYPE"),
        ]

    def _recorded(self) -> list[Line]:
        data = entry_specific_data(self._entry)
        rows = [data[start : start + _ROW] for start in range(0, len(data), _ROW)]
        return [
            Line(text="           Entry specific data"),
            Line(text=f"Column      {_RULER}"),
            *(Line(text=f"{index * _ROW + 1:05}      '{row.ljust(_ROW)}'") for index, row in enumerate(rows)),
        ]

    def _interpreted(self) -> list[Line]:
        groups = [_HEADING, _REST] if self._entry.entry_type != "SK" else [_SOCKET, _HEADING, _REST]
        return [line for group in groups for line in (*self._named(group), Line())][:-1]

    def _named(self, group: Sequence[tuple[str, str]]) -> list[Line]:
        return [Line(label, _value(self._entry, name), name.upper()) for label, name in group]


def entry_specific_data(entry: JournalEntry) -> str:
    """Return what an entry records beside its heading: fixed fields for SK, else the command or the values."""
    if entry.entry_type != "SK":
        return entry.detail or entry.text
    return "".join(str(getattr(entry, name)).ljust(length)[:length] for _, name, length in _SK_LAYOUT)


def _value(entry: JournalEntry, name: str) -> str:
    value = getattr(entry, name)
    if name == "rule_sequence":
        return shown_sequence(value) if value else "*NONE"
    return str(value) or "*NONE"


def _joined(text: str) -> str:
    return f", {text}" if text else ""
