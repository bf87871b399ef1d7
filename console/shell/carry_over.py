"""The verbs ``policy check --from`` and ``policy import --from``: SOCKS entries from other programs' configurations."""

from __future__ import annotations

from console.commands.definition import Context
from console.commands.policy_import import FORMATS, check_carried, left_behind, take_entries
from console.errors import UsageError
from console.messages import message
from console.policy.carried import Carried
from console.shell.files import read_text
from console.shell.output import print_message, print_warning
from console.shell.policy_file import run_import


def read_foreign(name: str, source: str) -> Carried:
    """Read another program's configuration, and print what cannot be carried over.

    Args:
        name: Of the file.
        source: Its format.

    Raises:
        UsageError: There is no such format, or the file cannot be read.
        PolicyError: The file is not of the format, nothing in it can be carried over, or connections that it sends
            through a proxy would be made directly.
    """
    read = FORMATS.get(source)
    if read is None:
        raise UsageError("GWL000E", format=source, formats=", ".join(FORMATS))
    carried = read(read_text(name), name)
    for warning in left_behind(carried):
        print_warning(warning)
    check_carried(carried, name)
    return carried


def check_foreign(name: str, source: str) -> None:
    """Say what an import of another program's configuration would do; needs no store.

    Raises:
        UsageError: There is no such format, or the file cannot be read.
        PolicyError: It would be refused.
    """
    carried = read_foreign(name, source)
    print_message(message("GWL0285", path=name, format=source, count=len(carried.entries), left=len(carried.left)))


def take_in_entries(carried: Carried, name: str, source: str, context: Context) -> None:
    """Replace the SOCKS entries of the pending policy; all else in it stays.

    Args:
        carried: As `read_foreign` returned it.
        name: Of the file, for the audit entry.
        source: Its format, likewise.
        context: What the change may use.

    Raises:
        StoreError: The store cannot be written; the pending policy is as it was.
    """
    command = f"greenwall policy import --from {source} {name}"
    run_import(command, context, lambda inside: take_entries(carried, name, inside))
