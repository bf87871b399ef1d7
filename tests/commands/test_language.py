"""The CL language on two commands made for the purpose."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import messages
from console.commands.definition import Command, Parameter, Result
from console.commands.language import complete, parse, parse_partial, render
from console.errors import CommandError


def _word(value):
    if not value or len(value) > 10:
        raise CommandError("GWL0113", value=value, keyword="WORD", allowed="a word")
    return value.upper()


def _text(value):
    return "" if value == "*BLANK" else value


class AddThing(Command):
    name = "ADDTHING"
    text = "Add Thing"
    parameters = (
        Parameter("THING", "Thing", _word),
        Parameter("COUNT", "Count", _word, default="10", special=("*NEXT",)),
        Parameter("PATH", "Path", _text, length=50, default="*ANY", special=("*ANY",), quoted=True, monocase=False),
        Parameter("SECRET", "Password", _text, length=20, default="", secret=True, monocase=False),
        Parameter("TEXT", "Text", _text, length=50, default="*BLANK", special=("*BLANK",), quoted=True),
    )
    positional = 2

    def run(self, context, values):
        return Result()


class ListThings(Command):
    name = "LSTTHING"
    text = "List Things"
    parameters = (Parameter("THINGS", "Things", _text, length=30, many=True, monocase=False),)

    def run(self, context, values):
        return Result()


class ChangeThing(AddThing):
    name = "CHGTHING"
    text = "Change Thing"
    parameters = (
        Parameter("THING", "Thing", _word),
        Parameter("TEXT", "Text", _text, length=50, default="*SAME", special=("*SAME", "*BLANK"), quoted=True),
    )


REGISTRY = {cls.name: cls for cls in (AddThing, ChangeThing, ListThings)}


def values(text):
    return parse(text, REGISTRY).values


def test_values_come_by_keyword_and_defaults_fill_the_rest():
    parsed = parse("ADDTHING THING(A) TEXT('x')", REGISTRY)
    assert parsed.cls is AddThing
    assert parsed.values == {"THING": "A", "COUNT": "10", "PATH": "*ANY", "SECRET": "", "TEXT": "x"}
    assert parsed.given == {"THING", "TEXT"}


def test_values_without_keyword_take_the_first_parameters_in_order():
    assert values("addthing a *next")["COUNT"] == "*NEXT"


def test_lower_case_is_folded_outside_of_apostrophes_only():
    assert values("addthing thing(abc) text('as it is') path(/usr/bin)") == {
        "THING": "ABC", "COUNT": "10", "PATH": "/usr/bin", "SECRET": "", "TEXT": "as it is",
    }  # fmt: skip


def test_apostrophes_in_a_value_are_written_twice():
    assert values("ADDTHING A TEXT('it''s ''here''')")["TEXT"] == "it's 'here'"


def test_comments_and_blanks_between_values_count_for_nothing():
    assert values("  ADDTHING/* a */ A /* b */ TEXT( 'x' )\t")["TEXT"] == "x"


def test_a_comment_inside_apostrophes_is_text():
    assert values("ADDTHING A TEXT('/* x */')")["TEXT"] == "/* x */"


def test_star_n_stands_for_a_value_that_is_not_given():
    assert parse("ADDTHING A *N TEXT(*N)", REGISTRY).given == {"THING"}
    assert values("ADDTHING A TEXT('*N')")["TEXT"] == "*N"


def test_same_is_left_for_the_run_to_replace():
    assert values("CHGTHING A")["TEXT"] == "*SAME"
    assert values("CHGTHING A TEXT(*BLANK)")["TEXT"] == ""


@pytest.mark.parametrize(
    ("text", "message_id", "column"),
    [
        ("", "GWL0102", None),
        ("/* nothing */", "GWL0102", None),
        (" ADTHING A", "GWL0101", 2),
        ("'ADDTHING' A", "GWL0111", 1),
        ("9LIVES", "GWL0111", 1),
        ("ADDTHING A SIZE(3)", "GWL0103", 12),
        ("ADDTHING THING(A) THING(B)", "GWL0104", 19),
        ("ADDTHING A THING(B)", "GWL0104", 12),
        ("ADDTHING A B C", "GWL0105", 14),
        ("ADDTHING TEXT('x')", "GWL0106", None),
        ("ADDTHING A TEXT('x", "GWL0107", 17),
        ("ADDTHING A TEXT('it's')", "GWL0107", 22),
        ("ADDTHING A)", "GWL0108", 11),
        ("ADDTHING A TEXT(('x'))", "GWL0108", 17),
        ("ADDTHING (A)", "GWL0108", 10),
        ("ADDTHING THING(A TEXT('x')", "GWL0108", 22),
        ("ADDTHING THING(A", "GWL0112", 15),
        (f"ADDTHING A TEXT('{'x' * 51}')", "GWL0109", None),
        ("ADDTHING A\x1b", "GWL010A", 11),
        ("ADDTHING A TEXT('a\nb')", "GWL010A", 19),
        ("ADDTHING A TEXT('\N{RIGHT-TO-LEFT OVERRIDE}')", "GWL010A", 18),
        ("ADDTHING A TEXT('\udc80')", "GWL010A", 18),
        ("ADDTHING A TEXT(two words)", "GWL010B", 21),
        ("ADDTHING A TEXT()", "GWL010C", 16),
        ("ADDTHING THING (A)", "GWL010D", 16),
        ("ADDTHING COUNT(3) A", "GWL010E", 19),
        ("ADDTHING A PATH(/usr/*)", "GWL010F", 21),
        ("ADDTHING A'b'", "GWL0110", 11),
        ("ADDTHING A TEXT('a'b)", "GWL0110", 20),
        ("?ADDTHING A", "GWL0114", None),
    ],
)
def test_a_fault_is_named_with_its_column(text, message_id, column):
    with pytest.raises(CommandError) as caught:
        parse(text, REGISTRY)
    assert (caught.value.message_id, caught.value.values.get("column")) == (message_id, column)
    assert messages.describe(caught.value).recovery


def test_an_unknown_command_suggests_the_nearest():
    with pytest.raises(CommandError) as caught:
        parse("ADTHING", REGISTRY)
    assert "ADDTHING" in messages.describe(caught.value).cause


def test_the_prompter_gets_a_command_that_is_not_complete():
    partial = parse_partial("addthing text('x')", REGISTRY)
    assert (partial.cls, partial.given, partial.prompt) == (AddThing, {"TEXT": "x"}, False)


def test_a_question_mark_asks_for_prompting_and_moves_no_column():
    assert parse_partial(" ?ADDTHING", REGISTRY).prompt
    with pytest.raises(CommandError) as caught:
        parse_partial("?ADDTHING SIZE(1)", REGISTRY)
    assert caught.value.values["column"] == 11


def test_render_leaves_defaults_out_and_quotes_what_needs_it():
    given_values = complete(AddThing, {"THING": "A", "TEXT": "it's", "PATH": "/a b"}).values
    assert render(AddThing, given_values) == "ADDTHING THING(A) PATH('/a b') TEXT('it''s')"


def test_render_for_an_audit_entry_has_no_password():
    given_values = complete(AddThing, {"THING": "A", "SECRET": "hunter2"}).values
    assert "hunter2" in render(AddThing, given_values)
    assert "hunter2" not in render(AddThing, given_values, secrets=False)


_shown = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2000, categories=["L", "N", "P", "S", "Zs"]), max_size=50
)


@given(
    thing=st.text("ABC123/*'( )%", min_size=1, max_size=10),
    path=_shown,
    secret=_shown.map(lambda s: s[:20]),
    text=_shown,
)
def test_what_is_rendered_reads_back_as_the_same(thing, path, secret, text):
    written = {"THING": thing, "PATH": path, "SECRET": secret, "TEXT": text}
    first = complete(AddThing, written)
    string = render(AddThing, first.values)
    again = parse(string, REGISTRY)
    assert again.values == first.values
    assert render(AddThing, again.values) == string


@given(st.text(max_size=80))
def test_any_text_is_either_read_or_refused_with_a_message(text):
    with contextlib.suppress(CommandError):
        parse("ADDTHING " + text, REGISTRY)


@pytest.mark.parametrize("written", ["a B:1 c", "'a B:1' c", "a  B:1 'c'", "'a B:1 c'"])
def test_a_list_is_written_with_apostrophes_or_without(written):
    parsed = parse(f"LSTTHING THINGS({written})", REGISTRY)
    assert parsed.values == {"THINGS": "a B:1 c"}
    assert render(parsed.cls, parsed.values) == "LSTTHING THINGS('a B:1 c')"


@pytest.mark.parametrize("bad", ["THINGS()", "THINGS(a", "THINGS(a (b))", "THINGS('a'b)", "THINGS(a) THINGS(b)"])
def test_a_list_is_one_pair_of_parentheses(bad):
    with pytest.raises(CommandError):
        parse(f"LSTTHING {bad}", REGISTRY)


def test_an_error_about_a_password_does_not_tell_it():
    for command in (
        f"ADDTHING A SECRET({'abc' * 10})",
        "ADDTHING A SECRET(x abc)",
        "ADDTHING A SECRET('abc",
        "ADDTHING A 2 abc",
        "ADDTHING A COUNT(2) abc",
        "ADDTHING A SECRET('x'abc)",
        "ADDTHING A COUNT(2)abc",
    ):
        with pytest.raises(CommandError) as caught:
            parse(command, REGISTRY)
        assert "abc" not in f"{messages.describe(caught.value)}"


def test_two_question_marks_in_front_of_keywords_ask_for_these():
    from console.commands.registry import COMMANDS

    partial = parse_partial("ADDSOCRUL *CONNECT ??RMTADR() ??action(*ALLOW)", COMMANDS)
    assert partial.prompt
    assert partial.asked == {"RMTADR", "ACTION"}
    assert partial.given == {"EXITPNT": "*CONNECT", "ACTION": "*ALLOW"}
