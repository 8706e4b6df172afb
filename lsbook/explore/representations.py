"""Explorers of the representations: any three classes in their plane, Figure 1, geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lsbook.explore import evaluation
from lsbook.explore.figure import Explorer
from lsbook.figures import representations as figures
from lsbook.figures.representations import Row
from lsbook.figures.scale import scaled_setting, setting
from lsbook.figures.standalone import on_site
from lsbook.recipes import CATALOGUE
from lsbook.runs import snapshots, tables
from lsbook.runs.best import of_hard_seeds, recorded
from lsbook.runs.classes import examples

KIND = "representations"
RECIPES = (
    "compact/teacher-cifar10",
    "paper/teacher-cifar10",
    "paper/alexnet-cifar10",
    "compact/alexnet-cifar10",
    "paper/resnet56-cifar100",
    "compact/resnet20-cifar100",
    "paper/inception-tinyimagenet",
    "compact/resnet20-tinyimagenet",
    "lab/mlp-mnist1d",
    "lab/mlp-digits",
)


def arrays(run: Any) -> dict[str, np.ndarray]:
    """What the page needs of a run to draw any three of the classes that figures offer.

    Logits of these classes of up to 100 training and validation examples of each, in half
    precision; ``gram``, the inner products of their templates, and in ``gram_rest`` what half
    precision leaves of them. A run without training examples ships none.

    ``snapshot_`` before a name has the same of fewer examples, at each recorded moment of the
    training along a first axis.
    """
    shown = list(figures.class_names(run))
    earlier = [
        _plane(snapshots.at_epoch(run, epoch), shown) for epoch in snapshots.epochs(run)[:-1]]
    return _plane(run, shown) | {
        f"snapshot_{name}": np.stack([plane[name] for plane in earlier])
        for name in (earlier[0] if earlier else ())
    }


def _plane(run: Any, shown: list[int]) -> dict[str, np.ndarray]:
    w = run.arrays["templates"][shown].astype(np.float64)
    gram = w @ w.T
    kept = {"gram": gram.astype(np.float16)}
    kept["gram_rest"] = (gram - kept["gram"]).astype(np.float16)
    for part in figures.PARTS:
        if f"{part}_logits" in run.arrays:
            logits, targets = examples(run, part, shown, figures.PER_CLASS)
            kept |= {f"{part}_logits": logits.astype(np.float16), f"{part}_targets": targets}
    return kept


def explorer(
    sets: Mapping[str, Sequence[Any]], alpha: float = 0.1, command: str = ""
) -> Explorer:
    """Hard and smoothed networks, training and validation.

    Parameters
    ----------
    sets
        Runs to choose from, by recipe, from `compared`.
    alpha
        Smoothing at the start, or the recorded strength nearest to it.
    """
    pair = figures.planar_pair(next(iter(sets.values())), alpha)
    row = Row("", (), *pair, *first_three(pair[0]))
    words = "; ".join(
        f"{seen.network}, {seen.part}: spread {seen.spread:.2f}, distance {seen.distance:.2f}"
        for seen in figures.spread_frame(row).itertuples())
    return Explorer(
        kind=KIND,
        title="Each class on the plane through three templates",
        note="triangle: the templates; spread: r.m.s. distance from the class centre; distance: "
        "mean between centres; unevenness: of the triangle's sides",
        alt=f"Activations of {', '.join(row.names)} on the plane through their templates, "
        f"{setting(pair[0].recipe)}. At alpha {pair[1].recipe.alpha:g}, {words}.",
        caption="Up to 100 examples a class, training and validation; 25 before the end of the "
        "training. Shape and shade tell the classes apart.",
        config={"view": "planes", "alpha": alpha,
                "sets": [_described(name, runs) for name, runs in sets.items()]},
        runs=[run for runs in sets.values() for run in runs],
        command=command,
    )


def figure_1(rows: Sequence[Row], command: str = "") -> Explorer:
    """Rows of four planes, as the paper's Figure 1."""
    words = " ".join(f"{row.title}: {'; '.join(row.notes)}." for row in rows)
    return Explorer(
        kind=KIND,
        name="figure-1",
        title="Figure 1 of the paper, row by row",
        note="each network has its own scale, training and validation share it",
        alt=f"Four rows of planes, hard and smoothed, training and validation. {words} "
        + figures.figure_1_told(rows),
        caption="Up to 100 examples a class, one seed.",
        config={"view": "figure1", "rows": [_row(row) for row in rows]},
        runs=list({r.recipe.hash: r for row in rows for r in (row.hard, row.smoothed)}.values()),
        command=command,
    )


