"""Passwords in URLs: taken out of every text before anybody reads it."""

from __future__ import annotations

import re
from typing import Final

_PASSWORD: Final = re.compile(r"(?<=://)([^\s:@/]*):\S*@|((?:password|passfile)=)[^\s&'\"]+")


def without_passwords(text: str) -> str:
    """Replace the passwords of the URLs in a text.

    Examples
    --------
    >>> without_passwords("cannot reach postgresql://me:top@secret@host/shop?sslmode=require")
    'cannot reach postgresql://me:***@host/shop?sslmode=require'
    >>> without_passwords("postgresql://host/shop?user=me&password=secret")
    'postgresql://host/shop?user=me&password=***'
    """
    return _PASSWORD.sub(lambda found: f"{found[2]}***" if found[2] else f"{found[1]}:***@", text)
