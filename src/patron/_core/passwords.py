"""Secrets: read from the environment alone, and taken out of every text before anybody reads it."""

from __future__ import annotations

import os
import re
from typing import Final

_PASSWORD: Final = re.compile(r"(?<=://)([^\s:@/]*):\S*@|((?:password|passfile)=)[^\s&'\"]+")
_known: set[str] = set()


def secret(variable: str) -> str | None:
    """Return the secret in an environment variable, None if it is empty; no text of Patron's will show it.

    Examples
    --------
    >>> os.environ["CRM_TOKEN"] = "pat-123456"
    >>> without_passwords(f"refused: Bearer {secret('CRM_TOKEN')}")
    'refused: Bearer ***'
    """
    value = os.environ.get(variable, "").strip()
    if value:
        _known.add(value)
    return value or None


def without_passwords(text: str) -> str:
    """Replace in a text the passwords of URLs, and every secret that was read.

    Examples
    --------
    >>> without_passwords("cannot reach postgresql://me:top@secret@host/shop?sslmode=require")
    'cannot reach postgresql://me:***@host/shop?sslmode=require'
    >>> without_passwords("postgresql://host/shop?user=me&password=secret")
    'postgresql://host/shop?user=me&password=***'
    """
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, "***")
    return _PASSWORD.sub(lambda found: f"{found[2]}***" if found[2] else f"{found[1]}:***@", text)
