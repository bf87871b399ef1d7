"""What a prompter holds: each parameter's text as first shown and as typed, and what that comes to as a command.

Pure but for `Form.load_current`, which reads the object that a change command names.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from console.commands.definition import Command, Context, Parameter
from console.commands.keywords import BLANK
from console.commands.language import SAME, ParsedCommand, canonical, complete, render
from console.errors import CommandError, ConsoleError
from console.messages import Message, describe, message

_REQUIRED = "GWL0106"
_KEEPS_END = "GWL0710"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field."""

    keyword: str
    message: Message


class Form:
    """The values of one command while they are keyed."""

    def __init__(self, cls: type[Command], given: Mapping[str, str], context: Context) -> None:
        """Begin with what is given; for a change command whose object is known, with its present values.

        Args:
            cls: The command.
            given: Values by keyword, unchecked.
            context: To read present values with.

        Raises:
            ConsoleError: The object does not exist, or its keys make no sense.
        """
        self.cls = cls
        self.given = dict(given)
        self.current: Mapping[str, str] | None = None
        self.first: dict[str, str] = {}
        self.typed: dict[str, str] = {}
        self._warned: set[tuple[str, str]] = set()
        if self.is_change and all(parameter.keyword in given for parameter in self.keys):
            self.load_current(context)
        self.reset()

    @property
    def is_change(self) -> bool:
        """Whether the command changes an object that has present values."""
        return any(SAME in parameter.special for parameter in self.cls.parameters)

    @property
    def keys(self) -> tuple[Parameter, ...]:
        """The parameters that name the object: those that are required."""
        return tuple(parameter for parameter in self.cls.parameters if parameter.default is None)

    @property
    def asks_keys(self) -> bool:
        """Whether a change command still has to be told what to change."""
        return self.is_change and self.current is None

    def parameter(self, keyword: str) -> Parameter:
        """Return a parameter by its keyword."""
        return next(parameter for parameter in self.cls.parameters if parameter.keyword == keyword)

    def reset(self) -> None:
        """Show the values that were there at first."""
        self.first = {parameter.keyword: self._first(parameter) for parameter in self.cls.parameters}
        self.typed = dict(self.first)

    def load_current(self, context: Context) -> None:
        """Read what the object holds now.

        Raises:
            ConsoleError: There is no such object, or a key is not valid.
        """
        keys = {parameter.keyword: canonical(parameter, self.given[parameter.keyword]) for parameter in self.keys}
        self.current = self.cls.current(context, keys)
        self.given |= keys

    def is_marked(self, keyword: str) -> bool:
        """Say whether a value was supplied by the caller, or changed."""
        return keyword in self.given or self.typed[keyword] != self.first[keyword]

    def problems(self, keywords: tuple[str, ...] = ()) -> list[Problem]:
        """Return what is wrong, in the order of the parameters; of these keywords, or of all.

        A text that looks like the end of an old special value (``443Y`` over ``*ANY``) is asked about once; a second
        Enter takes it as it is.
        """
        found = []
        for parameter in self.cls.parameters:
            if keywords and parameter.keyword not in keywords:
                continue
            wrong = self._problem(parameter)
            if wrong is not None:
                found.append(Problem(parameter.keyword, wrong))
        return found

    def values(self) -> dict[str, str]:
        """Return what is given, by keyword, unchecked: what differs from the defaults, or from the present values."""
        found = {}
        for parameter in self.cls.parameters:
            text = self._text(parameter)
            if text and not self._is_present(parameter, text):
                found[parameter.keyword] = text
        return found

    def parsed(self) -> ParsedCommand:
        """Return the command, checked.

        Raises:
            ConsoleError: A value is missing or wrong.
        """
        return complete(self.cls, self.values())

    def command_string(self) -> str:
        """Return the command as keyed so far; values that cannot be right are in it as they are."""
        values = self.values()
        for keyword, text in values.items():
            with suppress(ConsoleError):
                values[keyword] = canonical(self.parameter(keyword), text)
        return render(self.cls, values, secrets=False)

    def _first(self, parameter: Parameter) -> str:
        if parameter.keyword in self.given:
            return _shown(parameter, self.given[parameter.keyword])
        if parameter.secret:
            # What is typed over is not seen: a special value would leave its end behind a shorter password.
            return ""
        if self.current is not None and SAME in parameter.special:
            return self._present(parameter)
        return "" if parameter.default is None else _shown(parameter, str(parameter.default))

    def _present(self, parameter: Parameter) -> str:
        return "" if self.current is None else _shown(parameter, self.current[parameter.keyword])

    def _is_present(self, parameter: Parameter, text: str) -> bool:
        """Say whether a value is what the object holds now: it is then not sent, and need not fit the command line."""
        return self.current is not None and SAME in parameter.special and text == self._present(parameter)

    def _text(self, parameter: Parameter) -> str:
        """Return the value of a field as the command language has it."""
        text = self.typed[parameter.keyword].strip()
        if not text and self.first[parameter.keyword] and BLANK in parameter.special:
            return BLANK
        if len(text) > 1 and text[0] == text[-1] == "'":
            return text[1:-1].replace("''", "'") or (BLANK if BLANK in parameter.special else "")
        return text.upper() if parameter.monocase else text

    def _problem(self, parameter: Parameter) -> Message | None:
        text = self._text(parameter)
        if not text:
            if parameter.default is not None:
                return None
            error: ConsoleError = CommandError(
                _REQUIRED, keyword=parameter.keyword, command=self.cls.name, prompt=parameter.prompt
            )
            return describe(error)
        if self._is_present(parameter, text):
            return None
        if self._keeps_end(parameter, text):
            return message(_KEEPS_END, value=text, keyword=parameter.keyword, old=self.first[parameter.keyword])
        try:
            canonical(parameter, text)
        except ConsoleError as wrong:
            return describe(wrong)
        return None

    def _keeps_end(self, parameter: Parameter, text: str) -> bool:
        """Say whether a shorter value was typed over a special one and the rest of that one stayed.

        On a 5250 only Field Exit clears the rest of a field: ``BOB`` typed over ``*ALL`` leaves ``BOBL``, which
        would be a user like any other.
        """
        first = self.first[parameter.keyword]
        if not first.startswith("*") or text.startswith("*") or len(text) != len(first) or text[-1] != first[-1]:
            return False
        if (parameter.keyword, text) in self._warned:
            return False
        self._warned.add((parameter.keyword, text))
        return True


def _shown(parameter: Parameter, value: str) -> str:
    return BLANK if not value and BLANK in parameter.special else value
