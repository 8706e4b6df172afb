"""Figures of the introduction: label smoothing itself, its conventions, and the gap it sets."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import torch

from lsbook.figures.scale import scaled_setting
from lsbook.losses import disturb_labels, smoothed_targets
from lsbook.validation import check_alpha

DRAWS = 200_000
SHOWN = 1000


def optimum_gap(alpha: float, K: int) -> float:
    """The logit gap of least loss, log((1 − α + α/K) / (α/K)), all wrong logits being equal.

    Infinite at alpha = 0: the loss of a hard target falls for ever.

    Raises
    ------
    ValueError
        If alpha lies outside [0, 1] or K is below 2.
    """
    check_alpha(alpha)
    if K < 2:
        raise ValueError(f"K is the number of classes, at least 2; got {K}.")
    return math.log((1 - alpha + alpha / K) / (alpha / K)) if alpha > 0 else math.inf


def _definitions(alpha: float, K: int) -> list[tuple[str, str, torch.Tensor]]:
    one_hot = torch.eye(K, dtype=torch.float64)[1]
    not_padding = torch.ones(K, dtype=torch.float64)
    not_padding[0] = 0
    zipf = 1 / torch.arange(1, K + 1, dtype=torch.float64)
    priors = (
        ("uniform over K", "the paper, torch, timm", torch.ones(K, dtype=torch.float64)),
        ("uniform over the K − 1 wrong", "fairseq, tensor2tensor", 1 - one_hot),
        ("uniform over K − 2, padding left out", "JoeyNMT, Annotated Transformer",
         not_padding - one_hot),
        ("unigram prior", "Chorowski & Jaitly, Pereyra et al.", zipf),
    )
    return [(name, used, smoothed_targets(torch.tensor(1), K, alpha, prior / prior.sum()))
            for name, used, prior in priors]


def conventions(alpha: float, K: int, seed: int = 0) -> pd.DataFrame:
    """The target that five definitions of label smoothing give to one example of class 1.

    Class 0 plays the padding token, which only the convention of two fewer classes leaves out.
    The unigram prior is Zipf's, p ∝ 1/rank, the right class being second. DisturbLabel draws
    labels at random; shown is the mean of many draws.

    Parameters
    ----------
    alpha : float in [0, 1]
    K : int
        Number of classes, at least 3.
    seed : int
        Of DisturbLabel's draws.

    Returns
    -------
    DataFrame
        Columns ``convention``, ``used by``, ``right``, ``wrong`` (a class other than 0 and 1),
        ``class 0``, ``paper's α``: the α with which the paper's definition gives the right class
        as much.
    """
    check_alpha(alpha)
    if K < 3:
        raise ValueError(f"The conventions differ from 3 classes on; got K = {K}.")
    rows = _definitions(alpha, K)
    random = torch.Generator().manual_seed(seed)
    drawn = disturb_labels(torch.ones(DRAWS, dtype=torch.long), K, alpha, generator=random)
    rows.append(("random labels, on average", "DisturbLabel", drawn.bincount(minlength=K) / DRAWS))
    return pd.DataFrame([
        {"convention": name, "used by": used, "right": float(y[1]), "wrong": float(y[2]),
         "class 0": float(y[0]), "paper's α": float((1 - y[1]) * K / (K - 1))}
        for name, used, y in rows
    ])


def convention_gaps(alphas: Iterable[float], Ks: Iterable[int]) -> pd.DataFrame:
    """The gap of least loss under the three uniform conventions.

    Columns ``alpha``, ``K``, ``convention``, ``used by``, ``gap``.
    """
    return pd.DataFrame([
        {"alpha": alpha, "K": K, "convention": name, "used by": used,
         "gap": float((y[1] / y[2]).log())}
        for alpha in alphas for K in Ks for name, used, y in _definitions(alpha, K)[:3]
    ])


def gap_frame(runs: Iterable[Any]) -> pd.DataFrame:
    """Logit gaps of the recorded training examples: right logit less the mean of the wrong ones.

    Columns ``alpha``, ``seed``, ``gap``; at most ``SHOWN`` examples a run, evenly spaced.

    Raises
    ------
    ValueError
        If a run keeps the logits of some classes only: the mean of the wrong ones is not known.
    """
    parts = []
    for run in runs:
        if "shown_classes" in run.arrays:
            raise ValueError(
                f"Run {run.recipe.hash} keeps the logits of some classes only; train it again with "
                "lsbook.runs.whole.")
        logits, targets = run.arrays["train_logits"], run.arrays["train_targets"].astype(int)
        K = logits.shape[-1]
        right = np.take_along_axis(logits, targets[:, None], -1)[:, 0]
        gap = (right - logits.mean(-1)) * K / (K - 1)
        gap = gap[:: max(1, math.ceil(len(gap) / SHOWN))]
        parts.append(pd.DataFrame(
            {"alpha": run.recipe.alpha, "seed": run.recipe.seed, "gap": gap.round(3)}))
    return pd.concat(parts, ignore_index=True)


def gap_told(pair: Iterable[Any]) -> str:
    """Between which gaps half of the training examples lie, run by run, and the gap of least loss.
    """
    runs = list(pair)
    words = []
    for run in runs:
        low, high = gap_frame([run])["gap"].quantile([0.25, 0.75])
        alpha, K = run.recipe.alpha, len(run.arrays["templates"])
        least = f", the loss being least at {optimum_gap(alpha, K):.1f}" if alpha else ""
        words.append(f"with {_name(alpha)} between {low:.1f} and {high:.1f}{least}")
    return f"{scaled_setting(runs[0].recipe)}: {'; '.join(words)}"


def _name(alpha: float) -> str:
    return "hard targets" if alpha == 0 else f"α = {alpha:g}"
