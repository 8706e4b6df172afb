"""The losses of the book: label smoothing, its relatives, and distillation.

Logits are (..., K). Integer targets are (...); soft targets are probabilities (..., K).
Every loss averages over the targets that count: ignored ones leave numerator and denominator.
With ``validate=False`` nothing looks at values, so the losses run under ``torch.func`` and
compile, and ``alpha``, ``beta``, ``T`` and ``weight`` may be tensors.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lsbook.validation import (
    check_alpha,
    check_count,
    check_logits,
    check_targets,
    check_temperature,
    check_unit,
)


def smoothed_targets(
    targets: Tensor, K: int, alpha: float, prior: Tensor | None = None, *, validate: bool = True
) -> Tensor:
    """Mix one-hot targets with a prior: y (1 - alpha) + alpha u (Müller et al. 2019, section 1).

    Parameters
    ----------
    targets : Tensor of int, (...)
        Class indices in [0, K).
    K : int
        Number of classes, at least 2.
    alpha : float in [0, 1]
        Share of the prior.
    prior : Tensor (K,), optional
        Probabilities u; uniform (1/K) by default, a unigram distribution for instance.

    Returns
    -------
    Tensor (..., K)

    Raises
    ------
    ValueError
        For alpha outside [0, 1], K below 2, targets outside [0, K) or a prior that is no
        distribution.
    """
    if validate:
        check_alpha(alpha)
        K = check_count(K, "K (the number of classes)", 2)
        check_targets(targets, K)
    dtype = torch.get_default_dtype() if prior is None else prior.dtype
    u = _prior(prior, K, dtype, targets.device, validate)
    one_hot = (targets[..., None] == torch.arange(K, device=targets.device)).to(dtype)
    return (1 - alpha) * one_hot + alpha * u


def smoothed_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    alpha: float = 0.0,
    prior: Tensor | None = None,
    ignore_index: int | None = None,
    reduction: str = "mean",
    *,
    validate: bool = True,
) -> Tensor:
    """Cross-entropy in nats against y (1 - alpha) + alpha u (Müller et al. 2019, section 1).

    The right class gets 1 - alpha + alpha/K, as in torch and timm. fairseq and tensor2tensor
    give it 1 - alpha: their alpha' equals the alpha = alpha' K / (K - 1) of this function.

    Parameters
    ----------
    logits : Tensor (..., K)
    targets : Tensor
        Class indices (...), or probabilities (..., K).
    alpha : float in [0, 1]
    prior : Tensor (K,), optional
        Uniform by default.
    ignore_index : int, optional
        Integer targets of this value (padding) do not count.
    reduction : {"mean", "sum", "none"}
        "none" keeps the shape (...) and gives ignored targets 0.

    Raises
    ------
    ValueError
        For alpha, logits, targets, prior or reduction outside the above, or nothing to average.
    """
    if validate:
        check_alpha(alpha)
        _check_pair(logits, targets, ignore_index)
    log_p = logits.log_softmax(-1)
    if prior is None:
        to_prior = -log_p.mean(-1)
    else:
        u = _prior(prior, logits.shape[-1], log_p.dtype, logits.device, validate)
        to_prior = -(log_p * u).sum(-1)
    loss = (1 - alpha) * _cross_entropy(log_p, targets, ignore_index) + alpha * to_prior
    return _reduce(loss, _counted(targets, ignore_index), reduction)


def confidence_penalty(
    logits: Tensor,
    targets: Tensor,
    weight: float,
    ignore_index: int | None = None,
    reduction: str = "mean",
    *,
    validate: bool = True,
) -> Tensor:
    """Cross-entropy less ``weight`` times the entropy of the prediction (Pereyra et al. 2017).

    Label smoothing adds KL(u, p), this penalty KL(p, u): the same pull with the arguments
    reversed.

    Parameters
    ----------
    logits : Tensor (..., K)
    targets : Tensor
        Class indices (...), or probabilities (..., K).
    weight : float, at least 0
    ignore_index, reduction
        As in `smoothed_cross_entropy`.

    Raises
    ------
    ValueError
        For a weight that is negative or infinite, or logits and targets that do not fit.
    """
    if validate:
        if not 0 <= weight < math.inf:
            raise ValueError(
                f"weight, the penalty's factor, must be finite and at least 0; got {weight}.")
        _check_pair(logits, targets, ignore_index)
    log_p = logits.log_softmax(-1)
    entropy = -(log_p.exp() * log_p).sum(-1)
    loss = _cross_entropy(log_p, targets, ignore_index) - weight * entropy
    return _reduce(loss, _counted(targets, ignore_index), reduction)


def disturb_labels(
    targets: Tensor,
    K: int,
    alpha: float,
    generator: torch.Generator | None = None,
    ignore_index: int | None = None,
    *,
    validate: bool = True,
) -> Tensor:
    """Redraw each target among all K classes with probability ``alpha`` (DisturbLabel, Xie 2016).

    The redraw may hit the right class, so a target changes with probability alpha (K - 1)/K and
    the expected one-hot target is the smoothed one.

    Parameters
    ----------
    targets : Tensor of int, (...)
    K : int, at least 2
    alpha : float in [0, 1]
    generator : torch.Generator, optional
        On the device of ``targets``.
    ignore_index : int, optional
        Targets of this value stay.

    Raises
    ------
    ValueError
        For alpha outside [0, 1], K below 2 or targets outside [0, K).
    """
    if validate:
        check_alpha(alpha)
        K = check_count(K, "K (the number of classes)", 2)
        check_targets(targets, K, ignore_index)
    draw = {"generator": generator, "device": targets.device}
    redraw = (torch.rand(targets.shape, **draw) < alpha) & _counted(targets, ignore_index)
    return torch.where(redraw, torch.randint(K, targets.shape, **draw).to(targets.dtype), targets)


def distillation(
    logits: Tensor,
    targets: Tensor,
    teacher_logits: Tensor,
    beta: float = 1.0,
    T: float = 1.0,
    scale_by_T2: bool = False,
    ignore_index: int | None = None,
    reduction: str = "mean",
    *,
    student_T: float | None = None,
    validate: bool = True,
) -> Tensor:
    """(1 - beta) H(y, p) + beta H(p_teacher(T), p(T)) (Müller et al. 2019, section 4).

    Parameters
    ----------
    logits, teacher_logits : Tensor (..., K)
        The teacher's are taken as constants.
    targets : Tensor
        Class indices (...), or probabilities (..., K).
    beta : float in [0, 1]
        Share of the teacher.
    T : float, above 0
        Temperature of teacher and student.
    scale_by_T2 : bool
        Multiply the teacher's term by T² (Hinton et al. 2015); the paper does not.
    ignore_index, reduction
        As in `smoothed_cross_entropy`.
    student_T : float, optional
        The student's own temperature in the teacher's term; the paper's CIFAR-10 experiment
        keeps it at 1.

    Raises
    ------
    ValueError
        For beta or T out of range, or logits and targets that do not fit.
    """
    student_T = T if student_T is None else student_T
    if validate:
        check_unit(beta, "beta (the teacher's share of the loss)")
        check_temperature(T)
        check_temperature(student_T)
        _check_pair(logits, targets, ignore_index)
        _check_teacher(logits, teacher_logits)
    hard = _cross_entropy(logits.log_softmax(-1), targets, ignore_index)
    teacher = (teacher_logits.detach() / T).softmax(-1)
    soft = -(teacher * (logits / student_T).log_softmax(-1)).sum(-1)
    if scale_by_T2:
        soft = soft * T**2
    loss = (1 - beta) * hard + beta * soft
    return _reduce(loss, _counted(targets, ignore_index), reduction)


def logit_matching(
    logits: Tensor, teacher_logits: Tensor, reduction: str = "mean", *, validate: bool = True
) -> Tensor:
    """Half the squared distance of the logits, summed over classes.

    The distillation loss of the MNIST experiment (Müller et al. 2019, appendix A).

    Parameters
    ----------
    logits, teacher_logits : Tensor (..., K)
        The teacher's are taken as constants.
    reduction : {"mean", "sum", "none"}
        "none" keeps the shape (...).

    Raises
    ------
    ValueError
        If the two differ in shape, are empty, or hold NaN or infinite values.
    """
    if validate:
        check_logits(logits)
        _check_teacher(logits, teacher_logits)
        if not logits.numel():
            raise ValueError("The batch is empty; there are no logits to match.")
    loss = 0.5 * (logits - teacher_logits.detach()).square().sum(-1)
    return _reduce(loss, torch.ones_like(loss, dtype=torch.bool), reduction)


def _cross_entropy(log_p: Tensor, targets: Tensor, ignore_index: int | None) -> Tensor:
    if torch.is_floating_point(targets):
        return -(targets * log_p).sum(-1)
    safe = targets if ignore_index is None else torch.where(targets == ignore_index, 0, targets)
    return -log_p.gather(-1, safe[..., None].long()).squeeze(-1)


def _counted(targets: Tensor, ignore_index: int | None) -> Tensor:
    """Which targets count, (...)."""
    if torch.is_floating_point(targets):
        return torch.ones_like(targets[..., 0], dtype=torch.bool)
    if ignore_index is None:
        return torch.ones_like(targets, dtype=torch.bool)
    return targets != ignore_index


def _reduce(loss: Tensor, counted: Tensor, reduction: str) -> Tensor:
    loss = torch.where(counted, loss, 0.0)
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    if reduction == "mean":
        return loss.sum() / counted.sum()
    raise ValueError(f"reduction must be 'mean', 'sum' or 'none'; got {reduction!r}.")


def _prior(
    prior: Tensor | None, K: int, dtype: torch.dtype, device: torch.device, validate: bool
) -> Tensor:
    if prior is None:
        return torch.full((K,), 1 / K, dtype=dtype, device=device)
    if validate:
        if prior.shape != (K,):
            raise ValueError(f"The prior must hold {K} probabilities; got {tuple(prior.shape)}.")
        _check_distribution(prior, "The prior")
    return prior.to(device, dtype)


def _check_distribution(p: Tensor, name: str) -> None:
    sums = p.sum(-1)
    if not ((p >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-3)):
        raise ValueError(f"{name} must be probabilities: none negative, each row summing to 1.")


def _check_pair(logits: Tensor, targets: Tensor, ignore_index: int | None) -> None:
    check_logits(logits)
    if torch.is_floating_point(targets):
        if targets.shape != logits.shape:
            raise ValueError(
                f"Soft targets must have the logits' shape {tuple(logits.shape)}; "
                f"got {tuple(targets.shape)}."
            )
        if ignore_index is not None:
            raise ValueError("ignore_index needs integer targets; drop it, or the soft targets.")
        _check_distribution(targets, "Soft targets")
    elif targets.shape != logits.shape[:-1]:
        raise ValueError(
            f"Targets must have shape {tuple(logits.shape[:-1])}, the logits' without its last "
            f"axis; got {tuple(targets.shape)}."
        )
    else:
        check_targets(targets, logits.shape[-1], ignore_index)
    if not _counted(targets, ignore_index).any():
        raise ValueError("No target counts: the batch is empty or every target is ignored.")


def _check_teacher(logits: Tensor, teacher_logits: Tensor) -> None:
    check_logits(teacher_logits, "teacher_logits")
    if teacher_logits.shape != logits.shape:
        raise ValueError(
            f"Teacher and student need logits of one shape; got {tuple(teacher_logits.shape)} "
            f"and {tuple(logits.shape)}."
        )
