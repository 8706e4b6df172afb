"""Frames behind the introduction's figures against torch and closed forms."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lsbook.figures import smoothing
from lsbook.recipes import named


@pytest.mark.parametrize("alpha, K", [(0.1, 10), (0.05, 100), (0.9, 2), (1.0, 3)])
def test_optimum_gap_minimises_torch_cross_entropy(alpha, K):
    gap = torch.tensor(smoothing.optimum_gap(alpha, K), dtype=torch.float64, requires_grad=True)
    loss(gap, alpha, K).backward()
    assert abs(gap.grad) < 1e-12


def loss(gap, alpha, K):
    logits = torch.cat([gap[None], torch.zeros(K - 1, dtype=torch.float64)])
    return torch.nn.functional.cross_entropy(logits, torch.tensor(0), label_smoothing=alpha)


def test_hard_targets_have_no_best_gap():
    assert smoothing.optimum_gap(0.0, 10) == math.inf


@pytest.mark.parametrize("alpha, K", [(1.1, 10), (-0.1, 10), (0.1, 1)])
def test_optimum_gap_refuses_what_has_no_meaning(alpha, K):
    with pytest.raises(ValueError):
        smoothing.optimum_gap(alpha, K)


def test_conventions_against_their_definitions():
    alpha, K = 0.2, 10
    rows = smoothing.conventions(alpha, K).set_index("used by")
    paper, fairseq = rows.loc["the paper, torch, timm"], rows.loc["fairseq, tensor2tensor"]
    padded = rows.loc["JoeyNMT, Annotated Transformer"]
    assert (paper.right, paper.wrong) == pytest.approx((1 - alpha + alpha / K, alpha / K))
    assert (fairseq.right, fairseq.wrong) == pytest.approx((1 - alpha, alpha / (K - 1)))
    assert (padded.right, padded.wrong, padded["class 0"]) == pytest.approx(
        (1 - alpha, alpha / (K - 2), 0))
    assert paper["paper's α"] == pytest.approx(alpha)
    assert fairseq["paper's α"] == pytest.approx(alpha * K / (K - 1))
    assert rows.loc["DisturbLabel"].right == pytest.approx(paper.right, abs=0.005)


def test_conventions_need_three_classes():
    with pytest.raises(ValueError, match="3 classes"):
        smoothing.conventions(0.1, 2)


def test_conventions_meet_at_many_classes():
    gaps = smoothing.convention_gaps([0.1], [3, 1000])
    spread = gaps.groupby("K")["gap"].agg(lambda g: g.max() - g.min())
    assert spread[3] > 1 and spread[1000] < 0.01


def test_gap_is_right_logit_less_mean_of_wrong():
    logits, targets = np.array([[5.0, 1.0, 3.0], [0.0, 4.0, -2.0]]), np.array([0, 1])
    run = SimpleNamespace(recipe=SimpleNamespace(alpha=0.1, seed=3),
                          arrays={"train_logits": logits, "train_targets": targets})
    frame = smoothing.gap_frame([run])
    assert frame["gap"].tolist() == [3.0, 5.0]
    assert (frame["alpha"] == 0.1).all() and (frame["seed"] == 3).all()


def kept(alpha, K, **arrays):
    """A run of K classes that keeps training logits of three of them, right by 5 and by 7."""
    logits = np.array([[5.0, 1.0, -1.0], [-2.0, 6.0, 0.0]])
    return SimpleNamespace(
        recipe=named("compact/resnet20-cifar100", alpha=alpha),
        arrays={"templates": np.zeros((K, 4)), "train_logits": logits,
                "train_targets": np.array([0, 1]), **arrays})


def test_gaps_against_some_of_the_wrong_classes_are_refused():
    with pytest.raises(ValueError, match="some classes only"):
        smoothing.gap_frame([kept(0.1, 100, shown_classes=np.arange(3))])


def test_gaps_are_told_with_the_optimum_of_every_class():
    told = smoothing.gap_told([kept(0.0, 100), kept(0.1, 100)])
    assert told.startswith("ResNet-20 on CIFAR-100, 10,000 images of 32×32")
    assert "with hard targets between 5.5 and 6.5; with α = 0.1" in told
    assert told.endswith(f"at {math.log(0.901 / 0.001):.1f}")
