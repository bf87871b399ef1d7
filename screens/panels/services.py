"""What every panel is given: the command context, the system's name, the commands typed so far, and the other panels.

Panels open each other only by name, through `Services.openers`, so that no panel imports another kind of panel and the
composition (`screens.console`) can be read in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.commands.authority import check_authority, lacking, refusals_recorded
from console.commands.definition import Command, Context
from console.model.words import SPECIAL_AUTHORITIES
from screens.command_log import CommandLog
from screens.history import History
from screens.looks import NOTHING_CHOSEN, Looks
from screens.panel import Panel
from screens.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN_BY: Mapping[str, str] = {
    "ConfigureSocks": "CFGSOCKS",
    "ConfirmActivation": "ACTSOCPCY",
    "DisplayAlert": "DSPALR",
    "DisplayAuditReport": "DSPAUDRPT",
    "DisplayCoverage": "DSPSOCCOV",
    "DisplayJournal": "DSPJRN",
    "DisplayMessages": "DSPMSG",
    "DisplayRule": "DSPSOCRUL",
    "MainMenu": "SIGNOFF",
    "ThreatModel": "DSPTHRMDL",
    "WorkWithAlertDestinations": "WRKALRDST",
    "WorkWithAlerts": "WRKALR",
    "WorkWithExitPrograms": "WRKREGINF",
    "WorkWithJobs": "WRKSOCJOB",
    "WorkWithReceivers": "WRKJRNA",
    "WorkWithRegistrationInformation": "WRKREGINF",
    "WorkWithRules": "WRKSOCRUL",
    "WorkWithSocksEntries": "WRKSOCKSE",
    "WorkWithSystemValues": "WRKSYSVAL",
}
"""Panel that others lead to -> the command whose authority shows it. One that is not here is for those only who have
every special authority."""

Opener = Callable[["Services", Mapping[str, str]], Panel]
"""Makes a panel from a command's values."""


@dataclass(frozen=True, slots=True)
class Services:
    """What panels share."""

    context: Context
    openers: Mapping[str, Opener]
    """Name of a panel's class, as `console.commands.definition.Result.panel` gives it -> how it is made."""
    commands: Mapping[str, type[Command]]
    """The commands there are, by name."""
    system: str = ""
    """Name of this system, for row 2."""
    history: History = field(default_factory=History)
    log: CommandLog = field(default_factory=CommandLog)
    """What was run since sign-on, and what it answered."""
    progress: Progress = field(default_factory=Progress)
    """What a turn that takes long says of itself."""
    looks: Looks = NOTHING_CHOSEN
    """Colours and key map of the operator's profile."""
    has_blocks: bool = True
    """Whether the terminal has the block characters of a sparkline."""

    def open(self, name: str, arguments: Mapping[str, str]) -> Panel:
        """Make a panel that another one leads to, past every command.

        Raises:
            AuthorityError: The operator may not run the command that shows it.
        """
        with refusals_recorded(self.context, name):
            if name in SHOWN_BY:
                check_authority(self.commands[SHOWN_BY[name]], None, self.context, keyed=False)
            elif not self.context.authorities.issuperset(SPECIAL_AUTHORITIES):
                raise lacking(name, tuple(sorted(SPECIAL_AUTHORITIES.keys() - self.context.authorities)))
        return self.opened(name, arguments)

    def opened(self, name: str, arguments: Mapping[str, str]) -> Panel:
        """Make the panel that a command asks for, which the operator was let run."""
        return self.openers[name](self, arguments)

    def require(self, cls: type[Command], *, keyed: bool) -> None:
        """Say whether the operator may be shown a command's prompt, which may say how things are.

        Raises:
            AuthorityError: No.
        """
        with refusals_recorded(self.context, cls.name):
            check_authority(cls, None, self.context, keyed=keyed)

    def may(self, name: str) -> bool:
        """Say whether the operator has the authority that a command needs; its values may need more yet."""
        return self.context.authorities.issuperset(self.commands[name].authority)

    def missing(self, name: str) -> Sequence[str]:
        """Return the special authorities that a command needs and the operator lacks."""
        # Asked first, as the authority of a command is known only when its module is loaded, which takes a while.
        if self.context.authorities.issuperset(SPECIAL_AUTHORITIES):
            return ()
        return [each for each in self.commands[name].authority if each not in self.context.authorities]

    def command_choices(self) -> Sequence[tuple[str, str]]:
        """Return name and text of every command, by name."""
        return [(name, command.text) for name, command in sorted(self.commands.items())]
