"""Key figures: bars, lines and cells hold the numbers of the tables."""

import numpy as np
import pandas as pd
import pytest

from patron import kpis, plots
from patron._core.errors import DataError


@pytest.fixture(scope="module")
def activity(cdnow_sample):
    return kpis.activity(cdnow_sample)


@pytest.fixture(scope="module")
def sales(cdnow_sample):
    return kpis.sales(cdnow_sample, by="cohort")


def lines(ax):
    return {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in ax.get_lines()}


def test_bars_stack_up_to_who_is_active_and_hang_down_by_who_was_lost(activity):
    ax = plots.plot_activity(activity)
    bars = {box.get_label(): box for box in ax.containers}
    assert list(bars) == ["kept", "reactivated", "new", "lost"]
    assert [bar.get_height() for bar in bars["kept"]] == activity["kept"].tolist()
    assert [bar.get_y() + bar.get_height() for bar in bars["new"]] == activity["end"].tolist()
    assert [-bar.get_height() for bar in bars["lost"]] == activity["lost"].tolist()
    assert ax.get_ylabel() == "active customers at the end of the month"


def test_new_customers_who_lapsed_again_are_not_stacked(cdnow_sample):
    table = kpis.activity(cdnow_sample, every="quarter", active_within="30 days")
    assert table["new_lapsed"].sum() > 0
    top = plots.plot_activity(table).containers[2]
    assert [bar.get_y() + bar.get_height() for bar in top] == table["end"].tolist()


def test_a_measure_of_activity_is_a_line_in_per_cent(activity):
    ax = plots.plot_activity(activity, measure="churn_rate")
    ax.figure.draw_without_rendering()
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), activity["churn_rate"])
    assert ax.get_ylabel() == "share of active customers who fell silent"
    assert ax.get_yticklabels()[-1].get_text().endswith("%")


def test_sales_have_a_line_a_group(sales):
    ax = plots.plot_sales(sales, "average_order_value", currency="USD")
    drawn = lines(ax)
    assert list(drawn) == ["1997-01", "1997-02", "1997-03"]
    february = sales["average_order_value"].xs("1997-02", level="cohort")
    np.testing.assert_array_equal(drawn["1997-02"][-len(february) :], february)
    assert np.isnan(drawn["1997-02"][0])
    assert ax.get_ylabel() == "revenue per order (USD)"


@pytest.mark.parametrize("every", ["week", "month", "quarter", "year"])
def test_periods_go_by_their_own_names(cdnow_sample, every):
    ax = plots.plot_sales(kpis.sales(cdnow_sample, every=every))
    first = ax.get_xticklabels()[0].get_text()
    named = {
        "week": "1996-12-30",
        "month": "1997-01",
        "quarter": "1997 Q1",
        "year": "1997-01-01",
    }  # one year has no next
    assert first == named[every]
    assert ax.get_xlabel() == (every if every != "year" else "period")


@pytest.mark.parametrize("measure", ["share", "customers", "revenue", "revenue_per_customer"])
def test_cells_are_what_became_of_each_cohort(cdnow_sample, measure):
    table = kpis.cohorts(cdnow_sample, every="quarter", measure=measure)
    table = pd.concat([table, table.iloc[:, :4].set_axis(pd.DatetimeIndex(["1997-04-01"]))])
    table.attrs = {"measure": measure, "unit": "USD", "every": "quarter"}
    ax = plots.plot_cohorts(table)
    cells = np.ma.filled(ax.collections[1].get_array(), np.nan)
    np.testing.assert_array_equal(cells, table.to_numpy()[:, 1:])
    assert ax.get_xlabel() == "quarters since the first purchase"
    bar = ax.figure.axes[1].get_ylabel()
    assert bar.endswith("(USD)") == ("revenue" in measure)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["1997 Q1", "1997 Q2"]


def test_the_first_period_does_not_outshine_the_others(cdnow_sample):
    ax = plots.plot_cohorts(kpis.cohorts(cdnow_sample, measure="share"))
    assert ax.collections[1].get_clim()[1] < 0.2


def test_one_cell_far_above_the_rest_is_told_by_the_arrow_of_the_bar():
    table = pd.DataFrame(np.ones((9, 30)), index=pd.date_range("2020-01-01", periods=9, freq="MS"))
    table.iloc[0, 5] = 500.0
    ax = plots.plot_cohorts(table, measure="revenue", currency="EUR")
    assert ax.collections[1].get_clim()[1] == 2
    assert ax.collections[1].colorbar.extend == "max"


def test_numbers_are_written_where_there_is_room():
    table = pd.DataFrame({0: [1.0, 1.0], 1: [0.253, np.nan]}, index=pd.DatetimeIndex(["2020-01-01", "2020-02-01"]))
    assert [text.get_text() for text in plots.plot_cohorts(table).texts] == ["100", "25", "100", ""]
    wide = pd.DataFrame(np.full((2, 40), 0.5), index=table.index)
    assert not plots.plot_cohorts(wide).texts


def test_tables_read_back_from_csv_are_drawn_alike(activity, tmp_path):
    activity.to_csv(tmp_path / "activity.csv")
    read = pd.read_csv(tmp_path / "activity.csv", index_col=0)
    bars, same = ([bar.get_height() for bar in plots.plot_activity(table).patches] for table in (read, activity))
    assert bars == same
    again = lines(plots.plot_activity(read, measure="retention"))
    np.testing.assert_allclose(next(iter(again.values())), activity["retention"])


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda table: plots.plot_activity(table.drop(columns="lost")), "no such column"),
        (lambda table: plots.plot_activity(table.head(0)), "nothing to draw"),
        (lambda table: plots.plot_activity(table, measure="beauty"), "no such column"),
        (lambda table: plots.plot_activity(pd.concat({"a": table}).swaplevel()), "in groups"),
        (plots.plot_sales, "no such column"),
        (lambda table: plots.plot_sales(table.head(0), "end"), "nothing to draw"),
        (lambda table: plots.plot_sales(pd.concat(dict.fromkeys(range(7), table)).swaplevel(), "end"), "7 lines"),
        (lambda table: plots.plot_cohorts(table.head(0)), "nothing to draw"),
        (lambda table: plots.plot_cohorts(table, measure="beauty"), "no measure 'beauty'"),
    ],
)
def test_tables_that_cannot_be_drawn_are_refused_in_words(activity, draw, words):
    with pytest.raises(DataError, match=words):
        draw(activity)
