"""The command on the settings of the policy that belong to no exit point; it changes the pending policy only."""

from __future__ import annotations

from collections.abc import Mapping

from console.commands.audit import record
from console.commands.definition import Command, Context, Parameter, Result
from console.commands.keywords import as_it_is, one_of
from console.messages import message
from console.model.words import IOSYSCFG, RawSockets, Udp
from console.store.settings import Settings, get_settings, set_settings


class ChangeSocketPolicy(Command):
    """Changes what becomes of datagrams and of raw sockets."""

    name = "CHGSOCPCY"
    text = "Change Socket Policy"
    authority = (IOSYSCFG,)
    parameters = as_it_is(
        (
            Parameter("UDP", "Datagrams (UDP)", one_of("UDP", tuple(Udp)), special=tuple(Udp)),
            Parameter("RAWSKT", "Raw and packet sockets", one_of("RAWSKT", tuple(RawSockets)),
                      special=tuple(RawSockets)),
        )
    )  # fmt: skip
    positional = 2
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the settings as they are."""
        del values
        with context.opened() as session:
            settings = get_settings(session)
        return {"UDP": settings.udp.value, "RAWSKT": settings.raw_sockets.value}

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change them."""
        after = Settings(Udp(values["UDP"]), RawSockets(values["RAWSKT"]))
        with context.opened() as session:
            before = get_settings(session)
            if before == after:
                return Result(
                    messages=(message("GWL0155", udp=after.udp, raw_sockets=after.raw_sockets),), changed=False
                )
            set_settings(session, after)
        record(
            context,
            f"Settings changed to UDP({after.udp}) RAWSKT({after.raw_sockets})",
            before=before._asdict(),
            after=after._asdict(),
        )
        return Result(messages=(message("GWL0154", udp=after.udp, raw_sockets=after.raw_sockets),))


COMMANDS: tuple[type[Command], ...] = (ChangeSocketPolicy,)
