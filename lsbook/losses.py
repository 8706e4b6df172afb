"""The losses of the book: label smoothing, its relatives, and distillation.

Logits are (..., K). Integer targets are (...), of any integer type; soft targets are probabilities
(..., K). Arrays that are no tensors are taken as well. Half precision is computed, and the loss
returned, in float32.

Every loss averages over the targets that count: ignored ones leave numerator and denominator, and
where none counts "mean" has nothing to average, "sum" gives 0 and "none" zeros.

Logits may be -inf, for classes that are masked out, where the targets give these no weight.

With ``validate=False`` nothing looks at values, so the losses run under ``torch.func`` and
compile, and ``alpha``, ``beta``, ``T`` and the penalty's ``weight`` may be tensors.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lsbook.validation import (
    Array,
    are_probabilities,
    check_alpha,
    check_count,
    check_logits,
    check_number,
    check_targets,
    check_temperature,
    check_unit,
    opened,
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
        Of the prior's type, float32 at least.

    Raises
    ------
    ValueError
        For alpha outside [0, 1], K below 2, targets outside [0, K) or a prior that is no
        distribution.
    """
    targets = _labels(targets)
    if validate:
        alpha = check_alpha(alpha)
        K = check_count(K, "K (the number of classes)", 2)
        check_targets(targets, K)
    u = _prior(prior, K, targets.device, validate)
    u = u.to(torch.promote_types(u.dtype, torch.float32))
    return (1 - alpha) * _one_hot(targets, K).to(u.dtype) + alpha * u


