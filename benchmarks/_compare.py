"""What the estimators' benchmarks share: taking turns, rows, a process without other peers."""

from __future__ import annotations

import importlib
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor


def measure(name: str) -> list[dict]:
    """The rows of one benchmark; not in ``__main__``, which a spawned process cannot name."""
    return importlib.import_module(f"benchmarks.{name}").main()


def milliseconds(*calls: Callable[[], object], repeats: int = 9) -> list[float]:
    """Median time of each call, taken in turns so that all meet the same load."""
    times: list[list[float]] = [[] for _ in calls]
    for repeat in range(repeats + 1):
        for call, own in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            if repeat:  # the first round warms up
                own.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(own) for own in times]


def row(
    benchmark: str, peer: str, ours: float, theirs: float, unit: str = "ms", note: str = ""
) -> dict:
    return {
        "benchmark": benchmark,
        "peer": peer,
        "ours": ours,
        "theirs": theirs,
        "unit": unit,
        "ratio": theirs / ours,
        "note": note,
    }


def missing(benchmark: str, peer: str) -> dict:
    return {
        "benchmark": benchmark,
        "peer": peer,
        "ours": None,
        "theirs": None,
        "unit": "ms",
        "ratio": None,
        "note": f"{peer} is not installed: pip install -e '.[bench]'",
    }


def alone(function: Callable[[], list[dict]]) -> list[dict]:
    """Call a module's function in a fresh process: netcal and torchmetrics do not go together."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_call, function.__module__, function.__name__).result()


def _call(module: str, name: str) -> list[dict]:
    return getattr(importlib.import_module(module), name)()


def show(rows: list[dict]) -> None:
    for each in rows:
        ours, theirs, ratio = (
            "-" if each[key] is None else f"{each[key]:.3g}" for key in ("ours", "theirs", "ratio")
        )
        print(f"{each['benchmark']} | {each['peer']} | {ours} {each['unit']} | "
              f"{theirs} {each['unit']} | ×{ratio} | {each['note']}")
