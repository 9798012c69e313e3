"""The plots of lifetimes; each returns its Axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from patron.compat.lifetimes.fitters._transactions import matrix
from patron.compat.lifetimes.utils import calculate_alive_path, expected_cumulative_transactions

__all__ = [
    "plot_calibration_purchases_vs_holdout_purchases",
    "plot_cumulative_transactions",
    "plot_dropout_rate_heterogeneity",
    "plot_expected_repeat_purchases",
    "plot_frequency_recency_matrix",
    "plot_history_alive",
    "plot_incremental_transactions",
    "plot_period_transactions",
    "plot_probability_alive_matrix",
    "plot_transaction_rate_heterogeneity",
]

_HISTORY = {
    "frequency_cal": "Purchases in calibration period",
    "recency_cal": "Age of customer at last purchase",
    "T_cal": "Age of customer at the end of calibration period",
    "time_since_last_purchase": "Time since user made last purchase",
}


def plot_period_transactions(
    model: Any,
    max_frequency: int = 7,
    title: str = "Frequency of Repeat Transactions",
    xlabel: str = "Number of Calibration Period Transactions",
    ylabel: str = "Customers",
    **kwargs: Any,
) -> Any:
    """Plot how many customers bought how often, against as many simulated ones.

    Parameters
    ----------
    model : fitter
        Fitted.
    max_frequency : int
        How many bars: 0 to `max_frequency` - 1 repeat purchases.
    title, xlabel, ylabel : str
        What is written on the plot.
    **kwargs
        Of DataFrame.plot; `label`, a pair, names the two series.
    """
    labels = kwargs.pop("label", ["Actual", "Model"])
    customers = model.data["weights"].groupby(model.data["frequency"]).sum()
    simulated = model.generate_new_data(size=round(customers.sum()))["frequency"].value_counts()
    shown = pd.RangeIndex(max_frequency, name="frequency")
    counts = pd.DataFrame({labels[0]: customers.reindex(shown), labels[1]: simulated.reindex(shown)}).fillna(0)
    ax = counts.plot(kind="bar", rot=0, **kwargs)
    return _said(ax, title, xlabel, ylabel)


def plot_calibration_purchases_vs_holdout_purchases(
    model: Any, calibration_holdout_matrix: pd.DataFrame, kind: str = "frequency_cal", n: int = 7, **kwargs: Any
) -> Any:
    """Plot the mean of the holdout's purchases against the model's, by a part of the history.

    Parameters
    ----------
    model : fitter
        Fitted on the calibration.
    calibration_holdout_matrix : DataFrame
        What `calibration_and_holdout_data` gave.
    kind : {'frequency_cal', 'recency_cal', 'T_cal', 'time_since_last_purchase'}
        The x axis.
    n : int
        How many of its values.
    **kwargs
        Of DataFrame.plot.
    """
    held = calibration_holdout_matrix
    found = pd.DataFrame(
        {
            "frequency_holdout": held["frequency_holdout"],
            "model_predictions": model.conditional_expected_number_of_purchases_up_to_time(
                held["duration_holdout"].iloc[0], held["frequency_cal"], held["recency_cal"], held["T_cal"]
            ),
        }
    )
    by = held["T_cal"] - held["recency_cal"] if kind == "time_since_last_purchase" else held[kind]
    ax = found.groupby(by).mean().iloc[:n].plot(**kwargs)
    title = "Actual Purchases in Holdout Period vs Predicted Purchases"
    return _said(ax, title, _HISTORY[kind], "Average of Purchases in Holdout Period")


def plot_frequency_recency_matrix(
    model: Any,
    T: float = 1,
    max_frequency: int | None = None,
    max_recency: int | None = None,
    title: str | None = None,
    xlabel: str = "Customer's Historical Frequency",
    ylabel: str = "Customer's Recency",
    **kwargs: Any,
) -> Any:
    """Plot the purchases expected in the next `T`, by frequency and recency of customers of one age.

    Parameters
    ----------
    model : fitter
        Fitted.
    T : float
        Time ahead.
    max_frequency, max_recency : int, optional
        By default the largest in the data; the largest T for `max_recency`, which is also the customers' age.
    title, xlabel, ylabel : str
        What is written on the plot.
    **kwargs
        Of Axes.imshow.
    """

    def expected(frequency: Any, recency: Any, age: Any) -> Any:
        return model.conditional_expected_number_of_purchases_up_to_time(T, frequency, recency, age)

    units = "Unit" if T == 1 else "Units"
    title = title or (
        f"Expected Number of Future Purchases for {T} {units} of Time,\nby Frequency and Recency of a Customer"
    )
    return _heat(matrix(model, expected, max_frequency, max_recency), title, xlabel, ylabel, **kwargs)


def plot_probability_alive_matrix(
    model: Any,
    max_frequency: int | None = None,
    max_recency: int | None = None,
    title: str = "Probability Customer is Alive,\nby Frequency and Recency of a Customer",
    xlabel: str = "Customer's Historical Frequency",
    ylabel: str = "Customer's Recency",
    **kwargs: Any,
) -> Any:
    """Plot P(alive), by frequency and recency of customers of one age.

    Parameters
    ----------
    model : fitter
        Fitted.
    max_frequency, max_recency : int, optional
        By default the largest in the data; the largest T for `max_recency`, which is also the customers' age.
    title, xlabel, ylabel : str
        What is written on the plot.
    **kwargs
        Of Axes.imshow.
    """
    alive = model.conditional_probability_alive_matrix(max_frequency, max_recency)
    return _heat(alive, title, xlabel, ylabel, **kwargs)


def plot_expected_repeat_purchases(
    model: Any,
    title: str = "Expected Number of Repeat Purchases per Customer",
    xlabel: str = "Time Since First Purchase",
    ax: Any = None,
    label: str | None = None,
    **kwargs: Any,
) -> Any:
    """Plot the repeat purchases expected of a new customer: dashed beyond the ages observed.

    Parameters
    ----------
    model : fitter
        Fitted.
    title, xlabel : str
        What is written on the plot.
    ax : Axes, optional
        Where to plot.
    label : str, optional
        Of the line.
    **kwargs
        Of Axes.plot.
    """
    ax = _axes(ax)
    oldest = model.data["T"].max()
    seen, ahead = np.linspace(0, oldest, 50), np.linspace(oldest, 1.5 * oldest, 25)
    (line,) = ax.plot(seen, model.expected_number_of_purchases_up_to_time(seen), label=label, **kwargs)
    style = {**kwargs, "color": line.get_color(), "linestyle": "--"}
    for other in ("c", "ls"):
        style.pop(other, None)
    ax.plot(ahead, model.expected_number_of_purchases_up_to_time(ahead), **style)
    ax.set(title=title, xlabel=xlabel)
    if label is not None:
        ax.legend(loc="lower right")
    return ax


def plot_history_alive(
    model: Any,
    t: int,
    transactions: pd.DataFrame,
    datetime_col: str,
    freq: str = "D",
    start_date: Any = None,
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Plot one customer's P(alive) in time, and the purchases.

    Parameters
    ----------
    model : fitter
        Fitted.
    t : int
        The last age, in periods.
    transactions : DataFrame
        The customer's.
    datetime_col : str
        Its column of stamps.
    freq : str
        The period.
    start_date : date_like, optional
        Where the x axis starts; by default at the first purchase.
    ax : Axes, optional
        Where to plot.
    **kwargs
        Of Axes.plot.
    """
    ax = _axes(ax)
    periods = pd.to_datetime(transactions[datetime_col]).dt.to_period(freq)
    path = calculate_alive_path(model, transactions, datetime_col, t, freq)
    days = pd.period_range(periods.min(), periods=len(path), freq=freq).to_timestamp()
    ax.plot(days, path, **{"label": "P_alive", **kwargs})
    bought = periods.drop_duplicates().dt.to_timestamp()
    ax.vlines(bought, ymin=0, ymax=1, colors="r", linestyles="dashed", linewidth=1, label="purchases")
    ax.set(
        ylim=(0, 1),
        yticks=np.arange(0, 1.1, 0.1),
        xlim=(days[0] if start_date is None else pd.to_datetime(start_date), days[-1]),
        ylabel="P_alive",
        title="History of P_alive",
    )
    ax.figure.autofmt_xdate()
    ax.legend(loc="lower left")
    return ax


