"""All commands by name; the module of a command is loaded when the command is first asked for.

The console shows its first panel before most commands are needed: loading them all takes longer than everything else
that it does until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from console.commands.definition import Command
from console.errors import CommandError

_PACKAGE = "console.commands"

MODULES: Mapping[str, str] = {
    "rules": "ADDSOCRUL CHGSOCRUL CPYSOCRUL RMVSOCRUL DSPSOCRUL RNBSOCRUL WRKSOCRUL",
    "address_groups": "WRKADRGRP ADDADRGRP CHGADRGRP CPYADRGRP RMVADRGRP DSPADRGRP ADDADRGRPE RMVADRGRPE",
    "time_groups": "WRKTIMGRP ADDTIMGRP CHGTIMGRP CPYTIMGRP RMVTIMGRP DSPTIMGRP",
    "exit_points": "WRKREGINF CHGSOCEXT",
    "exit_programs": "ADDEXITPGM RMVEXITPGM",
    "socks_entries": "CFGSOCKS WRKSOCKSE ADDSOCKSE CHGSOCKSE CPYSOCKSE RMVSOCKSE DSPSOCKSE",
    "socks_test": "TSTSOCKSE",
    "settings": "CHGSOCPCY",
    "policy": "ACTSOCPCY",
    "policy_compare": "CMPSOCPCY",
    "policy_import": "IMPSOCPCY",
    "policy_test": "TSTSOCRUL",
    "revisions": "WRKSOCPCY DSPSOCPCY RBKSOCPCY CFMSOCPCY EXPSOCPCY",
    "journal": "DSPJRN",
    "receivers": "WRKJRNA CHGJRN SAVJRNRCV DLTJRNRCV DSPJRNRCVA VFYJRN",
    "journal_copy": "CPYAUDJRNE",
    "audit_report": "DSPAUDRPT",
    "forwarding": "WRKJRNFWD ADDJRNFWD CHGJRNFWD RMVJRNFWD",
    "imported": "IMPAUDJRN DLTIMPJRN DSPIMPJRN",
    "alerts": "WRKALR ADDALR CHGALR CPYALR RMVALR DSPALR",
    "alert_destinations": "WRKALRDST ADDALRDST CHGALRDST RMVALRDST TSTALRDST",
    "alert_test": "TSTALR",
    "messages": "DSPMSG SNDMSG RMVMSG CLRMSGQ",
    "jobs": "WRKSOCJOB ENDSOCJOB",
    "system_values": "WRKSYSVAL DSPSYSVAL CHGSYSVAL",
    "security_auditing": "CHGSECAUD DSPSECAUD CHGUSRAUD",
    "sockets": "DSPSOCCOV",
    "connections": "WRKTCPSTS NETSTAT ENDTCPCNN",
    "workers": "WRKSOCWRK STRSOCWRK ENDSOCWRK",
    "ssh_sessions": "WRKSSHSSN DSPSSHSSN ENDSSHSSN",
    "user_profiles": "WRKUSRPRF CRTUSRPRF CHGUSRPRF CPYUSRPRF DLTUSRPRF DSPUSRPRF CHGPRF DSPAUTUSR",
    "user_profiles_keys": "WRKUSRKEY ADDUSRKEY RMVUSRKEY GENUSRCOD RMVUSRCOD CHGPWD",
    "session": "GO SIGNOFF STRSCHIDX DSPTHRMDL DSPKEY QCMD",
}
"""Module -> the names of its commands, with other names that they go by. A test holds it to be what the modules say."""


class Registry(Mapping[str, type[Command]]):
    """The commands, in the order of `MODULES`; names are known without loading anything."""

    def __init__(self) -> None:
        self._modules = {name: module for module, names in MODULES.items() for name in names.split()}
        self._found: dict[str, type[Command]] = {}

    def __getitem__(self, name: str) -> type[Command]:
        if name not in self._found:
            self._load(self._modules[name])
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def load(self) -> None:
        """Load every module, which is otherwise done as commands are asked for."""
        for module in MODULES:
            self._load(module)

    def _load(self, module: str) -> None:
        for command in import_module(f"{_PACKAGE}.{module}").COMMANDS:
            for name in (command.name, *command.aliases):
                self._found[name] = command


COMMANDS = Registry()
"""Name -> class, by subject."""


def find(name: str) -> type[Command]:
    """Return a command by its name, in any case.

    Raises:
        CommandError: There is none.
    """
    command = COMMANDS.get(name.upper())
    if command is None:
        raise CommandError("GWL0101", name=name, column=1, nearest="none")
    return command
