"""Colours and key maps: whose choice counts, and what a terminal makes of it."""

from __future__ import annotations

import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from textual import screen

from console.errors import UsageError
from console.people import looks as profile_looks
from screens.key_tables import LAYOUTS
from screens.looks import Looks, Outfit, outfit
from screens.panel import Panel, Stay
from screens.run import paint_sooner
from screens.surface import Surface
from screens.terminal.attributes import Attribute, Colour
from screens.terminal.page import Page
from screens.themes import THEMES, style
from tests.screens.conftest import press, settle
from tests.screens.demo import DemoEntry, DemoMenu, DemoWindow

SIZE = (80, 25)


def test_a_profile_may_name_exactly_the_themes_and_key_maps_there_are():
    assert {name.lower() for name in profile_looks.THEMES} == set(THEMES)
    assert {name.lower() for name in profile_looks.KEYMAPS} == set(LAYOUTS)


def test_an_option_counts_more_than_the_profile(tmp_path):
    chosen = Looks("amber", "").over(Looks("PAPER", "TN5250"))
    assert outfit(chosen, tmp_path) == Outfit("amber", LAYOUTS["tn5250"])
    assert outfit(Looks(), tmp_path) == Outfit("green", LAYOUTS["acs"])


def test_colours_that_there_are_not_are_refused(tmp_path):
    with pytest.raises(UsageError):
        outfit(Looks("sepia"), tmp_path)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_says_how_reset_is_pressed(layout):
    assert Outfit(layout=LAYOUTS[layout]).reset_hint == "Ctrl+R resets."


async def test_the_profile_of_whoever_has_signed_on_gives_colours_and_keys(make_app):
    app = make_app(DemoEntry(), looks=lambda first: Looks("paper", "plain"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert app.surface.render_line(0)._segments[0].style.bgcolor.name == "#ffffff"
        await press(pilot, "f4")
        await press(pilot, "escape")
        assert "Select Name" not in "\n".join(app.surface.text())


async def test_a_key_map_that_is_gone_is_said_and_the_usual_one_used(make_app):
    app = make_app(DemoEntry(), looks=lambda first: Looks("", "GONE"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert app.surface.text()[23].startswith(" There is no key map GONE.")
        await press(pilot, "a")
        assert app.surface.terminal.frame.buffer.values["NAME"] == "A"


async def test_a_key_map_of_one_s_own_makes_the_keyboard_strict(make_app, tmp_path):
    folder = tmp_path / "state" / "keymaps"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("strict: true\nkeys: {ctrl+n: RESET, ctrl+r: NONE}\n")
    app = make_app(DemoEntry(), keymap="mine")
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "up", "x", "down")
        assert app.surface.text()[23].startswith(" 0005 ")
        assert "Alt+R resets." in app.surface.text()[23] or "Ctrl+N resets." in app.surface.text()[23]
        await press(pilot, "ctrl+n", "down", "x")
        assert app.surface.terminal.frame.buffer.values["NAME"] == "X"


async def test_trim_is_an_option_of_the_console(make_app):
    panel = DemoEntry()
    panel.name_value = "PAYROLL"
    app = make_app(panel, trim=True)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "p", "a", "y")
        assert app.surface.terminal.frame.buffer.values["NAME"] == "PAY"


async def test_without_the_bell_a_keying_error_is_silent(make_app):
    for rings in (True, False):
        app = make_app(DemoEntry(), bell=rings)
        rung = []
        async with app.run_test(size=SIZE) as pilot:
            await settle(pilot)
            app.bell = lambda rung=rung: rung.append(1)
            await press(pilot, "up", "x")
        assert bool(rung) is rings


@pytest.mark.parametrize(("environment", "expected"), [({}, 1 / 120), ({"TEXTUAL_FPS": "20"}, 1 / 60)])
def test_changes_are_painted_sooner_than_textual_would_unless_told_otherwise(environment, expected, monkeypatch):
    monkeypatch.setattr(screen, "UPDATE_PERIOD", 1 / 60)
    paint_sooner(environment)
    assert expected == screen.UPDATE_PERIOD


class Palette(DemoWindow):
    pass


class Closed(DemoEntry):
    has_palette = False


async def test_ctrl_p_opens_the_palette_where_there_is_one(make_app):
    app = make_app(DemoEntry(), palette=lambda first, under: Palette())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+p")
        assert "Select Name" in "\n".join(app.surface.text())
        await press(pilot, "f12", "escape", "g")
        assert "Select Name" in "\n".join(app.surface.text())


@pytest.mark.parametrize("panel", [DemoEntry(), Closed()])
async def test_there_is_no_palette_before_sign_on_nor_on_a_panel_without(make_app, panel):
    found = (lambda first, under: Palette()) if isinstance(panel, Closed) else (lambda first, under: None)
    app = make_app(panel, palette=found)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+p")
        assert app.surface.text()[23].startswith(" Key not allowed here.")


class Watching(Panel):
    watches_keys = True

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def page(self, size):
        page = Page(size)
        page.text(5, 2, repr(self.seen))
        return page

    def handle(self, submission):
        raise AssertionError("no key acts here")

    def see(self, key, function):
        self.seen.append((key, function))
        return Stay(redraw=True)


async def test_keys_on_a_watching_panel_are_told_in_order_and_do_nothing(make_app):
    panel = Watching()
    app = make_app(panel)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "f3", "shift+f3", "a", "ctrl+c", "escape", "x", "ctrl+p", "f24", "ctrl+q")
        assert panel.seen == [
            ("f3", "F3"),
            ("shift+f3", "F15"),
            ("a", "Types a"),
            ("ctrl+c", "SYSREQ"),
            ("escape", "Prefix ESC-"),
            ("x", "FIELDEXIT"),
            ("ctrl+p", "PALETTE"),
            ("f24", "F24"),
            ("ctrl+q", "NONE"),
        ]


async def test_a_double_click_chooses_and_a_single_one_does_not(make_app):
    app = make_app(DemoMenu())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.click(Surface, offset=(8, 4))
        await settle(pilot)
        assert app.surface.terminal.cursor == (5, 9)
        await pilot.click(Surface, offset=(8, 4), times=2)
        await settle(pilot)
        assert app.surface.terminal.message_line.current is not None


_COLOURS = [Attribute[colour.name] for colour in Colour]


@pytest.mark.parametrize("theme", ["green", "paper"])
def test_sixteen_colours_are_enough_to_tell_those_apart_that_mean_something(theme):
    tones = {attribute: style(theme, attribute).color.downgrade(ColorSystem.STANDARD).number for attribute in _COLOURS}
    ground = style(theme, Attribute.GREEN).bgcolor.downgrade(ColorSystem.STANDARD).number
    assert ground not in tones.values()
    for other in (Attribute.GREEN, Attribute.WHITE, Attribute.BLUE):
        assert tones[Attribute.RED] != tones[other]
    assert len({tones[each] for each in (Attribute.GREEN, Attribute.WHITE, Attribute.BLUE)}) == 3


@pytest.mark.parametrize("theme", THEMES)
def test_no_theme_writes_a_colour_where_there_shall_be_none(theme):
    console = Console(no_color=True, force_terminal=True, color_system="truecolor", width=20)
    with console.capture() as captured:
        for attribute in (Attribute.GREEN, Attribute.RED_REVERSE, Attribute.GREEN_UNDERLINE):
            console.print(Segment("x", style("mono", attribute)).text, style=style("mono", attribute))
    assert "38;" not in captured.get()
    assert style(theme, Attribute.GREEN_UNDERLINE).underline
