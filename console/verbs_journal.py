"""The verbs ``journal verify``, ``key``, ``export`` and ``import``, and their options.

What a verb needs is imported inside the verb, as in `console.verbs`, which takes these in.
"""

from __future__ import annotations

from typing import Annotated

import typer

from console.shell.exit_codes import DONE, FAILED
from console.verbs_store import open_for_verb

journal_app = typer.Typer(rich_markup_mode=None, help="Verify, export or import the audit journal.")


@journal_app.command("verify")
def verify_journal(
    context: typer.Context,
    file: Annotated[
        str, typer.Option("--file", metavar="FILE", help="A saved receiver, or a sealed export; needs no store.")
    ] = "",
    key: Annotated[
        str, typer.Option("--public-key", metavar="KEY", help="What it must be signed with: greenwall journal key.")
    ] = "",
    rebuild: Annotated[
        bool, typer.Option("--rebuild-index", help="Have the index made again where it hides entries.")
    ] = False,
) -> int:
    """Check that no entry of the journal was changed, removed, inserted or moved."""
    from console.shell.journal import verify_journal as verify
    from console.shell.journal import verify_saved
    from console.shell.operator import admit

    if file:
        verify_saved(file, key)
        return DONE
    with open_for_verb(context.obj, must_exist=True) as store:
        admit(store, "VFYJRN", "journal verify")
        verify(store, rebuild=rebuild)
    return DONE


@journal_app.command("key")
def journal_key(context: typer.Context) -> int:
    """Write the public key that the journal is signed with; keep it where the store's owner cannot change it."""
    from console.shell.journal import write_key
    from console.shell.operator import admit

    with open_for_verb(context.obj, must_exist=True) as store:
        admit(store, "VFYJRN", "journal key")
        write_key(store)
    return DONE


@journal_app.command("export")
def export_journal(
    context: typer.Context,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="jsonl, csv, syslog, cef or leef.")] = "jsonl",
    output: Annotated[str, typer.Option("--output", metavar="FILE", help="A file that only its owner can read.")] = "-",
    replace: Annotated[bool, typer.Option("--replace", help="Write over a file that is there.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with the entries that come, until Ctrl+C.")] = False,
    seal: Annotated[bool, typer.Option("--seal", help="Sign FILE, in FILE.seal, for journal verify.")] = False,
    since: Annotated[str, typer.Option(metavar="NUMBER", help="Only entries after this number.")] = "",
    until: Annotated[str, typer.Option(metavar="NUMBER", help="Only entries up to this number.")] = "",
    from_time: Annotated[str, typer.Option("--from", metavar="TIME", help="From this time on: *TODAY, a date.")] = "",
    to_time: Annotated[str, typer.Option("--to", metavar="TIME", help="Up to this time.")] = "",
    entry_type: Annotated[str, typer.Option("--type", metavar="TYPES", help="Entry types: SK, or SK,GR.")] = "",
    sk_type: Annotated[str, typer.Option(metavar="TYPE", help="Of SK entries: A, C, L.")] = "",
    outcome: Annotated[str, typer.Option(help="allowed, rejected or monitor.")] = "",
    exit_point: Annotated[str, typer.Option(help="accept, connect or listen.")] = "",
    user: Annotated[str, typer.Option(metavar="NAME", help="User profile, may end in *.")] = "",
    job: Annotated[str, typer.Option(metavar="NAME", help="Job, or a part of its name.")] = "",
    program: Annotated[str, typer.Option(metavar="PATH", help="Program, may end in *.")] = "",
    address: Annotated[str, typer.Option(help="Of either end: an address, or a network.")] = "",
    local_address: Annotated[str, typer.Option(help="An address, or a network.")] = "",
    remote_address: Annotated[str, typer.Option(help="An address, or a network.")] = "",
    port: Annotated[str, typer.Option(help="Of either end.")] = "",
    local_port: Annotated[str, typer.Option()] = "",
    remote_port: Annotated[str, typer.Option()] = "",
    rule: Annotated[str, typer.Option(metavar="NUMBER", help="Decided by the rule with this sequence number.")] = "",
    receiver: Annotated[str, typer.Option(metavar="NAME", help="Only entries in this receiver.")] = "",
) -> int:
    """Write journal entries as lines for other programs, oldest first."""
    from console.shell.journal_export import Asked
    from console.shell.journal_export import export_journal as export
    from console.shell.operator import admit

    texts = {
        "--since": since, "--until": until, "--type": entry_type, "--sk-type": sk_type, "--outcome": outcome,
        "--exit-point": exit_point, "--user": user, "--job": job, "--program": program, "--address": address,
        "--local-address": local_address, "--remote-address": remote_address, "--port": port,
        "--local-port": local_port, "--remote-port": remote_port, "--rule": rule, "--receiver": receiver,
    }  # fmt: skip
    asked = Asked(form, output, replace, follow, seal, texts, from_time, to_time)
    with open_for_verb(context.obj, must_exist=True) as store:
        admit(store, "DSPJRN", "journal export")
        export(store, asked)
    return DONE


@journal_app.command("import")
def import_journal(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="[FILE]", show_default=False)] = "",
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the journal that is made of FILE.")] = "",
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Of the system that wrote FILE.")] = "",
    text: Annotated[str, typer.Option(help="A description.")] = "",
    remove: Annotated[str, typer.Option(metavar="NAME", help="Delete an imported journal instead.")] = "",
    names: Annotated[bool, typer.Option("--list", help="List the imported journals instead.")] = False,
) -> int:
    """Read SK entries of a real IBM i from a CSV file into a journal of their own."""
    from console.shell.cl import run_steps
    from console.shell.journal_import import import_steps
    from console.shell.operator import shell_context

    steps = import_steps(file=file, name=name, time_zone=time_zone, text=text, remove=remove, names=names)
    with open_for_verb(context.obj) as store:
        return DONE if run_steps(steps, shell_context(store)) else FAILED
