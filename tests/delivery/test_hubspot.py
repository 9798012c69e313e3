"""HubSpot: batch upsert against a server that behaves as its documentation says, on its bad days too."""

import copy
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from patron._core.errors import ConfigError, DeliveryError, PatronError
from patron.delivery.hubspot import HubSpot
from tests.delivery.servers.base import TOKEN, Fault, Reply
from tests.delivery.servers.hubspot import HubSpotServer, limited, prop, wrong
from tests.delivery.servers.pushing import calm, fields, held, push, pushed_by_core, rows

pytestmark = pytest.mark.delivery
NAMES = {"churn_probability": "churn", "reason_1": "band", "value_horizon_days": "days"}
UPSERT = "POST /crm/v3/objects/contacts/batch/upsert"
TYPES = {
    "as_of": "date",
    "churn": "number",
    "band": "enumeration",
    "days": "number",
    "clv": "number",
    "scored_at": "datetime",
}


@pytest.fixture
def server(monkeypatch):
    """A portal with every property, and one contact of old."""
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", TOKEN)
    properties = [prop("customer_id", "string", hasUniqueValue=True), *(prop(*each) for each in TYPES.items())]
    with HubSpotServer(properties=properties) as server:
        server.contacts["004"] = {"customer_id": "004", "churn": "0.5", "band": "old"}
        yield server


def opened(server, tmp_path, **settings):
    target = HubSpot(fields(NAMES), tmp_path, url=server.url, **{"timeout": 5.0, **settings})
    return target, calm(target)


def test_a_delivery_writes_every_field_as_text_and_clears_what_is_missing(server, tmp_path):
    target, _ = opened(server, tmp_path)
    target.check()
    done = push(target, rows(NAMES), rounds=1)
    assert server.contacts == held(NAMES)
    assert done.accepted == set(held(NAMES))
    assert not done.refused


def test_a_second_delivery_of_the_same_rows_changes_nothing(server, tmp_path):
    target, _ = opened(server, tmp_path)
    push(target, rows(NAMES))
    push(target, rows(NAMES))
    assert server.contacts == held(NAMES)


def test_rows_go_by_the_hundred_at_the_pace_that_is_set(server, tmp_path):
    target, time = opened(server, tmp_path, requests_per_second=2)
    done = push(target, rows(NAMES, 250))
    assert len(done.accepted) == 250
    assert server.asked == [UPSERT] * 3
    assert time.slept == [0.5, 0.5]
    assert target.estimate(250).requests == 3
    assert target.estimate(250).seconds == 1.5


