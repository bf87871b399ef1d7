"""Panels for the tests: a menu that leads to an entry panel, which has a window, help, and a slow key."""

from __future__ import annotations

import threading

from console.errors import CommandError
from console.messages import Message
from screens.panel import (
    Exit,
    FunctionKey,
    Help,
    Panel,
    Push,
    Reply,
    Return,
    SignOff,
    Stay,
    Submission,
    Window,
)
from screens.terminal.field_format import SECRET, UPPER
from screens.terminal.page import WIDE, Page, Size


def note(text: str, severity: int = 0) -> Message:
    return Message("DMO0001", severity, text, "Because.", "Do otherwise.")


class DemoMenu(Panel):
    name = "DEMO"
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))
    is_task_entry = True

    def page(self, size: Size) -> Page:
        page = Page(size)
        page.title("Demo Menu", "DEMO")
        page.system("NJORD01")
        page.text(5, 6, "1. Entry")
        page.command_line(20, label="Selection or command", rows=2)
        return page

    def handle(self, submission: Submission) -> Reply:
        if submission.values.get("CMD") == "1":
            return Push(DemoEntry())
        if submission.values.get("CMD") == "90":
            return SignOff()
        return Exit() if submission.key == "F3" else Stay((note("Nothing chosen."),))


class DemoEntry(Panel):
    """NAME must be upper case letters; F5 and F9 wait for `gate`, F6 fails, F4 opens a window."""

    function_keys = (
        FunctionKey(3, "Exit"),
        FunctionKey(4, "Prompt"),
        FunctionKey(5, "Refresh"),
        FunctionKey(6, "Fail"),
        FunctionKey(9, "Fail slowly"),
        FunctionKey(12, "Cancel"),
    )
    is_wide = True

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.gate = gate or threading.Event()
        self.seen: list[Submission] = []
        self.turns = 0
        self.name_value = ""

    def page(self, size: Size) -> Page:
        page = Page(size)
        page.title("Demo Entry" if size != WIDE else "Wide Demo Entry")
        page.instruction(3, "Type choices, press Enter.")
        page.label(5, 2, "Name")
        page.field("NAME", 5, 37, 10, self.name_value, format=UPPER)
        page.label(6, 2, "Text")
        page.field("TEXT", 6, 37, 30)
        page.label(7, 2, "Password")
        page.field("PASSWORD", 7, 37, 10, format=SECRET)
        page.text(10, 2, f"Turns: {self.turns}")
        return page

    def handle(self, submission: Submission) -> Reply:
        self.seen.append(submission)
        match submission.key:
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "F4":
                return Push(DemoWindow())
            case "F5":
                self.gate.wait(20)
                self.turns += 1
                return Stay(redraw=True)
            case "F9":
                self.gate.wait(20)
                return Stay((note("Too late.", 20),), errors=("TEXT",))
            case "F6":
                raise CommandError("KBD0101", key="F6")
            case "ENTER" if not submission.values["NAME"].isalpha():
                return Stay((note("Name not valid.", 20), note("Second message.")), errors=("NAME",))
        return Stay((note("Accepted."),))

    def resume(self, value: object) -> Reply:
        if value is None:
            return Stay()
        self.name_value = str(value)
        return Stay((note("Chosen."),), redraw=True)

    def help(self, key: str) -> Help | None:
        return {
            "NAME": Help("Name (NAME)", "A name of up to ten letters."),
            "*PANEL": Help("Demo Entry", "\n\n".join(f"Paragraph {number}." for number in range(1, 12))),
        }.get(key)


class DemoWindow(Panel):
    function_keys = (FunctionKey(12, "Cancel"),)
    window = Window(rows=6, columns=30)

    def page(self, size: Size) -> Page:
        page = Page(size)
        page.title("Select Name")
        page.field("OPT", 3, 3, 1)
        page.text(3, 6, "ALICE")
        page.more(5, more=False)
        page.legend(6, rows=1)
        return page

    def handle(self, submission: Submission) -> Reply:
        return Return("ALICE") if submission.values.get("OPT") == "1" else Return()
