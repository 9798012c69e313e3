from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from patron.scoring import Input, card


@pytest.fixture
def write(manifest):
    def write(leaderboard=None, **changes):
        return card(
            dataclasses.replace(manifest, **changes),
            [Input("T", "float64", "days since the first purchase", "age")],
            transaction="BG/NBD",
            spend="Gamma-Gamma",
            leaderboard=leaderboard,
        )

    return write


def test_the_card_says_what_the_model_is_and_on_what_it_was_trained(write):
    text = write()
    assert text.startswith("# shop, version 3\n")
    for fact in (
        "`silence`",
        "`basket`",
        "BG/NBD, time in weeks",
        "| Customers | 2,357 |",
        "1997-12-02, 1997-12-30",
        "`T`",
    ):
        assert fact in text
    assert "No backtest was run." in text


def test_the_card_warns_of_what_is_easily_misread(write):
    text = write(margin=1.0)
    assert "`p_alive` is empty where" in text
    assert "`churn_probability` is not 1 - `p_alive`" in text
    assert "12 months; margin 1.0; 10 %/yr (annual effective rate" in text
    assert "revenue, not margin" in text
    assert "revenue, not margin" not in write(margin=0.5)


def test_the_card_tells_how_to_load_it(write):
    assert 'patron.Scorer.load("models/shop")' in write()
    assert 'as_of="1998-03-31", unit="week", grain="day"' in write()


def test_the_card_shows_the_last_test_day_with_the_champion_marked(write):
    board = pd.DataFrame(
        [
            ("churn", "overdue", "1998-03-31", "all", "brier", 0.2),
            ("churn", "silence", "1998-02-28", "all", "brier", 0.9),
            ("churn", "silence", "1998-03-31", "all", "brier", 0.125),
            ("churn", "silence", "1998-03-31", "active", "brier", 0.7),
            ("value", "basket", "1998-03-31", "all", "rmse", 30.5),
        ],
        columns=["task", "recipe", "as_of", "population", "metric", "value"],
    )
    text = write(board)
    assert "| churn | brier |\n|---|---|\n| overdue | 0.2 |\n| **silence** | 0.125 |\n" in text
    assert "| **basket** | 30.5 |" in text
    assert "0.9" not in text
    assert "0.7 |" not in text
