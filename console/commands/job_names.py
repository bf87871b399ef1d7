"""Qualified job names, ``number/USER/NAME``, as commands take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.commands.definition import Choice, Context, Parameter
from console.commands.keywords import with_special
from console.errors import CommandError
from console.model.running import JOB_NUMBER_MAX

ALL = "*ALL"
LONGEST_JOB = 6 + 1 + 64 + 1 + 10
"""Number, user and name, with the strokes between them."""


@dataclass(frozen=True, slots=True)
class JobName:
    """The three parts of a qualified job name."""

    number: int
    user: str
    name: str

    def __str__(self) -> str:
        """Return it as it is written everywhere."""
        return f"{self.number:06}/{self.user}/{self.name}"


def read_job_name(text: str, keyword: str) -> JobName:
    """Take a qualified job name apart.

    Raises:
        CommandError: It is none.
    """
    number, _, rest = text.partition("/")
    user, _, name = rest.partition("/")
    is_number = number.isascii() and number.isdecimal() and len(number) <= len(str(JOB_NUMBER_MAX))
    if not (is_number and int(number) and user and name) or "/" in name or len(text) > LONGEST_JOB:
        raise CommandError("GWL0126", keyword=keyword, value=text)
    return JobName(int(number), user.upper(), name.upper())


def job_check(keyword: str) -> Callable[[str], str]:
    """Return the check of a qualified job name."""
    return lambda value: str(read_job_name(value, keyword))


def any_job_check(keyword: str) -> Callable[[str], str]:
    """Return the check of a job in a subset: qualified, or one part of it, or how a part begins (``NIGHT*``)."""

    def check(value: str) -> str:
        upper = value.upper()
        if "/" in value:
            return str(read_job_name(value, keyword))
        if not value.strip() or len(value) > LONGEST_JOB:
            raise CommandError("GWL0126", keyword=keyword, value=value)
        # A number is found as the journal writes it.
        return upper.zfill(len(str(JOB_NUMBER_MAX))) if value.isascii() and value.isdecimal() else upper

    return check


def one_job(name: str, list_values: Callable[[Context], Sequence[Choice]]) -> Parameter:
    """Return the parameter for a job that is there.

    Args:
        name: What stands for the last part of its name where it is said what may be keyed.
        list_values: Returns the jobs, for F4.
    """
    return Parameter(
        "JOB",
        "Job",
        job_check("JOB"),
        length=LONGEST_JOB,
        choices=f"number/USER/{name}, F4 for list",
        quoted=True,
        list_values=list_values,
    )


ANY_JOB = Parameter(
    "JOB",
    "Job",
    with_special(any_job_check("JOB"), ALL),
    length=LONGEST_JOB,
    default=ALL,
    special=(ALL,),
    choices="Number, name, generic*, *ALL",
    quoted=True,
)
"""Which jobs a list shows."""
