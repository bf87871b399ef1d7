"""`greenwall journal import` and CPYAUDJRNE, as a script uses them."""

from __future__ import annotations

import csv
import stat

import pytest

from console.journal.writer import append
from console.store.engine import open_store
from console.store.session import transaction
from tests.end_to_end.command import Greenwall
from tests.factories import entry

pytestmark = pytest.mark.end_to_end

SK = (
    "ENTRY_TIMESTAMP,USER_NAME,ENTRY_TYPE,LOCAL_IP_ADDRESS,LOCAL_PORT,REMOTE_IP_ADDRESS,REMOTE_PORT\n"
    "2025-03-01-12.00.00.000000,ALICE,A,10.1.2.3,8471,192.168.7.9,50123\n"
    "2025-03-01-12.00.01.000000,BOB,C,10.1.2.3,40000,192.168.7.9,21\n"
)


@pytest.fixture
def here(tmp_path):
    return Greenwall(tmp_path)


def test_import_list_show_and_remove(here, tmp_path):
    path = tmp_path / "sk.csv"
    path.write_text(SK)
    said = here.done("journal", "import", str(path), "--name", "oldsys", "--time-zone", "UTC", "--text", "Before")
    assert said.startswith("GWL0677 Journal OLDSYS has 2 entries")
    assert "Before" in here.done("journal", "import", "--list")
    listed = here.cl("DSPJRN JRN(OLDSYS) USRPRF(BOB)").splitlines()
    assert len(listed) == 2
    assert "192.168.7.9:21" in listed[1]
    assert [record for record in here.show("journal") if record["entry_type"] == "SK"] == []
    assert "GWL0676" in here("journal", "import", str(path), "--name", "OLDSYS").stderr
    here.done("journal", "import", "--remove", "OLDSYS")
    assert "GWL0675" in here("cl", "DSPJRN JRN(OLDSYS)").stderr


def test_fault_in_a_file_is_named_with_line_and_column(here, tmp_path):
    path = tmp_path / "sk.csv"
    path.write_text(SK.replace(",21\n", ",70000\n"))
    done = here("journal", "import", str(path), "--name", "OLDSYS")
    assert done.returncode == 1
    assert "line 3, column 7 (REMOTE_PORT): 70000 is not a port, 0 to 65535" in done.stderr
    assert "(No imported journals)" in here.done("journal", "import", "--list")


@pytest.mark.parametrize(
    "options", [(), ("x.csv",), ("--name", "A"), ("--list", "--remove", "A"), ("x.csv", "--name", "A", "--list")]
)
def test_what_makes_no_sense_is_refused(here, options):
    done = here("journal", "import", *options)
    assert done.returncode == 2
    assert "GWL0679" in done.stderr


def test_cpyaudjrne_makes_a_private_file_for_each_type_and_writes_over_none(here, tmp_path):
    store = open_store(here.url)
    with transaction(store) as session:
        append(session, [entry(), entry(user_name="BOB"), entry(entry_type="GR", sk_type="")])
    store.close()
    said = here.cl(f"CPYAUDJRNE OUTFILE('{tmp_path}/QAUDIT')")
    assert said.splitlines() == [
        f"GWL0653 1 journal entries are in {tmp_path}/QAUDITGR.csv.",
        f"GWL0653 2 journal entries are in {tmp_path}/QAUDITSK.csv.",
    ]
    path = tmp_path / "QAUDITSK.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [row["USER_NAME"] for row in csv.DictReader(path.read_text().splitlines())] == ["ALICE", "BOB"]
    assert "GWL0650" in here("cl", f"CPYAUDJRNE SK OUTFILE('{tmp_path}/QAUDIT') USRPRF(BOB)").stderr
    here.cl(f"CPYAUDJRNE SK OUTFILE('{tmp_path}/QAUDIT') USRPRF(BOB) OUTMBR(*REPLACE)")
    assert [row["USER_NAME"] for row in csv.DictReader(path.read_text().splitlines())] == ["BOB"]
    assert "GWL0656" in here.cl(f"CPYAUDJRNE AF OUTFILE('{tmp_path}/QAUDIT')")
    assert sorted(each.name for each in tmp_path.glob("*QAUDIT*")) == ["QAUDITGR.csv", "QAUDITSK.csv"]
