"""BG/CNBD-k and MBG/CNBD-k: BG/NBD and MBG/NBD at k = 1, an event-by-event simulator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron._core.errors import ConfigError, DataError, FitError, UndefinedError
from patron.features import rfm_summary
from patron.models import BetaGeoNBD, ModifiedBetaGeoNBD
from patron.models.beta_geo_cnbd import BetaGeoCNBD
from patron.models.modified_beta_geo_cnbd import ModifiedBetaGeoCNBD

MODELS = [BetaGeoCNBD, ModifiedBetaGeoCNBD]
RANDOM = {BetaGeoCNBD: BetaGeoNBD, ModifiedBetaGeoCNBD: ModifiedBetaGeoNBD}
REGULAR = {"r": 0.85, "alpha": 1.45, "a": 0.79, "b": 2.42}


@pytest.fixture(scope="module", params=MODELS, ids=lambda kind: kind.name)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def cdnow(cdnow_sample):
    return rfm_summary(cdnow_sample, "1997-09-30", unit="week", gaps=True)


def lives(kind, k: int, n: int, until: float, seed: int):
    """Customers lived one gap after another: the purchases up to `until`, and when each left."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        rate = rng.gamma(REGULAR["r"]) / REGULAR["alpha"]
        leaves = rng.beta(REGULAR["a"], REGULAR["b"])
        end = 0.0 if kind is ModifiedBetaGeoCNBD and rng.random() < leaves else np.inf
        time, times = 0.0, []
        while end == np.inf:
            time += sum(rng.exponential() for _ in range(k)) / rate if rate > 0 else np.inf
            if time > until:
                break
            times.append(time)
            if rng.random() < leaves:
                end = time
        yield np.array(times), end


def seen(times, T) -> dict[str, float]:
    own = times[times <= T]
    gaps = float(np.log(np.diff(own, prepend=0.0)).sum()) if len(own) else 0.0
    return {"frequency": len(own), "recency": own[-1] if len(own) else 0.0, "T": T, "log_gaps": gaps}


def weeks(rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    frame.attrs["unit"] = "week"
    return frame


@pytest.fixture(scope="module")
def played(kind):
    """6,000 customers of k = 3 at age 24: history, whether alive, purchases after."""
    T, histories, alive, after = 24.0, [], [], []
    for times, end in lives(kind, 3, 6_000, T + 52, 5):
        histories.append(seen(times, T))
        alive.append(end > T)
        after.append(times[times > T] - T)
    return kind.from_params(k=3, unit="week", **REGULAR), weeks(histories), np.array(alive), after


def within(expected, happened) -> bool:
    """Tell whether the mean of what happened is within four standard errors of what was expected."""
    gap = np.asarray(happened) - np.asarray(expected)
    return abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap)) + 1e-12


@pytest.mark.golden
def test_k_1_is_bg_nbd_and_mbg_nbd_on_cdnow(kind, cdnow):
    regular, random = kind(k=1).fit(cdnow), RANDOM[kind]().fit(cdnow)
    assert regular.params_.to_numpy() == pytest.approx(random.params_.to_numpy(), rel=1e-9)
    assert regular.log_likelihood_ == pytest.approx(random.log_likelihood_, rel=1e-12)
    given = random.params_.to_dict()
    regular, frame = kind.from_params(k=1, unit="week", **given), cdnow.iloc[:200]
    random = RANDOM[kind].from_params(unit="week", **given)
    for ask in (
        lambda model: model.expected_purchases(frame, 39),
        lambda model: model.discounted_purchases(frame, None),
        lambda model: model.probability_alive(frame),
        lambda model: model.probability_alive(frame, 10),
        lambda model: model.probability_no_purchase(frame, 13),
        lambda model: model.probability_of_purchases(2, frame, 13),
        lambda model: model.time_to_next_purchase(frame, 0.2),
        lambda model: model.log_likelihoods(frame),
    ):
        np.testing.assert_allclose(ask(regular), ask(random), rtol=1e-12)


@pytest.mark.golden
def test_no_regularity_is_found_on_cdnow_by_likelihood_or_by_wheat_and_morrison(kind, cdnow):
    model = kind().fit(cdnow)
    assert model.k_ == 1
    assert model.log_likelihood_ == pytest.approx({"bg_cnbd_k": -9582.4292, "mbg_cnbd_k": -9582.1357}[kind.name])
    assert kind(k="wheat-morrison").fit(cdnow).k_ == 1


