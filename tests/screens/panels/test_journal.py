"""The journal on the screen: fetched page by page from its end, positions, subsets, entries in full."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.commands.host_names import HostNames
from console.journal.writer import append
from console.store.session import transaction
from screens.terminal.page import WIDE
from tests.factories import entry
from tests.screens.panels.operator import Operator

USERS = ("ALICE", "BOB")
ALL_ENTRIES = dict.fromkeys(("ENTTYP", "SKTYPE", "OUTCOME", "EXITPNT", "USRPRF"), "*ALL")


@pytest.fixture
def fill(store, now):
    """Return a way to write entries a minute apart, the last one now."""

    def filled(count, **fields):
        start = now - timedelta(minutes=count - 1)
        made = [
            entry(
                entry_timestamp=start + timedelta(minutes=index),
                user_name=USERS[index % 2],
                outcome="*REJECTED" if index % 3 == 0 else "*ALLOWED",
                rule_sequence=10 if index % 3 == 0 else 99999,
                **fields,
            )
            for index in range(count)
        ]
        with transaction(store) as session:
            append(session, made)

    filled.now = now
    return filled


@pytest.fixture
def journal(operator, fill):
    """Return an operator at a journal of thirty entries."""
    fill(30)
    return operator.command("5")


def numbers(operator):
    return [int(row.split()[0]) for row in operator.rows[8:20] if row.strip()]


def test_it_opens_at_the_end(journal):
    assert journal.matches("display_journal")
    assert numbers(journal) == list(range(19, 31))


def test_the_other_views_look_as_drawn(journal):
    assert journal.press("F11").matches("display_journal_ends")
    assert journal.press("F11").matches("display_journal_job")


def test_wide_screen_has_two_views_and_says_once_what_an_entry_without_ends_is(services, fill):
    text = "Rule 10 of *CONNECT added"
    fill(3, entry_type="GR", sk_type="", local_address="", remote_address="", program="", text=text)
    wide = Operator(services.open("DisplayJournal", ALL_ENTRIES), WIDE)
    assert "F11=Display job " in wide.rows[24]
    assert wide.rows[8].count("Rule 10") == 1
    wide.press("F11")
    assert "F11=Display both ends" in wide.rows[24]
    assert text in wide.rows[8]
    assert "Job" in wide.rows[7]
    wide.press("F11")
    assert "Remote address" in wide.rows[7]


def test_paging_goes_back_to_the_first_entry_and_again_to_the_last(journal):
    journal.press("ROLLDOWN")
    assert numbers(journal) == list(range(7, 19))
    assert "More..." in journal.row(21)
    journal.press("ROLLDOWN")
    assert numbers(journal) == list(range(1, 13))
    journal.press("ROLLDOWN")
    assert journal.message == "Already at the top of the list."
    journal.press("ROLLUP").press("ROLLUP")
    assert numbers(journal) == list(range(25, 31))
    journal.press("ROLLUP")
    assert journal.message == "Already at the bottom of the list."


def test_f5_goes_to_the_newest_entries(journal, fill):
    fill(2)
    journal.press("ROLLDOWN").press("F5")
    assert numbers(journal)[-1] == 32


def test_an_empty_journal_says_so(operator):
    operator.command("5")
    assert "(No journal entries)" in operator.row(9)
    operator.press("ROLLUP")
    assert operator.message_ids == ["GWL0701"]


@pytest.mark.parametrize(
    ("text", "first"),
    [("5", 5), ("*FIRST", 1), ("*LAST", 19), ("999", 19), ("11:40", 10), ("2026-03-01 11:40", 10), ("2026-03-01", 1)],
)
def test_f17_goes_to_a_number_or_a_time(journal, text, first):
    journal.press("F17").enter(POSITION=text)
    assert numbers(journal)[0] == first


def test_a_position_that_is_neither_is_refused(journal):
    journal.press("F17").enter(POSITION="LUNCH")
    assert journal.message_ids == ["GWL0713"]
    assert journal.title == "Display Journal Entries"


def test_the_window_for_positions_looks_as_drawn(journal):
    assert journal.press("F17").matches("position_window")
    journal.press("F12")
    assert numbers(journal)[-1] == 30


def test_f18_shows_a_subset_and_says_which(journal):
    journal.press("F18").enter(USRPRF="ALICE", OUTCOME="*REJECTED")
    assert numbers(journal) == [1, 7, 13, 19, 25]
    assert "OUTCOME(*REJECTED) USRPRF(ALICE)" in journal.row(7)
    journal.press("F18")
    assert journal.buffer.values["USRPRF"] == "ALICE"
    journal.press("F12")
    assert numbers(journal) == [1, 7, 13, 19, 25]


def test_a_subset_can_be_asked_for_by_the_command(operator, fill):
    fill(4)
    operator.command("DSPJRN USRPRF(BOB)")
    assert numbers(operator) == [2, 4]


def test_option_5_shows_the_data_as_recorded_and_f9_every_field(journal):
    journal.option("30", "5").press("ENTER")
    assert journal.matches("display_journal_entry")
    assert journal.press("F9").matches("display_journal_entry_fields")


def test_f14_and_f15_go_to_the_entries_before_and_after(journal):
    journal.option("29", "5").press("ENTER").press("F15")
    assert journal.row(3).split(":")[1].strip() == "30"
    journal.press("F15")
    assert journal.message == "There is no later entry."
    journal.press("F14").press("F14")
    assert journal.row(3).split(":")[1].strip() == "28"


def test_enter_goes_to_the_next_entry_chosen_and_f12_back_to_the_list(journal):
    journal.option("20", "5").option("22", "5").option("24", "5").press("ENTER").press("ENTER")
    assert journal.row(3).split(":")[1].strip() == "22"
    journal.press("F12")
    assert journal.options == {"24": "5"}


def test_options_on_several_pages_are_carried_out_oldest_first(journal):
    journal.option("30", "5").press("ROLLDOWN").option("10", "5").press("ENTER")
    assert journal.row(3).split(":")[1].strip() == "10"
    journal.press("ENTER")
    assert journal.row(3).split(":")[1].strip() == "30"


def test_text_from_outside_cannot_draw_on_the_screen(operator, fill):
    fill(1, program="/tmp/\x1b[2J\u202egnp", remote_address="", local_address="")
    operator.command("5").press("F11").press("F11")
    assert "/tmp/·[2J·gnp" in operator.row(9)
    operator.option("1", "5").press("ENTER").press("F9").press("ROLLUP")
    assert "/tmp/·[2J·gnp" in operator.shown


def test_an_ipv6_address_shows_in_full_in_the_entry(operator, fill):
    address = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1111"
    fill(1, remote_address=address, address_family="*IPV6")
    operator.command("5")
    assert "[2001:db8:aaaa:bbbb:>" in operator.row(9)
    operator.option("1", "5").press("ENTER").press("F9")
    assert address in operator.shown


def test_entries_of_administration_show_their_text_and_command(operator, fill, store, now):
    with transaction(store) as session:
        append(session, [entry(entry_type="CD", sk_type="", outcome="", text="ACTSOCPCY", detail="ACTSOCPCY",
                               remote_address="", local_address="", rule_sequence=0)])  # fmt: skip
    operator.command("5")
    assert "CD" in operator.row(9)
    assert "ACTSOCPCY" in operator.row(9)
    operator.option("1", "5").press("ENTER")
    assert "00001      'ACTSOCPCY" in operator.shown


def test_f11_shows_the_data_in_hexadecimal_and_as_json(journal):
    journal.option("30", "5").press("ENTER")
    assert journal.press("F11").matches("display_journal_entry_hexadecimal")
    journal.press("F11")
    assert '"sequence_number": 30,' in journal.shown
    journal.press("F11")
    assert "*...+....1" in journal.shown


def test_the_rule_is_shown_as_it_was_in_the_revision_that_decided(operator, run, fill):
    run("ADDSOCRUL *CONNECT 10 RMTADR('10.0.0.0/8') ACTION(*REJECT) TEXT('as it was')", "ACTSOCPCY")
    run("CHGSOCRUL *CONNECT 10 TEXT('as it is')", "ACTSOCPCY")
    fill(1, revision=2)
    operator.command("5").option("1", "5").press("ENTER").press("F9").press("ROLLUP")
    assert "Rule 10 of *CONNECT as revision 2 has it" in operator.shown
    operator.press("ROLLUP")
    assert "as it was" in operator.shown
    assert operator.press("ROLLDOWN").matches("display_journal_entry_rule")


def test_a_rule_that_cannot_be_shown_says_why(operator, fill):
    fill(1, revision=77)
    operator.command("5").option("1", "5").press("ENTER").press("F9").press("ROLLUP")
    assert "Revision 77" in operator.shown


class Resolver:
    """Answers at once, and says how often it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, address):
        self.asked.append(address)
        return f"host-{address}\x1b[2J"


