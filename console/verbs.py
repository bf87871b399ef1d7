"""The verbs of the shell and their options; with `console.__main__` the composition root, which joins all parts.

What a verb needs is imported inside the verb: none waits for a database layer or a terminal that it does not use.
Nothing but `console.__main__` imports this file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.errors import StoreError, UsageError
from console.shell.exit_codes import DONE, FAILED
from console.shell.output import print_text

if TYPE_CHECKING:
    from console.store.engine import Store

_LONGEST_NUMBER = 18
"""Digits of a number that every database takes."""

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
policy_app = typer.Typer(rich_markup_mode=None, help="Check, import or export the policy as a YAML file.")
journal_app = typer.Typer(rich_markup_mode=None, help="Verify, export or import the audit journal.")
app.add_typer(policy_app, name="policy")
app.add_typer(journal_app, name="journal")
engine_app = typer.Typer(rich_markup_mode=None, help="Detach what the kernel engine has attached.")
app.add_typer(engine_app, name="engine")
_ENGINES = ("guard", "kernel")

FileName = Annotated[str, typer.Argument(metavar="FILE", help="A hyphen stands for standard input or output.")]
SourceFormat = Annotated[
    str, typer.Option("--from", metavar="FORMAT", help="FILE is another program's: proxychains or socks.conf.")
]


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

    with _store(store_url) as store:
        if sign_on:
            open_sign_on(store, ConsoleOptions(**looks))
        else:
            open_console(store, host_user(store), ConsoleOptions(**looks))
    return DONE


@contextmanager
def _store(url: str, *, must_exist: bool = False) -> Iterator[Store]:
    """Open the store for a verb.

    Args:
        url: As named by option or environment; empty for the default store.
        must_exist: Whether a store that was named must be there: who asks for what is in it has mistyped otherwise.
    """
    from console.store.engine import default_url, open_store

    store = open_store(url or default_url(), create=not (url and must_exist))
    try:
        yield store
    finally:
        store.close()


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
    return run_job(store_url=_url(context), command=command, name=name, user=user, options=options)


def _url(context: typer.Context) -> str:
    """Return the URL of the store, the default one if none is named."""
    from console.store.location import default_url

    return str(context.obj) or default_url()


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
        return run_worker(_url(context))
    from console.enforcement.kernel_start import chosen_cgroup

    place = chosen_cgroup(cgroup)
    if enforce:
        from console.shell.kernel_engine import enforce_rules
        from console.shell.operator import admit

        with _store(context.obj) as store:
            enforce_rules(admit(store, "ACTSOCPCY", "worker --enforce"), str(place), force=False)
    return run_worker(_url(context), cgroup=place)


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

    with _store(context.obj, must_exist=True) as store:
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

    with _store(context.obj, must_exist=True) as store:
        print_text(f"{line(watch_only(admit(store, 'ACTSOCPCY', 'engine monitor'), cgroup))}\n")
    return DONE


@engine_app.command("detach")
def detach(context: typer.Context) -> int:
    """Let the kernel decide no longer by the policy of this store, whose worker has ended."""
    from console.enforcement.kernel_start import detach_kernel
    from console.shell.operator import admit

    with _store(context.obj, must_exist=True) as store:
        admit(store, "ACTSOCPCY", "engine detach")
        detach_kernel(store)
    return DONE


@app.command()
def cl(
    context: typer.Context,
    commands: Annotated[list[str] | None, typer.Argument(metavar="'COMMAND'...", show_default=False)] = None,
    file: Annotated[str, typer.Option("-f", "--file", metavar="FILE", help="Run the commands in this file.")] = "",
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
    from console.shell.cl import Step, run_steps, steps_of_file
    from console.shell.operator import shell_context

    # Read first: a file that is not there must not make a store.
    steps = list(steps_of_file(file)) if file else [Step(text) for text in commands or ()]
    with _store(context.obj) as store:
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
    with _store(context.obj, must_exist=True) as store:
        admit(store, SHOWN_BY[subject], f"show {subject}")
        write(subject, store, Wanted(as_json=as_json, active=active, last=int(last)))
    return DONE


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
        with _store(context.obj) as store:
            take_in_entries(carried, file, source, admit(store, "IMPSOCPCY", f"policy import {file}"))
        return DONE
    from console.shell.policy_file import read_policy, take_in

    policy = read_policy(file)
    with _store(context.obj) as store:
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

    with _store(context.obj, must_exist=True) as store:
        admit(store, "IMPSOCPCY" if secrets else "CMPSOCPCY", f"policy export {file}")
        put_out(file, store, active=active, secrets=secrets)
    return DONE


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
    with _store(context.obj, must_exist=True) as store:
        admit(store, "VFYJRN", "journal verify")
        verify(store, rebuild=rebuild)
    return DONE


@journal_app.command("key")
def journal_key(context: typer.Context) -> int:
    """Write the public key that the journal is signed with; keep it where the store's owner cannot change it."""
    from console.shell.journal import write_key
    from console.shell.operator import admit

    with _store(context.obj, must_exist=True) as store:
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
    with _store(context.obj, must_exist=True) as store:
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
    with _store(context.obj) as store:
        return DONE if run_steps(steps, shell_context(store)) else FAILED


