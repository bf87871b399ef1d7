"""CEF, read back as its description says."""

from __future__ import annotations

import re

from hypothesis import given

from console.journal.formats.cef import line
from console.journal.formats.escapes import one_line
from tests.journal.formats.entries import ACCEPT_6, COMMAND, HERE, NASTY, anything, values

_KEY = re.compile(r"(?:^| )([A-Za-z0-9]+)=")
_UNESCAPED = {"\\\\": "\\", "\\=": "=", "\\|": "|", "\\n": "\n", "\\r": "\r"}


def unescape(text):
    return re.sub(r"\\[\\=|nr]", lambda found: _UNESCAPED[found[0]], text)


def parsed(text):
    """Return the header fields and the extension: a key begins where an equals sign has no backslash before it."""
    *header, extension = re.split(r"(?<!\\)(?:\\\\)*\|", text, maxsplit=7)
    found = list(_KEY.finditer(extension))
    ends = [each.start() for each in found[1:]] + [len(extension)]
    pairs = [(key[1], unescape(extension[key.end() : end])) for key, end in zip(found, ends, strict=True)]
    assert len({key for key, _ in pairs}) == len(pairs)
    return header, dict(pairs)


def test_connect():
    assert line(values(), HERE) == (
        "CEF:0|Greenwall|Greenwall|0.1.0|TSKC|Connect|6|rt=1772366400123 externalId=17 dvchost=host.example cat=SK "
        "act=*REJECTED outcome=failure deviceDirection=1 src=127.0.0.1 spt=40000 dst=127.0.0.2 dpt=443 suser=ALICE "
        "sproc=/usr/bin/curl spid=4711 cs1=000001/ALICE/CURL cs1Label=qualified_job_name cs2=*CONNECT "
        f"cs2Label=exit_point cs3=AUDRCV0001 cs3Label=receiver_name cs6={'ab' * 32} cs6Label=chain_hash cn1=10 "
        "cn1Label=rule_sequence cn2=2 cn2Label=revision cn3=7 cn3Label=decision_us"
    )


def test_accept_has_its_own_end_as_destination():
    _, found = parsed(line(ACCEPT_6, HERE))
    assert (found["deviceDirection"], found["duser"], found["dproc"]) == ("0", "WWW-DATA", "/usr/sbin/nginx")
    assert (found["c6a2"], found["c6a2Label"], found["spt"]) == ("2001:db8::7", "Source IPv6 Address", "50000")
    assert (found["c6a3"], found["c6a3Label"], found["dpt"]) == ("::1", "Destination IPv6 Address", "80")
    assert "src" not in found


def test_command_has_no_direction_and_no_outcome():
    header, found = parsed(line(COMMAND, HERE))
    assert header[4:] == ["TCD", "Command", "4"]
    assert not {"deviceDirection", "outcome", "act", "src"} & found.keys()
    assert found["msg"] == "ADDSOCRUL EXITPNT(*CONNECT) TEXT('Grüße')"


def test_equals_sign_backslash_and_line_ends_come_back():
    _, found = parsed(line(values(text="a=b\\c\nd\re act=*ALLOWED|"), HERE))
    assert found["msg"] == "a=b\\c\nd\re act=*ALLOWED|"
    assert found["act"] == "*REJECTED"
    assert parsed(line(values(text=NASTY), HERE))[1]["msg"].startswith("a\nb\r\nc")


@given(entry=anything)
def test_no_text_adds_a_key_or_hides_one(entry):
    header, found = parsed(line(entry, HERE))
    assert len(header) == 7
    for key, value in (("cs1", entry.qualified_job_name), ("cs5", entry.detail), ("msg", entry.text)):
        shown = one_line(value.replace("\\", "").replace("\n", "").replace("\r", ""))
        assert found.get(key, "").replace("\\", "").replace("\n", "").replace("\r", "") == shown.replace("\\", "")
    assert set(found) <= {
        "rt", "externalId", "dvchost", "cat", "act", "outcome", "deviceDirection", "src", "spt", "dst", "dpt", "c6a2",
        "c6a3", "c6a2Label", "c6a3Label", "suser", "duser", "sproc", "dproc", "spid", "dpid", "msg",
        *(f"{kind}{n}{label}" for kind in ("cs", "cn") for n in range(1, 7) for label in ("", "Label")),
    }  # fmt: skip