def test_host_names_are_asked_for_only_on_f10(services, fill):
    fill(2)
    resolver = Resolver()
    panel = services.open("DisplayJournal", ALL_ENTRIES)
    panel._names = HostNames(resolver)
    operator = Operator(panel).option("1", "5").press("ENTER").press("F9").press("ROLLUP").press("ROLLDOWN")
    assert resolver.asked == []
    operator.press("F10")
    assert "host-127.0.0.2·[2J" in operator.shown
    assert sorted(resolver.asked) == ["127.0.0.1", "127.0.0.2"]
    operator.press("F15")
    assert "host-" not in operator.shown


def test_an_entry_without_addresses_has_nothing_to_look_up(operator, fill):
    fill(1, local_address="", remote_address="")
    operator.command("5").option("1", "5").press("ENTER").press("F9").press("F10")
    assert operator.message_ids == ["GWL063B"]


def test_option_8_asks_for_a_rule_filled_in_from_the_entry(journal, run):
    journal.option("29", "14").press("ENTER")
    assert journal.matches("prompter_rule_from_entry")
    journal.press("ENTER")
    assert journal.message == "Rule 10 added to *CONNECT."
    assert journal.title == "Display Journal Entries"
    assert journal.options == {}


def test_f6_does_so_from_the_entry(journal):
    journal.option("28", "5").press("ENTER").press("F6")
    assert journal.buffer.values["ACTION"] == "*ALLOW"
    journal.press("F12")
    assert journal.title == "Display Journal Entry"


