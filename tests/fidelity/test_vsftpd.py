"""vsftpd: a process with less privilege for each session, and data connections that it listens for or makes itself.

Its own seccomp sandbox is off: Debian's ends each session with "priv_sock_get_cmd" on kernels of today, guard or none.
"""

from __future__ import annotations

import ftplib
import io

import pytest

from tests.end_to_end.peer import free_port
from tests.enforcement.kernel.jobs import PATIENCE_S, is_root
from tests.fidelity.peers import (
    ALLOWED,
    DATA,
    NO_LISTENER,
    REFUSED,
    counted,
    expect,
    find,
    is_dropped,
    needs,
    run_job,
    server,
)

pytestmark = [needs("vsftpd"), pytest.mark.skipif(not is_root(), reason="vsftpd needs root")]

_CONFIGURATION = """
listen=YES
listen_address={host}
listen_port={port}
background=NO
anonymous_enable=YES
local_enable=NO
anon_root={directory}/files
no_anon_password=YES
ftp_username=ftp
secure_chroot_dir={directory}/empty
port_enable=YES
port_promiscuous=YES
connect_from_port_20=NO
ftp_data_port=0
write_enable=NO
xferlog_enable=NO
seccomp_sandbox=NO
"""


@pytest.fixture
def vsftpd(public):
    """Return a function that gives vsftpd's command line."""
    for name in ("files", "empty"):
        (public / name).mkdir()
    (public / "files" / "data").write_bytes(DATA)

    def command(port, host=ALLOWED):
        text = _CONFIGURATION.format(directory=public, host=host, port=port)
        (public / "vsftpd.conf").write_text(text)
        return find("vsftpd"), str(public / "vsftpd.conf")

    return command


def fetch(port, *, passive):
    with ftplib.FTP(timeout=PATIENCE_S) as client:
        client.connect(ALLOWED, port)
        client.login()
        client.set_pasv(passive)
        received = io.BytesIO()
        client.retrbinary("RETR data", received.write)
        client.quit()
    return received.getvalue()


@pytest.mark.parametrize("passive", [True, False])
def test_vsftpd_serves_the_allowed_and_never_sees_the_refused(house, vsftpd, passive):
    port = free_port()
    with server(house, port, *vsftpd(port)) as job:
        assert fetch(port, passive=passive) == DATA
        assert is_dropped(port)
        assert fetch(port, passive=passive) == DATA
        data = 2 if passive else 0
        expect(house, job, "*ACCEPT", {("*ALLOWED", ALLOWED): 2 + data, ("*REJECTED", REFUSED): 1})
        expect(house, job, "*LISTEN", {("*ALLOWED", ALLOWED): 1 + data})
        expect(house, job, "*CONNECT", {} if passive else {("*ALLOWED", ALLOWED): 2})


def test_data_connection_to_a_refused_address_is_not_made(house, vsftpd):
    port = free_port()
    with server(house, port, *vsftpd(port)) as job:
        with ftplib.FTP(timeout=PATIENCE_S) as client:
            client.connect(ALLOWED, port)
            client.login()
            client.sendport(REFUSED, free_port())
            with pytest.raises(ftplib.error_temp, match=r"^425 "):
                client.sendcmd("RETR data")
        expect(house, job, "*CONNECT", {("*REJECTED", REFUSED): 1})


def test_vsftpd_says_that_it_may_not_listen(house, vsftpd, public):
    # It says it on descriptor 0, where inetd would have put the connection.
    with open(public / "said", "w+b") as said:
        done, entries = run_job(house, *vsftpd(free_port(), NO_LISTENER), stdin=said)
    assert done.returncode == 2
    assert (public / "said").read_bytes() == b"500 OOPS: listen\r\n"
    assert counted(entries, "*LISTEN") == {("*REJECTED", NO_LISTENER): 1}
