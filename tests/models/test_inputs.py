"""Bad frames are refused with the column, how many rows, an example and the fix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError, UnitAssumedWarning, UnitError
from patron.models import BetaGeoNBD


@pytest.fixture
def frame(histories) -> pd.DataFrame:
    return histories([2, 0, 1, 3], [10.0, 0.0, 4.0, 30.0], [39.0, 39.0, 30.0, 35.0])


def with_attrs(frame: pd.DataFrame, **columns) -> pd.DataFrame:
    changed = frame.assign(**columns)
    changed.attrs = dict(frame.attrs)
    return changed


BAD = {
    "missing value": ({"recency": [10.0, np.nan, 4.0, 30.0]}, r"'recency': missing values \(1 row"),
    "infinite age": ({"T": [39.0, np.inf, 30.0, np.inf]}, r"'T': infinite values \(2 rows"),
    "negative": ({"frequency": [2, 0, -1, 3]}, r"'frequency': negative values \(1 row, for example -1"),
    "recency beyond T": ({"recency": [40.0, 0.0, 4.0, 30.0]}, r"'recency': .* after the end .*example 40\.0"),
    "half a purchase": ({"frequency": [2, 0, 1.5, 3]}, r"'frequency': .*whole \(1 row, for example 1\.5"),
    "one-time buyer with recency": ({"recency": [10.0, 3.0, 4.0, 30.0]}, r"'recency': .*has recency 0 \(1 row"),
    "repeat purchase at age 0": ({"recency": [0.0, 0.0, 4.0, 30.0]}, r"'recency': a repeat purchase at age 0"),
    "text": ({"T": ["39", "39", "30", "35"]}, r"'T': not a column of numbers \(4 rows, for example '39'\)"),
    "absurd": ({"frequency": [2, 0, 10**9, 3]}, r"'frequency': more than 10,000,000"),
}


@pytest.mark.parametrize(("columns", "message"), BAD.values(), ids=BAD)
def test_a_bad_column_is_refused_in_fit_and_in_prediction(frame, bg, columns, message):
    bad = with_attrs(frame, **columns)
    for use in (BetaGeoNBD().fit, bg.probability_alive, lambda f: bg.expected_purchases(f, 13)):
        with pytest.raises(DataError, match=message) as refusal:
            use(bad)
        assert refusal.value.fix


@pytest.mark.parametrize("column", ["frequency", "recency", "T"])
def test_an_absent_column_is_named(frame, bg, column):
    with pytest.raises(DataError, match=f"column '{column}': the frame has no such column"):
        bg.expected_purchases(frame.drop(columns=column), 13)


def test_what_is_no_frame_is_refused(bg):
    for thing in ([1, 2], np.ones((3, 3)), None):
        for use in (BetaGeoNBD().fit, bg.probability_alive):
            with pytest.raises(DataError, match="takes a pandas frame"):
                use(thing)


def test_a_frame_that_counts_the_first_purchase_is_refused(frame, bg):
    frame.attrs["include_first"] = True
    for use in (BetaGeoNBD().fit, bg.probability_alive):
        with pytest.raises(DataError, match="include_first=False"):
            use(frame)


def test_an_empty_frame_cannot_be_fitted_on(frame):
    with pytest.raises(DataError, match="no customer to fit on"):
        BetaGeoNBD().fit(frame.iloc[:0])
    with pytest.raises(DataError, match="no customer to fit on"):
        BetaGeoNBD().fit(frame, weights=[0, 0, 0, 0])


@pytest.mark.parametrize("weights", [[1, 2], [1, 1, 1, -1], [1, 1, 1, np.nan], "absent"])
def test_bad_weights_are_refused(frame, weights):
    with pytest.raises(DataError, match=r"weights|absent"):
        BetaGeoNBD().fit(frame, weights=weights)


def test_trap_18_a_frame_in_another_unit_is_refused(frame, bg):
    frame.attrs["unit"] = "day"
    with pytest.raises(UnitError, match="fitted in weeks, the frame is measured in days"):
        bg.expected_purchases(frame, 13)
    with pytest.raises(UnitError, match="measured in days, not in weeks"):
        BetaGeoNBD().fit(frame, unit="week")
    with pytest.raises(DataError, match="unknown unit 'fortnight'"):
        BetaGeoNBD.from_params(r=1, alpha=1, a=1, b=1, unit="fortnight")


def test_trap_18_a_frame_that_lost_its_unit_is_taken_with_a_warning(frame, bg, cdnow_summary):
    wanted = bg.expected_purchases(frame, 13)
    frame.attrs.clear()
    with pytest.warns(UnitAssumedWarning, match="taken as measured in weeks"):
        assert bg.expected_purchases(frame, 13).equals(wanted)
    bare = cdnow_summary.copy()
    bare.attrs.clear()
    with pytest.warns(UnitAssumedWarning, match="taken as measured in days"):
        assert BetaGeoNBD().fit(bare).unit_ == "day"
    assert BetaGeoNBD().fit(bare, unit="week").unit_ == "week"


def test_nullable_and_arrow_columns_are_numbers_too(frame, bg):
    wanted = bg.expected_purchases(frame, 13)
    for kind in ("Int64", "int64[pyarrow]"):
        typed = with_attrs(frame, frequency=frame["frequency"].astype(kind))
        assert bg.expected_purchases(typed, 13).equals(wanted)
    gap = with_attrs(frame, frequency=pd.array([2, None, 1, 3], dtype="Int64"))
    with pytest.raises(DataError, match="missing values"):
        bg.expected_purchases(gap, 13)


def test_the_frame_is_left_as_it_was_and_its_index_kept(frame, bg):
    frame.index = pd.MultiIndex.from_product(
        [["a", "b", "c", "d"], [pd.Timestamp("1997-09-30")]], names=["id", "as_of"]
    )
    before = frame.copy()
    for result in (bg.probability_alive(frame), bg.expected_purchases(frame, 13)):
        assert result.index.equals(frame.index)
    pd.testing.assert_frame_equal(frame, before)