@app.command()
def ssh(
    context: typer.Context,
    listen: Annotated[str, typer.Option(metavar="ADDRESS:PORT", help="Where to listen.")] = "127.0.0.1:2222",
    sessions: Annotated[int, typer.Option(metavar="NUMBER", help="Sessions in all.")] = 32,
    sessions_per_profile: Annotated[int, typer.Option(metavar="NUMBER", help="Sessions of one user profile.")] = 8,
    connections: Annotated[int, typer.Option(metavar="NUMBER", help="Connections that wait for a sign-on.")] = 16,
    attempts: Annotated[int, typer.Option(metavar="NUMBER", help="Sign-ons a connection; 0: as QMAXSIGN says.")] = 0,
    sign_on_time: Annotated[int, typer.Option(metavar="SECONDS", help="Until somebody has signed on.")] = 60,
    idle: Annotated[
        int | None,
        typer.Option(metavar="MINUTES", help="Without a key; 0: for ever. Else as QINACTITV says.", show_default=False),
    ] = None,
    fingerprint: Annotated[bool, typer.Option("--fingerprint", help="Show the host key's fingerprint only.")] = False,
) -> int:
    """Serve the console over SSH to user profiles, in the foreground."""
    from console.serve.options import checked

    options = checked(
        listen=listen,
        sessions=sessions,
        sessions_per_profile=sessions_per_profile,
        connections=connections,
        attempts=attempts,
        sign_on_time=sign_on_time,
        idle=idle,
    )
    from console.serve.server import run_server, show_fingerprint

    if fingerprint:
        print_text(show_fingerprint(_url(context)))
        return DONE
    from console.shell.operator import user_profile

    return run_server(_url(context), options, user_profile())


@app.command("ssh-session", hidden=True)
def ssh_session(descriptor: int) -> int:
    """Be the console of an SSH session; `greenwall ssh` starts this."""
    from console.serve.seat import take_seat
    from screens.console import open_console
    from screens.console_options import ConsoleOptions

    seat = take_seat(descriptor)
    with _store(seat.store_url) as store:
        open_console(store, seat.signed_on, ConsoleOptions(job="SSH"))
    return DONE


RootDirectory = Annotated[
    str, typer.Option(envvar="DESTDIR", metavar="DIR", help="Take this directory for the root of the file system.")
]


@app.command()
def install(
    root: RootDirectory = "/",
    command: Annotated[str, typer.Option(metavar="PATH", help="What starts Greenwall.", show_default=False)] = "",
) -> int:
    """Put the services for systemd in place, and start none."""
    from pathlib import Path

    from console.messages import line
    from console.shell.install import install as put_in_place

    for done in put_in_place(Path(root or "/").absolute(), command):
        print_text(f"{line(done)}\n")
    return DONE


@app.command()
def uninstall(root: RootDirectory = "/") -> int:
    """Stop the services, and take them away; the store stays."""
    from pathlib import Path

    from console.messages import line
    from console.shell.install import uninstall as take_away

    for done in take_away(Path(root or "/").absolute()):
        print_text(f"{line(done)}\n")
    return DONE


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
