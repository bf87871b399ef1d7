"""What is agreed on in the key exchange, as data: AsyncSSH's defaults without what is weak or nobody's.

Left out of AsyncSSH 2.24's defaults: whatever has SHA-1 in it (``hmac-sha1*``, ``diffie-hellman-group14-sha1``,
``ssh-rsa``), 64-bit MACs (``umac-64*``), RSA key transport (``rsa2048-sha256``), GSS, and the names that only ssh.com's
servers used. Diffie-Hellman groups of less than 3072 bits too: whoever knows no elliptic curve has group 16. Of keys
that sign, DSA was never among the defaults. The order is that of preference, and the client's counts first (RFC 4253,
section 7.1).
"""

from __future__ import annotations

KEY_EXCHANGES = (
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp521",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp256",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group16-sha512",
)
CIPHERS = (
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
SIGNATURES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""With which a person's key may prove itself."""


def at_hand(wanted: tuple[str, ...], known: list[bytes]) -> list[str]:
    """Return those of some algorithms that AsyncSSH and its libraries have here: ML-KEM needs a recent OpenSSL.

    Args:
        wanted: One of the tables above.
        known: What AsyncSSH has.
    """
    names = {name.decode("ascii") for name in known}
    return [name for name in wanted if name in names]
