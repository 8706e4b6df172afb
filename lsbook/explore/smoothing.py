"""Explorers of the introduction: loss against the gap, gaps of networks, conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lsbook.explore import evaluation
from lsbook.explore.figure import Explorer
from lsbook.figures import smoothing as figures
from lsbook.figures.scale import scaled_setting
from lsbook.runs.best import compares, of_hard_seeds

KIND = "smoothing"


def arrays(run: Any) -> dict[str, np.ndarray]:
    """What the page needs of a run: the logit gaps of up to 1000 training examples."""
    return {"gap": figures.gap_frame([run])["gap"].to_numpy()}


def landscape(alpha: float = 0.1, K: int = 10, command: str = "") -> Explorer:
    """Targets, loss and slope against the logit gap as α, K and the gap move."""
    best = figures.optimum_gap(alpha, K)
    return Explorer(
        kind=KIND,
        title="Smoothing gives the logit gap a place to stop",
        note="one example of K classes; gap = right logit − wrong logits, all equal; "
        "bars: target probabilities",
        alt=f"Targets, loss and slope against the logit gap. With {K} classes and alpha {alpha:g} "
        f"the right class gets {1 - alpha + alpha / K:.3g} and the loss is least at a gap of "
        f"{best:.2f}; with hard targets it falls for ever.",
        config={"view": "landscape", "alpha": alpha, "K": K},
        command=command,
    )


def gap_sets(sets: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The sets that keep training examples with the logits of all classes; other runs are left out.
    """
    return {name: kept for name, runs in sets.items() if compares(kept := _with_gaps(runs))}


def gaps(
    sets: Mapping[str, Sequence[Any]], alpha: float = 0.1, command: str = ""
) -> Explorer:
    """Histograms of the logit gaps of training examples, hard above smoothed.

    Parameters
    ----------
    sets
        Runs to choose from, by name; those of `gap_sets` are shown.
    """
    sets = gap_sets(sets)
    frame = figures.gap_frame(next(iter(sets.values()))).groupby("alpha")["gap"]
    words = "; ".join(f"at alpha {a:g} half of them lie between {low:.1f} and {high:.1f}"
                      for (a, low), high in zip(frame.quantile(0.25).items(), frame.quantile(0.75)))
    return Explorer(
        kind=KIND,
        name="gaps",
        title="Where training leaves the logit gap",
        note="25 %: a quarter of the gaps lie below; hard targets have no best gap",
        alt=f"Histograms of the logit gaps of training examples: {words}.",
        config={"view": "gaps", "alpha": alpha,
                "sets": [_described(name, runs) for name, runs in sets.items()]},
        runs=[run for runs in sets.values() for run in runs],
        command=command,
    )


def conventions(alpha: float = 0.1, K: int = 10, command: str = "") -> Explorer:
    """The gap of least loss against K under three conventions as α moves."""
    few, many = (figures.convention_gaps([alpha], [k])["gap"] for k in (3, 300))
    return Explorer(
        kind=KIND,
        name="conventions",
        title="The conventions part at few classes and meet at many",
        note="the same α, three ways to share it out",
        alt=f"Gap of least loss against the number of classes for three conventions at alpha "
        f"{alpha:g}: from {few.min():.2f} to {few.max():.2f} with 3 classes, from "
        f"{many.min():.2f} to {many.max():.2f} with 300.",
        config={"view": "conventions", "alpha": alpha, "K": K},
        command=command,
    )


def _with_gaps(runs: Sequence[Any]) -> list[Any]:
    return of_hard_seeds([
        run for run in runs
        if "train_logits" in run.arrays and "shown_classes" not in run.arrays])


def _described(name: str, runs: Sequence[Any]) -> dict[str, Any]:
    return {
        "name": name,
        "label": scaled_setting(runs[0].recipe),
        "K": len(runs[0].arrays["templates"]),
        "runs": [evaluation.named(run, KIND) for run in runs],
    }
