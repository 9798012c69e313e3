from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from patron.data.audit import Audit, audit
from patron.data.readers import read_transactions

START = dt.date(2023, 1, 2)


def shop(days=400, newcomers=10, until=None, seed=1):
    """A business that wins `newcomers` a day, each buying three times, ten days apart or so."""
    rng = np.random.default_rng(seed)
    first = np.repeat(np.arange(days), newcomers)
    day = first[:, None] + np.cumsum(rng.integers(5, 16, (len(first), 3)), axis=1) - 5
    frame = pd.DataFrame(
        {
            "customer_id": np.repeat([f"{i:05}" for i in range(len(first))], 3),
            "time": [START + dt.timedelta(days=int(d)) for d in day.ravel()],
            "amount": np.round(rng.gamma(3, 10, day.size) + 0.01, 2),
        }
    )
    return frame[frame["time"] <= (until or START + dt.timedelta(days=days - 1))]


def audited(frame, **options) -> Audit:
    return audit(read_transactions(frame, **options))


def finding(found, check):
    (line,) = [f for f in found.findings if f.check == check]
    return line


def one(customer, day, amount):
    return pd.DataFrame({"customer_id": [customer], "time": [day], "amount": [amount]})


@pytest.fixture(scope="module")
def sound():
    return audited(shop())


def test_a_sound_log_has_nothing_to_look_at(sound):
    # its 400 days begin with an empty shop, as a business does
    assert [f.check for f in sound.warnings] == []
    assert finding(sound, "days of history").rows >= 390


@pytest.mark.golden
def test_cdnow(cdnow):
    found = audit(cdnow)
    assert found.warnings == ()
    rows = {f.check: f.rows for f in found.findings}
    assert rows["exact duplicate rows"] == 255
    assert rows["further rows on the same day"] == 2068
    assert rows["zero amounts"] == 80
    assert rows["refunds"] == 0
    assert rows["customers who bought"] == 23_570
    assert rows["missing ids, times or amounts"] == 0
    cohort = finding(found, "customers first seen in the first 28 days")
    assert (cohort.example, cohort.level) == ("none after 1997-03-25", "info")


def test_refunds_are_counted_with_their_sum():
    day = START + dt.timedelta(days=200)
    frame = pd.concat([shop(), one("00001", day, -20.5), one("00002", day, -3.0), one("nobody", day, -1.0)])
    found = audited(frame)
    refunds = finding(found, "refunds")
    assert (refunds.rows, refunds.example, refunds.level) == (3, "customer 00001; -24.50 USD in all", "info")
    never = finding(found, "customers with refunds only")
    assert (never.rows, never.example, never.level) == (1, "customer nobody", "warn")


def test_trap_12_a_refund_makes_nobody_a_buyer():
    with_refund = pd.concat([shop(), one("nobody", START + dt.timedelta(days=50), -1.0)])
    assert finding(audited(with_refund), "customers who bought") == finding(audited(shop()), "customers who bought")


def test_duplicates_same_day_rows_and_zero_amounts():
    frame = shop()
    extra = frame.iloc[:30]
    found = audited(pd.concat([frame, extra, extra.iloc[:10].assign(amount=0.0)]))
    assert finding(found, "exact duplicate rows").rows == 30
    assert finding(found, "further rows on the same day").rows == 40
    assert finding(found, "zero amounts").rows == 10
    assert finding(found, "exact duplicate rows").level == "info"
    doubled = finding(audited(pd.concat([frame, frame])), "exact duplicate rows")
    assert (doubled.rows, doubled.level) == (len(frame), "warn")


def test_what_entry_altered_or_left_out_is_told():
    frame = shop()
    frame.loc[frame.index[:7], "amount"] += 0.005
    found = audited(pd.concat([frame, frame.iloc[:5]]), duplicates="drop", observed_until="2023-12-31")
    assert finding(found, "amounts rounded").rows == 7 + 5
    assert finding(found, "exact duplicate rows left out").rows == 5
    late = finding(found, "rows after observed_until left out")
    assert late.rows == (frame["time"] > dt.date(2023, 12, 31)).sum()
    assert late.action == "dropped: observed until 2023-12-31"


@pytest.mark.parametrize("name", ["nan", "None", " 00001", "00001 ", "12345.0", "<NA>"])
def test_odd_identifiers(name):
    odd = finding(audited(pd.concat([shop(), one(name, START, 1.0)])), "odd customer ids")
    assert (odd.rows, odd.example, odd.level) == (1, repr(name), "warn")


@pytest.mark.parametrize("name", ["Nancy", "none of us", "1.05", "0.0.0"])
def test_identifiers_that_only_look_a_little_odd(name):
    assert finding(audited(pd.concat([shop(), one(name, START, 1.0)])), "odd customer ids").rows == 0


def test_rows_in_the_future():
    ahead = finding(audited(pd.concat([shop(), one("00001", dt.date(2099, 1, 1), 1.0)])), "rows in the future")
    assert (ahead.rows, ahead.example, ahead.level) == (1, "2099-01-01", "warn")
    assert "observed_until" in ahead.action


