"""What the exit points share: who calls, and what happens when nothing can be decided."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket
import subprocess

import pytest

from console.enforcement.backend import Backend
from console.enforcement.fake import FakeBackend, Step
from console.model.words import ExitPoint, Mode
from tests.enforcement.guard.setting import PATIENCE_S, Setting, policy, reject, sockaddr

USER = pwd.getpwuid(os.geteuid()).pw_name.upper()


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def client():
    with socket.socket() as made:
        yield made


def to(server):
    return sockaddr(*server.getsockname())


def test_fake_has_every_method_of_the_seam():
    kernel: Backend = FakeBackend()
    wanted = {name for name in vars(Backend) if not name.startswith("_")}
    assert wanted <= set(dir(kernel))


def test_entry_names_the_caller_the_rule_and_the_revision(server, client):
    setting = Setting()
    setting.supervisor.enforce(policy(revision=12))
    assert setting.serve(setting.connect(client, to(server))) == 0
    (decided,) = setting.recorded
    assert decided.who == (USER, os.path.realpath("/proc/self/exe"), os.getpid())
    assert (decided.revision, decided.decision.sequence, decided.exit_point) == (12, 99999, ExitPoint.CONNECT)
    assert 0 <= decided.decision_us < 10_000_000


def test_rule_on_the_program_is_about_the_callers_program(server, client):
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        program = os.path.realpath(f"/proc/{sleeper.pid}/exe")
        setting = Setting(reject(ExitPoint.CONNECT, program=program))
        assert setting.serve(setting.connect(client, to(server), thread=sleeper.pid)) == errno.EPERM
        assert setting.serve(setting.connect(client, to(server))) == 0
        sleeper.kill()


def test_rule_on_a_group_is_about_the_callers_groups(server, client):
    group = grp.getgrgid(os.getegid()).gr_name.upper()
    setting = Setting(reject(ExitPoint.CONNECT, user=f"%{group}"))
    assert setting.serve(setting.connect(client, to(server))) == errno.EPERM
    setting = Setting(reject(ExitPoint.CONNECT, user="%NOSUCHGRP"))
    assert setting.serve(setting.connect(client, to(server))) == 0


def test_caller_that_ended_before_it_was_looked_up_is_no_failure(server, client):
    setting = Setting()
    with subprocess.Popen(["true"]) as ended:
        ended.wait(PATIENCE_S)
    call = setting.connect(client, to(server))
    setting.kernel.leave(call, at=Step.CALLER)
    assert setting.serve(call) is None
    assert setting.recorded == []


@pytest.mark.parametrize("mode", Mode)
def test_call_that_cannot_be_seen_is_rejected_in_every_mode(server, client, mode):
    setting = Setting(modes=dict.fromkeys(ExitPoint, mode))
    for call in (setting.connect(client, to(server)), setting.listen(client), setting.accept(client)):
        setting.kernel.fail(call, Step.CALLER, errno.ENOMEM)
        assert setting.serve(call) == errno.EPERM
    assert setting.outcomes == [("*REJECTED", "caller unknown: Cannot allocate memory")] * 3
    assert all(decided.decision.journal and decided.decision.alert for decided in setting.recorded)


def test_policy_that_changes_meanwhile_does_not_mix_with_the_one_a_call_found(server, client):
    setting = Setting()
    call = setting.connect(client, to(server))
    answer = setting.kernel.answer

    def change_and_answer(*arguments):
        setting.supervisor.enforce(policy(reject(ExitPoint.CONNECT), revision=2))
        answer(*arguments)

    setting.kernel.answer = change_and_answer
    assert setting.serve(call) == 0
    assert [decided.revision for decided in setting.recorded] == [1]