def smoothed_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    alpha: float = 0.0,
    prior: Tensor | None = None,
    ignore_index: int | None = None,
    reduction: str = "mean",
    *,
    weight: Tensor | None = None,
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
    weight : Tensor (K,), optional
        Factor of each class's -q_k log p_k, the prior's share included. With class indices "mean"
        divides by the summed weights of the targets, all as in
        `torch.nn.functional.cross_entropy`.

    Raises
    ------
    ValueError
        For alpha, logits, targets, prior, weight or reduction outside the above, nothing to
        average, or a logit of -inf where the smoothed target has weight.
    """
    logits, targets = _scores(logits), _labels(targets)
    if validate:
        alpha = check_alpha(alpha)
        _check_pair(logits, targets, ignore_index)
    K, device = logits.shape[-1], logits.device
    log_p = logits.log_softmax(-1)
    if weight is not None:
        weight = _weight(weight, K, validate).to(device, log_p.dtype)
        log_p = _times(weight, log_p)
    if prior is None:
        of_prior = log_p.mean(-1)
    else:
        prior = _prior(prior, K, device, validate).to(log_p.dtype)
        of_prior = _times(prior, log_p).sum(-1)
    of_targets = _expected(log_p, targets, ignore_index)
    counted = _counted(targets, ignore_index)
    loss = -(_times(1 - alpha, of_targets) + _times(alpha, of_prior))
    loss = torch.where(counted, loss, 0.0)
    if validate and loss.isinf().any():
        share = (1 - alpha) * _one_hot(targets, K) + alpha * (1 / K if prior is None else prior)
        _refuse_masked(logits, loss, share if weight is None else share * weight)
    if weight is not None and not torch.is_floating_point(targets):
        counted = torch.where(counted, weight[torch.where(counted, targets, 0)], 0.0)
    return _reduce(loss, counted, reduction, validate)


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
        For a weight that is negative or infinite, logits and targets that do not fit, or a logit
        of -inf where the target has weight.
    """
    logits, targets = _scores(logits), _labels(targets)
    if validate:
        weight = check_number(weight, "weight (the penalty's factor)")
        if not 0 <= weight < math.inf:
            raise ValueError(
                f"weight, the penalty's factor, must be finite and at least 0; got {weight}.")
        _check_pair(logits, targets, ignore_index)
    log_p = logits.log_softmax(-1)
    entropy = -_times(log_p.exp(), log_p).sum(-1)
    counted = _counted(targets, ignore_index)
    loss = -_expected(log_p, targets, ignore_index) - weight * entropy
    loss = torch.where(counted, loss, 0.0)
    if validate and loss.isinf().any():
        _refuse_masked(logits, loss, _one_hot(targets, logits.shape[-1]))
    return _reduce(loss, counted, reduction, validate)


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

    Returns
    -------
    Tensor of int64, (...)

    Raises
    ------
    ValueError
        For alpha outside [0, 1], K below 2 or targets outside [0, K).
    """
    targets = _labels(targets)
    if validate:
        alpha = check_alpha(alpha)
        K = check_count(K, "K (the number of classes)", 2)
        check_targets(targets, K, ignore_index)
        if not isinstance(generator, torch.Generator | None):
            raise TypeError(f"generator must be a torch.Generator or None; got {generator!r}.")
    draw = {"generator": generator, "device": targets.device}
    redraw = (torch.rand(targets.shape, **draw) < alpha) & _counted(targets, ignore_index)
    return torch.where(redraw, torch.randint(K, targets.shape, **draw), targets)


def distillation(
    logits: Tensor,
    targets: Tensor | None,
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
        Class indices (...), or probabilities (..., K). At beta = 1 may be None.
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
        For beta or T out of range, logits and targets that do not fit, or a logit of -inf where
        the targets or the teacher have weight.
    """
    student_T = T if student_T is None else student_T
    logits, teacher_logits = _scores(logits), _scores(teacher_logits, "teacher_logits")
    if targets is not None:
        targets = _labels(targets)
    if validate:
        beta = check_unit(beta, "beta (the teacher's share of the loss)")
        # No smaller T can be told from 0 in single precision.
        least = torch.finfo(torch.float32).tiny
        T, student_T = (max(check_temperature(t), least) for t in (T, student_T))
        if targets is not None:
            _check_pair(logits, targets, ignore_index)
        elif beta < 1 or ignore_index is not None:
            raise ValueError("targets may be None only at beta = 1 and without ignore_index.")
        _check_teacher(logits, teacher_logits)
    teacher = (teacher_logits.detach() / T).softmax(-1)
    soft = _times(teacher, (logits / student_T).log_softmax(-1)).sum(-1)
    if scale_by_T2:
        soft = soft * (T * T)
    if targets is None:
        loss, counted = -soft, torch.ones_like(soft, dtype=torch.bool)
    else:
        hard = _expected(logits.log_softmax(-1), targets, ignore_index)
        counted = _counted(targets, ignore_index)
        loss = -(_times(1 - beta, hard) + _times(beta, soft))
        loss = torch.where(counted, loss, 0.0)
    if validate and loss.isinf().any():
        share = teacher
        if targets is not None:
            share = (1 - beta) * _one_hot(targets, logits.shape[-1]) + beta * teacher
        _refuse_masked(logits, loss, share)
    return _reduce(loss, counted, reduction, validate)


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
        If the two differ in shape, hold NaN or infinite values, or are empty where the mean is
        asked for.
    """
    logits, teacher_logits = _scores(logits), _scores(teacher_logits, "teacher_logits")
    if validate:
        check_logits(logits)
        check_logits(teacher_logits, "teacher_logits")
        _check_same_shape(logits, teacher_logits)
    loss = 0.5 * (logits - teacher_logits.detach()).square().sum(-1)
    return _reduce(loss, torch.ones_like(loss, dtype=torch.bool), reduction, validate)


def _scores(logits: Array, name: str = "logits") -> Tensor:
    logits = opened(logits, name)
    return logits.float() if logits.is_floating_point() and logits.dtype.itemsize < 4 else logits


def _labels(targets: Array) -> Tensor:
    """Soft targets as they are; classes widened, since small types hold neither K nor -100."""
    targets = opened(targets, "targets")
    return targets if targets.is_floating_point() or targets.dtype == torch.bool else targets.long()


def _times(share: float | Tensor, log_p: Tensor) -> Tensor:
    """share · log_p, where a share of 0 takes nothing of a log-probability of -inf."""
    if isinstance(share, Tensor):
        return share * torch.where((share == 0) & log_p.isneginf(), 0.0, log_p)
    return share * log_p if share else torch.zeros_like(log_p)


def _one_hot(targets: Tensor, K: int) -> Tensor:
    """Whether a class (..., K) is the target; soft targets stay as they are."""
    if torch.is_floating_point(targets):
        return targets
    return targets[..., None] == torch.arange(K, device=targets.device)


def _expected(log_p: Tensor, targets: Tensor, ignore_index: int | None) -> Tensor:
    """The targets' mean (...) of log-probabilities (..., K)."""
    if torch.is_floating_point(targets):
        return _times(targets, log_p).sum(-1)
    safe = targets if ignore_index is None else torch.where(targets == ignore_index, 0, targets)
    return log_p.gather(-1, safe[..., None]).squeeze(-1)


