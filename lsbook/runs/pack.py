"""Archives that carry finished runs from one machine to another."""

from __future__ import annotations

import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from lsbook.recipes import Recipe
from lsbook.runs.drafts import draft, install
from lsbook.runs.publish import publish
from lsbook.runs.store import Run

MOST_BYTES = 16 * 2**20
NEEDED = {"recipe.json", "manifest.json", "metrics.json", "history.json", "arrays.npz"}
ALLOWED = NEEDED | {"samples.json", "weights.safetensors"}
_UNREADABLE = (tarfile.TarError, BadZipFile, zlib.error, EOFError, OSError)
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
            with tarfile.open(archive, "w") as tar:
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
        If the archive holds anything but whole runs; ``root`` is then left as it was.
    """
    with draft(root) as made:
        for folder, files in _read(archive).items():
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
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                folder, _, name = member.name.partition("/")
                regular = member.isreg() and not member.issparse()
                if not (regular and _FOLDER.fullmatch(folder) and name in ALLOWED):
                    raise ValueError(f"{member.name!r} is no file of a run")
                folders.setdefault(folder, {})[name] = tar.extractfile(member).read()
        for folder, files in folders.items():
            _check(folder, files)
    except (*_UNREADABLE, ValueError, TypeError) as error:
        raise ValueError(f"{archive} is no archive of runs: {error}.") from error
    return folders


def _check(folder: str, files: dict[str, bytes]) -> None:
    if missing := NEEDED - set(files):
        raise ValueError(f"{folder} lacks {', '.join(sorted(missing))}")
    if Recipe.from_dict(json.loads(files["recipe.json"])).hash != folder:
        raise ValueError(f"{folder} is not the name of its recipe")
    with np.load(io.BytesIO(files["arrays.npz"]), allow_pickle=False) as arrays:
        for name in arrays.files:
            arrays[name]
