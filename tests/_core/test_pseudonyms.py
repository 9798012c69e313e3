"""Keyed hashes: the same for the same key, no way back, a key for its owner's eyes alone."""

import hashlib
import hmac

import pytest

from patron._core.errors import ConfigError
from patron._core.passwords import without_passwords
from patron._core.pseudonyms import FILE, VARIABLE, pseudonym, pseudonym_key, pseudonyms

KEY = "an-example-of-a-key-drawn-at-random"


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_pseudonym_is_the_hmac_of_the_id():
    assert pseudonym("007", b"key") == hmac.new(b"key", b"007", hashlib.sha256).hexdigest()[:32]
    assert pseudonyms(["1", "10"], b"key") == [pseudonym("1", b"key"), pseudonym("10", b"key")]


def test_another_key_gives_another_pseudonym():
    assert pseudonym("007", b"one") != pseudonym("007", b"two")


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    key = pseudonym_key(tmp_path / "out")
    assert len(key) == 64
    assert pseudonym_key(tmp_path / "out") == key
    assert (tmp_path / "out" / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "out").iterdir()] == [FILE]
    assert pseudonym_key(tmp_path / "other") != key


def test_the_environment_s_key_wins_leaves_no_file_and_is_in_no_text(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, KEY)
    assert pseudonym_key(tmp_path) == KEY.encode()
    assert list(tmp_path.iterdir()) == []
    assert KEY not in without_passwords(f"{VARIABLE}={KEY}")


def test_a_key_that_can_be_guessed_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(ConfigError, match="at least 16"):
        pseudonym_key(tmp_path)
