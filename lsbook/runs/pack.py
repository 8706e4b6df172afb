"""Archives that carry finished runs from one machine to another."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from lsbook.runs.contents import ALLOWED, NEEDED, check
from lsbook.runs.drafts import draft, install
from lsbook.runs.publish import publish
from lsbook.runs.store import Run

__all__ = ["ALLOWED", "MOST_BYTES", "NEEDED", "pack", "unpack"]

MOST_BYTES = 16 * 2**20
_FOLDER = re.compile(r"[0-9a-f]{12}")


def pack(runs: Iterable[Run], into: Path) -> list[Path]:
    """Write the published form of ``runs`` to ``into/runs-01.tar`` and on, 16 MiB each at most.

    Raises
    ------
    ValueError
        If one run alone is too large for an archive.
    """
    written: list[Path] = []
    with draft(into) as made:
        folders = [publish(run, made) for run in runs]
        for number, part in enumerate(_parts(folders), 1):
            archive = made / f"runs-{number:02}.tar"
            with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
                for folder in part:
                    for path in sorted(folder.iterdir()):
                        tar.add(path, f"{folder.name}/{path.name}", filter=_anonymous)
            written.append(archive.replace(into / archive.name))
    return written


def _parts(folders: list[Path]) -> list[list[Path]]:
    parts: list[list[Path]] = []
    room = 0
    for folder in folders:
        size = sum(_size_in_tar(path) for path in folder.iterdir())
        if size > MOST_BYTES - tarfile.RECORDSIZE:
            raise ValueError(f"Run {folder.name} alone is larger than {MOST_BYTES} bytes.")
        if size > room:
            parts.append([])
            room = MOST_BYTES - tarfile.RECORDSIZE
        parts[-1].append(folder)
        room -= size
    return parts


def _size_in_tar(path: Path) -> int:
    return tarfile.BLOCKSIZE * (1 - -path.stat().st_size // tarfile.BLOCKSIZE)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def unpack(archive: Path, root: Path) -> tuple[list[str], list[str]]:
    """Add an archive's runs to ``root``; return the names added and those that were there before.

    Raises
    ------
    ValueError
        If the archive holds anything but whole runs, in `contents.check`'s sense; nothing is then
        written.
    """
    folders = _read(archive)
    with draft(root) as made:
        for folder, files in folders.items():
            (made / folder).mkdir()
            for name, content in files.items():
                (made / folder / name).write_bytes(content)
        added, kept = [], []
        for folder in sorted(made.iterdir()):
            target = root / folder.name
            if (target / "manifest.json").exists():
                kept.append(folder.name)
                continue
            install(folder, target)
            added.append(folder.name)
    return added, kept


def _read(archive: Path) -> dict[str, dict[str, bytes]]:
    """Every file by folder and name, once names, kinds and contents are found to be sound."""
    folders: dict[str, dict[str, bytes]] = {}
    try:
        if archive.stat().st_size > MOST_BYTES:
            raise ValueError("it is too large")
        for path, content in _members(archive.read_bytes()):
            folder, _, name = path.partition("/")
            if not (_FOLDER.fullmatch(folder) and name in ALLOWED):
                raise ValueError(f"{path[:80]!r} is no file of a run")
            if name in folders.setdefault(folder, {}):
                raise ValueError(f"{path!r} is there twice")
            folders[folder][name] = content
        for folder, files in folders.items():
            check(folder, files)
    except (tarfile.TarError, OSError, ValueError) as error:
        raise ValueError(f"{archive} is no archive of runs: {error}.") from error
    return folders


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files in a tar of the plainest kind, which has no links in it."""
    at = 0
    while any(block := data[at : at + tarfile.BLOCKSIZE]) or not block:
        head = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        at += tarfile.BLOCKSIZE
        if head.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise ValueError(f"{head.name[:80]!r} is no regular file")
        if not 0 <= head.size <= len(data) - at:
            raise ValueError(f"{head.name[:80]!r} is cut off")
        yield head.name, data[at : at + head.size]
        at -= -head.size // tarfile.BLOCKSIZE * tarfile.BLOCKSIZE
