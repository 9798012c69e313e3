import numpy as np
import pandas as pd
import pytest

from patron import plots
from patron._core.errors import DataError
from patron.metrics import decile_wape
from patron.plots.base import concentration
from patron.plots.value import decile_values


def test_tenths_are_those_of_the_metric_decile_wape(spend):
    actual, predicted = spend
    table = decile_values(actual, predicted)
    gap = (table["predicted"] - table["actual"]).abs().sum() / table["actual"].sum()
    assert gap == pytest.approx(decile_wape(actual, predicted))


def test_the_interval_of_a_tenth_is_that_of_a_mean(spend):
    actual, predicted = spend
    top = actual[np.argsort(predicted)[-200:]]
    assert decile_values(actual, predicted)["reach"].iloc[-1] == pytest.approx(
        1.96 * top.std(ddof=1) / 200**0.5, rel=1e-4
    )


def test_equal_predictions_are_not_put_in_an_order():
    actual = np.arange(100.0)
    assert decile_values(actual, np.ones(100))["actual"].tolist() == pytest.approx([49.5] * 10)


def test_bars_show_the_means(spend):
    table = decile_values(*spend)
    heights = [bar.get_height() for bar in plots.plot_decile_values(*spend).patches]
    assert heights == pytest.approx([*table["predicted"], *table["actual"]])


def test_concentration_is_that_of_the_most_valuable():
    customers, held = concentration([0.0, 1.0, 8.0, 1.0])
    assert dict(zip(customers, held, strict=True)) == {0.0: 0.0, 0.25: 0.8, 0.5: 0.9, 0.75: 1.0, 1.0: 1.0}


def test_concentration_is_marked_at_the_top_tenth_fifth_and_half():
    ax = plots.plot_value_concentration(np.ones(1_000))
    assert [text.get_text().replace("\u202f", " ") for text in ax.texts] == [
        "top 10 %: 10 %",
        "top 20 %: 20 %",
        "top 50 %: 50 %",
    ]


def test_every_customer_is_in_a_cell_and_in_a_band(scores):
    ax = plots.plot_risk_by_value(scores, bands={"severe": 0.8, "some": 0.5})
    mesh = ax.collections[0].get_array()
    assert np.nansum(np.ma.filled(mesh, 0)) == len(scores)
    risk = scores["churn_probability"]
    held = [(risk < 0.5).sum(), ((risk >= 0.5) & (risk < 0.8)).sum(), (risk >= 0.8).sum()]
    assert ax.texts[0].get_text() == "low {:,}  |  some {:,}  |  severe {:,}".format(*held)


def test_a_risk_on_the_cut_belongs_to_the_higher_band_and_one_to_the_highest():
    scores = pd.DataFrame({"churn_probability": [0.3, 0.6, 1.0], "expected_revenue": [1.0, 2.0, 3.0]})
    assert plots.plot_risk_by_value(scores).texts[0].get_text() == "low 0  |  medium 1  |  high 2"


@pytest.mark.parametrize(("low", "high"), [(5.0, 8.0), (0.5, 12.0), (0.01, 5_000.0), (7.0, 7.0)])
def test_a_logarithmic_axis_is_labelled_in_plain_numbers(low, high):
    scores = pd.DataFrame({"churn_probability": [0.3, 0.6], "expected_revenue": [low, high]})
    ax = plots.plot_risk_by_value(scores)
    ax.figure.draw_without_rendering()
    bottom, top = ax.get_ylim()
    shown = [tick.label1.get_text() for tick in ax.yaxis.get_major_ticks() if bottom <= tick.get_loc() <= top]
    assert 2 <= len(shown) <= 8
    assert all(bottom <= float(text.replace(",", "")) <= top for text in shown)
    assert ax.yaxis.get_minorticklocs().size == 0


def intervals(n, name=None):
    expected = np.arange(1.0, n + 1)
    return pd.DataFrame(
        {"expected": expected, "low": expected / 2, "high": 2 * expected}, index=pd.Index(range(n), name=name)
    )


def test_intervals_of_customers_are_those_of_the_most_valuable_by_rank():
    table = intervals(50, "customer_id")
    ax = plots.plot_value_interval(table, top=10, actual=pd.Series({49: 77.0, 48: 0.0}))
    expected, came = ax.get_lines()
    assert expected.get_ydata().tolist() == table["expected"].tolist()[:-11:-1]
    assert came.get_ydata()[:2].tolist() == [77.0, 0.0]
    low, high = np.array([segment[:, 1] for segment in ax.collections[0].get_segments()]).T
    assert (low.tolist(), high.tolist()) == (table["low"].tolist()[:-11:-1], table["high"].tolist()[:-11:-1])
    assert ax.get_xlabel() == "customers, most valuable first"
    assert not any(tick.get_text() == "49" for tick in ax.get_xticklabels())


def test_intervals_of_groups_bear_their_names_in_their_order():
    ax = plots.plot_value_interval(intervals(3, "channel").set_axis(["a", "b", "c"]).rename_axis("channel"), level=0.8)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b", "c"]
    assert ax.get_xlabel() == "channel"
    assert ax.get_legend().get_texts()[0].get_text().replace("\u202f", " ") == "expected, 80 % interval"


def test_intervals_without_an_end_are_refused():
    with pytest.raises(DataError, match="no such column"):
        plots.plot_value_interval(intervals(3).drop(columns="high"))
    with pytest.raises(DataError, match="nothing to draw"):
        plots.plot_value_interval(intervals(0))