def test_trap_19_a_partial_last_day():
    frame = shop()
    last = max(frame["time"])
    on_it = frame[frame["time"] == last]
    found = finding(audited(frame.drop(on_it.index[5:])), "rows on a last day that looks partial")
    assert (found.rows, found.level) == (5, "warn")
    assert found.example.startswith(f"{last}: 5 rows, on such a weekday usually ")
    assert found.action == f"kept: observed_until='{last - dt.timedelta(days=1)}' leaves it out"
    healed = audited(frame.drop(on_it.index[5:]), observed_until=last - dt.timedelta(days=1))
    assert finding(healed, "rows on a last day that looks partial").level == "info"


def test_a_weekday_that_is_always_quiet_is_not_partial():
    frame = shop()
    last = max(frame["time"])
    quiet = frame["time"].map(lambda day: day.weekday()) == last.weekday()
    thinned = frame[~quiet | (frame.groupby("time").cumcount() < 12)]
    assert finding(audited(thinned), "rows on a last day that looks partial").rows == 0


def test_trap_14_left_truncation():
    rng = np.random.default_rng(2)
    first = rng.integers(0, 1400, 2000)
    day = (first[:, None] + np.cumsum(rng.integers(20, 60, (2000, 12)), axis=1)).ravel()
    frame = pd.DataFrame(
        {
            "customer_id": np.repeat(np.arange(2000), 12).astype(str),
            "time": [START + dt.timedelta(days=int(d)) for d in day],
            "amount": 5.0,
        }
    )
    check = "customers first seen in the first 28 days"
    within = frame[(day >= 60) & (day < 1400)]
    assert finding(audited(within), check).level == "info"
    found = finding(audited(within[within["time"] >= START + dt.timedelta(days=900)]), check)
    assert found.level == "warn"
    assert found.rows > 200
    assert found.example.startswith("later ")
    assert "read an earlier log" in found.action


def test_one_cohort_is_no_truncation():
    frame = shop(days=90, until=START + dt.timedelta(days=364))
    again = frame.assign(time=frame["time"] + pd.to_timedelta(180, "D"))
    found = finding(audited(pd.concat([frame, again])), "customers first seen in the first 28 days")
    assert found.level == "info"
    assert found.action == "one cohort: taken as their first purchases ever"


def test_silence():
    frame = shop()
    hole = [START + dt.timedelta(days=d) for d in range(200, 215)]
    found = finding(audited(frame[~frame["time"].isin(hole)]), "days in the longest silence")
    assert (found.rows, found.example, found.level) == (15, f"{hole[0]} to {hole[-1]}", "warn")
    last = max(frame["time"])
    ending = finding(audited(frame, observed_until=last + dt.timedelta(days=9)), "days in the longest silence")
    assert (ending.rows, ending.level) == (9, "warn")
    assert ending.example == f"{last + dt.timedelta(days=1)} to {last + dt.timedelta(days=9)}"


def test_too_little_to_learn_from():
    few = pd.concat([one(str(i), START + dt.timedelta(days=i), 1.0) for i in range(40)])
    found = audited(few, observed_until=START + dt.timedelta(days=100))
    levels = {f.check: (f.rows, f.level) for f in found.findings}
    assert levels["customers who bought"] == (40, "warn")
    assert levels["days of history"] == (101, "warn")
    assert levels["rows in the last 30 days"] == (0, "warn")
    assert levels["customers who bought on two days or more"] == (0, "warn")
    assert levels["customers who bought on three days or more"] == (0, "warn")


def test_one_customer_with_one_purchase_can_be_audited():
    found = audited(one("a", START, 1.0))
    assert finding(found, "customers who bought").rows == 1
    assert finding(found, "days of history").rows == 1


def test_only_refunds_can_be_audited():
    found = audited(one("a", START, -1.0))
    assert finding(found, "customers who bought").rows == 0


def test_it_is_a_frame_a_dict_a_text_and_a_page(sound):
    frame = sound.to_frame()
    assert list(frame.columns) == ["check", "rows", "example", "action", "level"]
    assert len(frame) == len(sound.findings)
    told = json.loads(json.dumps(sound.to_dict(), allow_nan=False))
    assert told["log"] == sound.log
    assert told["findings"][0]["check"] == "missing ids, times or amounts"
    text = str(sound).splitlines()
    assert text[0].startswith("TransactionLog(")
    assert len(text) == len(sound.findings) + 2
    assert repr(sound) == f"Audit({len(sound.findings)} checks, 0 to look at)"


def test_its_page_escapes_what_customers_are_called():
    page = audited(pd.concat([shop(), one("<b>nan</b> ", START, 1.0)]))._repr_html_()
    assert "<b>" not in page
    assert "<strong>odd customer ids</strong>" in page
    assert "&lt;b&gt;nan" in page


def test_its_page_shows_what_was_found_and_names_the_rest(sound):
    page = sound._repr_html_()
    table, _, rest = page.partition("</table>")
    assert "0 to look at" in table
    assert "customers who bought" in table
    assert "refunds" not in table
    assert "Nothing found: missing ids, times or amounts, " in rest
    assert "refunds" in rest


def test_warnings_are_marked_in_the_text():
    text = str(audited(one("a", START, 1.0)))
    assert any(line.startswith("! customers who bought ") for line in text.splitlines())
