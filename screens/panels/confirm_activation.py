"""Confirm Activation: what would change, before the pending policy becomes the active one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.messages import message
from console.policy.difference import Change, compare
from console.store.revisions import lasting_policy, pending_policy
from screens.panel import FunctionKey, Push, Reply, Return, Stay, Submission
from screens.panels.difference_lines import difference_lines
from screens.panels.display import Display, Line
from screens.panels.prompter import Prompter
from screens.panels.replies import DONE
from screens.panels.running import run
from screens.panels.services import Services

_CHANGED_MEANWHILE = "GWL0716"


class ConfirmActivation(Display):
    """Lists the pending changes; Enter activates them."""

    name = "CFMACT"
    title = "Confirm Activation of Pending Policy"
    module = "confirm_activation"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Compare the policies.

        Args:
            services: What panels share.
            arguments: None are needed.
        """
        del arguments
        super().__init__(services)
        self._revision, self._changes = self._read()
        if self._changes:
            self.prompt_rows = ("Press Enter to activate these changes.", "Press F12 to return to change them.")

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The ways back, and activating with a text or a time limit."""
        return (*super().function_keys, *((FunctionKey(4, "Prompt"),) if self._changes else ()))

    def _read(self) -> tuple[int, tuple[Change, ...]]:
        """Return the active revision's number, and what differs from it."""
        with self.services.context.opened() as session:
            number, active = lasting_policy(session)
            return number, compare(active, pending_policy(session))

    def lines(self) -> Sequence[Line]:
        """Return each change, as it was and as it will be."""
        if not self._changes:
            return [Line.heading(f"Nothing has changed since revision {self._revision}.")]
        head = Line.heading(f"Changes since revision {self._revision}: {len(self._changes)}")
        return [head, Line(), *difference_lines(self._changes)]

    def handle(self, submission: Submission) -> Reply:
        """Activate with Enter; what somebody else has changed meanwhile is shown first."""
        if submission.key == "F4":
            return Push(Prompter(self.services, self.services.commands["ACTSOCPCY"], {}))
        if submission.key != "ENTER":
            return super().handle(submission)
        shown = self._revision, self._changes
        self._revision, self._changes = self._read()
        if (self._revision, self._changes) != shown:
            return Stay((message(_CHANGED_MEANWHILE),), redraw=True)
        ran = run(self.services, "ACTSOCPCY", keyed=False)
        return Return(DONE, ran.messages) if ran.panel is None else Push(ran.panel, ran.messages)

    def resume(self, value: object) -> Reply:
        """Go back when the command that was prompted is done."""
        return Return(DONE) if value is DONE else super().resume(value)
