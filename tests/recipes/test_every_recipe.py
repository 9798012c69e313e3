import numpy as np
import pandas as pd
import pytest

from patron._core.errors import ConfigError, DataError
from patron._core.files import digest
from patron.data.readers import read_transactions
from patron.features import LABELS
from patron.recipes import RECIPES, Fitted, Recipe, load_fitted, recipe
from patron.recipes.training import Timeline, training_days

HORIZON = 42
LAST = "2024-11-25"
TREES = {"lightgbm": 1, "stack": 1, "blend": 2, "shape": 2}
ALL = [(task, name) for task, named in RECIPES.items() for name in named]
every_recipe = pytest.mark.parametrize(("task", "name"), ALL, ids=[f"{task}-{name}" for task, name in ALL])
pytestmark = [
    pytest.mark.xdist_group("recipes"),  # they are fitted once
    pytest.mark.filterwarnings("ignore::patron._core.errors.DependenceWarning"),
]


def made(name, task, threads=1):
    return recipe(name, task, **({"num_threads": threads} if name in TREES else {}))


def texts(task, name):
    return [f"{task}.txt", f"{task}.2.txt"][: TREES.get(name, 0)]


@pytest.fixture(scope="session")
def fitted(data):
    return {(task, name): made(name, task).fit(data) for task, name in ALL}


@every_recipe
def test_it_keeps_the_protocol_under_its_own_name(fitted, task, name):
    known = made(name, task)
    assert isinstance(known, Recipe)
    assert isinstance(fitted[task, name], Fitted)
    assert (known.name, known.task) == (name, task)


@every_recipe
def test_it_predicts_a_probability_or_a_spend_for_every_row(fitted, rows, task, name):
    predicted = fitted[task, name].predict(rows)
    assert predicted.shape == (len(rows),)
    assert np.isfinite(predicted).all()
    assert predicted.min() >= 0
    assert task == "value" or predicted.max() <= 1


@every_recipe
def test_what_is_saved_loads_to_the_same_bits(fitted, rows, tmp_path, task, name):
    fitted[task, name].save(tmp_path)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {f"{task}.json", *texts(task, name)}
    loaded = load_fitted(tmp_path, task)
    assert np.array_equal(loaded.predict(rows), fitted[task, name].predict(rows))
    assert type(loaded) is type(fitted[task, name])
    loaded.save(tmp_path / "again")
    assert digest(tmp_path / "again" / f"{task}.json") == digest(tmp_path / f"{task}.json")


@every_recipe
def test_a_customer_alone_gets_what_the_whole_base_gives(fitted, rows, task, name):
    whole = fitted[task, name].predict(rows)
    for i in (0, 5, len(rows) - 1):
        assert fitted[task, name].predict(rows.iloc[[i]])[0] == whole[i]


@every_recipe
def test_the_time_unit_survives_a_frame_that_lost_it(fitted, rows, task, name):
    plain = pd.DataFrame({column: rows[column].to_numpy() for column in rows}, index=rows.index)
    assert np.array_equal(fitted[task, name].predict(plain), fitted[task, name].predict(rows))


@every_recipe
def test_two_fits_with_other_threads_are_the_same_files(fitted, data, tmp_path, task, name):
    fitted[task, name].save(tmp_path / "one")
    again = made(name, task, threads=2).fit(data)
    again.save(tmp_path / "two")
    one, two = ((tmp_path / folder / f"{task}.json").read_text() for folder in ("one", "two"))
    assert one == two.replace('"num_threads": 2', '"num_threads": 1')
    for text in texts(task, name):
        assert digest(tmp_path / "one" / text) == digest(tmp_path / "two" / text)


@pytest.fixture(scope="session")
def with_another_future(data, transactions):
    """The same customers until t, all others and dearer ones after it."""
    early = transactions["time"] <= data.t
    later = transactions[~early].sample(frac=1.0, random_state=0)
    later = later.assign(customer_id=np.roll(later["customer_id"], 1), amount=999.0)
    line = Timeline(read_transactions(pd.concat([transactions[early], later]), observed_until=LAST), HORIZON, "week")
    return line, line.training(data.t, training_days(line.log.first_day, data.t, HORIZON, 28))


def test_the_other_future_has_other_labels(with_another_future, rows, data):
    line, _ = with_another_future
    other = line.test(data.t)
    for label in LABELS:
        assert (other[label] != rows[label]).any()


@every_recipe
def test_no_row_later_than_t_reaches_a_fit(fitted, data, with_another_future, tmp_path, task, name):
    fitted[task, name].save(tmp_path / "one")
    made(name, task).fit(with_another_future[1]).save(tmp_path / "two")
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_churn_with_trees_gives_reasons_and_the_others_have_none(fitted, rows):
    for (task, name), recipe_fitted in fitted.items():
        if task == "churn" and name in TREES:
            reasons = recipe_fitted.reasons(rows.head(50), top=2)
            assert list(reasons) == ["reason_1", "reason_2"]
            assert reasons.index.equals(rows.head(50).index)
            assert reasons["reason_1"].str.endswith("risk)").any()
        else:
            assert not hasattr(recipe_fitted, "reasons")


def test_an_unknown_recipe_or_setting_is_refused_by_name():
    with pytest.raises(ConfigError, match="unknown recipe 'stack' for value"):
        recipe("stack", "value")
    with pytest.raises(ConfigError, match=r"no setting 'leaves'.*num_leaves"):
        recipe("stack", "churn", leaves=3)
    with pytest.raises(ConfigError, match="no setting 'horizon'"):
        recipe("lightgbm", "value", horizon=3)
    with pytest.raises(ConfigError, match="'base_rate' takes no settings"):
        recipe("base_rate", "churn", rate=0.5)


def test_a_file_of_another_recipe_is_refused(fitted, tmp_path):
    fitted["churn", "base_rate"].save(tmp_path)
    with pytest.raises(DataError, match="holds the recipe 'base_rate', not 'overdue'"):
        recipe("overdue", "churn").load(tmp_path)
