"""The repository's address: set in ``_config.yml``, copied into the notebooks' set-up cells.

``python -m tools.address https://github.com/OWNER/NAME`` sets it; without an address the cells are
brought into line with ``_config.yml``.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
GITHUB = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")
IN_CONFIG = re.compile(r'(?m)^(repository:\n(?:  .*\n)*?  url: ")[^"]*(")')
IN_CELL = re.compile(r'(REPOSITORY = (\\?")).*?(\2)')


def read(root: Path = ROOT) -> str:
    """The address in ``_config.yml``; empty while there is none."""
    return yaml.safe_load((root / "_config.yml").read_text())["repository"]["url"]


def holders(root: Path = ROOT) -> list[Path]:
    """Files that repeat the address: the chapters with a set-up cell, both of each pair."""
    book = (*root.glob("book/*.md"), *root.glob("book/*.ipynb"))
    return sorted(path for path in book if IN_CELL.search(path.read_text()))


def write(url: str, root: Path = ROOT) -> None:
    """Set the address in ``_config.yml`` and in every set-up cell; ``""`` takes it away.

    Raises
    ------
    ValueError
        If ``url`` is not a repository on GitHub, the host that Colab and Binder both open.
    """
    url = url.strip().removesuffix("/").removesuffix(".git")
    if url and not GITHUB.fullmatch(url):
        raise ValueError(f"The address must be https://github.com/OWNER/NAME; got {url!r}.")
    _replace(root / "_config.yml", IN_CONFIG, url)
    for path in holders(root):
        _replace(path, IN_CELL, url)


def _replace(path: Path, place: re.Pattern, url: str) -> None:
    text = path.read_text()
    new = place.sub(lambda found: f"{found[1]}{url}{found[found.re.groups]}", text)
    if new != text:
        path.write_text(new)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.address", description=__doc__)
    parser.add_argument("url", nargs="?", help="https://github.com/OWNER/NAME")
    chosen = parser.parse_args().url
    try:
        write(chosen or read())
    except ValueError as error:
        parser.error(str(error))
    print(f"The book's address is {read() or 'not set'}.")


if __name__ == "__main__":
    main()
