"""Waiting: as long as the server asks, longer and longer, and never for ever."""

from datetime import UTC, datetime

import pytest

from patron._core.errors import DeliveryError
from patron.delivery.patience import PassingError, Patience, retry_after
from tests.delivery.servers.pushing import Time

pytestmark = pytest.mark.delivery
NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)


def patient(limit=600.0, chance=0.0):
    time = Time()
    return Patience(limit, sleep=time.sleep, clock=time.clock, chance=lambda: chance), time


def failing(times, after=None):
    left = iter(range(times))

    def attempt():
        if next(left, None) is not None:
            raise PassingError("busy", after)
        return "done"

    return attempt


def test_pauses_double_up_to_the_longest():
    patience, time = patient()
    assert patience.outlast(failing(8), "the server") == "done"
    assert time.slept == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_chance_spreads_pauses_over_their_upper_half():
    for chance, first in ((0.0, 0.5), (0.5, 0.75), (0.999, 0.9995)):
        patience, time = patient(chance=chance)
        patience.outlast(failing(1), "the server")
        assert time.slept == [pytest.approx(first)]


def test_a_server_that_names_a_time_is_not_asked_before_it():
    patience, time = patient()
    patience.outlast(failing(3, after=40), "the server")
    assert time.slept == [40, 40, 40]


def test_a_trouble_that_outlasts_the_limit_ends_before_it():
    patience, time = patient(limit=60)
    with pytest.raises(DeliveryError, match="the server cannot be reached: busy"):
        patience.outlast(failing(1000), "the server")
    assert 30 < time.now <= 60


def test_a_wait_that_is_longer_than_the_limit_is_not_begun():
    patience, time = patient(limit=60)
    with pytest.raises(DeliveryError, match="next try would be in 3,600 s"):
        patience.outlast(failing(1, after=3600), "the server")
    assert not time.slept


def test_other_errors_are_not_waited_out():
    patience, time = patient()

    def attempt():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        patience.outlast(attempt, "the server")
    assert not time.slept


def test_what_ends_the_waiting_carries_no_cause_along():
    patience, _ = patient(limit=0)
    with pytest.raises(DeliveryError) as caught:
        patience.outlast(failing(1), "the server")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_asking_until_there_is_an_answer_ends_with_it_or_with_the_limit():
    answers = iter([None, None, "over"])
    patience, time = patient()
    assert patience.until(lambda: next(answers), 100) == "over"
    assert time.slept == [0.5, 1]
    assert patience.until(lambda: None, 100) is None
    assert time.now <= 101.5


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 17 ", 17),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2026 09:28:30 +0200", 30),
        ("Wed, 21 Oct 2026 07:28:30 -0000", 30),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0),
        ("-5", None),
        ("1.5 hours", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header, seconds):
    assert retry_after(header, NOW) == seconds
