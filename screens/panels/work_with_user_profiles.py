"""Work with User Profiles: who may use the console, and what for; and Work with User Keys, their public keys."""

from __future__ import annotations

from collections.abc import Sequence

from console.commands.user_profiles import matching
from console.errors import CommandError
from console.model.user_profiles import Status, UserKey, UserProfile
from console.people.profile import authorities, by_name
from console.store import user_profiles as kept
from screens.panel import FunctionKey, Push, Reply, Submission
from screens.panels.columns import Column
from screens.panels.held_list import WorkWithHeld
from screens.panels.options import Option, Way
from screens.panels.prompter import Prompter
from screens.panels.work_with import LIST_KEYS
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size

_NONE = "*NONE"
_ENABLE, _DISABLE = {"STATUS": Status.ENABLED.value}, {"STATUS": Status.DISABLED.value}


class WorkWithUserProfiles(WorkWithHeld[UserProfile]):
    """The profiles: create, change, copy, delete, display, keys, enable, disable."""

    name = "WRKUSRPRF"
    title = "Work with User Profiles"
    module = "work_with_user_profiles"
    subject = "User Profiles"
    is_wide = True
    add_command = "CRTUSRPRF"
    subset_command = "WRKUSRPRF"
    options_row = 5
    heading_rows = 1
    gap = 1
    empty_text = "(No user profiles)"
    command_label = "Parameters for options 2, 3 or command"

    @property
    def options(self) -> Sequence[Option[UserProfile]]:
        """What can be done with a profile."""
        return (
            Option(2, "Change", "CHGUSRPRF", _name),
            Option(3, "Copy", "CPYUSRPRF", _name),
            Option(4, "Delete", "DLTUSRPRF", _name, Way.CONFIRM),
            Option(5, "Display", "DSPUSRPRF", _name, Way.RUN),
            Option(8, "Keys", "WRKUSRKEY", _name, Way.RUN),
            Option(14, "Enable", "CHGUSRPRF", lambda row: {**_name(row), **_ENABLE}, Way.RUN),
            Option(15, "Disable", "CHGUSRPRF", lambda row: {**_name(row), **_DISABLE}, Way.RUN),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys."""
        return (*LIST_KEYS, FunctionKey(6, "Create"), FunctionKey(17, "Position to"), FunctionKey(18, "Subset"))

    def draw_header(self, page: Page) -> None:
        """Show the position field, and which profiles are listed."""
        self.draw_position(page, 3, "Position to", 12)
        self.draw_subset(page, 3)

    def subset_text(self) -> str:
        """Return which profiles are listed."""
        return self.arguments.get("USRPRF", "*ALL")

    def columns(self, size: Size) -> Sequence[Column[UserProfile]]:
        """Return the columns."""
        wide = size == WIDE
        return (
            Column("User profile", 20 if wide else 12, lambda row: row.name, help_key="USRPRF"),
            Column("Status", 9, lambda row: row.status.value, help_key="STATUS", looks=_LOOKS),
            Column("Class", 7, lambda row: row.user_class.value, help_key="USRCLS"),
            Column("Password", 8, _password, help_key="PASSWORD"),
            *([Column("Group", 12, _group, help_key="GRPPRF")] if wide else []),
            Column("Special authority", 40 if wide else 17, self._authorities, help_key="SPCAUT"),
            Column("Text", 22 if wide else 14, lambda row: row.text, help_key="TEXT"),
        )

    def _authorities(self, row: UserProfile) -> str:
        return " ".join(sorted(authorities(row, self._every))) or _NONE

    def row_id(self, row: UserProfile) -> str:
        """Return its name."""
        return row.name

    def load(self) -> Sequence[UserProfile]:
        """Read the profiles."""
        with self.context.opened() as session:
            found = kept.list_profiles(session)
        self._every = by_name(found)
        return matching(found, self.arguments.get("USRPRF", "*ALL"))


_LOOKS = {Status.DISABLED.value: Attribute.RED}


def _name(row: UserProfile) -> dict[str, str]:
    return {"USRPRF": row.name}


def _group(row: UserProfile) -> str:
    return row.group or _NONE


def _password(row: UserProfile) -> str:
    if not row.password_hash:
        return _NONE
    return "*EXP" if row.password_expired else "*SET"


class WorkWithUserKeys(WorkWithHeld[UserKey]):
    """The public keys of a profile: add, remove."""

    name = "WRKUSRKEY"
    title = "Work with User Keys"
    module = "work_with_user_keys"
    subject = "User Keys"
    is_wide = True
    add_command = "ADDUSRKEY"
    options_row = 5
    heading_rows = 1
    gap = 1
    empty_text = "(No public keys: F6 adds one)"

    @property
    def options(self) -> Sequence[Option[UserKey]]:
        """What can be done with a key."""
        return (Option(4, "Remove", "RMVUSRKEY", _key, Way.CONFIRM),)

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys."""
        return (*LIST_KEYS, FunctionKey(6, "Add"))

    def draw_header(self, page: Page) -> None:
        """Show whose keys these are."""
        page.label(3, 2, "User profile", 22, colon=True)
        page.text(3, 25, self.arguments["USRPRF"])

    def columns(self, size: Size) -> Sequence[Column[UserKey]]:
        """Return the columns."""
        wide = size == WIDE
        return (
            Column("Fingerprint", 50, lambda row: row.fingerprint, help_key="FNGPRT"),
            *(
                [
                    Column("Type", 22, lambda row: row.key.split()[0], help_key="TYPE"),
                    Column("Added", 10, lambda row: f"{row.added_at.astimezone():%Y-%m-%d}", help_key="ADDED"),
                    Column("By", 10, lambda row: row.added_by, help_key="ADDED"),
                ]
                if wide
                else []
            ),
            Column("Comment", 27 if wide else 20, lambda row: row.comment, help_key="TEXT"),
        )

    def row_id(self, row: UserKey) -> str:
        """Return its fingerprint."""
        return row.fingerprint

    def load(self) -> Sequence[UserKey]:
        """Read the keys.

        Raises:
            CommandError: The profile is gone.
        """
        name = self.arguments["USRPRF"]
        with self.context.opened() as session:
            if kept.find_profile(session, name) is None:
                raise CommandError("GWL1010", name=name)
            return kept.list_keys(session, name)

    def answer_key(self, submission: Submission) -> Reply:
        """Add a key to this profile."""
        if submission.key != "F6":
            return super().answer_key(submission)
        command = self.services.commands[self.add_command]
        return Push(Prompter(self.services, command, {"USRPRF": self.arguments["USRPRF"]}))


def _key(row: UserKey) -> dict[str, str]:
    return {"USRPRF": row.user, "FNGPRT": row.fingerprint}