def _counted(targets: Tensor, ignore_index: int | None) -> Tensor:
    """Which targets count, (...)."""
    if torch.is_floating_point(targets):
        return torch.ones_like(targets[..., 0], dtype=torch.bool)
    if ignore_index is None:
        return torch.ones_like(targets, dtype=torch.bool)
    return targets != ignore_index


def _reduce(loss: Tensor, counts: Tensor, reduction: str, validate: bool) -> Tensor:
    """``loss`` (...) reduced; ``counts`` (...) is what each target weighs in the mean."""
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    if reduction != "mean":
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none'; got {reduction!r}.")
    total = counts.sum()
    if validate and total == 0:
        raise ValueError(
            "There is no target to average over: the batch is empty, every target is ignored, or "
            "their classes have weight 0."
        )
    return loss.sum() / total


def _prior(prior: Array | None, K: int, device: torch.device, validate: bool) -> Tensor:
    if prior is None:
        return torch.full((K,), 1 / K, device=device)
    prior = opened(prior, "prior")
    if validate:
        if prior.shape != (K,):
            raise ValueError(f"The prior must hold {K} probabilities; got {tuple(prior.shape)}.")
        _check_distribution(prior, "The prior")
    return prior.to(device)


def _weight(weight: Array, K: int, validate: bool) -> Tensor:
    weight = opened(weight, "weight")
    if validate:
        if weight.shape != (K,):
            raise ValueError(
                f"weight must hold {K} factors, one a class; got {tuple(weight.shape)}."
            )
        if not ((weight >= 0) & weight.isfinite()).all():
            raise ValueError("weight must hold finite factors, none negative.")
    return weight


def _check_distribution(p: Tensor, name: str) -> None:
    if not are_probabilities(p):
        raise ValueError(f"{name} must be probabilities: none negative, each row summing to 1.")


def _check_pair(logits: Tensor, targets: Tensor, ignore_index: int | None) -> None:
    check_logits(logits, masked=True)
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


def _check_teacher(logits: Tensor, teacher_logits: Tensor) -> None:
    check_logits(teacher_logits, "teacher_logits", masked=True)
    _check_same_shape(logits, teacher_logits)


def _check_same_shape(logits: Tensor, teacher_logits: Tensor) -> None:
    if teacher_logits.shape != logits.shape:
        raise ValueError(
            f"Teacher and student need logits of one shape; got {tuple(teacher_logits.shape)} "
            f"and {tuple(logits.shape)}."
        )


def _refuse_masked(logits: Tensor, loss: Tensor, share: Tensor) -> None:
    """Name the class of -inf that makes a loss (...) infinite by its ``share`` (..., K)."""
    needed = loss.isinf()[..., None] & logits.isneginf() & (share > 0)
    if needed.any():
        k = needed.nonzero()[0, -1]
        raise ValueError(
            f"logits are -inf for class {k}, to which the smoothed target gives weight, so that "
            "the loss is infinite; mask another class, or take a prior that is 0 there."
        )
