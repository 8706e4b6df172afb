"""The least and the largest numbers: estimates are those at an ordinary scale, or their limits."""

import numpy as np
import pytest
import torch

from lsbook.estimators import calibration
from lsbook.estimators.arc import arc_ratio, bend
from lsbook.estimators.information import mutual_information
from lsbook.estimators.selective import normalised_max_logit
from lsbook.estimators.smoothness import gamma
from lsbook.estimators.templates import geometry
from lsbook.estimators.translation import token_calibration

RNG = np.random.default_rng(0)
LOGITS, TARGETS = RNG.normal(size=(60, 4)), RNG.integers(4, size=60)
POINTS, CLASSES = RNG.normal(size=(60, 2)), np.arange(60) % 3
SCALES = [1e-300, 1e-100, 1e100, 1e300]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("T", [5e-324, 1e-200, 1e-40])
def test_towards_T_0_the_largest_logit_is_certain(T, kind):
    logits = LOGITS.astype(kind)
    wrong = (logits.argmax(1) != TARGETS).mean()
    confidence, correct = calibration.from_logits(logits, TARGETS, T)
    assert (confidence == 1).all() and correct.mean() == pytest.approx(1 - wrong)
    assert calibration.ece(logits, TARGETS, T=T) == pytest.approx(wrong)
    assert calibration.brier(logits, TARGETS, T) == pytest.approx(2 * wrong)
    assert gamma(logits, TARGETS, T) == pytest.approx(4 / 3 * wrong)


@pytest.mark.parametrize("T", [5e-324, 1e-40])
def test_towards_T_0_the_likeliest_token_is_certain(T):
    class Model(torch.nn.Module):
        def forward(self, source, target_in):
            return torch.tensor(LOGITS[None, :5], dtype=torch.float32)

    target = torch.tensor([[1, 2, 3, 1, 2]])
    found = token_calibration(Model(), [(target, target, target)], T)
    assert (found.confidence == 1).all()
    assert found.correct.tolist() == (LOGITS[:5].argmax(1) == target[0].numpy()).tolist()


@pytest.mark.parametrize("scale", SCALES)
def test_shapes_do_not_depend_on_the_unit(scale):
    for shape in (arc_ratio, bend):
        assert shape(scale * POINTS, CLASSES) == pytest.approx(shape(POINTS, CLASSES), rel=1e-9)
    one, other = (vars(geometry(s * LOGITS, TARGETS, s * LOGITS[:4])) for s in (1.0, scale))
    for name, value in one.items():
        unit = scale if name in ("within_spread", "centre_distance") else 1.0
        assert other[name] / unit == pytest.approx(value, rel=1e-9), name
    for p in (1, 2, 5):
        np.testing.assert_allclose(
            normalised_max_logit(scale * LOGITS, p), normalised_max_logit(LOGITS, p))


@pytest.mark.parametrize("method", ["auto", "grid", "direct"])
@pytest.mark.parametrize("scale", [1e-300, 1e-100, 1e-12, 1e-3])
def test_draws_at_one_point_tell_what_their_distances_do(scale, method):
    """All scored draws lie at 0, as seen from means of unit scale: the formula in closed form."""
    mu = RNG.normal(size=200)
    sigma2 = np.mean(mu**2)
    expected = -0.5 - np.log(np.exp(-(mu**2) / (2 * sigma2)).mean())
    found = mutual_information(mu, scale * RNG.normal(size=200), method=method)
    assert found == pytest.approx(expected, abs=3 * scale + 1e-9)


@pytest.mark.parametrize("call", [
    lambda: arc_ratio(POINTS, np.where(np.arange(60) == 5, np.nan, CLASSES)),
    lambda: bend(np.zeros((60, 2)), CLASSES),
    lambda: normalised_max_logit(LOGITS, "2"),
    lambda: normalised_max_logit(LOGITS, 10**400),
    lambda: normalised_max_logit(LOGITS, np.nan),
])
def test_what_has_no_answer_is_said(call):
    with pytest.raises(ValueError, match="targets holds NaN|All points lie at 0|p .*order of a"):
        call()
