"""Atomic writes: a file is written under a temporary name, and replaces the old one once it is complete."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from uuid import uuid4

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["replace"]

_STEM: Final = 100  # bytes of the target's name in a temporary one, which has 137 at most: all file systems take 143
_AGE: Final = 3600  # seconds after which a temporary file is stale on Windows


def replace(path: str, parts: Iterable[Any]) -> None:
    """Write a file atomically; an existing one, or the target of a link, is replaced and keeps its permissions.

    Parameters
    ----------
    path : str
        The file to write.
    parts : iterable of bytes-like objects
        The content, part by part.

    Raises
    ------
    OSError
        If the file cannot be written; the old one is then unchanged. The message names `path`, whichever step failed.

    Notes
    -----
    The content goes to a temporary file in the same folder, ``NAME.<32 hexadecimal digits>.tmp``. A process that is
    killed leaves it behind, and the next one that writes a file of that name removes it. It must not remove what
    another process is writing at this moment. So every writer holds a lock on its temporary file: the operating system
    releases it however the process ends, so that no process id or clock need be trusted. On a file system without locks
    stale files stay. On Windows, which refuses to delete an open file, they stay for an hour.
    """
    target, mode = _follow(path)
    try:
        _remove_stale(target)
        with _temporary(target) as temporary:
            with open(temporary, "wb") as file:
                if mode is not None:
                    os.chmod(temporary, mode)  # before there is anything to read
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), path) from None  # instead of the temporary name


def _follow(path: str) -> tuple[str, int | None]:
    """Return the path with links resolved, and the file's permissions if it exists."""
    try:
        mode = os.stat(path).st_mode  # raises for circular links, where realpath would return one of them
    except FileNotFoundError:
        if not os.path.basename(path):
            raise  # realpath would take "folder/" for a file
        return os.path.realpath(path), None
    if not stat.S_ISREG(mode):
        raise OSError(f"{path!r} is not a regular file and will not be replaced by one; write the path of a file")
    return os.path.realpath(path), stat.S_IMODE(mode)


def _stem(target: str) -> str:
    """Return the start of the paths of a target's temporary files, short enough for every file system."""
    folder, name = os.path.split(target)
    return os.path.join(folder, os.fsencode(name)[:_STEM].decode(errors="ignore"))


@contextmanager
def _temporary(target: str) -> Iterator[str]:
    """Create a locked file beside the target; at the end, remove it if it still exists."""
    file = _create(target)
    try:
        yield file.name
    finally:
        file.close()
        with suppress(OSError):
            os.unlink(file.name)


def _create(target: str) -> Any:
    """Return a new file, open and locked; on Windows, which cannot rename an open file, a closed one."""
    while True:
        file = open(f"{_stem(target)}.{uuid4().hex}.tmp", "xb")  # noqa: SIM115 - the lock lasts as long as it is open
        if fcntl is not None and _hold(file):
            return file
        file.close()
        if fcntl is None:
            return file


def _hold(file: Any) -> bool:
    """Lock a new file; return False if another process removed it as stale before it was locked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, where nothing is removed
        return True
    return os.path.exists(file.name)


def _remove_stale(target: str) -> None:
    """Remove the temporary files that killed processes left; what cannot be removed stays."""
    folder, stem = os.path.split(_stem(target))
    name = re.compile(re.escape(stem) + r"\.[0-9a-f]{32}\.tmp")
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if name.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_if_stale(entry.path)


def _remove_if_stale(path: str) -> None:
    with suppress(OSError):
        if fcntl is None:
            if time.time() - os.stat(path).st_mtime > _AGE:
                os.unlink(path)
            return
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # an error while the writer holds its lock
            os.unlink(path)
