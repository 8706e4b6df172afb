"""Selective classification: how well a score ranks right predictions above wrong ones."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from lsbook.estimators.arrays import Array, as_correct, as_float64


def auroc(score: Array, correct: Array) -> float:
    """Probability that a right prediction scores above a wrong one, ties counting half.

    Parameters
    ----------
    score : array (n,)
    correct : array (n,)
        Whether the prediction was right, bool or 0/1.

    Raises
    ------
    ValueError
        If the two differ in length, or all predictions are right, or all are wrong.
    """
    score = as_float64(score, "score")
    correct = as_correct(correct, score, "score")
    right, wrong = int(correct.sum()), int((~correct).sum())
    if not right or not wrong:
        raise ValueError("Ranking needs right and wrong predictions.")
    ranks = rankdata(score)[correct].sum()
    return float((ranks - right * (right + 1) / 2) / (right * wrong))


def normalised_max_logit(logits: Array) -> np.ndarray:
    """Largest logit (n,) over the Euclidean norm of all, logits (n, K) centred first.

    The confidence that Xia et al. 2025 put in place of the largest probability after smoothing.

    Raises
    ------
    ValueError
        For fewer than two classes, or values that are not finite.
    """
    logits = as_float64(logits, "logits")
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise ValueError(f"logits must be (n, K), K at least 2; got {logits.shape}.")
    logits = logits - logits.mean(-1, keepdims=True)
    norm = np.linalg.norm(logits, axis=-1)
    return logits.max(-1) / np.maximum(norm, np.finfo(float).tiny)
