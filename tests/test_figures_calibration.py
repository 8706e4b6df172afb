"""Calibration's numbers, tables and words against lsbook's estimators and torchmetrics."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from lsbook import recipes
from lsbook.data.vision import import_torchvision
from lsbook.estimators import calibration
from lsbook.figures import calibration as figures

import_torchvision()
from torchmetrics.functional.classification import multiclass_calibration_error  # noqa: E402

N, K = 300, 6


def network(alpha, seed=0, name="lab/mlp-mnist1d", boldness=3.0, **metrics):
    random = np.random.default_rng([seed, int(100 * alpha)])
    targets = random.integers(K, size=N)
    logits = boldness * (random.normal(size=(N, K)) + 1.5 * np.eye(K)[targets])
    return SimpleNamespace(recipe=recipes.named(name, alpha=alpha, seed=seed), metrics=metrics,
                           arrays={"val_logits": logits, "val_targets": targets})


@pytest.mark.parametrize(
    "T, bins, binning", [(1.9, 15, "width"), (0.5, 50, "mass"), (4, 5, "width")])
def test_series_have_the_scores_of_torchmetrics(T, bins, binning):
    hard, smoothed = network(0.0), network(0.05, boldness=1.0)
    for key, run, t in (("hard", hard, 1.0), ("scaled", hard, T), ("smoothed", smoothed, 1.0)):
        logits, targets = run.arrays["val_logits"], run.arrays["val_targets"]
        _, table, scores = figures.series(hard, smoothed, T, bins, binning)[key]
        assert table.count.sum() == N
        if binning == "width":
            probs = torch.tensor(logits / t).softmax(-1)
            assert scores["ECE"] == pytest.approx(multiclass_calibration_error(
                probs, torch.tensor(targets), num_classes=K, n_bins=bins).item(), abs=1e-5)


def test_table_3_shows_paper_beside_ours():
    runs = [network(a, s, val_ece=0.1 * (s + 1) - a, ece_at_optimal_T=0.02, optimal_T=2.0)
            for a in (0.0, 0.05) for s in (0, 1)]
    table = figures.table_3(runs, alpha=0.05).set_index(["network", "whose"])
    assert table.loc[("ResNet-56, CIFAR-100", "the paper"), "hard"] == "0.15"
    assert table.loc[("Inception-v4, ImageNet", "the paper"), "best T"] == "1.4"
    assert table.loc[("Transformer, EN–DE", "the paper"), "smoothed"] == "0.019"
    assert table.loc[("ResNet-56, CIFAR-100", "ours"), "hard"] == "not yet run"
    ours = table.loc[("MLP, MNIST-1D (lab)", "ours")]
    assert ours["hard"] == "0.15 (0.1–0.2)" and ours["smoothed"] == "0.1 (0.05–0.15)"
    assert ours["α"] == "0.05"


def test_table_3_says_what_stands_in_for_the_papers_network():
    runs = [network(a, name="compact/resnet20-cifar100", val_ece=0.1, ece_at_optimal_T=0.02,
                    optimal_T=1.2) for a in (0.0, 0.05)]
    table = figures.table_3(runs).set_index("whose")
    (row,) = (row for row in table.loc["ours", "network"] if row.startswith("ResNet-20"))
    assert "10,000 images of 32×32" in row


def test_answers_hold_the_numbers_of_the_estimators():
    hard, smoothed = network(0.0), network(0.1, boldness=1.0)
    words = figures.told(hard, smoothed)
    logits, targets = hard.arrays["val_logits"], hard.arrays["val_targets"]
    assert f"ECE {calibration.ece(logits, targets):.3f}" in words
    T = figures.best_T(hard)
    assert f"least NLL is {T:.2f}" in words
    assert calibration.nll(logits, targets, T) < min(
        calibration.nll(logits, targets, T * factor) for factor in (0.98, 1.02))
    assert f"{calibration.accuracy(logits, targets):.1%} right" in words
    assert "seed 0. Hard" in words


@pytest.mark.parametrize("before, after, boldness, words", [
    (0.16, 0.02, 0.01, "calibrates here: 12% of the error is left."),
    (0.16, 0.12, 0.1, "helps here, but 75% of the error is left: the network says too much."),
    (0.02, 0.06, -0.06, "does not calibrate here: the network says too little."),
])
def test_the_outcome_depends_on_what_is_left(before, after, boldness, words):
    assert figures._outcome(before, after, boldness) == f"Smoothing {words}"


def test_best_alpha_is_the_one_of_least_mean():
    runs = [network(a, s, val_ece=e, ece_at_optimal_T=0.03, optimal_T=T)
            for a, e, T in ((0.0, 0.1, 2.0), (0.05, 0.02, 1.1), (0.1, 0.04, 0.8)) for s in (0, 1)]
    text = figures.best_alpha_text(runs)
    assert "0.100 with hard targets and least, 0.020, at α = 0.05" in text
    assert "reaches 0.030 with T = 2.00" in text and "nearest to 1, 1.10, at the same α." in text
    assert "largest" not in text
    assert "at α = 0.05, the largest that was run." in figures.best_alpha_text(runs[:4])
    assert "least with hard targets, 0.100." in figures.best_alpha_text(runs[:2])


def test_the_hard_network_stands_beside_the_papers():
    def text(name, ece):
        return figures.beside_paper([network(0.0, name=name, val_ece=ece, optimal_T=1.5)])

    words = text("compact/resnet20-cifar100", 0.2)
    assert "ECE is 0.200; the paper's network has 0.15." in words
    assert "NLL is 1.50; in the paper it is 1.9, so ours needs less" in words
    assert "so ours" not in text("compact/resnet20-cifar100", 0.1)
    assert text("lab/mlp-mnist1d", 0.2) == ""


def test_selective_error_counts_the_surer_half():
    logits = np.array([[5.0, 0], [4.0, 0], [0, 1.0], [0.5, 0]])
    run = SimpleNamespace(arrays={"val_logits": logits, "val_targets": np.array([0, 1, 0, 0])})
    assert figures.selective_error(run) == 0.5


def test_seeds_in_which_smoothing_errs_more_are_counted():
    hard = [network(0.0, seed, boldness=3.0) for seed in (0, 1)]
    smoothed = [network(0.05, seed, boldness=3.0) for seed in (0, 1)]
    more = sum(figures.selective_error(s) > figures.selective_error(h)
               for h, s in zip(hard, smoothed))
    text = figures.selective_text([hard + smoothed], [0.05])
    assert text.endswith(f"MLP on MNIST-1D (lab), α = 0.05: {more} of 2.")


def test_verdict_counts_every_seed():
    frame = pd.DataFrame({"seed": [0, 1] * 3, "alpha": [0, 0, 0.1, 0.1, 0.2, 0.2],
                          "val_ece": [0.03, 0.03, 0.02, 0.05, 0.1, 0.2], "val_accuracy": 0.99})
    text = figures.verdict_text(frame, "digits")
    assert "(2 seeds an α)" in text
    assert "always higher for α = 0.2; not always for α = 0.1." in text
    assert "0.030 with hard targets and least at α = 0, 0.030." in text


def test_comparison_averages_over_seeds():
    runs = [network(a, s, val_accuracy=0.5 + s, val_ece=0.1, val_nll=1.0, optimal_T=2.0,
                    ece_at_optimal_T=0.05, nll_at_optimal_T=0.9)
            for a in (0.0, 0.05) for s in (0, 1)]
    table = figures.comparison(runs, 0.05)
    assert len(table) == 4 and (table["accuracy"] == 1.0).all()
    assert table["T"].tolist() == [1.0, 2.0, 1.0, 2.0]
    assert table["ECE"].tolist() == pytest.approx([0.1, 0.05, 0.1, 0.05])
