"""Compare Socket Policies: what changes from one policy to another, a change after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.policy_compare import named_policy
from console.policy.difference import compare
from screens.panels.difference_lines import difference_lines
from screens.panels.display import Display, Line
from screens.panels.services import Services


class DisplayComparison(Display):
    """Shows the differences of two policies."""

    name = "CMPSOCPCY"
    title = "Compare Socket Policies"
    module = "display_comparison"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Compare them.

        Args:
            services: What panels share.
            arguments: FROM and TO.

        Raises:
            StoreError: There is no such revision, or it cannot be read.
        """
        super().__init__(services)
        with services.context.opened() as session:
            (old_name, old), (new_name, new) = (named_policy(session, arguments[word]) for word in ("FROM", "TO"))
        self._names = old_name, new_name
        self._changes = compare(old, new)

    def lines(self) -> Sequence[Line]:
        """Return each change."""
        old, new = self._names
        if not self._changes:
            return [Line.heading(f"From {old} to {new} nothing changes.")]
        head = Line.heading(f"Changes from {old} to {new}: {len(self._changes)}")
        return [head, Line(), *difference_lines(self._changes)]
