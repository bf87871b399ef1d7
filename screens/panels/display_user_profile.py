"""Display User Profile: what a profile may do, how it signs on, how its console looks; never a secret of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.user_profiles import described
from screens.panel import FunctionKey, Reply, Submission
from screens.panels.display import Display, Line
from screens.panels.help_texts import read_help
from screens.panels.running import run
from screens.panels.services import Services


class DisplayUserProfile(Display):
    """Shows one profile."""

    name = "DSPUSRPRF"
    title = "Display User Profile"
    module = "display_user_profile"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show a profile.

        Args:
            services: What panels share.
            arguments: USRPRF.

        Raises:
            CommandError: There is no such profile.
        """
        super().__init__(services)
        self._profile = arguments["USRPRF"]
        self._groups = described(services.context, self._profile)

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The ways back, and the keys of the profile."""
        return (FunctionKey(3, "Exit"), FunctionKey(10, "Display keys"), FunctionKey(12, "Cancel"), *self.find_keys)

    def answer_key(self, submission: Submission) -> Reply:
        """Show the public keys."""
        if submission.key != "F10":
            return super().answer_key(submission)
        return run(self.services, f"WRKUSRKEY USRPRF({self._profile})", keyed=False).reply()

    def lines(self) -> Sequence[Line]:
        """Return what it says, in groups."""
        found: list[Line] = []
        for group in self._groups:
            found += [Line(label, value, _help_key(label)) for label, value in group]
            found.append(Line())
        return found[:-1]


def _help_key(label: str) -> str:
    """Return the section of the help on a value; none where its label says all there is to say."""
    key = label.strip().upper().replace(" ", "_")
    return key if key in read_help(DisplayUserProfile.module).sections else ""
