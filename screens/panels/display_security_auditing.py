"""Current Security Auditing Values: system values, the receiver attached, and users with levels of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.audit_values import warnings
from console.commands.security_auditing import auditing_pairs
from console.messages import line
from console.store.journal import attached_receiver
from console.store.system_values import get_auditing, get_user_levels, get_values
from screens.panels.display import Display, Line
from screens.panels.services import Services


class DisplaySecurityAuditing(Display):
    """Shows what is audited, as DSPSECAUD does."""

    name = "DSPSECAUD"
    title = "Current Security Auditing Values"
    module = "display_security_auditing"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show what is audited.

        Args:
            services: What panels share.
            arguments: None are needed.

        Raises:
            StoreError: The store cannot be read.
        """
        del arguments
        super().__init__(services)
        with services.context.opened() as session:
            self._pairs = auditing_pairs(get_values(session), attached_receiver(session).name)
            self._users = get_user_levels(session)
            auditing = get_auditing(session)
        self._warnings = warnings(auditing, auditing)

    def lines(self) -> Sequence[Line]:
        """Return every value, then the users, then what contradicts."""
        shown = [Line(label, value, label.split()[0].upper()) for label, value in self._pairs]
        if self._users:
            shown += [Line(), Line.heading("Users with audit levels of their own")]
            shown += [Line(user, " ".join(levels), "USERS") for user, levels in self._users.items()]
        if self._warnings:
            shown += [Line(), Line.heading("Values that contradict each other")]
            shown += [Line(text=line(said), help_key="WARNINGS") for said in self._warnings]
        return shown
