import re

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import ConfigError, DataError
from patron.evaluation.backtest import Backtest
from patron.evaluation.leaderboard import Leaderboard
from patron.evaluation.promotion import best_transaction_model, promote

DAYS = pd.date_range("1998-01-31", periods=8, freq="28D")


def made(task, values, noise=0.0):
    """Build a backtest from {recipe: {metric: values by day}}; noise is that of a recipe's replicates around them."""
    random = np.random.default_rng(0)
    rows, replicates = [], {}
    for recipe, metrics in values.items():
        for metric, by_day in metrics.items():
            for day, value in zip(DAYS, by_day, strict=False):
                cell = value + noise * random.normal(size=200)
                low, high = np.quantile(cell, [0.025, 0.975])
                rows.append((task, recipe, day, "all", metric, value, low, high, 100))
                rows.append((task, recipe, day, "active", metric, 1 - value, low, high, 40))
                replicates[recipe, day, "all", metric] = cell
                replicates[recipe, day, "active", metric] = 1 - cell
    columns = ["task", "recipe", "as_of", "population", "metric", "value", "low", "high", "n"]
    index = pd.MultiIndex.from_tuples(list(replicates), names=["recipe", "as_of", "population", "metric"])
    resampled = pd.DataFrame(list(replicates.values()), index=index)
    return Backtest(task, 28, pd.DataFrame(), pd.DataFrame(rows, columns=columns), resampled)


def churn(noise=0.0, **brier):
    return made("churn", {name: {"brier": values, "log_loss": values} for name, values in brier.items()}, noise)


def value(noise=0.0, **metrics):
    return made("value", {k: dict(zip(("rmse", "gini", "bias"), v, strict=True)) for k, v in metrics.items()}, noise)


RULE = {"churn": ["brier", "log_loss"], "value": ["rmse", "gini"]}


def test_churn_goes_to_the_lowest_mean_of_the_selection_days():
    verdict = promote(churn(steady=[0.10, 0.10, 0.9], wild=[0.08, 0.14, 0.0]), RULE["churn"])
    assert (verdict.champion, verdict.incumbent, verdict.replaced, verdict.note) == ("steady", None, False, "")
    assert list(verdict.table["brier"]) == pytest.approx([0.10, 0.11])
    assert "steady has the best mean Brier score of 2 recipes on 2 days" in verdict.reason


def test_a_tie_goes_to_the_next_metric():
    scores = {"a": {"brier": [0.1, 0.3], "log_loss": [0.5, 0.4]}, "b": {"brier": [0.1, 0.3], "log_loss": [0.4, 0.5]}}
    assert promote(made("churn", scores), RULE["churn"]).champion == "b"


def test_a_metric_that_is_better_high_is_taken_high():
    result = made("churn", {"a": {"auc": [0.7, 0.9]}, "b": {"auc": [0.8, 0.6]}})
    assert promote(result, ["auc"]).champion == "b"


def test_a_single_day_selects_and_reports_and_says_so():
    result = churn(a=[0.2], b=[0.1])
    assert (result.selection_days, result.report_day) == ([DAYS[0]], DAYS[0])
    verdict = promote(result, RULE["churn"])
    assert verdict.champion == "b"
    assert verdict.note == "The only test day, 1998-01-31, both selects and reports."


def test_the_challenger_replaces_an_incumbent_beyond_noise():
    verdict = promote(churn(old=[0.12, 0.12, 0.12], new=[0.11, 0.11, 0.11], noise=0.001), RULE["churn"], "old")
    assert (verdict.champion, verdict.challenger, verdict.replaced) == ("new", "new", True)
    row = verdict.table.loc["new"]
    assert row["difference"] == pytest.approx(-0.01)
    assert row["low"] < row["difference"] < row["high"] < 0
    assert row["days_better"] == 2
    assert "It replaces old" in verdict.reason


def test_within_noise_the_incumbent_stays():
    verdict = promote(churn(old=[0.12, 0.12, 0.12], new=[0.11, 0.11, 0.11], noise=0.01), RULE["churn"], "old")
    assert (verdict.champion, verdict.challenger, verdict.replaced) == ("old", "new", False)
    assert "old, the incumbent, stays: new is not better beyond noise" in verdict.reason


def test_one_great_day_against_two_is_no_majority():
    old, new = [0.12, 0.12, 0.12, 0.5], [0.121, 0.121, 0.05, 0.5]
    verdict = promote(churn(old=old, new=new, noise=1e-4), RULE["churn"], "old")
    assert verdict.table.loc["new", "high"] < 0
    assert verdict.table.loc["new", "days_better"] == 1
    assert verdict.champion == "old"


def test_an_incumbent_that_is_best_stays():
    verdict = promote(churn(old=[0.1, 0.1], new=[0.2, 0.2], noise=0.01), RULE["churn"], "old")
    assert (verdict.champion, verdict.challenger, verdict.replaced) == ("old", "old", False)
    assert "It is the incumbent and stays" in verdict.reason


def test_the_interval_is_of_differences_between_selection_days_alone():
    days = [0.12, 0.12, 0.12]
    calm = promote(churn(old=days, new=[0.11, 0.11, 0.11], noise=0.001), RULE["churn"], "old")
    last = promote(churn(old=days, new=[0.11, 0.11, 0.99], noise=0.001), RULE["churn"], "old")
    pd.testing.assert_frame_equal(calm.table, last.table)


