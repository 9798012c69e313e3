"""Which of what earlier jobs left behind the report takes: that of the latest scores."""

import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from patron.pipeline import reporting
from patron.scoring.kept import Kept

LATEST = Kept("1998-06-30", 2, Path("unread"))


@pytest.fixture
def config(tmp_path):
    return SimpleNamespace(out=tmp_path)


def write(config, what, as_of, version):
    folder = config.out / what / f"as_of={as_of}" / f"version={version}"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"as_of": as_of, "version": version}))
    table = pd.DataFrame({"customer_id": ["NA", "007"], "as_of": pd.Timestamp(as_of)})
    if what == "scores":
        table["recommended_action"] = [f"{as_of}/{version}", "call"]
    table.to_csv(folder / f"{what.removesuffix('s') if what == 'plans' else what}.csv", index=False)


def planned(config):
    plan, told = reporting._plan(config, LATEST)
    return None if plan is None else (told["as_of"], told["version"], plan["recommended_action"].tolist())


def test_the_plan_of_the_latest_scores_comes_before_any_other(config):
    for as_of, version in (("1998-05-31", 1), ("1998-06-30", 2), ("1998-06-30", 3)):
        write(config, "scores", as_of, version)
        write(config, "plans", as_of, version)
    assert planned(config) == ("1998-06-30", 2, ["1998-06-30/2", "call"])


def test_else_it_is_the_latest_plan_whose_scores_stand(config):
    assert planned(config) is None
    write(config, "scores", "1998-06-30", 2)
    for as_of, version in (("1998-04-30", 1), ("1998-05-31", 9), ("1998-05-31", 10), ("1998-06-15", 1)):
        write(config, "plans", as_of, version)
        if as_of != "1998-06-15":
            write(config, "scores", as_of, version)
    assert planned(config) == ("1998-05-31", 10, ["1998-05-31/10", "call"])


def test_movement_is_told_with_the_day_it_starts_from_and_only_if_there_is_one(config):
    moves = pd.DataFrame({"of": ["segment"], "before": ["NA"], "customers": [3]})
    moves.to_csv(config.out / "movement.csv", index=False)
    write(config, "scores", "1998-06-30", 2)
    assert reporting._movement(config, "1998-06-30") == (None, "")  # left by a scoring of a later day
    write(config, "scores", "1998-04-30", 1)
    write(config, "scores", "1998-05-31", 1)
    found, since = reporting._movement(config, "1998-06-30")
    assert since == "1998-05-31"
    pd.testing.assert_frame_equal(found, moves)


def scored(config, as_of, basis="12 months", revenue=(1.0, 2.0), currency="USD", **more):
    folder = config.out / "scores" / f"as_of={as_of}" / "version=1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"currency": currency, **more}))
    table = pd.DataFrame({"customer_id": ["NA", "007"], "expected_revenue": revenue, "clv": 0.5, "clv_basis": basis})
    table.to_csv(folder / "scores.csv", index=False)
    return Kept(as_of, 1, folder), table


def test_the_base_is_told_beside_the_last_scoring_of_an_earlier_day(config):
    scored(config, "1998-04-30", revenue=(9.0, 9.0))
    scored(config, "1998-05-31", revenue=(1.0, 2.0))
    scored(config, "1998-07-31")
    worth = {"revenue": {"expected": 3.0, "low": 2.0, "high": 4.0}, "level": 0.9}
    told, table = scored(config, "1998-06-30", base=worth)
    earlier = {"as_of": "1998-05-31", "customers": 2, "revenue": 3.0, "clv": 1.0}
    assert reporting._base(config, told, table) == worth | {"earlier": earlier}


@pytest.mark.parametrize("other", [{"basis": "6 months"}, {"currency": "EUR"}])
def test_an_earlier_scoring_that_counts_something_else_is_no_comparison(config, other):
    scored(config, "1998-05-31", **other)
    assert reporting._base(config, *scored(config, "1998-06-30")) == {}


def test_a_first_scoring_is_compared_with_nothing(config):
    assert reporting._base(config, *scored(config, "1998-06-30")) == {}
