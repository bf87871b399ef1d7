"""Display Journal Entry: one entry, its data as recorded in three forms, then every field by name, and its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from console.commands.definition import Context
from console.commands.host_names import HostNames
from console.commands.journal_rule import deciding_rule, rule_values
from console.commands.keywords import RULE_VALUES
from console.commands.listing import shown_sequence
from console.commands.output_file import GENERATED, output_path, written
from console.journal.describe import type_text
from console.journal.interpret import as_json, entry_specific_data, groups, hexadecimal, timestamp
from console.messages import message
from console.model.journal import JournalEntry
from console.policy.checks import KEYWORDS
from console.policy.rule import Rule
from console.printable import printable
from screens.panel import FunctionKey, Push, Reply, Stay, Submission
from screens.panels.display import Display, Line
from screens.panels.prompter import Prompter
from screens.panels.services import Services

_ROW = 50
"""Characters of entry-specific data on a row, as IBM i shows them."""
_RULER = "*...+....1....+....2....+....3....+....4....+....5"
_NO_OTHER = "GWL0714"
_PRINTED = "GWL063A"
_NO_ADDRESS = "GWL063B"
_FORMS = ("Display hexadecimal", "Display JSON", "Display characters")
"""What F11 shows next, by the form that shows now."""
_FIELDS = {keyword: name for name, keyword in KEYWORDS.items()}

Neighbour = Callable[[int, int], JournalEntry | None]
"""Returns the entry before (-1) or after (1) a sequence number."""


class DisplayJournalEntry(Display):
    """Shows one entry; F14 and F15 go to the one before and after."""

    name = "DSPJRNENT"
    title = "Display Journal Entry"
    module = "display_journal_entry"
    is_wide = True

    def __init__(
        self, services: Services, entry: JournalEntry, neighbour: Neighbour, names: HostNames | None = None
    ) -> None:
        """Show an entry.

        Args:
            services: What panels share.
            entry: The entry.
            neighbour: Finds the others.
            names: Finds host names, when they are asked for.
        """
        super().__init__(services)
        self._entry = entry
        self._neighbour = neighbour
        self._names = names or HostNames()
        self._asks_names = False
        self._is_interpreted = False
        self._form = 0

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F9 and F11 name what comes next."""
        view = FunctionKey(9, "Display data as recorded" if self._is_interpreted else "Display fields by name")
        other = FunctionKey(10, "Display host names") if self._is_interpreted else FunctionKey(11, _FORMS[self._form])
        return (
            FunctionKey(3, "Exit"),
            FunctionKey(6, "Add rule"),
            view,
            other,
            FunctionKey(12, "Cancel"),
            FunctionKey(14, "Previous entry", attention=True),
            FunctionKey(15, "Next entry", attention=True),
            *self.find_keys,
            FunctionKey(21, "Print"),
        )

    def lines(self) -> Sequence[Line]:
        """Return the entry in the view that is chosen."""
        if self._is_interpreted:
            return [*self._identity(), Line(), *self._interpreted()]
        return [*self._identity(), Line(), *(self._characters, self._hexadecimal, self._json)[self._form]()]

    def answer_key(self, submission: Submission) -> Reply:
        """Change the view or the entry, make a rule of it, or print it."""
        match submission.key:
            case "F6":
                command = self.services.commands["ADDSOCRUL"]
                return Push(Prompter(self.services, command, rule_values(self.services.context, self._entry)))
            case "F9":
                self._is_interpreted = not self._is_interpreted
            case "F10":
                return self._ask_names()
            case "F11":
                self._form = (self._form + 1) % len(_FORMS)
            case "F21":
                return self._print()
            case _:
                step = -1 if submission.key == "F14" else 1
                found = self._neighbour(self._entry.sequence_number, step)
                if found is None:
                    return Stay((message(_NO_OTHER, which="earlier" if step < 0 else "later"),))
                self._entry = found
                self._asks_names = False
        self.top = 0
        return Stay(redraw=True)

    def _identity(self) -> list[Line]:
        entry = self._entry
        kind = type_text(entry.entry_type, entry.sk_type)
        word = f"{entry.entry_type} {entry.sk_type}".rstrip()
        return [
            Line("Sequence", str(entry.sequence_number), "SEQUENCE"),
            Line("Date and time", timestamp(entry.entry_timestamp), "TIME"),
            Line("Type", f"{word}  -  {kind}" if kind else word, "TYPE"),
        ]

    def _characters(self) -> list[Line]:
        data = entry_specific_data(self._entry)
        rows = [data[start : start + _ROW] for start in range(0, len(data), _ROW)]
        return [
            Line(text="           Entry specific data"),
            Line(text=f"Column      {_RULER}"),
            *(Line(text=f"{index * _ROW + 1:05}      '{row.ljust(_ROW)}'") for index, row in enumerate(rows)),
        ]

    def _hexadecimal(self) -> list[Line]:
        rows = hexadecimal(entry_specific_data(self._entry))
        return [
            Line(text="           Entry specific data, octets of UTF-8"),
            Line(text="Column     01       05       09       13"),
            *(Line(text=f"{column:05}      {octets:35}  '{shown:16}'") for column, octets, shown in rows),
        ]

    def _json(self) -> list[Line]:
        return [Line(text=f"  {line}") for line in as_json(self._entry).splitlines()]

    def _interpreted(self) -> Iterator[Line]:
        ends = (self._entry.local_address, self._entry.remote_address)
        names = self._names.ask(ends) if self._asks_names else {}
        rule = deciding_rule(self.services.context, self._entry)
        for title, fields in groups(self._entry, names):
            yield Line.heading(title)
            yield from (Line(label, value, help_key) for label, value, help_key in fields)
            yield Line()
            if title.startswith("Decision"):
                yield from self._rule_lines(rule)

    def _rule_lines(self, rule: Rule | str) -> Iterator[Line]:
        if not rule:
            return
        number, revision = shown_sequence(self._entry.rule_sequence), self._entry.revision
        yield Line.heading(f"Rule {number} of {self._entry.exit_point} as revision {revision} has it")
        if isinstance(rule, str):
            yield Line(text=f"  ({rule})")
        else:
            for parameter in RULE_VALUES:
                value = str(getattr(rule, _FIELDS[parameter.keyword])) or "*BLANK"
                yield Line(parameter.prompt, value, "RULE")
        yield Line()

    def _ask_names(self) -> Reply:
        if not (self._entry.local_address or self._entry.remote_address):
            return Stay((message(_NO_ADDRESS),))
        self._asks_names = True
        return Stay(redraw=True)

    def _print(self) -> Reply:
        context: Context = self.services.context
        path = output_path(context, {"TOFILE": GENERATED}, "txt")
        with written(path, replace=False) as file:
            file.write(f"{self.title}   {self._entry.sequence_number}\n\n")
            for line in (*self._identity(), Line(), *self._interpreted()):
                shown = f"{line.label:32}  {line.value}" if line.label else line.text
                file.write(f"{printable(shown)}".rstrip() + "\n")
            file.write(as_json(self._entry) + "\n")
        return Stay((message(_PRINTED, number=self._entry.sequence_number, path=path),))
