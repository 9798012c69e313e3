"""Salesforce: Bulk API 2.0 jobs against a server that behaves as its documentation says, on its bad days too."""

import copy
import traceback
from urllib.parse import urlsplit

import pytest
import requests

from patron._core.errors import ConfigError, DeliveryError, PatronError
from patron.delivery.salesforce import Salesforce
from tests.delivery.servers.base import TOKEN, Fault, Reply
from tests.delivery.servers.pushing import calm, fields, held, push, pushed_by_core, rows
from tests.delivery.servers.salesforce import INVALID_SESSION, SESSION, SalesforceServer, column, error

pytestmark = pytest.mark.delivery
NAMES = {
    "customer_id": "Customer_Id__c",
    "as_of": "As_Of__c",
    "churn_probability": "Churn__c",
    "reason_1": "Segment__c",
    "value_horizon_days": "Days__c",
    "clv": "CLV__c",
    "scored_at": "Scored_At__c",
}
TYPES = {
    "As_Of__c": "date",
    "Churn__c": "double",
    "Segment__c": "picklist",
    "Days__c": "double",
    "CLV__c": "currency",
    "Scored_At__c": "datetime",
}
CREATE, UPLOAD, MOVE, POLL = "POST /services/data/v59.0/jobs/ingest", "/batches", "PATCH ", "AAA"
PASSWORD = "pass-5566778899"


@pytest.fixture
def server(monkeypatch):
    """An organisation with every field, and one contact of old."""
    columns = [column("Customer_Id__c", "string", externalId=True), *(column(*each) for each in TYPES.items())]
    with SalesforceServer(columns=columns) as server:
        monkeypatch.setenv("SALESFORCE_ACCESS_TOKEN", TOKEN)
        monkeypatch.setenv("SALESFORCE_INSTANCE_URL", server.url)
        server.records["004"] = {"Customer_Id__c": "004", "Churn__c": "0.5", "Segment__c": "old"}
        yield server


@pytest.fixture
def by_password(server, monkeypatch):
    """Log in by password; what goes to salesforce.com arrives at the server."""
    monkeypatch.delenv("SALESFORCE_ACCESS_TOKEN")
    monkeypatch.setenv("SALESFORCE_USERNAME", "patron@acme.example")
    monkeypatch.setenv("SALESFORCE_PASSWORD", PASSWORD)
    monkeypatch.setenv("SALESFORCE_SECURITY_TOKEN", "sec-112233")
    redirect(monkeypatch, server)


@pytest.fixture
def by_app(server, monkeypatch):
    """Log in by an app's consumer key and secret."""
    monkeypatch.delenv("SALESFORCE_ACCESS_TOKEN")
    monkeypatch.setenv("SALESFORCE_CONSUMER_KEY", "key-31415926")
    monkeypatch.setenv("SALESFORCE_CONSUMER_SECRET", "c-271828182")
    server.password = "Basic a2V5LTMxNDE1OTI2OmMtMjcxODI4MTgy"
    redirect(monkeypatch, server)


def redirect(monkeypatch, server):
    send = requests.adapters.HTTPAdapter.send

    def here(adapter, request, **how):
        parts = urlsplit(request.url)
        if parts.hostname.endswith(".salesforce.com"):
            request.url = f"{server.url}{parts.path}"
        return send(adapter, request, **how)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", here)


def opened(tmp_path, **settings):
    target = Salesforce(fields(NAMES), tmp_path, **{"timeout": 5.0, **settings})
    return target, calm(target)


def working(server):
    return [job for job in server.jobs.values() if job.state not in {"Open", "Aborted"}]


def test_a_delivery_writes_every_field_and_clears_what_is_missing(server, tmp_path):
    target, _ = opened(tmp_path)
    target.check()
    done = push(target, rows(NAMES), rounds=1)
    assert server.records == held(NAMES)
    assert done.accepted == set(held(NAMES))
    assert not done.refused
    assert [job.id for job in server.jobs.values()] == done.tokens


def test_a_job_is_noted_before_it_gets_data(server, tmp_path):
    target, _ = opened(tmp_path)
    seen = []
    target.send(rows(NAMES), lambda token: seen.append((token, list(server.jobs[token].contents))))
    assert seen == [(next(iter(server.jobs)), [])]


