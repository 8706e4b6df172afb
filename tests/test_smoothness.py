"""gamma against its closed forms."""

import numpy as np
import pytest
import torch

from lsbook.estimators.smoothness import gamma
from lsbook.losses import smoothed_targets

TARGETS = torch.arange(40) % 10


@pytest.mark.parametrize("alpha", [1e-12, 0.01, 0.1, 0.6, 1.0])
def test_is_alpha_for_a_teacher_at_the_smoothed_optimum(alpha):
    uniform = torch.full((10,), 0.1, dtype=torch.float64)
    teacher = smoothed_targets(TARGETS, 10, alpha, uniform).log()
    assert gamma(teacher, TARGETS) == pytest.approx(alpha, rel=1e-3 if alpha < 1e-9 else 1e-9)


def test_grows_with_temperature_to_one():
    logits = 3 * torch.randn(40, 10, generator=torch.Generator().manual_seed(0))
    logits[torch.arange(40), TARGETS] += 8
    values = [gamma(logits, TARGETS, T) for T in (1, 2, 4, 8, 16, 1e9)]
    assert values == sorted(values) and values[-1] == pytest.approx(1, abs=1e-6)


def test_equals_the_papers_sum():
    logits = torch.randn(40, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    wrong = 1 - np.eye(10)[TARGETS]
    expected = (wrong * (logits / 3).softmax(-1).numpy()).sum(1).mean() * 10 / 9
    assert gamma(logits, TARGETS, T=3) == pytest.approx(expected)


def test_bad_input_says_what_is_wrong():
    with pytest.raises(ValueError, match="temperature"):
        gamma(torch.zeros(40, 10), TARGETS, T=-1)
    with pytest.raises(ValueError, match="temperature T must be a number"):
        gamma(torch.zeros(40, 10), TARGETS, T="2")
    with pytest.raises(ValueError, match="teacher_logits must be an array"):
        gamma(None, TARGETS)
    with pytest.raises(ValueError, match="targets .*must be an array"):
        gamma(torch.zeros(40, 10), None)
    with pytest.raises(ValueError, match="found 9"):
        gamma(torch.zeros(40, 9), TARGETS)
    with pytest.raises(ValueError, match="two classes"):
        gamma(torch.zeros(40, 1), TARGETS * 0)
