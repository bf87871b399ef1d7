"""The verbs ``policy check``, ``import`` and ``export``, and their options.

What a verb needs is imported inside the verb, as in `console.verbs`, which takes these in.
"""

from __future__ import annotations

from typing import Annotated

import typer

from console.shell.exit_codes import DONE
from console.verbs_store import open_for_verb

policy_app = typer.Typer(rich_markup_mode=None, help="Check, import or export the policy as a YAML file.")

FileName = Annotated[str, typer.Argument(metavar="FILE", help="A hyphen stands for standard input or output.")]
SourceFormat = Annotated[
    str, typer.Option("--from", metavar="FORMAT", help="FILE is another program's: proxychains or socks.conf.")
]


@policy_app.command("check")
def check_policy(file: FileName, source: SourceFormat = "") -> int:
    """Check a policy file; needs no store. With --from, say what cannot be carried over from another program's file."""
    if source:
        from console.shell.carry_over import check_foreign

        check_foreign(file, source)
        return DONE
    from console.shell.policy_file import check

    check(file)
    return DONE


@policy_app.command("import")
def import_policy(context: typer.Context, file: FileName, source: SourceFormat = "") -> int:
    """Make a policy file the pending policy, whole or not at all.

    With --from, FILE is the configuration of proxychains (proxychains.conf) or of Dante's client (socks.conf): its
    proxies and routes replace the SOCKS entries of the pending policy, and rules, modes and settings stay. What cannot
    be carried over is named with its line. A file is refused if connections that it sends through a proxy would then be
    made directly.
    """
    from console.shell.operator import admit

    if source:
        from console.shell.carry_over import read_foreign, take_in_entries

        carried = read_foreign(file, source)
        with open_for_verb(context.obj) as store:
            take_in_entries(carried, file, source, admit(store, "IMPSOCPCY", f"policy import {file}"))
        return DONE
    from console.shell.policy_file import read_policy, take_in

    policy = read_policy(file)
    with open_for_verb(context.obj) as store:
        take_in(policy, file, admit(store, "IMPSOCPCY", f"policy import {file}"))
    return DONE


@policy_app.command("export")
def export_policy(
    context: typer.Context,
    file: FileName = "-",
    active: Annotated[bool, typer.Option("--active", help="The policy that decides now, not the pending one.")] = False,
    secrets: Annotated[bool, typer.Option("--with-secrets", help="With the passwords, in clear.")] = False,
) -> int:
    """Write the policy to a file that only its owner can read."""
    from console.shell.operator import admit
    from console.shell.policy_file import put_out

    with open_for_verb(context.obj, must_exist=True) as store:
        admit(store, "IMPSOCPCY" if secrets else "CMPSOCPCY", f"policy export {file}")
        put_out(file, store, active=active, secrets=secrets)
    return DONE
