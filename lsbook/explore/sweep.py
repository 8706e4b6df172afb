"""Explorer of what runs measured against α: every seed, the mean, and the paper's values beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsbook.explore.figure import Explorer

Panel = Mapping[str, Any]
"""``title``; ``series``, each with ``name`` (a metric), ``label``, ``kind`` and ``shape``; and,
where there are such, ``paper`` (``set``, the recipe's name, ``alpha`` and ``value``) and ``rule``,
a value to compare with."""


def explorer(
    sets: Mapping[str, Sequence[Any]], panels: Sequence[Panel], *, name: str, **frame: Any
) -> Explorer:
    """Panels of metrics against α for each set of runs, under the label its picker shows.

    ``frame`` holds what else an `Explorer` takes.
    """
    metrics = [series["name"] for panel in panels for series in panel["series"]]
    return Explorer(
        kind="sweep",
        name=name,
        config={"panels": list(panels), "sets": [
            {"name": runs[0].recipe.name, "label": label,
             "runs": [_measured(run, metrics) for run in runs]}
            for label, runs in sets.items()
        ]},
        sources=[run for runs in sets.values() for run in runs],
        **frame,
    )


def _measured(run: Any, metrics: Sequence[str]) -> dict[str, Any]:
    values = {name: run.metrics.get(name) for name in metrics}
    return {"alpha": run.recipe.alpha, "seed": run.recipe.seed} | {
        name: None if value is None else round(value, 5) for name, value in values.items()}
