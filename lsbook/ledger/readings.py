"""What a claim is judged by, read from one run."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import softmax
from scipy.stats import rankdata

from lsbook.estimators import smoothness
from lsbook.estimators.calibration import from_logits
from lsbook.estimators.selective import choose_norm, confidence_score
from lsbook.estimators.temperature import fit_temperature
from lsbook.estimators.templates import project_logits
from lsbook.ledger.effects import Reading, split_of
from lsbook.runs.classes import examples, shown_classes

TRIPLES = 60
"""At most so many planes a network, spread evenly over all triples of its classes."""


class Undecided(Exception):
    """The runs are there and cannot answer; the message says why, in words."""


# Accuracy and confidence, on validation examples


def _validation(run: Any) -> tuple[np.ndarray, np.ndarray, int]:
    logits, targets = run.arrays["val_logits"], run.arrays["val_targets"]
    return logits.astype(np.float64), targets.astype(np.int64), split_of(targets)


def accuracy(run: Any) -> Reading:
    """Share of validation examples that are right."""
    if "val_logits" not in run.arrays:
        return Reading(float(run.metrics["val_accuracy"]))
    logits, targets, split = _validation(run)
    return Reading.mean(logits.argmax(-1) == targets, split)


def top1(run: Any, T: np.ndarray | float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and correctness (n,) of validation examples at ``T``, one for all or one each."""
    if run.recipe.is_text:
        at_one = int(np.abs(run.arrays["curve_T"] - 1).argmin())
        confidence = run.arrays["token_confidence"][at_one].astype(np.float64)
        return confidence, run.arrays["token_correct"]
    logits, targets, _ = _validation(run)
    return from_logits(logits / np.reshape(T, (-1, 1)), targets)


def over_confidence(run: Any) -> Reading:
    """Mean confidence less accuracy."""
    confidence, correct = top1(run)
    split = len(correct) if run.recipe.is_text else split_of(run.arrays["val_targets"])
    return Reading.mean(confidence - correct, split)


def temperature(run: Any) -> Reading:
    """The temperature of least NLL; an example's influence is one Newton step."""
    if run.recipe.is_text and "curve_nll" in run.arrays:
        return Reading(best_temperature(run, "nll"))
    if "val_logits" not in run.arrays:
        return Reading(float(run.metrics["optimal_T"]))
    logits, targets, split = _validation(run)
    beta = 1 / fit_temperature(logits, targets).T
    p = softmax(beta * logits, axis=-1)
    mean = (p * logits).sum(-1)
    slope = mean - np.take_along_axis(logits, targets[:, None], -1)[:, 0]
    curvature = (p * logits**2).sum(-1) - mean**2
    return Reading(1 / beta, slope / (beta**2 * curvature.mean()), split)


def held_out_temperatures(run: Any) -> np.ndarray:
    """For each validation example (n,) the temperature fitted on the half it is not in."""
    logits, targets, _ = _validation(run)
    half = np.arange(len(targets)) % 2
    fitted = [fit_temperature(logits[half == h], targets[half == h]).T for h in (0, 1)]
    return np.array(fitted)[1 - half]


def _ranking(score: np.ndarray, correct: np.ndarray) -> tuple[float, np.ndarray]:
    """Chance that a right prediction scores above a wrong one, and each example's influence.

    The influences are DeLong's placements: the chance for that example alone, less the mean.
    """
    n, right = len(score), int(correct.sum())
    if not 0 < right < n:
        raise ValueError("Ranking needs right and wrong predictions.")
    all_ranks, influence = rankdata(score), np.zeros(n)
    for mine, others, sign in ((correct, n - right, 1), (~correct, right, -1)):
        below = (all_ranks[mine] - rankdata(score[mine])) / others
        placed = below if sign > 0 else 1 - below
        influence[mine] = (placed - placed.mean()) * n / mine.sum()
        chance = placed.mean()
    return float(chance), influence


def ranking(run: Any) -> Reading:
    """How well confidence ranks right above wrong, in each half of the validation examples."""
    return _in_halves(run, repaired=False)


def repaired_ranking(run: Any) -> Reading:
    """The same by the score that ranks best on the other half (Cattelan and Silva 2024)."""
    return _in_halves(run, repaired=True)


def _in_halves(run: Any, repaired: bool) -> Reading:
    logits, targets, split = _validation(run)
    correct, half = logits.argmax(-1) == targets, np.arange(len(targets)) % 2
    chance, influence = 0.0, np.zeros(len(targets))
    for h in (0, 1):
        mine, other = half == h, half != h
        p = choose_norm(logits[other], correct[other]) if repaired else None
        value, moved = _ranking(confidence_score(logits[mine], p), correct[mine])
        chance += value * mine.mean()
        influence[mine] = moved
    return Reading(chance, influence, split)


# Penultimate activations, in the planes that Figure 1 draws


