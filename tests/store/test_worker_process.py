"""What a worker that is started here may end with."""

from __future__ import annotations

import pytest

from console.store.worker_process import unit_of

SLICE = "0::/user.slice/user-1000.slice"


@pytest.mark.parametrize(
    ("cgroups", "unit"),
    [
        (f"{SLICE}/session-4.scope\n", "session-4.scope"),
        ("0::/system.slice/my-sshd@1.service\n", "my-sshd@1.service"),
        (f"{SLICE}/user@1000.service/app.slice/tmux-spawn-1.scope\n", "tmux-spawn-1.scope"),
        ("4:memory:/x.service\n1:name=systemd:/system.slice/ssh.service\n0::/\n", "ssh.service"),
        ("0::/system.slice/greenwall-ssh.service\n", ""),
        ("0::/init.scope\n", ""),
        ("0::/docker/0123\n", ""),
        ("0::/\n", ""),
        ("", ""),
    ],
)
def test_unit_that_takes_a_worker_with_it_is_known_by_the_cgroup(cgroups, unit):
    assert unit_of(cgroups) == unit
