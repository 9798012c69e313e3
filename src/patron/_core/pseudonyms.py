"""Keyed hashes in place of customer ids, for whatever leaves the machine besides a delivery."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from patron._core.errors import ConfigError
from patron._core.passwords import secret

VARIABLE: Final = "PATRON_KEY"
"""The environment variable that holds the key, where several machines must agree on it."""
FILE: Final = "pseudonyms.key"
"""Below out/NAME, made once, where the variable is not set."""
_SHORTEST: Final = 16


def given_key() -> bytes | None:
    """Return the key in PATRON_KEY, None if there is none; a ConfigError for one that can be guessed."""
    given = secret(VARIABLE)
    if given is not None and len(given) < _SHORTEST:
        raise ConfigError(
            f"{VARIABLE} has {len(given)} characters: ids hashed with it can be found by trying",
            fix=f"at least {_SHORTEST}, drawn at random",
        )
    return given.encode() if given else None


def pseudonym_key(folder: Path) -> bytes:
    """Return the key of PATRON_KEY, else that in `folder`, made where there is none, readable by its owner alone.

    Raises
    ------
    ConfigError
        PATRON_KEY is too short.
    """
    given = given_key()
    if given is not None:
        return given
    place = folder / FILE
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{FILE}.{secrets.token_hex(4)}.draft"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_hex(32).encode())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    return place.read_bytes()


def pseudonym(customer_id: str, key: bytes) -> str:
    """Return the first 32 hexadecimal digits of HMAC-SHA256: the same for the same id and key, and no way back.

    References
    ----------
    .. [1] Krawczyk, H., Bellare, M. & Canetti, R. (1997). HMAC: Keyed-Hashing for Message Authentication. RFC 2104.

    Examples
    --------
    >>> pseudonym("00004", b"what do ya want for nothing?")
    'bc46508d82fbf4eb4bf5b35102c6e8ac'
    """
    return hmac.digest(key, customer_id.encode(), "sha256").hex()[:32]


def pseudonyms(customer_ids: Iterable[str], key: bytes) -> list[str]:
    """Hash many ids."""
    return [pseudonym(customer_id, key) for customer_id in customer_ids]