@pytest.mark.simulation
def test_k_and_parameters_are_recovered(kind):
    frame = weeks([seen(times, 40.0) for times, _ in lives(kind, 3, 3_000, 40.0, 11)])
    model = kind().fit(frame)
    assert model.k_ == 3
    away = (np.log(model.params_) - np.log(pd.Series(REGULAR))) / (model.standard_errors_ / model.params_)
    assert away.abs().max() < 4
    assert kind(k="wheat-morrison").fit(frame).k_ == 3
    assert model.log_likelihoods(frame).sum() == pytest.approx(model.log_likelihood_, rel=1e-12)


@pytest.mark.simulation
def test_expectations_are_what_happens(played):
    model, frame, alive, after = played
    some = frame.assign(T=24.0)
    some.attrs["unit"] = "week"
    assert within(model.probability_alive(some), alive)
    assert within(model.expected_purchases(some, 26), [(times <= 26).sum() for times in after])
    assert within(model.expected_purchases(some, (6, 20)), [((times > 6) & (times <= 20)).sum() for times in after])
    rate = np.log(1.10) / 365.25 * 7
    discounted = [np.exp(-rate * times[times <= 26]).sum() for times in after]
    assert within(model.discounted_purchases(some, 26), discounted)
    assert within(model.probability_no_purchase(some, 13), [(times <= 13).sum() == 0 for times in after])
    for n in (1, 2, 5):
        assert within(model.probability_of_purchases(n, some, 13), [(times <= 13).sum() == n for times in after])


@pytest.mark.simulation
def test_late_customers_of_the_simulator_buy_as_expected(played):
    """The memory of the gaps: apart by how long they have been silent."""
    model, frame, _, after = played
    silence = frame["T"] - frame["recency"]
    expected = model.expected_purchases(frame, 8).to_numpy()
    happened = np.array([(times <= 8).sum() for times in after])
    for group in (silence < 2, (silence >= 2) & (silence < 5), (silence >= 5) & (silence < 12), silence >= 12):
        assert within(expected[group], happened[group])


@pytest.mark.simulation
def test_played_futures_have_the_expected_mean(played):
    model, frame, _, _ = played
    futures = model.simulate_ahead(frame, 26, seed=3)
    bought = np.bincount(futures.index, minlength=len(frame))
    assert within(model.expected_purchases(frame, 26), bought)
    soon = np.bincount(futures.index[futures["time"] <= 3], minlength=len(frame))
    assert within(model.probability_no_purchase(frame, 3), soon == 0)
    assert futures.groupby(level=0)["time"].is_monotonic_increasing.all()


def test_expectations_fall_with_silence_where_customers_hardly_leave(kind, histories):
    """Gaps have a memory: who bought just now, buys later than who is due (k = 3, x = 4, T = 40)."""
    stay = kind.from_params(k=3, r=9.0, alpha=30.0, a=0.01, b=10.0, unit="week")
    frame = histories([4] * 4, [20.0, 30.0, 36.0, 40.0], [40.0] * 4)
    expected = stay.expected_purchases(frame, 13).to_numpy()
    assert (np.diff(expected) < 0).all()
    random = RANDOM[kind].from_params(r=3.0, alpha=30.0, a=0.01, b=10.0, unit="week").expected_purchases(frame, 13)
    assert expected[0] > random.iloc[0] * 1.05


@settings(max_examples=4, deadline=None)
@given(
    k=st.integers(2, 6),
    r=st.floats(0.05, 20),
    alpha=st.floats(0.05, 50),
    a=st.floats(0.01, 5),
    b=st.floats(0.01, 20),
    x=st.integers(0, 60),
    silent=st.floats(0, 1),
)
def test_quantities_agree_with_each_other(k, r, alpha, a, b, x, silent):
    T = 30.0
    frame = weeks([{"frequency": x, "recency": T * (1 - 0.99 * silent) if x else 0.0, "T": T}])
    for kind in MODELS:
        model = kind.from_params(k=k, r=r, alpha=alpha, a=a, b=b, unit="week")
        chances = [model.probability_of_purchases(n, frame, 1.0).iloc[0] for n in range(60)]
        mean = float(np.arange(60) @ chances)
        if sum(chances) > 1 - 1e-12:
            assert model.expected_purchases(frame, 1.0).iloc[0] == pytest.approx(mean, rel=1e-8, abs=1e-9)
        parts = [model.expected_purchases(frame, stretch).iloc[0] for stretch in (5.0, (5.0, 40.0), 40.0)]
        assert parts[0] + parts[1] == pytest.approx(parts[2], rel=1e-8)
        alive = [model.probability_alive(frame, ahead).iloc[0] for ahead in (1e-9, 10.0)]
        assert alive[0] == pytest.approx(model.probability_alive(frame).iloc[0], rel=1e-7)
        assert 0 <= alive[1] <= alive[0] * (1 + 1e-9)


