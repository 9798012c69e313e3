"""The scorer with the real recipes: what holds for the prototypes' formulas must hold for fitted models."""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import patron
from patron._core.errors import DataError
from patron.features import CATALOGUE, features
from patron.models import BetaGeoNBD, GammaGamma
from patron.recipes import RECIPES, recipe
from patron.recipes.training import Timeline
from patron.scoring import Bundle, Input, Scorer

pytestmark = pytest.mark.xdist_group("real bundle")  # each recipe is fitted once
SOME = 10
CONTENT = ["customer_id", "as_of", "churn_probability", "p_alive", "expected_purchases", "spend_per_purchase",
           "expected_revenue", "clv", "row_hash"]  # fmt: skip


@pytest.fixture(scope="module")
def data(cdnow_sample):
    line = Timeline(cdnow_sample, horizon=91, unit="week", grain="day")
    return line.training("1998-03-31", ["1997-11-30", "1997-12-30"])


@pytest.fixture(scope="module")
def today(cdnow_sample):
    return features(cdnow_sample, "1998-06-30", unit="week", grain="day")


@pytest.fixture(scope="module")
def fitted(data):
    """`fitted(task, name)` fits each recipe once."""
    known = {}

    def fit(task, name):
        if (task, name) not in known:
            known[task, name] = recipe(name, task).fit(data)
        return known[task, name]

    return fit


@pytest.fixture
def real(bundle, data, fitted):
    def build(churn, value):
        return Bundle(
            manifest=dataclasses.replace(bundle.manifest, test_horizon=91),
            inputs=tuple(
                Input(name, str(kind), CATALOGUE[name].label, CATALOGUE[name].family)
                for name, kind in data.today.dtypes.items()
            ),
            transaction=BetaGeoNBD().fit(data.counts[data.t]),
            spend=GammaGamma().fit(data.spend[data.t]),
            churn=fitted("churn", churn),
            value=fitted("value", value),
            card="",
        )

    return build


PAIRS = list(itertools.zip_longest(RECIPES["churn"], RECIPES["value"], fillvalue="bg_nbd"))


@pytest.mark.parametrize(("churn", "value"), PAIRS)
def test_every_recipe_comes_back_from_its_folder_and_scores_a_customer_alone_as_in_the_base(
    real, today, tmp_path, churn, value
):
    fresh = real(churn, value)
    fresh.save(tmp_path / "shop")
    scorer = Scorer.load(tmp_path / "shop")
    base = scorer.score(today, reasons_rows=0)
    pd.testing.assert_frame_equal(base[CONTENT], Scorer(fresh).score(today, reasons_rows=0)[CONTENT], check_exact=True)
    chosen = np.random.default_rng(1).choice(len(today), SOME, replace=False)
    alone = pd.concat([scorer.score(today.iloc[[i]], reasons_rows=0) for i in chosen], ignore_index=True)
    pd.testing.assert_frame_equal(alone[CONTENT], base.iloc[chosen].reset_index(drop=True)[CONTENT], check_exact=True)
    halves = pd.concat([scorer.score(part, reasons_rows=0) for part in (today.iloc[1000:], today.iloc[:1000])])
    assert sorted(halves["row_hash"]) == sorted(base["row_hash"])


def test_the_spend_model_cancels_where_the_champion_is_the_transaction_model(real, today):
    table = Scorer(real("bg_nbd", "bg_nbd")).score(today, reasons_rows=0)
    np.testing.assert_allclose(
        table["expected_revenue"], table["expected_purchases"] * table["spend_per_purchase"], rtol=1e-9
    )
    assert (table["clv"] < table["expected_revenue"] * 0.5).all()
    assert (table["clv"] > table["expected_revenue"] * 0.5 / 1.1).all()


def test_p_alive_is_empty_for_one_time_buyers_under_bg_nbd_and_only_for_them(real, today):
    table = Scorer(real("bg_nbd", "bg_nbd")).score(today, reasons_rows=0)
    np.testing.assert_array_equal(table["p_alive"].isna(), today["frequency"] == 0)


def test_reasons_of_the_stack_are_text_for_the_rows_asked_for(real, today):
    table = Scorer(real("stack", "blend")).score(today, reasons_rows=30)
    explained = table[table["reason_1"].notna()]
    loss = table["churn_probability"] * table["expected_revenue"]
    assert len(explained) == 30
    assert loss[explained.index].min() >= loss.drop(explained.index).max()
    assert explained["reason_1"].map(type).eq(str).all()


def test_a_feature_frame_in_days_is_refused_by_a_bundle_in_weeks(real, cdnow_sample):
    with pytest.raises(DataError, match="unit 'day' met a bundle trained with 'week'"):
        Scorer(real("bg_nbd", "bg_nbd")).score(features(cdnow_sample, "1998-06-30"))


NEEDLESS = ("mlflow", "ibis", "duckdb", "sqlglot", "matplotlib", "lifetimes", "pydantic", "jinja2", "typer")
FRESH = """
import sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {needless}:
            raise ImportError(name + " is not needed to score")
sys.meta_path.insert(0, Refused())
import pandas as pd, patron
print(len(patron.Scorer.load({folder!r}).score(pd.read_parquet({rows!r}))))
"""


def test_scoring_needs_neither_engine_nor_tracking(real, today, tmp_path):
    real("stack", "blend").save(tmp_path / "shop")
    rows = today.reset_index()
    rows.attrs = {}
    rows.to_parquet(tmp_path / "rows.parquet")
    script = FRESH.format(needless=NEEDLESS, folder=str(tmp_path / "shop"), rows=str(tmp_path / "rows.parquet"))
    environment = {**os.environ, "PYTHONPATH": str(Path(patron.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout.strip(), done.stderr) == ("2357", "")
