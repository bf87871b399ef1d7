"""The verbs of the shell and their options; with `console.__main__` the composition root, which joins all parts.

What a verb needs is imported inside the verb: none waits for a database layer or a terminal that it does not use.
Nothing but `console.__main__` imports this file. The verbs of a subject are in files of their own (`verbs_policy`, for
one), which only this file imports; those that open the console are here, as no other file may import the screens.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from console.errors import StoreError, UsageError
from console.shell.exit_codes import DONE, FAILED
from console.shell.output import print_text
from console.verbs_engine import engine_app
from console.verbs_journal import journal_app
from console.verbs_policy import policy_app
from console.verbs_services import install, ssh, uninstall
from console.verbs_store import open_for_verb, store_url

_LONGEST_NUMBER = 18
"""Digits of a number that every database takes."""

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
app.add_typer(policy_app, name="policy")
app.add_typer(journal_app, name="journal")
app.add_typer(engine_app, name="engine")
_ENGINES = ("guard", "kernel")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print_text(f"greenwall {version('greenwall')}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def open_greenwall(
    context: typer.Context,
    store: Annotated[
        str | None,
        typer.Option(envvar="GREENWALL_STORE", metavar="URL", help="Store, as a SQLAlchemy URL.", show_default=False),
    ] = None,
    theme: Annotated[
        str, typer.Option(metavar="NAME", help="Colours of the console: green, amber, white, paper or mono.")
    ] = "",
    keymap: Annotated[
        str, typer.Option(metavar="NAME", help="Its keys: acs, tn5250, plain, or a file of your own.")
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Keying errors last until Reset.")] = False,
    trim: Annotated[bool, typer.Option("--trim", help="Typing over a value clears the rest of it.")] = False,
    underscores: Annotated[
        bool, typer.Option("--underscores", help="Show where fields are on terminals that cannot underline.")
    ] = False,
    no_mouse: Annotated[bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal.")] = False,
    no_bell: Annotated[bool, typer.Option("--no-bell", help="Do not ring at keying errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
    sign_on: Annotated[
        bool, typer.Option("--sign-on", help="Ask for user profile and password before the console opens.")
    ] = False,
) -> int:
    """Decide who may listen, accept and connect, and keep a journal of it. Without a verb the console opens."""
    del version
    if store == "":
        # A variable of a script that is not set: the default store is the last that is meant.
        raise StoreError("GWL0301", url="''")
    context.obj = store or ""
    if context.invoked_subcommand:
        if sign_on:
            raise UsageError("GWL100B")
        return DONE
    looks = {"theme": theme, "keymap": keymap, "strict": strict, "trim": trim, "underscores": underscores}
    return _open_console(context.obj, {**looks, "mouse": not no_mouse, "bell": not no_bell}, sign_on=sign_on)


def _open_console(store_url: str, looks: Mapping[str, Any], *, sign_on: bool) -> int:
    if sys.stdout is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("GWL000D")
    from console.collector import hold

    hold()
    from console.shell.operator import host_user
    from screens.console import open_console, open_sign_on
    from screens.console_options import ConsoleOptions

    with open_for_verb(store_url) as store:
        if sign_on:
            open_sign_on(store, ConsoleOptions(**looks))
        else:
            open_console(store, host_user(store), ConsoleOptions(**looks))
    return DONE


@app.command(context_settings={"allow_interspersed_args": False})
def run(
    context: typer.Context,
    command: Annotated[list[str] | None, typer.Argument(metavar="-- COMMAND [ARG...]", show_default=False)] = None,
    name: Annotated[str, typer.Option(help="Name of the job, up to 10 characters; else the command's.")] = "",
    user: Annotated[str, typer.Option(help="User to run it as; only root may choose.")] = "",
    rbind: Annotated[
        bool, typer.Option("--rbind", help="Take inbound connections through the SOCKS server of the connect before.")
    ] = False,
    remote_names: Annotated[
        bool, typer.Option("--remote-names", help="Have names resolved at the SOCKS servers; none is looked up here.")
    ] = False,
) -> int:
    """Run a command, and all it starts, under the exit points. Ends with the command's own status."""
    if not command:
        raise UsageError("GWL0005")
    from console.enforcement.launch import JobOptions, run_job

    options = JobOptions(rbind=rbind, remote_names=remote_names)
    return run_job(store_url=store_url(context), command=command, name=name, user=user, options=options)


