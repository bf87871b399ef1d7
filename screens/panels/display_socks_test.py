"""Display Test of SOCKS Entries: which entry a connection would take, and what its servers said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.socks_test import Route, answers_of, find_route, why
from console.model.words import SocksType, YesNo
from console.policy.rule import SocksEntry
from screens.panel import Help
from screens.panels.display import Display, Line
from screens.panels.help_texts import file_help, read_help
from screens.panels.services import Services

_HEADING = "  Sequence  Type      Why"


class DisplaySocksTest(Display):
    """Shows what became of TSTSOCKSE."""

    name = "TSTSOCKSE"
    title = "Display Test of SOCKS Entries"
    module = "display_socks_test"
    keeps_prompt = True
    """F12 goes back to the prompter, so that another connection can be tried; Enter leaves both."""

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Ask the policy; the servers were asked by the command, and are not asked again.

        Args:
            services: What panels share.
            arguments: The values of TSTSOCKSE, and what the servers said.

        Raises:
            ConsoleError: The connection makes no sense, or the policy cannot be asked.
        """
        super().__init__(services)
        self._arguments = arguments
        self._route: Route = find_route(services.context, {**arguments, "ASKSVR": YesNo.NO.value})

    def lines(self) -> Sequence[Line]:
        """Return the connection, the answer, what servers said, and each entry that was tried."""
        return [*self._connection(), Line(), *self._answer(), Line(), *self._tried()]

    def help(self, key: str) -> Help | None:
        """Return help on the panel, or the command's help on a value."""
        return super().help(key) or file_help(read_help("TSTSOCKSE"), key)

    def _connection(self) -> list[Line]:
        return [
            Line("User profile", self._route.user, "USRPRF"),
            Line("Remote address", self._route.address, "RMTADR"),
            Line("Remote port", str(self._route.port), "RMTPORT"),
            Line("Policy", self._arguments["POLICY"], "POLICY"),
        ]

    def _answer(self) -> list[Line]:
        entry = self._route.entry
        if entry is None:
            return [Line("Result", "No entry matches: it goes directly", "*WAY")]
        said = [Line("Entry that it takes", str(entry.sequence), "*ENTRY"), Line("Result", self._way(entry), "*WAY")]
        return [*said, *(Line(f"Server {each.server}", each.told, "*SERVER") for each in answers_of(self._arguments))]

    def _way(self, entry: SocksEntry) -> str:
        if entry.type is SocksType.DIRECT:
            return "It goes directly"
        if not self._route.is_reached:
            return f"Version {entry.version} cannot reach it: fails with ENETUNREACH"
        return f"Version {entry.version}, by {' '.join(map(str, entry.servers))}"

    def _tried(self) -> list[Line]:
        told = self._route.explanation
        rows = [_row(passed.entry, why(passed.dimension)) for passed in told.earlier]
        if told.entry is not None:
            rows.append(_row(told.entry, "matches, and decides"))
        return [Line.heading(_HEADING), *rows] if rows else []


def _row(entry: SocksEntry, reason: str) -> Line:
    return Line(text=f"  {entry.sequence:>8}  {entry.type.value:8}  {reason}")
