"""What holds for every plot: the given Axes comes back, axes carry units, hard input is drawn or refused in words."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from patron import kpis, plots
from patron._core.errors import DataError
from patron.models import BetaGeoNBD, GammaGamma

pytestmark = pytest.mark.xdist_group("every plot")  # each is drawn once
BG = BetaGeoNBD.from_params(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259, unit="week")
GG = GammaGamma.from_params(p=6.25, q=3.74, v=15.44)


class Model:
    """A transaction model with round numbers: x purchases a customer, alive by recency."""

    unit_ = "week"

    def expected_purchases(self, frame, horizon):
        self.frame, self.horizon = frame, horizon
        return frame["frequency"] + 0.25

    def discounted_purchases(self, frame, _horizon, _discount_rate):
        return frame["frequency"] * frame["recency"] / frame["T"]

    def probability_alive(self, frame):
        self.frame = frame
        return frame["recency"] / frame["T"]


PLOTS = {
    "calibration": lambda made, ax: plots.plot_calibration(*made("churn"), ax=ax),
    "calibration by day": lambda made, ax: plots.plot_calibration_by_day(_past(*made("churn")), ax=ax),
    "lift by day": lambda made, ax: plots.plot_lift_by_day(_past(*made("churn")), ax=ax),
    "importance": lambda _made, ax: plots.plot_importance(IMPORTANCE, "rmse", ax=ax, currency="USD"),
    "dependence": lambda _made, ax: plots.plot_partial_dependence(_curve("gap_mean"), "churn", ax=ax),
    "dependence of spend": lambda _made, ax: plots.plot_partial_dependence(
        _curve("spend_90"), "value", ax=ax, currency="USD"
    ),
    "errors": lambda _made, ax: plots.plot_errors(_errors([1.1, 0.9, 1.0]), "cohort", "churn", ax=ax),
    "lift": lambda made, ax: plots.plot_lift(*made("churn"), ax=ax),
    "tracking": lambda made, ax: plots.plot_tracking(_past(*made("spend")), "value", ax=ax),
    "leaderboard": lambda made, ax: plots.plot_leaderboard(made("leaderboard"), "rmse", ax=ax, currency="USD"),
    "concentration": lambda made, ax: plots.plot_value_concentration(made("spend")[1], ax=ax),
    "risk by value": lambda made, ax: plots.plot_risk_by_value(made("scores"), ax=ax, currency="USD"),
    "frequency recency": lambda _made, ax: plots.plot_frequency_recency(Model(), 39, ax=ax),
    "probability alive": lambda _made, ax: plots.plot_probability_alive(Model(), ax=ax),
    "deciles": lambda made, ax: plots.plot_decile_values(*made("spend"), ax=ax, currency="USD"),
    "interval": lambda _made, ax: plots.plot_value_interval(INTERVALS, ax=ax, currency="USD"),
    "profit": lambda made, ax: plots.plot_profit(*made("churn"), np.full(3_000, 9.0), ax=ax, currency="USD"),
    "flow": lambda _made, ax: plots.plot_segment_flow(MOVES, ax=ax),
    "reasons": lambda _made, ax: plots.plot_reasons(pd.DataFrame({"silence": [0.4], "season": [-0.1]}), ax=ax),
    "activity": lambda made, ax: plots.plot_activity(kpis.activity(made("cdnow_sample")), ax=ax),
    "sales": lambda made, ax: plots.plot_sales(kpis.sales(made("cdnow_sample")), ax=ax, currency="USD"),
    "cohorts": lambda made, ax: plots.plot_cohorts(kpis.cohorts(made("cdnow_sample")), ax=ax),
    "iso value": lambda _made, ax: plots.plot_iso_value(Model(), ax=ax),
    "silence": lambda _made, ax: plots.plot_silence(Model(), ax=ax),
    "history": lambda made, ax: plots.plot_history_alive(Model(), made("cdnow_sample"), "00004", ax=ax),
    "rates": lambda _made, ax: plots.plot_rates(BG, ax=ax),
    "dropout": lambda _made, ax: plots.plot_rates(BG, "leaving", ax=ax),
    "gaps": lambda made, ax: plots.plot_gaps(made("cdnow_sample"), ax=ax),
    "timelines": lambda made, ax: plots.plot_timelines(made("cdnow_sample"), ax=ax),
    "expected purchases": lambda _made, ax: plots.plot_expected_purchases(BG, ax=ax),
    "spend fit": lambda made, ax: plots.plot_spend_fit(GG, made("summary"), ax=ax, currency="USD"),
    "counts": lambda made, ax: plots.plot_purchase_counts(BG, made("summary"), ax=ax),
    "hold-out": lambda made, ax: plots.plot_calibration_holdout(BG, made("summary"), np.ones(2_357), 9, ax=ax),
    "tracking purchases": lambda made, ax: plots.plot_tracking_purchases(BG, made("cdnow_sample"), ax=ax),
}


@pytest.fixture(scope="module", params=PLOTS)
def drawn(request):
    """Name and Axes of each plot, in a figure of its own making."""
    ax = PLOTS[request.param](request.getfixturevalue, None)
    ax.figure.draw_without_rendering()
    return request.param, ax


@pytest.mark.parametrize("name", PLOTS)
def test_the_axes_given_is_the_axes_returned(name, request):
    ax = Figure().subplots()
    assert PLOTS[name](request.getfixturevalue, ax) is ax
    assert ax.has_data()


def test_axes_are_labelled_and_the_plot_has_a_title(drawn):
    name, ax = drawn
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel() or name in ("leaderboard", "importance", "reasons", "flow")  # there the names say it


def test_money_carries_its_currency(drawn):
    name, ax = drawn
    money = {
        "leaderboard": ax.get_xlabel(),
        "importance": ax.get_xlabel(),
        "risk by value": ax.get_ylabel(),
        "deciles": ax.get_ylabel(),
        "interval": ax.get_ylabel(),
        "profit": ax.get_ylabel(),
        "sales": ax.get_ylabel(),
        "spend fit": ax.get_xlabel(),
        "dependence of spend": ax.get_xlabel() + ax.get_ylabel(),
    }
    assert "(USD)" in money.get(name, "(USD)")


def test_nothing_written_lies_outside_the_figure(drawn):
    _, ax = drawn
    for part in ax.figure.axes:
        box = part.get_tightbbox()
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= ax.figure.bbox.x1 + 1
        assert box.y1 <= ax.figure.bbox.y1 + 1


def test_no_customer_id_stands_in_a_plot(drawn):
    _, ax = drawn
    told = [text.get_text() for text in ax.figure.findobj(Text)]
    assert not any("zzqx" in text or "00004" in text for text in told)


def test_every_plot_is_tried_here():
    import inspect

    tried = inspect.getsource(inspect.getmodule(test_every_plot_is_tried_here))
    assert [name for name in plots.__all__ if name != "to_png" and f"plots.{name}(" not in tried] == []


def test_a_plot_leaves_pyplot_alone(drawn):
    import matplotlib.pyplot as plt

    assert not plt.get_fignums()


@pytest.mark.parametrize("name", ["hold-out", "flow"])
def test_the_same_plot_gives_the_same_bytes(name, request):
    first, again = (plots.to_png(PLOTS[name](request.getfixturevalue, None), dpi=40) for _ in range(2))
    assert first == again


HARD = {
    "importance of what the recipe refuses": lambda: plots.plot_importance(
        IMPORTANCE.assign(increase=[np.nan, 0.0], spread=np.nan), "brier"
    ),
    "dependence on what is never known": lambda: plots.plot_partial_dependence(_curve("x").tail(1), "churn"),
    "dependence on one value": lambda: plots.plot_partial_dependence(_curve("x").head(1), "value"),
    "errors where nothing came": lambda: plots.plot_errors(_errors([np.nan]), "tenth", "value"),
    "errors far off": lambda: plots.plot_errors(_errors([1.0, 80.0]), "tenth", "value"),
    "profit of one customer": lambda: plots.plot_profit([1], [0.3], [9.0]),
    "profit of worthless customers": lambda: plots.plot_profit([1, 0], [0.3, 0.3], [0.0, 0.0]),
    "a flow of one customer": lambda: plots.plot_segment_flow(MOVES.tail(1)),
    "reasons that move nothing": lambda: plots.plot_reasons(pd.DataFrame({"silence": [0.0]})),
    "an interval of one group": lambda: plots.plot_value_interval(INTERVALS.rename_axis("group").head(1)),
    "intervals of nothing": lambda: plots.plot_value_interval(INTERVALS * 0),
    "activity of nobody": lambda: plots.plot_activity(ACTIVITY * 0),
    "sales of one period": lambda: plots.plot_sales(ACTIVITY, "end"),
    "sales never known": lambda: plots.plot_sales(ACTIVITY * np.nan, "end"),
    "one cohort, one period": lambda: plots.plot_cohorts(ACTIVITY[["end"]].set_axis([0], axis=1)),
    "cohorts that never came back": lambda: plots.plot_cohorts(pd.DataFrame([[1.0, 0.0]], index=ACTIVITY.index)),
    "lift by day of one customer": lambda: plots.plot_lift_by_day(_past([1], [0.3])),
    "calibration by day of one customer": lambda: plots.plot_calibration_by_day(_past([1], [0.3])),
    "tracking of one customer": lambda: plots.plot_tracking(_past([1], [0.3]), "churn", champion="a"),
    "tracking of nobody who left": lambda: plots.plot_tracking(_past([0, 0], [0.0, 0.0]), "churn", champion="other"),
    "calibration of one customer": lambda: plots.plot_calibration([1], [0.3]),
    "calibration where all left": lambda: plots.plot_calibration([1, 1, 1], [0.3, 0.9, 1.0]),
    "calibration where nobody left": lambda: plots.plot_calibration([0, 0], [0.0, 1.0]),
    "lift of one customer": lambda: plots.plot_lift([1], [0.3]),
    "lift where nobody left": lambda: plots.plot_lift([0, 0], [0.1, 0.2]),
    "concentration of one customer": lambda: plots.plot_value_concentration([3.0]),
    "concentration of nothing": lambda: plots.plot_value_concentration([0.0, 0.0]),
    "deciles of one customer": lambda: plots.plot_decile_values([0.0], [3.0]),
    "deciles of zeros": lambda: plots.plot_decile_values(np.zeros(30), np.zeros(30)),
    "risk by value of one customer": lambda: plots.plot_risk_by_value(_scores([0.7], [5.0])),
    "risk by value of zeros": lambda: plots.plot_risk_by_value(_scores([0.7, 0.1], [0.0, 0.0])),
    "risk by value with a loss": lambda: plots.plot_risk_by_value(_scores([0.7, 0.1], [-4.0, 9.0])),
}


ACTIVITY = pd.DataFrame(
    {"start": 0, "new": 8, "kept": 0, "lost": 0, "reactivated": 0, "end": 8},
    index=pd.DatetimeIndex(["1997-01-01"], name="period"),
)


def _past(actual, predicted):
    days = np.resize(["1998-03-03", "1998-03-31"], len(actual))
    return pd.DataFrame({"recipe": "a", "as_of": days, "prediction": predicted, "actual": actual})


IMPORTANCE = pd.DataFrame({"name": ["silence", "season"], "increase": [0.3, -0.01], "spread": [0.1, 0.02]})


MOVES = pd.DataFrame(
    {"of": "segment", "before": ["Loyal", "Lost", "New"], "after": ["Lost", "Lost", "(gone)"], "customers": [40, 9, 1]}
)
INTERVALS = pd.DataFrame(
    {"expected": [9.0, 4.0], "low": [6.0, 2.0], "high": [12.0, 6.0]},
    index=pd.Index(["zzqx1", "zzqx2"], name="customer_id"),
)


def _curve(feature):
    mean = np.array([0.2, 0.4, 0.6])
    return pd.DataFrame(
        {"feature": feature, "value": [7.0, 28.0, np.nan], "prediction": mean, "low": mean - 0.1, "high": mean + 0.2}
    )


def _errors(bias):
    bias = np.array(bias)
    group = [f"1997-0{k + 1}" for k in range(len(bias))]
    return pd.DataFrame({"group": group, "bias": bias, "low": bias - 0.2, "high": bias + 0.2})


def _scores(risk, revenue):
    return pd.DataFrame({"churn_probability": risk, "expected_revenue": revenue})


@pytest.mark.parametrize("name", HARD)
def test_degenerate_input_is_drawn(name):
    HARD[name]().figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: plots.plot_calibration([], []), "nothing to draw"),
        (lambda: plots.plot_calibration([0, 2], [0.1, 0.2]), "0 or 1"),
        (lambda: plots.plot_calibration([0, 1], [0.1, 1.2]), "between 0 and 1"),
        (lambda: plots.plot_lift([0, 1], [0.1]), "same customers"),
        (lambda: plots.plot_decile_values([1.0, np.nan], [1.0, 2.0]), "missing or infinite"),
        (lambda: plots.plot_value_concentration([1.0, -2.0]), "below zero"),
        (lambda: plots.plot_value_concentration([1.0, np.inf]), "missing or infinite"),
        (lambda: plots.plot_value_concentration([]), "nothing to draw"),
        (lambda: plots.plot_tracking(_past([], []), "churn"), "nothing to draw"),
        (lambda: plots.plot_calibration_by_day(_past([0], [1.2])), "between 0 and 1"),
        (lambda: plots.plot_importance(IMPORTANCE, "beauty"), "no metric 'beauty'"),
        (lambda: plots.plot_importance(IMPORTANCE.head(0), "brier"), "nothing to draw"),
        (lambda: plots.plot_partial_dependence(_curve(["a", "b", "b"]), "churn"), "more than one feature"),
        (lambda: plots.plot_errors(IMPORTANCE, "cohort", "churn"), "no such column"),
        (lambda: plots.plot_lift_by_day(_past([], [])), "nothing to draw"),
        (lambda: plots.plot_risk_by_value(pd.DataFrame({"churn_probability": [0.1]})), "expected_revenue"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(draw, words):
    with pytest.raises(DataError, match=words):
        draw()