@app.command()
def worker(
    context: typer.Context,
    engine: Annotated[
        str, typer.Option(help="guard: jobs of greenwall run; kernel: all processes of a cgroup too.")
    ] = "guard",
    cgroup: Annotated[
        str, typer.Option(metavar="PATH", help="Cgroup that the kernel engine decides for; else the whole system.")
    ] = "",
    enforce: Annotated[
        bool, typer.Option("--enforce", help="Let the rules hold there, as greenwall engine enforce does.")
    ] = False,
) -> int:
    """Run the enforcement worker of the store in the foreground."""
    if engine not in _ENGINES or ((cgroup or enforce) and engine != "kernel"):
        raise UsageError("GWL0486", engine=engine, valid=", ".join(_ENGINES))
    from console.enforcement.worker import run_worker

    if engine == "guard":
        return run_worker(store_url(context))
    from console.enforcement.kernel_start import chosen_cgroup

    place = chosen_cgroup(cgroup)
    if enforce:
        from console.shell.kernel_engine import enforce_rules
        from console.shell.operator import admit

        with open_for_verb(context.obj) as store:
            enforce_rules(admit(store, "ACTSOCPCY", "worker --enforce"), str(place), force=False)
    return run_worker(store_url(context), cgroup=place)


@app.command()
def cl(
    context: typer.Context,
    commands: Annotated[list[str] | None, typer.Argument(metavar="'COMMAND'...", show_default=False)] = None,
    file: Annotated[
        str, typer.Option("-f", "--file", metavar="FILE", help="Run the commands in this file; - is standard input.")
    ] = "",
    names: Annotated[bool, typer.Option("--list", help="List the commands and their keywords instead.")] = False,
) -> int:
    """Run CL commands in order, up to the first that fails."""
    if names:
        from console.shell.cl import list_commands

        list_commands()
        return DONE
    if commands and file:
        raise UsageError("GWL000B", count=len(commands), path=file)
    if not commands and not file:
        raise UsageError("GWL000A")
    from console.shell.cl import Step, run_steps, steps_of_file, warn_of_secrets
    from console.shell.operator import shell_context

    # Read first: a file that is not there must not make a store.
    steps = list(steps_of_file(file)) if file else [Step(text) for text in commands or ()]
    warn_of_secrets(commands or ())
    with open_for_verb(context.obj) as store:
        return DONE if run_steps(steps, shell_context(store)) else FAILED


@app.command()
def show(
    context: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(
            help="rules, exit-points, socks, policy, revisions, journal, jobs, coverage, connections, alerts, "
            "messages, system-values or workers"
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines, an object a line.")] = False,
    active: Annotated[bool, typer.Option("--active", help="What is in force now, not what is pending.")] = False,
    last: Annotated[
        str, typer.Option(metavar="NUMBER", help="How many journal entries, from the newest; 0 for all.")
    ] = "0",
) -> int:
    """List what the store holds."""
    from console.shell.operator import SHOWN_BY, admit
    from console.shell.show import Wanted, check_subject
    from console.shell.show import show as write

    check_subject(subject)
    if not (last.isascii() and last.isdecimal()) or len(last) > _LONGEST_NUMBER:
        raise UsageError("GWL0002", option="--last", value=last)
    with open_for_verb(context.obj, must_exist=True) as store:
        admit(store, SHOWN_BY[subject], f"show {subject}")
        write(subject, store, Wanted(as_json=as_json, active=active, last=int(last)))
    return DONE


app.command()(ssh)


@app.command("ssh-session", hidden=True)
def ssh_session(descriptor: int) -> int:
    """Be the console of an SSH session; `greenwall ssh` starts this."""
    from console.serve.seat import take_seat
    from screens.console import open_console
    from screens.console_options import ConsoleOptions

    seat = take_seat(descriptor)
    with open_for_verb(seat.store_url) as store:
        open_console(store, seat.signed_on, ConsoleOptions(job="SSH"))
    return DONE


app.command()(install)
app.command()(uninstall)


@app.command()
def demo() -> int:
    """Open the console on a throw-away store with a sample policy and real guarded traffic."""
    from screens.demo import run_demo

    return run_demo() or DONE


def call(arguments: Sequence[str]) -> int:
    """Do what a command line asks for.

    Returns:
        The exit code.

    Raises:
        UsageError: The command line makes no sense.
        ConsoleError: What was asked for is refused or failed.
        KeyboardInterrupt: The operator interrupted it.
    """
    try:
        return app(list(arguments), standalone_mode=False, prog_name="greenwall") or DONE
    except typer.TyperException as error:
        raise UsageError("GWL0001", reason=error.format_message()) from error
    except typer.Abort as error:
        raise KeyboardInterrupt from error
