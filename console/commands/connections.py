"""The commands on the connections and listeners of this system, and the rule that one of them would be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv6Address, ip_address

from console.commands.coverage import ALL, Coverage, CoveredSocket, Engine, Kind, is_wanted, read_coverage
from console.commands.definition import Command, Context, Parameter, Result
from console.commands.host import groups_of
from console.commands.host_sockets import own_namespace
from console.commands.hypothetical import NONE, one_address
from console.commands.journal_rule import free_sequence, is_plain_user
from console.commands.keywords import ANY_USER, checked, number, one_of, with_special
from console.commands.listing import Column, table
from console.commands.policy import PENDING, now_of
from console.commands.policy_test import asked_policy
from console.commands.socket_diagnosis import TcpEnds, end_socket
from console.errors import CommandError
from console.messages import message
from console.model.words import IOSYSCFG, Action, ExitPoint
from console.policy.explain import explain
from console.policy.fields import address_intervals
from console.policy.request import Request
from console.policy.rule import ANY

_IPV4, _IPV6 = "*CNN", "*CNN6"
"""IBM i's words for connections of each family; both are what is shown unless one is asked for."""
_TCP = "TCP"
_LAST_PORT = 65535

_COLUMNS = (
    Column("Type"),
    Column("State"),
    Column("Local"),
    Column("Remote"),
    Column("User"),
    Column("Pid", right=True),
    Column("Program"),
    Column("Engine"),
    Column("Job"),
)


def is_listed(each: CoveredSocket, values: Mapping[str, str]) -> bool:
    """Say whether a socket is among those that WRKTCPSTS shows.

    Args:
        each: The socket.
        values: Of WRKTCPSTS, by keyword; those that are missing are ``*ALL``.
    """
    shown = each.socket
    wanted = {keyword: value for keyword, value in values.items() if value != ALL}
    is_ipv6 = ":" in shown.local_address
    remote = wanted.get("RMTADR")
    return (
        is_wanted(each, values.get("ENGINE", ALL), values.get("TYPE", ALL))
        and wanted.get("OPTION", _IPV6 if is_ipv6 else _IPV4) == (_IPV6 if is_ipv6 else _IPV4)
        and fnmatchcase(each.user, wanted.get("USRPRF", "*"))
        and wanted.get("LCLPORT", str(shown.local_port)) == str(shown.local_port)
        and wanted.get("RMTPORT", str(shown.remote_port)) == str(shown.remote_port)
        and (remote is None or _is_among(shown.remote_address, remote))
    )


def _is_among(address: str, wanted: str) -> bool:
    """Say whether an address is one of those that a rule's address value means."""
    if not address:
        return False
    (found, _), *_rest = address_intervals(plain(address))
    return any(low <= found <= high for low, high in address_intervals(wanted))


def plain(address: str) -> str:
    """Return an address as rules name it: an IPv4 one of an IPv6 socket by itself."""
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def connection_list(sockets: Iterable[CoveredSocket]) -> tuple[str, ...]:
    """Return sockets as a list."""
    return table(_COLUMNS, (_row(each) for each in sockets), "(No connections)")


def _row(each: CoveredSocket) -> tuple[object, ...]:
    process = each.first
    return (
        each.socket.protocol,
        each.socket.state,
        each.local,
        each.remote,
        each.user,
        "" if process is None else process.pid,
        "" if process is None else process.program or process.name,
        each.engine,
        each.job,
    )


def counts(coverage: Coverage) -> str:
    """Return how many sockets there are of each kind, as a sentence."""
    listeners, connections, datagrams = (coverage.count(kind) for kind in Kind)
    return f"Listeners {listeners}, connections {connections}, datagram sockets {datagrams}"


