from __future__ import annotations

import pytest
from textual.geometry import Offset

from screens.surface import Surface
from screens.terminal.attributes import Attribute
from screens.themes import THEMES, style
from tests.screens.conftest import press, settle
from tests.screens.demo import DemoEntry, DemoMenu

SIZE = (80, 25)


def values(app) -> dict[str, str]:
    return app.surface.terminal.frame.buffer.values


async def test_a_click_on_the_legend_presses_the_key(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        column = app.surface.text()[21].index("F4=Prompt")
        await pilot.click(Surface, offset=(column + 3, 21))
        await settle(pilot)
        assert "Select Name" in "\n".join(app.surface.text())


async def test_a_click_elsewhere_moves_the_cursor_which_the_application_is_told(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert app.cursor_position == Offset(36, 4)
        await pilot.click(Surface, offset=(40, 5))
        assert app.surface.terminal.cursor == (6, 41)
        assert app.cursor_position == Offset(40, 5)


async def test_the_wheel_rolls_but_is_not_kept_while_a_turn_runs(make_app):
    panel = DemoEntry()
    app = make_app(panel)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        app.surface.post_message(_scroll())
        await settle(pilot)
        assert [seen.key for seen in panel.seen] == ["ROLLUP"]
        await pilot.press("f5")
        app.surface.post_message(_scroll())
        await pilot.pause()
        assert app.surface.terminal.keyboard.queued == 0
        panel.gate.set()
        await settle(pilot)


def _scroll():
    from textual.events import MouseScrollDown

    return MouseScrollDown(
        None, x=5, y=5, delta_x=0, delta_y=1, button=0, shift=False, meta=False, ctrl=False, screen_x=5, screen_y=5
    )


async def test_paste_fills_the_field_under_the_cursor_with_one_line(make_app):
    from textual.events import Paste

    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "tab")
        app.surface.post_message(Paste("10.0.0.1\nrm -rf"))
        await settle(pilot)
        assert values(app) == {"NAME": "", "TEXT": "10.0.0.1", "PASSWORD": ""}
        assert app.surface.text()[23].startswith(" 0028")


async def test_only_changed_cells_are_painted_again(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        regions = []
        original = app.surface.refresh
        app.surface.refresh = lambda *parts, **options: regions.extend(parts) or original(*parts, **options)
        await pilot.press("a")
        cells = {(region.x + x, region.y) for region in regions for x in range(region.width)}
        assert {cell for cell in cells if cell[1] == 4} == {(36, 4), (37, 4)}
        assert {y for _, y in cells} == {4, 24}


async def test_the_password_is_nowhere_in_what_is_drawn(make_app):
    app = make_app(DemoEntry())
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "tab", "tab", *"s3cret")
        drawn = "".join(app.surface.render_line(y).text for y in range(25))
        assert "s3cret" not in drawn
        assert values(app)["PASSWORD"] == "s3cret"


async def test_underscores_are_drawn_in_blank_input_cells_when_asked_for(make_app):
    app = make_app(DemoMenu(), underscores=True)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert app.surface.render_line(20).text == " " + "_" * 78 + " "
        assert "_" not in "".join(app.surface.text())


async def test_the_rest_of_a_large_terminal_is_blank(make_app):
    app = make_app(DemoMenu())
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        lines = [app.surface.render_line(y).text for y in range(40)]
        assert [len(line) for line in lines] == [100] * 40
        assert [line[:80] for line in lines[:25]] == app.surface.text()
        assert "".join(lines[25:]).strip() == ""


def _luminance(tone: str) -> float:
    parts = [int(tone[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [name for name, tones in THEMES.items() if tones.tones])
def test_every_tone_has_enough_contrast(theme):
    tones = THEMES[theme]
    for tone in tones.tones.values():
        dark, bright = sorted((_luminance(tone), _luminance(tones.ground)))
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, tone


def test_mono_tells_attributes_apart_without_colours():
    looks = [style("mono", attribute) for attribute in (Attribute.GREEN, Attribute.WHITE, Attribute.GREEN_UNDERLINE)]
    assert len(set(looks)) == 3
    assert all(look.color is None and look.bgcolor is None for look in looks)
    assert style("mono", Attribute.GREEN_REVERSE).reverse


@pytest.mark.parametrize("theme", list(THEMES))
@pytest.mark.parametrize("attribute", list(Attribute))
def test_the_cursor_is_seen_on_every_attribute(theme, attribute):
    assert style(theme, attribute) != style(theme, attribute, is_cursor=True)