def test_what_is_sent_is_quoted_csv_with_the_api_names(server, tmp_path):
    target, _ = opened(tmp_path)
    target.send(rows(NAMES, 4), print)
    content = next(iter(server.jobs.values())).contents[0].decode()
    assert content.splitlines()[:2] == [
        '"Customer_Id__c","As_Of__c","Churn__c","Days__c","CLV__c","Segment__c","Scored_At__c"',
        '"001","2026-01-31","0.25","365","1234.5","high, ""very""","2026-02-01T04:30:00.000Z"',
    ]
    assert '"004","2026-01-31","#N/A","365","1000000","#N/A"' in content
    assert "\r" not in content


def test_jobs_are_cut_by_bytes_and_hold_every_row_once(server, tmp_path):
    target, _ = opened(tmp_path, megabytes=0.001)
    done = push(target, rows(NAMES, 40))
    sizes = [len(job.contents[0]) for job in server.jobs.values()]
    assert max(sizes) <= 1000
    assert min(sizes[:-1]) > 1000 - 120
    assert server.records == held(NAMES, 40)
    assert done.accepted == set(held(NAMES, 40))


def test_a_row_longer_than_a_job_goes_alone(server, tmp_path):
    target, _ = opened(tmp_path, megabytes=0.0001)
    assert [len(batch) for batch in target.batches(rows(NAMES, 3))] == [1, 1, 1]


PASSING = {
    "creating: 503 with Retry-After": [Fault(CREATE, Reply(503, headers={"Retry-After": "7"}))],
    "creating: 429": [Fault(CREATE, error(429, "TOO_MANY_REQUESTS", "slow down"))],
    "creating: cut before": [Fault(CREATE, how="cut")],
    "creating: cut after, so that the job is submitted twice": [Fault(CREATE, how="cut", acts=True)],
    "creating: time-out after": [Fault(CREATE, how="slow", acts=True)],
    "creating: malformed JSON": [Fault(CREATE, Reply(200, '{"id": '), acts=True)],
    "creating: JSON without an id": [Fault(CREATE, Reply(200, {}), acts=True)],
    "uploading: 500": [Fault(UPLOAD, Reply(500))],
    "uploading: 500 after": [Fault(UPLOAD, Reply(500), acts=True)],
    "uploading: cut before": [Fault(UPLOAD, how="cut")],
    "uploading: cut after, so that it is repeated": [Fault(UPLOAD, how="cut", acts=True)],
    "uploading: time-out after": [Fault(UPLOAD, how="slow", acts=True)],
    "uploading: three times cut": [Fault(UPLOAD, how="cut", acts=True, times=3)],
    "uploading and aborting: cut after": [Fault(UPLOAD, how="cut", acts=True), Fault(MOVE, how="cut", acts=True)],
    "starting: 500 before": [Fault(MOVE, Reply(500))],
    "starting: cut before": [Fault(MOVE, how="cut")],
    "starting: cut after": [Fault(MOVE, how="cut", acts=True)],
    "starting: time-out after": [Fault(MOVE, how="slow", acts=True)],
    "following: 500, HTML, cut, half": [
        Fault("GET", Reply(500)),
        Fault("GET", Reply(200, "<html>Down for maintenance</html>", kind="text/html")),
        Fault("GET", how="cut"),
        Fault("GET", how="half"),
    ],
    "following: time-out": [Fault("GET", how="slow", acts=True)],
    "reading successes: cut in the middle": [Fault("/successfulResults", how="half", acts=True)],
    "reading successes: something else": [Fault("/successfulResults", Reply(200, "sf__Id\n003\n"))],
    "reading failures: 502 twice": [Fault("/failedResults", Reply(502, "<html>"), times=2)],
    "everything once": [Fault(each, how="cut", acts=True) for each in (CREATE, UPLOAD, MOVE, "Results", "GET")],
}


@pytest.mark.parametrize("faults", PASSING.values(), ids=PASSING)
def test_what_passes_is_waited_out_and_one_job_does_the_work(server, tmp_path, faults):
    target, time = opened(tmp_path, timeout=0.15)
    server.faults = faults = copy.deepcopy(faults)
    done = push(target, rows(NAMES), rounds=1)
    assert not done.errors
    assert done.accepted == set(held(NAMES))
    assert server.records == held(NAMES)
    assert not server.collisions
    assert [job.id for job in working(server)] == done.tokens[-1:]
    assert not [job for job in server.jobs.values() if job.state == "Open" and job.contents]
    assert time.slept
    assert not any(fault.times for fault in faults)


def test_the_server_is_left_alone_as_long_as_it_asks(server, tmp_path):
    target, time = opened(tmp_path)
    server.faults = [Fault("GET", Reply(503, headers={"Retry-After": "70"}))]
    target.check()
    assert time.slept == [70]


