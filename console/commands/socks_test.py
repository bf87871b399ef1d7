"""The command that says which SOCKS entry a connection would take, and whether its servers answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from console.commands.definition import Command, Context, Parameter, Result
from console.commands.host import groups_of, user_name
from console.commands.hypothetical import CURRENT, NONE, one_address, one_port, one_user, port_number
from console.commands.keywords import one_of
from console.commands.listing import Column, table
from console.commands.policy import ACTIVE, PENDING
from console.commands.policy_test import asked_policy
from console.commands.socks_servers import Answer, ask_servers
from console.errors import CommandError
from console.messages import Message, message
from console.model.words import IOSYSCFG, SocksType, YesNo
from console.policy.explain import RouteExplanation, explain_route
from console.policy.fields import address_intervals
from console.policy.rule import SocksEntry
from console.policy.socks_entries import SOCKS_KEYWORDS
from console.store.secrets import unseal

_ANSWERS = "*ANSWERS"

_COLUMNS = (
    Column("Seq", right=True),
    Column("User"),
    Column("Destination"),
    Column("Port"),
    Column("Type"),
    Column("Servers"),
    Column("Why"),
)


@dataclass(frozen=True, slots=True)
class Route:
    """The connection that was asked about, and the way it would go."""

    user: str
    groups: frozenset[str]
    address: str
    port: int
    explanation: RouteExplanation
    answers: tuple[Answer, ...]
    """What the servers of the entry said, if they were asked."""

    @property
    def entry(self) -> SocksEntry | None:
        """The entry that it takes."""
        return self.explanation.entry

    @property
    def is_reached(self) -> bool:
        """Whether the version of the entry can carry the address."""
        entry = self.explanation.entry
        return entry is None or entry.reaches(address_intervals(self.address)[0][0])


class TestSocksEntries(Command):
    """Says which entry a connection would take, and asks its servers."""

    name = "TSTSOCKSE"
    text = "Test SOCKS Entries"
    authority = (IOSYSCFG,)
    parameters = (
        Parameter("RMTADR", "Remote address", one_address("RMTADR"), length=39, choices="Address", quoted=True),
        Parameter("RMTPORT", "Remote port", one_port("RMTPORT"), length=32, choices="1-65535, service",
                  monocase=False),
        Parameter("USRPRF", "User profile", one_user("USRPRF"), length=33, default=CURRENT, special=(CURRENT,),
                  choices="Name, *CURRENT"),
        Parameter("POLICY", "Policy", one_of("POLICY", (PENDING, ACTIVE)), default=PENDING,
                  special=(PENDING, ACTIVE)),
        Parameter("ASKSVR", "Ask the servers", one_of("ASKSVR", tuple(YesNo)), length=4, default=YesNo.YES,
                  special=tuple(YesNo)),
    )  # fmt: skip
    positional = 2

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Try the entries one by one, then the servers."""
        route = find_route(context, values)
        messages = (_verdict(route), *map(_told, route.answers))
        return Result(messages, tried(route), "DisplaySocksTest", {**values, **_as_argument(route.answers)})


def find_route(context: Context, values: Mapping[str, str]) -> Route:
    """Return the way of the connection that the values of TSTSOCKSE describe; asks servers if they say so.

    Raises:
        ConsoleError: The connection makes no sense, or the policy cannot be asked.
    """
    for keyword in ("RMTADR", "RMTPORT"):
        if values[keyword] == NONE:
            raise CommandError("GWL0113", keyword=keyword, value=NONE, allowed="one value")
    user = context.user if values["USRPRF"] == CURRENT else values["USRPRF"]
    groups, address = groups_of(user), address_intervals(values["RMTADR"])[0][0]
    port = port_number("RMTPORT", values["RMTPORT"])
    found = explain_route(asked_policy(context, values["POLICY"]), user, groups, address, port)
    route = Route(user, groups, values["RMTADR"], port, found, ())
    if found.entry is None or values["ASKSVR"] == YesNo.NO or not route.is_reached:
        return route
    opened = unseal(context.store.location, found.entry)
    return replace(route, answers=tuple(ask_servers(opened, user_name(user), address, port)))


def _verdict(route: Route) -> Message:
    entry, to = route.entry, f"{route.address} port {route.port}"
    if entry is None:
        return message("GWL0175", destination=to, user=route.user)
    if entry.type is SocksType.DIRECT:
        return message("GWL0176", destination=to, user=route.user, sequence=entry.sequence)
    if not route.is_reached:
        return message("GWL0178", destination=to, sequence=entry.sequence, version=entry.version)
    servers = " ".join(map(str, entry.servers))
    return message("GWL0177", destination=to, user=route.user, sequence=entry.sequence, servers=servers)


def _told(answer: Answer) -> Message:
    if answer.answers:
        return message("GWL0179", server=answer.server, elapsed=answer.elapsed_ms, said=answer.said)
    return message("GWL017A", server=answer.server, elapsed=answer.elapsed_ms, said=answer.said)


class Told(NamedTuple):
    """What one server answered, as a panel is given it."""

    server: str
    told: str


def _as_argument(answers: Iterable[Answer]) -> dict[str, str]:
    """Return what servers said for the panel, which must not ask them again."""
    told = [(str(answer.server), f"{_verb(answer)} after {answer.elapsed_ms} ms: {answer.said}") for answer in answers]
    return {_ANSWERS: json.dumps(told)}


def _verb(answer: Answer) -> str:
    return "Answers" if answer.answers else "Fails"


def answers_of(arguments: Mapping[str, str]) -> list[Told]:
    """Return what servers said, of the arguments of the panel."""
    return [Told(*each) for each in json.loads(arguments.get(_ANSWERS, "[]"))]


def tried(route: Route) -> tuple[str, ...]:
    """Return the entries that were tried, and why each but the last does not match."""
    rows = [_row(passed.entry, why(passed.dimension)) for passed in route.explanation.earlier]
    if route.entry is not None:
        rows.append(_row(route.entry, "decides"))
    return table(_COLUMNS, rows, "(No SOCKS entries)")


def why(dimension: str) -> str:
    """Return why an entry does not match."""
    return f"{SOCKS_KEYWORDS[dimension]} does not match"


def _row(entry: SocksEntry, reason: str) -> tuple[object, ...]:
    servers = " ".join(map(str, entry.servers))
    return (entry.sequence, entry.user, entry.remote_address, entry.remote_port, entry.type, servers, reason)


COMMANDS: tuple[type[Command], ...] = (TestSocksEntries,)
