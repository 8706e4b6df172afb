"""Losses against torch, timm's and fairseq's definitions, and closed forms."""

import math

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings

from lsbook import losses
from lsbook.estimators import calibration
from lsbook.estimators.selective import auroc
from lsbook.estimators.translation import perplexity

IGNORE = -100


def batch(seed=0, n=12, K=5, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(n, K, generator=generator, dtype=torch.float64)
    return logits.requires_grad_(), torch.randint(K, (n,), generator=generator)


def same_value_and_gradient(ours, theirs, logits):
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(
        torch.autograd.grad(ours, logits)[0], torch.autograd.grad(theirs, logits)[0]
    )


cases = given(
    seed=st.integers(0, 10**6),
    K=st.integers(2, 30),
    alpha=st.floats(0, 1),
    scale=st.floats(0.01, 100),
)


@cases
@settings(max_examples=50, deadline=None)
def test_smoothing_agrees_with_torch(seed, K, alpha, scale):
    logits, targets = batch(seed, K=K, scale=scale)
    targets[::5] = IGNORE
    same_value_and_gradient(
        losses.smoothed_cross_entropy(logits, targets, alpha, ignore_index=IGNORE),
        F.cross_entropy(logits, targets, label_smoothing=alpha, ignore_index=IGNORE),
        logits,
    )


@cases
@settings(max_examples=50, deadline=None)
def test_gradient_is_prediction_less_smoothed_target(seed, K, alpha, scale):
    logits, targets = batch(seed, K=K, scale=scale)
    loss = losses.smoothed_cross_entropy(logits, targets, alpha, reduction="sum")
    q = losses.smoothed_targets(targets, K, alpha).double()
    expected = logits.softmax(-1) - q
    torch.testing.assert_close(
        torch.autograd.grad(loss, logits)[0], expected.detach(), atol=1e-6, rtol=1e-6
    )
    torch.testing.assert_close(q.sum(-1), torch.ones(len(targets)).double(), atol=1e-6, rtol=0)


def test_gradcheck_of_every_loss():
    logits, targets = batch()
    prior = torch.tensor([0.5, 0.2, 0.1, 0.1, 0.1])
    teacher = batch(1)[0]
    for loss in (
        lambda z: losses.smoothed_cross_entropy(z, targets, 0.2, prior),
        lambda z: losses.confidence_penalty(z, targets, 0.3),
        lambda z: losses.distillation(z, targets, teacher, 0.6, 3.0),
        lambda z: losses.logit_matching(z, teacher),
    ):
        assert torch.autograd.gradcheck(loss, logits)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_reductions_of_tokens_agree_with_torch(reduction):
    logits, targets = batch(n=24)
    logits, targets = logits.view(4, 6, 5), targets.view(4, 6)
    targets[1, 3:] = 0
    ours = losses.smoothed_cross_entropy(logits, targets, 0.1, ignore_index=0, reduction=reduction)
    theirs = F.cross_entropy(
        logits.mT, targets, label_smoothing=0.1, ignore_index=0, reduction=reduction
    )
    torch.testing.assert_close(ours, theirs)


def test_soft_targets_agree_with_torch():
    logits, _ = batch()
    targets = torch.softmax(batch(1)[0].detach(), -1)
    same_value_and_gradient(
        losses.smoothed_cross_entropy(logits, targets, 0.1),
        F.cross_entropy(logits, targets, label_smoothing=0.1),
        logits,
    )


def test_smoothed_integer_targets_equal_their_soft_form():
    logits, targets = batch()
    prior = torch.tensor([0.4, 0.3, 0.2, 0.1, 0.0], dtype=torch.float64)
    soft = losses.smoothed_targets(targets, 5, 0.3, prior)
    assert soft[0, targets[0]] == pytest.approx(0.7 + 0.3 * prior[targets[0]].item())
    same_value_and_gradient(
        losses.smoothed_cross_entropy(logits, targets, 0.3, prior),
        F.cross_entropy(logits, soft),
        logits,
    )


def test_fairseq_convention_is_ours_at_another_alpha():
    logits, targets = batch()
    K, theirs_alpha = 5, 0.1
    one_hot = F.one_hot(targets, K).double()
    fairseq = (1 - theirs_alpha) * one_hot + theirs_alpha / (K - 1) * (1 - one_hot)
    torch.testing.assert_close(
        losses.smoothed_cross_entropy(logits, targets, theirs_alpha * K / (K - 1)),
        F.cross_entropy(logits, fairseq),
    )


def test_confidence_penalty_is_cross_entropy_less_entropy():
    logits, targets = batch(scale=200.0)
    entropy = torch.distributions.Categorical(logits=logits).entropy().mean()
    same_value_and_gradient(
        losses.confidence_penalty(logits, targets, 0.4),
        F.cross_entropy(logits, targets) - 0.4 * entropy,
        logits,
    )
    flat = torch.zeros(3, 8)
    penalty = losses.confidence_penalty(flat, torch.tensor([0, 1, 2]), 0.25)
    assert penalty.item() == pytest.approx(0.75 * math.log(8))


def test_disturbed_labels_have_the_smoothed_target_as_mean():
    K, alpha, n = 4, 0.4, 200_000
    targets = torch.full((n,), 2)
    drawn = losses.disturb_labels(targets, K, alpha, torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn, minlength=K) / n
    expected = losses.smoothed_targets(torch.tensor(2), K, alpha)
    torch.testing.assert_close(shares, expected, atol=4e-3, rtol=0)
    assert (drawn != 2).float().mean().item() == pytest.approx(alpha * (K - 1) / K, abs=5e-3)


def test_disturbed_labels_leave_ignored_and_alpha_0_alone():
    targets = torch.randint(4, (1000,))
    targets[::2] = IGNORE
    drawn = losses.disturb_labels(targets, 4, 1.0, ignore_index=IGNORE)
    assert (drawn[::2] == IGNORE).all() and (drawn[1::2] >= 0).all()
    assert torch.equal(losses.disturb_labels(targets, 4, 0.0, ignore_index=IGNORE), targets)


@pytest.mark.parametrize("beta, T", [(0.0, 1.0), (0.4, 2.0), (1.0, 8.0)])
def test_distillation_is_the_papers_mixture(beta, T):
    logits, targets = batch()
    teacher = batch(1)[0].detach()
    soft = F.cross_entropy(logits / T, (teacher / T).softmax(-1))
    hard = F.cross_entropy(logits, targets)
    loss = losses.distillation(logits, targets, teacher, beta, T)
    same_value_and_gradient(loss, (1 - beta) * hard + beta * soft, logits)
    torch.testing.assert_close(
        losses.distillation(logits, targets, teacher, beta, T, scale_by_T2=True),
        (1 - beta) * hard + beta * T**2 * soft,
    )
    torch.testing.assert_close(
        losses.distillation(logits, targets, teacher, beta, T, student_T=1.0),
        (1 - beta) * hard + beta * F.cross_entropy(logits, (teacher / T).softmax(-1)),
    )


def test_distillation_is_least_at_the_teacher_and_ignores_padding():
    teacher, targets = batch()
    teacher = teacher.detach()
    student = teacher.clone().requires_grad_()
    loss = losses.distillation(student, targets, teacher, T=4.0)
    assert torch.autograd.grad(loss, student)[0].abs().max() < 1e-12
    padded = targets.clone()
    padded[6:] = IGNORE
    torch.testing.assert_close(
        losses.distillation(student, padded, 2 * teacher, 0.5, ignore_index=IGNORE),
        losses.distillation(student[:6], targets[:6], 2 * teacher[:6], 0.5),
    )


def test_high_temperature_distillation_matches_centred_logits():
    logits, targets = batch()
    teacher = batch(1)[0].detach()
    T, K = 1e4, 5
    loss = losses.distillation(logits, targets, teacher, T=T, scale_by_T2=True)
    centred = (logits - logits.mean(-1, keepdim=True)) - (teacher - teacher.mean(-1, keepdim=True))
    gradient = torch.autograd.grad(loss, logits)[0]
    torch.testing.assert_close(gradient, (centred / K / len(logits)).detach(), atol=1e-4, rtol=1e-2)


def test_logit_matching_is_half_the_squared_error():
    logits, _ = batch()
    teacher = batch(1)[0].detach()
    same_value_and_gradient(
        losses.logit_matching(logits, teacher),
        F.mse_loss(logits, teacher, reduction="sum") / 2 / len(logits),
        logits,
    )
    same_value_and_gradient(
        losses.logit_matching(logits, teacher, reduction="sum"),
        F.mse_loss(logits, teacher, reduction="sum") / 2,
        logits,
    )
    torch.testing.assert_close(
        losses.logit_matching(logits, teacher, reduction="none"),
        F.mse_loss(logits, teacher, reduction="none").sum(-1) / 2,
    )


def test_losses_run_many_models_at_once():
    logits, targets = batch()
    targets[0] = IGNORE
    alphas = torch.tensor([0.0, 0.1, 0.5], dtype=torch.float64)

    def gradient(z, alpha):
        return losses.smoothed_cross_entropy(
            z, targets, alpha, ignore_index=IGNORE, validate=False
        )

    stack = torch.stack([logits.detach()] * 3)
    together = torch.func.vmap(torch.func.grad(gradient))(stack, alphas)
    for row, alpha in zip(together, alphas, strict=True):
        torch.testing.assert_close(row, torch.func.grad(gradient)(logits.detach(), alpha))


INTEGERS = [
    torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.uint16, torch.uint32, torch.uint64,
]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("K", [2, 100, 127, 128, 129, 157, 200, 255, 256, 257, 300])
@pytest.mark.parametrize("ignore", [None, -100, 1])
def test_integer_types_are_wide_enough(dtype, K, ignore):
    most = min(K - 1, torch.iinfo(dtype).max)
    wide = torch.tensor([0, 1, most // 2, max(0, most - 100), most])
    narrow, logits = wide.to(dtype), batch(n=5, K=K)[0].detach()
    theirs = F.cross_entropy(
        logits, wide, ignore_index=-1 if ignore is None else ignore, label_smoothing=0.1
    )
    ours = losses.smoothed_cross_entropy(logits, narrow, 0.1, ignore_index=ignore)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(
        losses.smoothed_cross_entropy(logits, narrow, 0.1, ignore_index=ignore, validate=False),
        theirs,
    )
    hard = F.cross_entropy(logits, wide, ignore_index=-1 if ignore is None else ignore)
    torch.testing.assert_close(
        losses.confidence_penalty(logits, narrow, 0.0, ignore_index=ignore), hard
    )
    torch.testing.assert_close(
        losses.distillation(logits, narrow, logits, 0.0, ignore_index=ignore), hard
    )
    assert losses.smoothed_targets(narrow, K, 0.0).argmax(-1).tolist() == wide.tolist()
    assert losses.disturb_labels(narrow, K, 0.0, ignore_index=ignore).tolist() == wide.tolist()


def test_redrawn_labels_reach_every_class_whatever_the_type():
    drawn = losses.disturb_labels(torch.zeros(20_000, dtype=torch.uint8), 300, 1.0)
    assert drawn.unique().tolist() == list(range(300))


HALVES = pytest.mark.parametrize("half", [torch.float16, torch.bfloat16], ids=str)


@HALVES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_half_precision_is_reduced_in_float32(half, reduction):
    logits, targets = batch(n=70_000, K=4)
    logits = logits.detach().to(half).requires_grad_()
    wide = logits.detach().float().requires_grad_()
    teacher = wide.detach().flip(0)
    entropy = torch.distributions.Categorical(logits=wide).entropy()
    reduced = {"mean": torch.mean, "sum": torch.sum, "none": lambda loss: loss}[reduction]
    for ours, theirs in (
        (
            losses.smoothed_cross_entropy(logits, targets, 0.1, reduction=reduction),
            F.cross_entropy(wide, targets, label_smoothing=0.1, reduction=reduction),
        ),
        (
            losses.confidence_penalty(logits, targets, 0.3, reduction=reduction),
            reduced(F.cross_entropy(wide, targets, reduction="none") - 0.3 * entropy),
        ),
        (
            losses.distillation(logits, targets, teacher.to(half), T=2.0, reduction=reduction),
            F.cross_entropy(wide / 2, (teacher / 2).softmax(-1), reduction=reduction),
        ),
        (
            losses.logit_matching(logits, teacher.to(half), reduction=reduction),
            reduced((wide - teacher).square().sum(-1) / 2),
        ),
    ):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(
            torch.autograd.grad(ours.sum(), logits)[0],
            torch.autograd.grad(theirs.sum(), wide)[0].to(half),
        )


@HALVES
@pytest.mark.parametrize("K", [2, 10, 1000, 30_000])
def test_half_precision_probabilities_are_taken(half, K):
    logits, targets = batch(n=8, K=K)
    prior, soft = (batch(seed, n=8, K=K)[0].detach().softmax(-1) for seed in (1, 2))
    prior = prior[0]
    torch.testing.assert_close(
        losses.smoothed_cross_entropy(logits, soft.to(half), 0.3, prior.to(half)),
        F.cross_entropy(logits, 0.7 * soft + 0.3 * prior),
        rtol=2e-2, atol=0,
    )
    q = losses.smoothed_targets(targets, K, 0.3, prior.to(half))
    assert q.dtype == torch.float32
    torch.testing.assert_close(q.sum(-1), torch.ones(8), rtol=0, atol=2e-3)


MASKED = -math.inf
PRIOR = torch.tensor([0.5, 0.0, 0.2, 0.3, 0.0], dtype=torch.float64)
KEPT = [0, 2, 3]


def masked_batch(seed=0):
    """Logits where classes 1 and 4 are ruled out, targets among the others, and what is left."""
    logits, targets = batch(seed)
    targets %= 3
    left = logits.detach()[:, KEPT].requires_grad_()
    logits = logits.detach()
    logits[:, [1, 4]] = MASKED
    return logits.requires_grad_(), torch.tensor(KEPT)[targets], left, targets


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    "name, masked, left",
    [
        (
            "cross-entropy",
            lambda z, y, te, o: losses.smoothed_cross_entropy(z, y, 0.0, **o),
            lambda z, y, te: F.cross_entropy(z, y, reduction="none"),
        ),
        (
            "prior",
            lambda z, y, te, o: losses.smoothed_cross_entropy(z, y, 0.3, PRIOR, **o),
            lambda z, y, te: (
                0.7 * F.cross_entropy(z, y, reduction="none")
                - 0.3 * z.log_softmax(-1) @ PRIOR[KEPT]
            ),
        ),
        (
            "prior alone",
            lambda z, y, te, o: losses.smoothed_cross_entropy(z, y * 0 + 1, 1.0, PRIOR, **o),
            lambda z, y, te: -z.log_softmax(-1) @ PRIOR[KEPT],
        ),
        (
            "soft targets",
            lambda z, y, te, o: losses.smoothed_cross_entropy(z, PRIOR.expand(12, 5), 0.0, **o),
            lambda z, y, te: -z.log_softmax(-1) @ PRIOR[KEPT],
        ),
        (
            "class weights",
            lambda z, y, te, o: losses.smoothed_cross_entropy(
                z, PRIOR.expand(12, 5), 0.3, weight=(PRIOR > 0).double(), **o
            ),
            lambda z, y, te: -z.log_softmax(-1) @ (0.7 * PRIOR[KEPT] + 0.3 / 5),
        ),
        (
            "penalty",
            lambda z, y, te, o: losses.confidence_penalty(z, y, 0.4, **o),
            lambda z, y, te: (
                F.cross_entropy(z, y, reduction="none")
                - 0.4 * torch.distributions.Categorical(logits=z).entropy()
            ),
        ),
        (
            "teacher",
            lambda z, y, te, o: losses.distillation(z, y, te, 0.6, 2.0, **o),
            lambda z, y, te: (
                0.4 * F.cross_entropy(z, y, reduction="none")
                + 0.6 * F.cross_entropy(z / 2, (te / 2).softmax(-1), reduction="none")
            ),
        ),
        (
            "no teacher",
            lambda z, y, te, o: losses.distillation(z, y, te.nan_to_num(), 0.0, 2.0, **o),
            lambda z, y, te: F.cross_entropy(z, y, reduction="none"),
        ),
        (
            "teacher alone",
            lambda z, y, te, o: losses.distillation(z, y * 0 + 1, te, 1.0, 2.0, **o),
            lambda z, y, te: F.cross_entropy(z / 2, (te / 2).softmax(-1), reduction="none"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_masked_classes_are_as_if_they_were_not_there(name, masked, left, reduction, validate):
    logits, targets, logits_left, targets_left = masked_batch()
    teacher, _, teacher_left, _ = masked_batch(1)
    ours = masked(logits, targets, teacher, {"reduction": reduction, "validate": validate})
    theirs = left(logits_left, targets_left, teacher_left)
    theirs = {"mean": theirs.mean(), "sum": theirs.sum(), "none": theirs}[reduction]
    torch.testing.assert_close(ours, theirs)
    gradient = torch.autograd.grad(ours.sum(), logits)[0]
    assert (gradient[:, [1, 4]] == 0).all()
    torch.testing.assert_close(
        gradient[:, KEPT], torch.autograd.grad(theirs.sum(), logits_left)[0]
    )


def test_masked_classes_agree_with_torch_at_alphas_of_a_stack():
    """alpha as a tensor, 0 and 1 among its values; torch's loss of an infinite share is inf."""
    logits, targets, _, _ = masked_batch()
    alphas = torch.tensor([[0.0], [0.3]], dtype=torch.float64)
    stack = logits.expand(2, -1, -1)
    ours = losses.smoothed_cross_entropy(
        stack, targets.expand(2, -1), alphas, reduction="none", validate=False
    )
    for loss, alpha in zip(ours, alphas.flatten().tolist(), strict=True):
        theirs = F.cross_entropy(logits, targets, label_smoothing=alpha, reduction="none")
        torch.testing.assert_close(loss, theirs)
    only = torch.autograd.grad(ours[0].sum(), logits)[0]
    torch.testing.assert_close(
        only, torch.autograd.grad(F.cross_entropy(logits, targets, reduction="sum"), logits)[0]
    )


@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize(
    "call",
    [
        lambda z, y, te: losses.smoothed_cross_entropy(z, y, 0.1),
        lambda z, y, te: losses.smoothed_cross_entropy(z, y, 1.0),
        lambda z, y, te: losses.smoothed_cross_entropy(z, y, 0.1, torch.ones(3) / 3),
        lambda z, y, te: losses.smoothed_cross_entropy(z, te.softmax(-1), 0.0),
        lambda z, y, te: losses.distillation(z, y, te, 0.1),
        lambda z, y, te: losses.distillation(z, None, te),
    ],
)
def test_weight_on_a_masked_class_is_told_by_class(call, k):
    logits, teacher = torch.zeros(4, 3), torch.zeros(4, 3)
    logits[2, k] = MASKED
    with pytest.raises(ValueError, match=f"-inf for class {k}.*weight"):
        call(logits, torch.ones(4).long(), teacher)


@pytest.mark.parametrize(
    "options",
    [{"weight": torch.tensor([0.0, 1, 1])}, {"prior": torch.tensor([0, 0.5, 0.5])}, {}],
)
def test_the_class_told_is_one_that_has_weight(options):
    """Class 0 is masked as well, but needs nothing: by its factor, the prior or an ignored row."""
    logits, targets = torch.zeros(4, 3), torch.tensor([IGNORE, 1, 1, 1])
    logits[: 4 if options else 1, 0] = MASKED
    logits[3, 2] = MASKED
    with pytest.raises(ValueError, match="-inf for class 2"):
        losses.smoothed_cross_entropy(logits, targets, 0.1, ignore_index=IGNORE, **options)


@pytest.mark.parametrize(
    "call",
    [
        lambda z, y: losses.smoothed_cross_entropy(z, y, 0.0, ignore_index=IGNORE),
        lambda z, y: losses.confidence_penalty(z, y, 0.3, ignore_index=IGNORE),
        lambda z, y: losses.distillation(z, y, 0 * z.nan_to_num(), 0.0, ignore_index=IGNORE),
    ],
)
def test_masked_target_is_told_by_class_unless_it_is_ignored(call):
    logits, targets = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])
    logits[1, [0, 1]] = MASKED
    with pytest.raises(ValueError, match="-inf for class 1"):
        call(logits, targets)
    targets[1] = IGNORE
    assert call(logits, targets).isfinite()


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize(
    "loss",
    [
        lambda z, y, **o: losses.smoothed_cross_entropy(z, y, 0.1, **o),
        lambda z, y, **o: losses.smoothed_cross_entropy(z, y, 0.1, weight=torch.ones(5), **o),
        lambda z, y, **o: losses.confidence_penalty(z, y, 0.1, **o),
        lambda z, y, **o: losses.distillation(z, y, z, 0.5, **o),
    ],
)
def test_where_none_counts_only_the_mean_is_refused(loss, empty):
    logits, targets = batch()
    logits, targets = (logits[:0], targets[:0]) if empty else (logits, targets * 0 + IGNORE)
    with pytest.raises(ValueError, match="empty.*ignored"):
        loss(logits, targets, ignore_index=IGNORE)
    total = loss(logits, targets, ignore_index=IGNORE, reduction="sum")
    assert total.item() == 0
    assert (torch.autograd.grad(total, logits)[0] == 0).all()
    each = loss(logits, targets, ignore_index=IGNORE, reduction="none")
    assert torch.equal(each, torch.zeros(len(targets)).double())


def test_logits_matched_over_an_empty_batch():
    empty = torch.zeros(0, 3)
    assert losses.logit_matching(empty, empty, "sum").item() == 0
    assert losses.logit_matching(empty, empty, "none").shape == (0,)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignore", [None, 1, IGNORE])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.9, 1.0])
@pytest.mark.parametrize("validate", [True, False])
def test_class_weights_are_torchs(reduction, ignore, alpha, validate):
    logits, targets = batch(n=24)
    weight = torch.tensor([0.5, 2.0, 0.0, 1.0, 7.5])
    options = {"reduction": reduction, "weight": weight.double()}
    if ignore == IGNORE:
        targets[::5] = IGNORE
    theirs = F.cross_entropy(
        logits, targets, label_smoothing=alpha, ignore_index=-1 if ignore is None else ignore,
        **options,
    )
    ours = losses.smoothed_cross_entropy(
        logits, targets, alpha, ignore_index=ignore, reduction=reduction, weight=weight,
        validate=validate,
    )
    same_value_and_gradient(ours.sum(), theirs.sum(), logits)
    torch.testing.assert_close(ours, theirs)
    soft = batch(1, n=24)[0].detach().softmax(-1)
    same_value_and_gradient(
        losses.smoothed_cross_entropy(logits, soft, alpha, validate=validate, **options).sum(),
        F.cross_entropy(logits, soft, label_smoothing=alpha, **options).sum(),
        logits,
    )


def test_class_weights_multiply_the_priors_share_too():
    logits, targets = batch()
    weight, prior = torch.tensor([0.5, 2, 0, 1, 7]).double(), PRIOR
    q = losses.smoothed_targets(targets, 5, 0.3, prior)
    torch.testing.assert_close(
        losses.smoothed_cross_entropy(logits, targets, 0.3, prior, reduction="sum", weight=weight),
        -(weight * q * logits.log_softmax(-1)).sum(),
    )


def test_no_gradient_flows_into_the_teacher():
    student, targets = batch()
    teacher = batch(1)[0]
    assert teacher.requires_grad
    for loss in (
        losses.distillation(student, targets, teacher, 0.6, 3.0),
        losses.distillation(student, None, teacher, 1.0, 3.0, student_T=1.0, scale_by_T2=True),
        losses.logit_matching(student, teacher),
    ):
        loss.backward(retain_graph=True)
        assert teacher.grad is None and student.grad.abs().max() > 0
    for loss in (
        losses.distillation(student.detach(), targets, teacher, 0.6, 3.0),
        losses.logit_matching(student.detach(), teacher),
    ):
        assert not loss.requires_grad


def test_a_teacher_alone_needs_no_targets():
    logits, targets = batch()
    teacher = batch(1)[0]
    for reduction in ("mean", "sum", "none"):
        torch.testing.assert_close(
            losses.distillation(logits, None, teacher, 1.0, 2.0, reduction=reduction),
            losses.distillation(logits, targets, teacher, 1.0, 2.0, reduction=reduction),
        )


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("decimals", [2, 3, 4])
@pytest.mark.parametrize("K", [10, 100, 1000])
def test_probabilities_rounded_to_decimals_are_taken(decimals, kind, K):
    logits, targets = batch(K=K)
    exact = torch.distributions.Dirichlet(torch.full((K,), 10 / K)).sample((12,)).double()
    rounded = exact.mul(10**decimals).round().div(10**decimals)
    rounded = rounded[(rounded.sum(1) - 1).abs() < 0.1][:4].to(kind)
    assert len(rounded)
    torch.testing.assert_close(
        losses.smoothed_cross_entropy(logits[: len(rounded)], rounded),
        -(logits[: len(rounded)].log_softmax(1) * rounded.double()).sum(1).mean(),
    )
    with torch.autocast("cpu"):  # in which a product would be of bfloat16
        losses.smoothed_cross_entropy(logits, targets, 0.3, prior=rounded[0])


@pytest.mark.parametrize("sum_", [0.8, 0.98, 1.02, 1.2])
@pytest.mark.parametrize("K", [2, 10, 100])
def test_what_rounding_does_not_explain_is_no_distribution(K, sum_):
    logits, targets = batch(K=K)
    p = torch.rand(K, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for off in (sum_ * p / p.sum(), torch.full((K,), float("nan"))):
        with pytest.raises(ValueError, match="prior must be prob"):
            losses.smoothed_cross_entropy(logits, targets, 0.3, prior=off)
        with pytest.raises(ValueError, match="Soft targets must be prob"):
            losses.smoothed_cross_entropy(logits, off.expand(12, K))


UNREADABLE = {
    "complex": lambda x: x.to(torch.complex64),
    "complex of numpy": lambda x: x.numpy().astype(complex),
    "gaps": lambda x: np.ma.masked_array(x.numpy(), x.numpy() == x.numpy().max()),
    "sparse": lambda x: x.to_sparse(),
    "without values": lambda x: x.to("meta"),
    "words": lambda x: x.numpy().astype(str),
}


@pytest.mark.parametrize("how", UNREADABLE)
def test_what_is_no_dense_array_of_real_numbers_is_refused_by_name(how):
    logits, targets = (x.detach() for x in batch())
    bad, teacher, u = UNREADABLE[how], batch(1)[0].detach(), torch.full((5,), 0.2)
    for name, call in (
        ("logits", lambda: losses.smoothed_cross_entropy(bad(logits), targets)),
        ("targets", lambda: losses.smoothed_cross_entropy(logits, bad(targets))),
        ("prior", lambda: losses.smoothed_cross_entropy(logits, targets, 0.1, bad(u))),
        ("weight", lambda: losses.smoothed_cross_entropy(logits, targets, weight=bad(u))),
        ("logits", lambda: losses.confidence_penalty(bad(logits), targets, 0.1)),
        ("targets", lambda: losses.confidence_penalty(logits, bad(targets), 0.1)),
        ("targets", lambda: losses.smoothed_targets(bad(targets), 5, 0.1)),
        ("prior", lambda: losses.smoothed_targets(targets, 5, 0.1, bad(u))),
        ("targets", lambda: losses.disturb_labels(bad(targets), 5, 0.1)),
        ("logits", lambda: losses.distillation(bad(logits), targets, teacher)),
        ("teacher_logits", lambda: losses.distillation(logits, targets, bad(teacher))),
        ("targets", lambda: losses.distillation(logits, bad(targets), teacher, 0.5)),
        ("teacher_logits", lambda: losses.logit_matching(logits, bad(teacher))),
        ("logits", lambda: calibration.ece(bad(logits), targets)),
        ("targets", lambda: calibration.ece(logits, bad(targets))),
        ("sample_weight", lambda: calibration.nll(logits, targets, sample_weight=bad(targets))),
        ("score", lambda: auroc(bad(logits[:, 0]), targets > 2)),
    ):
        with pytest.raises(ValueError, match=f"^{name}\\b.* must"):
            call()


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.5, 10**30, "0", [0]])
def test_what_is_ignored_is_one_whole_number(value):
    logits, targets = batch()
    for call in (
        lambda: losses.smoothed_cross_entropy(logits, targets, 0.1, ignore_index=value),
        lambda: losses.confidence_penalty(logits, targets, 0.1, ignore_index=value),
        lambda: losses.distillation(logits, targets, logits, ignore_index=value),
        lambda: losses.disturb_labels(targets, 5, 0.1, ignore_index=value),
        lambda: perplexity(logits, targets, value),
    ):
        with pytest.raises(ValueError, match="ignore_index must be"):
            call()


def test_arrays_of_other_makers_are_taken():
    logits, targets = batch()
    teacher, prior = batch(1)[0].detach(), PRIOR
    z, y, te, u = logits.detach().numpy(), targets.numpy(), teacher.numpy(), prior.numpy()
    for ours, theirs in (
        (
            losses.smoothed_cross_entropy(logits, y.tolist(), 0.3, prior=u),
            losses.smoothed_cross_entropy(logits, targets, 0.3, prior=prior),
        ),
        (
            losses.smoothed_cross_entropy(z[::-1], pd.Series(y)[::-1], 0.3, u.tolist(), weight=u),
            losses.smoothed_cross_entropy(
                logits.flip(0), targets.flip(0), 0.3, prior, weight=prior
            ),
        ),
        (losses.smoothed_targets(y, 5, 0.3, u), losses.smoothed_targets(targets, 5, 0.3, prior)),
        (
            losses.smoothed_targets([0, 2], 3, 0.3, [0, 1, 0]),
            losses.smoothed_targets(torch.tensor([0, 2]), 3, 0.3, torch.tensor([0.0, 1, 0])),
        ),
        (losses.confidence_penalty(z, y, 0.1), losses.confidence_penalty(logits, targets, 0.1)),
        (losses.distillation(z, y, te), losses.distillation(logits, targets, teacher)),
        (losses.logit_matching(z, te), losses.logit_matching(logits, teacher)),
        (losses.disturb_labels(y.tolist(), 5, 0.0), targets),
    ):
        torch.testing.assert_close(ours, theirs)


LOGITS, TARGETS = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, 1.5), "alpha"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, float("nan")), "alpha"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS + 1), "found 3"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS[:2]), r"shape \(4,\)"),
        (lambda: losses.smoothed_cross_entropy(LOGITS / 0, TARGETS), "NaN"),
        (lambda: losses.smoothed_cross_entropy(LOGITS.long(), TARGETS), "floating point"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, LOGITS), "probabilities"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS * 0, ignore_index=0), "ignored"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, reduction="avg"), "'mean'"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, reduction=None), "reduction"),
        (lambda: losses.smoothed_cross_entropy(None, TARGETS), "logits must be"),
        (lambda: losses.smoothed_cross_entropy([["a", "b"]], [0]), "logits must be"),
        (lambda: losses.smoothed_cross_entropy([[0.0, 1.0], [0.0]], [0, 0]), "logits must be"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, None), "targets must be"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, ["a", "b"]), "targets must be"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS == 0), "integers"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, None), "alpha.*number"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, "0.1"), "alpha.*number"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, [0.1]), "alpha.*number"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, 0.1, "unigram"), "prior"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, 0.1, ignore_index="pad"), "ignore"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, weight=torch.ones(2)), "weight"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, weight=[1, -1, 1]), "weight"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, weight=[1, math.inf, 1]), "finite"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, weight=[0, 0, 0]), "weight 0"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, weight="balanced"), "weight"),
        (lambda: losses.smoothed_cross_entropy(LOGITS + MASKED, TARGETS), "every class"),
        (lambda: losses.smoothed_cross_entropy(LOGITS + math.inf, TARGETS), "infinite"),
        (lambda: losses.logit_matching(LOGITS + MASKED, LOGITS), "infinite"),
        (lambda: losses.logit_matching(LOGITS, None), "teacher_logits must be"),
        (lambda: losses.smoothed_targets(TARGETS, None, 0.1), "K .*number"),
        (lambda: losses.smoothed_targets(TARGETS / 2, 3, 0.1), "integers"),
        (lambda: losses.smoothed_targets(TARGETS, 3, 0.1, [[1, 0, 0]]), "prior"),
        (lambda: losses.disturb_labels(TARGETS, 3, 0.1, generator=0), "generator"),
        (lambda: losses.disturb_labels(TARGETS, 3, 0.1, ignore_index="pad"), "ignore_index"),
        (lambda: losses.confidence_penalty(LOGITS, TARGETS, None), "weight.*number"),
        (lambda: losses.distillation(LOGITS, None, LOGITS, 0.5), "targets.*beta = 1"),
        (lambda: losses.distillation(LOGITS, None, LOGITS, ignore_index=0), "ignore_index"),
        (lambda: losses.distillation(LOGITS, TARGETS, None), "teacher_logits must be"),
        (lambda: losses.distillation(LOGITS, TARGETS, LOGITS, beta="1"), "beta.*number"),
        (lambda: losses.distillation(LOGITS, TARGETS, LOGITS, T=None), "T must be a number"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, 0.1, torch.ones(3)), "prior"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, 0.1, torch.ones(2)), "prior"),
        (lambda: losses.smoothed_cross_entropy(LOGITS[:0], LOGITS[:0]), "empty"),
        (lambda: losses.smoothed_targets(TARGETS, 2, 0.1), "found 2"),
        (lambda: losses.smoothed_targets(TARGETS, 0, 0.1), r"K \(.*at least 2; got 0"),
        (lambda: losses.smoothed_targets(TARGETS, 2.5, 0.1), "K .*whole number"),
        (lambda: losses.smoothed_targets(TARGETS, 10**30, 0.1), "K .*at most"),
        (lambda: losses.disturb_labels(TARGETS, 0, 0.1), r"K \(.*at least 2; got 0"),
        (lambda: losses.confidence_penalty(LOGITS, TARGETS, -1.0), "weight"),
        (lambda: losses.confidence_penalty(LOGITS, TARGETS, math.inf), "weight.*finite"),
        (lambda: losses.disturb_labels(TARGETS, 3, -0.1), "alpha"),
        (lambda: losses.distillation(LOGITS, TARGETS, LOGITS, beta=2.0), "beta"),
        (lambda: losses.distillation(LOGITS, TARGETS, LOGITS, T=0.0), "temperature"),
        (lambda: losses.distillation(LOGITS, TARGETS, LOGITS[:, :2]), "one shape"),
        (lambda: losses.logit_matching(LOGITS, LOGITS[:1]), "one shape"),
        (lambda: losses.logit_matching(LOGITS[:0], LOGITS[:0]), "empty"),
        (lambda: losses.logit_matching(LOGITS, LOGITS, reduction="avg"), "'mean'"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_the_least_temperature_gives_the_hard_teacher():
    logits, teacher = torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    given = losses.distillation(logits, None, teacher, beta=1.0, T=5e-324, student_T=1.0)
    torch.testing.assert_close(given, torch.nn.functional.cross_entropy(logits, teacher.argmax(1)))
