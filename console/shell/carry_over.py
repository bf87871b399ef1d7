"""The verbs ``policy check --from`` and ``policy import --from``: SOCKS entries from other programs' configurations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from console.commands.definition import Context, Result
from console.commands.host import service_port
from console.errors import PolicyError, UsageError
from console.messages import message
from console.policy import dante, proxychains
from console.policy.carried import Carried
from console.shell.files import read_text
from console.shell.output import print_message, print_warning
from console.shell.policy_file import lacking_passwords, make_pending, run_import


def _dante(text: str, name: str) -> Carried:
    return dante.parse(text, name, service_port)


FORMATS: Mapping[str, Callable[[str, str], Carried]] = MappingProxyType(
    {"proxychains": proxychains.parse, "socks.conf": _dante}
)
"""Word behind --from -> what reads such a file."""


def read_foreign(name: str, source: str) -> Carried:
    """Read another program's configuration, and print what cannot be carried over.

    Args:
        name: Of the file.
        source: Its format.

    Raises:
        UsageError: There is no such format, or the file cannot be read.
        PolicyError: The file is not of the format, nothing in it can be carried over, or connections that it sends
            through a proxy would be made directly.
    """
    read = FORMATS.get(source)
    if read is None:
        raise UsageError("GWL000E", format=source, formats=", ".join(FORMATS))
    carried = read(read_text(name), name)
    for each in carried.left:
        print_warning(message(each.message_id, **each.values))
    if carried.direct:
        raise PolicyError("GWL0263", path=name, lines=", ".join(map(str, carried.direct)))
    if not carried.entries:
        raise PolicyError("GWL0262", path=name)
    return carried


def check_foreign(name: str, source: str) -> None:
    """Say what an import of another program's configuration would do; needs no store.

    Raises:
        UsageError: There is no such format, or the file cannot be read.
        PolicyError: It would be refused.
    """
    carried = read_foreign(name, source)
    print_message(message("GWL0285", path=name, format=source, count=len(carried.entries), left=len(carried.left)))


def take_in_entries(carried: Carried, name: str, source: str, context: Context) -> None:
    """Replace the SOCKS entries of the pending policy; all else in it stays.

    Args:
        carried: As `read_foreign` returned it.
        name: Of the file, for the audit entry.
        source: Its format, likewise.
        context: What the change may use.

    Raises:
        StoreError: The store cannot be written; the pending policy is as it was.
    """

    def work(inside: Context) -> Result:
        taken = make_pending(inside, lambda policy: replace(policy, socks=carried.entries))
        done = message(
            "GWL0286", path=name, count=len(carried.entries), before=len(taken.before.socks), changes=taken.told
        )
        return Result(messages=(done, *lacking_passwords(taken.policy)), changed=taken.changed)

    run_import(f"greenwall policy import --from {source} {name}", context, work)
