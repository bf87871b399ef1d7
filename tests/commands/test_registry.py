"""The registry knows every command of every module, by name, before it loads one."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

import console.commands
from console.commands.registry import COMMANDS, MODULES, find
from console.errors import CommandError


def _names(module: str) -> list[str]:
    commands = import_module(f"console.commands.{module}").COMMANDS
    return [name for command in commands for name in (command.name, *command.aliases)]


@pytest.mark.parametrize("module", MODULES)
def test_the_table_names_the_commands_of_a_module_in_their_order(module):
    assert MODULES[module].split() == _names(module)


def test_no_module_with_commands_is_left_out():
    names = [module.name for module in iter_modules(console.commands.__path__)]
    having = {name for name in names if hasattr(import_module(f"console.commands.{name}"), "COMMANDS")}
    assert {name for name in having if isinstance(_commands_of(name), tuple)} == set(MODULES)


def _commands_of(module: str) -> object:
    return import_module(f"console.commands.{module}").COMMANDS


def test_every_name_leads_to_a_command():
    assert all(name in (COMMANDS[name].name, *COMMANDS[name].aliases) for name in COMMANDS)
    assert len(COMMANDS) == len(list(COMMANDS))
    assert "WRKSOCRUL" in COMMANDS
    assert "NOSUCH" not in COMMANDS
    assert find("wrksocrul").name == "WRKSOCRUL"
    with pytest.raises(CommandError):
        find("nosuch")


def test_a_name_is_known_without_loading_its_module():
    program = (
        "import sys; from console.commands.registry import COMMANDS; assert 'DSPAUDRPT' in COMMANDS;"
        "print('console.commands.audit_report' in sys.modules); COMMANDS['DSPAUDRPT'];"
        "print('console.commands.audit_report' in sys.modules); COMMANDS.load()"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "True"]
