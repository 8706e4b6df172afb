"""Losses against torch, timm's and fairseq's definitions, and closed forms."""

import math

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings

from lsbook import losses

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
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, 0.1, torch.ones(3)), "prior"),
        (lambda: losses.smoothed_cross_entropy(LOGITS, TARGETS, 0.1, torch.ones(2)), "prior"),
        (lambda: losses.smoothed_cross_entropy(LOGITS[:0], LOGITS[:0]), "empty"),
        (lambda: losses.smoothed_targets(TARGETS, 2, 0.1), "found 2"),
        (lambda: losses.smoothed_targets(TARGETS, 0, 0.1), r"K \(.*at least 2; got 0"),
        (lambda: losses.smoothed_targets(TARGETS, 2.5, 0.1), "K .*whole number"),
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
    with pytest.raises(ValueError, match=message):
        call()
