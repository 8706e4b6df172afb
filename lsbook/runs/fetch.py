"""Published runs from an address, for those who have no clone: a whole archive, or nothing."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from lsbook.runs.drafts import draft
from lsbook.runs.pack import MOST_BYTES, unpack

VARIABLE = "LSBOOK_ARCHIVES"
TIMEOUT = 30  # seconds without a byte


def addresses() -> list[str]:
    """The addresses in ``LSBOOK_ARCHIVES``, apart by spaces."""
    return os.environ.get(VARIABLE, "").split()


def fetch(address: str, root: Path) -> tuple[list[str], list[str]]:
    """Add the runs of the archive at ``address`` to ``root``, as `unpack` does.

    ``address`` is one of https or file, with the archive's checksum: ``https://...#sha256=...``.

    Raises
    ------
    ValueError
        If the address has no checksum or is of another kind, or what is there is not that archive.
    OSError
        If nothing is there, or cannot be written to ``root``.
    """
    parts = urlsplit(address)
    expected = parse_qs(parts.fragment).get("sha256", [""])[0].lower()
    if parts.scheme not in ("https", "file") or not expected:
        raise ValueError(f"{address} is no address like https://HOST/runs-01.tar#sha256=...")
    try:
        with urllib.request.urlopen(parts._replace(fragment="").geturl(), timeout=TIMEOUT) as found:
            content = found.read(MOST_BYTES + 1)
    except urllib.error.URLError as error:
        raise OSError(f"{address} cannot be fetched: {error}.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ValueError(f"{address} is another archive: its SHA-256 is {found}. Nothing is added.")
    with draft(root) as made:
        archive = made / Path(parts.path).name
        archive.write_bytes(content)
        return unpack(archive, root)
