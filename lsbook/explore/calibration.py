"""Explorers of calibration: the reliability diagram at any temperature, and the error against α."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lsbook import paper
from lsbook.estimators import calibration
from lsbook.explore import evaluation, sweep
from lsbook.explore.figure import Explorer
from lsbook.figures.calibration import best_T, network, published
from lsbook.figures.scale import DATASETS, in_words, setting
from lsbook.figures.standalone import on_site
from lsbook.runs.best import best, compares

KIND = "calibration"
CHOICES = (
    ("compact/teacher-cifar10",),
    ("paper/resnet56-cifar100", "compact/resnet20-cifar100"),
    ("paper/alexnet-cifar10", "compact/alexnet-cifar10"),
    ("paper/inception-tinyimagenet", "compact/resnet20-tinyimagenet"),
    ("lab/mlp-mnist1d",),
    ("lab/mlp-digits",),
)
"""What the data picker offers, real data first; of each experiment the best runs there are."""

EASY = CHOICES[3], CHOICES[5]
"""What stands for the right side of Figure 2, where the paper has Inception-v4 on ImageNet."""

PANELS = (
    {
        "title": "ECE",
        "series": [
            {"name": "val_ece", "label": "as trained", "kind": "smooth", "shape": "circle"},
            {"name": "ece_at_optimal_T", "label": "at the best T", "kind": "temperature",
             "shape": "square"},
        ],
    },
    {
        "title": "temperature of least NLL", "rule": 1,
        "series": [{"name": "optimal_T", "label": "best T", "kind": "temperature",
                    "shape": "square"}],
    },
)


def arrays(run: Any) -> dict[str, np.ndarray]:
    """Validation logits as they are stored, in half precision, and targets."""
    stored = run.stored_arrays()
    return {name: stored[name] for name in ("val_logits", "val_targets")}


def choices(names: Sequence[Sequence[str]] = CHOICES, own: Sequence[Any] = ()) -> list[list[Any]]:
    """Runs to choose among, of seeds with a hard and a smoothed network; a list a data set.

    ``own`` are runs of the chapter, offered last unless they are among the others. A notebook
    offers them alone, since a figure there carries its logits.

    Raises
    ------
    LookupError
        If there are none.
    """
    names = names if on_site() or not compares(list(own)) else ()
    sets = [_paired(runs) for alike in names if (runs := best(*alike))]
    known = {run.recipe.hash for runs in sets for run in runs}
    if compares(list(own)) and not known.issuperset(run.recipe.hash for run in own):
        sets.append(_paired(own))
    if not sets:
        raise LookupError("No hard network has a smoothed one beside it; run the cells above.")
    return sets


def explorer(
    sets: Sequence[Sequence[Any]],
    title: str,
    alpha: float = 0.05,
    seed: int = 0,
    name: str = "",
    command: str = "",
) -> Explorer:
    """The reliability diagram of a hard and a smoothed network, and of one of them at any T.

    Parameters
    ----------
    sets
        Runs to choose among, from `choices`.
    title
        What to see.
    alpha, seed
        Where the controls start, or as near to it as was recorded.
    name, command
        As of an `Explorer`.
    """
    hard, smoothed = start(sets[0], alpha, seed)
    T = paper_T(hard.recipe)
    words = "; ".join([
        _words("hard targets", hard),
        _words(f"hard targets at T = {T:g}", hard, T),
        _words(f"smoothing with alpha {smoothed.recipe.alpha:g}", smoothed),
    ])
    return Explorer(
        kind=KIND,
        name=name,
        config={"alpha": alpha, "seed": seed, "sets": [_described(runs) for runs in sets]},
        title=title,
        note="Figure 2 of the paper, computed in your browser from the networks' logits",
        alt=f"Reliability diagram, {label(hard.recipe)}, 15 bins. {words}.",
        caption="Validation examples. The size of a point and the bars count them.",
        runs=[run for runs in sets for run in runs],
        command=command,
    )


def against_alpha(sets: Sequence[Sequence[Any]], command: str = "") -> Explorer:
    """ECE as trained and after temperature scaling, and the best temperature, against α."""
    first = sets[0]
    theirs = {DATASETS[runs[0].recipe.dataset]: network(found[0]) for runs in sets
              if (found := published(runs[0].recipe.dataset, "ECE"))}
    beside = "; ".join(f"beside {ours}: {their}" for ours, their in theirs.items())
    words = "; ".join(
        f"alpha {run.recipe.alpha:g}, seed {run.recipe.seed}: {run.metrics['val_ece']:.3f}"
        for run in first)
    return sweep.explorer(
        {label(runs[0].recipe): runs for runs in sets},
        [PANELS[0] | {"paper": _published(sets, "ECE")},
         PANELS[1] | {"paper": _published(sets, "optimal temperature")}],
        name="ece-against-alpha",
        title="The best temperature falls with α; the best α depends on the data",
        note="dots: mean over seeds; faint: each seed; band: least to greatest"
        + (f"; hollow diamonds: the paper, {beside}" if beside else ""),
        alt=f"ECE as trained, {label(first[0].recipe)}: {words}.",
        caption="The temperature is fitted by NLL on one half of the validation examples and used "
        "on the other, and the other way about.",
        command=command,
    )


def _published(sets: Sequence[Sequence[Any]], symbol: str) -> list[dict[str, Any]]:
    """The paper's values that belong to each set of runs."""
    return [{"set": recipe.name, "alpha": n.alpha, "value": n.value}
            for recipe in (runs[0].recipe for runs in sets)
            for n in published(recipe.dataset, symbol)]


def label(recipe: Any) -> str:
    """Data, network and share of the experiment, in words."""
    name = setting(recipe)
    return name if recipe.preset == "lab" and recipe.scale == 1 else f"{name}, {in_words(recipe)}"


def start(runs: Sequence[Any], alpha: float, seed: int) -> tuple[Any, Any]:
    """The hard and the smoothed run nearest to a seed and, of that seed, to an alpha."""
    smoothed = [run for run in runs if run.recipe.alpha > 0]
    nearest = min(
        smoothed, key=lambda run: (abs(run.recipe.seed - seed), abs(run.recipe.alpha - alpha)))
    (hard,) = (run for run in runs
               if run.recipe.alpha == 0 and run.recipe.seed == nearest.recipe.seed)
    return hard, nearest


def paper_T(recipe: Any) -> float:
    """The temperature of Table 3 for the network that stands nearest to this one."""
    like = "imagenet/inception-v4" if recipe.dataset == "tinyimagenet" else "cifar100/resnet56"
    return paper.number(f"table3/{like}/temperature").value


def _paired(runs: Sequence[Any]) -> list[Any]:
    """Runs of the seeds that have a hard and a smoothed network."""
    hard, smoothed = ({run.recipe.seed for run in runs if (run.recipe.alpha > 0) == smooth}
                      for smooth in (False, True))
    return [run for run in runs if run.recipe.seed in hard & smoothed]


def _described(runs: Sequence[Any]) -> dict[str, Any]:
    first = runs[0].recipe
    return {"name": first.name, "label": label(first), "T": paper_T(first), "runs": [
        evaluation.named(run, KIND) | {"best": best_T(run)} for run in runs
    ]}


def _words(name: str, run: Any, T: float = 1.0) -> str:
    logits, targets = run.arrays["val_logits"], run.arrays["val_targets"]
    ece, nll = calibration.ece(logits, targets, T=T), calibration.nll(logits, targets, T)
    return f"{name}: ECE {ece:.3f}, NLL {nll:.3f}"
