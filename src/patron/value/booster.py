"""The value booster: spend of the next H days by boosted trees under a Tweedie loss, on an optional offset."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin

from patron.boosting import Array, BoostedTrees
from patron.boosting.inputs import InputError, OutcomeError, outcome_of


class ValueBooster(RegressorMixin, BoostedTrees):  # type: ignore[misc]  # scikit-learn ships no types
    """Expected spend by LightGBM, in scikit-learn's contract.

    Parameters
    ----------
    learning_rate, num_leaves, min_data_in_leaf, lambda_l2, feature_fraction, seed, num_threads
        LightGBM's, seen in `BoostedTrees`.
    n_trees, max_trees, horizon
        How many trees: see `BoostedTrees`.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        If fitted on a frame; predictions take the columns by these names.
    n_trees_ : int
    offset_mean_ : float or None
        Mean offset of the training rows.

    Notes
    -----
    log E[spend] = offset + trees; Tweedie deviance of variance power 1.4: many customers spend nothing, the others
    a skewed amount.

    References
    ----------
    Jorgensen 1987, Exponential dispersion models.

    Examples
    --------
    >>> import patron
    >>> log = patron.datasets.load_cdnow_sample()
    >>> X, labels = patron.split(patron.snapshots(log, as_of=["1997-07-01", "1997-09-30"], horizon="90 days"))
    >>> ValueBooster().fit(X, labels["spend_next"]).predict(X).shape
    (4714,)
    """

    _objective: ClassVar[dict[str, Any]] = {"objective": "tweedie", "tweedie_variance_power": 1.4}
    _file: ClassVar[str] = "value"

    def fit(self, X: Any, y: Any, offset: Any = None, sample_weight: Any = None) -> Self:
        """Grow the trees.

        Parameters
        ----------
        X : DataFrame or array, shape (n, features)
            No label among its columns. An index level `as_of` lets the number of trees be found out of time.
        y : array of shape (n,)
            Spend, 0 or more, of some customer more than 0.
        offset : str or array of shape (n,), optional
            A column of X (then not a feature) or numbers, the log of another model's expected spend.
        sample_weight : array of shape (n,), optional
            How much each row counts; one of weight 0 is as if it were not there.

        Raises
        ------
        DataError
            X holds a label, a column that is not a number, or an infinite value; y or a weight is negative, or
            missing.
        FitError
            Nobody spends.
        """
        spend = outcome_of(y, "float64")
        if (spend < 0).any():
            raise InputError(
                "spend to learn from is 0 or more",
                column=getattr(y, "name", None),
                count=int((spend < 0).sum()),
                example=float(spend.min()),
                fix="net refunds within the window, floored at 0",
            )
        rows = self._rows(X, spend, offset, sample_weight)
        if not rows.outcome.any():
            raise OutcomeError("nobody spends in the label windows", fix="another horizon or other days")
        self._grow(rows)
        return self

    def predict(self, X: Any, offset: Any = None) -> Array:
        """Return the expected spend of each row, float64 of shape (n,)."""
        return np.exp(self.margin(X, offset))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags
