"""A split of customers at random: its shares, its mark, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron._core.errors import ConfigError, DataError
from patron.features.holdout import stratified_split


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(st.integers(2, 200), st.integers(2, 200), st.floats(0.01, 0.99), st.integers(0, 9))
def test_a_split_holds_out_its_share_of_each_class_and_no_customer_twice(stayed, left, test, seed):
    y = pd.Series(np.random.default_rng(seed).permutation(np.repeat([0, 1], [stayed, left])), name="churned")
    X = pd.DataFrame({"x": np.arange(len(y))})
    parts = stratified_split(X, y, test, seed)
    X_train, X_test, y_train, y_test = parts
    assert sorted([*X_train["x"], *X_test["x"]]) == list(range(len(y)))
    for value, size in ((0, stayed), (1, left)):
        held = int((y_test == value).sum())
        assert 1 <= held < size
        assert held == np.clip(round(test * size), 1, size - 1)
    assert (y_test == y[X_test.index]).all()
    assert (y_train == y[X_train.index]).all()
    assert all(part.attrs["split"].startswith("not temporal") for part in parts)
    pd.testing.assert_frame_equal(X_test, stratified_split(X, y, test, seed)[1])


def test_a_split_refuses_a_customer_of_several_days_and_what_it_cannot_divide():
    X, y = pd.DataFrame({"x": range(4)}), pd.Series([0, 0, 1, 1])
    days = pd.MultiIndex.from_product([["a", "b"], ["2024-01-01", "2024-02-01"]], names=["customer_id", "as_of"])
    with pytest.raises(DataError, match="rows of several days are parted by day"):
        stratified_split(X.set_index(days), y)
    with pytest.raises(ConfigError, match="test is a share"):
        stratified_split(X, y, test=1)
    with pytest.raises(DataError, match="X has 4 rows, y 3"):
        stratified_split(X, y[:3])
    with pytest.raises(DataError, match="a class of one customer"):
        stratified_split(X, pd.Series([0, 0, 0, 1]))
    with pytest.raises(DataError, match="an outcome is missing"):
        stratified_split(X, pd.Series([0, 1, np.nan, 1]))
