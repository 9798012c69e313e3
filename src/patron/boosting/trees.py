"""Boosted trees that put their offset back: one LightGBM fit, its number of trees, and the text it is kept as.

LightGBM's own `predict` ignores `init_score`; here the margin is offset + trees everywhere.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from patron._core.files import read_json, write_json, write_text
from patron.boosting.inputs import (
    Array,
    InputError,
    UnfittedError,
    as_of_days,
    columns_of,
    matrix_of,
    names_of,
    offset_of,
    weight_of,
)
from patron.boosting.rows import HeldOut, Rows

FIXED: Final = {"deterministic": True, "force_col_wise": True, "verbosity": -1}
"""Column-wise histograms: with row-wise ones, Tweedie trees of 3 threads differ from those of 2 (LightGBM 4.7)."""
FEWEST_TREES: Final = 20
"""Fewer trees at the default rate have hardly left the offset."""
PATIENCE: Final = 15
ROWS_A_THREAD: Final = 1_000_000


class BoostedTrees(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A LightGBM model of a margin: offset + trees.

    Subclasses say what the margin means by `_objective`, and under which name files are kept by `_file`.

    Parameters
    ----------
    learning_rate : float
        Share of each tree that is taken.
    num_leaves : int
        Leaves of a tree.
    min_data_in_leaf : int, optional
        Rows of a leaf; None takes a hundredth of all rows, at least 20 and at most 500. Rows of a customer at several
        as-of days resemble each other, so leaves must hold many.
    lambda_l2 : float
        Ridge on the leaves' values.
    feature_fraction : float
        Share of the features that a tree may use: of eighty that resemble each other, a third each time is as good as
        more, and faster.
    n_trees : int
        Trees grown where none can be held out to find their number.
    max_trees : int
        Trees at most where their number is found.
    horizon : int, optional
        Length of the label window in days; None takes ``X.attrs["horizon_days"]``. The number of trees is the best
        for the latest as-of day, grown on those as-of days whose labels had closed by then; without such a day, or
        without a horizon, it is `n_trees`.
    seed : int
        Of the features drawn.
    num_threads : int, optional
        None takes all the cores, but no more than one a million rows: idle threads of small fits only wait for each
        other. The result is the same bits whatever their number.
    """

    _objective: ClassVar[dict[str, Any]]
    _file: ClassVar[str]

    def __init__(
        self,
        *,
        learning_rate: float = 0.05,
        num_leaves: int = 8,
        min_data_in_leaf: int | None = None,
        lambda_l2: float = 10.0,
        feature_fraction: float = 0.3,
        n_trees: int = 100,
        max_trees: int = 200,
        horizon: int | None = None,
        seed: int = 0,
        num_threads: int | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_data_in_leaf = min_data_in_leaf
        self.lambda_l2 = lambda_l2
        self.feature_fraction = feature_fraction
        self.n_trees = n_trees
        self.max_trees = max_trees
        self.horizon = horizon
        self.seed = seed
        self.num_threads = num_threads

    def margin(self, X: Any, offset: Any = None) -> Array:
        """Offset + trees, float64 of shape (n,)."""
        self._check_fitted()
        matrix = self._features(X)
        trees = self.booster_.predict(matrix, raw_score=True, num_threads=self._threads(len(matrix)))
        return np.asarray(trees) + self._offset(X, offset, len(matrix))

    def contributions(self, X: Any, offset: Any = None) -> pd.DataFrame:
        """TreeSHAP values that add up to the margin of each row.

        Parameters
        ----------
        X : DataFrame or array, shape (n, features)
        offset : array, optional
            As in `predict_proba`.

        Returns
        -------
        DataFrame, shape (n, features + 1 or 2)
            One column a feature, `offset` (how far the row's offset is from the training rows' mean) if the model was
            fitted with one, and `baseline`, the same for every row. Rows indexed as X.

        References
        ----------
        Lundberg, Erion & Lee 2018, Consistent individualized feature attribution for tree ensembles.
        """
        self._check_fitted()
        matrix = self._features(X)
        shap = self.booster_.predict(matrix, pred_contrib=True, num_threads=self.num_threads or os.cpu_count() or 1)
        found = pd.DataFrame(shap, columns=[*self._names(), "baseline"], index=getattr(X, "index", None))
        if self.offset_mean_ is not None:
            found.insert(matrix.shape[1], "offset", self._offset(X, offset, len(matrix)) - self.offset_mean_)
            found["baseline"] += self.offset_mean_
        return found

    def to_dict(self) -> dict[str, Any]:
        """Everything but the trees, as JSON values."""
        self._check_fitted()
        return {
            "params": self.get_params(),
            "n_trees": self.n_trees_,
            "feature_names": self._names() if hasattr(self, "feature_names_in_") else None,
            "n_features": self.n_features_in_,
            "offset_column": self.offset_column_,
            "offset_mean": self.offset_mean_,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any], text: str) -> Self:
        """Build the fitted model from `to_dict` and the trees' text."""
        made = cls(**content["params"])
        made.n_trees_ = content["n_trees"]
        made.n_features_in_ = content["n_features"]
        if content["feature_names"] is not None:
            made.feature_names_in_ = np.array(content["feature_names"], dtype=object)
        made.offset_column_ = content["offset_column"]
        made.offset_mean_ = content["offset_mean"]
        made._take(text)
        return made

    def save(self, folder: str | Path) -> None:
        """Write NAME.json and NAME.txt (LightGBM's text) into `folder`; no pickle."""
        content = self.to_dict()
        write_text(Path(folder) / f"{self._file}.txt", self.text_)
        write_json(Path(folder) / f"{self._file}.json", content)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote; predictions are the same bits."""
        text = (Path(folder) / f"{cls._file}.txt").read_text(encoding="utf-8")
        return cls.from_dict(read_json(Path(folder) / f"{cls._file}.json"), text)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _grow(self, rows: Rows) -> HeldOut | None:
        """Grow the trees; return the latest as-of day, held out to find their number."""
        self.offset_mean_ = None if rows.offset is None else float(rows.offset.mean())
        latest = self._held_out(rows)
        self.n_trees_ = self.n_trees if latest is None else latest.trees
        # a text without the parameters' section, so that the number of threads is no part of the model
        text = self._train(rows, self.n_trees_).model_to_string()
        self._take(text[: text.index("\nparameters:")] + "\npandas_categorical:null\n")
        return latest

    def _rows(self, X: Any, y: Array, offset: Any, sample_weight: Any) -> Rows:
        """Check what `fit` is given; rows of weight 0 are left out."""
        self.offset_column_ = offset if isinstance(offset, str) else None
        features = self._learned_features(X)
        if len(features) != len(y):
            raise InputError(f"X has {len(features):,} rows, y {len(y):,}", fix="give one outcome a row")
        day = as_of_days(X)
        horizon = self.horizon if self.horizon is not None else getattr(X, "attrs", {}).get("horizon_days")
        rows = Rows(
            features,
            y,
            None if offset is None else self._clipped(offset_of(X, offset, len(y))),
            None if sample_weight is None else weight_of(sample_weight, len(y)),
            day,
            None if day is None or horizon is None else day + horizon,
        )
        return rows if rows.weight is None else rows.where(rows.weight > 0)

    def _held_out(self, rows: Rows) -> HeldOut | None:
        """Predict the latest as-of day by trees grown on what was known then; None if too little was."""
        held, known = rows.latest()
        if len(np.unique(held.outcome)) < 2 or len(np.unique(known.outcome)) < 2:
            return None
        booster = self._train(known, self.max_trees, held)
        trees = max(FEWEST_TREES, booster.best_iteration)
        threads = self._threads(len(held))
        margin = booster.predict(held.features, raw_score=True, num_iteration=trees, num_threads=threads)
        return HeldOut(held, trees, margin if held.offset is None else held.offset + margin)

    def _train(self, rows: Rows, trees: int, held: Rows | None = None) -> lgb.Booster:
        n = len(rows)
        params = {
            **FIXED,
            **self._objective,
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_data_in_leaf or min(500, max(20, n // 100)),
            "lambda_l2": self.lambda_l2,
            "feature_fraction": self.feature_fraction,
            "seed": self.seed,
            "num_threads": self._threads(n),
        }
        data = rows.dataset()
        if held is None:
            return lgb.train(params, data, trees)
        stop = lgb.early_stopping(PATIENCE, verbose=False)
        return lgb.train(params, data, trees, valid_sets=[held.dataset(data)], callbacks=[stop])

    def _threads(self, n: int) -> int:
        return self.num_threads or min(os.cpu_count() or 1, 1 + n // ROWS_A_THREAD)

    def _take(self, text: str) -> None:
        self.text_ = text
        self.booster_ = lgb.Booster(model_str=text)

    def _check_fitted(self) -> None:
        if not hasattr(self, "booster_"):
            raise UnfittedError(f"this {type(self).__name__} is not fitted yet", fix="call fit first")

    def _learned_features(self, X: Any) -> Array:
        """Return the features as float64 of shape (n, features), and remember their names and number."""
        if isinstance(X, pd.DataFrame):
            names = names_of(X, self.offset_column_)
            self.feature_names_in_ = np.array(names, dtype=object)
            matrix = columns_of(X, names)
        else:
            self.__dict__.pop("feature_names_in_", None)
            matrix = matrix_of(X)
        self.n_features_in_ = matrix.shape[1]
        return matrix

    def _features(self, X: Any) -> Array:
        """Return the features as float64 of shape (n, features), in the order of the fit."""
        if isinstance(X, pd.DataFrame) and hasattr(self, "feature_names_in_"):
            return columns_of(X, self._names())
        matrix = matrix_of(X)
        if matrix.shape[1] != self.n_features_in_:
            raise InputError(
                f"X has {matrix.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_} "
                "features as input",
                fix="give the features it was fitted on",
            )
        return matrix

    def _names(self) -> list[str]:
        return list(getattr(self, "feature_names_in_", map(str, range(self.n_features_in_))))

    def _offset(self, X: Any, offset: Any, n: int) -> Array | float:
        """Return what the trees are added to: the offset the fit was given, or 0."""
        if self.offset_mean_ is None:
            if offset is not None:
                raise InputError("an offset for a model fitted without one", fix="leave it out, or fit with an offset")
            return 0.0
        given = self.offset_column_ if offset is None else offset
        if given is None:
            raise InputError("this model was fitted with an offset", fix="pass offset= of the same kind here too")
        return self._clipped(offset_of(X, given, n))

    def _clipped(self, offset: Array) -> Array:
        return offset
