"""Whatever ends a push, or lies to it: nothing is lost, and the next one ends in the state of an undisturbed one."""

import errno
import itertools
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

from patron import DataError, PatronError
from patron._core.errors import DeliveryError, LockedError
from patron.delivery import push
from patron.delivery.state import SILENT, UNSEEN, State
from patron.delivery.target import Answer
from tests.delivery.shop import Crm

pytestmark = pytest.mark.delivery
KILLED = [
    "begin-1-before-known", "begin-1-after-known",
    *(f"{step}-{call}-after-known" for call in (1, 2) for step in ("begin_batch", "note", "send", "close")),
    "_write_dead_letters-1-after-known", "end-1-after-known",
    *(f"{step}-{call}-after-unknown" for call in (1, 2) for step in ("note", "send")),
]  # fmt: skip
"""After each step of a push, which is before the next; twice where it matters whether the target can tell."""


@pytest.fixture(scope="module")
def kills(tmp_path_factory):
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed.py"), tmp_path_factory.mktemp("kills"), *KILLED],
        capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.xdist_group("delivery kills")
@pytest.mark.parametrize("point", KILLED)
def test_after_a_kill_the_next_push_ends_as_an_undisturbed_one(kills, point):
    assert kills[point] == {"killed": True, "same": True, "more": kills[point]["more"], "litter": []}
    known, name = "unknown" not in point, point.split("-")[0]
    assert kills[point]["more"] == (0 if known or name != "send" else 2)


@pytest.fixture(scope="module")
def undisturbed():
    return {}


@pytest.fixture
def aim(shop, undisturbed):
    """What an undisturbed push ends in."""
    if not undisturbed:
        shop.push()
        undisturbed["ended"] = shop.ended
        (shop.out / "state.sqlite").unlink()
        shop.crm.file.unlink()
    return undisturbed["ended"]


@pytest.fixture
def faulty(monkeypatch):
    """`faulty(moment=function)` gives the CRM other faults."""
    return lambda **faults: monkeypatch.setattr(Crm, "faults", faults)


def once(fault, at=1):
    """Let the call of that number go wrong, once."""
    calls = itertools.count(1)
    return lambda *at_hand: fault(*at_hand) if next(calls) == at else None


def raising(error):
    def fault(*_):
        raise error

    return fault


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize(
    ("moment", "error", "told"),
    [
        ("send", DeliveryError("the token has expired", fix="renew it"), "crm: the token has expired. Fix: renew it"),
        ("sent", ConnectionResetError("cut"), "crm: ConnectionResetError: cut"),
        ("sent", TimeoutError("slow"), "crm: TimeoutError: slow"),
        ("send", ZeroDivisionError("a bug"), "crm: ZeroDivisionError: a bug"),
        ("sent", FULL, "free space on the disk"),
    ],
    ids=["refuses", "cut", "slow", "buggy", "full"],
)
def test_a_push_that_fails_for_good_says_why_and_the_next_one_goes_on(shop, aim, faulty, moment, error, told, at):
    faulty(**{moment: once(raising(error), at)})
    with pytest.raises(PatronError) as caught:
        shop.push()
    assert told in str(caught.value)
    assert shop.failed.exists()
    shop.push()
    assert shop.ended == aim
    assert shop.sent == 6


@pytest.mark.parametrize("at", [1, 2])
def test_ctrl_c_leaves_a_push_that_can_go_on(shop, aim, faulty, at):
    faulty(sent=once(raising(KeyboardInterrupt()), at))
    with pytest.raises(KeyboardInterrupt):
        shop.push()
    shop.push()
    assert shop.ended == aim


@pytest.mark.parametrize("name", ["begin", "begin_batch", "note", "close", "end"])
def test_a_disk_that_is_full_at_a_step_of_the_journal_is_said(shop, aim, monkeypatch, name):
    with monkeypatch.context() as patch:
        patch.setattr(State, name, raising(FULL))
        with pytest.raises(PatronError, match="free space on the disk"):
            shop.push()
    shop.push()
    assert shop.ended == aim


def test_a_disk_that_is_really_full_is_said(shop, aim, monkeypatch):
    monkeypatch.setattr(Crm, "size", 500)
    opened = State.__init__

    def small(self, path, **options):
        opened(self, path, **options)
        ((pages,),) = self._disk.execute("PRAGMA page_count")
        self._disk.execute(f"PRAGMA max_page_count = {pages}")

    with monkeypatch.context() as patch:
        patch.setattr(State, "__init__", small)
        shop.keep(n=500, day="2024-07-01")
        with pytest.raises(PatronError, match="free space on the disk"):
            shop.push()
    assert shop.sent == 0
    shop.push()
    assert len(shop.rows) == 500


