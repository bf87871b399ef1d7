"""Confirm Activation: what would change, before the pending policy becomes the active one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.messages import message
from console.policy.difference import Change, Kind, compare
from console.store.revisions import active_policy, pending_policy
from screens.panel import Reply, Return, Stay, Submission
from screens.panels.display import Display, Line
from screens.panels.replies import DONE
from screens.panels.running import run
from screens.panels.services import Services

_CHANGED_MEANWHILE = "GWL0716"
_WORDS = {Kind.ADDED: "Added", Kind.REMOVED: "Removed", Kind.CHANGED: "Changed"}


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

    def _read(self) -> tuple[int, tuple[Change, ...]]:
        """Return the active revision's number, and what differs from it."""
        with self.services.context.opened() as session:
            number, active = active_policy(session)
            return number, compare(active, pending_policy(session))

    def lines(self) -> Sequence[Line]:
        """Return each change, as it was and as it will be."""
        if not self._changes:
            return [Line.heading(f"Nothing has changed since revision {self._revision}.")]
        head = Line.heading(f"Changes since revision {self._revision}: {len(self._changes)}")
        return [head, Line(), *(line for change in self._changes for line in _told(change))]

    def handle(self, submission: Submission) -> Reply:
        """Activate with Enter; what somebody else has changed meanwhile is shown first."""
        if submission.key != "ENTER":
            return super().handle(submission)
        shown = self._revision, self._changes
        self._revision, self._changes = self._read()
        if (self._revision, self._changes) != shown:
            return Stay((message(_CHANGED_MEANWHILE),), redraw=True)
        ran = run(self.services, "ACTSOCPCY", keyed=False)
        return Return(DONE, ran.messages)


def _told(change: Change) -> list[Line]:
    label = f"{_WORDS[change.kind]} {change.what}"
    if change.kind is Kind.CHANGED:
        return [Line(label, change.before), Line(value=f"-> {change.after}")]
    return [Line(label, change.after or change.before)]
