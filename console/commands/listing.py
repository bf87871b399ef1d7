"""Printed forms of what commands display: columns and label-and-value lists, every cell safe to show; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from console.commands.keywords import RULE_VALUES
from console.model.words import DEFAULT_SEQUENCE, SocksType, YesNo
from console.policy.checks import KEYWORDS
from console.policy.fields import DFT
from console.policy.rule import ANY, ExitProgram, Rule, SocksEntry
from console.policy.socks_entries import socks_fields
from console.printable import printable

_GAP = "  "
_LABEL_WIDTH = 28


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a printed list."""

    heading: str
    right: bool = False
    """Whether its cells stand at the right edge, as numbers do."""


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]], empty: str = "") -> tuple[str, ...]:
    """Return a list as lines: headings, then a line a row, each column as wide as it needs.

    Args:
        columns: The columns.
        rows: As many cells each.
        empty: The one line below the headings when there are no rows.
    """
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    headings = [column.heading for column in columns]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    lines = [_line(columns, widths, row) for row in (headings, *cells)]
    return (*lines, empty) if empty and not cells else tuple(lines)


def _line(columns: Sequence[Column], widths: Sequence[int], cells: Sequence[str]) -> str:
    padded = (
        cell.rjust(width) if column.right else cell.ljust(width)
        for column, width, cell in zip(columns, widths, cells, strict=True)
    )
    return _GAP.join(padded).rstrip()


def labelled(pairs: Iterable[tuple[str, object]]) -> tuple[str, ...]:
    """Return labels with dot leaders and their values, a pair a line."""
    return tuple(f"{_leader(label)} : {printable(str(value))}".rstrip() for label, value in pairs)


def _leader(label: str) -> str:
    dots = " ." * (_LABEL_WIDTH // 2)
    return label + dots[len(label) :] if len(label) % 2 == 0 else label + " " + dots[len(label) + 1 :]


RULE_COLUMNS: tuple[Column, ...] = (
    Column("Exit point"),
    Column("Seq", right=True),
    Column("User"),
    Column("Local address"),
    Column("Port"),
    Column("Remote address"),
    Column("Port"),
    Column("Program"),
    Column("Time"),
    Column("Action"),
    Column("Active"),
    Column("Text"),
)
"""Columns of a list of rules."""


def rule_list(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return rules as a list."""
    return table(RULE_COLUMNS, (rule_row(rule) for rule in rules))


def rule_row(rule: Rule) -> tuple[object, ...]:
    """Return a rule as a row under `RULE_COLUMNS`."""
    return (
        rule.exit_point,
        shown_sequence(rule.sequence),
        rule.user,
        rule.local_address,
        rule.local_port,
        rule.remote_address,
        rule.remote_port,
        rule.program,
        rule.time_group,
        rule.action,
        "" if rule.active is YesNo.YES else rule.active,
        rule.text,
    )


_PROGRAM_COLUMNS = (
    Column("Exit point"),
    Column("Number", right=True),
    Column("Exit program"),
    Column("Limit ms", right=True),
    Column("Text"),
)


def program_list(programs: Iterable[ExitProgram]) -> tuple[str, ...]:
    """Return exit programs as a list."""
    rows = [(each.exit_point, each.number, each.program, each.time_limit_ms, each.text) for each in programs]
    return table(_PROGRAM_COLUMNS, rows, "(No exit programs)")


_SOCKS_COLUMNS = (
    Column("Seq", right=True),
    Column("User"),
    Column("Destination"),
    Column("Port"),
    Column("Type"),
    Column("Servers"),
    Column("Version"),
    Column("User id"),
    Column("Password"),
    Column("Text"),
)


def socks_list(entries: Iterable[SocksEntry]) -> tuple[str, ...]:
    """Return SOCKS entries as a list."""
    return table(_SOCKS_COLUMNS, (_socks_row(entry) for entry in entries), "(No SOCKS entries)")


def _socks_row(entry: SocksEntry) -> tuple[object, ...]:
    said = socks_fields(entry)
    names = ("sequence", "user", "remote_address", "remote_port", "type", "servers")
    asks = entry.type is SocksType.SOCKS
    told = (entry.version, entry.user_id, said["password"]) if asks else ("", "", "")
    return (*(said[name] for name in names), *told, entry.text)


_TAB_COLUMNS = (
    Column("Connection type"),
    Column("Destination"),
    Column("Subnet mask"),
    Column("SOCKS server"),
    Column("Port", right=True),
)


def socks_tab(entries: Iterable[SocksEntry]) -> tuple[str, ...]:
    """Return SOCKS entries with the fields of the SOCKS tab of iSeries Navigator, a line a server."""
    return table(_TAB_COLUMNS, (row for entry in entries for row in _tab_rows(entry)), "(No SOCKS entries)")


def _tab_rows(entry: SocksEntry) -> list[tuple[object, ...]]:
    destination = (CONNECTION_TYPES[entry.type], *destination_and_mask(entry))
    servers = [(server.host, str(server.port)) for server in entry.servers] or [("", "")]
    return [(*(destination if at == 0 else ("", "", "")), *server) for at, server in enumerate(servers)]


CONNECTION_TYPES: Mapping[SocksType, str] = {SocksType.DIRECT: "Direct", SocksType.SOCKS: "SOCKS server"}
"""What the SOCKS tab calls the types of entries."""


def destination_and_mask(entry: SocksEntry) -> tuple[str, str]:
    """Return the destination of an entry as an address and a subnet mask.

    Returns:
        For IPv4 networks the dotted mask, for those of IPv6 the prefix length; for a range its last address.
    """
    first, dash, last = entry.remote_address.partition("-")
    if dash:
        return first, f"to {last}"
    if first == ANY:
        return ANY, ANY
    network = ipaddress.ip_network(first)
    return str(network.network_address), str(network.netmask) if network.version == 4 else f"/{network.prefixlen}"


def end_text(address: str, port: int) -> str:
    """Return one end of a connection as one text, empty for none."""
    if not address:
        return ""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def shown_sequence(sequence: int) -> str:
    """Return a sequence number as it is shown: ``*DFT`` for the default rule."""
    return DFT if sequence == DEFAULT_SEQUENCE else str(sequence)


_MOST_NAMED = 12


def rules_named(rules: Sequence[Rule]) -> str:
    """Return which rules are meant: ``*CONNECT 10, *CONNECT *DFT``, the first few of them."""
    named = [f"{rule.exit_point} {shown_sequence(rule.sequence)}" for rule in rules[:_MOST_NAMED]]
    more = [f"{len(rules) - _MOST_NAMED} more"] if len(rules) > _MOST_NAMED else []
    return ", ".join([*named, *more]) or "none"


def rule_details(rule: Rule) -> tuple[str, ...]:
    """Return everything a rule says, a line a field, with the prompts of the commands as labels."""
    fields = {keyword: name for name, keyword in KEYWORDS.items()}
    told = [(parameter.prompt, getattr(rule, fields[parameter.keyword])) for parameter in RULE_VALUES]
    return labelled([("Exit point", rule.exit_point), ("Sequence number", shown_sequence(rule.sequence)), *told])
