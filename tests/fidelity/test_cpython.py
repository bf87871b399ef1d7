"""CPython's own tests end under a guard that refuses nothing as they end without one, test by test."""

from __future__ import annotations

import concurrent.futures
import os
from pathlib import Path

import pytest

from tests.enforcement.kernel.jobs import make_house
from tests.fidelity import cpython

IS_CAMPAIGN = bool(os.environ.get("GREENWALL_CAMPAIGN"))

QUICK = (
    "test_select", "test_epoll", "test_socketserver", "test_httplib", "test_smtplib", "test_telnetlib", "test_nntplib",
    "test_asyncore", "test_asynchat", "test_httpservers", "test_urllib2_localnet", "test_wsgiref", "test_smtpd",
    "test_fcntl", "test_os", "test_thread",
)  # fmt: skip
"""Modules of a few seconds each; those that an interpreter no longer has are skipped."""
LONG = (
    "test_asyncio", "test_concurrent_futures", "test_docxmlrpc", "test_eintr", "test_fork1", "test_ftplib",
    "test_imaplib", "test_logging", "test_multiprocessing_fork", "test_multiprocessing_forkserver",
    "test_multiprocessing_spawn", "test_poll", "test_poplib", "test_pty", "test_robotparser", "test_selectors",
    "test_signal", "test_socket", "test_ssl", "test_subprocess", "test_threading", "test_threadsignals", "test_wait3",
    "test_xmlrpc",
)  # fmt: skip
_RESTART = {
    "WithThreadsTestManagerRestart.test_rapid_restart": "now and then finds its port taken, without a guard too"
}
LEFT_OUT = {
    "test_multiprocessing_fork": _RESTART,
    "test_multiprocessing_forkserver": _RESTART,
    "test_multiprocessing_spawn": _RESTART,
    "test_socket": {"ThreadedVSOCKSocketStreamTest": "hangs without a guard where a VM has vsock and no host answers"},
}
"""Module -> class or CLASS.METHOD -> why it is not compared: hangs bare, or ends differently from run to run bare."""


@pytest.fixture(scope="session")
def words(tmp_path_factory):
    """Return the words that put a command under a guard that refuses nothing."""
    with make_house(tmp_path_factory.mktemp("cpython") / "store", Path("/"), ()) as house:
        yield house.greenwall.arguments("run", "--")


def compared(module, directory, words):
    """Return what is different in two runs of each test that is: some look at the clock, on a machine that is busy."""
    directory.mkdir()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        bare = pool.submit(cpython.run, module, directory / "bare")
        if IS_CAMPAIGN:  # long modules are told apart by nothing but the guard
            concurrent.futures.wait([bare])
        guarded = cpython.run(module, directory / "guarded", words)
    assert bare.result(), (directory / "bare" / "output").read_text()
    different = cpython.differences(bare.result(), guarded)
    if not different:
        return []
    again = directory / "again"
    again.mkdir()
    only = cpython.named(different)
    second = cpython.run(module, again / "bare", (), only), cpython.run(module, again / "guarded", words, only)
    return cpython.differences(*second)


@pytest.mark.parametrize("name", QUICK)
def test_module_ends_as_without_a_guard(name, words, tmp_path):
    module = cpython.Module(name, LEFT_OUT.get(name, {}))
    if not cpython.has(module):
        pytest.skip(f"no interpreter here has test.{name} (Debian: libpython3.11-testsuite)")
    assert compared(module, tmp_path / "run", words) == []


@pytest.mark.skipif(not IS_CAMPAIGN, reason="takes long: tests/run --campaign")
@pytest.mark.parametrize("name", LONG)
def test_long_module_ends_as_without_a_guard(name, words, tmp_path):
    test_module_ends_as_without_a_guard(name, words, tmp_path)
