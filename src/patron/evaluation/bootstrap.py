"""The bootstrap by customer: all rows of a customer, of every date and recipe, are drawn together.

Each replicate gives every customer a Poisson(1) count, the many-customer form of drawing with replacement, and a
metric is computed with these counts as weights. One replicate uses the same counts in all samples, so differences
between recipes and means over dates are taken replicate by replicate: that is the paired bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from patron._core.progress import track

REPLICATES: Final = 200
BLOCK: Final = 5_000_000
"""So many weights are held at a time."""

FloatArray = npt.NDArray[np.float64]


class Sample(NamedTuple):
    """What happened to some customers and what was predicted.

    Attributes
    ----------
    customer : int array (n,)
        The customer's number, the same in all samples.
    actual, predicted : float array (n,)
    """

    customer: npt.NDArray[np.intp]
    actual: FloatArray
    predicted: FloatArray


def bootstrap(
    samples: Sequence[Sample], metrics: Sequence[Callable[..., Any]], *, replicates: int = REPLICATES, seed: int = 0
) -> FloatArray:
    """Compute metrics of samples on resampled customers.

    Parameters
    ----------
    samples : sequence of Sample
        For example one a recipe and date.
    metrics : sequence of callable
        f(actual, predicted, weights), weights of shape (replicates, n).
    replicates : int
        How often to resample.
    seed : int
        Of the counts.

    Returns
    -------
    float array (samples, metrics, replicates)

    References
    ----------
    .. [1] Efron, B. & Tibshirani, R. (1993). An Introduction to the Bootstrap. Chapman & Hall.
    .. [2] Hanley, J. A. & MacGibbon, B. (2006). Creating non-parametric bootstrap samples using Poisson frequencies.
       Computer Methods and Programs in Biomedicine 83, 57-62.

    Examples
    --------
    >>> from patron.metrics import mae
    >>> sample = Sample(np.arange(100), np.zeros(100), np.linspace(0, 2, 100))
    >>> values = bootstrap([sample], [mae])
    >>> values.shape, [round(end, 1) for end in interval(values[0, 0])]
    ((1, 1, 200), [0.9, 1.1])
    """
    customers = max((int(sample.customer.max(initial=-1)) + 1 for sample in samples), default=0)
    out = np.empty((len(samples), len(metrics), replicates))
    random = np.random.default_rng(seed)
    step = max(1, BLOCK // max(customers, 1))
    for start in track(range(0, replicates, step), "bootstrap"):
        block = slice(start, min(start + step, replicates))
        weights = random.poisson(1.0, (block.stop - start, customers)).astype(float)
        for i, (customer, actual, predicted) in enumerate(samples):
            drawn = weights.take(customer, axis=1)
            for j, metric in enumerate(metrics):
                out[i, j, block] = metric(actual, predicted, drawn)
    return out


def interval(replicates: FloatArray) -> tuple[float, float]:
    """Return the 95 % percentile interval of replicates; NaN where the metric exists in fewer than half of them.

    Examples
    --------
    >>> interval(np.arange(41.0))
    (1.0, 39.0)
    """
    exist = replicates[~np.isnan(replicates)]
    if len(exist) == 0 or 2 * len(exist) < len(replicates):
        return np.nan, np.nan
    low, high = np.quantile(exist, [0.025, 0.975])
    return float(low), float(high)
