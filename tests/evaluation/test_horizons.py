import numpy as np
import pandas as pd
import pytest

from patron import ConfigError, DataError, read_transactions
from patron._core.calendar import date_of
from patron.evaluation import label_sensitivity, suggest_horizon
from patron.evaluation.horizons import SuggestedHorizon, _outlast


def log(days_of, until="1998-12-31"):
    """`days_of` maps a customer to day numbers counted from 1998-01-01."""
    first = pd.Timestamp("1998-01-01")
    rows = [(who, first + pd.Timedelta(days=int(day)), 1.0) for who, days in days_of.items() for day in days]
    return read_transactions(pd.DataFrame(rows, columns=["customer_id", "time", "amount"]), observed_until=until)


SILENT = {
    "gone": [0, 10, 50],
    "late": [0, 30, 60, 140],
    "often": list(range(0, 360, 5)),
    "once": [20],
}


def test_each_share_is_counted_as_it_says():
    # on day 100: 'gone' and 'once' never return, 'late' does 40 days later
    found = label_sensitivity(log(SILENT), "1998-04-11", ["28 days", "56 days"]).set_index("horizon")
    assert found["customers"].tolist() == [4, 4]
    assert found["churn_rate"].tolist() == [3 / 4, 2 / 4]
    assert found["returned"].tolist() == pytest.approx([1 / 3, 0.0])
    assert found["slower"].tolist() == pytest.approx([1 / 3, 0.0])  # mean gaps 25, 30 and 5
    assert np.isnan(found["agreement"].iloc[0])
    assert found["agreement"].iloc[1] == 3 / 4


def test_what_is_not_observed_is_not_counted():
    small = log(SILENT, until="1998-12-27")  # its last day is 360
    day = date_of(small.observed_until - 60)
    found = label_sensitivity(small, day, ["28 days", "60 days"]).set_index("horizon")
    assert found["returned"].notna().tolist() == [True, False]
    with pytest.raises(DataError, match="not wholly observed"):
        label_sensitivity(small, day, ["61 days"])
    with pytest.raises(ConfigError, match="fixed length"):
        label_sensitivity(small, day, ["3 months"])


def test_days_and_horizons_are_sorted_and_each_told_once(cdnow_sample):
    found = label_sensitivity(cdnow_sample, ["1997-12-30", "1997-09-30"], ["8 weeks", "28 days", "4 weeks"])
    assert found["horizon"].tolist() == [28, 56, 28, 56]
    assert found["as_of"].is_monotonic_increasing
    assert (found.groupby("as_of")["churn_rate"].diff().dropna() <= 0).all()


def test_the_product_limit_estimate_is_kaplan_and_meiers():
    # their own example: deaths at .8, 3.1, 5.4, 9.2; losses at 1.0, 2.7, 7.0, 12.1 (here in tenths)
    ended, censored = (np.bincount(at, minlength=130) for at in ([8, 31, 54, 92], [10, 27, 70, 121]))
    alive = _outlast(ended, censored)
    assert [alive[t] for t in (7, 8, 31, 54, 92, 129)] == pytest.approx([1, 0.875, 0.7, 0.525, 0.2625, 0.2625])


@pytest.mark.simulation
def test_open_gaps_do_not_make_customers_look_faster():
    rng = np.random.default_rng(5)
    gaps = rng.geometric(1 / 40, (3_000, 40))  # mean 40 days; nine tenths end within 92
    starts = rng.integers(0, 300, 3_000)
    days = starts[:, None] + np.c_[np.zeros(3_000, int), gaps.cumsum(axis=1)]
    bought = {f"{i}": row[row <= 364] for i, row in enumerate(days)}
    found = suggest_horizon(log(bought))
    assert found.days in (84, 91, 98)
    assert found.longer <= 0.10
    ended = np.concatenate([np.diff(row) for row in bought.values()])
    assert np.quantile(ended, 0.9) < 80  # what leaving the open gaps out would say


def test_customers_who_have_left_do_not_make_the_others_slow():
    rng = np.random.default_rng(6)
    days = np.c_[np.zeros(2_000, int), rng.geometric(1 / 10, (2_000, 3)).cumsum(axis=1)]  # then never again
    found = suggest_horizon(log({f"{i}": row for i, row in enumerate(days)}, until="1999-12-31"))
    assert found.days in (21, 28)


def test_the_log_must_be_able_to_test_what_is_suggested():
    found = suggest_horizon(log({"a": [0, 100, 110], "b": [0, 90]}, until="1998-04-21"))
    assert found.days == 35  # of 111 days
    assert "111" in found.reason
    with pytest.raises(DataError, match="no horizon of a week"):
        suggest_horizon(log({"a": [0, 5]}, until="1998-01-10"))
    with pytest.raises(DataError, match="two days"):
        suggest_horizon(log({"a": [0], "b": [7]}))


def test_only_what_was_known_on_the_day_counts(cdnow_sample):
    day = "1997-12-30"
    assert suggest_horizon(cdnow_sample, day) == suggest_horizon(cdnow_sample.until(day))
    assert suggest_horizon(cdnow_sample, day).days < suggest_horizon(cdnow_sample).days


@pytest.mark.parametrize(("days", "far"), [(13, True), (14, False), (28, False), (56, False), (57, True)])
def test_far_is_more_than_twofold(days, far):
    assert SuggestedHorizon(28, 0.1, "").far_from(days) == far
