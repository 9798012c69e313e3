import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest

from patron._core import files
from patron._core.errors import LockedError
from patron._core.files import digest, locked, read_json, repair, whole_folder, write_bytes, write_json


@pytest.mark.delivery
def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    write_bytes(target, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.delivery
def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "scores"
    with whole_folder(target) as draft:
        (draft / "a").write_text("1")
    with pytest.raises(IsADirectoryError), whole_folder(target) as draft:
        draft.write_text("a folder is no file")
    assert (target / "a").read_text() == "1"
    with whole_folder(target) as draft:
        (draft / "b").write_text("3")
    assert [path.name for path in target.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [target]


def test_json_keeps_every_bit_and_refuses_nan(tmp_path):
    value = {"b": 0.1 + 0.2, "a": [1, None, "ü"]}
    write_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json") == value
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert read_json(tmp_path / "x.json") == value


def test_a_folders_digest_changes_with_a_name_and_with_a_byte(tmp_path):
    (tmp_path / "a").write_text("1")
    first = digest(tmp_path)
    (tmp_path / "a").write_text("2")
    second = digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, digest(tmp_path)}) == 3


def _hold(path, ready, end):
    with locked(path, "cdnow"):
        ready.set()
        end.wait(10)


def test_a_second_process_is_told_at_once_and_a_killed_one_blocks_nobody(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, end = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(tmp_path / "lock", ready, end))
    process.start()
    assert ready.wait(20)
    with pytest.raises(LockedError, match="working on cdnow"), locked(tmp_path / "lock", "cdnow"):
        pass
    process.kill()
    process.join()
    with locked(tmp_path / "lock", "cdnow"):
        pass


def _write_and_die(target, moment):
    """Replace a folder by two renames, and be killed before one of them or after both."""
    files._exchange = lambda *_: False
    renamed = iter(range(9))

    def deadly(self, target, rename=Path.rename):
        if next(renamed) == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    Path.rename = deadly
    files.shutil.rmtree = lambda path, **_: path.exists() and os.kill(os.getpid(), signal.SIGKILL)
    with whole_folder(target) as draft:
        (draft / "new").write_text("2")


@pytest.mark.delivery
@pytest.mark.parametrize(("moment", "stands"), [(0, "old"), (1, "old"), (2, "new")])
def test_a_kill_between_two_renames_is_repaired(tmp_path, moment, stands):
    target = tmp_path / "a"
    target.mkdir()
    (target / "old").write_text("1")
    (tmp_path / ".b.live.draft").write_text("of another name, whose lock is not ours")
    process = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(target, moment))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) > 2
    repair(tmp_path, "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.live.draft", "a"]
    assert [path.name for path in target.iterdir()] == [stands]


@pytest.mark.skipif(sys.platform != "linux", reason="asks this system's kernel")
def test_a_folder_changes_places_in_one_step(tmp_path, monkeypatch):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert files._exchange(tmp_path / "old", tmp_path / "new")
    assert (tmp_path / "old" / "new").exists()
    assert (tmp_path / "new" / "old").exists()
    with pytest.raises(FileNotFoundError):
        files._exchange(tmp_path / "old", tmp_path / "none")


def test_what_was_written_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(files, "_sync", lambda path: synced.append(path.name))
    with whole_folder(tmp_path / "a") as draft:
        (draft / "x").write_text("1")
        (draft / "y").mkdir()
        (draft / "y" / "z").write_text("2")
    assert sorted(synced[:3]) == ["x", "y", "z"]
    assert synced[3].endswith(".draft")
    assert synced[4:] == [tmp_path.name]
