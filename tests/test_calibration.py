"""Calibration against torchmetrics, scikit-learn and closed forms."""

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis.extra.numpy import arrays
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from lsbook.data.vision import import_torchvision
from lsbook.estimators import calibration
from lsbook.estimators.calibration import reliability

import_torchvision()
from torchmetrics.functional.classification import multiclass_calibration_error  # noqa: E402


def scores(n=2000, K=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, K, generator=generator)
    return logits, torch.distributions.Categorical(logits=logits / 2).sample()


def by_definition(confidence, correct, bins):
    """ECE bin by bin with masks, as Guo et al. write it."""
    edges = np.arange(bins + 1) / bins
    total = 0.0
    for b in range(bins):
        inside = (confidence > edges[b]) & (confidence <= edges[b + 1])
        inside |= (b == 0) & (confidence == 0)
        if inside.any():
            total += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return total


confidences = arrays(np.float64, st.integers(1, 80), elements=st.floats(0, 1))


@given(confidence=confidences, bins=st.integers(1, 40), seed=st.integers(0, 100))
@example(confidence=np.array([0.0, 1.0, 0.2, 0.4, 1 / 3]), bins=15, seed=0)
@settings(max_examples=100, deadline=None)
def test_ece_equals_its_definition(confidence, bins, seed):
    correct = np.random.default_rng(seed).random(len(confidence)) < confidence
    table = reliability(confidence, correct, bins)
    assert table.ece == pytest.approx(by_definition(confidence, correct, bins), abs=1e-12)
    assert table.count.sum() == len(confidence)
    assert 0 <= table.ece <= table.mce + 1e-12 <= 1 + 1e-12


@given(confidence=confidences, bins=st.integers(1, 40), seed=st.integers(0, 100))
@settings(max_examples=50, deadline=None)
def test_ece_does_not_depend_on_order_and_bounds_the_mean_gap(confidence, bins, seed):
    rng = np.random.default_rng(seed)
    correct = rng.random(len(confidence)) < 0.5
    for binning in ("width", "mass"):
        ece = reliability(confidence, correct, bins, binning).ece
        order = rng.permutation(len(confidence))
        again = reliability(confidence[order], correct[order], bins, binning).ece
        assert again == pytest.approx(ece)
        assert ece >= abs(confidence.mean() - correct.mean()) - 1e-12


@pytest.mark.parametrize("norm, ours", [("l1", calibration.ece), ("max", calibration.mce)])
@pytest.mark.parametrize("bins", [10, 15])
def test_agrees_with_torchmetrics(norm, ours, bins):
    logits, targets = scores()
    probs = logits.softmax(-1)
    theirs = multiclass_calibration_error(probs, targets, 7, n_bins=bins, norm=norm).item()
    assert ours(logits, targets, bins=bins) == pytest.approx(theirs, abs=1e-6)
    assert ours(probs=probs, targets=targets, bins=bins) == pytest.approx(theirs, abs=1e-6)
    assert ours(logits.numpy(), targets.numpy(), bins=bins) == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("binning, strategy", [("width", "uniform"), ("mass", "quantile")])
def test_table_agrees_with_scikit_learn(binning, strategy):
    confidence, correct = calibration.from_logits(*scores(n=3000))
    table = reliability(confidence, correct, 10, binning)
    full = table.count > 0
    accuracy, mean = calibration_curve(correct, confidence, n_bins=10, strategy=strategy)
    atol = 1e-6 if binning == "width" else 0.02  # quantiles are interpolated there
    np.testing.assert_allclose(table.accuracy[full], accuracy, atol=atol)
    np.testing.assert_allclose(table.confidence[full], mean, atol=atol)


def test_edges_belong_to_the_bin_below():
    table = reliability(np.array([0.0, 0.2, 0.2001, 0.4, 1.0]), np.ones(5), bins=5)
    assert table.count.tolist() == [2, 2, 0, 0, 1]
    assert np.isnan(table.accuracy[2]) and table.ece == pytest.approx((1 + 0.8 + 0.7999 + 0.6) / 5)
    for M in range(1, 60):
        edges = np.arange(1, M + 1) / M
        assert (reliability(edges, np.ones(M), bins=M).count == 1).all()
        assert (reliability(edges.astype(np.float32), np.ones(M), bins=M).count == 1).all()


