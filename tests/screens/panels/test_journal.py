"""The journal on the screen: fetched page by page from its end, positions, subsets, entries in full."""

from __future__ import annotations

from datetime import timedelta

import pytest

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
    assert "*REJECTED ALICE" in journal.row(3)
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
