"""Work with Journal Attributes: how receivers are managed, and the receiver attached; F15 lists them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.receivers import ATTRIBUTE_PROMPTS, attribute_values, local_time
from console.journal.receivers import attributes, list_receivers
from console.journal.signer import key_fault
from console.messages import line
from console.store.journal import attached_receiver
from screens.panel import FunctionKey, Push, Reply, Stay, Submission
from screens.panels.display import Display, Line
from screens.panels.prompter import Prompter
from screens.panels.services import Services


class WorkWithJournalAttributes(Display):
    """Shows the journal, as WRKJRNA does."""

    name = "WRKJRNA"
    title = "Work with Journal Attributes"
    module = "work_with_journal_attributes"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show the journal.

        Args:
            services: What panels share.
            arguments: JRN; there is one.
        """
        del arguments
        super().__init__(services)

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The ways on: the attributes changed, the receivers."""
        return (
            FunctionKey(3, "Exit"),
            FunctionKey(5, "Refresh"),
            FunctionKey(12, "Cancel"),
            FunctionKey(14, "Change journal"),
            FunctionKey(15, "Work with receiver directory"),
            *self.find_keys,
        )

    def lines(self) -> Sequence[Line]:
        """Return the attributes as they are now."""
        with self.services.context.opened() as session:
            held = attribute_values(attributes(session))
            receivers = list_receivers(session)
            attached = attached_receiver(session)
            fault = key_fault(session)
        there = [each for each in receivers if each.deleted_at is None]
        size = sum(each.size_bytes for each in there)
        return (
            Line("Journal", "QAUDJRN", "JRN"),
            Line(),
            *(Line(prompt, held[keyword], keyword) for keyword, prompt in ATTRIBUTE_PROMPTS),
            Line(),
            Line("Attached receiver", attached.name, "JRNRCV"),
            Line("Attached", local_time(attached.attached_at), "JRNRCV"),
            Line("First entry", str(attached.first_sequence), "JRNRCV"),
            Line("Last entry", str(attached.last_sequence), "JRNRCV"),
            Line("Size, KB", f"{-(-attached.size_bytes // 1024)}", "SIZE"),
            Line("Receivers", str(len(there)), "COUNT"),
            Line("Size of all receivers, KB", f"{-(-size // 1024)}", "SIZE"),
            *((Line(), Line(text=line(fault))) if fault else ()),
        )

    def answer_key(self, submission: Submission) -> Reply:
        """Change the journal, or list its receivers."""
        if submission.key == "F14":
            return Push(Prompter(self.services, self.services.commands["CHGJRN"], {}))
        if submission.key == "F15":
            return Push(self.services.open("WorkWithReceivers", {}))
        return Stay(redraw=True)