def test_a_million_confidences_in_one_bin_are_summed_exactly():
    confidence = np.full(10**6, 0.9, dtype=np.float32)
    correct = np.arange(10**6) % 10_000 < 9_004
    expected = 0.9004 - float(np.float32(0.9))
    assert reliability(confidence, correct).ece == pytest.approx(expected, abs=1e-10)


def test_confidence_of_one_shares_the_last_bin():
    table = reliability(np.array([1.0, 0.98]), np.array([False, True]))
    assert table.count[-1] == 2 and table.ece == pytest.approx(0.49)


def test_equal_mass_bins_hold_equally_many_and_keep_ties_together():
    rng = np.random.default_rng(0)
    assert (reliability(rng.random(1500), np.ones(1500), 15, "mass").count == 100).all()
    tied = reliability(np.repeat([0.3, 0.6, 1.0], [10, 1000, 5]), np.ones(1015), 15, "mass")
    assert tied.count.sum() == 1015 and len(tied.count) <= 3
    one = reliability(np.full(50, 0.7), np.ones(50), 15, "mass")
    assert one.count.tolist() == [50] and one.ece == pytest.approx(0.3)


def test_classwise_ece_agrees_with_torchmetrics_class_by_class():
    from torchmetrics.functional.classification import binary_calibration_error

    logits, targets = scores(K=4)
    probs = logits.double().softmax(-1)
    theirs = [binary_calibration_error(probs[:, k], targets == k, n_bins=15) for k in range(4)]
    assert calibration.classwise_ece(logits, targets) == pytest.approx(np.mean(theirs), abs=1e-6)
    ours = calibration.classwise_ece(probs=probs, targets=targets)
    assert ours == pytest.approx(np.mean(theirs), abs=1e-6)


def test_nll_brier_accuracy_agree_with_their_definitions():
    logits, targets = scores()
    probs = (logits.double() / 1.5).softmax(-1)
    assert calibration.nll(logits, targets, T=1.5) == pytest.approx(log_loss(targets, probs))
    one_hot = F.one_hot(targets, 7)
    expected = (probs - one_hot).square().sum(1).mean().item()
    assert calibration.brier(logits, targets, T=1.5) == pytest.approx(expected)
    assert calibration.brier(torch.zeros(2, 4), torch.tensor([0, 1])) == pytest.approx(0.75)
    expected = (logits.argmax(1) == targets).double().mean().item()
    assert calibration.accuracy(logits, targets) == pytest.approx(expected)


def test_token_axes_and_temperature():
    logits, targets = scores(n=24)
    flat = calibration.from_logits(logits, targets, T=2.0)
    nested = calibration.from_logits(logits.view(4, 6, 7), targets.view(4, 6), T=2.0)
    np.testing.assert_array_equal(flat[0], nested[0])
    np.testing.assert_allclose(flat[0], (logits / 2).softmax(-1).amax(-1), rtol=1e-6)


def test_half_precision_and_large_logits():
    logits, targets = scores()
    exact = calibration.ece(logits.half().double() * 100, targets)
    assert calibration.ece(logits.half().float() * 100, targets) == pytest.approx(exact, abs=1e-5)
    assert calibration.ece(logits.half(), targets) == pytest.approx(
        calibration.ece(logits.half().float(), targets)
    )


def test_bootstrap_covers_the_truth():
    rng = np.random.default_rng(0)
    hits_ece = hits_accuracy = 0
    for seed in range(60):
        confidence = rng.choice([0.55, 0.75, 0.95], 500)
        correct = rng.random(500) < confidence - 0.1
        interval = calibration.bootstrap(confidence, correct, bins=5, draws=200, seed=seed)
        hits_ece += interval.ece[0] <= 0.1 <= interval.ece[1]
        hits_accuracy += interval.accuracy[0, 4] <= 0.85 <= interval.accuracy[1, 4]
    assert hits_ece >= 51 and hits_accuracy >= 51  # 57 expected of 60; 51 is four sd below