def test_trap_05_large_and_old_histories_stay_finite(kind, histories):
    model = kind.from_params(k=4, r=0.3, alpha=2.0, a=0.5, b=0.4, unit="day")
    frame = histories([0, 0, 4000, 4000], [0, 0, 2990.0, 10.0], [0.0, 3000.0, 3000.0, 3000.0], unit="day")
    for values in (
        model.expected_purchases(frame, 365),
        model.discounted_purchases(frame, None),
        model.probability_alive(frame),
        model.probability_no_purchase(frame, 90),
        model.probability_of_purchases(3, frame, 90),
    ):
        assert np.isfinite(values).all()
        assert (values >= 0).all()


def test_trap_10_undiscounted_residual_is_exact_or_undefined(kind, histories):
    frame = histories([0, 4], [0, 20.0], [10.0, 24.0])
    with pytest.raises(UndefinedError, match=r"a = 0\.79"):
        kind.from_params(k=3, unit="week", **REGULAR).discounted_purchases(frame, None, 0.0)
    model = kind.from_params(k=3, unit="week", **{**REGULAR, "a": 2.5})
    far = model.expected_purchases(frame, 1e9)
    np.testing.assert_allclose(model.discounted_purchases(frame, None, 0.0), far, rtol=1e-4)


def test_k_is_not_chosen_without_gaps(kind, histories):
    frame = histories([2, 0, 3], [10.0, 0, 20.0], [30.0, 30.0, 30.0])
    for k in (None, "wheat-morrison"):
        with pytest.raises(DataError, match=r"gaps=True"):
            kind(k=k).fit(frame)
    with pytest.raises(DataError, match="log_gaps"):
        kind.from_params(k=2, unit="week", **REGULAR).log_likelihoods(frame)


def test_a_fit_at_given_k_needs_no_gaps_but_has_no_likelihood_then(kind, cdnow):
    without = cdnow.drop(columns="log_gaps")
    without.attrs = cdnow.attrs
    bare, whole = kind(k=2).fit(without), kind(k=2).fit(cdnow)
    np.testing.assert_allclose(bare.params_, whole.params_, rtol=1e-8)
    assert np.isnan(bare.log_likelihood_)
    assert whole.log_likelihood_ == pytest.approx(whole.log_likelihoods(cdnow).sum(), rel=1e-12)


def test_wheat_and_morrison_want_two_gaps(kind, histories):
    with pytest.raises(FitError, match="k=None"):
        kind(k="wheat-morrison").fit(histories([1, 3], [9.0, 20.0], [30.0, 30.0], log_gaps=[2.1, 5.0]))


@pytest.mark.parametrize("k", [0, 1.5, 13, "two"])
def test_a_k_that_cannot_be_is_refused(kind, histories, k):
    with pytest.raises(ConfigError, match="whole number"):
        kind(k=k).fit(histories([1, 3], [9.0, 20.0], [30.0, 30.0]))


def test_from_params_wants_k(kind):
    with pytest.raises(DataError, match="give k"):
        kind.from_params(unit="week", **REGULAR)


def test_lifetimes_has_no_such_model(kind, histories):
    with pytest.raises(ConfigError, match="regular"):
        kind(k=2, solver="lifetimes").fit(histories([1, 3], [9.0, 20.0], [30.0, 30.0]))


def test_stored_and_loaded_is_the_same_model(kind, cdnow):
    model = kind().fit(cdnow.iloc[:600])
    again = kind.from_dict(model.to_dict())
    assert again.to_dict() == model.to_dict()
    assert again.k_ == model.k_
    assert "k=1" in repr(again)


def test_gaps_of_the_summary(cdnow):
    once, none = cdnow[cdnow["frequency"] == 1], cdnow[cdnow["frequency"] == 0]
    np.testing.assert_array_equal(once["log_gaps"], np.log(once["recency"]))
    assert (none["log_gaps"] == 0).all()


def test_gaps_of_the_summary_equal_plain_python(cdnow_sample):
    rows = cdnow_sample.table.select("customer_id", "day").to_pyarrow().to_pandas()
    day = (pd.Timestamp("1997-09-30") - pd.Timestamp("1970-01-01")).days
    wanted = {}
    for customer, days in rows[rows["day"] <= day].groupby("customer_id")["day"]:
        wanted[customer] = float(np.log(np.diff(np.unique(days))).sum())
    found = rfm_summary(cdnow_sample, "1997-09-30", gaps=True)["log_gaps"]
    np.testing.assert_allclose(found, pd.Series(wanted).loc[found.index], rtol=1e-13, atol=1e-13)