def plot_cumulative_transactions(
    model: Any,
    transactions: pd.DataFrame,
    datetime_col: str,
    customer_id_col: str,
    t: int,
    t_cal: float,
    datetime_format: str | None = None,
    freq: str = "D",
    set_index_date: bool = False,
    title: str = "Tracking Cumulative Transactions",
    xlabel: str = "day",
    ylabel: str = "Cumulative Transactions",
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Plot the repeat purchases of all customers so far, and those expected.

    Parameters
    ----------
    model, transactions, datetime_col, customer_id_col, t, datetime_format, freq, set_index_date
        As in `expected_cumulative_transactions`.
    t_cal : float
        Where to mark the end of the calibration.
    title, xlabel, ylabel : str
        What is written on the plot.
    ax : Axes, optional
        Where to plot.
    **kwargs
        Of DataFrame.plot.
    """
    tracked = expected_cumulative_transactions(
        model, transactions, datetime_col, customer_id_col, t,
        datetime_format=datetime_format, freq=freq, set_index_date=set_index_date,
    )  # fmt: skip
    return _tracked(tracked, t_cal, title, xlabel, ylabel, ax, **kwargs)


def plot_incremental_transactions(
    model: Any,
    transactions: pd.DataFrame,
    datetime_col: str,
    customer_id_col: str,
    t: int,
    t_cal: float,
    datetime_format: str | None = None,
    freq: str = "D",
    set_index_date: bool = False,
    title: str = "Tracking Daily Transactions",
    xlabel: str = "day",
    ylabel: str = "Transactions",
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Plot the repeat purchases of all customers in each period, and those expected.

    Parameters
    ----------
    model, transactions, datetime_col, customer_id_col, t, t_cal, datetime_format, freq, set_index_date, title, \
xlabel, ylabel, ax, **kwargs
        As in `plot_cumulative_transactions`.
    """
    tracked = expected_cumulative_transactions(
        model, transactions, datetime_col, customer_id_col, t,
        datetime_format=datetime_format, freq=freq, set_index_date=set_index_date,
    )  # fmt: skip
    return _tracked(tracked.diff().fillna(tracked.iloc[:1]), t_cal, title, xlabel, ylabel, ax, **kwargs)


def plot_transaction_rate_heterogeneity(
    model: Any,
    suptitle: str = "Heterogeneity in Transaction Rate",
    xlabel: str = "Transaction Rate",
    ylabel: str = "Density",
    suptitle_fontsize: float = 14,
    **kwargs: Any,
) -> Any:
    """Plot how customers' purchase rates are distributed.

    Parameters
    ----------
    model : fitter
        With the parameters r and alpha.
    suptitle, xlabel, ylabel : str
        What is written on the plot.
    suptitle_fontsize : float
        Of the title.
    **kwargs
        Of Axes.plot.
    """
    from scipy import stats  # noqa: PLC0415  # slow to import

    r, alpha = (model.params_[name] for name in ("r", "alpha"))
    rate = stats.gamma(r, scale=1 / alpha)
    return _density(rate, suptitle, xlabel, ylabel, suptitle_fontsize, **kwargs)


def plot_dropout_rate_heterogeneity(
    model: Any,
    suptitle: str = "Heterogeneity in Dropout Probability",
    xlabel: str = "Dropout Probability p",
    ylabel: str = "Density",
    suptitle_fontsize: float = 14,
    **kwargs: Any,
) -> Any:
    """Plot how customers' probabilities to leave after a purchase are distributed.

    Parameters
    ----------
    model : fitter
        With the parameters a and b.
    suptitle, xlabel, ylabel : str
        What is written on the plot.
    suptitle_fontsize : float
        Of the title.
    **kwargs
        Of Axes.plot.
    """
    from scipy import stats  # noqa: PLC0415  # slow to import

    a, b = (model.params_[name] for name in ("a", "b"))
    return _density(stats.beta(a, b), suptitle, xlabel, ylabel, suptitle_fontsize, **kwargs)


def coalesce(*args: Any) -> Any:
    """Return the first argument that is not None."""
    return next(value for value in args if value is not None)


def forceAspect(ax: Any, aspect: float = 1) -> None:  # noqa: N802  # lifetimes' name
    """Stretch the image of `ax` to that ratio of width to height."""
    left, right, bottom, top = ax.get_images()[0].get_extent()
    ax.set_aspect(abs((right - left) / (top - bottom)) / aspect)


def _heat(table: Any, title: str, xlabel: str, ylabel: str, **kwargs: Any) -> Any:
    ax = _axes(None)
    image = ax.imshow(table, **{"interpolation": "none", **kwargs})
    forceAspect(ax)
    ax.figure.colorbar(image, ax=ax)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return ax


def _tracked(tracked: pd.DataFrame, t_cal: float, title: str, xlabel: str, ylabel: str, ax: Any, **kwargs: Any) -> Any:
    ax = tracked.plot(ax=_axes(ax), title=title, **kwargs)
    dated = isinstance(tracked.index, pd.PeriodIndex)
    ax.axvline(tracked.index[int(t_cal)] if dated else t_cal, color="r", linestyle="--")
    ax.set(xlabel="date" if dated else xlabel, ylabel=ylabel)
    return ax


def _density(spread: Any, suptitle: str, xlabel: str, ylabel: str, fontsize: float, **kwargs: Any) -> Any:
    """Plot a density up to its 99th percentile; at 0 it may be infinite."""
    from matplotlib import pyplot as plt  # noqa: PLC0415  # slow to import: only when something is plotted

    figure, ax = plt.subplots(layout="constrained")
    figure.suptitle(suptitle, fontsize=fontsize, fontweight="bold")
    ax.set(title=f"mean: {spread.mean():.3f}, var: {spread.var():.3f}", xlabel=xlabel, ylabel=ylabel)
    x = np.linspace(0, spread.ppf(0.99), 101)[1:]
    ax.plot(x, spread.pdf(x), **kwargs)
    return ax


def _said(ax: Any, title: str, xlabel: str, ylabel: str) -> Any:
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def _axes(ax: Any) -> Any:
    """Return the given axes, or those of the current figure."""
    from matplotlib import pyplot as plt  # noqa: PLC0415  # slow to import: only when something is plotted

    return plt.subplot(111) if ax is None else ax
