"""Input that is odd and still right: it works, and the result is the one that is expected."""

import csv
import html

import numpy as np
import pandas as pd
import pytest

import patron
from patron import GammaGamma, pipeline
from patron.models import TRANSACTION_MODELS

IDS = [
    "007", "7", "07", "0", "-0", "1e5", "1.0", "nan", "NULL", "None", "true", "a", "a ", " a", "A",
    'say "hi"', "it's", "a,b", "a;b", "a\tb", "line\nfeed", "car\rriage", "both\r\nof them", "back\\slash", "\\N", '"',
    "<script>alert('id')</script>", "<b>bold</b>", "&amp;", "{{ 7 * 7 }}", "'; DROP TABLE scores; --", "x' OR '1'='1",
    '=HYPERLINK("https://example.org","me")', "+1", "@SUM(A1)", "../../etc/passwd", "%s", "Zo\u00eb", "Zoe\u0308",
    "\u5ba2\u6237", "\U0001f600", "\u202eltr", "\ufeffmark", "\x1f", "x" * 10_000,
]  # fmt: skip


def log_of(ids):
    """Five purchases each, whose amounts and gaps differ from customer to customer."""
    rng = np.random.default_rng(5)
    rows = [
        (name, f"{day:%Y-%m-%d}", amount)
        for name in ids
        for day, amount in zip(
            pd.Timestamp("2022-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 420, 5)), unit="D"),
            np.round(rng.gamma(3, 9, 5), 2),
            strict=True,
        )
    ]
    return pd.DataFrame(rows, columns=["customer_id", "time", "amount"])


@pytest.fixture(scope="module")
def scored(tmp_path_factory, make_shop, untracked):
    folder = tmp_path_factory.mktemp("nasty")
    log = log_of(IDS)
    config = make_shop(folder, log.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_ALL))
    with untracked():
        pipeline.train(config)
    scoring = pipeline.score(config)
    return log, scoring, pipeline.report(config)


