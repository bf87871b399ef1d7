"""Profiles made for tests, in a store of the test's own."""

from __future__ import annotations

from console.model.user_profiles import UserKey, UserProfile
from console.people import passwords
from console.people.public_keys import read_key
from console.store.session import reading, transaction
from console.store.user_profiles import add_key, add_profile, find_profile
from tests.conftest import NOW

PASSWORD = "correct horse battery"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPDWLM6XVUDcH4aEEOk2E4hFcNzRVHgoVsGc8kFZ8JcB anna@laptop"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBWv5LHyBfGTmLBuGVUjhpBLyGbvHnKRGcnSvBRtkZ7Y"
OFFICER = "*ALLOBJ *AUDIT *IOSYSCFG *JOBCTL *SECADM"
_HASH = passwords.hashed(PASSWORD)


def profile(name="ANNA", **fields) -> UserProfile:
    whole = {
        "name": name,
        "password_hash": _HASH,
        "password_changed_at": NOW,
        "created_at": NOW,
        "created_by": "OPER",
        "changed_at": NOW,
        **fields,
    }
    return UserProfile.model_validate(whole)


def officer(name="OPER", **fields) -> UserProfile:
    return profile(name, special_authorities=OFFICER, **fields)


def put(store, *profiles) -> None:
    with transaction(store) as session:
        for each in profiles:
            add_profile(session, each)


def give_key(store, name, text=KEY) -> None:
    key = read_key(text)
    row = {"user": name, "key": key.key, "fingerprint": key.fingerprint, "added_at": NOW, "added_by": "OPER"}
    with transaction(store) as session:
        add_key(session, UserKey.model_validate(row))


def get(store, name="ANNA") -> UserProfile:
    with reading(store) as session:
        found = find_profile(session, name)
    assert found is not None
    return found
