"""The verb ``journal import``: the short way to the commands on imported journals."""

from __future__ import annotations

from console.commands.imported import DeleteImportedJournal, DisplayImportedJournals, ImportAuditJournal
from console.commands.language import render
from console.errors import UsageError
from console.shell.cl import Step


def import_steps(*, file: str, name: str, time_zone: str, text: str, remove: str, names: bool) -> list[Step]:
    """Return the command that the verb's options stand for.

    Raises:
        UsageError: They stand for none, or for several.
    """
    if bool(file) + bool(remove) + names != 1 or bool(name) != bool(file):
        raise UsageError("GWL0679")
    if names:
        return [Step(render(DisplayImportedJournals, {}))]
    if remove:
        return [Step(render(DeleteImportedJournal, {"JRN": remove}))]
    values = {"FILE": file, "JRN": name, "TIMZON": time_zone or "*SYS", "TEXT": text or "*BLANK"}
    return [Step(render(ImportAuditJournal, values))]
