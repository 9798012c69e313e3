"""Every claim can be measured: named once, with a threshold on the right side; the canary tells what differs."""

import re

import numpy as np
import pandas as pd
import pytest

import patron
from benchmarks import __main__ as benchmarks
from benchmarks.bar import Bar, Result, Skipped
from benchmarks.canary import changes, locked
from benchmarks.hard_points import Count, count
from benchmarks.kernel import Kernel
from benchmarks.speed import customers


def _bar(measure, threshold=2.0, better="high"):
    return Bar("made-up", "times nothing", threshold, better, measure)


def _result(value):
    return Result(value, "nobody", 1.0, "s", 5, "")


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.bar.OUT", tmp_path)
    return tmp_path


def test_every_bar_is_listed_once_with_its_claim_and_threshold(capsys):
    assert len(benchmarks.BARS) == len(benchmarks.ALL)
    assert benchmarks.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for bar, line in zip(benchmarks.ALL, lines, strict=True):
        assert re.fullmatch(r"[a-z][a-z0-9-]+", bar.id)
        assert bar.better in ("high", "low")
        assert line.split()[0] == bar.id
        assert bar.claim in line
        assert "no bar" in line if bar.threshold is None else f"{bar.threshold:g}" in line


def test_an_unknown_bar_is_refused_and_nothing_runs(capsys):
    assert benchmarks.main(["nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "threshold", "better", "met"),
    [
        (2.0, 2.0, "high", True),
        (1.9, 2.0, "high", False),
        (2.0, 2.0, "low", True),
        (2.1, 2.0, "low", False),
        (9.0, None, "low", True),
        (float("nan"), 2.0, "low", False),
    ],
)
def test_a_bar_is_met_on_its_own_side_of_the_threshold(out, value, threshold, better, met):
    assert _bar(lambda: _result(value), threshold, better).run() is met
    assert (out / "made-up.json").exists()


def test_a_skipped_bar_says_why_and_keeps_nothing(out, capsys):
    def measure():
        raise Skipped("no peer here")

    assert _bar(measure).run()
    assert capsys.readouterr().out == "SKIP made-up: no peer here\n"
    assert not list(out.iterdir())


def test_the_canary_tells_only_what_differs_from_the_lock():
    pins = locked(
        "# a comment\nnumpy==2.3.0 ; python_full_version < '3.12'\nnumpy==2.4.6\nIbis-framework[duckdb]==12.0\n"
    )
    installed = {"numpy": "2.4.6", "ibis-framework": "12.1", "new": "1", "patron": "0.1.0"}
    assert changes(installed, pins) == [("ibis-framework", "12.0", "12.1"), ("new", "not locked", "1")]


def test_the_kernel_that_a_fit_is_timed_against_does_the_same_work():
    """At the estimates its slope is 0, its likelihood and its curvature are the fit's."""
    frame = customers(3000)
    model = patron.BetaGeoNBD().fit(frame)
    kernel = Kernel(*(frame[name].to_numpy(float) for name in ("frequency", "recency", "T")))
    f, g, h = kernel(*model.params_)
    assert f == pytest.approx(model.log_likelihood_, rel=1e-13)
    assert np.abs(np.linalg.solve(h, g) / model.params_).max() < 1e-8
    assert np.linalg.inv(-h) == pytest.approx(model.covariance_.to_numpy(), rel=1e-4)


def test_hard_points_count_what_is_no_number_and_what_is_off():
    wanted = pd.Series([1.0, 1.0, 1.0, np.inf, np.nan, 1e-9])
    found = [1.0 + 1e-11, 1.0 + 1e-9, np.inf, np.inf, 5.0, 2e-9]
    assert count(found, wanted, "alive", 1e-10) == Count(6, 1, 2)
    assert count(found, wanted, "log_likelihood", 1e-10) == Count(6, 1, 2)
    assert count([np.nan, 1e-12], pd.Series([np.nan, 2e-12]), "log_likelihood", 1e-10) == Count(2, 1, 0)
