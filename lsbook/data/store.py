"""The data directory: where files are looked for, and how they get there whole.

A download goes to ``NAME.part``, is resumed where it stopped, checked against its md5 and only then
renamed, so that a file under its own name is complete.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import http.client
import os
import shutil
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import platformdirs
from filelock import FileLock
from tqdm.auto import tqdm

_CHUNK = 1 << 20
_TIMEOUT = 30  # seconds without a byte
_FULL = (errno.ENOSPC, errno.EDQUOT)


class DataError(RuntimeError):
    """Data are missing, damaged or cannot be fetched; the message says what to do."""


def data_dir(root: str | Path | None = None) -> Path:
    """The data directory: ``root``, else ``LSBOOK_DATA``, else in the user's cache of lsbook."""
    chosen = root or os.environ.get("LSBOOK_DATA")
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("lsbook"), "data")


def ensure(
    name: str,
    root: str | Path | None,
    files: Mapping[str, str],
    fetch: Callable[[str, Path], None],
    download: bool,
    loader: str = "load_images",
) -> Path:
    """Return the data directory once all ``files`` of the set ``name`` are there and sound.

    Parameters
    ----------
    files
        Path inside the directory -> md5.
    fetch
        Called as ``fetch(path, directory)`` for a missing or damaged file where ``download``.
    loader
        The function of `lsbook.data` that loads the set.

    Raises
    ------
    DataError
        If a file is missing or damaged and not to be downloaded, or the download fails.
    """
    directory = data_dir(root)
    call = f"{loader}({name!r}, root={str(directory)!r}, download=True)"
    line = f'{sys.executable} -c "from lsbook.data import {loader}; {call}"'
    for path, md5 in files.items():
        if download and _fault(directory / path, md5):
            fetch(path, directory)
        fault = _fault(directory / path, md5)
        if fault == "missing":
            raise DataError(
                f"{name} is not in {directory} (no {path}). Set LSBOOK_DATA to the directory that "
                f"holds it, or fetch it there:\n  {line}"
            )
        if fault:
            raise DataError(
                f"{directory / path} is damaged ({fault}). Fetch it again:\n  {line}"
            )
    return directory


def fetch(path: Path, urls: Sequence[str], md5: str, gzipped: bool = False) -> Path:
    """Download a file to ``path``, from the first of the mirrors ``urls`` that has it.

    Parameters
    ----------
    md5
        Of the file at ``path``, that is, once unpacked where ``gzipped``.
    gzipped
        The mirrors hold the file compressed by gzip.

    Raises
    ------
    DataError
        If no mirror delivers the file, or the disk is full; what arrived is kept and resumed.
    """
    part = path.with_name(path.name + (".gz.part" if gzipped else ".part"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            if _fault(path, md5):
                _from_mirrors(path, part, urls, md5, gzipped)
    except OSError as error:
        if error.errno in _FULL:
            raise DataError(
                f"The disk is full at {path.parent}. Free some space and load again: the download "
                "goes on where it stopped."
            ) from error
        raise DataError(f"Cannot write to {path.parent}: {error}. Set LSBOOK_DATA.") from error
    return path


def unpack(archive: Path, directory: Path) -> None:
    """Unpack a tar archive into ``directory``; each file appears whole or not at all.

    Raises
    ------
    DataError
        If the archive cannot be read or there is no room for its files.
    """
    try:
        with tempfile.TemporaryDirectory(dir=directory, prefix=".unpack-") as temporary:
            with tarfile.open(archive) as tar:
                tar.extractall(temporary, filter="data")
            for file in filter(Path.is_file, Path(temporary).rglob("*")):
                target = directory / file.relative_to(temporary)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, target)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise DataError(f"Cannot unpack {archive} into {directory}: {error}.") from error


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            file.write(content)
            file.close()
            os.replace(file.name, path)
        except OSError:
            file.close()
            os.unlink(file.name)
            raise


class _Refused(Exception):
    """One mirror did not deliver the file."""


def _from_mirrors(path: Path, part: Path, urls: Sequence[str], md5: str, gzipped: bool) -> None:
    refusals = []
    for url in urls:
        # A download that resumed and came out wrong is tried once more from its beginning.
        for _ in range(2 if part.exists() else 1):
            try:
                _download(url, part)
                _publish(part, path, md5, gzipped)
                return
            except _Refused as refusal:
                refusals.append(f"{url}: {refusal}")
    raise DataError(
        f"Could not fetch {path.name}; put it at {path} by hand, or try again later.\n  "
        + "\n  ".join(refusals)
    )


def _download(url: str, part: Path) -> None:
    """Append to ``part`` what it lacks of the file at ``url``."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "lsbook"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is lacking; the checksum decides
        raise _Refused(f"HTTP {error.code}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Refused(str(error)) from error
    with response:
        if response.status != http.client.PARTIAL_CONTENT:
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        progress = tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=part.name)
        with part.open("ab" if have else "wb") as file, progress:
            while chunk := _receive(response):
                file.write(chunk)
                progress.update(len(chunk))
    if total is not None and part.stat().st_size < total:
        raise _Refused("the connection broke off")


def _receive(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _Refused(str(error)) from error


def _publish(part: Path, path: Path, md5: str, gzipped: bool) -> None:
    """Check ``part`` and move it to ``path``; drop it if it is not the file wanted."""
    whole = _gunzip(part, path.with_name(path.name + ".part")) if gzipped else part
    found = _md5(whole)
    if found != md5:
        whole.unlink()
        part.unlink(missing_ok=True)
        raise _Refused(f"wrong content (md5 {found}, expected {md5})")
    os.replace(whole, path)
    part.unlink(missing_ok=True)


def _gunzip(packed: Path, target: Path) -> Path:
    try:
        with gzip.open(packed) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        packed.unlink()
        target.unlink()
        raise _Refused(f"wrong content ({error})") from error
    return target


def _fault(path: Path, md5: str) -> str | None:
    if not path.is_file():
        return "missing"
    found = _md5(path)
    return None if found == md5 else f"md5 {found}, expected {md5}"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
