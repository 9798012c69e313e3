"""The churn classifier: boosted trees on an optional offset, the logit of another model's churn probability."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Final, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin

from patron.boosting import Array, BoostedTrees, HeldOut, Rows
from patron.boosting.inputs import OutcomeError, outcome_of
from patron.churn.calibration import Calibration, judged
from patron.churn.reasons import by_family, in_words

SMALLEST: Final = 1e-4


def clipped_logit(probability: Any) -> Array:
    """Logit of a probability clipped to [1e-4, 1 - 1e-4]: the offset of a churn classifier.

    Examples
    --------
    >>> clipped_logit([0.0, 0.5]).round(2).tolist()
    [-9.21, 0.0]
    """
    clipped = np.clip(np.asarray(probability, dtype="float64"), SMALLEST, 1 - SMALLEST)
    logit: Array = np.log(clipped) - np.log1p(-clipped)
    return logit


class ChurnClassifier(ClassifierMixin, BoostedTrees):  # type: ignore[misc]  # scikit-learn ships no types
    """Churn probability by LightGBM, in scikit-learn's contract.

    Parameters
    ----------
    learning_rate, num_leaves, min_data_in_leaf, lambda_l2, feature_fraction, seed, num_threads
        LightGBM's, seen in `BoostedTrees`.
    n_trees, max_trees, horizon
        How many trees: see `BoostedTrees`.
    calibration : bool
        Whether to try a calibration; it is kept only if it helps (see Notes).

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
    calibration_ : Calibration
        Intercept, slope and, in words, what was tried and kept.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        If fitted on a frame; predictions take the columns by these names.
    n_trees_ : int
    offset_mean_ : float or None
        Mean offset of the training rows.

    Notes
    -----
    margin = offset + trees, and without an offset the trees contain the base rate;
    logit P(churned) = intercept + slope * margin, slope >= 0. This line is the calibration. Two as-of days are
    predicted by trees grown on days whose labels had closed by then: the latest, and the latest whose own label had
    closed by that one. The line of each is judged on the other by log loss; only if both help beyond noise is the line
    of both days kept, else it is 0 and 1. Where there are not two such days nothing is tried.
    Contributions and reasons explain the margin, before calibration.

    Examples
    --------
    >>> import patron
    >>> log = patron.datasets.load_cdnow_sample()
    >>> days = ["1997-07-01", "1997-09-30", "1997-12-31"]
    >>> X, labels = patron.split(patron.snapshots(log, as_of=days, horizon="90 days"))
    >>> model = ChurnClassifier().fit(X, labels["churned"])
    >>> model.predict_proba(X).shape
    (7071, 2)
    """

    _objective: ClassVar[dict[str, Any]] = {"objective": "binary"}
    _file: ClassVar[str] = "churn"

    def __init__(
        self,
        *,
        learning_rate: float = 0.05,
        num_leaves: int = 8,
        min_data_in_leaf: int | None = None,
        lambda_l2: float = 10.0,
        feature_fraction: float = 0.3,
        n_trees: int = 60,
        max_trees: int = 200,
        horizon: int | None = None,
        calibration: bool = True,
        seed: int = 0,
        num_threads: int | None = None,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            num_leaves=num_leaves,
            min_data_in_leaf=min_data_in_leaf,
            lambda_l2=lambda_l2,
            feature_fraction=feature_fraction,
            n_trees=n_trees,
            max_trees=max_trees,
            horizon=horizon,
            seed=seed,
            num_threads=num_threads,
        )
        self.calibration = calibration

    def fit(self, X: Any, y: Any, offset: Any = None, sample_weight: Any = None) -> Self:
        """Grow the trees.

        Parameters
        ----------
        X : DataFrame or array, shape (n, features)
            No label among its columns. An index level `as_of` lets the number of trees be found out of time.
        y : array of shape (n,)
            Two classes; the second in order is the one that churned.
        offset : str or array of shape (n,), optional
            A column of X (then not a feature) or numbers, on the logit scale: see `clipped_logit`.
        sample_weight : array of shape (n,), optional
            How much each row counts; one of weight 0 is as if it were not there.

        Raises
        ------
        DataError
            X holds a label, a column that is not a number, or an infinite value; y misses values; a weight is negative.
        FitError
            y has not two classes.
        """
        outcome = outcome_of(y)
        self.classes_, codes = np.unique(outcome, return_inverse=True)
        if len(self.classes_) > 2:
            raise OutcomeError(
                f"Only binary classification is supported. y has {len(self.classes_):,} classes or is continuous",
                example=self.classes_.tolist()[:3],
                fix="y says who churned, yes or no",
            )
        rows = self._rows(X, codes.astype("float64"), offset, sample_weight)
        if len(np.unique(rows.outcome)) < 2:
            raise OutcomeError(
                "a churn classifier needs customers who churned and customers who did not, and y has only one class",
                example=self.classes_.tolist()[0],
                fix="another horizon or other days, at which both occur",
            )
        latest = self._grow(rows)
        self.calibration_ = self._calibrated(rows, latest)
        return self

    def predict_proba(self, X: Any, offset: Any = None) -> Array:
        """Probability of each class, shape (n, 2).

        Raises
        ------
        DataError
            A column of the fit is missing; an offset is missing.
        """
        margin = self.margin(X, offset)
        churned = self.calibration_.probability(margin)
        return np.column_stack([1 - churned, churned])

    def predict(self, X: Any, offset: Any = None) -> np.ndarray:
        """Return the likelier class, shape (n,)."""
        churned = self.predict_proba(X, offset)[:, 1] > 0.5
        likelier: np.ndarray = self.classes_[churned.astype(int)]
        return likelier

    def reasons(self, X: pd.DataFrame, top: int = 3, offset: Any = None) -> pd.DataFrame:
        """Say in words what moves each customer's risk most.

        TreeSHAP values, which add up to the margin before calibration, are summed by the catalogue's feature families;
        the offset counts as one more. Told are the families that raise the risk, the strongest first; where none does,
        those that lower it.

        Returns
        -------
        DataFrame of str
            reason_1 to reason_{top}, indexed as X; '' where there is no further one.
        """
        return in_words(X, self.contributions(X, offset), top)

    def family_contributions(self, X: pd.DataFrame, offset: Any = None) -> pd.DataFrame:
        """Contributions by feature family, adding up to the margin: the numbers behind `reasons`."""
        return by_family(self.contributions(X, offset))

    def to_dict(self) -> dict[str, Any]:
        """Everything but the trees, as JSON values."""
        return {
            **super().to_dict(),
            "classes": self.classes_.tolist(),
            "calibration": dataclasses.asdict(self.calibration_),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any], text: str) -> Self:
        """Build the fitted model from `to_dict` and the trees' text."""
        made = super().from_dict(content, text)
        made.classes_ = np.array(content["classes"])
        made.calibration_ = Calibration(**content.get("calibration", {}))
        return made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _calibrated(self, rows: Rows, latest: HeldOut | None) -> Calibration:
        if not self.calibration or latest is None:
            return Calibration()
        _, known = rows.latest()
        earlier = self._held_out(known)
        return Calibration() if earlier is None else judged(earlier, latest)

    def _clipped(self, offset: Array) -> Array:
        edge = float(clipped_logit(1.0))
        return np.clip(offset, -edge, edge)
