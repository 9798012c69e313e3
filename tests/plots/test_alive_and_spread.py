"""What silence says, and how customers differ: curves at points that can be checked by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from patron import plots
from patron._core.errors import DataError
from patron.features import rfm_summary
from patron.features.daily import gaps
from patron.models import NBD, BetaGeoBetaBinomial, BetaGeoCNBD, BetaGeoNBD, GammaGamma, ModifiedBetaGeoNBD, ParetoNBD
from patron.models.goodness import spend_counts
from patron.plots.alive import alive_by_day
from patron.plots.spread import share_up_to

BG = BetaGeoNBD.from_params(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259, unit="week")
PARETO = ParetoNBD.from_params(r=0.5533, alpha=10.5777, s=0.6062, beta=11.668, unit="week")


def drawn(ax):
    return {line.get_label(): np.asarray(line.get_ydata()) for line in ax.get_lines()}


@pytest.mark.parametrize("day", ["1997-01-01", "1997-01-17", "1997-01-18", "1997-09-30"])
def test_each_day_of_a_history_shows_what_was_known_then(cdnow_sample, day):
    path = drawn(plots.plot_history_alive({"pareto": PARETO}, cdnow_sample, "00004"))["pareto"]
    frame = rfm_summary(cdnow_sample, day, unit="week").loc[["00004"]]
    place = (pd.Timestamp(day) - pd.Timestamp("1997-01-01")).days
    assert path[place] == pytest.approx(PARETO.probability_alive(frame).iloc[0])


def test_a_history_ends_with_the_log_and_marks_its_purchases(cdnow_sample):
    ax = plots.plot_history_alive(BG, cdnow_sample.until("1997-09-30"), "00004")
    assert len(drawn(ax)["BetaGeoNBD"]) == 273
    assert len(ax.collections[0].get_segments()) == 3


def test_purchases_of_one_day_are_one_and_no_history_is_refused():
    until = 19_000
    days = pd.to_datetime(["2021-01-01", "2021-01-01", "2021-02-01"])
    pd.testing.assert_series_equal(alive_by_day(BG, days, until), alive_by_day(BG, days.unique(), until))
    with pytest.raises(DataError, match="not bought yet"):
        alive_by_day(BG, days, 10_000)


def test_silence_tells_more_of_who_bought_more_often():
    lines = drawn(plots.plot_silence(PARETO, frequencies=[1, 9]))
    once, often = lines["1 repeat purchase"], lines["9 repeat purchases"]
    assert (once[20:] > often[20:]).all()
    frame = pd.DataFrame({"frequency": [9], "recency": [26.0], "T": [52.0]})
    frame.attrs["unit"] = "week"
    assert often[60] == pytest.approx(PARETO.probability_alive(frame).iloc[0])


def test_lines_of_equal_value_lie_where_the_value_is():
    ax = plots.plot_iso_value(PARETO, T=40.0, horizon=52, discount_rate=0.15)
    lines = ax.collections[1]
    level, points = next(
        (level, path.vertices) for level, path in zip(lines.levels, lines.get_paths(), strict=True) if level == 1
    )
    inside = points[np.isclose(points[:, 1] % 1, 0)][::5]  # on a whole frequency the grid is fine
    assert len(inside) > 2
    frame = pd.DataFrame({"frequency": inside[:, 1].round().astype(int), "recency": inside[:, 0], "T": 40.0})
    frame.attrs["unit"] = "week"
    assert PARETO.discounted_purchases(frame, 52, 0.15).to_numpy() == pytest.approx(level, rel=0.02)


def test_levels_of_equal_value_are_round_numbers():
    levels = plots.plot_iso_value(BG).collections[1].levels
    assert {f"{level:.0e}"[0] for level in levels} <= {"1", "2", "5"}
    assert len(levels) >= 5


@pytest.mark.parametrize(
    ("model", "trait", "spread", "label"),
    [
        (BG, "buying", stats.gamma(0.2426, scale=1 / 4.4136), "purchases a week while alive"),
        (BG, "leaving", stats.beta(0.7929, 2.4259), "chance to leave after a purchase"),
        (PARETO, "leaving", stats.gamma(0.6062, scale=1 / 11.668), "departures a week"),
        (
            BetaGeoCNBD.from_params(k=2, r=0.8, alpha=3.0, a=0.8, b=2.4, unit="week"),
            "buying",
            stats.gamma(0.8, scale=1 / 6.0),
            "purchases a week while alive",
        ),
        (
            BetaGeoBetaBinomial.from_params(alpha=1.2, beta=0.75, gamma=0.66, delta=2.78, unit="year"),
            "leaving",
            stats.beta(0.66, 2.78),
            "chance to leave before a year",
        ),
    ],
)
def test_shares_are_those_of_the_models_distribution(model, trait, spread, label):
    at = np.array([0.001, 0.03, 0.4])
    assert share_up_to(model, trait, at) == pytest.approx(spread.cdf(at))
    ax = plots.plot_rates(model, trait)
    (line,) = ax.get_lines()
    assert line.get_ydata() == pytest.approx(spread.cdf(line.get_xdata()))
    assert ax.get_xlabel() == label


def test_what_is_measured_differently_is_not_drawn_over_each_other():
    with pytest.raises(DataError, match="measure it differently"):
        plots.plot_rates({"bg": BG, "pareto": PARETO}, "leaving")
    with pytest.raises(DataError, match="measure it differently"):
        plots.plot_rates({"weeks": BG, "days": NBD.from_params(r=0.4, alpha=80.0, unit="day")})
    with pytest.raises(DataError, match="never leave"):
        plots.plot_rates(NBD.from_params(r=0.4, alpha=80.0, unit="day"), "leaving")
    with pytest.raises(DataError, match="no trait"):
        plots.plot_rates(BG, "spending")


def test_several_models_are_drawn_in_their_order():
    mbg = ModifiedBetaGeoNBD.from_params(r=0.5248, alpha=6.1831, a=0.8914, b=1.614, unit="week")
    assert list(drawn(plots.plot_rates({"MBG": mbg, "BG": BG}, "leaving"))) == ["MBG", "BG"]


def test_spend_is_counted_in_bars_and_expected_in_the_same(cdnow_sample):
    summary = rfm_summary(cdnow_sample, "1997-09-30")
    model = GammaGamma.from_params(p=6.25, q=3.74, v=15.44)
    ax = plots.plot_spend_fit(model, summary, currency="USD")
    edges = [*(bar.get_x() for bar in ax.patches), ax.patches[-1].get_x() + ax.patches[-1].get_width()]
    table = spend_counts(model, summary, edges)
    assert [bar.get_height() for bar in ax.patches] == table["actual"].tolist()
    assert drawn(ax)["GammaGamma"] == pytest.approx(table["expected"].to_numpy())
    assert table["actual"].sum() > 0.99 * (summary["monetary_value"] > 0).sum()


def test_bars_count_every_gap_and_lines_cut_off_half_and_nine_tenths(cdnow_sample):
    ax = plots.plot_gaps(cdnow_sample.until("1997-04-30"), unit="day")
    counts = gaps(cdnow_sample.until("1997-04-30"))
    heights = np.array([bar.get_height() for bar in ax.patches])
    assert heights[counts.index - 1].tolist() == counts.tolist()
    assert heights.sum() == counts.sum()
    days = np.repeat(counts.index, counts)
    half, most = (line.get_xdata()[0] for line in ax.get_lines())
    assert (days <= half).mean() >= 0.5 > (days < half).mean()
    assert (days <= most).mean() >= 0.9 > (days < most).mean()
    weeks = plots.plot_gaps(cdnow_sample.until("1997-04-30"))
    assert weeks.patches[0].get_height() == counts[counts.index <= 7].sum()


def test_no_gap_is_no_plot(cdnow_sample):
    with pytest.raises(DataError, match="nobody bought again"):
        plots.plot_gaps(cdnow_sample.until("1997-01-01"))
