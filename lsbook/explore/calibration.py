"""Explorer of calibration: the reliability diagram of any recorded pair at any temperature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lsbook import paper
from lsbook.estimators import calibration
from lsbook.estimators.temperature import fit_temperature
from lsbook.explore import evaluation
from lsbook.explore.figure import Explorer
from lsbook.figures.ledger import DATASETS, MODELS
from lsbook.figures.scale import in_words
from lsbook.runs.best import best, compares

KIND = "calibration"
CHOICES = (
    ("paper/resnet56-cifar100", "fraction/resnet20-cifar100"),
    ("paper/alexnet-cifar10", "fraction/alexnet-cifar10"),
    ("paper/teacher-cifar10", "fraction/teacher-cifar10"),
    ("paper/inception-tinyimagenet",),
    ("lab/mlp-mnist1d",),
    ("lab/mlp-digits",),
)
"""What the data picker offers, real data first; of each experiment the best runs there are."""


def arrays(run: Any) -> dict[str, np.ndarray]:
    """Validation logits as they are stored, in half precision, and targets."""
    stored = run.stored_arrays()
    return {name: stored[name] for name in ("val_logits", "val_targets")}


def explorer(
    own: Sequence[Any] = (),
    alpha: float = 0.05,
    seed: int = 0,
    command: str = "",
    chart: Any = None,
) -> Explorer:
    """Hard beside smoothed networks of every data set there are runs of.

    Parameters
    ----------
    own
        Runs of the chapter, offered last unless they are among the recorded choices.
    alpha, seed
        Where the controls start, or as near to it as was recorded.
    command
        The papermill command that regenerates the figure.
    chart
        Shown in its place where a kernel is live.

    Raises
    ------
    LookupError
        If there is no hard network with a smoothed one of its seed.
    """
    sets = [_paired(runs) for names in CHOICES if (runs := best(*names))]
    known = {run.recipe.hash for runs in sets for run in runs}
    if compares(list(own)) and not known.issuperset(run.recipe.hash for run in own):
        sets.append(_paired(own))
    if not sets:
        raise LookupError("No hard network has a smoothed one beside it; run the cells above.")
    hard, smoothed = start(sets[0], alpha, seed)
    T = paper_T(hard.recipe)
    words = "; ".join([
        _words("hard targets", hard),
        _words(f"hard targets at T = {T:g}", hard, T),
        _words(f"smoothing with alpha {smoothed.recipe.alpha:g}", smoothed),
    ])
    return Explorer(
        kind=KIND,
        config={"alpha": alpha, "seed": seed, "sets": [_described(runs) for runs in sets]},
        title="Below the diagonal a network says too much; smoothing and temperature lift it",
        note="Figure 2 of the paper, computed in your browser from the networks' logits",
        alt=f"Reliability diagram, {label(hard.recipe)}, 15 bins. {words}.",
        caption="The size of a point and the bars count the examples.",
        runs=[run for runs in sets for run in runs],
        command=command,
        chart=chart,
    )


def label(recipe: Any) -> str:
    """Data, network and share of the experiment, in words."""
    name = f"{DATASETS[recipe.dataset]}, {MODELS[recipe.model]}"
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
    like = "imagenet/inception-v4" if recipe.model == "inception-v4" else "cifar100/resnet56"
    return paper.number(f"table3/{like}/temperature").value


def best_T(run: Any) -> float | None:
    """The temperature of least NLL over all validation examples; None if there is none."""
    try:
        return fit_temperature(run.arrays["val_logits"], run.arrays["val_targets"]).T
    except ValueError:
        return None


def _paired(runs: Sequence[Any]) -> list[Any]:
    """Runs of the seeds that have a hard and a smoothed network."""
    hard, smoothed = ({run.recipe.seed for run in runs if (run.recipe.alpha > 0) == smooth}
                      for smooth in (False, True))
    return [run for run in runs if run.recipe.seed in hard & smoothed]


def _described(runs: Sequence[Any]) -> dict[str, Any]:
    first = runs[0].recipe
    return {"label": label(first), "T": paper_T(first), "runs": [
        {"key": evaluation.key(run, KIND), "alpha": run.recipe.alpha, "seed": run.recipe.seed,
         "best": best_T(run)}
        for run in runs
    ]}


def _words(name: str, run: Any, T: float = 1.0) -> str:
    logits, targets = run.arrays["val_logits"], run.arrays["val_targets"]
    ece, nll = calibration.ece(logits, targets, T=T), calibration.nll(logits, targets, T)
    return f"{name}: ECE {ece:.3f}, NLL {nll:.3f}"
