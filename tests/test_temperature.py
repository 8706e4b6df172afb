"""Temperature scaling against scipy's minimisers and known temperatures."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from lsbook.estimators import calibration
from lsbook.estimators.temperature import fit_temperature


def sample(n=3000, K=20, T=1.0, seed=0):
    """Logits whose true temperature is T: targets are drawn at it."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, K, generator=generator, dtype=torch.float64)
    p = logits.softmax(-1)
    return T * logits, torch.multinomial(p, 1, generator=generator)[:, 0]


def best_nll(logits, targets):
    z, rows = np.asarray(logits), np.arange(len(targets))

    def loss(log_beta):
        return -log_softmax(np.exp(log_beta) * z, axis=1)[rows, targets].mean()

    start = -np.log(np.abs(z).max())
    return minimize_scalar(loss, (start, start + 3), method="brent", tol=1e-12).fun


@pytest.mark.parametrize("T", [0.5, 1.0, 1.9])
def test_recovers_the_true_temperature(T):
    fit = fit_temperature(*sample(n=20_000, T=T))
    assert fit.T == pytest.approx(T, rel=0.03)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-6, 1e-2, 1.0, 40.0, 1e4, 1e200, 1e300])
def test_is_exact_at_every_logit_scale(scale):
    logits, targets = sample()
    fit = fit_temperature(scale * logits, targets)
    assert fit.nll_after == pytest.approx(best_nll(scale * logits, targets), abs=1e-9)
    assert fit.nll_after <= fit.nll_before
    assert fit.T / scale == pytest.approx(fit_temperature(logits, targets).T, rel=1e-6)
    assert fit.nll_after == pytest.approx(calibration.nll(scale * logits, targets, T=fit.T))
    assert fit.ece_after == pytest.approx(
        calibration.ece(scale * logits, targets, T=fit.T), abs=1e-3
    )


@pytest.mark.parametrize("wrong", [1, 3])
def test_nearly_separable_data(wrong):
    logits, targets = sample(n=500)
    targets = logits.argmax(1)
    targets[:wrong] = logits[:wrong].topk(2).indices[:, 1]
    fit = fit_temperature(logits, targets)
    assert fit.nll_after == pytest.approx(best_nll(logits, targets), abs=1e-7)


def test_two_classes_have_a_closed_form():
    # Two logits (0, a) and a share s right: sigma(a / T) = s.
    logits = torch.tensor([[0.0, 3.0]]).repeat(10, 1)
    targets = torch.tensor([1] * 8 + [0] * 2)
    assert fit_temperature(logits, targets).T == pytest.approx(3 / np.log(4), rel=1e-7)


def test_ece_objective_beats_a_scan():
    logits, targets = sample(T=1.9)
    fit = fit_temperature(logits, targets, objective="ece")
    scan = min(calibration.ece(logits, targets, T=T) for T in np.linspace(0.5, 5, 200))
    assert fit.ece_after <= scan + 1e-3
    assert fit.ece_after <= fit_temperature(logits, targets).ece_after
    assert fit.objective == "ece"


def test_accepts_numpy_and_float32():
    logits, targets = sample()
    exact = fit_temperature(logits, targets).T
    single = fit_temperature(logits.float().numpy(), targets.numpy()).T
    assert single == pytest.approx(exact, rel=1e-4)


def test_separable_data_has_no_finite_temperature():
    logits, _ = sample(n=50)
    for objective in ("nll", "ece"):
        with pytest.raises(ValueError, match="classified rightly"):
            fit_temperature(logits, logits.argmax(1), objective)


def test_misleading_logits_have_no_finite_temperature():
    logits, _ = sample(n=50)
    with pytest.raises(ValueError, match="belong together"):
        fit_temperature(logits, logits.argmin(1))


@pytest.mark.parametrize("logits", [
    np.zeros((5, 3)), np.full((5, 3), 1e-300), np.arange(5.0)[:, None] * np.ones(3),
    np.tile([1.0, 1.0, -np.inf], (5, 1))])
@pytest.mark.parametrize("objective", ["nll", "ece"])
def test_equal_logits_have_no_temperature(logits, objective):
    with pytest.raises(ValueError, match="logits of every row are equal"):
        fit_temperature(logits, np.array([0, 1, 0, 0, 1]), objective)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_right_classes_that_tie_with_the_best_have_no_finite_temperature(scale):
    logits = scale * np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]])
    with pytest.raises(ValueError, match="ties with the best"):
        fit_temperature(logits, np.array([1, 2]))


def test_one_class_has_no_temperature():
    with pytest.raises(ValueError, match="two classes"):
        fit_temperature(np.zeros((3, 1)), np.zeros(3, dtype=int))


@pytest.mark.parametrize("given, message", [
    ({}, "Give logits"), ({"logits": np.eye(2)}, "Give logits"),
    ({"targets": [0, 1]}, "Give logits"),
    ({"logits": np.eye(2), "probs": np.eye(2), "targets": [0, 1]}, "not both"),
    ({"logits": "z", "targets": [0, 1]}, "logits must be an array"),
    ({"logits": np.eye(2) * 3, "targets": [0, 2]}, "found 2"),
    ({"probs": 2 * np.eye(2), "targets": [0, 1]}, "summing to 1"),
])
def test_bad_input_says_what_is_wrong(given, message):
    with pytest.raises(ValueError, match=message):
        fit_temperature(**given)


def test_unknown_objective():
    with pytest.raises(ValueError, match="'ece'"):
        fit_temperature(*sample(n=50), objective="mce")
