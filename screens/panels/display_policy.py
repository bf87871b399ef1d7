"""Display Socket Policy: what a policy holds, a thing a line, each with what is not as usual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from console.commands.revisions import headed_policy
from console.policy.difference import Subject, compare
from console.policy.rule import Policy
from screens.panels.display import Display, Line
from screens.panels.services import Services

_HEADINGS: Mapping[Subject, str] = {
    Subject.MODE: "Modes of exit points",
    Subject.ADDRESS_GROUP: "Address groups",
    Subject.TIME_GROUP: "Time groups",
    Subject.RULE: "Rules, in the order in which they are asked",
    Subject.EXIT_PROGRAM: "Exit programs",
    Subject.SOCKS_ENTRY: "SOCKS entries",
}


class DisplayPolicy(Display):
    """Shows a policy as it differs from an empty one."""

    name = "DSPSOCPCY"
    title = "Display Socket Policy"
    module = "display_policy"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Read the policy.

        Args:
            services: What panels share.
            arguments: POLICY.

        Raises:
            StoreError: There is no such revision, or it cannot be read.
        """
        super().__init__(services)
        self._head, self._policy = headed_policy(services.context, arguments["POLICY"])

    def lines(self) -> Sequence[Line]:
        """Return everything it holds."""
        policy = self._policy
        shown = [
            Line.heading(self._head),
            Line(),
            Line("Datagrams", f"UDP({policy.udp.value})", "SETTINGS"),
            Line("Raw sockets", policy.raw_sockets.value, "SETTINGS"),
        ]
        held = compare(Policy(udp=policy.udp, raw_sockets=policy.raw_sockets), policy)
        for subject, changes in groupby(held, key=lambda change: change.subject):
            shown += [Line(), Line.heading(_HEADINGS[subject])]
            shown += [Line(change.what, change.after, "RULES") for change in changes]
        return shown
