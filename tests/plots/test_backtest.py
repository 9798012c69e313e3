import pytest

from patron import plots
from patron._core.errors import DataError


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


@pytest.mark.parametrize(
    ("metric", "order"),
    [("brier", ["stack", "base_rate"]), ("auc", ["stack", "base_rate"]), ("bias", ["blend", "average"])],
)
def test_the_best_stands_at_the_top(leaderboard, metric, order):
    ax = plots.plot_leaderboard(leaderboard, metric)
    assert names(ax) == order
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_the_last_day_reports(leaderboard):
    ax = plots.plot_leaderboard(leaderboard, "brier")
    assert "1998-03-31" in ax.get_title(loc="left")
    assert max(line.get_xdata().max() for line in ax.lines) < 1


def test_the_champion_is_marked_by_name_colour_and_shape(leaderboard):
    ax = plots.plot_leaderboard(leaderboard, "brier", champion="base_rate")
    assert names(ax) == ["stack", "base_rate (champion)"]
    assert len({line.get_color() for line in ax.lines}) == 2
    assert {line.get_marker() for line in ax.lines if len(line.get_xdata()) == 1} == {"o", "D"}


def test_a_metric_without_an_interval_is_drawn_as_a_point(leaderboard):
    assert plots.to_png(plots.plot_leaderboard(leaderboard, "ece"), dpi=50)


def test_the_axis_says_which_way_is_better(leaderboard):
    assert plots.plot_leaderboard(leaderboard, "auc").get_xlabel() == "AUC: higher is better"


@pytest.mark.parametrize("asked", [{"metric": "charm"}, {"metric": "brier", "population": "dormant"}])
def test_what_the_table_does_not_hold_is_refused(leaderboard, asked):
    with pytest.raises(DataError, match="the leaderboard holds no"):
        plots.plot_leaderboard(leaderboard, **asked)


def test_a_table_without_its_columns_is_refused(leaderboard):
    with pytest.raises(DataError, match="column 'low'"):
        plots.plot_leaderboard(leaderboard.drop(columns="low"))
