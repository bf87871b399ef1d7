"""Whatever an operator can see has its text in data/: commands, keywords, special values, messages and their blanks."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from console.commands.registry import COMMANDS
from console.messages import catalogue
from console.resources import data_path

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("console/**/*.py"), *ROOT.glob("screens/**/*.py")])
MESSAGE_ID = re.compile(r"GWL[0-9A-F]{4}|KBD[0-9]{4}")

FILLED_IN = {
    "refusal": {"keyword", "value", "place"},
    "check_time_limit": {"keyword", "value", "place", "longest"},
    "not_carried": {"line", "value"},
    "_done": {"sequence", "exit_point"},
    "_program_done": {"number", "exit_point", "program"},
    "_socks_done": {"sequence"},
    "_group_done": {"kind", "name"},
    "Inquiry": {"receiver", "sequence", "exit_point", "connection"},
}
"""Function that takes a message id -> blanks that it fills without their names at the call."""

COMMAND_CLASSES = list(COMMANDS.values())


def help_of(command):
    return data_path("help", f"{command.name}.md").read_text(encoding="utf-8")


def section(text, keyword):
    found = re.search(rf"^## {keyword}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


def uses():
    """Yield (file, line, id, keywords or None, function name) for each message id in the code, docstrings left out."""
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        seen = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and is_id(node.args[0]):
                seen.add(id(node.args[0]))
                names = {keyword.arg for keyword in node.keywords}
                function = getattr(node.func, "id", getattr(node.func, "attr", ""))
                yield path, node.lineno, node.args[0].value, None if None in names else names, function
        for node in ast.walk(tree):
            if is_id(node) and id(node) not in seen:
                yield path, node.lineno, node.value, None, ""


def is_id(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and MESSAGE_ID.fullmatch(node.value)


def blanks(template):
    texts = (template.text, template.cause, template.recovery)
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("command", COMMAND_CLASSES, ids=lambda command: command.name)
def test_a_command_has_help_under_its_title(command):
    assert help_of(command).startswith(f"# {command.text}\n")


@pytest.mark.parametrize("command", COMMAND_CLASSES, ids=lambda command: command.name)
def test_each_parameter_has_its_section_in_order_and_no_other_has(command):
    found = re.findall(r"^## (.*)$", help_of(command), re.MULTILINE)
    assert found == [parameter.keyword for parameter in command.parameters]


@pytest.mark.parametrize("command", COMMAND_CLASSES, ids=lambda command: command.name)
def test_each_special_value_is_explained(command):
    text = help_of(command)
    missing = [
        (parameter.keyword, value)
        for parameter in command.parameters
        for value in parameter.special
        if value not in (text if value == "*SAME" else section(text, parameter.keyword))
    ]
    assert missing == []


@pytest.mark.parametrize("command", COMMAND_CLASSES, ids=lambda command: command.name)
def test_a_command_fits_its_prompter(command):
    assert re.fullmatch(r"[A-Z]{2,10}", command.name)
    assert len(command.text) <= 40
    for parameter in command.parameters:
        assert re.fullmatch(r"[A-Z]{2,10}", parameter.keyword)
        assert len(parameter.prompt) <= 30
        assert len(parameter.choices) <= 40


@pytest.mark.parametrize("command", COMMAND_CLASSES, ids=lambda command: command.name)
def test_each_default_is_a_value_that_its_check_takes(command):
    for parameter in command.parameters:
        if parameter.default not in (None, "*SAME"):
            parameter.check(parameter.default)


def test_each_message_that_the_code_names_is_in_the_catalogue():
    missing = [f"{path.name}:{line} {used}" for path, line, used, _, _ in uses() if used not in catalogue()]
    assert missing == []


def test_each_message_of_the_catalogue_is_used():
    assert sorted(catalogue().keys() - {used for _, _, used, _, _ in uses()}) == []


def test_each_blank_of_a_message_is_filled_where_it_is_used():
    unfilled = [
        f"{path.name}:{line} {used} {sorted(empty)}"
        for path, line, used, names, function in uses()
        if names is not None and used in catalogue()
        if (empty := blanks(catalogue()[used]) - names - FILLED_IN.get(function, set()))
    ]
    assert unfilled == []


def test_each_message_has_all_its_texts_on_one_line_each():
    for message_id, template in catalogue().items():
        assert template.severity in range(0, 100, 10), message_id
        for text in (template.text, template.cause, template.recovery):
            assert text, message_id
            assert "\n" not in text, message_id


def test_messages_are_in_the_file_of_their_subject():
    subjects = {
        "shell": "GWL00", "commands": "GWL01", "policy": "GWL02", "carried": "GWL02", "store": "GWL03",
        "kernel": "GWL04",
        "guard": "GWL04", "worker": "GWL05", "journal": "GWL06", "console": "GWL07", "socks": "GWL08",
        "keyboard": "KBD", "reading": "GWL06", "export": "GWL06",
        "audit_levels": "GWL06", "alerts": "GWL09", "receivers": "GWL06", "people": "GWL10", "ssh": "GWL10",
    }  # fmt: skip
    for path in data_path("messages").glob("*.yaml"):
        ids = re.findall(r"^(\w+):$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert [each for each in ids if not each.startswith(subjects[path.stem])] == [], path.name


def test_each_test_that_the_threat_model_names_is_there():
    text = data_path("help", "threat_model.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.(?:c|py))`", text)
    techniques = ROOT / "tests/enforcement/kernel/escapes"
    assert len(named) > 50
    assert [name for name in named if not (ROOT / name if "/" in name else techniques / name).is_file()] == []