def test_value_goes_to_the_best_mean_rank_among_the_unbiased():
    verdict = promote(
        value(
            shrunk=([1, 9], [0.9, 0], [0.6, 1]),  # best in both, but 40 % short
            both=([3, 9], [0.7, 0], [1.09, 1]),
            close=([2, 9], [0.5, 0], [1.0, 1]),
            ranks=([4, 9], [0.8, 0], [0.95, 1]),
        ),
        RULE["value"],
    )
    # ranks by rmse and gini among the three: both 2, 2; close 1, 3; ranks 3, 1 - a tie, which rmse decides
    assert verdict.champion == "close"
    assert list(verdict.table.index) == ["close", "both", "ranks", "shrunk"]
    assert list(verdict.table["rank"].iloc[:3]) == [2, 2, 2]
    assert not verdict.table.loc["shrunk", "eligible"]
    assert "3 of 4 recipes whose total is within 10% of what was spent" in verdict.reason


def test_the_best_transaction_model_may_widen_the_bound_on_bias():
    recipes = {
        "bg_nbd": ([3, 9], [0.5, 0], [0.8, 1]),
        "lightgbm": ([1, 9], [0.9, 0], [1.19, 1]),
        "last_period": ([4, 9], [0.4, 0], [1.12, 1]),
    }
    verdict = promote(value(**recipes), RULE["value"])
    assert (verdict.champion, verdict.note) == ("lightgbm", "")
    recipes["average"] = recipes.pop("bg_nbd")
    verdict = promote(value(**recipes), RULE["value"])
    assert verdict.champion == "last_period"
    assert verdict.note.startswith("No recipe's total came within 10%")


def test_where_no_recipe_is_unbiased_the_least_biased_serves_and_it_is_said():
    verdict = promote(value(low=([1, 9], [0.9, 0], [0.5, 1]), high=([2, 9], [0.8, 0], [1.3, 1])), RULE["value"])
    assert verdict.champion == "high"
    assert "No recipe's total came within 10% of what was spent; high predicted 1.3 times as much" in verdict.note


def test_a_value_incumbent_is_held_against_in_the_first_metric():
    recipes = {"old": ([10, 10, 9], [0.5, 0.5, 0], [1, 1, 1]), "new": ([10, 10, 9], [0.9, 0.9, 0], [1, 1, 1])}
    assert promote(value(**recipes, noise=0.1), RULE["value"], "old").champion == "old"
    assert promote(value(**recipes, noise=0.001), ["gini", "rmse"], "old").champion == "new"


def test_the_best_transaction_model_is_chosen_on_the_selection_days():
    result = churn(bg_nbd=[0.2, 0.1], base_rate=[0.1, 0.2], lightgbm=[0.1, 0.1])
    assert best_transaction_model(result, RULE["churn"]) == "bg_nbd"
    assert best_transaction_model(churn(base_rate=[0.2, 0.1]), RULE["churn"]) is None


@pytest.mark.parametrize(
    ("metrics", "incumbent", "error", "words"),
    [
        (["rmse"], None, ConfigError, "no metric 'rmse' of churn"),
        ([], None, ConfigError, "first metric"),
        (["ece", "brier"], None, ConfigError, "must have a bootstrap interval"),
        (["brier"], "gone", DataError, "the incumbent 'gone' took no part"),
    ],
)
def test_what_cannot_be_judged_is_refused(metrics, incumbent, error, words):
    with pytest.raises(error, match=words):
        promote(churn(a=[0.1, 0.2]), metrics, incumbent)


def test_the_leaderboard_shows_selection_and_report_beside_each_other():
    result = churn(a=[0.2, 0.1, 0.15], b=[0.1, 0.1, 0.16], noise=0.001)
    board = Leaderboard(result, promote(result, RULE["churn"]))
    row = board.table.loc["b"]
    assert list(board.table.index) == ["b", "a"]
    assert list(board.table["champion"]) == [True, False]
    assert row["brier_selection"] == pytest.approx(0.1)
    assert row["brier_low"] < row["brier"] == 0.16 < row["brier_high"]
    html = board._repr_html_()
    assert ">b *</td>" in html
    assert "0.160<br><small>(0.158 to 0.162)</small>" in html
    assert "<strong>0.150</strong>" in html
    assert Leaderboard(result, board.verdict, population="active").table.loc["b", "brier"] == pytest.approx(0.84)


def test_a_backtest_shows_each_population_the_best_in_bold_and_names_escaped():
    html = value(
        **{"<a>": [[30.0, 31.0], [0.7, 0.8], [1.2, 1.3]], "b": [[30.0, 29.0], [0.8, 0.7], [1.1, 0.9]]}
    )._repr_html_()
    everybody, active = html.split("<table>")[1:]
    assert "all customers (100)" in everybody
    assert "active customers (40)" in active
    assert re.findall("<strong>([^<]+)</strong>", everybody) == ["0.800", "0.900", "29.0"]
    assert "<a>" not in html
    assert html.count(">&lt;a&gt;</td>") == 2
