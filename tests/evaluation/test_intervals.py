import numpy as np
import pandas as pd
import pytest

from patron._core.errors import ConfigError, DataError
from patron.evaluation.backtest import Backtest
from patron.evaluation.intervals import fit_spread, intervals
from patron.metrics import pinball
from patron.value.spread import Spread

DAYS = pd.to_datetime(["2024-01-01", "2024-01-29", "2024-02-12", "2024-02-26"])
CUSTOMERS = 1_500


def made(seed=0, luck=(1.0, 1.0, 1.0, 1.0)):
    """Two recipes on four days, of which the third's window of 28 days is open on the last."""
    random = np.random.default_rng(seed)
    frames = []
    for recipe in ("sharp", "blunt"):
        for day, factor in zip(DAYS, luck, strict=True):
            expected = random.lognormal(3.0, 1.2, CUSTOMERS)
            spends = random.uniform(size=CUSTOMERS) < 0.4
            frames.append(
                pd.DataFrame(
                    {
                        "recipe": recipe,
                        "as_of": day,
                        "customer_id": np.arange(CUSTOMERS).astype(str),
                        "prediction": expected if recipe == "sharp" else (expected > 20).astype(float),
                        "actual": np.where(spends, factor * random.gamma(2.0, expected / 0.8), 0.0),
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def of_value(frame, *, task="value"):
    return Backtest(task, 28, frame, frame[["recipe", "as_of"]].drop_duplicates(), pd.DataFrame())


@pytest.fixture(scope="module")
def frame():
    return made()


def test_a_right_distribution_covers_nine_in_ten_everywhere_and_beats_constant_quantiles(frame):
    table = intervals(of_value(frame), "sharp").set_index("population")
    assert table.index.to_list() == ["all", *(f"decile {k}" for k in range(1, 11))]
    assert table["n"].to_list() == [CUSTOMERS] + [150] * 10
    assert table.loc["all", "covered"] == pytest.approx(0.9, abs=0.03)
    assert table["covered"].between(0.8, 0.98).all()
    assert table.loc["all", "pinball"] < 0.97 * table.loc["all", "pinball_constant"]
    assert table.loc["decile 10", "pinball"] < 0.93 * table.loc["decile 10", "pinball_constant"]


def test_an_earlier_day_is_judged_by_what_had_come_by_then(frame):
    earlier = frame[frame["as_of"] <= DAYS[1]]
    assert intervals(of_value(frame), "sharp", day="2024-01-29").equals(intervals(of_value(earlier), "sharp"))
    with pytest.raises(ConfigError, match="not a test day"):
        intervals(of_value(frame), "sharp", day="2024-02-27")


def test_a_day_unlike_those_before_shows(frame):
    strange = frame.assign(actual=frame["actual"] * np.where(frame["as_of"] == DAYS[-1], 3.0, 1.0))
    assert intervals(of_value(strange), "sharp")["covered"][0] < 0.85


def test_days_whose_window_is_open_on_the_report_day_teach_nothing(frame):
    unknown = frame.assign(actual=frame["actual"].where(frame["as_of"] != DAYS[2], 9_999.0))
    pd.testing.assert_frame_equal(intervals(of_value(frame), "sharp"), intervals(of_value(unknown), "sharp"))
    assert fit_spread(of_value(frame), "sharp", DAYS[-1]).freedom == fit_spread(of_value(frame), "sharp").freedom - 2


def test_the_table_adds_up(frame):
    result = of_value(frame)
    table = intervals(result, "sharp")
    everybody, deciles = table.iloc[0], table.iloc[1:]
    for column in ("covered", "pinball", "pinball_constant"):
        assert np.average(deciles[column], weights=deciles["n"]) == pytest.approx(everybody[column])
    rows = frame[frame["recipe"] == "sharp"]
    known, last = rows[rows["as_of"] <= DAYS[1]], rows[rows["as_of"] == DAYS[-1]]
    spread = Spread.fit(known["prediction"], known["actual"], known["as_of"])
    levels = np.linspace(0.05, 0.95, 19)
    losses = [pinball(last["actual"], spread.quantiles(last["prediction"], q), q) for q in levels]
    assert np.mean(losses) == pytest.approx(everybody["pinball"])


def test_equal_predictions_stay_in_one_decile(frame):
    table = intervals(of_value(frame), "blunt").set_index("population")
    filled = table["n"].drop("all")
    assert (filled > 0).sum() == 2
    assert filled.sum() == CUSTOMERS
    assert table.loc["all", "pinball"] == pytest.approx(table.loc["all", "pinball_constant"], rel=0.02)
    assert table["covered"].isna().sum() == 8


def test_what_has_no_interval_is_refused(frame):
    with pytest.raises(DataError, match=r"closed by 2024-01-15.*2023-12-18"):
        fit_spread(of_value(frame), "sharp", pd.Timestamp("2024-01-15"))
    with pytest.raises(ConfigError, match="sharp, blunt"):
        intervals(of_value(frame), "blend")
    with pytest.raises(ConfigError, match="backtest value"):
        intervals(of_value(frame, task="churn"), "sharp")
