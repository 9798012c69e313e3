from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest

import patron.datasets
from patron._core.calendar import date_of
from patron._core.errors import DataError, MissingExtraError


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


def test_without_lifetimes_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(patron.datasets, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError) as caught:
        patron.datasets.load_cdnow()
    assert str(caught.value) == (
        "CDNOW comes with the package lifetimes, which is not installed. Fix: install lifetimes 0.11.3."
    )


def test_with_another_lifetimes_it_says_which_file_lacks(monkeypatch, tmp_path):
    monkeypatch.setattr(patron.datasets, "_lifetimes", lambda: tmp_path)
    with pytest.raises(DataError, match=r"the installed lifetimes package lacks CDNOW_sample\.txt"):
        patron.datasets.load_cdnow_sample()
