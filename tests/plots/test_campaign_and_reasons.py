"""A campaign before and after, and why: curves, flows and bars are the numbers of the other rooms."""

import itertools

import numpy as np
import pandas as pd
import pytest

from patron import plots
from patron._core.errors import DataError
from patron.decisions.movement import movement
from patron.decisions.segments import SEGMENTS
from patron.metrics import Campaign, profit_curve
from patron.plots.campaign import _BEST_FIRST, _apart
from patron.plots.reasons import raised_and_lowered

MOVES = pd.DataFrame(
    [
        ("churn_band", "low", "low", 50),
        ("churn_band", "low", "high", 20),
        ("churn_band", "high", "medium", 7),
        ("churn_band", "(newcomer)", "low", 5),
        ("churn_band", "medium", "(gone)", 3),
        ("segment", "Loyal", "Lost", 1),
    ],
    columns=["of", "before", "after", "customers"],
)


def test_the_curve_is_the_profit_curve_and_its_top_is_marked(churn):
    left, risk = churn
    value, campaign = np.full(len(left), 80.0), Campaign(contact=9.0)
    ax = plots.plot_profit(left, {"model": risk, "nobody knows": np.ones(len(left))}, value, campaign=campaign)
    _, model, constant = ax.get_lines()
    fractions = model.get_xdata()
    np.testing.assert_array_equal(model.get_ydata(), profit_curve(left, risk, value, fractions, campaign))
    (best,) = model.get_markevery()
    assert model.get_ydata()[best] == model.get_ydata().max()
    assert model.get_label().replace("\u202f", " ") == f"model: best at {round(100 * fractions[best])} %"
    assert np.ptp(np.diff(constant.get_ydata())) < 1e-9


def test_where_no_contact_pays_the_best_is_nobody():
    ax = plots.plot_profit([1, 0], [0.9, 0.5], [1.0, 1.0], campaign=Campaign(contact=50))
    assert ax.get_lines()[1].get_label() == "this model: best is nobody"


def test_every_customer_of_a_movement_flows_once():
    ax = plots.plot_segment_flow(MOVES, "churn_band")
    counts = dict(label.get_text().rsplit(" ", 1) for label in ax.get_legend().get_texts())
    assert counts == {"stayed": "50", "rose": "7", "fell": "20", "new": "5", "gone": "3"}
    thick = [path.vertices[:, 1] for band in ax.collections for path in band.get_paths()]
    at_left = sorted(round(float(np.ptp(y[[1, -2]]))) for y in thick)
    assert at_left == [3, 5, 7, 20, 50]


def test_bands_begin_and_end_within_their_blocks_beside_each_other():
    ax = plots.plot_segment_flow(MOVES, "churn_band")
    paths = [path.vertices for band in ax.collections for path in band.get_paths()]
    for x in (0.0, 1.0):
        blocks = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches if bar.get_center()[0] == x)
        bands = sorted((v[v[:, 0] == x, 1].min(), v[v[:, 0] == x, 1].max()) for v in paths)
        assert all(below <= start + 1e-9 for (_, below), (start, _) in itertools.pairwise(bands))
        assert all(any(low - 1e-9 <= a and b <= high + 1e-9 for low, high in blocks) for a, b in bands)
        assert sum(b - a for a, b in bands) == pytest.approx(85)


def test_both_sides_are_labelled_with_their_customers_the_best_on_top():
    ax = plots.plot_segment_flow(MOVES, "churn_band")
    told = [(text.get_text(), text.get_position()) for text in ax.texts]
    left, right = ([name for name, (x, _) in told if (x < 0.5) == side] for side in (True, False))
    assert left == ["low 70", "medium 3", "high 7", "(newcomer) 5"]
    assert right == ["low 55", "medium 7", "high 20", "(gone) 3"]
    bottom, top = ax.get_ylim()
    assert bottom > top  # downwards


def test_all_segments_have_an_order_and_unknown_ones_follow():
    assert set(_BEST_FIRST["segment"]) == {name for row in SEGMENTS.values() for name in row}
    names = ["Zebra", "Lost", "Champions", "At risk"]
    moves = pd.DataFrame({"of": "segment", "before": names, "after": names, "customers": 5})
    ax = plots.plot_segment_flow(moves)
    assert [text.get_text() for text in ax.texts][:4] == ["Champions 5", "At risk 5", "Lost 5", "Zebra 5"]


def test_a_movement_of_two_score_tables_is_drawn():
    before = pd.DataFrame({"customer_id": list("abc"), "clv": 1.0, "segment": ["Loyal", "Loyal", "New"]})
    after = before.assign(segment=["Loyal", "At risk", "Champions"])
    plots.plot_segment_flow(movement(before, after)).figure.draw_without_rendering()


def test_labels_stand_apart_and_stay_where_there_is_room():
    np.testing.assert_allclose(_apart(np.array([0.0, 10.0, 20.0]), 5), [0, 10, 20])
    assert np.diff(_apart(np.array([0.0, 1.0, 1.5, 30.0]), 5)).min() >= 5 - 1e-9


def test_reasons_of_one_customer_are_the_contributions():
    one = pd.DataFrame({"baseline": [2.0], "season": [-0.1], "offset": [0.7], "silence": [0.3]})
    ax = plots.plot_reasons(one)
    raises, lowers = ([bar.get_width() for bar in box] for box in ax.containers)
    assert raises == [0.7, 0.3, 0.0]
    assert lowers == [0.0, 0.0, -0.1]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["own pace and silence", "silence", "season"]


def test_reasons_of_many_are_means_each_way_the_strongest_on_top():
    many = pd.DataFrame({"a": [0.1, 0.1], "b": [1.0, -1.0], "c": [-0.4, 0.0]})
    table = raised_and_lowered(many)
    assert list(table.index) == ["b", "c", "a"]
    assert table.loc["b"].tolist() == [0.5, -0.5]
    ax = plots.plot_reasons(many, top=2)
    assert len(ax.get_yticks()) == 2
    assert ax.get_xlabel() == "lowers | raises the risk (log-odds, mean of 2)"


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: plots.plot_profit([], [], []), "nothing to draw"),
        (lambda: plots.plot_profit([0, 1], [0.1, 0.2], [1.0, -1.0]), "0 or more"),
        (lambda: plots.plot_profit([0, 1], [0.1], [1.0, 1.0]), "same customers"),
        (lambda: plots.plot_segment_flow(MOVES.drop(columns="after")), "no such column"),
        (lambda: plots.plot_segment_flow(MOVES, "value_band"), "nobody of 'value_band'"),
        (lambda: plots.plot_segment_flow(MOVES.assign(of="age"), "age"), "nobody of 'age'"),
        (lambda: plots.plot_reasons(pd.DataFrame({"baseline": [1.0]})), "nothing to draw"),
        (lambda: plots.plot_reasons(pd.DataFrame({"silence": [np.nan]})), "missing or infinite"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(draw, words):
    with pytest.raises(DataError, match=words):
        draw()
