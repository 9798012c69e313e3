"""Files that are either whole or absent: atomic writes, digests, one lock a name, repair after a kill."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from patron._core.errors import LockedError

_DRAFT: Final = ".draft"
_OLD: Final = ".old"


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_DRAFT)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync(path.parent)


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
    """Yield an empty folder to fill; it takes the place of `path`, and is safe on the disk, when the block ends well.

    A block that raises leaves what stood at `path` untouched. A process killed at any moment leaves the old folder or
    the new one at `path`; on a file system where two folders cannot change places in one step it may leave neither,
    until `repair` brings back the old one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=_DRAFT))
    try:
        draft.chmod(0o755)
        yield draft
        for written in [*draft.rglob("*"), draft]:
            _sync(written)
        _replace(path, draft)
        _sync(path.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def repair(folder: Path, name: str = "*") -> None:
    """Clear away what killed writers left in `folder` and below; bring back a folder that one had moved aside.

    Parameters
    ----------
    folder : Path
        Where they wrote.
    name : str
        What they wrote; the caller holds its lock, so that nobody is writing it now.
    """
    for old in list(folder.rglob(f".{name}{_OLD}")):
        path = old.with_name(old.name.removeprefix(".").removesuffix(_OLD))
        if not path.exists():
            old.rename(path)
    for left in [*folder.rglob(f".{name}{_OLD}"), *folder.rglob(f".{name}.*{_DRAFT}")]:
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)


def _replace(path: Path, draft: Path) -> None:
    """Put the folder `draft` where `path` is; what stood there is gone, or stands where the draft was."""
    if not path.exists():
        draft.rename(path)
    elif not _exchange(path, draft):
        old = path.with_name(f".{path.name}{_OLD}")
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)
        try:
            draft.rename(path)
        except OSError:
            old.rename(path)
            raise
        shutil.rmtree(old)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where the system or the file system cannot."""
    system, swap = ctypes.CDLL(None, use_errno=True), 2
    names = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            failed = system.renamex_np(*names, swap)
        else:
            here = -100
            failed = system.renameat2(here, names[0], here, names[1], swap)
    except AttributeError:
        return False
    if failed and (code := ctypes.get_errno()) not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        raise OSError(code, os.strerror(code), str(one))
    return not failed


def _sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
