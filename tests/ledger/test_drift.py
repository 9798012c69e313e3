"""Drift: beyond what training days differ by, beyond chance, and never by mere ageing."""

import numpy as np
import pandas as pd
import pytest

from patron.features import CATALOGUE
from patron.features.named import of_events
from patron.ledger import drift, grows_with_age

rng = np.random.default_rng(0)


def day(mean=10.0, n=500, seed=0):
    return pd.DataFrame({"spend_90": np.random.default_rng(seed).gamma(2, mean, n)})


def moved(today, *past, **options):
    return drift(today, dict(enumerate(past)), {"spend_90": "input"}, **options)


def test_a_shift_beyond_the_floor_is_drift_and_one_between_training_days_is_not():
    calm, restless = [day(seed=1), day(seed=2)], [day(10, seed=1), day(25, seed=2)]
    today = day(25, seed=3)
    assert moved(today, *calm)["drifted"].item()
    table = moved(today, *restless)
    assert table["psi"].item() > 0.1
    assert not table["drifted"].item()


@pytest.mark.simulation
def test_the_noise_floor_is_what_chance_gives_in_a_twentieth_of_cases():
    above = []
    for seed in range(0, 400, 2):
        table = moved(day(n=200, seed=seed), day(n=200, seed=seed + 1))
        above.append(table["psi"].item() > table["noise"].item())
    assert 0.01 <= np.mean(above) <= 0.10


def test_age_like_features_are_left_out():
    left_out = {name for name, feature in CATALOGUE.items() if grows_with_age(name, feature.family)}
    assert {"T", "recency", "days_since_last", "frequency", "spend_total", "overdue_ratio"} <= left_out
    assert not {"spend_90", "purchases_30", "gap_mean", "monetary_value", "basket_value"} & left_out
    events = {feature.name: grows_with_age(feature.name, feature.family) for feature in of_events("call")}
    assert events == {"events_call_30": False, "events_call_90": False, "events_call_since": True}


def test_customers_for_whom_a_feature_went_missing_are_drift():
    today = day(seed=3).mask(np.random.default_rng(1).uniform(size=(500, 1)) < 0.4)
    assert moved(today, day(seed=1), day(seed=2))["drifted"].item()


def test_a_day_on_which_the_window_began_before_the_log_does_not_count():
    empty = day().assign(spend_90=np.nan)
    table = moved(day(seed=3), empty, day(seed=1), day(seed=2))
    assert table["psi"].item() == pytest.approx(moved(day(seed=3), day(seed=1), day(seed=2))["psi"].item())
    assert moved(empty, day()).empty
    assert moved(day(), empty).empty


def test_a_constant_that_stays_is_still_and_one_that_moves_is_drift():
    one = pd.DataFrame({"spend_90": np.ones(300)})
    assert moved(one, one)["psi"].item() == 0
    assert moved(one + 1, one, one)["drifted"].item()


def test_many_customers_do_not_make_a_small_shift_matter():
    table = moved(day(10.5, 100_000, seed=1), day(10, 100_000, seed=2))
    assert table["psi"].item() > table["noise"].item()
    assert not table["drifted"].item()
