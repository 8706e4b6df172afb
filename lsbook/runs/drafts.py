"""Folders made whole before they are seen: drafts where no reader looks, swapped into place."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = ".draft-"
_LOCK = "lock"
# Of Linux's renameat2: paths count from the working directory, and both change places at once.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_NO_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)


@contextmanager
def draft(root: Path) -> Iterator[Path]:
    """An empty folder in ``root`` to write in, gone afterwards.

    What is made in it lies a level deeper than runs do, so that nothing there is taken for one.
    Its lock goes with the process: what one that was killed has left, the next call removes.
    """
    root.mkdir(parents=True, exist_ok=True)
    for left_over in root.glob(f"{_PREFIX}*"):
        _remove_unless_held(left_over)
    folder, held = _held_folder(root)
    try:
        (folder / "made").mkdir()
        yield folder / "made"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        held.release()


def install(made: Path, target: Path) -> None:
    """Move the folder ``made`` to ``target``; what was there takes its place, at one stroke.

    Where the file system cannot exchange two folders, ``target`` is absent for a moment.
    """
    try:
        made.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if not _exchange(made, target):
            old = made.with_name(f"{made.name}.old")
            target.rename(old)
            made.rename(target)


def _held_folder(root: Path) -> tuple[Path, FileLock]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        held = FileLock(folder / _LOCK)
        try:
            held.acquire()
            if (folder / _LOCK).exists():
                return folder, held
            held.release()
        except FileNotFoundError:
            pass  # somebody's cleaning came between the folder and its lock


def _remove_unless_held(folder: Path) -> None:
    try:
        with FileLock(folder / _LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    except (Timeout, FileNotFoundError):
        pass


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders; False where this system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, TypeError, AttributeError):
        return False
    paths = os.fsencode(one), os.fsencode(other)
    if renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code not in _NO_EXCHANGE:
        raise OSError(code, os.strerror(code), str(other))
    return False
