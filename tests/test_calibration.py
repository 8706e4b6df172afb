"""Calibration against torchmetrics, scikit-learn and closed forms."""

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis.extra.numpy import arrays
from scipy.stats import t as student_t
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


def drawn(rng, n, true_ece, gathered):
    """Predictions of known error: too sure alike in all bins, or off in one bin alone."""
    confidence = rng.choice(np.array([3, 5, 7, 9, 11, 13]) / 15 - 1 / 30, n)
    off = 6 * true_ece * (confidence > 0.8) if gathered else true_ece
    return confidence, rng.random(n) < confidence - off


@pytest.mark.parametrize("n", [1000, 10_000])
@pytest.mark.parametrize("true_ece, gathered", [
    (0.0, False), (0.02, False), (0.02, True), (0.1, False), (0.1, True)])
def test_nominal_95_percent_hold_the_true_error_as_often(n, true_ece, gathered):
    rng = np.random.default_rng(0)
    limits = np.array([
        calibration.bootstrap(*drawn(rng, n, true_ece, gathered), draws=200, seed=seed).ece
        for seed in range(100)])
    held = (limits[:, 0] <= true_ece) & (true_ece <= limits[:, 1])
    assert held.mean() >= 0.93
    # Not by being wide: a gap's own error is at most half a root of n.
    assert (limits[:, 1] - limits[:, 0]).mean() < 2.4 / np.sqrt(n)
    assert true_ece or (limits[:, 0] == 0).mean() >= 0.93


def test_many_bins_that_are_all_off_by_about_their_noise():
    # The most that can hide: noise then adds next to nothing to the measured error.
    rng, n = np.random.default_rng(0), 3000
    centres = (np.arange(60) + 0.5) / 60
    off = 1.2 * np.sqrt(centres * (1 - centres) * 60 / n) * np.where(centres < 0.5, 1, -1)
    held = 0
    for seed in range(40):
        bin_of = rng.integers(60, size=n)
        right = rng.random(n) < (centres + off)[bin_of]
        low, high = calibration.bootstrap(centres[bin_of], right, 60, draws=100, seed=seed).ece
        held += low <= np.abs(off).mean() <= high
    assert held >= 37


def test_the_estimate_takes_off_what_noise_adds():
    rng = np.random.default_rng(1)
    for true_ece, most in ((0.0, 0.4), (0.1, 1.0)):
        estimates, measured = np.array([
            (calibration.bootstrap(*pair, draws=200).estimate, reliability(*pair).ece)
            for pair in (drawn(rng, 1000, true_ece, gathered=True) for _ in range(50))]).T
        assert abs(estimates.mean() - true_ece) < most * abs(measured.mean() - true_ece)


def test_intervals_nest_in_their_level_and_repeat():
    pair = drawn(np.random.default_rng(2), 2000, 0.1, gathered=False)
    ends = [calibration.bootstrap(*pair, level=level, seed=3).ece for level in (0, 0.5, 0.95, 1)]
    assert sorted(low for low, _ in ends) == [low for low, _ in ends[::-1]]
    assert sorted(high for _, high in ends) == [high for _, high in ends]
    assert ends[3][0] == 0 and ends[3][1] > 0.4
    np.testing.assert_array_equal(calibration.bootstrap(*pair, seed=3).ece, ends[2])
    assert (calibration.bootstrap(*pair, seed=4).ece != ends[2]).any()


def test_far_from_calibrated_the_interval_is_that_of_a_mean():
    # One bin, all of it off by 0.2: the ECE is a mean of independent gaps.
    correct = np.arange(10_000) < 6000
    interval = calibration.bootstrap(np.full(10_000, 0.8), correct, draws=4000)
    half = 1.96 * np.sqrt(0.24 / 10_000)
    np.testing.assert_allclose(interval.ece, [0.2 - half, 0.2 + half], atol=0.0006)
    assert interval.estimate == pytest.approx(0.2, abs=0.0003)


def test_empty_bins_have_no_accuracy():
    assert np.isnan(calibration.bootstrap([0.9, 0.95], [1, 0], draws=20).accuracy[:, 0]).all()


