"""The verbs ``policy check``, ``import`` and ``export``: the policy as a YAML document."""

from __future__ import annotations

from dataclasses import replace

from console.commands.audit import GR_TYPES, record
from console.commands.definition import Context, Result
from console.commands.execute import run_audited
from console.commands.host import service_port
from console.commands.policy import shadowed_messages, summary
from console.messages import Message, message
from console.policy.checks import make_policy, services_used
from console.policy.difference import Change, Subject, compare
from console.policy.document import parse, render
from console.policy.rule import Policy
from console.shell.files import read_text, write_private
from console.shell.output import print_message, print_warning
from console.store.engine import Store
from console.store.revisions import active_policy, pending_policy, set_pending
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
    """Return what is allowed and yet worth a look: unknown services, rules that can never decide."""
    ports = {name: service_port(name) for name in sorted(services_used(policy.rules))}
    unknown = [
        message("GWL0125", service=name, sequence=rule.sequence, exit_point=rule.exit_point)
        for rule in policy.rules
        for name in sorted(services_used([rule]))
        if ports[name] is None
    ]
    known = {name: port for name, port in ports.items() if port is not None}
    usable = [rule for rule in policy.rules if services_used([rule]) <= known.keys()]
    return [*unknown, *shadowed_messages(make_policy(policy.modes, usable, known))]


def take_in(policy: Policy, name: str, context: Context) -> None:
    """Make a policy the pending policy, whole or not at all.

    Args:
        policy: As `read_policy` returned it.
        name: Of the file, for the audit entry.
        context: What the change may use.

    Raises:
        StoreError: The store cannot be written; the pending policy is as it was.
    """

    def work(inside: Context) -> Result:
        with inside.opened() as session:
            changes = compare(pending_policy(session), policy)
            if changes:
                set_pending(session, policy)
        for change in changes:
            _record(inside, change)
        told = summary(changes) if changes else "nothing changed"
        done = message("GWL0011", path=name, count=len(policy.rules), changes=told)
        return Result(messages=(done,), changed=bool(changes))

    for done in run_audited(f"greenwall policy import {name}", context, work).messages:
        print_message(done)


def _record(context: Context, change: Change) -> None:
    record(
        context,
        f"{change.what} {change.kind} by import",
        exit_point=change.exit_point,
        before={change.what: change.before},
        after={change.what: change.after},
        gr_type=GR_TYPES[change.kind] if change.subject is Subject.EXIT_PROGRAM else "",
    )


def put_out(name: str, store: Store, *, active: bool) -> None:
    """Write the pending or the active policy as a document.

    Raises:
        StoreError: The store cannot be read.
        UsageError: The file cannot be written.
    """
    with reading(store) as session:
        policy = active_policy(session)[1] if active else pending_policy(session)
    write_private(name, render(replace(policy, modes=dict(policy.modes))))
    if name != "-":
        which = "active" if active else "pending"
        print_message(message("GWL0012", path=name, count=len(policy.rules), which=which))
