import concurrent.futures
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from patron import plots
from patron.plots import style


def test_one_plot_gives_the_same_bytes_each_time():
    values = np.arange(1.0, 50.0)
    assert plots.to_png(plots.plot_value_concentration(values)) == plots.to_png(plots.plot_value_concentration(values))


def test_plots_leave_pyplot_and_its_figures_alone():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plots.plot_value_concentration([1.0, 2.0])
    plots.plot_calibration([0, 1], [0.2, 0.9])
    assert plt.get_fignums() == before


def test_plots_leave_the_users_settings_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    plots.to_png(plots.plot_lift([0, 1], [0.2, 0.9]))
    assert dict(mpl.rcParams) == before


def test_plots_are_drawn_in_threads():
    def draw(seed):
        values = np.random.default_rng(seed).exponential(size=200)
        return plots.to_png(plots.plot_value_concentration(values), dpi=60)

    alone = [draw(seed) for seed in range(2)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(draw, range(2))) == alone


def test_a_plot_in_a_part_of_a_figure_is_written_whole():
    left, right = Figure(figsize=(6, 3)).subfigures(1, 2)
    ax = plots.plot_value_concentration([1.0, 2.0], ax=left.subplots())
    assert style.figure_of(ax) is style.figure_of(right.subplots())
    assert plots.to_png(ax).startswith(b"\x89PNG")


def test_importing_patron_does_not_import_matplotlib():
    import subprocess

    subprocess.run(
        [sys.executable, "-c", "import sys, patron; sys.exit('matplotlib' in sys.modules)"], check=True, timeout=60
    )


@pytest.mark.parametrize("share", [0.0, 0.005, 0.123, 1.0])
def test_shares_are_written_as_whole_per_cent(share):
    assert style.percent(share).replace(style.THIN_SPACE, " ") == f"{round(100 * share)} %"
