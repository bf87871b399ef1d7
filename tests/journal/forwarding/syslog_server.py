"""A real rsyslog on loopback, with a configuration of its own, that can be killed and started again."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import pwd
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.end_to_end.command import until
from tests.end_to_end.peer import free_port
from tests.fidelity.peers import find

_INPUTS = {
    "*UDP": 'module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="{port}" rcvbufSize="4m")',
    "*TCP": 'module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="{port}")',
    "*TLS": """
global(DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="{directory}/ca.pem"
       DefaultNetstreamDriverCertFile="{directory}/cert.pem" DefaultNetstreamDriverKeyFile="{directory}/key.pem")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" address="127.0.0.1" port="{port}")
""",
    "*RELP": 'module(load="imrelp")\ninput(type="imrelp" address="127.0.0.1" port="{port}" maxDataSize="10k")',
}
_CONF = """
global(workDirectory="{directory}" maxMessageSize="9k" parser.escapeControlCharactersOnReceive="off")
{input}
template(name="whole" type="string" string="%rawmsg%\\n")
template(name="parts" type="string" string="%syslogfacility%|%syslogseverity%|%timereported:::date-rfc3339%|\
%hostname%|%app-name%|%procid%|%msgid%|%structured-data%|%msg%\\n")
action(type="omfile" file="{directory}/whole" template="whole")
action(type="omfile" file="{directory}/parts" template="parts")
"""
PACKAGES = {"*TLS": "lmnsd_ossl.so", "*RELP": "imrelp.so"}


def module_is_there(protocol: str) -> bool:
    name = PACKAGES.get(protocol)
    return name is None or any(Path("/usr/lib").glob(f"**/rsyslog/{name}"))


@dataclass
class Rsyslog:
    """One server; it keeps its port and its files over restarts."""

    directory: Path
    protocol: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    def start(self) -> None:
        conf = self.directory / "conf"
        text = _INPUTS[self.protocol].format(directory=self.directory, port=self.port)
        conf.write_text(_CONF.format(directory=self.directory, input=text))
        user = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            for path in (self.directory, *self.directory.iterdir()):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        (self.directory / "pid").unlink(missing_ok=True)
        words = [find("rsyslogd"), "-n", "-f", str(conf), "-i", str(self.directory / "pid")]
        with (self.directory / "errors").open("ab") as errors:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, **user
            )
        until(self._is_up, "rsyslog to listen")
        assert self.process.poll() is None, (self.directory / "errors").read_text()

    def _is_up(self) -> bool:
        if self.process.poll() is not None:
            return True
        kind = "udp" if self.protocol == "*UDP" else "tcp"
        lines = Path(f"/proc/net/{kind}").read_text().splitlines()
        return any(f"0100007F:{self.port:04X} 00000000:0000" in line for line in lines)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def lines(self, name: str = "whole") -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return (self.directory / name).read_text("utf-8", "replace").splitlines()
        return []

    def numbers(self) -> list[int]:
        """Return the sequence numbers of the entries that were written down, in that order."""
        found = []
        for line in self.lines():
            _, mark, rest = line.partition('sequence_number="')
            if mark and '"' in rest:
                found.append(int(rest.partition('"')[0]))
        return found


def make_certificates(directory: Path, name: str) -> None:
    """Make a throw-away authority and, signed by it, a certificate for a name or an address."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Throw-away CA")])
    now = datetime.datetime.now(datetime.UTC)
    began, ends = now - datetime.timedelta(days=1), now + datetime.timedelta(days=1)

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(began).not_valid_after(ends)
        )  # fmt: skip

    ca = builder(ca_name, ca_key.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    own = builder(subject, key.public_key()).add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    pem = serialization.Encoding.PEM
    (directory / "ca.pem").write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    (directory / "cert.pem").write_bytes(own.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    (directory / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
