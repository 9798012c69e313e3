"""What runs on the page: two libraries and page.js, each allowed by its digest, and the numbers they draw."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib import resources
from typing import Any, Final

NAMES: Final = ("assets/echarts.min.js", "assets/datatables.min.js", "page.js")


@cache
def scripts() -> dict[str, str]:
    """Return each script that the page runs, by name, in the order they run in."""
    room = resources.files("patron.report")
    return {name: room.joinpath(name).read_text(encoding="utf-8").strip() for name in NAMES}


@cache
def policy() -> str:
    """Return the page's Content-Security-Policy: no request, no script but these."""
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts().values()]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"


def as_json(value: Any) -> str:
    r"""Write a value as JSON that no HTML parser can take for markup.

    Examples
    --------
    >>> as_json({"name": "</script><!--\u2028"})
    '{"name":"\\u003c/script\\u003e\\u003c!--\\u2028"}'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
