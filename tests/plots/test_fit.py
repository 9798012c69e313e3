"""A model beside what happened: what is drawn is what the log and the model say."""

import numpy as np
import pandas as pd
import pytest

from patron import plots
from patron._core.errors import ConfigError, DataError
from patron.features import rfm_summary
from patron.models import NBD, BetaGeoNBD, goodness_of_fit
from patron.models.goodness import purchase_counts
from patron.plots.fit import tracked_purchases

BG = BetaGeoNBD.from_params(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259, unit="week")
STEADY = NBD.from_params(r=0.385, alpha=12.07, unit="week")


def drawn(ax):
    return {line.get_label(): np.asarray(line.get_ydata()) for line in ax.get_lines()}


@pytest.fixture(scope="module")
def before(cdnow_sample):
    return rfm_summary(cdnow_sample, "1997-09-30", unit="week")


@pytest.fixture(scope="module")
def after(cdnow_sample, before):
    return rfm_summary(cdnow_sample, "1998-06-30", unit="week")["frequency"] - before["frequency"]


def test_tracked_purchases_are_those_known_at_the_end_of_each_stretch(cdnow_sample):
    table = tracked_purchases({"bg": BG}, cdnow_sample, "13 weeks")
    assert [day.date().isoformat() for day in table.index][:2] == ["1997-04-01", "1997-07-01"]
    summary = rfm_summary(cdnow_sample, "1997-07-01", unit="week")
    assert table.loc["1997-07-01", "actual"] == summary["frequency"].sum()
    born = BG.new_customer()
    expected = sum(n * BG.expected_purchases(born, T).iloc[0] for T, n in summary["T"].value_counts().items() if T > 0)
    assert table.loc["1997-07-01", "bg"] == pytest.approx(expected)


@pytest.mark.golden
def test_tracking_of_cdnow_is_within_the_few_per_cent_of_the_paper(cdnow_sample):
    """Fader, Hardie and Lee (2005), figure 2: BG/NBD is low by 4 % at the end of week 78."""
    last = tracked_purchases(BG, cdnow_sample).iloc[-1]
    assert last["BetaGeoNBD"] / last["actual"] == pytest.approx(0.96, abs=0.01)


def test_tracking_draws_sums_or_their_steps(cdnow_sample):
    table = tracked_purchases({"bg": BG, "nbd": STEADY}, cdnow_sample)
    whole = drawn(plots.plot_tracking_purchases({"bg": BG, "nbd": STEADY}, cdnow_sample))
    assert list(whole) == ["actual", "bg", "nbd"]
    np.testing.assert_array_equal(whole["nbd"], table["nbd"])
    steps = drawn(plots.plot_tracking_purchases(BG, cdnow_sample, cumulative=False, fitted_until="1997-09-30"))
    np.testing.assert_allclose(steps["actual"].cumsum(), table["actual"])
    np.testing.assert_allclose(steps["BetaGeoNBD"].cumsum(), table["bg"])
    assert "fitted until" in steps


def test_a_log_shorter_than_a_stretch_and_a_stretch_of_no_fixed_length_are_refused(cdnow_sample):
    with pytest.raises(DataError, match="5 days are less than 7 days"):
        plots.plot_tracking_purchases(BG, cdnow_sample.until("1997-01-05"))
    with pytest.raises(ConfigError, match="fixed length"):
        plots.plot_tracking_purchases(BG, cdnow_sample, every="1 month")


def test_bars_count_customers_and_lines_what_each_model_expects(before):
    ax = plots.plot_purchase_counts({"bg": BG, "nbd": STEADY}, before, last=4)
    table = purchase_counts(BG, before, last=4)
    assert [bar.get_height() for bar in ax.patches] == table["actual"].tolist()
    np.testing.assert_array_equal(drawn(ax)["bg"], table["expected"])
    np.testing.assert_array_equal(drawn(ax)["nbd"], purchase_counts(STEADY, before, last=4)["expected"])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "2", "3", "4+"]


@pytest.mark.parametrize("by", ["frequency", "recency", "age"])
def test_a_hold_out_is_drawn_by_each_part_of_the_history(before, after, by):
    ax = plots.plot_calibration_holdout({"bg": BG}, before, after, 39, by=by)
    table = getattr(goodness_of_fit(BG, before, after, 39), f"by_{by}")
    assert [bar.get_height() for bar in ax.patches] == table["actual"].tolist()
    np.testing.assert_array_equal(drawn(ax)["bg"], table["expected"])
    told = [tick.get_text().split("\n") for tick in ax.get_xticklabels()]
    assert [int(count.strip("()").replace(",", "")) for _, count in told] == table["customers"].tolist()
    assert (told[-1][0] == "7+") == (by == "frequency")


def test_what_a_hold_out_cannot_be_drawn_by_is_refused(before, after):
    with pytest.raises(DataError, match="no part of a history: 'spend'"):
        plots.plot_calibration_holdout(BG, before, after, 39, by="spend")
    with pytest.raises(DataError, match="nothing to draw"):
        plots.plot_calibration_holdout({}, before, after, 39)


def test_the_length_of_the_hold_out_stands_at_the_axis(before, after):
    assert plots.plot_calibration_holdout(BG, before, after, "273 days").get_ylabel().endswith("next 273 days")


def test_more_models_than_can_be_told_apart_are_refused(before):
    with pytest.raises(DataError, match="7 lines"):
        plots.plot_purchase_counts({str(k): BG for k in range(7)}, before)


def test_looks_differ_in_colour_stroke_and_mark():
    from patron.plots.style import LINES

    for part in ("color", "linestyle", "marker"):
        assert len({str(look[part]) for look in LINES}) == len(LINES)


def test_counts_refuse_a_frame_in_another_unit(before):
    days = pd.DataFrame(before)
    days.attrs["unit"] = "day"
    with pytest.raises(DataError):
        plots.plot_purchase_counts(BG, days)
