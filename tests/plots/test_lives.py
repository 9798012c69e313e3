import numpy as np
import pandas as pd
import pytest

from patron import plots
from patron._core.errors import DataError
from patron.features.daily import purchase_days_of_some
from patron.models import BetaGeoNBD, ParetoNBD

BG = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
PARETO = ParetoNBD.from_params(r=0.553, alpha=10.58, s=0.606, beta=11.67, unit="week")


def test_each_customer_s_purchases_are_marked_the_last_one_apart(cdnow_sample):
    ax = plots.plot_timelines(cdnow_sample, customers=40)
    last, earlier = ax.lines
    drawn = pd.DataFrame(
        {
            "customer": np.concatenate([last.get_ydata(), earlier.get_ydata()]),
            "day": pd.to_datetime(np.concatenate([last.get_xdata(), earlier.get_xdata()])),
        }
    )
    wanted = purchase_days_of_some(cdnow_sample, 40)
    assert len(last.get_xdata()) == 40
    assert drawn.sort_values(["customer", "day"])["day"].to_list() == wanted["day"].to_list()
    (lines,) = ax.collections
    starts = [segment[0][1] for segment in lines.get_segments()]
    assert starts == sorted(starts)


def test_those_drawn_are_spread_over_all_first_purchases_and_a_small_log_is_drawn_whole(cdnow_sample, made_log):
    firsts = purchase_days_of_some(cdnow_sample, 20).groupby("customer")["day"].min()
    assert firsts.is_monotonic_increasing
    assert firsts.iloc[[0, -1]].astype(str).to_list() == ["1997-01-01", "1997-03-25"]
    assert purchase_days_of_some(made_log, 20)["customer"].nunique() == made_log.n_customers
    with pytest.raises(DataError, match="nobody to draw"):
        plots.plot_timelines(cdnow_sample, customers=0)


@pytest.fixture
def made_log():
    import patron

    rows = {"customer_id": ["a", "a", "b"], "time": ["2024-01-01", "2024-01-08", "2024-01-03"], "amount": 1.0}
    return patron.read_transactions(pd.DataFrame(rows))


def test_a_new_customer_is_expected_to_buy_what_the_models_say():
    ax = plots.plot_expected_purchases({"BG/NBD": BG, "Pareto/NBD": PARETO}, until=39)
    for line, model in zip(ax.lines, (BG, PARETO), strict=True):
        age, expected = line.get_xdata(), line.get_ydata()
        wanted = [model.expected_purchases(model.new_customer(), float(one)).iloc[0] for one in age[[7, 140, -1]]]
        assert expected[[7, 140, -1]] == pytest.approx(wanted, rel=1e-7)
        assert age[-1] == 39


def test_models_in_different_units_are_refused():
    days = BetaGeoNBD.from_params(r=0.243, alpha=30.0, a=0.793, b=2.426, unit="day")
    with pytest.raises(DataError, match="different units"):
        plots.plot_expected_purchases({"weeks": BG, "days": days})
