"""Outcomes are the snapshot's own labels; who was treated is read from plans and events around the scoring."""

import pandas as pd
import pytest

import patron
from patron._core.calendar import day_number
from patron._core.errors import DataError
from patron.ledger import Treatments, outcomes

AS_OF = day_number("2022-03-31")


@pytest.fixture(scope="module")
def log():
    rows = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d", "a", "b", "c"],
            "time": ["2022-01-01", "2022-01-05", "2022-02-01", "2022-02-02", "2022-04-30", "2022-05-31", "2022-04-10"],
            "amount": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5],
        }
    )
    events = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "time": ["2022-04-01", "2022-03-31", "2022-04-15", "2022-05-01"],
            "kind": ["mailing", "mailing", "visit", "mailing"],
        }
    )
    return patron.read_transactions(rows).with_events(events)


def plan(folder, day, version=1, **groups):
    place = folder / f"as_of={day}" / f"version={version}"
    place.mkdir(parents=True)
    pd.DataFrame({"customer_id": list(groups), "group": list(groups.values())}).to_parquet(place / "plan.parquet")
    return place


def groups(log, folder, kind=None):
    treatments = Treatments(log, folder, kind)
    return treatments.groups(pd.Series(list("abcd")), AS_OF, 30).tolist(), treatments.told


def test_outcomes_are_the_labels_of_the_day_and_the_first_purchase(log):
    found = outcomes(log, AS_OF, 30)
    labels = patron.snapshots(log, "2022-03-31", "30 days").droplevel("as_of")
    pd.testing.assert_frame_equal(found[["churned", "spend_next"]], labels[["churned", "spend_next"]])
    assert found["churned"].tolist() == [0, 1, 0, 1]
    assert found["first"].dt.strftime("%m-%d").tolist() == ["01-01", "01-05", "02-01", "02-02"]


def test_a_horizon_that_is_not_wholly_observed_is_refused(log):
    with pytest.raises(DataError, match="not wholly observed"):
        outcomes(log, AS_OF, 62)


def test_without_plans_nobody_is_treated(log, tmp_path):
    assert groups(log, tmp_path) == (["untreated"] * 4, [])


def test_planned_contacts_of_the_window_and_as_long_before_count(log, tmp_path):
    plan(tmp_path, "2022-03-01", a="none", b="contact")  # 30 days before: no more
    plan(tmp_path, "2022-03-31", a="contact", b="none", c="control", d="none")
    plan(tmp_path, "2022-04-30", d="contact")
    plan(tmp_path, "2022-05-01", b="contact")
    assert groups(log, tmp_path)[0] == ["treated", "untreated", "control", "treated"]


def test_a_control_who_was_contacted_all_the_same_is_treated(log, tmp_path):
    plan(tmp_path, "2022-03-31", a="control", b="control")
    assert groups(log, tmp_path, kind="mailing")[0] == ["treated", "control", "untreated", "untreated"]


def test_events_count_in_the_window_alone_and_of_their_kind(log, tmp_path):
    assert groups(log, tmp_path, kind="mailing")[0] == ["treated", "untreated", "untreated", "untreated"]
    assert groups(log, tmp_path, kind="call")[0] == ["untreated"] * 4


@pytest.mark.delivery
def test_a_plan_that_cannot_be_read_is_told_and_the_others_count(log, tmp_path):
    (plan(tmp_path, "2022-03-30", a="contact") / "plan.parquet").write_bytes(b"torn")
    (plan(tmp_path, "2022-03-29", a="contact") / "plan.parquet").unlink()
    plan(tmp_path, "2022-03-31", b="contact")
    found, told = groups(log, tmp_path)
    assert found == ["untreated", "treated", "untreated", "untreated"]
    assert len(told) == 2
    assert "2022-03-30" in " ".join(told)
