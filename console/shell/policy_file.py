"""The verbs ``policy check``, ``import`` and ``export``: the policy as a YAML document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from console.commands.definition import Context, Result
from console.commands.execute import run_audited
from console.commands.host import service_port
from console.commands.policy import shadowed_messages, unused_groups
from console.commands.policy_import import lacking_passwords, take_document
from console.messages import Message, message
from console.policy.checks import make_policy, services_used
from console.policy.document import parse, render
from console.policy.rule import Policy
from console.shell.files import read_text, write_private
from console.shell.output import print_message, print_warning
from console.store.engine import Store
from console.store.revisions import active_policy, pending_policy
from console.store.secrets import unseal_policy
from console.store.session import reading


def read_policy(name: str) -> Policy:
    """Read a policy document.

    Raises:
        UsageError: The file cannot be read.
        PolicyError: It is not a policy.
    """
    return parse(read_text(name), name)


def check(name: str) -> None:
    """Check a policy document and say what was found; needs no store.

    Raises:
        UsageError: The file cannot be read.
        PolicyError: It is not a policy.
    """
    policy = read_policy(name)
    for warning in _warnings(policy):
        print_warning(warning)
    print_message(message("GWL0010", path=name, count=len(policy.rules)))


def _warnings(policy: Policy) -> list[Message]:
    """Return what is allowed and yet worth a look: unknown services, lacking passwords, rules that can never decide."""
    ports = {name: service_port(name) for name in sorted(services_used(policy.rules, policy.socks))}
    unknown = [
        message("GWL0125", service=name, sequence=rule.sequence, exit_point=rule.exit_point)
        for rule in policy.rules
        for name in sorted(services_used([rule]))
        if ports[name] is None
    ]
    unknown += [
        message("GWL0129", service=name, sequence=entry.sequence)
        for entry in policy.socks
        for name in services_used([], [entry])
        if ports[name] is None
    ]
    known = {name: port for name, port in ports.items() if port is not None}
    usable = [rule for rule in policy.rules if services_used([rule]) <= known.keys()]
    entries = [entry for entry in policy.socks if services_used([], [entry]) <= known.keys()]
    known_of = make_policy(
        policy.modes, usable, known, socks=entries, address_groups=policy.address_groups, time_groups=policy.time_groups
    )
    return [*unknown, *lacking_passwords(policy), *shadowed_messages(known_of), *unused_groups(policy)]


def take_in(policy: Policy, name: str, context: Context) -> None:
    """Make a policy the pending policy, whole or not at all.

    Args:
        policy: As `read_policy` returned it.
        name: Of the file, for the audit entry.
        context: What the change may use.

    Raises:
        StoreError: The store cannot be written; the pending policy is as it was.
    """
    run_import(f"greenwall policy import {name}", context, lambda inside: take_document(policy, name, inside))


def run_import(command: str, context: Context, work: Callable[[Context], Result]) -> None:
    """Do an import as one audited act, and print what it says: what was done, then warnings.

    Args:
        command: As it stands in the journal.
        context: What the change may use.
        work: Makes the change; its first message says what was done.

    Raises:
        StoreError: The store cannot be written; the pending policy is as it was.
    """
    done, *warnings = run_audited(command, context, work).messages
    print_message(done)
    for warning in warnings:
        print_warning(warning)


def put_out(name: str, store: Store, *, active: bool, secrets: bool = False) -> None:
    """Write the pending or the active policy as a document.

    Args:
        name: Of the file.
        store: The store.
        active: Whether the active policy is wanted.
        secrets: Whether passwords are written, too, in clear.

    Raises:
        StoreError: The store cannot be read, or its passwords cannot.
        UsageError: The file cannot be written.
    """
    with reading(store) as session:
        policy = active_policy(session)[1] if active else pending_policy(session)
    if secrets:
        policy = unseal_policy(store.location, policy)
    write_private(name, render(replace(policy, modes=dict(policy.modes)), secrets=secrets))
    if name != "-":
        which = "active" if active else "pending"
        print_message(message("GWL0012", path=name, count=len(policy.rules), which=which))
