"""A job that speaks to the worker as guards do: it is refused, and what it said is not in the journal."""

from __future__ import annotations

import sys

import pytest

from console.enforcement.frames import encode
from tests.end_to_end.command import until
from tests.factories import hello, records

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]

FORGED = "f" * 32
SPEAK = """
import os, socket, sys, time
def speak(endpoint):
    try:
        endpoint.sendall(bytes.fromhex(sys.argv[2]))
        heard = endpoint.recv(65536)
    except ConnectionError:
        heard = b""
    with open(sys.argv[3], "w") as file:
        file.write(f"heard {len(heard)}")
def connected():
    endpoint = socket.socket(socket.AF_UNIX)
    endpoint.connect(sys.argv[1])
    return endpoint
"""
WAYS = {
    "itself": "speak(connected())",
    "an orphan in a session of its own": """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.3)
        speak(connected())
    os._exit(0)
time.sleep(2)
""",
    "the heir of who connected": """
endpoint = socket.socket(socket.AF_UNIX)
if os.fork() == 0:
    endpoint.connect(sys.argv[1])
    os._exit(0)
os.wait()
speak(endpoint)
""",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_job_that_speaks_as_a_guard_is_refused(greenwall, tmp_path, way):
    assert greenwall.run("true").returncode == 0
    said = encode(hello(FORGED)) + encode(records(1, 3))
    heard = tmp_path / "heard"
    (path,) = greenwall.directory.glob("*.worker.sock")
    done = greenwall.run(sys.executable, "-c", SPEAK + way, str(path), said.hex(), str(heard))
    assert done.returncode == 0, done.stderr
    until(lambda: heard.exists() and heard.read_text(), "what the job heard")
    assert heard.read_text() == "heard 0"
    assert [each for each in greenwall.show("journal") if each.get("guard_id") == FORGED] == []
    assert not [each for each in greenwall.show("jobs") if each.get("guard_id") == FORGED]
    if "os.wait()" not in way:  # nobody knows of which job one is that has ended
        until(lambda: [each for each in greenwall.show("journal") if "GWL0524" in each["text"]], "the entry")
