"""Who is never contacted, so that the effect on the others can be told: drawn at random once, for good."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

_BYTES: Final = 8


def draws(customer_id: Iterable[str], name: str) -> npt.NDArray[np.float64]:
    """Return two numbers between 0 and 1 for each customer: random across customers, the same whenever asked for.

    Parameters
    ----------
    customer_id : iterable of str
    name : str
        Of the run; the draws of another run are independent.

    Returns
    -------
    float array (n, 2)
        The halves of BLAKE2b of the id, keyed with the name, over 2^64. No customer's draw depends on another's. Whose
        first lies below a share is in a control group of that share; a larger one keeps who was in and adds others.

    Examples
    --------
    >>> draws(["0007", "0008"], "shop").round(3)
    array([[0.039, 0.293],
           [0.275, 0.529]])
    """
    keyed = blake2b(digest_size=2 * _BYTES, key=blake2b(name.encode(), digest_size=_BYTES).digest())
    found = []
    for one in customer_id:
        own = keyed.copy()
        own.update(one.encode())
        found.append(own.digest())
    return np.frombuffer(b"".join(found), dtype=">u8").reshape(-1, 2).astype("float64") / 2.0 ** (8 * _BYTES)