def check_can_end(each: CoveredSocket) -> None:
    """Refuse what ENDTCPCNN cannot end.

    Raises:
        CommandError: It is no TCP socket, or is in another network namespace, where its ends mean another socket.
    """
    if each.socket.protocol != _TCP:
        raise CommandError("GWL0756", protocol=each.socket.protocol)
    if each.socket.namespace not in (0, own_namespace()):
        raise CommandError("GWL0757", ends=f"{each.local} {each.remote}".strip())


def check_job(each: CoveredSocket) -> None:
    """Refuse a socket that no job under a guard holds.

    Raises:
        CommandError: None does; the message names the process.
    """
    if each.job:
        return
    if each.first is None:
        raise CommandError("GWL0759", reason=each.reason)
    raise CommandError("GWL0758", pid=each.first.pid, program=each.first.program or each.first.name)


def ends_of(each: CoveredSocket) -> Mapping[str, str]:
    """Return the values of ENDTCPCNN for a socket."""
    shown = each.socket
    ends = {"LCLADR": shown.local_address, "LCLPORT": str(shown.local_port)}
    if shown.remote_address:
        ends |= {"RMTADR": shown.remote_address, "RMTPORT": str(shown.remote_port)}
    return ends


def check_rule(each: CoveredSocket) -> None:
    """Refuse a socket that no rule can be made from.

    Raises:
        CommandError: It is raw, or has no other end and does not listen; or its user cannot be named in a rule.
    """
    if each.kind is Kind.DATAGRAM:
        raise CommandError("GWL075A", protocol=each.socket.protocol)
    if not is_plain_user(each.user):
        raise CommandError("GWL075B", user=each.user)


def rule_of_socket(context: Context, each: CoveredSocket, all_of_them: Sequence[CoveredSocket]) -> Mapping[str, str]:
    """Return the values of ADDSOCRUL for a rule that refuses calls as the one that made this connection.

    What a connection has by chance is left out: the port of the end that connected. Its number is that of a place just
    before the rule that decides such a call now.

    Args:
        context: Reads the pending policy.
        each: A connection or a listener.
        all_of_them: The sockets of this system: a connection on the port of a listener was accepted.

    Raises:
        ConsoleError: There can be no such rule, or the store cannot be read.
    """
    check_rule(each)
    exit_point = exit_point_of(each, all_of_them)
    local, port = plain(each.socket.local_address), str(each.socket.local_port)
    remote = plain(each.socket.remote_address) if each.socket.remote_address else ANY
    ends = {
        ExitPoint.CONNECT: {"RMTADR": remote, "RMTPORT": str(each.socket.remote_port)},
        ExitPoint.ACCEPT: {"LCLADR": local, "LCLPORT": port, "RMTADR": remote},
        ExitPoint.LISTEN: {"LCLADR": local, "LCLPORT": port},
    }[exit_point]
    return {
        "EXITPNT": exit_point.value,
        "SEQNBR": free_sequence(context, exit_point, _decider(context, each, exit_point)),
        "USRPRF": each.user,
        **ends,
        "ACTION": Action.REJECT.value,
        "TEXT": "From a connection of this system",
    }


def exit_point_of(each: CoveredSocket, all_of_them: Iterable[CoveredSocket]) -> ExitPoint:
    """Return which call a socket comes from."""
    if each.kind is Kind.LISTEN:
        return ExitPoint.LISTEN
    mine = each.socket
    was_accepted = any(
        other.kind is Kind.LISTEN
        and other.socket.local_port == mine.local_port
        and other.socket.namespace == mine.namespace
        and other.socket.local_address in (mine.local_address, plain(mine.local_address), "0.0.0.0", "::")  # noqa: S104
        for other in all_of_them
    )
    return ExitPoint.ACCEPT if was_accepted and mine.protocol == _TCP else ExitPoint.CONNECT


