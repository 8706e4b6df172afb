"""How smooth a teacher's targets are."""

from __future__ import annotations

import torch

from lsbook.estimators.arrays import Array, as_logits, at_temperature
from lsbook.validation import check_temperature


def gamma(teacher_logits: Array, targets: Array, T: float = 1.0) -> float:
    """Equivalent label smoothing of a teacher at temperature ``T``.

    gamma = K/(K - 1) E[1 - p_y(T)] (Müller et al. 2019, section 4): alpha for a teacher at the
    optimum of label smoothing, towards 1 as T grows.

    Parameters
    ----------
    teacher_logits : array (..., K), K at least 2
        On the training set.
    targets : array of int, (...)
    T : float, above 0
    """
    logits, targets = as_logits(teacher_logits, targets, "teacher_logits")
    K = logits.shape[1]
    log_p = at_temperature(logits.double(), check_temperature(T)).log_softmax(-1)
    wrong = -torch.expm1(log_p.gather(1, targets[:, None]))
    return K / (K - 1) * wrong.mean().item()
