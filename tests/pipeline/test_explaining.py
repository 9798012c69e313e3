"""What training tells of its champions: whole, of held-out customers, and of none by name."""

import pandas as pd
import pytest

from patron.evaluation import backtest
from patron.evaluation.explain import HISTORY
from patron.metrics import METRICS
from patron.pipeline import explaining
from patron.pipeline.explaining import Kept, explain, pictures
from patron.recipes import recipe
from patron.recipes.training import Timeline

RULES = {"churn": "brier", "value": "mae"}


class Half:
    def predict(self, rows):
        return [0.5] * len(rows)


@pytest.fixture(scope="module")
def told(cdnow_sample):
    """A day more is tested of value than of churn."""
    line = Timeline(cdnow_sample, 91, "week", "day", "core")
    days = {"churn": ["1998-03-03"], "value": ["1998-03-03", "1998-03-31"]}
    names = {"churn": "logistic", "value": "mbg_nbd"}
    kept = {task: Kept(recipe(name, task)) for task, name in names.items()}
    results = {task: backtest(line.log, task, "91 days", days[task], [kept[task]], timeline=line) for task in days}
    return results, kept, explain(results, kept, {91: line}, RULES)


def test_what_is_explained_is_what_was_judged_on_the_report_day(told):
    results, kept, tables = told
    for task, result in results.items():
        last = result.table[(result.table["as_of"] == result.report_day) & (result.table["population"] == "all")]
        metric = METRICS[task][RULES[task]]
        judged = metric.loss(last.set_index("metric").loc[RULES[task], "value"])
        importance = tables["importance"][tables["importance"]["task"] == task]
        assert importance["loss"].to_numpy() == pytest.approx(judged)
        assert kept[task].name == result.recipes[0]


def test_where_the_metric_does_not_exist_nothing_is_told_of_importance(told):
    results, _, tables = told
    rows = pd.DataFrame({"spend_90": [1.0, 2.0]}, index=results["churn"].predictions.index[:2])
    assert explaining._importance(Half(), rows, pd.Series([1, 1]), METRICS["churn"]["auc"]) == []
    none = {**tables, "importance": tables["importance"].head(0), "dependence": tables["dependence"].head(0)}
    assert not any("importance" in name for name in pictures(none, RULES, "USD"))


def test_families_come_first_and_features_of_those_that_matter(told):
    importance = told[2]["importance"]
    value = importance[importance["task"] == "value"]
    assert set(value["level"]) == {"family"}  # a transaction model reads the history alone, and that is one
    assert value["name"].iloc[0] == HISTORY
    churn = importance[(importance["task"] == "churn") & (importance["level"] == "feature")]
    assert len(churn) > 0
    assert not set(churn["name"]) & {"frequency", "recency", "T", "monetary_value"}
    dependence = told[2]["dependence"]
    assert set(dependence["task"]) == {"churn"}
    assert dependence["feature"].unique().tolist() == churn["name"].head(3).tolist()


def test_errors_add_up_to_the_backtest(told):
    results, _, tables = told
    for (task, _, day), part in tables["errors"].groupby(["task", "by", "as_of"]):
        past = results[task].predictions
        past = past[past["as_of"] == day]
        assert part["n"].sum() == len(past)
        assert (part["n"] * part["actual"]).sum() == pytest.approx(past["actual"].sum())
        assert (part["n"] * part["predicted"]).sum() == pytest.approx(past["prediction"].sum())
    assert tables["errors"].groupby("task")["by"].unique().map(list).to_dict() == {
        "churn": ["cohort", "tenth"],
        "value": ["cohort", "tenth"],
    }


def test_tenths_are_of_the_value_that_was_predicted(told):
    tenth = told[2]["errors"].query("task == 'value' and by == 'tenth'")
    assert tenth.groupby("as_of")["predicted"].agg(lambda means: means.is_monotonic_increasing).all()
    assert tenth.groupby("as_of")["group"].first().tolist() == ["1", "1"]


def test_lift_and_calibration_are_told_of_each_day(told):
    results, _, tables = told
    past = results["churn"].predictions
    assert tables["calibration"].groupby("as_of")["customers"].sum().tolist() == [len(past)]
    lift = tables["lift"]
    assert lift["found"].is_monotonic_increasing
    tenth = lift.loc[lift["called"] == 0.1, "found"].iloc[0] / 0.1
    board = results["churn"].table.query("population == 'all' and metric == 'lift_10'")
    assert tenth == pytest.approx(board["value"].iloc[0], rel=0.02)


def test_no_customer_is_in_a_table_and_every_table_has_its_picture(told):
    results, _, tables = told
    ids = set(results["churn"].predictions["customer_id"])
    for table in tables.values():
        assert not ids & set(table.astype(str).to_numpy().ravel())
    assert set(pictures(tables, RULES, "USD")) == {
        "importance_churn.png",
        "importance_value.png",
        *(f"dependence_churn_{place}.png" for place in range(1, tables["dependence"]["feature"].nunique() + 1)),
        *(f"errors_{task}_by_{by}.png" for task in RULES for by in ("cohort", "tenth")),
    }


def test_tables_read_back_as_they_were_written(told, tmp_path):
    for name, table in told[2].items():
        table.to_csv(tmp_path / "table.csv", index=False)
        assert list(pd.read_csv(tmp_path / "table.csv").columns) == list(table.columns), name
