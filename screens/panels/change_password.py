"""Change Password: the one in use once, the new one twice, none of them shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.errors import ConsoleError
from console.messages import describe, message
from console.people.own_password import change_own_password
from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, SignOff, Stay, Submission
from screens.panels.help_texts import panel_help
from screens.panels.replies import at_bottom, at_top
from screens.panels.services import Services
from screens.panels.sign_on import secret_stretches
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import SECRET
from screens.terminal.page import Page, Size

_CURRENT, _NEW, _AGAIN = "CURRENT", "NEW", "AGAIN"
_ROWS = ((_CURRENT, 7, "Current password"), (_NEW, 10, "New password"), (_AGAIN, 13, "New password (to verify)"))
_COLUMN = 45
_CHANGED = "GWL103A"
_EXPIRED = "GWL1028"


class ChangePassword(Panel):
    """Changes one's own password."""

    name = "CHGPWD"
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))

    def __init__(
        self, system: str, user: str, change: Callable[[str, str, str], None], *, is_forced: bool = False
    ) -> None:
        """Ask for the passwords.

        Args:
            system: Name of this system.
            user: One's own profile.
            change: Takes the current password, the new one, and the new one again.
            is_forced: Whether nothing else may come first: then every way out ends the session.
        """
        self.is_done = False
        """Whether the password was changed."""
        self._system = system
        self._user = user
        self._change = change
        self._is_forced = is_forced

    def page(self, size: Size) -> Page:
        """Show three empty fields."""
        page = Page(size)
        page.title("Change Password")
        page.system(self._system)
        page.label(3, 2, "User profile", 40, colon=True)
        page.text(3, _COLUMN, self._user)
        page.instruction(5, message(_EXPIRED).text if self._is_forced else "Type choices, press Enter.")
        for name, row, label in _ROWS:
            page.label(row, 4, label, 38)
            first, rest = secret_stretches(row, _COLUMN, row + 1, 80)
            page.field(
                name, row, first.column, first.length, "", format=SECRET, attribute=Attribute.NONDISPLAY,
                continued=rest,
            )  # fmt: skip
        return page

    def handle(self, submission: Submission) -> Reply:
        """Change it, or go back."""
        match submission.key:
            case "ENTER":
                return self._enter(submission.values)
            case "F3":
                return SignOff() if self._is_forced else Exit()
            case "F12":
                return SignOff() if self._is_forced else Return()
            case "ROLLUP":
                return Stay((at_bottom("display"),))
            case "ROLLDOWN":
                return Stay((at_top("display"),))
            case _:
                return Stay()

    def _enter(self, typed: Mapping[str, str]) -> Reply:
        try:
            self._change(typed[_CURRENT], typed[_NEW], typed[_AGAIN])
        except ConsoleError as error:
            return Stay((describe(error),), redraw=True, cursor=_CURRENT)
        self.is_done = True
        done = message(_CHANGED, name=self._user)
        return SignOff() if self._is_forced else Return(messages=(done,))

    def help(self, key: str) -> Help | None:
        """Return help on the panel or a field."""
        return panel_help("change_password", key, self.function_keys)


def open_change_password(services: Services, arguments: Mapping[str, str]) -> ChangePassword:
    """Make the panel for who has signed on."""
    del arguments
    context = services.context

    def change(current: str, new: str, again: str) -> None:
        change_own_password(
            context.store, context.user, current, new, again, place="console", job=context.job, clock=context.clock
        )

    return ChangePassword(services.system, context.user, change)