def soon():
    """An HTTP date a hundred seconds ahead."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)


PASSING = {
    "429 with Retry-After in seconds": [Fault(UPSERT, limited("TEN_SECONDLY_ROLLING", **{"Retry-After": "10"}))],
    "429 with Retry-After as a date": [Fault(UPSERT, limited("SECONDLY", **{"Retry-After": soon()}))],
    "429 five times": [Fault(UPSERT, limited("TEN_SECONDLY_ROLLING"), times=5)],
    "500": [Fault(UPSERT, Reply(500, wrong("internal error", "INTERNAL_ERROR")))],
    "500 after the rows were written": [Fault(UPSERT, Reply(500, wrong("internal error")), acts=True)],
    "502 from a proxy, in HTML": [Fault(UPSERT, Reply(502, "<html>Bad Gateway</html>", kind="text/html"))],
    "503 with Retry-After": [Fault(UPSERT, Reply(503, headers={"Retry-After": "3"}), times=2)],
    "504 that is no UTF-8": [Fault(UPSERT, Reply(504, b"\xff\xfe"))],
    "409": [Fault(UPSERT, Reply(409, wrong("locked by another write", "CONFLICT")), times=2)],
    "423": [Fault(UPSERT, Reply(423, wrong("locked", "LOCKED")), times=2)],
    "408": [Fault(UPSERT, Reply(408))],
    "time-out before the rows were written": [Fault(UPSERT, how="slow")],
    "time-out after the rows were written": [Fault(UPSERT, how="slow", acts=True)],
    "cut before the rows were written": [Fault(UPSERT, how="cut")],
    "cut after the rows were written": [Fault(UPSERT, how="cut", acts=True)],
    "cut in the middle of the answer": [Fault(UPSERT, how="half", acts=True)],
    "malformed JSON": [Fault(UPSERT, Reply(200, '{"results": ['), acts=True)],
    "JSON that is no object": [Fault(UPSERT, Reply(200, "[]"), acts=True)],
    "all at once": [
        Fault(UPSERT, how="cut"),
        Fault(UPSERT, limited("SECONDLY")),
        Fault(UPSERT, how="half", acts=True),
        Fault(UPSERT, Reply(500)),
    ],
}


@pytest.mark.parametrize("faults", PASSING.values(), ids=PASSING)
def test_what_passes_is_waited_out_and_sent_again(server, tmp_path, faults):
    target, time = opened(server, tmp_path, timeout=0.15)
    server.faults = faults = copy.deepcopy(faults)
    done = push(target, rows(NAMES), rounds=1)
    assert not done.errors
    assert done.accepted == set(held(NAMES))
    assert server.contacts == held(NAMES)
    assert time.slept
    assert not any(fault.times for fault in faults)


@pytest.mark.parametrize(("asked", "least", "most"), [("in 10 seconds", 10, 10.2), ("at a time", 85, 100)])
def test_a_server_is_left_alone_as_long_as_it_asks(server, tmp_path, asked, least, most):
    header = "10" if asked == "in 10 seconds" else soon()
    target, time = opened(server, tmp_path)
    server.faults = [Fault(UPSERT, limited("SECONDLY", **{"Retry-After": header}))]
    push(target, rows(NAMES))
    assert least <= time.slept[0] <= most


def test_a_check_waits_by_the_same_rules(server, tmp_path):
    target, time = opened(server, tmp_path)
    server.faults = [Fault("GET", limited("SECONDLY", **{"Retry-After": "1"})), Fault("GET", Reply(503))]
    target.check()
    assert time.slept[0] == 1
    assert len(server.asked) == 3


FINAL = {
    "the daily limit": [Fault(UPSERT, limited("DAILY", **{"Retry-After": "5"}))],
    "an expired token": [Fault(UPSERT, Reply(401, wrong("expired", "EXPIRED_AUTHENTICATION")))],
    "missing scopes": [Fault(UPSERT, Reply(403, wrong("This app hasn't been granted scopes", "MISSING_SCOPES")))],
    "no such object": [Fault(UPSERT, Reply(404, wrong("Unable to infer object type", "OBJECT_NOT_FOUND")))],
    "a wait beyond all patience": [Fault(UPSERT, limited("SECONDLY", **{"Retry-After": "3600"}))],
    "down for hours": [Fault(UPSERT, Reply(503), times=25)],
}


@pytest.mark.parametrize("faults", FINAL.values(), ids=FINAL)
def test_what_does_not_pass_stops_the_push_and_the_next_one_ends_as_if_nothing_had_been(server, tmp_path, faults):
    target, _ = opened(server, tmp_path)
    server.faults = copy.deepcopy(faults)
    server.faults[0].after = 1  # the first hundred are through
    done = push(target, rows(NAMES, 150))
    assert [type(error) for error in done.errors] == [DeliveryError]
    assert server.contacts == held(NAMES, 150)


def test_the_daily_limit_is_not_waited_out(server, tmp_path):
    target, time = opened(server, tmp_path)
    server.faults = [Fault(UPSERT, limited("DAILY", **{"Retry-After": "5"}))]
    with pytest.raises(DeliveryError, match="daily limit"):
        target.send(rows(NAMES), print)
    assert not time.slept


@pytest.mark.parametrize("how", [{}, {"traces": False}, {"anonymous": True}, {"one_spoils_all": True}], ids=str)
def test_rows_at_fault_are_refused_and_all_others_delivered(server, tmp_path, how):
    target, _ = opened(server, tmp_path)
    server.bad = {"002", "006"}
    for name, value in how.items():
        setattr(server, name, value)
    answer = target.send(rows(NAMES), print)
    assert answer.accepted == set(held(NAMES)) - server.bad
    assert set(answer.refused) == server.bad
    assert all("INVALID_INTEGER" in why for why in answer.refused.values())
    assert (len(server.asked) == 1) == (how in ({}, {"traces": False}))
    server.bad = set()
    push(target, rows(NAMES))
    assert server.contacts == held(NAMES)


def test_a_bad_row_in_a_hundred_is_found_in_few_requests(server, tmp_path):
    target, _ = opened(server, tmp_path)
    server.bad, server.one_spoils_all = {"042"}, True
    answer = target.send(rows(NAMES, 100), print)
    assert set(answer.refused) == {"042"}
    assert len(answer.accepted) == 99
    assert len(server.asked) <= 15


def test_a_row_that_conflicts_for_good_is_refused_alone(server, tmp_path):
    target, _ = opened(server, tmp_path)
    server.faults = [Fault(UPSERT, Reply(409, wrong("another contact has it", "CONFLICT")), times=3 * 4)]
    answer = target.send(rows(NAMES), print)
    assert len(answer.refused) == 1
    assert answer.accepted == set(held(NAMES)) - set(answer.refused)


def test_rows_that_the_server_does_not_name_are_neither_accepted_nor_refused(server, tmp_path):
    target, _ = opened(server, tmp_path)
    server.silent = {"003", "005"}
    answer = target.send(rows(NAMES), print)
    assert answer.accepted == set(held(NAMES)) - server.silent
    assert not answer.refused
    server.silent = set()
    push(target, rows(NAMES))
    assert server.contacts == held(NAMES)


def test_a_200_that_names_nobody_counts_for_nothing(server, tmp_path):
    target, _ = opened(server, tmp_path)
    server.faults = [Fault(UPSERT, Reply(200, {"status": "COMPLETE", "results": []}))]
    answer = target.send(rows(NAMES), print)
    assert not answer.accepted
    assert not answer.refused


def test_names_of_strangers_are_ignored(server, tmp_path):
    target, _ = opened(server, tmp_path)
    strangers = {"results": [{"id": "1", "objectWriteTraceId": "999", "properties": {"customer_id": "998"}}]}
    server.faults = [Fault(UPSERT, Reply(200, strangers))]
    assert target.send(rows(NAMES), print).accepted == set()


def test_a_push_that_was_cut_off_goes_on_where_it_stopped_and_the_third_sends_nothing(server, tmp_path):
    target, _ = opened(server, tmp_path)
    server.bad = {"002"}
    server.faults = [Fault(UPSERT, limited("DAILY"), after=1)]
    with pytest.raises(DeliveryError, match="daily limit"):
        pushed_by_core(target, tmp_path, 150)
    assert pushed_by_core(target, tmp_path, 150).sent == 51
    assert "INVALID_INTEGER" in (tmp_path / "failed.csv").read_text()
    server.bad = set()
    assert pushed_by_core(target, tmp_path, 150).accepted == 1
    assert pushed_by_core(target, tmp_path, 150).sent == 0
    assert server.contacts == held(NAMES, 150)


def test_a_property_that_vanished_stops_the_push_at_once(server, tmp_path):
    target, _ = opened(server, tmp_path)
    server.properties = [each for each in server.properties if each["name"] != "clv"]
    with pytest.raises(DeliveryError, match="no such property"):
        target.send(rows(NAMES, 100), print)
    assert len(server.asked) == 1


def test_a_check_lists_everything_that_does_not_fit(server, tmp_path):
    target, _ = opened(server, tmp_path)
    server.properties = [
        prop("customer_id", "string"),
        prop("as_of", "datetime"),
        prop("churn", "number", modificationMetadata={"readOnlyValue": True}),
        prop("band", "string"),
        prop("days", "string"),
        prop("clv", "number", calculated=True),
    ]
    with pytest.raises(DeliveryError) as caught:
        target.check()
    said = str(caught.value)
    for part in (
        "as_of has type datetime: as_of needs Date",
        "churn is missing or cannot be written: create it as Number",
        "clv is missing or cannot be written: create it as Number",
        "scored_at is missing or cannot be written: create it as Date",
        "customer_id is not unique",
    ):
        assert part in said
    assert "days" not in said


def test_email_finds_contacts_without_being_declared_unique(server, tmp_path):
    server.properties[0] = prop("email", "string")
    target = HubSpot(fields({**NAMES, "customer_id": "email"}), tmp_path, url=server.url)
    target.check()


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"timeout": "long"}, "timeout"),
        ({"wait_minutes": True}, "wait_minutes"),
        ({"url": "http://api.hubapi.com"}, "url"),
        ({"token_env": ""}, "token_env"),
        ({"object": 7}, "object"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, settings, key):
    with pytest.raises(ConfigError) as caught:
        HubSpot(fields(NAMES), tmp_path, **settings)
    assert caught.value.column == key


def test_without_a_token_nobody_is_reached(server, tmp_path, monkeypatch):
    monkeypatch.delenv("HUBSPOT_ACCESS_TOKEN")
    target, _ = opened(server, tmp_path)
    with pytest.raises(DeliveryError, match="HUBSPOT_ACCESS_TOKEN"):
        target.check()
    assert not server.asked


TELLING = {
    "refused with an echo": {"token": "another"},
    "refused rows with an echo": {
        "faults": [Fault(UPSERT, Reply(400, wrong(f"Bearer {TOKEN}")), times=50)],
    },
    "errors with an echo": {
        "faults": [Fault(UPSERT, Reply(207, {"errors": [wrong(TOKEN, context={"ids": ["001"]})]}))],
    },
    "down with an echo": {"faults": [Fault(UPSERT, Reply(500, wrong(TOKEN)), times=50)]},
    "cut for good": {"faults": [Fault(UPSERT, how="cut", times=50)]},
}


@pytest.mark.parametrize("setting", TELLING.values(), ids=TELLING)
def test_the_token_shows_in_no_error_log_or_trace(server, tmp_path, setting, capfd, caplog):
    caplog.set_level("DEBUG")
    target, _ = opened(server, tmp_path)
    for name, value in setting.items():
        setattr(server, name, value)
    told = [repr(target), repr(target.patience)]
    try:
        told.append(repr(target.send(rows(NAMES), print)))
    except PatronError as error:
        told += ["".join(traceback.format_exception(error)), repr(error), error.message, repr(vars(error))]
    told += [*capfd.readouterr(), caplog.text]
    assert TOKEN not in "\n".join(told)
    assert len(told) > 4


def test_the_vendor_package_is_asked_for_where_it_is_missing(server, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "hubspot", None)
    target, _ = opened(server, tmp_path)
    with pytest.raises(PatronError, match=r"patron\[hubspot\]"):
        target.check()
