"""User profiles and keys for tests, put into a store as an administrator's commands would leave them."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from console.model.user_profiles import UserKey, UserProfile
from console.people.passwords import hashed
from console.people.public_keys import read_key
from console.store.engine import open_store
from console.store.session import transaction
from console.store.user_profiles import add_key, add_profile, find_profile, list_keys, remove_key, save_profile

PASSWORD = "Only4tests-Passphrase"
AUTHORITIES = "*ALLOBJ *AUDIT *IOSYSCFG *JOBCTL *SECADM"


def add_person(url, name, *, password=PASSWORD, key=None, **fields):
    """Add a profile with a password, and perhaps a public key (the file's path)."""
    now = datetime.now(UTC)
    row = {
        "name": name,
        "password_hash": hashed(password),
        "password_changed_at": now,
        "special_authorities": AUTHORITIES,
        "created_at": now,
        "created_by": "TEST",
        "changed_at": now,
        **fields,
    }
    store = open_store(url)
    with transaction(store) as session:
        add_profile(session, UserProfile.model_validate(row))
        if key is not None:
            read = read_key(Path(key).read_text())
            given = {
                "user": name,
                "key": read.key,
                "fingerprint": read.fingerprint,
                "added_at": now,
                "added_by": "TEST",
            }
            add_key(session, UserKey.model_validate(given))
    store.close()


def change_person(url, name, **fields):
    """Change fields of a profile."""
    store = open_store(url)
    with transaction(store) as session:
        profile = find_profile(session, name)
        for field, value in fields.items():
            setattr(profile, field, value)
        save_profile(session, profile)
    store.close()


def take_keys(url, name):
    """Remove all keys of a profile."""
    store = open_store(url)
    with transaction(store) as session:
        for key in list_keys(session, name):
            remove_key(session, key)
    store.close()


def make_key(path, *options):
    """Make a key pair; return the path of the private one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", *options, "-f", str(path)], check=True)
    return path
