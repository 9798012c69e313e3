"""Tests between models reject as often as they say where nothing is to be found, and find what there is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError, NotIdentifiedWarning, UndefinedError
from patron.models import (
    NBD,
    BetaGeoNBD,
    ModifiedBetaGeoNBD,
    ParetoNBD,
    cohort_test,
    likelihood_ratio_test,
    vuong_test,
)

pytestmark = pytest.mark.filterwarnings(f"ignore::{NotIdentifiedWarning.__module__}.NotIdentifiedWarning")

STAYS = NBD.from_params(r=0.8, alpha=8.0, unit="week")
LEAVES = BetaGeoNBD.from_params(r=0.8, alpha=8.0, a=0.8, b=2.4, unit="week")


@pytest.mark.simulation
def test_trap_22_dropout_that_is_not_there_is_found_one_time_in_twenty(summarise):
    """On the boundary the plain chi-square would be wrong; the mixture holds its level."""
    p_values = []
    for seed in range(80):
        frame = summarise(STAYS.sample(200, 30, seed=seed), 30.0)
        p_values.append(likelihood_ratio_test(NBD().fit(frame), ModifiedBetaGeoNBD().fit(frame)).p_value)
    assert np.mean(np.array(p_values) < 0.05) < 0.09
    assert max(p_values) == 1


def test_trap_22_dropout_that_is_there_is_found(summarise):
    frame = summarise(LEAVES.sample(800, 30, seed=1), 30.0)
    for family in (BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD):
        test = likelihood_ratio_test(NBD().fit(frame), family().fit(frame))
        assert test.p_value < 1e-4
        assert test.degrees_of_freedom == 2
        assert test.says.startswith("dropout is needed")


@pytest.mark.simulation
def test_covariates_without_effect_are_found_one_time_in_twenty(summarise):
    rng, found = np.random.default_rng(3), []
    for seed in range(60):
        frame = summarise(LEAVES.sample(300, 30, seed=seed), 30.0).assign(z=rng.normal(size=300))
        plain, full = BetaGeoNBD().fit(frame), BetaGeoNBD(rate_covariates=["z"]).fit(frame)
        found.append(likelihood_ratio_test(plain, full).p_value < 0.05)
    assert sum(found) <= 8


def test_trap_22_models_that_are_not_nested_and_fits_that_a_prior_held_are_refused(cdnow_summary):
    bg, mbg = BetaGeoNBD().fit(cdnow_summary), ModifiedBetaGeoNBD().fit(cdnow_summary)
    with pytest.raises(UndefinedError, match="vuong_test"):
        likelihood_ratio_test(bg, mbg)
    with pytest.raises(UndefinedError, match="no maximum-likelihood fit"):
        likelihood_ratio_test(NBD().fit(cdnow_summary), BetaGeoNBD(prior=2.0).fit(cdnow_summary))
    with pytest.raises(UndefinedError, match="no maximum-likelihood fit"):
        likelihood_ratio_test(STAYS, bg)
    with pytest.raises(DataError, match="different customers"):
        likelihood_ratio_test(NBD().fit(cdnow_summary.iloc[:500]), bg)


def test_trap_22_vuong_says_which_is_closer_either_way_round(summarise, cdnow_summary):
    frame = summarise(LEAVES.sample(3000, 40, seed=2), 40.0)
    models = NBD().fit(frame), BetaGeoNBD().fit(frame)
    one, other = vuong_test(*models, frame), vuong_test(*models[::-1], frame)
    assert one.statistic == -other.statistic < 0
    assert one.p_value == other.p_value < 0.01
    assert one.says.startswith("BetaGeoNBD is closer")
    counts = frame.groupby(["frequency", "recency", "T"]).size().rename("weight").reset_index()
    counts.attrs["unit"] = "week"
    assert vuong_test(*models, counts).statistic == pytest.approx(one.statistic, rel=1e-9)
    close = vuong_test(BetaGeoNBD().fit(cdnow_summary), ModifiedBetaGeoNBD().fit(cdnow_summary), cdnow_summary)
    assert close.says.startswith("neither")
    with pytest.raises(UndefinedError, match="say the same"):
        vuong_test(models[0], models[0], frame)


@pytest.mark.simulation
def test_cohorts_that_behave_alike_pass_and_others_do_not(summarise):
    found = []
    for seed in range(30):
        frame = summarise(LEAVES.sample(600, 30, seed=seed), 30.0).assign(cohort=np.arange(600) % 2)
        found.append(cohort_test(BetaGeoNBD(), frame, "cohort"))
    assert all(test.degrees_of_freedom == 4 for test in found)
    assert sum(test.p_value < 0.05 for test in found) <= 5
    eager = BetaGeoNBD.from_params(r=0.8, alpha=4.0, a=0.8, b=2.4, unit="week")
    parts = [summarise(model.sample(600, 30, seed=9), 30.0) for model in (LEAVES, eager)]
    both = pd.concat([part.assign(cohort=i) for i, part in enumerate(parts)], ignore_index=True)
    both.attrs["unit"] = "week"
    test = cohort_test(BetaGeoNBD(), both, "cohort")
    assert test.p_value < 1e-6
    assert test.says.startswith("cohorts differ")


def test_cohorts_that_cannot_be_tested_are_named(cdnow_summary):
    with pytest.raises(UndefinedError, match="one cohort only"):
        cohort_test(BetaGeoNBD(), cdnow_summary.assign(cohort=1), "cohort")
    with pytest.raises(UndefinedError, match="without prior"):
        cohort_test(BetaGeoNBD(prior=1.0), cdnow_summary.assign(cohort=1), "cohort")


def test_trap_22_aic_is_twice_the_parameters_less_twice_the_likelihood(cdnow_summary):
    model = BetaGeoNBD().fit(cdnow_summary)
    assert model.aic_ == 8 - 2 * model.log_likelihood_
    held = BetaGeoNBD(prior=2.0).fit(cdnow_summary)
    with pytest.raises(UndefinedError, match="no AIC"):
        _ = held.aic_
    assert held.standard_errors_.isna().all()


def test_trap_06_a_weak_prior_moves_cdnow_little_and_rescues_few_customers(cdnow_summary, histories):
    free, held = BetaGeoNBD().fit(cdnow_summary), BetaGeoNBD(prior=2.0).fit(cdnow_summary)
    assert abs(np.log(held.params_ / free.params_)).max() < 0.05
    assert held.log_likelihood_ == pytest.approx(free.log_likelihood_, abs=0.01)
    assert "prior" in held.summary()["note"].iloc[0]
    few = histories([1, 2, 0, 3], [9, 30, 0, 29], [30, 31, 32, 33])
    rescued = BetaGeoNBD(prior=1.0).fit(few)
    assert rescued.not_identified_ == {}
    assert np.isfinite(rescued.covariance_).all(axis=None)
    assert rescued.purchases_interval(few, 10, of="base")["high"].iloc[0] > 0
