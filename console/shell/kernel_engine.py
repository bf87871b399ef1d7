"""Lets the rules hold in the kernel, or lets it only say what it would refuse."""

from __future__ import annotations

import os
from dataclasses import replace

from console.commands.audit import record
from console.commands.definition import Context
from console.commands.policy import check_own_way
from console.errors import KernelError
from console.messages import Message, message
from console.policy.compiler import compile_policy
from console.store.engine import Store
from console.store.kernel import set_enforced
from console.store.revisions import active_policy
from console.store.session import transaction
from console.store.wakeup import notify
from console.store.workers import latest_worker


def enforce_rules(context: Context, cgroup: str, *, force: bool) -> Message:
    """Let the rules hold in a cgroup.

    Args:
        context: Of who says it.
        cgroup: Its directory; empty for that of the last worker.
        force: Also where the active policy would keep the operator's own SSH connection out.

    Raises:
        CommandError: It would.
        KernelError: There is no such cgroup yet.
        StoreError: The store cannot be read or written.
    """
    with transaction(context.store) as session:
        _, policy = active_policy(session)
    if not force:
        check_own_way(compile_policy(policy))
    return _set(context, cgroup, enforced=True)


def watch_only(context: Context, cgroup: str) -> Message:
    """Let the kernel refuse nothing in a cgroup.

    Raises:
        KernelError: There is no such cgroup yet.
        StoreError: The store cannot be read or written.
    """
    return _set(context, cgroup, enforced=False)


def _set(context: Context, cgroup: str, *, enforced: bool) -> Message:
    place = os.path.abspath(cgroup) if cgroup else _last(context.store)
    done = message("GWL048D" if enforced else "GWL048E", path=place)
    with transaction(context.store) as session:
        is_news = set_enforced(session, place, enforced=enforced)
        if is_news:
            now, then = {"enforced": enforced, "cgroup": place}, {"enforced": not enforced}
            record(replace(context, session=session), done.text, before=then, after=now)
    if is_news:
        notify(context.store)
    return done


def detached(context: Context, place: str) -> Message:
    """Record that the kernel decides no longer for a cgroup; return what there is to say.

    Raises:
        StoreError: The store cannot be written.
    """
    done = message("GWL049B", path=place)
    with transaction(context.store) as session:
        record(replace(context, session=session), done.text)
    return done


def _last(store: Store) -> str:
    with transaction(store) as session:
        worker = latest_worker(session)
    if worker is None or not worker.cgroup:
        raise KernelError("GWL048C", url=store.shown_url)
    return worker.cgroup
