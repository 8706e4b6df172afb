"""Selective classification: how well a score ranks right predictions above wrong ones."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from lsbook.estimators.arrays import Array, as_float64


def auroc(score: Array, correct: Array) -> float:
    """Probability that a right prediction scores above a wrong one, ties counting half.

    Parameters
    ----------
    score : array (n,)
    correct : array of bool, (n,)

    Raises
    ------
    ValueError
        If all predictions are right, or all are wrong.
    """
    score, correct = as_float64(score, "score"), np.asarray(correct, dtype=bool)
    right, wrong = int(correct.sum()), int((~correct).sum())
    if not right or not wrong:
        raise ValueError("Ranking needs right and wrong predictions.")
    ranks = rankdata(score)[correct].sum()
    return float((ranks - right * (right + 1) / 2) / (right * wrong))


def normalised_max_logit(logits: Array) -> np.ndarray:
    """Largest logit (n,) over the Euclidean norm of all, logits (n, K) centred first.

    The confidence that Xia et al. 2025 put in place of the largest probability after smoothing.
    """
    logits = as_float64(logits, "logits")
    logits = logits - logits.mean(-1, keepdims=True)
    norm = np.linalg.norm(logits, axis=-1)
    return logits.max(-1) / np.maximum(norm, np.finfo(float).tiny)
