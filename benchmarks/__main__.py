"""Run every benchmark in a process of its own and record the table the book shows."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import pkgutil
import platform
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from pathlib import Path

import benchmarks
from benchmarks._compare import measure

RESULTS = Path(__file__).with_name("results.json")
LIBRARIES = ("torch", "numpy", "scipy", "torchmetrics", "netcal", "scikit-learn", "transformers")


def names() -> list[str]:
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def in_own_process(name: str) -> list[dict]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(measure, name).result()


def machine() -> dict[str, str]:
    versions = {}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "Python": platform.python_version(),
        **versions,
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def recorded() -> dict[str, dict]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {"machine": {}, "modules": {}}


def write(modules: dict[str, list[dict]]) -> None:
    """Record the table; a peer that is not installed now keeps the version it was measured in."""
    known = recorded()["machine"] | machine()
    draft = RESULTS.with_suffix(".tmp")
    draft.write_text(json.dumps({"machine": known, "modules": modules}, indent=1) + "\n")
    draft.replace(RESULTS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"of: {', '.join(names())}")
    wanted = parser.parse_args().only or names()
    if unknown := set(wanted) - set(names()):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; see --help")
    modules = {name: rows for name, rows in recorded()["modules"].items() if name in names()}
    for name in wanted:
        print(f"== {name}", flush=True)
        modules[name] = in_own_process(name)
        for row in modules[name]:
            words = "  ".join(f"{key}: {cell(value)}" for key, value in row.items())
            print(f"  {words}", flush=True)
        write(dict(sorted(modules.items())))


def cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
