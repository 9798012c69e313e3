import numpy as np
import pandas as pd
import pytest

from patron._core.errors import ConfigError, DataError
from patron.evaluation.backtest import Backtest
from patron.evaluation.profit import maximum_profit, profit_by_fraction
from patron.metrics import Campaign, empb

DAYS = pd.to_datetime(["2024-01-31", "2024-02-29"])
CAMPAIGN = Campaign(contact=2.0)


@pytest.fixture(scope="module")
def tested():
    random = np.random.default_rng(0)
    n = 300
    frames = []
    for day in DAYS:
        risk = random.uniform(size=n)
        churned = (random.uniform(size=n) < risk).astype(float)
        for recipe, prediction in {"knows": risk, "guesses": random.uniform(size=n), "same": np.full(n, 0.5)}.items():
            customer = [f"C{k}" for k in range(n)]
            columns = {"recipe": recipe, "as_of": day, "customer_id": customer}
            frames.append(pd.DataFrame({**columns, "prediction": prediction, "actual": churned}))
    frame = pd.concat(frames, ignore_index=True)
    values = frame[frame["recipe"] == "same"].set_index(["customer_id", "as_of"])
    values = pd.Series(random.gamma(1.0, 100.0, len(values)), values.index)
    return Backtest("churn", 28, frame, frame[["recipe", "as_of"]].drop_duplicates(), pd.DataFrame()), values


def test_each_customer_has_the_value_of_that_day_in_whatever_order_they_come(tested):
    result, values = tested
    table = maximum_profit(result, values.sample(frac=1, random_state=0), CAMPAIGN).set_index(["recipe", "as_of"])
    assert len(table) == 6
    for (recipe, day), rows in result.predictions.groupby(["recipe", "as_of"]):
        value = values.xs(day, level="as_of").loc[rows["customer_id"]]
        found = table.loc[(recipe, day)]
        assert found[["profit", "fraction"]].to_list() == list(
            empb(rows["actual"], rows["prediction"], value, CAMPAIGN)
        )
        assert found["n"] == 300


def test_who_knows_the_risk_earns_most(tested):
    profit = maximum_profit(*tested, CAMPAIGN).groupby("recipe")["profit"].mean()
    assert profit["knows"] > 1.05 * max(profit["guesses"], profit["same"])


def test_the_curve_begins_at_nothing_ends_where_all_are_contacted_and_stays_below_the_maximum(tested):
    curve = profit_by_fraction(*tested, CAMPAIGN)
    assert len(curve) == 6 * 101
    assert (curve.loc[curve["fraction"] == 0, "profit"] == 0).all()
    ends = curve[curve["fraction"] == 1].groupby("as_of")["profit"]
    assert ((ends.max() - ends.min()) < 1e-9).all()
    tops = curve.groupby(["recipe", "as_of"])["profit"].max()
    best = maximum_profit(*tested, CAMPAIGN).set_index(["recipe", "as_of"])["profit"]
    assert (tops <= best.loc[tops.index]).all()
    assert tops["knows"].mean() > 0.9 * best["knows"].mean()


def test_a_customer_without_a_value_or_with_two_is_refused(tested):
    result, values = tested
    with pytest.raises(DataError, match=r"without a value on 2024-02-29.*300 rows"):
        maximum_profit(result, values.xs(DAYS[0], level="as_of", drop_level=False))
    with pytest.raises(DataError, match="two values"):
        maximum_profit(result, pd.concat([values, values.head(1)]))


def test_only_churn_is_ranked(tested):
    result, values = tested
    with pytest.raises(ConfigError, match="backtest churn"):
        profit_by_fraction(Backtest("value", 28, result.predictions, result.table, result.replicates), values)