def _decider(context: Context, each: CoveredSocket, exit_point: ExitPoint) -> int:
    """Return the number of the rule that decides such a call by the pending policy; 0 where none is asked."""
    shown, process = each.socket, each.first
    listens = exit_point is ExitPoint.LISTEN
    request = Request(
        exit_point=exit_point,
        user=each.user,
        groups=groups_of(each.user),
        program="" if process is None else process.program,
        local_address=_number(shown.local_address),
        local_port=0 if exit_point is ExitPoint.CONNECT else shown.local_port,
        remote_address=0 if listens else _number(shown.remote_address),
        remote_port=0 if listens else shown.remote_port,
    )
    rule = explain(asked_policy(context, PENDING), request, now_of(context)).rule
    return 0 if rule is None else rule.sequence


def _number(address: str) -> int:
    return address_intervals(plain(address))[0][0]


def _whole_port(keyword: str) -> Callable[[str], str]:
    return number(keyword, 1, _LAST_PORT)


class WorkWithTcpStatus(Command):
    """Shows the connections and listeners of this system."""

    name = "WRKTCPSTS"
    text = "Work with TCP/IP Network Status"
    aliases = ("NETSTAT",)
    authority = ()
    parameters = (
        Parameter("OPTION", "Option", one_of("OPTION", (ALL, _IPV4, _IPV6)), default=ALL, special=(ALL, _IPV4, _IPV6)),
        Parameter("TYPE", "Type of socket", one_of("TYPE", (ALL, *Kind)), default=ALL, special=(ALL, *Kind)),
        Parameter("ENGINE", "Engine", one_of("ENGINE", (ALL, *Engine)), default=ALL, special=(ALL, *Engine)),
        ANY_USER,
        Parameter(
            "LCLPORT", "Local port", with_special(_whole_port("LCLPORT"), ALL), length=5, default=ALL, special=(ALL,),
            choices="1-65535, *ALL",
        ),
        Parameter(
            "RMTADR", "Remote address", with_special(checked("remote_address", "RMTADR"), ALL), length=79, default=ALL,
            special=(ALL,), choices="Address, a.b.c.d/n, from-to, *ALL", quoted=True,
        ),
        Parameter(
            "RMTPORT", "Remote port", with_special(_whole_port("RMTPORT"), ALL), length=5, default=ALL, special=(ALL,),
            choices="1-65535, *ALL",
        ),
    )  # fmt: skip

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        lines: tuple[str, ...] = ()
        if not context.has_panels:
            coverage = read_coverage(context)
            lines = (*connection_list(each for each in coverage.sockets if is_listed(each, values)), counts(coverage))
        return Result(lines=lines, panel="WorkWithTcpStatus", arguments=dict(values))


class EndTcpConnection(Command):
    """Ends a connection of this system, or closes a listener."""

    name = "ENDTCPCNN"
    text = "End TCP/IP Connection"
    authority = (IOSYSCFG,)
    parameters = (
        Parameter("LCLADR", "Local address", one_address("LCLADR"), length=39, choices="Address", quoted=True),
        Parameter("LCLPORT", "Local port", _whole_port("LCLPORT"), length=5, choices="1-65535"),
        Parameter("RMTADR", "Remote address", one_address("RMTADR"), length=39, default=NONE, special=(NONE,),
                  choices="Address, *NONE", quoted=True),
        Parameter("RMTPORT", "Remote port", with_special(_whole_port("RMTPORT"), NONE), length=5, default=NONE,
                  special=(NONE,), choices="1-65535, *NONE"),
    )  # fmt: skip
    positional = 4
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """End it."""
        del context
        has_other_end = values["RMTADR"] != NONE
        if has_other_end != (values["RMTPORT"] != NONE):
            raise CommandError("GWL075C", keyword="RMTPORT" if has_other_end else "RMTADR")
        ends = TcpEnds(
            values["LCLADR"],
            int(values["LCLPORT"]),
            values["RMTADR"] if has_other_end else "",
            int(values["RMTPORT"]) if has_other_end else 0,
        )
        end_socket(ends)
        return Result(messages=(message("GWL0751", ends=ends),))


COMMANDS: tuple[type[Command], ...] = (WorkWithTcpStatus, EndTcpConnection)
