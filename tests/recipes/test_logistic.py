import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from patron._core.errors import FitError
from patron.recipes import TrainingData, recipe
from patron.recipes.logistic import maximum_likelihood

DAY = pd.Timestamp("2024-06-30")


def made(n=4000):
    rng = np.random.default_rng(1)
    x = rng.gamma(2.0, 20.0, n)
    gap = np.where(rng.random(n) < 0.3, np.nan, rng.gamma(2.0, 10.0, n))
    margin = 0.8 * np.log1p(x) - 3.0 + np.where(np.isnan(gap), 1.0, 0.0)
    index = pd.MultiIndex.from_arrays([np.arange(n).astype(str), [DAY] * n], names=["customer_id", "as_of"])
    rows = pd.DataFrame({"silence": x, "gap": gap, "never": 5.0, "unseen": np.nan}, index=index)
    return rows, rows.assign(churned=(rng.random(n) < expit(margin)).astype("int8")), margin


def test_it_finds_the_slope_and_the_weight_of_being_missing():
    today, rows, margin = made()
    fitted = recipe("logistic", "churn").fit(TrainingData(DAY, 91, "day", rows, today, {}, {}))
    assert fitted.columns == ["silence", "gap"]
    assert np.array(fitted.slope) / fitted.scale == pytest.approx([0.8, 0.0], abs=0.12)
    assert logit(fitted.predict(today)) == pytest.approx(margin, abs=0.4)


def test_the_fit_meets_the_mean_of_the_labels():
    today, rows, _ = made()
    fitted = recipe("logistic", "churn").fit(TrainingData(DAY, 91, "day", rows, today, {}, {}))
    assert fitted.predict(today).mean() == pytest.approx(rows["churned"].mean(), abs=1e-6)


def test_maximum_likelihood_of_two_groups_is_their_log_odds():
    intercept, slope = maximum_likelihood(np.repeat([[0.0], [1.0]], 4, axis=0), [0, 0, 0, 1, 1, 1, 1, 0])
    assert intercept == pytest.approx(logit(1 / 4), abs=1e-4)
    assert slope == pytest.approx([logit(3 / 4) - logit(1 / 4)], abs=1e-4)


def test_one_class_is_refused():
    with pytest.raises(FitError, match="churned = 0"):
        maximum_likelihood(np.ones((3, 1)), [0, 0, 0])
