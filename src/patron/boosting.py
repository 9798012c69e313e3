"""Boosted trees that put their offset back: what the churn classifier and the value booster share.

One LightGBM fit through its Booster API, the number of trees found on the latest as-of day, the text it is kept as.
LightGBM's own `predict` ignores `init_score`; here the margin is offset + trees everywhere.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_consistent_length

from patron._core.errors import DataError, NotFittedError
from patron._core.files import read_json, write_json, write_text
from patron.features.catalogue import LABELS

Array = npt.NDArray[np.float64]
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
        Share of the features that a tree may use.
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
        None takes all the cores, but no more than one a 100,000 rows: idle threads of small fits only wait for each
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
        feature_fraction: float = 0.7,
        n_trees: int = 60,
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
        matrix = self._matrix(X)
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
        matrix = self._matrix(X)
        shap = self.booster_.predict(matrix, pred_contrib=True, num_threads=self._threads(len(matrix)))
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

    def _grow(self, X: Any, y: Array, offset: Any) -> None:
        self.offset_column_ = offset if isinstance(offset, str) else None
        self._learn_columns(X)
        matrix = self._matrix(X)
        check_consistent_length(matrix, y)
        start = None if offset is None else self._checked_offset(X, offset, len(matrix))
        self.offset_mean_ = None if start is None else float(start.mean())
        self.n_trees_ = self._number_of_trees(X, matrix, y, start)
        everything = np.ones(len(y), dtype=bool)
        # a text without the parameters' section, so that the number of threads is no part of the model
        text = self._train(matrix, y, start, everything, self.n_trees_).model_to_string()
        self._take(text[: text.index("\nparameters:")] + "\npandas_categorical:null\n")

    def _number_of_trees(self, X: Any, matrix: Array, y: Array, start: Array | None) -> int:
        horizon = self.horizon if self.horizon is not None else getattr(X, "attrs", {}).get("horizon_days")
        days = _as_of_days(X)
        if horizon is None or days is None:
            return self.n_trees
        held = days == days.max()
        closed = days <= days.max() - horizon
        if len(np.unique(y[held])) < 2 or len(np.unique(y[closed])) < 2:
            return self.n_trees
        found: int = self._train(matrix, y, start, closed, self.max_trees, held).best_iteration
        return max(FEWEST_TREES, found)

    def _train(
        self,
        matrix: Array,
        y: Array,
        start: Array | None,
        grown: npt.NDArray[np.bool_],
        trees: int,
        held: npt.NDArray[np.bool_] | None = None,
    ) -> lgb.Booster:
        def dataset(rows: npt.NDArray[np.bool_], reference: lgb.Dataset | None = None) -> lgb.Dataset:
            score = None if start is None else start[rows]
            return lgb.Dataset(matrix[rows], y[rows], init_score=score, reference=reference)

        data = dataset(grown)
        n = int(grown.sum())
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
        if held is None:
            return lgb.train(params, data, trees)
        stop = lgb.early_stopping(PATIENCE, verbose=False)
        return lgb.train(params, data, trees, valid_sets=[dataset(held, data)], callbacks=[stop])

    def _threads(self, n: int) -> int:
        return self.num_threads or min(os.cpu_count() or 1, 1 + n // ROWS_A_THREAD)

    def _take(self, text: str) -> None:
        self.text_ = text
        self.booster_ = lgb.Booster(model_str=text)

    def _check_fitted(self) -> None:
        if not hasattr(self, "booster_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet", fix="call fit first")

    def _learn_columns(self, X: Any) -> None:
        if isinstance(X, pd.DataFrame):
            names = [name for name in X.columns if name != self.offset_column_]
            found = [name for name in LABELS if name in names]
            if found:
                raise DataError("a label among the features", column=found[0], fix="X, labels = patron.split(frame)")
            self.feature_names_in_ = np.array(names, dtype=object)
            self.n_features_in_ = len(names)
        else:
            self.__dict__.pop("feature_names_in_", None)
            self.n_features_in_ = np.shape(X)[-1]

    def _names(self) -> list[str]:
        return list(getattr(self, "feature_names_in_", map(str, range(self.n_features_in_))))

    def _matrix(self, X: Any) -> Array:
        """Return the features as float64 of shape (n, features), in the order of the fit."""
        if isinstance(X, pd.DataFrame) and hasattr(self, "feature_names_in_"):
            return _numbers(X, self._names())
        matrix = check_array(X, dtype="float64", ensure_all_finite="allow-nan")
        if matrix.shape[1] != self.n_features_in_:
            raise DataError(
                f"X has {matrix.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_}",
                fix="give the features it was fitted on",
            )
        return np.asarray(matrix)

    def _offset(self, X: Any, offset: Any, n: int) -> Array | float:
        """Return what the trees are added to: the offset the fit was given, or 0."""
        if self.offset_mean_ is None:
            if offset is not None:
                raise DataError("an offset for a model fitted without one", fix="leave it out, or fit with an offset")
            return 0.0
        given = self.offset_column_ if offset is None else offset
        if given is None:
            raise DataError("this model was fitted with an offset", fix="pass offset= of the same kind here too")
        return self._checked_offset(X, given, n)

    def _checked_offset(self, X: Any, offset: Any, n: int) -> Array:
        values = _numbers(X, [offset])[:, 0] if isinstance(offset, str) else np.asarray(offset, dtype="float64")
        if values.shape != (n,) or not np.isfinite(values).all():
            raise DataError(
                "an offset is one finite number a row",
                column=offset if isinstance(offset, str) else None,
                count=int((~np.isfinite(values)).sum()),
                fix="fill the missing ones, or leave the offset out",
            )
        return self._clipped(values)

    def _clipped(self, offset: Array) -> Array:
        return offset


def _as_of_days(X: Any) -> npt.NDArray[np.int64] | None:
    index = getattr(X, "index", None)
    if not isinstance(index, pd.Index) or "as_of" not in index.names:
        return None
    return index.get_level_values("as_of").to_numpy(dtype="datetime64[D]").astype("int64")


def _numbers(frame: pd.DataFrame, names: list[str]) -> Array:
    """Columns by name as float64; missing stays missing, text and infinities are refused by the column's name."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError("not among the columns", column=missing[0], fix="give every feature of the fit")
    for name in names:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise DataError("not a number", column=name, example=frame[name].iloc[0], fix="encode it, or leave it out")
    matrix = frame[names].to_numpy(dtype="float64", na_value=np.nan)
    infinite = np.isinf(matrix)
    if infinite.any():
        worst = int(infinite.any(axis=0).argmax())
        raise DataError(
            "infinite", column=names[worst], count=int(infinite[:, worst].sum()), fix="make it missing (NaN) instead"
        )
    return np.ascontiguousarray(matrix)
