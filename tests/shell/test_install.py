"""The services of Greenwall: put in place below a directory, hardened, and taken away again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from console import verbs_services
from console.enforcement import kernel_place
from console.errors import UsageError
from console.resources import data_path
from console.shell import install as services
from console.shell.install import UNITS, install, uninstall
from console.store.location import locate_file

README = Path(__file__).parents[2] / "README.md"
COMMAND = "/usr/bin/true"


def ids(done):
    return [each.message_id for each in done]


def units(root):
    return root / "etc/systemd/system"


def test_units_are_written_once_and_then_left_as_they_are(tmp_path):
    assert ids(install(tmp_path, COMMAND)) == ["GWL0490"] * 3 + ["GWL0492"]
    assert sorted(path.name for path in units(tmp_path).iterdir()) == sorted(UNITS)
    assert f"ExecStart={COMMAND} worker" in (units(tmp_path) / UNITS[0]).read_text()
    assert ids(install(tmp_path, COMMAND)) == ["GWL0491"] * 3 + ["GWL0492"]


def test_unit_of_another_version_is_written_anew_and_settings_are_not(tmp_path):
    list(install(tmp_path, COMMAND))
    (units(tmp_path) / UNITS[0]).write_text("old")
    settings = tmp_path / "etc/default/greenwall"
    settings.write_text("GREENWALL_WORKER_OPTIONS=--engine kernel\n")
    assert ids(install(tmp_path, COMMAND)) == ["GWL0490", "GWL0491", "GWL0491", "GWL0492"]
    assert settings.read_text() == "GREENWALL_WORKER_OPTIONS=--engine kernel\n"


def test_what_was_put_in_place_is_taken_away_again(tmp_path):
    list(install(tmp_path, COMMAND))
    assert ids(uninstall(tmp_path)) == ["GWL0493"] * 3 + ["GWL0495"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert ids(uninstall(tmp_path)) == ["GWL0495"]


def test_settings_that_were_changed_stay(tmp_path):
    list(install(tmp_path, COMMAND))
    settings = tmp_path / "etc/default/greenwall"
    settings.write_text("mine")
    assert ids(uninstall(tmp_path)) == ["GWL0493", "GWL0493", "GWL0494", "GWL0495"]
    assert settings.read_text() == "mine"


def test_command_is_quoted_as_systemd_reads_it(tmp_path):
    odd = tmp_path / 'a b%c$d"e'
    odd.touch()
    list(install(tmp_path / "root", str(odd)))
    text = (units(tmp_path / "root") / UNITS[1]).read_text()
    assert 'a b%%c$$d\\"e" ssh $GREENWALL_SSH_OPTIONS' in text


def test_unit_that_is_masked_stays_so(tmp_path):
    units(tmp_path).mkdir(parents=True)
    (units(tmp_path) / UNITS[0]).symlink_to("/dev/null")
    assert ids(install(tmp_path, COMMAND)) == ["GWL0491", "GWL0490", "GWL0490", "GWL0492"]
    assert (units(tmp_path) / UNITS[0]).readlink() == Path("/dev/null")


def test_nothing_is_written_through_a_link(tmp_path):
    other = tmp_path / "other"
    other.write_text("mine")
    units(tmp_path).mkdir(parents=True)
    for name in (UNITS[0], f".{UNITS[0]}.new"):
        (units(tmp_path) / name).symlink_to(other)
    list(install(tmp_path, COMMAND))
    assert other.read_text() == "mine"
    assert not (units(tmp_path) / UNITS[0]).is_symlink()


def test_directory_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "etc").touch()
    with pytest.raises(UsageError) as caught:
        list(install(tmp_path, COMMAND))
    assert caught.value.message_id == "GWL0497"


def test_who_is_not_root_needs_another_directory(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for call in (install, uninstall):
        with pytest.raises(UsageError) as caught:
            list(call(Path("/")))
        assert caught.value.message_id == "GWL0496"


def test_systemd_is_told_only_where_it_runs_and_of_no_other_directory(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(services, "_systemctl", lambda *words: told.append(words))
    list(install(tmp_path, COMMAND))
    list(uninstall(tmp_path))
    assert told == []
    monkeypatch.setattr(services, "_is_live", lambda root: True)
    list(install(tmp_path, COMMAND))
    list(install(tmp_path, COMMAND))
    list(uninstall(tmp_path))
    assert told == [("daemon-reload",), ("disable", "--now", *UNITS), ("daemon-reload",)]


def test_no_service_takes_a_worker_with_it_that_was_started_in_it():
    for unit in UNITS:
        assert "\nKillMode=process\n" in data_path("systemd", unit).read_text(encoding="utf-8")


@pytest.fixture
def analyze(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    list(install(tmp_path, COMMAND))

    def run(*words):
        return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_understood_by_systemd(tmp_path, analyze, unit):
    done = analyze("verify", "--man=no", str(units(tmp_path) / unit))
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("unit", UNITS)
def test_exposure_of_the_units_is_what_the_readme_says(tmp_path, analyze, unit):
    done = analyze("security", "--offline=true", "--no-pager", str(units(tmp_path) / unit))
    if "Overall exposure" not in done.stdout:
        pytest.skip("this systemd-analyze looks at running services only")
    (figure,) = re.findall(rf"exposure level for {unit}: ([0-9.]+)", done.stdout)
    (said,) = re.findall(rf"`{unit}` ([0-9.]+)", README.read_text(encoding="utf-8"))
    assert figure == said


def test_every_unit_is_in_the_package():
    assert {path.name for path in data_path("systemd").iterdir()} == {*UNITS, "greenwall.default"}


@pytest.mark.parametrize("detached", [True, False], ids=["with its engine", "where nothing is attached any more"])
@pytest.mark.parametrize("others", [True, False], ids=["beside another store", "alone"])
def test_nothing_of_a_store_and_no_empty_directory_stays_in_the_bpf_file_system(
    tmp_path, monkeypatch, others, detached
):
    monkeypatch.setattr(kernel_place, "BPF_MOUNT", tmp_path)
    location = locate_file(tmp_path / "gone.db")
    (tmp_path / "greenwall").mkdir()
    if others:
        (tmp_path / "greenwall" / "other").mkdir()
    if detached:
        (kernel_place.pin_directory(location) / "engine").mkdir(parents=True)
    url = f"sqlite:///{tmp_path}/gone.db"
    monkeypatch.setattr(services, "store_of_services", lambda root: url)
    monkeypatch.setattr(services, "uninstall", lambda root, detach: list(detach()))
    verbs_services.uninstall(SimpleNamespace(obj=""), "/")
    assert [path.name for path in (tmp_path / "greenwall").glob("*")] == ["other"] * others
    assert (tmp_path / "greenwall").exists() == others


@pytest.mark.parametrize(("named", "asked"), [("", ["ours"]), ("ours", ["ours"]), ("other", ["ours", "other"])])
def test_store_of_the_services_is_detached_first_whatever_the_shell_names(monkeypatch, named, asked):
    found = []
    monkeypatch.setattr(services, "store_of_services", lambda root: "ours")
    monkeypatch.setattr(services, "uninstall", lambda root, detach: detach())
    monkeypatch.setattr(verbs_services, "_detached", found.append)
    verbs_services.uninstall(SimpleNamespace(obj=named), "/")
    assert found == asked
