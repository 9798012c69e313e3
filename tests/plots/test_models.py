import numpy as np
import pandas as pd
import pytest

from patron import plots
from patron.models import BetaGeoNBD


@pytest.fixture
def model():
    return BetaGeoNBD.from_params(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259, unit="week")


def cells(ax):
    return np.asarray(ax.collections[0].get_array())


def test_the_map_shows_what_the_model_expects(model):
    ax = plots.plot_frequency_recency(model, 39, T=60.0, max_frequency=5)
    one = pd.DataFrame({"frequency": [0, 4], "recency": [0.0, 30.5], "T": [60.0, 60.0]})
    one.attrs["unit"] = "week"
    one_time, repeat = model.expected_purchases(one, 39)
    values = cells(ax)
    assert values.shape == (6, 60)
    assert values[0] == pytest.approx(np.full(60, one_time))
    assert values[4, 30] == pytest.approx(repeat)


def test_more_and_later_purchases_mean_more_to_come(model):
    values = cells(plots.plot_frequency_recency(model, 39))
    assert values[20, -1] == values.max()
    assert (np.diff(values[5]) > 0).all()


def test_one_time_buyers_are_left_out_of_the_chance_of_being_alive(model):
    ax = plots.plot_probability_alive(model, max_frequency=7)
    assert cells(ax).shape[0] == 7
    assert ax.get_ylim()[0] == 0.5
    assert cells(ax).max() < 1


@pytest.mark.parametrize("unit", ["day", "week", "month", "year"])
def test_customers_are_a_year_old_in_the_unit_of_the_model(unit):
    model = BetaGeoNBD.from_params(r=0.24, alpha=4.4, a=0.79, b=2.4, unit=unit)
    observed = {"day": 365, "week": 52, "month": 12, "year": 1}[unit]
    assert (
        plots.plot_probability_alive(model).get_xlabel() == f"age at the last purchase ({unit}s), {observed} observed"
    )


@pytest.mark.parametrize(
    ("horizon", "words"),
    [(39, "the next 39 weeks"), ("90 days", "the next 90 days"), ((13, 26), "weeks 13 to 26")],
)
def test_the_title_names_the_horizon(model, horizon, words):
    assert plots.plot_frequency_recency(model, horizon).get_title(loc="left") == f"Purchases in {words}"
