"""The verbs ``engine enforce``, ``monitor`` and ``detach``, and their options.

What a verb needs is imported inside the verb, as in `console.verbs`, which takes these in.
"""

from __future__ import annotations

from typing import Annotated

import typer

from console.shell.exit_codes import DONE
from console.shell.output import print_text
from console.verbs_store import open_for_verb

engine_app = typer.Typer(rich_markup_mode=None, help="Detach what the kernel engine has attached.")


@engine_app.command("enforce")
def enforce_in_kernel(
    context: typer.Context,
    cgroup: Annotated[str, typer.Option(metavar="PATH", help="Cgroup; else that of the last worker.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Also where that would keep yourself out.")] = False,
) -> int:
    """Let the rules hold in the kernel: until this is said it only tells in the journal what it would refuse."""
    from console.messages import line
    from console.shell.kernel_engine import enforce_rules
    from console.shell.operator import admit

    with open_for_verb(context.obj, must_exist=True) as store:
        done = enforce_rules(admit(store, "ACTSOCPCY", "engine enforce"), cgroup, force=force)
        print_text(f"{line(done)}\n")
    return DONE


@engine_app.command("monitor")
def monitor_in_kernel(
    context: typer.Context,
    cgroup: Annotated[str, typer.Option(metavar="PATH", help="Cgroup; else that of the last worker.")] = "",
) -> int:
    """Let the kernel refuse nothing, and tell in the journal what it would refuse."""
    from console.messages import line
    from console.shell.kernel_engine import watch_only
    from console.shell.operator import admit

    with open_for_verb(context.obj, must_exist=True) as store:
        print_text(f"{line(watch_only(admit(store, 'ACTSOCPCY', 'engine monitor'), cgroup))}\n")
    return DONE


@engine_app.command("detach")
def detach(context: typer.Context) -> int:
    """Let the kernel decide no longer by the policy of this store, whose worker has ended."""
    from console.enforcement.kernel_start import detach_kernel, detach_without_store
    from console.messages import line, message
    from console.shell.kernel_engine import detached
    from console.shell.operator import admit
    from console.store.location import default_url, locate_file, plain_sqlite_file

    url = str(context.obj) or default_url()
    file = plain_sqlite_file(url)
    if file is not None and not file.exists() and detach_without_store(locate_file(file)):
        print_text(f"{line(message('GWL04A1', path=file))}\n")
        return DONE
    with open_for_verb(context.obj, must_exist=True) as store:
        operator = admit(store, "ACTSOCPCY", "engine detach")
        done = detached(operator, detach_kernel(store, operator.clock))
        print_text(f"{line(done)}\n")
    return DONE