def planes(run: Any) -> dict[str, float]:
    """Shape of the classes' clusters in planes through three templates, a mean over triples.

    ``spread`` (root mean square distance from the class centre over the mean distance of two
    centres), ``unevenness`` (standard deviation over mean of the triangle's sides), ``distance``
    (of two centres), and of the validation examples ``inward`` (how far their mean lies from the
    training centre towards the triangle's, as a share of that distance) and ``wider`` (how much
    wider they spread on that line than training examples, in the same unit).
    """
    if run.recipe.is_text:
        return _over_triples(run.arrays["plane_logits"], run.arrays["plane_targets"],
                             run.arrays["plane_templates"])
    classes = shown_classes(run)
    val = examples(run, "val", classes)
    return _over_triples(*examples(run, "train", classes), run.arrays["templates"][classes], val)


def _over_triples(logits, targets, templates, val=None) -> dict[str, float]:
    triples = list(combinations(range(logits.shape[1]), 3))
    triples = triples[:: -(-len(triples) // TRIPLES)]
    train, held_out = _moments(logits, targets), _moments(*val) if val else None
    found = [_plane(triple, templates, train, held_out) for triple in triples]
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


Moments = tuple[np.ndarray, np.ndarray]
"""Mean (K, K) and covariance (K, K, K) of the logits of each class's examples."""


def _moments(logits: np.ndarray, targets: np.ndarray) -> Moments:
    clouds = [logits[targets == k].astype(np.float64) for k in range(logits.shape[1])]
    return (np.stack([cloud.mean(0) for cloud in clouds]),
            np.stack([np.cov(cloud.T, bias=True) for cloud in clouds]))


def _plane(triple, templates, train: Moments, val: Moments | None) -> dict[str, float]:
    """One triple. Coordinates are linear in the logits, so moments of these are enough."""
    chosen = list(triple)
    to_plane = project_logits(np.eye(4, 3, -1), templates[chosen])
    to_plane = (to_plane[1:] - to_plane[0]).T

    def in_plane(moments: Moments) -> Moments:
        centres, spreads = (part[chosen][..., chosen] for part in moments)
        return centres @ to_plane.T, to_plane @ spreads[:, chosen] @ to_plane.T

    corners, spreads = in_plane(train)
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
    within = np.trace(spreads, axis1=1, axis2=2).mean()
    found = {"spread": np.sqrt(within) / sides.mean(), "distance": sides.mean(),
             "unevenness": sides.std() / sides.mean()}
    if val is None:
        return found
    out = corners - corners.mean(0)
    scale = (out**2).sum(1)
    means, widths = in_plane(val)
    moved = ((corners - means) * out).sum(1) / scale
    along = [np.sqrt(np.einsum("ki,kij,kj->k", out, s, out)) / scale for s in (widths, spreads)]
    return found | {"inward": moved.mean(), "wider": (along[0] - along[1]).mean()}


def gap_variation(run: Any) -> float:
    """Standard deviation over mean of the gaps between right and wrong logits, in training."""
    logits, targets = examples(run, "train", shown_classes(run))
    wrong = np.arange(logits.shape[-1]) != targets[:, None]
    gaps = (np.take_along_axis(logits, targets[:, None], -1) - logits)[wrong]
    return float(gaps.std() / abs(gaps.mean()))


# Teachers


def softness(run: Any) -> float:
    """γ of the network's own outputs at T = 1, on the training examples it kept."""
    return smoothness.gamma(run.arrays["train_logits"], run.arrays["train_targets"])


# Translation, against temperature


def curve(run: Any, name: str) -> np.ndarray:
    """``T``, ``bleu``, ``ece`` or ``nll`` at each recorded temperature."""
    return np.asarray(run.arrays[f"curve_{name}"], dtype=np.float64)


def at(run: Any, name: str, T: float) -> float:
    """A curve at a temperature between the recorded ones."""
    return float(np.interp(T, curve(run, "T"), curve(run, name)))


def best_temperature(run: Any, name: str) -> float:
    """Where the curve is best, from the parabola through the best temperature and its neighbours.

    Raises
    ------
    Undecided
        If the best temperature is the first or the last: a better one may lie outside.
    """
    T, values = curve(run, "T"), curve(run, name) * (-1 if name == "bleu" else 1)
    best = int(values.argmin())
    if best in (0, len(T) - 1):
        recipe = run.recipe
        raise Undecided(f"the best {name.upper()} at α = {recipe.alpha:g}, seed {recipe.seed}, is "
                        f"at the edge of the temperatures tried, T = {T[best]:.2g}")
    x, y = T[best - 1 : best + 2], values[best - 1 : best + 2]
    a, b, _ = np.polyfit(x - x[1], y, 2)
    return float(x[1] - b / (2 * a)) if a > 0 else float(x[1])


def useful_temperatures(run: Any) -> np.ndarray:
    """Which temperatures (n,) leave the network's NLL within a tenth of its least."""
    nll = curve(run, "nll")
    return nll <= 1.1 * nll.min()
