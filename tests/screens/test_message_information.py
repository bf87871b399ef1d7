from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.messages import Message
from screens.message_information import AdditionalMessageInformation
from screens.panel import Cursor, Return, Stay, Submission
from screens.terminal.buffer import Buffer
from screens.terminal.page import NORMAL

SENT = datetime(2026, 11, 21, 10, 24, 56, tzinfo=UTC)


def key(name: str) -> Submission:
    return Submission(name, {}, frozenset(), Cursor(1, 1))


def rows(panel: AdditionalMessageInformation) -> list[str]:
    buffer = Buffer(panel.page(NORMAL))
    return ["".join(cell.character for cell in buffer.cells(row)).rstrip() for row in range(1, 25)]


def test_drawing():
    shown = Message(
        "SCK1042",
        30,
        "Rule 40 not changed. Target port range is not valid.",
        "The low port 8443 is greater than the high port 443.",
        "Type a low port that is not greater than the high port, or type *ONLY for the high port. Then press Enter.",
    )
    assert rows(AdditionalMessageInformation(shown, SENT))[:12] == [
        "                         Additional Message Information",
        "",
        " Message ID . . . . . . :   SCK1042      Severity . . . . . . . :   30",
        " Message type . . . . . :   Diagnostic",
        " Date sent  . . . . . . :   2026-11-21   Time sent  . . . . . . :   10:24:56",
        "",
        " Message . . . . :   Rule 40 not changed. Target port range is not valid.",
        "",
        " Cause . . . . . :   The low port 8443 is greater than the high port 443.",
        " Recovery  . . . :   Type a low port that is not greater than the high port,",
        "   or type *ONLY for the high port. Then press Enter.",
        "",
    ]


@pytest.mark.parametrize(
    ("severity", "kind"), [(0, "Completion"), (10, "Warning"), (20, "Diagnostic"), (40, "Diagnostic")]
)
def test_the_type_follows_from_the_severity(severity, kind):
    assert rows(AdditionalMessageInformation(Message("X", severity, "x"), SENT))[3].endswith(kind)


def test_long_text_rolls():
    panel = AdditionalMessageInformation(Message("X", 0, "x", "word " * 400), SENT)
    assert rows(panel)[18].endswith("More...")
    while panel.handle(key("ROLLUP")) == Stay(redraw=True):
        last = rows(panel)
    assert last[18].endswith("Bottom")
    panel.handle(key("ROLLDOWN"))
    panel.handle(key("ROLLDOWN"))
    panel.handle(key("ROLLDOWN"))
    assert rows(panel)[6].startswith(" Message")
    assert panel.handle(key("ENTER")) == Return()


def test_it_has_help():
    assert AdditionalMessageInformation(Message("X", 0, "x"), SENT).help("*PANEL")
