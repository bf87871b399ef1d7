"""Work with SOCKS Entries: which way connections go, and the same list with the fields of the SOCKS tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from console.commands.listing import CONNECTION_TYPES, destination_and_mask
from console.commands.socks_keywords import values_of
from console.model.words import SocksType
from console.policy.fields import is_service
from console.policy.rule import ALL, ANY, SocksEntry
from console.policy.socks_entries import socks_fields
from console.store.revisions import count_changes
from console.store.socks_entries import list_socks_entries
from screens.panels.columns import Column
from screens.panels.options import Option, Way
from screens.panels.pager import HeldList
from screens.panels.pending import draw_pending
from screens.panels.services import Services
from screens.panels.work_with_sequence import WorkWithSequence
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size

_VIEWS = (
    ("SEQNBR", "TYPE", "RMTADR", "RMTPORT", "SERVER"),
    ("SEQNBR", "TYPE", "USRPRF", "VERSION", "USERID", "PASSWORD", "TEXT"),
)
"""Columns of the views that F11 goes through."""
_ALL = ("SEQNBR", "TYPE", "USRPRF", "RMTADR", "RMTPORT", "SERVER", "VERSION", "USERID", "PASSWORD", "TEXT")
"""Those of a wide screen."""
_LOOKS = {"*MISSING": Attribute.YELLOW}


class WorkWithSocksEntries(WorkWithSequence[SocksEntry]):
    """The entries: add, change, copy, remove, display, test, activate."""

    name = "WRKSOCKSE"
    title = "Work with SOCKS Entries"
    module = "work_with_socks_entries"
    subject = "SOCKS Entries"
    options_row = 5
    add_command = "ADDSOCKSE"
    views = len(_VIEWS)
    empty_text = "(No SOCKS entries: every connection goes directly)"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Open the list.

        Args:
            services: What panels share.
            arguments: None are needed.
        """
        del arguments
        self._context = services.context
        self._changes = 0
        self._list = HeldList(self._load, lambda entry: str(entry.sequence))
        super().__init__(services, self._list)

    @property
    def options(self) -> Sequence[Option[SocksEntry]]:
        """What can be done with an entry."""
        return (
            Option(1, "Add", "ADDSOCKSE", is_for_add_row=True),
            Option(2, "Change", "CHGSOCKSE", _place),
            Option(3, "Copy", "CPYSOCKSE", _place),
            Option(4, "Remove", "RMVSOCKSE", _place, Way.CONFIRM),
            Option(5, "Display", "DSPSOCKSE", _place, Way.RUN),
            Option(8, "Test", "TSTSOCKSE", _connection_of),
        )

    def columns(self, size: Size) -> Sequence[Column[SocksEntry]]:
        """Return the columns of the view; on a wide screen all of them."""
        self._shows_all = size == WIDE
        return [_COLUMNS[name] for name in (_ALL if self._shows_all else _VIEWS[self._view])]

    def confirm_columns(self) -> Sequence[Column[SocksEntry]]:
        """Return the place of an entry and where it leads, whatever view the list shows."""
        *others, server = (_COLUMNS[name] for name in _VIEWS[0])
        return [*others, replace(server, width=20)]

    def draw_header(self, page: Page) -> None:
        """Show position-to, and how many changes wait."""
        self.draw_position(page)
        draw_pending(page, 3, self._changes)

    def sequence(self, row: SocksEntry) -> int:
        """Return the sequence number of an entry."""
        return row.sequence

    def _load(self) -> list[SocksEntry]:
        with self._context.opened() as session:
            self._changes = count_changes(session)
            return list_socks_entries(session)


class ConfigureSocks(WorkWithSocksEntries):
    """The same list, with the fields of the SOCKS tab of iSeries Navigator."""

    name = "CFGSOCKS"
    title = "Configure SOCKS"
    module = "configure_socks"
    heading_rows = 2
    number_width = 5
    views = 1
    has_position = False

    def columns(self, size: Size) -> Sequence[Column[SocksEntry]]:
        """Return the columns of the tab."""
        is_wide = size == WIDE
        return (
            Column("\nSeq", self.number_width, lambda entry: str(entry.sequence), right=True, help_key="SEQNBR"),
            Column("Connection\ntype", 12, lambda entry: CONNECTION_TYPES[entry.type], help_key="TYPE"),
            Column(
                "Destination\nIP address",
                39 if is_wide else 15,
                lambda entry: destination_and_mask(entry)[0],
                help_key="RMTADR",
            ),
            Column(
                "Subnet\nmask", 25 if is_wide else 15, lambda entry: destination_and_mask(entry)[1], help_key="MASK"
            ),
            Column("SOCKS\nserver", 30 if is_wide else 16, _first_server, help_key="SERVER"),
            Column("\nPort", 5, _first_port, right=True, help_key="PORT"),
        )

    def draw_header(self, page: Page) -> None:
        """Show how many changes wait."""
        draw_pending(page, 3, self._changes)


def _place(entry: SocksEntry) -> dict[str, str]:
    return {"SEQNBR": str(entry.sequence)}


def _connection_of(entry: SocksEntry) -> dict[str, str]:
    """Return a connection that the entry is meant for, as far as it names one thing and not many."""
    found = {}
    if entry.remote_address != ANY and "/" not in entry.remote_address and "-" not in entry.remote_address:
        found["RMTADR"] = entry.remote_address
    if is_service(entry.remote_port) or entry.remote_port.isdecimal():
        found["RMTPORT"] = entry.remote_port
    if entry.user != ALL and not entry.user.startswith("%") and not entry.user.endswith("*"):
        found["USRPRF"] = entry.user
    return found


def _first_server(entry: SocksEntry) -> str:
    others = " +" if len(entry.servers) > 1 else ""
    return f"{entry.servers[0].host}{others}" if entry.servers else ""


def _first_port(entry: SocksEntry) -> str:
    return str(entry.servers[0].port) if entry.servers else ""


def _servers(entry: SocksEntry) -> str:
    return " ".join(map(str, entry.servers))


def _of_server(name: str, entry: SocksEntry) -> str:
    """Return a field that only means something where a server is asked."""
    return socks_fields(entry)[name] if entry.type is SocksType.SOCKS else ""


def _user_id(entry: SocksEntry) -> str:
    return values_of(entry)["USERID"] if entry.type is SocksType.SOCKS else ""


_COLUMNS: Mapping[str, Column[SocksEntry]] = {
    column.help_key: column
    for column in (
        Column("Sequence", 8, lambda entry: str(entry.sequence), right=True, help_key="SEQNBR"),
        Column("Type", 8, lambda entry: entry.type.value, help_key="TYPE"),
        Column("User", 10, lambda entry: entry.user, help_key="USRPRF"),
        Column("Remote address", 18, lambda entry: entry.remote_address, help_key="RMTADR"),
        Column("Port", 11, lambda entry: entry.remote_port, help_key="RMTPORT"),
        Column("Server", 24, _servers, help_key="SERVER"),
        Column("Version", 7, lambda entry: _of_server("version", entry), help_key="VERSION"),
        Column("User id", 10, _user_id, help_key="USERID"),
        Column("Password", 8, lambda entry: _of_server("password", entry), help_key="PASSWORD", looks=_LOOKS),
        Column("Text", 12, lambda entry: entry.text, help_key="TEXT"),
    )
}
"""Every column by the keyword that its cells are values of."""