def one_bin(accuracy, n=2000, confidence=0.9):
    return np.full(n, confidence), np.arange(n) < round(accuracy * n)


def test_difference_of_two_networks_is_paired():
    # The second is wrong where the first is, and on 200 examples more: only these count.
    found = calibration.ece_difference([one_bin(0.7)], [one_bin(0.8)], draws=4000)
    half = 1.96 * np.sqrt(0.1 * 0.9 / 2000)
    assert found.estimate == pytest.approx(0.1, abs=1e-3)
    np.testing.assert_allclose(found.interval, [0.1 - half, 0.1 + half], atol=2e-3)
    same = calibration.ece_difference([one_bin(0.7)], [one_bin(0.7)], draws=4000)
    assert same.estimate == 0
    np.testing.assert_allclose(same.interval, 0, atol=1e-3)


def test_difference_allows_for_the_seeds():
    # The examples are as above for each seed; the seeds scatter, and Student's t speaks of them.
    shares = np.array([0.5, 0.6, 0.7])
    found = calibration.ece_difference([one_bin(a) for a in shares], [one_bin(0.8)] * 3, draws=4000)
    mean_gap = np.array([one_bin(0.8)[1] - one_bin(a)[1].astype(float) for a in shares]).mean(0)
    of_examples, of_seeds = mean_gap.var() / 2000, shares.var(ddof=1) / 3
    freedom = 2 * (of_examples + of_seeds) ** 2 / of_seeds**2
    half = student_t.ppf(0.975, freedom) * np.sqrt(of_examples + of_seeds)
    assert found.estimate == pytest.approx(0.2, abs=1e-3)
    np.testing.assert_allclose(found.interval, [0.2 - half, 0.2 + half], atol=3e-3)


@pytest.mark.parametrize("first, second", [(0.0, 0.0), (0.1, 0.02), (0.05, 0.05)])
def test_difference_holds_the_truth_as_often_as_it_says(first, second):
    rng, held = np.random.default_rng(0), 0
    for seed in range(60):
        confidence = rng.choice([0.5, 0.7, 0.9], 1000)
        luck = rng.random(1000)
        networks = [[(confidence, np.where(rng.random(1000) < 0.7, luck, rng.random(1000))
                      < confidence - gap) for _ in range(2)] for gap in (first, second)]
        low, high = calibration.ece_difference(*networks, draws=100, seed=seed).interval
        held += low <= first - second <= high
    assert held >= 56


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
        (lambda: calibration.bootstrap([0.1], [1], seed="1"), "seed must be a number"),
        (lambda: calibration.ece_difference([], []), "first must be a sequence of pairs"),
        (lambda: calibration.ece_difference(None, [one_bin(0.5)]), "first must be a sequence"),
        (lambda: calibration.ece_difference([one_bin(0.5)], one_bin(0.5)), "second must be a seq"),
        (lambda: calibration.ece_difference([one_bin(0.5)] * 2, [one_bin(0.5)]), "got 2 and 1"),
        (lambda: calibration.ece_difference([one_bin(0.5)], [one_bin(0.5, 10)]), r"\[10, 2000\]"),
        (lambda: calibration.ece_difference([one_bin(0.5)], [one_bin(0.5)], 95), "level"),
        (lambda: calibration.ece(None, TARGETS), "Give logits"),
        (lambda: calibration.nll(LOGITS), "Give logits"),
        (lambda: calibration.brier(LOGITS, None), "Give logits"),
        (lambda: calibration.accuracy(None, TARGETS), "Give logits"),
        (lambda: calibration.from_logits(LOGITS, None), "Give logits"),
        (lambda: calibration.from_probs(None, TARGETS), "Give logits"),
        (lambda: calibration.ece(LOGITS, TARGETS, bins=[0, 0.5, 1]), "bins must be a number"),
        (lambda: calibration.ece(LOGITS, TARGETS, bins=None), "bins must be a number"),
        (lambda: calibration.ece(LOGITS, TARGETS, T="2"), "temperature T must be a number"),
        (lambda: calibration.nll(LOGITS, TARGETS, T=None), "temperature T must be a number"),
        (lambda: reliability(None, [1]), "confidence must be an array"),
        (lambda: reliability([0.5], None), "correct must be an array"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
