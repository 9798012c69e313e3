"""What every fitter has: the parameters and their errors, the representation, and a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from patron._core.errors import DataError, FitError
from patron._core.files import read_json, write_json
from patron.compat.lifetimes.utils import ConvergenceError
from patron.models import load_model
from patron.models.family.base import Model

FORMAT = 1


class BaseFitter:
    """A model of Patron under the names of lifetimes.

    Its state is `params_`: set them by hand, and every prediction follows.

    Parameters
    ----------
    penalizer_coef : float
        Steadies a fit on few customers. In lifetimes it was a penalty on the squared parameters, which drew them all
        to 0; here a coefficient c on n customers is a normal prior on their logarithms, around ordinary values, with
        the standard deviation ``1 / sqrt(2 c n)``.

    Attributes
    ----------
    params_ : Series
        The estimates.
    data : DataFrame
        What `fit` was given.
    variance_matrix_ : DataFrame
        Covariance of the estimates.
    standard_errors_ : Series
        Their standard errors; NaN where the data do not identify a parameter, and under a penalty.
    confidence_intervals_ : DataFrame
        Columns ``lower 95% bound`` and ``upper 95% bound``.
    """

    _model: ClassVar[type[Model]]
    _how: ClassVar[dict[str, str]] = {}
    """What Patron's model wants to know besides, to be fitted or made."""

    penalizer_coef: float
    params_: pd.Series
    data: pd.DataFrame
    variance_matrix_: pd.DataFrame
    standard_errors_: pd.Series

    def __init__(self, penalizer_coef: float = 0.0) -> None:
        self.penalizer_coef = penalizer_coef

    def __repr__(self) -> str:
        data, params = self.__dict__.get("data"), self.__dict__.get("params_")
        subjects = "" if data is None else f" fitted with {len(data):d} subjects,"
        values = (
            "" if params is None else " " + ", ".join(f"{name}: {params[name]:.2f}" for name in sorted(params.keys()))
        )
        return f"<lifetimes.{type(self).__name__}{':' if values else ''}{subjects}{values}>"

    @property
    def confidence_intervals_(self) -> pd.DataFrame:
        """The estimates -+ 1.96 standard errors."""
        reach = 1.96 * self.standard_errors_
        return pd.DataFrame({"lower 95% bound": self.params_ - reach, "upper 95% bound": self.params_ + reach})

    @property
    def summary(self) -> pd.DataFrame:
        """Table of the estimates: ``coef``, ``se(coef)``, ``lower 95% bound``, ``upper 95% bound``."""
        estimates = pd.DataFrame({"coef": self.params_, "se(coef)": self.standard_errors_})
        return estimates.join(self.confidence_intervals_)

    def save_model(
        self,
        path: str | Path,
        save_data: bool = True,
        save_generate_data_method: bool = True,  # noqa: ARG002
        values_to_save: list[Any] | None = None,  # noqa: ARG002
    ) -> None:
        """Write the fitter to a JSON file; lifetimes wrote a dill file, which runs code when it is read.

        Parameters
        ----------
        path : str or Path
            The file.
        save_data : bool
            Write `data` too.
        save_generate_data_method, values_to_save
            Have no effect: there is nothing but numbers in the file.
        """
        stored = {"fitter": type(self).__name__, "format": FORMAT, "penalizer_coef": self.penalizer_coef}
        data = self.__dict__.get("data") if save_data else None
        if data is not None:
            data = {"index": data.index.tolist(), "columns": [[name, data[name].tolist()] for name in data]}
        write_json(Path(path), {**stored, "model": self._patron().to_dict(), "data": data})

    def load_model(self, path: str | Path) -> None:
        """Take over what `save_model` wrote.

        Raises
        ------
        DataError
            When the file is another fitter's, or none of Patron's: dill files of lifetimes are not read.
        """
        try:
            stored = read_json(Path(path))
        except ValueError as error:
            raise DataError(
                f"{path} was not written by patron.compat.lifetimes",
                fix="files that lifetimes itself wrote with dill are not read: fit again, or set params_ by hand",
            ) from error
        if (
            not isinstance(stored, dict)
            or stored.get("fitter") != type(self).__name__
            or stored.get("format") != FORMAT
        ):
            raise DataError(
                f"{path} holds no {type(self).__name__} of format {FORMAT}",
                fix="load it with the fitter that saved it",
            )
        self.penalizer_coef = stored["penalizer_coef"]
        self._keep(load_model(stored["model"]))
        data = stored["data"]
        if data is not None:
            self.data = pd.DataFrame(dict(data["columns"]), index=data["index"])

    @property
    def _negative_log_likelihood_(self) -> float:
        fitted = self._patron()
        return float(-fitted.log_likelihood_ / fitted.customers_)

    def _unload_params(self, *args: str) -> list[float]:
        return [self._given_params()[name] for name in args]

    def _given_params(self) -> pd.Series:
        if "params_" not in self.__dict__:
            raise ValueError("Model has not been fit yet. Please call the .fit method first.")
        return self.params_

    def _patron(self) -> Any:
        """Patron's model at `params_`."""
        given = {str(name): float(value) for name, value in self._given_params().items()}
        fitted = self.__dict__.get("_fitted")
        if fitted is not None and fitted.params_.to_dict() == given:
            return fitted
        model: Any = self._model
        return model.from_params(**self._how, **given)

    def _estimate(self, frame: pd.DataFrame, weights: Any, index: Any) -> Self:
        """Fit Patron's model on the frame, and keep what lifetimes keeps."""
        mass = np.ones(len(frame), dtype=np.int64) if weights is None else np.asarray(weights)
        model: Any = self._model(prior=_prior_of(self.penalizer_coef, float(mass.sum())))
        try:
            model.fit(frame, weights=mass, **self._how)
        except FitError as error:
            raise ConvergenceError(error.message, fix=error.fix) from error
        self._keep(model)
        self.data = frame.assign(weights=mass).set_axis(frame.index if index is None else index)
        self.data.attrs = {}
        return self

    def _keep(self, model: Any) -> None:
        self._fitted = model
        self.params_ = model.params_.rename(None)
        self.variance_matrix_ = model.covariance_
        self.standard_errors_ = model.standard_errors_.rename(None)


def _prior_of(penalizer_coef: float, customers: float) -> float | None:
    """Return the standard deviation, in logarithms, of the prior that stands for a penalty of lifetimes."""
    return float((2 * penalizer_coef * customers) ** -0.5) if penalizer_coef > 0 else None
