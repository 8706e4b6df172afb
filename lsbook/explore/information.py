"""Explorers of the mutual-information chapter: Figure 6 with its draws, and the estimate's bias."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from lsbook.estimators.information import simulate_bias
from lsbook.explore import evaluation
from lsbook.explore.figure import Explorer
from lsbook.figures import information as figures
from lsbook.figures.information import Network
from lsbook.training.evaluation import MI_DRAWS

KIND = "information"


def arrays(run: Any) -> dict[str, np.ndarray]:
    """What the page needs of a run: each example's mean and scored draw at each step, in logits."""
    return {name: run.arrays[name].astype(np.float16) for name in figures.DRAWS}


def figure6(networks: Sequence[Network], alpha: float, command: str = "") -> Explorer:
    """Estimates along training, and the logit differences behind the one the slider stands at.

    Parameters
    ----------
    networks
        To choose from, the first shown.
    alpha
        Smoothing the picker starts nearest to.
    """
    return Explorer(
        kind=KIND, title="Smoothing forgets which example it was",
        note="thin: single seeds, thick: their mean; below: the draws of seed 0 at the chosen step",
        alt="Estimated mutual information in nats against training step, fresh draw. "
        + figures.told(networks[0], alpha),
        caption="The paper does not say whether the scored draw is one of those behind the mean "
        "(reused) or one more (fresh); both are shown. N = 600 training examples, L = 5 draws. "
        "Mean over the seeds at the chosen step, and of each seed's own peak; estimate (fresh) and "
        "σ, in logits, of the draws below. "
        + " ".join(f"{one.name}: {_seeds(one)}." for one in networks),
        config={"view": "figure6", "alpha": alpha, "networks": [_network(n) for n in networks]},
        runs=[run for network in networks for run in network.drawn],
        sources=[run for network in networks for run in network.runs if run not in network.drawn],
        command=command)


def bias(command: str = "") -> Explorer:
    """The estimate on simulated draws where the truth is known, computed anew at each setting."""
    two = simulate_bias(N=600, L=5, clusters=2)
    return Explorer(
        kind=KIND, name="bias", title="More draws cure the bias; more examples do not",
        note="points: six simulated sets of Gaussian draws; diamond: their mean; lines: the limit "
        "of many examples",
        alt=f"Simulated estimates. With N = 600, L = 5 and two collapsed classes, truth "
        f"{two.truth:.2f}: {two.fresh:.2f} with a fresh draw, {two.reused:.2f} with a reused one.",
        caption="Drawn and estimated anew whenever a control moves; one simulation gives the same "
        "numbers each time.",
        config={"view": "bias"}, command=command)


def _seeds(network: Network) -> str:
    counts = Counter(run.recipe.alpha for run in network.runs).values()
    seeds = " to ".join(str(count) for count in sorted({min(counts), max(counts)}))
    words = "one seed" if seeds == "1" else f"{seeds} seeds"
    return words if network.recipe.preset == "lab" else f"{network.scale}; {words}"


def _network(network: Network) -> dict[str, Any]:
    keyed = {run.recipe.hash for run in network.drawn}
    return {
        "name": network.name, "note": network.scale, "classes": list(network.classes),
        "L": MI_DRAWS, "steps": network.steps,
        "runs": [
            {"alpha": run.recipe.alpha, "seed": run.recipe.seed,
             "key": evaluation.key(run, KIND) if run.recipe.hash in keyed else "",
             **{form: np.round(run.history[f"mi_{form}"], 4).tolist() for form in figures.FORMS}}
            for run in network.runs]}