def test_an_entry_that_no_rule_can_be_made_of_is_refused(operator, fill):
    fill(1, entry_type="CD", exit_point="")
    operator.command("5").option("1", "14").press("ENTER")
    assert operator.message_ids == ["GWL0638"]
    operator.option("1", "5").press("ENTER").press("F6")
    assert operator.message_ids == ["GWL0638"]


def test_f21_prints_the_list_that_shows(journal, store):
    journal.press("F18").enter(USRPRF="ALICE")
    journal.option("29", "5").press("F21")
    (path,) = store.location.directory.glob("print-*.txt")
    assert journal.message == f"15 entries printed to {path}."
    assert "Subset: USRPRF(ALICE)" in path.read_text()
    assert journal.options == {"29": "5"}


def test_a_list_is_printed_to_a_file_that_is_named(operator, fill, tmp_path):
    fill(3)
    path = tmp_path / "l"
    operator.command(f"DSPJRN OUTPUT(*PRINT) TOFILE('{path}')")
    assert operator.message == f"3 entries printed to {path}."
    operator.command("5").press("F18").type(OUTCOME="*REJECTED").press("F9").press("ROLLUP").press("ROLLUP")
    operator.type(OUTPUT="*PRINT", TOFILE=str(path)).press("ENTER")
    assert operator.message_ids == ["GWL0633"]


def test_f21_of_an_entry_prints_it_whole(journal, store):
    journal.option("30", "5").press("ENTER").press("F21")
    (path,) = store.location.directory.glob("print-*.txt")
    assert journal.message == f"Entry 30 printed to {path}."
    text = path.read_text()
    assert "Rule that decided                 *DFT" in text
    assert '"chain_hash"' in text


def test_the_last_minutes_are_reckoned_anew_on_f5(services, store, fill):
    from dataclasses import replace

    clock = [fill.now]
    moved = replace(services, context=replace(services.context, clock=lambda: clock[0]))
    fill(10)
    operator = Operator(moved.open("DisplayJournal", {**ALL_ENTRIES, "FROMTIME": "*LAST 3 *MINUTES"}))
    assert numbers(operator) == [7, 8, 9, 10]
    clock[0] += timedelta(minutes=2)
    operator.press("F5")
    assert numbers(operator) == [9, 10]


@pytest.mark.parametrize(("text", "first"), [("*TODAY", 1), ("*LAST 5 *MINUTES", 25), ("*YESTERDAY", 1)])
def test_f17_goes_to_what_a_word_stands_for(journal, text, first):
    journal.press("F17").enter(POSITION=text)
    assert numbers(journal)[0] == first if first < 19 else numbers(journal)[-1] == 30


def test_a_wide_screen_shows_the_hash_in_one_piece(services, fill):
    fill(1)
    wide = Operator(services.open("DisplayJournal", ALL_ENTRIES), WIDE).option("1", "5").press("ENTER").press("F9")
    assert wide.matches("display_journal_entry_fields_wide")
    wide.press("ROLLUP")
    (line,) = [row for row in wide.rows if row.startswith(" Chain hash")]
    assert len(line.split()[-1]) == 64
