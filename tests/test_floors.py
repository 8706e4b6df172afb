"""The map of CONTRIBUTING.md against the code: what is there, and that imports run downwards."""

import ast
import re
from pathlib import Path

import lsbook

PACKAGE = Path(lsbook.__file__).parent


def floors():
    """Names of modules and folders, a list a floor, the top one first."""
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text()
    lines = text.split("lsbook/\n", 1)[1].split("\nruns/", 1)[0].splitlines()
    named = [re.match(r"  (\w[\w/, ]*?)(?:  |$)", line) for line in lines]
    return [re.findall(r"\w+", match[1]) for match in named if match]


def imported(path):
    """Modules and folders of lsbook that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "lsbook":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("lsbook."):
            yield node.module.split(".")[1]


def test_the_map_names_everything():
    there = {path.stem for path in PACKAGE.iterdir() if not path.name.startswith("__")}
    assert {name for floor in floors() for name in floor} == there


def test_imports_run_downwards():
    level = {name: depth for depth, floor in enumerate(floors()) for name in floor}
    upwards = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in PACKAGE.rglob("*.py")
        for name in imported(path)
        if (own := path.relative_to(PACKAGE).parts[0].removesuffix(".py")) in level
        and level.get(name, len(level)) < level[own]
    ]
    assert not upwards
