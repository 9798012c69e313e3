"""Files that are either whole or absent: atomic writes, digests, one lock a name."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from patron._core.errors import LockedError


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    """Write text as UTF-8, atomically."""
    write_bytes(path, content.encode())


def to_json(value: Any) -> str:
    """JSON as Patron writes it: sorted keys, two spaces, full precision, no NaN, a line feed at the end."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, atomically."""
    write_text(path, to_json(value))


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; it takes the place of `path` in one rename when the block ends well.

    A block that raises leaves what stood at `path` untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    old = draft.with_name(draft.name + ".old")
    try:
        draft.chmod(0o755)
        yield draft
        if path.exists():
            path.rename(old)
            try:
                draft.rename(path)
            except OSError:
                old.rename(path)
                raise
        else:
            draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder: its files' names and contents in sorted order."""
    if path.is_dir():
        return digest_of({str(p.relative_to(path)): digest(p) for p in sorted(path.rglob("*")) if p.is_file()})
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(value: Mapping[str, Any] | list[Any] | str) -> str:
    """SHA-256 of a value's JSON."""
    return hashlib.sha256(to_json(value).encode()).hexdigest()


@contextlib.contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; a second process gets a LockedError at once.

    The kernel releases the lock when its holder dies, so a killed run never blocks the next.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(
                f"another process is working on {what}", fix="wait for it to end, then run again"
            ) from error
        yield