def test_a_slow_answer_is_not_waited_for(server, tmp_path):
    target, time = opened(tmp_path, timeout=0.1)
    server.faults = [Fault("GET", how="slow", acts=True)]
    target.check()
    assert time.slept
    assert len(server.asked) == 2


MOMENTS = ["GET", CREATE, UPLOAD, MOVE, "Results"]


@pytest.mark.parametrize("expires", MOMENTS)
@pytest.mark.parametrize("way", ["by_password", "by_app"])
def test_an_expired_session_is_renewed_once_and_the_push_goes_on(server, tmp_path, request, way, expires):
    request.getfixturevalue(way)
    target, _ = opened(tmp_path, domain="acme.my")
    server.faults = [Fault(expires, INVALID_SESSION)]
    done = push(target, rows(NAMES), rounds=1)
    assert not done.errors
    assert server.records == held(NAMES)
    assert server.logins == 2
    assert len(working(server)) == 1


def test_a_session_that_no_login_renews_stops_the_push(server, tmp_path, by_password):
    target, _ = opened(tmp_path)
    server.faults = [Fault("GET", INVALID_SESSION, times=2)]
    with pytest.raises(DeliveryError, match="INVALID_SESSION_ID"):
        target.check()
    assert server.logins == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/services/", Reply(503, "<html>", kind="text/html")),
        Fault("/services/", Reply(200, "<html>", kind="text/html")),
        Fault("/services/", how="cut"),
        Fault("/services/", how="slow"),
    ],
    ids=lambda fault: f"{fault.reply and fault.reply.status} {fault.how}",
)
@pytest.mark.parametrize("way", ["by_password", "by_app"])
def test_a_login_that_fails_in_passing_is_tried_again(server, tmp_path, request, way, fault):
    request.getfixturevalue(way)
    target, time = opened(tmp_path, domain="acme.my", timeout=0.15)
    server.faults = [copy.copy(fault)]
    target.check()
    assert time.slept


