"""Seconds to build the book and to run each chapter, against the time we allow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
ALLOWED = {"book, cold": 300.0, "book, nothing changed": 20.0, "chapter": 60.0}


def main() -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "book"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "_build", "__pycache__"))
        build = [BIN / "jupyter-book", "build", "."]
        rows = [row(name, seconds(build, copy)) for name in ("book, cold", "book, nothing changed")]
        for chapter in sorted((copy / "book").glob("*.ipynb")):
            run = [BIN / "papermill", chapter.name, "out.ipynb", "-p", "alpha", "0.23"]
            taken = seconds(run, chapter.parent, LSBOOK_RUNS=str(copy / "_build" / "runs"))
            rows.append(row(f"papermill {chapter.stem}, a new alpha", taken, "chapter"))
    return rows


def seconds(command: list, folder: Path, **environment: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=os.environ | environment, check=True, capture_output=True
    )
    return time.perf_counter() - start


def row(name: str, taken: float, allowed: str | None = None) -> dict:
    limit = ALLOWED[allowed or name]
    return {
        "benchmark": name,
        "peer": "time allowed",
        "ours": taken,
        "theirs": limit,
        "unit": "s",
        "ratio": limit / taken,
    }