def test_bootstrap_of_calibrated_predictions_reaches_zero_and_repeats():
    rng = np.random.default_rng(1)
    confidence = rng.random(2000)
    correct = rng.random(2000) < confidence
    interval = calibration.bootstrap(confidence, correct, draws=200, seed=3)
    assert interval.ece[0] < 0.005 < interval.ece[1]
    again = calibration.bootstrap(confidence, correct, draws=200, seed=3)
    np.testing.assert_array_equal(interval.ece, again.ece)
    assert np.isnan(calibration.bootstrap([0.9, 0.95], [1, 0], draws=20).accuracy[:, 0]).all()


def test_bootstrap_accuracy_agrees_with_the_binomial():
    correct = np.arange(400) < 300
    interval = calibration.bootstrap(np.full(400, 0.8), correct, draws=4000)
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    np.testing.assert_allclose(interval.accuracy[:, 11], [0.75 - half, 0.75 + half], atol=0.006)


def test_one_infinite_logit_among_many_is_found():
    logits, targets = scores()
    for value in (np.inf, np.nan):
        spoilt = logits.clone()
        spoilt[-1, -1] = value
        with pytest.raises(ValueError, match="NaN or infinite"):
            calibration.ece(spoilt, targets)
    large = np.full((2, 3), 3e38, np.float32)  # its sum is infinite, none of its values is
    assert calibration.accuracy(large, np.array([0, 1])) == 0.5


def test_whole_bins_may_come_as_floats():
    logits, targets = scores()
    for binning in ("width", "mass"):
        ours = calibration.ece(logits, targets, bins=10.0, binning=binning)
        assert ours == calibration.ece(logits, targets, bins=10, binning=binning)


LOGITS, TARGETS = np.zeros((3, 4)), np.array([0, 1, 2])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: calibration.ece(LOGITS, TARGETS, probs=LOGITS), "not both"),
        (lambda: calibration.ece(targets=TARGETS), "Give logits"),
        (lambda: calibration.ece(probs=LOGITS, targets=TARGETS), "summing to 1"),
        (lambda: calibration.ece(probs=np.array([0.2, 0.8]), targets=TARGETS), "two columns"),
        (lambda: calibration.ece(LOGITS, TARGETS + 2), "found 4"),
        (lambda: calibration.ece(LOGITS, TARGETS[:2]), "shape"),
        (lambda: calibration.ece(LOGITS[:0], TARGETS[:0]), "no examples"),
        (lambda: calibration.ece(LOGITS * np.nan, TARGETS), "NaN"),
        (lambda: calibration.ece(LOGITS, TARGETS, T=0), "temperature"),
        (lambda: calibration.ece(LOGITS[:, :1], TARGETS * 0), "two classes"),
        (lambda: calibration.accuracy(LOGITS[:, :1], TARGETS * 0), "two classes"),
        (lambda: calibration.classwise_ece(LOGITS[:, :1], TARGETS * 0), "two classes"),
        (lambda: calibration.ece(LOGITS[0], TARGETS[0]), r"row of K an example; got \(4,\)"),
        (lambda: calibration.ece(LOGITS, TARGETS, bins=0), "bins"),
        (lambda: calibration.ece(LOGITS, TARGETS, bins=2.5), "bins must be a whole number"),
        (lambda: calibration.ece(LOGITS, TARGETS, bins=np.nan), "bins must be a whole number"),
        (lambda: calibration.mce(LOGITS, TARGETS, bins=np.inf), "bins must be a whole number"),
        (lambda: calibration.ece(LOGITS, TARGETS, binning="equal"), "'mass'"),
        (lambda: reliability([0.1, 1.2], [0, 1]), r"\[0, 1\]"),
        (lambda: reliability([0.1, np.nan], [0, 1]), "NaN"),
        (lambda: reliability([0.1, 0.2], [0, 2]), "only 0 and 1"),
        (lambda: reliability([0.1, 0.2], [0]), "one length"),
        (lambda: reliability([], []), "no predictions"),
        (lambda: calibration.bootstrap([0.1], [1], level=95), "level"),
        (lambda: calibration.bootstrap([0.1], [1], draws=0), "draws .*at least 1; got 0"),
        (lambda: calibration.bootstrap([0.1], [1], draws=1.5), "draws .*whole number"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