def test_dead_letters_that_cannot_be_written_leave_the_push_open(shop, aim, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(push, "write_bytes", raising(OSError(errno.ENOSPC, "No space left on device", "failed.csv")))
        patch.setattr(Crm, "faults", {"sent": lambda _: Answer()})
        with pytest.raises(PatronError, match=r"failed.csv cannot be read or written.*free space"):
            shop.push()
    shop.push()
    assert shop.ended == aim


LIES = {
    "accepts nothing": lambda _: Answer(),
    "accepts fewer": lambda batch: Answer(frozenset(batch.index[:1])),
    "accepts strangers": lambda batch: Answer(frozenset({*batch.index[:1], "c9", "nobody"})),
    "accepts what it refuses": lambda batch: Answer(frozenset(batch.index), {batch.index[1]: "no"}),
    "refuses strangers": lambda batch: Answer(frozenset(batch.index[:1]), {"c9": "no"}),
}


@pytest.mark.parametrize("lie", LIES)
def test_only_rows_that_a_target_was_given_and_names_as_accepted_count(shop, aim, faulty, lie):
    faulty(sent=LIES[lie])
    done = shop.push()
    kept = 0 if lie == "accepts nothing" else 3
    assert (done.pushed[0].accepted, done.pushed[0].refused) == (kept, 6 - kept)
    with shop.state() as state:
        assert len(state.known("crm")) == kept
        assert set(state.failed("crm")) <= {f"c{i}" for i in range(6)}
        assert set(state.failed("crm").values()) == {"no" if lie == "accepts what it refuses" else SILENT}
    faulty()
    shop.push()
    assert shop.ended == aim


CUTS = {
    "leaves rows out": (lambda cut: cut[:-1], None),
    "cuts a row twice": (lambda cut: [*cut, cut[0]], "cuts rows that it was not given, or one twice"),
    "cuts a row twice at once": (lambda cut: [pd.concat([cut[0], cut[0]])], "cuts rows that it was not given"),
    "cuts strangers": (lambda cut: [cut[0].rename(index={"c0": "c9"})], "cuts rows that it was not given"),
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_target_that_cuts_rows_wrongly_is_found_out(shop, aim, faulty, cut):
    wrong, told = CUTS[cut]
    faulty(batches=wrong)
    if told:
        with pytest.raises(DeliveryError, match=told):
            shop.push()
    else:
        assert shop.push().pushed[0].refused == 2
    faulty()
    shop.push()
    assert shop.ended == aim


@pytest.fixture
def unanswered(shop, aim, faulty):
    """The shop, the answer to its second batch never seen."""
    faulty(sent=once(raising(ConnectionResetError("cut")), at=2))
    with pytest.raises(DeliveryError):
        shop.push()
    return shop


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DeliveryError("it is down", fix="wait"), "crm: it is down. Fix: wait"),
        (ValueError("odd"), "crm: ValueError: odd"),
        (ConnectionRefusedError("down"), "crm: ConnectionRefusedError: down"),
    ],
)
def test_a_target_that_cannot_settle_now_is_asked_again(unanswered, aim, faulty, error, told):
    faulty(settle=raising(error))
    with pytest.raises(DeliveryError, match=told):
        unanswered.push()
    assert unanswered.sent == 4
    faulty()
    unanswered.push()
    assert unanswered.ended == aim
    assert unanswered.sent == 6


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (Answer(frozenset({"c2", "c3"})), 6),
        (Answer(frozenset({"c2"}), {"c3": "no"}), 7),
        (Answer(frozenset({"c2", "c0", "nobody"})), 7),
        (Answer(), 8),
    ],
    ids=["all", "in part", "strangers", "none"],
)
def test_what_a_settled_batch_leaves_open_goes_again(unanswered, aim, faulty, answer, sent):
    faulty(settle=lambda _: answer)
    unanswered.push()
    assert unanswered.ended == aim
    assert unanswered.sent == sent


def test_a_row_in_doubt_goes_again_even_if_it_says_what_was_sent_before(shop, faulty, monkeypatch):
    monkeypatch.setattr(Crm, "settles", False)
    shop.push()
    before = shop.rows
    shop.keep(day="2024-07-01", shift=0.1)
    faulty(sent=once(raising(ConnectionResetError("cut"))))
    with pytest.raises(DeliveryError):
        shop.push(confirm=True)
    assert shop.rows != before
    faulty()
    shop.keep(day="2024-07-02")
    shop.push()
    assert shop.rows == before


def test_a_plan_tells_what_is_in_doubt(unanswered):
    assert unanswered.deliver().plans[0].counts["failed"] == 2
    with unanswered.state() as state:
        assert state.failed("crm") == {"c2": UNSEEN, "c3": UNSEEN}


def test_two_pushes_at_once_are_one_and_the_other_is_told(shop, aim, faulty):
    begun, go_on, told = threading.Event(), threading.Event(), []

    def slow(_):
        begun.set()
        assert go_on.wait(60)

    faulty(send=once(slow))
    first = threading.Thread(target=lambda: told.append(shop.push()))
    first.start()
    assert begun.wait(60)
    with pytest.raises(LockedError, match="another process is working on shop"):
        shop.push()
    assert shop.deliver().plans[0].counts["failed"] == 2
    go_on.set()
    first.join(60)
    assert len(told) == 1
    assert shop.ended == aim


def halve(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("name", ["scores.parquet", "manifest.json"])
def test_half_written_scores_are_not_delivered(shop, name):
    halve(next(shop.out.rglob(name)))
    with pytest.raises(DataError, match=r"patron score writes"):
        shop.push()
    assert shop.sent == 0


def test_a_damaged_state_is_said_and_left_as_it_is(shop):
    shop.push()
    path = shop.out / "state.sqlite"
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(PatronError, match=r"state.sqlite cannot be read or written.*backup"):
        shop.push()
    assert path.read_bytes() == b"nonsense" * 1000


def test_one_target_that_is_down_keeps_no_other_from_its_rows(make_shop_of, faulty):
    shop = make_shop_of("  - name: folder\n    target: files\n")
    shop.keep()
    faulty(check=raising(DeliveryError("it is down", fix="wait")))
    with pytest.raises(DeliveryError, match=r"it is down. Fix: wait.\nfolder: 6 of 6 rows delivered"):
        shop.push()
    assert len(list((shop.out / "deliveries" / "folder" / "sent").iterdir())) == 1