FINAL = {
    "an expired access token": ([Fault(UPLOAD, INVALID_SESSION)], "lets nobody in"),
    "the limit of 24 hours": ([Fault(CREATE, error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests"))], "24 hours"),
    "no right to do it": ([Fault(CREATE, error(403, "FUNCTIONALITY_NOT_ENABLED", "Bulk API"))], "FUNCTIONALITY"),
    "down for hours": ([Fault("GET", Reply(503), times=25)], "cannot be reached: 503"),
    "down for hours before the data were in": ([Fault(UPLOAD, how="cut", times=25)], "cannot be reached"),
    "down for hours with the upload": (
        [Fault(UPLOAD, how="cut", acts=True), Fault(MOVE, Reply(503), times=25)],
        "cannot be reached: 503",
    ),
    "a job that cannot be started": ([Fault(MOVE, error(400, "INVALIDJOB", "no"))], "INVALIDJOB"),
}


@pytest.mark.parametrize(("faults", "words"), FINAL.values(), ids=FINAL)
def test_what_does_not_pass_stops_the_push_and_the_next_one_ends_as_if_nothing_had_been(
    server, tmp_path, faults, words
):
    target, _ = opened(tmp_path)
    server.faults = copy.deepcopy(faults)
    done = push(target, rows(NAMES))
    assert len(done.errors) == 1
    assert words in str(done.errors[0])
    assert server.records == held(NAMES)
    assert done.accepted == set(held(NAMES))
    assert not server.collisions


def test_a_job_that_takes_too_long_is_left_to_go_on_and_settled_later(server, tmp_path):
    target, _ = opened(tmp_path, job_minutes=1)
    server.work = lambda _: None
    tokens = []
    with pytest.raises(DeliveryError, match="not done after 1 min"):
        target.send(rows(NAMES), tokens.append)
    del server.work
    assert target.settle(tokens[-1]).accepted == set(held(NAMES))
    assert server.records == held(NAMES)
    assert len(server.jobs) == 1


def test_a_job_that_never_got_its_data_is_aborted_and_its_rows_go_again(server, tmp_path):
    target, _ = opened(tmp_path)

    class KilledError(BaseException):
        pass

    def kill(token):
        raise KilledError

    with pytest.raises(KilledError):
        target.send(rows(NAMES), kill)
    token = next(iter(server.jobs))
    later, _ = opened(tmp_path)
    assert later.settle(token) is None
    assert server.jobs[token].state == "Aborted"
    assert later.settle(token) is None
    assert later.settle("750999999999999AAA") is None


def test_rows_at_fault_are_refused_in_salesforce_words_and_all_others_delivered(server, tmp_path):
    target, _ = opened(tmp_path)
    server.bad = {"001", "006"}
    tokens = []
    answer = target.send(rows(NAMES), tokens.append)
    assert answer.accepted == set(held(NAMES)) - server.bad
    assert set(answer.refused) == server.bad
    assert answer.refused["001"].startswith('STRING_TOO_LONG:data value too large: "high, "very""\n')
    assert target.settle(tokens[0]) == answer
    server.bad = set()
    push(target, rows(NAMES))
    assert server.records == held(NAMES)


def test_locked_rows_go_again_by_themselves(server, tmp_path):
    target, time = opened(tmp_path)
    server.locked = {"002": 1, "005": 3}
    server.bad = {"006"}
    answer = target.send(rows(NAMES), print)
    assert answer.accepted == set(held(NAMES)) - {"006"}
    assert set(answer.refused) == {"006"}
    assert [len(job.ids) for job in server.jobs.values()] == [7, 2, 1, 1]
    assert not server.collisions
    assert time.slept


def test_rows_that_stay_locked_are_refused_in_the_end(server, tmp_path):
    target, time = opened(tmp_path, wait_minutes=1)
    server.locked = {"002": 1000}
    answer = target.send(rows(NAMES), print)
    assert answer.refused.keys() == {"002"}
    assert "UNABLE_TO_LOCK_ROW" in answer.refused["002"]
    assert time.now < 120


@pytest.mark.parametrize("ends", ["fails_after", "aborts_after"])
def test_what_a_job_left_over_is_refused_with_its_reason_and_goes_again(server, tmp_path, ends):
    target, _ = opened(tmp_path)
    setattr(server, ends, 3)
    tokens = []
    answer = target.send(rows(NAMES), tokens.append)
    assert target.settle(tokens[0]) == answer
    assert answer.accepted == {"001", "002", "003"}
    assert answer.refused.keys() == {"004", "005", "006", "007"}
    assert ("ended as Failed: InternalServerError" if ends == "fails_after" else "ended as Aborted") in str(
        answer.refused
    )
    push(target, rows(NAMES))
    assert server.records == held(NAMES)


def test_a_job_that_failed_refuses_also_the_rows_it_does_not_name(server, tmp_path):
    target, _ = opened(tmp_path)
    server.fails_after = 2
    server.faults = [Fault("unprocessedrecords", Reply(200, "", kind="text/csv"))]
    assert target.send(rows(NAMES), print).refused.keys() == {"003", "004", "005", "006", "007"}


def test_rows_that_no_result_names_are_neither_accepted_nor_refused(server, tmp_path):
    target, _ = opened(tmp_path)
    server.silent = {"003"}
    answer = target.send(rows(NAMES), print)
    assert answer.accepted == set(held(NAMES)) - {"003"}
    assert not answer.refused


def test_names_of_strangers_are_ignored(server, tmp_path):
    target, _ = opened(tmp_path)
    strange = '"sf__Id","sf__Error","Customer_Id__c"\n"","X:y","{}"\n'
    server.faults = [
        Fault("/failedResults", Reply(200, strange.format("999"))),
        Fault("/successfulResults", Reply(200, strange.format("998"))),
    ]
    answer = target.send(rows(NAMES), print)
    assert not answer.refused
    assert not answer.accepted


def test_a_push_that_was_cut_off_is_settled_by_the_next_one_and_the_third_sends_nothing(server, tmp_path):
    target, _ = opened(tmp_path)
    server.bad = {"002"}
    server.faults = [Fault("Results", Reply(503), times=25)]
    with pytest.raises(DeliveryError, match="cannot be reached"):
        pushed_by_core(target, tmp_path)
    assert pushed_by_core(target, tmp_path).sent == 1  # the job had been done: only the row at fault goes again
    assert "STRING_TOO_LONG" in (tmp_path / "failed.csv").read_text()
    assert len(server.jobs) == 2
    server.bad = set()
    assert pushed_by_core(target, tmp_path).accepted == 1
    assert pushed_by_core(target, tmp_path).sent == 0
    assert server.records == held(NAMES)


def test_a_check_lists_everything_that_does_not_fit(server, tmp_path):
    server.columns = [
        column("Customer_Id__c", "string"),
        column("As_Of__c", "datetime"),
        column("Churn__c", "percent"),
        column("Segment__c", "string"),
        column("Days__c", "string"),
        column("CLV__c", "currency", updateable=False),
    ]
    target, _ = opened(tmp_path)
    with pytest.raises(DeliveryError) as caught:
        target.check()
    for part in (
        "Customer_Id__c is no external id",
        "As_Of__c has type datetime: as_of needs Date",
        "Churn__c has type percent: churn_probability needs Number",
        "CLV__c is missing or cannot be written: create it as Currency or Number",
        "Scored_At__c is missing or cannot be written: create it as Date",
    ):
        assert part in str(caught.value)
    assert "Days__c" not in str(caught.value)


def test_a_number_as_external_id_would_lose_leading_zeros(server, tmp_path):
    server.columns[0]["type"] = "double"
    target, _ = opened(tmp_path)
    with pytest.raises(DeliveryError, match="Customer_Id__c has type double: customer_id needs Text"):
        target.check()


def test_an_object_that_is_not_there_is_named(server, tmp_path):
    target, _ = opened(tmp_path, object="Kontakt")
    with pytest.raises(DeliveryError, match="404 NOT_FOUND"):
        target.check()


def test_without_a_login_the_ways_to_log_in_are_told(server, tmp_path, monkeypatch):
    monkeypatch.delenv("SALESFORCE_ACCESS_TOKEN")
    target, _ = opened(tmp_path, username_env="CRM_USER")
    with pytest.raises(DeliveryError, match=r"SALESFORCE_ACCESS_TOKEN, .*; or .*CRM_USER, SALESFORCE_PASSWORD"):
        target.check()
    assert not server.asked


def test_plain_http_is_for_this_machine_alone(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SALESFORCE_INSTANCE_URL", "http://acme.my.salesforce.com")
    target, _ = opened(tmp_path)
    with pytest.raises(DeliveryError, match="https"):
        target.check()


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"megabytes": 150}, "megabytes"),
        ({"megabytes": 0}, "megabytes"),
        ({"job_minutes": "2 h"}, "job_minutes"),
        ({"domain": None}, "domain"),
        ({"object": ""}, "object"),
        ({"password_env": 5}, "password_env"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, settings, key):
    with pytest.raises(ConfigError) as caught:
        Salesforce(fields(NAMES), tmp_path, **settings)
    assert caught.value.column == key


def test_an_estimate_grows_with_the_rows(tmp_path):
    target, _ = opened(tmp_path)
    assert target.estimate(0).requests == 0
    assert target.estimate(1_000_000).requests == 20
    assert target.estimate(1_000_000).seconds > 1000


TELLING = {
    "an expired session with an echo": [
        Fault("GET", error(401, "INVALID_SESSION_ID", f"{SESSION}-1 {SESSION}-2"), times=9)
    ],
    "a refusal with an echo": [Fault("GET", error(403, SESSION + "-1", f"{SESSION}-1 and {PASSWORD}"))],
    "down with an echo": [Fault("GET", error(500, "X", f"{SESSION}-1 and {PASSWORD}"), times=50)],
    "cut for good": [Fault("GET", how="cut", times=50)],
    "rows refused with an echo": [
        Fault("/failedResults", Reply(200, f'"sf__Error","Customer_Id__c"\n"{SESSION}-1 {PASSWORD}","001"\n'))
    ],
    "a login refused with an echo": [
        Fault("/Soap/", Reply(500, f"<html>{PASSWORD}sec-112233", kind="text/html"), times=50)
    ],
}


@pytest.mark.parametrize("faults", TELLING.values(), ids=TELLING)
def test_no_secret_shows_in_any_error_log_or_trace(server, tmp_path, by_password, faults, capfd, caplog):
    caplog.set_level("DEBUG")
    target, _ = opened(tmp_path)
    server.faults = copy.deepcopy(faults)
    server.bad = {"001"}
    told = [repr(target), repr(target._organisation)]
    try:
        told.append(repr(target.send(rows(NAMES), print)))
    except PatronError as caught:
        told += ["".join(traceback.format_exception(caught)), repr(caught), caught.message, repr(vars(caught))]
    told += [*capfd.readouterr(), caplog.text]
    for hidden in (SESSION, PASSWORD, "sec-112233"):
        assert hidden not in "\n".join(told)
    assert len(told) > 4


def test_a_refused_login_shows_no_secret(server, tmp_path, by_app, monkeypatch):
    server.password = "another"
    target, _ = opened(tmp_path, domain="acme.my")
    with pytest.raises(DeliveryError, match="lets nobody in") as caught:
        target.check()
    text = "".join(traceback.format_exception(caught.value))
    assert "c-271828182" not in text
    assert "key-31415926" not in text


def test_the_vendor_package_is_asked_for_where_it_is_missing(server, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "simple_salesforce.api", None)
    target, _ = opened(tmp_path)
    with pytest.raises(PatronError, match=r"patron\[salesforce\]"):
        target.check()
