"""The built site as one zip, the same bytes for the same site: ``python -m tools.archive``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
ARCHIVE = ROOT / "_build" / "lsbook-site.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(site: Path, archive: Path, folder: str = "lsbook") -> None:
    """Write every file of ``site``, hidden ones aside, below ``folder`` in ``archive``.

    Raises
    ------
    FileNotFoundError
        If ``site`` holds no built book.
    """
    if not (site / "index.html").exists():
        raise FileNotFoundError(f"{site} holds no built book; run make book first.")
    partial = archive.with_suffix(".partial")
    with ZipFile(partial, "w", ZIP_DEFLATED, compresslevel=9) as zipped:
        for name, path in sorted((path.relative_to(site), path) for path in site.rglob("*")):
            if path.is_file() and not any(part.startswith(".") for part in name.parts):
                entry = ZipInfo(f"{folder}/{name.as_posix()}", EPOCH)
                entry.create_system, entry.external_attr = 3, 0o644 << 16
                entry.compress_type = ZIP_DEFLATED
                zipped.writestr(entry, path.read_bytes())
    os.replace(partial, archive)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.archive", description=__doc__)
    parser.add_argument("--into", type=Path, default=ARCHIVE, help="the zip to write")
    archive = parser.parse_args().into
    try:
        pack(SITE, archive)
    except FileNotFoundError as error:
        parser.error(str(error))
    size = archive.stat().st_size / 1e6
    print(f"{archive} ({size:.1f} MB); unpack it and open lsbook/index.html")


if __name__ == "__main__":
    main()
