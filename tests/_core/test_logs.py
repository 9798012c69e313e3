"""JSON log lines: steps once at either end, facts of errors, no secret and no id."""

import json

import pytest

from patron._core.errors import ConfigError, DataError, DataWarning
from patron._core.logs import LogLines
from patron._core.passwords import secret
from patron._core.pseudonyms import VARIABLE, pseudonym

KEY = "an-example-of-a-key-drawn-at-random"


@pytest.fixture
def log(monkeypatch):
    monkeypatch.setenv(VARIABLE, KEY)
    lines = []
    log = LogLines(lines.append)
    log.told = lambda: [json.loads(line) for line in lines]
    return log


def test_a_step_is_told_at_its_beginning_and_end_with_the_seconds(log):
    for done in range(4):
        log.step("scoring", done, 3)
    log.step("unending", 0, None)
    log.step("unending", 1, None)
    first, last, other = log.told()
    assert (first["event"], first["done"], first["total"]) == ("step", 0, 3)
    assert (last["what"], last["done"]) == ("scoring", 3)
    assert last["seconds"] >= 0
    assert other["what"] == "unending"


def test_every_line_says_when_in_utc_and_how_grave(log):
    log.result("scores: 3")
    log.warning(DataWarning("odd"))
    log.failure(DataError("bad", column="amount", count=3, fix="mend it"))
    told = log.told()
    assert [line["level"] for line in told] == ["info", "warning", "error"]
    assert all(line["time"].endswith("+00:00") for line in told)
    assert told[1]["kind"] == "DataWarning"
    assert told[2] | {"time": ""} == {
        "time": "", "level": "error", "event": "error", "what": "bad", "kind": "DataError", "column": "amount",
        "count": 3, "fix": "mend it", "exit_code": 3,
    }  # fmt: skip


@pytest.mark.parametrize("customer", ["anna-4711", "o'brien (2)", 'a"b', "1"])
def test_the_example_of_an_error_or_a_warning_is_hashed(log, customer):
    error = DataError("a customer twice", column="customer_id", count=2, example=customer, fix="one row each")
    log.failure(error)
    log.warning(DataWarning(f"left out: {error}"))
    failed, warned = log.told()
    hashed = pseudonym(customer, KEY.encode())
    assert failed["example"] == f"#{hashed}"
    assert failed["what"] == "a customer twice"
    assert warned["what"].startswith("left out: column 'customer_id': a customer twice (2 rows, for example #")
    assert repr(customer) not in warned["what"]


def test_no_secret_is_in_a_line(log, monkeypatch):
    monkeypatch.setenv("CRM_TOKEN", "pat-na1-secret")
    assert secret("CRM_TOKEN")
    log.result("sent with pat-na1-secret to postgresql://me:hunter2@host/shop")
    assert "pat-na1" not in json.dumps(log.told())
    assert "hunter2" not in json.dumps(log.told())


def test_a_short_key_does_not_keep_errors_from_being_told(monkeypatch):
    monkeypatch.setenv(VARIABLE, "short")
    lines = []
    LogLines(lines.append).failure(ConfigError("no such key", example="x"))
    assert json.loads(lines[0])["exit_code"] == 2
