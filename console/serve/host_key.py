"""The key by which clients know this system: made on first use, beside the store, for its owner only."""

from __future__ import annotations

import asyncssh

from console.errors import StoreError
from console.store.key_files import make_key_file, read_key_file
from console.store.location import Location

_UNFIT = "GWL1052"
ALGORITHM = "ssh-ed25519"


def host_key(location: Location) -> asyncssh.SSHKey:
    """Return the host key of a store; the first time it is made.

    It is a file of its own and not in the store, because a copy of the store must not be able to pass for this system.

    Raises:
        StoreError: The file cannot be read or made, others than its owner may read it, or it holds no such key.
    """
    path = location.ssh_host_key
    octets = read_key_file(path, _UNFIT)
    if octets is None:
        make_key_file(path, asyncssh.generate_private_key(ALGORITHM, comment="greenwall").export_private_key())
        octets = read_key_file(path, _UNFIT) or b""
    try:
        # OpenSSH's reader wants the line end that reading has taken away.
        key = asyncssh.import_private_key(octets + b"\n")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise StoreError(_UNFIT, path=path, reason="it holds no key") from error
    if key.get_algorithm() != ALGORITHM:
        raise StoreError(_UNFIT, path=path, reason=f"its key is not of the kind {ALGORITHM}")
    return key


def fingerprint(key: asyncssh.SSHKey) -> str:
    """Return the fingerprint as ssh shows it at the first connection: ``SHA256:...``."""
    return key.get_fingerprint("sha256")


def known_hosts_line(key: asyncssh.SSHKey, host: str) -> str:
    """Return the line by which a client's known_hosts file trusts the key.

    Args:
        key: The host key.
        host: As the client names it: ``console.example`` or ``[console.example]:2222``.
    """
    return f"{host} {key.export_public_key().decode('ascii').strip().rsplit(' ', 1)[0]}"
