"""Files of commands."""

from __future__ import annotations

from console.commands.script import statements


def test_blank_lines_comments_and_the_interpreter_line_are_skipped():
    found = list(statements("#!/usr/bin/greenwall\n\n  /* rules */\nGO MAIN\n\n"))
    assert [(s.text, s.line) for s in found] == [("GO MAIN", 4)]


def test_plus_goes_on_at_the_first_character_of_the_next_line():
    (found,) = statements("ADDSOCRUL *CONNECT +\n   TEXT('x')\n")
    assert found.text == "ADDSOCRUL *CONNECT TEXT('x')"


def test_minus_goes_on_at_the_first_column_of_the_next_line():
    (found,) = statements("A TEXT('one-\n  two')")
    assert found.text == "A TEXT('one  two')"


def test_a_column_is_found_again_on_its_line():
    (found,) = statements("  ABC +\n   XYZ\n")
    assert found.place(1) == (1, 3)
    assert found.place(5) == (2, 4)


def test_windows_line_ends_are_line_ends():
    assert [s.text for s in statements("GO MAIN\r\nSIGNOFF\r\n")] == ["GO MAIN", "SIGNOFF"]


def test_a_file_that_ends_inside_a_command_still_gives_it():
    assert [s.text for s in statements("GO +")] == ["GO "]
