"""Numbers, arrays or Series in, the same out: what lifetimes takes, as the frame that Patron's models take."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


class Rows:
    """Arguments that belong together, a row of a frame each.

    Parameters
    ----------
    **given : float, array or Series
        Series are aligned by their index; otherwise the arguments are broadcast.

    Attributes
    ----------
    frame : DataFrame
        A column an argument.

    Examples
    --------
    >>> rows = Rows(t=[1.0, 2.0], frequency=3)
    >>> rows.back(rows.frame["t"] * rows.frame["frequency"])
    array([3., 6.])
    """

    frame: pd.DataFrame

    def __init__(self, **given: Any) -> None:
        self._shape: tuple[int, ...] | None = None
        if any(isinstance(values, pd.Series) for values in given.values()):
            self.frame = pd.DataFrame(given)
        else:
            arrays = np.broadcast_arrays(*(np.asarray(values) for values in given.values()))
            self._shape = arrays[0].shape
            self.frame = pd.DataFrame({name: values.ravel() for name, values in zip(given, arrays, strict=True)})

    def back(self, values: npt.ArrayLike) -> Any:
        """Give a value a row the form of the arguments: Series if one was, else array or number."""
        found = np.asarray(values)
        return pd.Series(found, self.frame.index) if self._shape is None else found.reshape(self._shape)[()]
