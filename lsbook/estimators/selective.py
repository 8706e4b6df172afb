"""Selective classification: how well a score ranks right predictions above wrong ones."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp
from scipy.stats import rankdata

from lsbook.estimators.arrays import Array, as_correct, as_float64, unit_of
from lsbook.validation import check_number


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


def normalised_max_logit(logits: Array, p: float = 2) -> np.ndarray:
    """Largest logit (n,) over the p-norm of all, logits (n, K) centred first.

    With p = 0 the centred logit itself (Cattelan and Silva 2024, MaxLogit-pNorm; Xia et al. 2025
    explain why it repairs what smoothing does to the largest probability).

    Raises
    ------
    ValueError
        For fewer than two classes, values that are not finite, or p below 0.
    """
    logits = as_float64(logits, "logits")
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise ValueError(f"logits must be (n, K), K at least 2; got {logits.shape}.")
    p = check_number(p, "p (the order of a norm)")
    if not p >= 0:
        raise ValueError(f"p is the order of a norm, at least 0; got {p!r}.")
    logits = logits - logits.mean(-1, keepdims=True)
    if p == 0:
        return logits.max(-1)
    logits = logits / unit_of(logits)
    norm = np.linalg.norm(logits, ord=p, axis=-1)
    return logits.max(-1) / np.maximum(norm, np.finfo(float).tiny)


NORMS = range(9)
"""The p that Cattelan and Silva 2024 try."""


def choose_norm(logits: Array, correct: Array) -> int | None:
    """The p of ``NORMS`` whose `normalised_max_logit` ranks best, None if plain confidence does.

    Choose on examples that are not ranked afterwards.

    Parameters
    ----------
    logits : array (n, K)
    correct : array (n,)
        Whether the prediction was right.

    Raises
    ------
    ValueError
        As `auroc` and `normalised_max_logit`.

    Source
    ------
    Cattelan and Silva 2024, with the area under the ROC curve in place of that under risk–coverage.
    """
    best = max(NORMS, key=lambda p: auroc(normalised_max_logit(logits, p), correct))
    plain = auroc(confidence_score(logits, None), correct)
    return best if auroc(normalised_max_logit(logits, best), correct) > plain else None


def confidence_score(logits: Array, p: int | None) -> np.ndarray:
    """Score (n,) by which predictions are ranked: `normalised_max_logit`, or confidence at None."""
    if p is not None:
        return normalised_max_logit(logits, p)
    logits = as_float64(logits, "logits")
    return -logsumexp(logits - logits.max(-1, keepdims=True), axis=-1)