@pytest.mark.slow
@pytest.mark.xdist_group("scored")
@pytest.mark.filterwarnings("ignore::patron.PatronWarning")
def test_every_id_comes_through_the_scores_unharmed(scored):
    _, scoring, _ = scored
    assert sorted(scoring.table["customer_id"]) == sorted(IDS)
    assert sorted(pd.read_parquet(scoring.folder / "scores.parquet")["customer_id"]) == sorted(IDS)
    with (scoring.folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        assert sorted(row["customer_id"] for row in csv.DictReader(file)) == sorted(IDS)
    assert scoring.table["row_hash"].is_unique


@pytest.mark.slow
@pytest.mark.xdist_group("scored")
@pytest.mark.filterwarnings("ignore::patron.PatronWarning")
def test_the_report_shows_ids_as_text_and_runs_none(scored):
    _, _, report = scored
    page = report.read_text(encoding="utf-8")
    assert "<script>alert('id')" not in page
    assert "<b>bold</b>" not in page
    shown = [name for name in IDS if html.escape(name) in page or html.escape(name).replace("&#x27;", "&#39;") in page]
    assert shown
    assert "49" not in [cell for cell in page.split("<") if "{{ 7 * 7 }}" in cell]


def test_ids_that_differ_in_zeros_blanks_case_or_accents_are_different_customers():
    summary = patron.rfm_summary(patron.read_transactions(log_of(IDS), observed_until="2024-01-31"), as_of="2024-01-31")
    assert sorted(summary.index) == sorted(IDS)


def test_a_file_with_a_mark_quoted_line_feeds_and_mixed_zones_reads_as_it_says(tmp_path):
    text = '\ufeffcustomer_id;time;amount\r\n"a\nb";2024-01-31T23:30:00-05:00;"1.5"\r\n7;2024-01-31;2\r\n'
    (tmp_path / "log.csv").write_bytes(text.encode())
    table = patron.read_transactions(tmp_path / "log.csv", timezone="UTC").table.to_pyarrow().to_pylist()
    days = {row["customer_id"]: (row["day"], row["amount"]) for row in table}
    last = (pd.Timestamp("2024-01-31") - pd.Timestamp(0)).days
    assert days == {"a\nb": (last + 1, 150), "7": (last, 200)}


def frame(rows):
    return pd.DataFrame(rows, columns=["customer_id", "time", "amount"])


def test_one_customer_who_bought_once():
    log = patron.read_transactions(frame([("a", "2024-01-31", 5)]))
    summary = patron.rfm_summary(log, as_of="2024-01-31")
    assert summary.loc["a", ["frequency", "recency", "T"]].tolist() == [0, 0, 0]
    assert len(patron.features(log, "2024-01-31")) == 1


def test_all_on_the_same_day():
    log = patron.read_transactions(
        frame([(f"c{i}", "2024-01-31", 5) for i in range(50)] * 3), observed_until="2024-02-10"
    )
    summary = patron.rfm_summary(log, as_of="2024-02-10")
    assert summary["frequency"].eq(0).all()
    assert summary["T"].eq(10).all()
    features = patron.features(log, "2024-02-10")
    assert len(features) == 50
    assert np.isfinite(features.select_dtypes("number").dropna(axis=1).to_numpy()).all()


def test_a_hundred_thousand_purchases_of_one_customer():
    days = pd.Timestamp("2000-01-01") + pd.to_timedelta(np.arange(100_000) // 20, unit="D")
    many = pd.DataFrame({"customer_id": "many", "time": days, "amount": 1.25})
    log = patron.read_transactions(pd.concat([many, frame([("one", "2000-01-01", 3)]).assign(time=days[0])]))
    summary = patron.rfm_summary(log, as_of=days[-1].date())
    assert summary.loc["many", ["frequency", "recency", "T"]].tolist() == [4999, 4999, 4999]
    assert summary.loc["many", "monetary_value"] == 25.0


@pytest.mark.parametrize("name", TRANSACTION_MODELS)
def test_models_predict_customers_beyond_all_others(name, cdnow_sample):
    summary = patron.rfm_summary(cdnow_sample, as_of="1998-06-30", unit="week")
    model = TRANSACTION_MODELS[name]().fit(summary)
    extreme = pd.DataFrame({"frequency": [100_000, 1, 0, 0], "recency": [5e3, 1e-3, 0, 0], "T": [5e3, 5e3, 5e3, 0]})
    extreme.attrs["unit"] = "week"
    alive = model.probability_alive(extreme)
    expected = model.expected_purchases(extreme, 52)
    assert alive.between(0, 1).all()
    assert np.isfinite(expected).all()
    assert (expected >= 0).all()
    assert 500 < expected.iloc[0] < 1100  # 20 a week so far
    spend = (
        GammaGamma()
        .fit(patron.rfm_summary(cdnow_sample, as_of="1998-06-30"))
        .expected_spend(extreme.assign(monetary_value=[1e7, 0.01, 0, 0]))
    )
    assert np.isfinite(spend).all()
    assert spend.iloc[0] == pytest.approx(1e7, rel=1e-3)


REFUNDS = {
    "before the purchase": ([("2024-01-01", -5), ("2024-01-10", 20)], (1, 20)),
    "after the purchase": ([("2024-01-01", 20), ("2024-01-10", -5)], (1, 15)),
    "larger than the purchase": ([("2024-01-01", 20), ("2024-01-10", -500)], None),
    "larger than the day's purchase": ([("2024-01-01", 20), ("2024-01-10", 30), ("2024-01-10", -40)], (1, 10)),
    "of everything": ([("2024-01-01", 20), ("2024-01-10", 30), ("2024-01-10", -50)], None),
    "without any purchase": ([("2024-01-01", -20)], None),
}


def test_a_refund_without_an_order_acts_on_the_latest_purchases_before_it():
    rows = [(customer, *row) for customer, (told, _) in REFUNDS.items() for row in told]
    log = patron.read_transactions(frame(rows), observed_until="2024-01-31")
    summary = patron.rfm_summary(log, as_of="2024-01-31", include_first=True)
    found = {customer: tuple(row) for customer, row in summary[["frequency", "monetary_value"]].iterrows()}
    assert found == {customer: expected for customer, (_, expected) in REFUNDS.items() if expected is not None}
    features = patron.features(log, "2024-01-31")
    assert list(features.index.get_level_values("customer_id")) == list(summary.index)
