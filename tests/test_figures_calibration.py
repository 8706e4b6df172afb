"""The reliability diagram that the browser computes against lsbook's estimators and torchmetrics."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from drawn import marks, open_page
from lsbook import recipes
from lsbook.data.vision import import_torchvision
from lsbook.estimators import calibration
from lsbook.figures import calibration as figures
from lsbook.figures.theme import show

import_torchvision()
from torchmetrics.functional.classification import multiclass_calibration_error  # noqa: E402

page = pytest.fixture(scope="module")(open_page)
N, K = 300, 6


def network(alpha, seed=0, name="lab/mlp-mnist1d", boldness=3.0, **metrics):
    random = np.random.default_rng([seed, int(100 * alpha)])
    targets = random.integers(K, size=N)
    logits = boldness * (random.normal(size=(N, K)) + 1.5 * np.eye(K)[targets])
    return SimpleNamespace(recipe=recipes.named(name, alpha=alpha, seed=seed), metrics=metrics,
                           arrays={"val_logits": logits, "val_targets": targets})


def shipped(row):
    """Logits and targets that have the gaps and the ranks of a row of the frame."""
    gaps = np.array(row["gaps"]) * figures.STEP
    return np.concatenate([np.zeros((len(gaps), 1)), -gaps], axis=1), np.array(row["rank"])


def test_gaps_keep_confidence_and_correctness():
    run = network(0.1)
    (_, row), = figures.gap_frame([run]).iterrows()
    logits, targets = shipped(row)
    want = calibration.from_logits(run.arrays["val_logits"], run.arrays["val_targets"])
    got = calibration.from_logits(logits, targets)
    np.testing.assert_allclose(got[0], want[0], atol=figures.STEP)
    np.testing.assert_array_equal(got[1], want[1])
    assert calibration.nll(logits, targets) == pytest.approx(
        calibration.nll(run.arrays["val_logits"], run.arrays["val_targets"]), abs=figures.STEP)


def test_large_sets_are_cut_to_the_budget(monkeypatch):
    monkeypatch.setattr(figures, "BUDGET", 2 * 50 * (K - 1))
    frame = figures.gap_frame([network(0.0), network(0.1)])
    assert [len(gaps) for gaps in frame["gaps"]] == [50, 50]


@pytest.mark.parametrize("T, bins, alpha, seed", [(1.9, 15, 0.05, 0), (0.5, 50, 0.2, 1), (4, 5, 0.05, 1)])
def test_browser_agrees_with_the_estimators(page, T, bins, alpha, seed):
    runs = [network(a, s, boldness=3 if a == 0 else 1) for a in (0.0, 0.05, 0.2) for s in (0, 1)]
    figure = show(figures.reliability(runs, "title"), alt="reliability")
    seen = marks(page, figure, T=T, bins=bins, alpha=alpha, seed=seed)
    frame = figures.gap_frame(runs).set_index(["alpha", "seed"])
    for series, a, t in (("hard", 0.0, 1), ("scaled", 0.0, T), ("smoothed", alpha, 1)):
        logits, targets = shipped(frame.loc[a, seed])
        row = next(m for m in seen if m.get("series") == series and "ece" in m)
        assert row["error"] / row["n"] == pytest.approx(
            calibration.ece(logits, targets, T=t, bins=bins), abs=1e-4)
        assert row["loss"] / row["n"] == pytest.approx(calibration.nll(logits, targets, T=t), abs=1e-4)
        assert row["hits"] / row["n"] == pytest.approx(calibration.accuracy(logits, targets))
        probs = torch.tensor(logits / t).softmax(-1)
        assert row["error"] / row["n"] == pytest.approx(multiclass_calibration_error(
            probs, torch.tensor(targets), num_classes=K, n_bins=bins).item(), abs=1e-4)
        table = calibration.reliability(*calibration.from_logits(logits, targets, t), bins)
        points = sorted((m for m in seen if m.get("series") == series and "bin" in m
                         and m["kind"] == "symbol"), key=lambda m: m["bin"])
        assert [m["count"] for m in points] == table.count[table.count > 0].tolist()
        np.testing.assert_allclose([m["accuracy"] for m in points],
                                   table.accuracy[table.count > 0], atol=1e-6)


def test_controls_start_at_the_papers_setting():
    runs = [network(a) for a in (0.0, 0.02, 0.05, 0.1)]
    params = {p["name"]: p for p in figures.reliability(runs, "").to_dict()["params"]}
    assert {name: p["value"] for name, p in params.items()} == {
        "alpha": 0.05, "seed": 0, "T": 1.9, "bins": 15}
    assert "bind" not in params["seed"] and "bind" in params["T"]
    unbound = figures.reliability(runs, "", bound=False).to_dict()["params"]
    assert not any("bind" in p for p in unbound)


def test_place_says_what_was_not_run():
    lab, full = network(0.0), network(0.0, name="paper/resnet56-cifar100")
    assert figures.place("ResNet-56 on CIFAR-100", full) == "ResNet-56 on CIFAR-100"
    assert "not yet run here; in its place MLP on MNIST-1D" in figures.place("ResNet-56 on CIFAR-100", lab)


def test_table_3_shows_paper_beside_ours():
    runs = [network(a, s, val_ece=0.1 * (s + 1) - a, ece_at_optimal_T=0.02, optimal_T=2.0)
            for a in (0.0, 0.05) for s in (0, 1)]
    table = figures.table_3(runs).set_index(["network", "whose"])
    assert table.loc[("ResNet-56, CIFAR-100", "the paper"), "hard"] == "0.15"
    assert table.loc[("Inception-v4, ImageNet", "the paper"), "best T"] == "1.4"
    assert table.loc[("Transformer, EN–DE", "the paper"), "smoothed"] == "0.019"
    assert table.loc[("ResNet-56, CIFAR-100", "ours"), "hard"] == "not yet run"
    ours = table.loc[("MLP, MNIST-1D (lab)", "ours")]
    assert ours["hard"] == "0.15 (0.1–0.2)" and ours["smoothed"] == "0.1 (0.05–0.15)"
    assert ours["α"] == "0.05"


def test_selective_error_counts_the_surer_half():
    logits = np.array([[5.0, 0], [4.0, 0], [0, 1.0], [0.5, 0]])
    run = SimpleNamespace(arrays={"val_logits": logits, "val_targets": np.array([0, 1, 0, 0])})
    assert figures.selective_error(run) == 0.5


def test_verdict_counts_every_seed():
    frame = pd.DataFrame({"seed": [0, 1] * 3, "alpha": [0, 0, 0.1, 0.1, 0.2, 0.2],
                          "val_ece": [0.03, 0.03, 0.02, 0.05, 0.1, 0.2], "val_accuracy": 0.99})
    text = figures.verdict_text(frame, "digits")
    assert "(2 seeds an α)" in text
    assert "always higher for α = 0.2; not always for α = 0.1." in text
    assert "0.030 with hard targets and least at α = 0, 0.030." in text


def test_comparison_averages_over_seeds():
    runs = [network(a, s, val_accuracy=0.5 + s, val_ece=0.1, val_nll=1.0, optimal_T=2.0,
                    ece_at_optimal_T=0.05, nll_at_optimal_T=0.9) for a in (0.0, 0.05) for s in (0, 1)]
    table = figures.comparison(runs, 0.05)
    assert len(table) == 4 and (table["accuracy"] == 1.0).all()
    assert table["T"].tolist() == [1.0, 2.0, 1.0, 2.0]
    assert table["ECE"].tolist() == pytest.approx([0.1, 0.05, 0.1, 0.05])
