"""The wheel: everything is in it, and it works where there is no checkout. And the checkout: its top is as agreed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {"console/enforcement/guard/_plain_calls.abi3.so", "console/compiled/_journalling.abi3.so"}
TOP = {"pyproject.toml", "console", "screens", "data", "tests", "README.md"}


def build_wheel(directory, **environment):
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    command = [*pip, "wheel", "--no-deps", "--wheel-dir", str(directory), str(ROOT)]
    subprocess.run(command, check=True, timeout=300, env=os.environ | environment)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return the command of the wheel, installed in an environment that knows its libraries but not the checkout."""
    home = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")], check=True, timeout=60)
    python = home / "venv/bin/python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home / "venv")}))
    # A directory named in a .pth file gives its modules; its own .pth files, the one of the checkout among them, are
    # not read (documentation of the module site).
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "--python", str(python)]
    subprocess.run([*pip, "install", "--no-deps", "--ignore-installed", str(wheel)], check=True, timeout=120)

    def run(*arguments):
        store = f"sqlite:///{home}/store.db"
        return subprocess.run(
            [str(home / "venv/bin/greenwall"), "--store", store, *arguments],
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def run_python(text):
        done = subprocess.run([str(python), "-c", text], cwd=home, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    found = run_python("import console; print(console.__file__)")
    assert found.startswith(str(home)), "the wheel's own modules are the ones imported"
    run.python = run_python
    return run


def test_every_data_file_is_in_the_wheel(wheel):
    here = {f"console/data/{path.relative_to(ROOT / 'data')}" for path in (ROOT / "data").rglob("*") if path.is_file()}
    assert here
    assert here <= set(zipfile.ZipFile(wheel).namelist())


def test_every_module_is_in_the_wheel_and_no_test(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(ROOT)) for top in ("console", "screens") for path in (ROOT / top).rglob("*.py")}
    assert modules <= names
    assert not [name for name in names if name.startswith("tests/")]


def test_modules_in_c_are_in_the_wheel_and_work_elsewhere(wheel, installed):
    if not Path(sysconfig.get_path("include"), "Python.h").exists() or shutil.which("cc") is None:
        pytest.skip("there is no compiler, or no headers of Python")
    assert set(zipfile.ZipFile(wheel).namelist()) >= MODULES
    assert wheel.name.endswith("-cp311-abi3-linux_x86_64.whl")
    assert (
        installed.python("from console.enforcement.guard import plain_calls; print(plain_calls.native.begun())") == "0"
    )
    ring = "compiled.journalling.ring_records(bytes(64), 0, 32, 0, 0, 1)"
    assert installed.python(f"from console import compiled; print({ring})") == "([], 0)"


def test_without_a_compiler_the_wheel_is_any_machines(tmp_path):
    built = build_wheel(tmp_path, CC="/nonexistent/cc")
    assert not MODULES & set(zipfile.ZipFile(built).namelist())
    assert built.name.endswith("-py3-none-any.whl")


def test_installed_command_tells_its_version(installed):
    done = installed("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("greenwall 0.")


def test_installed_command_checks_the_policy_it_ships(installed):
    done = installed("policy", "check", str(ROOT / "data/policy/default.yaml"))
    assert done.returncode == 0, done.stderr
    assert "GWL0010" in done.stdout


def test_installed_command_makes_a_store_and_works_in_it(installed):
    done = installed("cl", "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('192.0.2.0/24') ACTION(*REJECT)", "ACTSOCPCY")
    assert done.returncode == 0, done.stderr
    shown = installed("show", "rules", "--active", "--json")
    assert shown.returncode == 0, shown.stderr
    assert len([line for line in shown.stdout.splitlines() if "192.0.2.0/24" in line]) == 1


def test_installed_command_has_the_console_in_it(installed):
    done = installed()
    assert done.returncode == 2
    assert "GWL000D" in done.stderr, "it says that it needs a terminal"


def test_only_the_agreed_names_are_at_the_top():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    tops = {name.split("/")[0] for name in listed.stdout.split("\0") if name}
    assert {name for name in tops if not name.startswith(".")} == TOP