def geometry(
    sets: Mapping[str, Sequence[Any]], alpha: float = 0.1, command: str = ""
) -> Explorer:
    """Spread over distance, NC1 and the templates' unevenness against α, every seed."""
    first = next(iter(sets.values()))
    means = tables.metrics(first).groupby("alpha")[list(figures.GEOMETRY)].mean()
    words = "; ".join(
        f"{title}: " + ", ".join(f"{value:.2f} at alpha {a:g}" for a, value in means[name].items())
        for name, title in figures.GEOMETRY.items())
    return Explorer(
        kind=KIND,
        name="geometry",
        title="The geometry of all classes, in all dimensions",
        note="training examples; dots: mean over seeds; faint: each seed; band: least to greatest",
        alt=f"{setting(first[0].recipe)}. {words}.",
        config={
            "view": "geometry",
            "alpha": alpha,
            "quantities": [{"name": n, "title": title} for n, title in figures.GEOMETRY.items()],
            "sets": [_named(name, runs) | {"runs": _measured(runs)} for name, runs in sets.items()],
        },
        sources=[run for runs in sets.values() for run in runs],
        command=command,
    )


def compared(alpha: float, own: Sequence[Any] = ()) -> dict[str, list[Any]]:
    """Recorded runs that can be compared, by recipe: those of seeds that have a hard network.

    Real data first; a notebook offers its ``own`` runs alone, since a figure there carries its
    logits.

    Raises
    ------
    LookupError
        If there are none.
    """
    if own and not on_site():
        sets = {own[0].recipe.name: _seed_by_seed(list(own))}
    else:
        sets = {name: _seed_by_seed(recorded(CATALOGUE[name])) for name in RECIPES}
    sets = {name: runs for name, runs in sets.items() if figures.planar_pair(runs, alpha)}
    if not sets:
        raise LookupError("No hard and smoothed runs are recorded; run the chapter's first cells.")
    return sets


def _seed_by_seed(runs: list[Any]) -> list[Any]:
    return sorted(of_hard_seeds(runs), key=lambda run: (run.recipe.seed, run.recipe.alpha))


def first_three(run: Any) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names and numbers of the classes shown at the start."""
    names = figures.class_names(run)
    classes = tuple(names)[:3]
    return tuple(names[k] for k in classes), classes


def _described(name: str, runs: list[Any]) -> dict[str, Any]:
    return _named(name, runs) | {
        "classes": list(figures.class_names(runs[0]).values()),
        "shown": [0, 1, 2],
        "runs": [evaluation.named(run, KIND) | _epochs(run) for run in runs],
    }


def _epochs(run: Any) -> dict[str, list[int]]:
    """The moments of the training that a reader may choose; nothing where there is but the end."""
    recorded = snapshots.epochs(run)
    return {"epochs": recorded} if len(recorded) > 1 else {}


def _named(name: str, runs: list[Any]) -> dict[str, str]:
    return {"name": name, "label": scaled_setting(runs[0].recipe)}


def _measured(runs: list[Any]) -> list[dict[str, float]]:
    return [{"alpha": run.recipe.alpha, "seed": run.recipe.seed,
             **{name: round(run.metrics[name], 4) for name in figures.GEOMETRY}} for run in runs]


def _row(row: Row) -> dict[str, Any]:
    offered = list(figures.class_names(row.hard))
    return {
        "title": row.title, "notes": row.notes, "names": row.names,
        "classes": [offered.index(k) for k in row.classes], "alpha": row.smoothed.recipe.alpha,
        "keys": [evaluation.key(run, KIND) for run in (row.hard, row.smoothed)],
    }
