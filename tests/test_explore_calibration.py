"""The calibration explorer: its arithmetic and its page against the book's estimators."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from drawn import open_page
from explored import page_of, run_in_node, visit as open_at
from lsbook import paper, recipes, runs
from lsbook.estimators import calibration
from lsbook.estimators.temperature import fit_temperature
from lsbook.explore import calibration as explore
from lsbook.runs import tables

LAB = "MLP on MNIST-1D (lab)"

page = pytest.fixture(scope="module")(open_page)


def lab(alpha, seed=0, name="lab/mlp-mnist1d"):
    return runs.find(recipes.named(name, alpha=alpha, seed=seed))


def want(run, T=1.0, bins=15, binning="width"):
    logits, targets = run.arrays["val_logits"], run.arrays["val_targets"]
    return [
        calibration.ece(logits, targets, T=T, bins=bins, binning=binning),
        calibration.nll(logits, targets, T),
        calibration.brier(logits, targets, T),
        calibration.accuracy(logits, targets),
    ]


# ---------------------------------------------------------------------------------- the arithmetic


def golden():
    """Random networks of every boldness, ties included, and how lsbook scores them."""
    rng = np.random.default_rng(0)
    cases = []
    for boldness in (0.3, 2.0, 40.0):
        targets = rng.integers(7, size=400)
        logits = boldness * (rng.normal(size=(400, 7)) + np.eye(7)[targets])
        logits = np.float16(logits).astype(np.float32)
        logits[:20] = 0
        for T, bins, binning in [(1, 15, "width"), (0.5, 50, "mass"), (4, 5, "width"),
                                 (1.9, 15, "mass")]:
            table = calibration.reliability(
                *calibration.from_logits(logits, targets, T), bins, binning)
            full = table.count > 0
            cases.append({
                "logits": logits.ravel().tolist(), "targets": targets.tolist(), "T": T,
                "bins": bins, "binning": binning, "ece": table.ece,
                "nll": calibration.nll(logits, targets, T),
                "brier": calibration.brier(logits, targets, T),
                "accuracy": calibration.accuracy(logits, targets),
                "rows": {name: getattr(table, name)[full].tolist()
                         for name in ("lower", "upper", "count", "confidence", "accuracy")},
            })
    return cases


def test_arithmetic_agrees_with_the_estimators(tmp_path):
    run_in_node("calibration", golden(), tmp_path)


# ----------------------------------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def visit(page, tmp_path_factory):
    """Opens a page of the explorer over some lab runs, from a file, at a fragment."""
    shown = {
        "lab/mlp-mnist1d": [lab(alpha, seed) for alpha in (0.0, 0.05, 0.2) for seed in (0, 1)],
        "lab/mlp-digits": [lab(alpha, 0, "lab/mlp-digits") for alpha in (0.0, 0.05)],
    }
    figure = explore.explorer(list(shown.values()), "Title")
    address = page_of("calibration", [figure], tmp_path_factory.mktemp("site"))
    return lambda fragment="": open_at(page, address, fragment)


def seen(page):
    """ECE, NLL, Brier and accuracy of the three rows above the diagram."""
    rows = page.eval_on_selector_all(".ls-numbers tbody tr", """rows => rows.map(
        row => [...row.querySelectorAll("td")].map(cell => parseFloat(cell.textContent)))""")
    return [[ece, nll, brier, share / 100] for ece, nll, brier, share in rows]


@pytest.mark.parametrize("setting", [
    {},
    {"T": 0.5, "bins": 50},
    {"T": 4, "bins": 5, "seed": 1, "alpha": 0.2},
    {"bins": 33, "binning": "mass", "alpha": 0.2},
    {"T": 0.8, "bins": 20, "binning": "mass", "scales": "smooth"},
])
def test_numbers_agree_with_the_estimators(visit, setting):
    query = "&".join(f"{name}={json.dumps(value)}" for name, value in setting.items())
    found = seen(visit(f"#explore-calibration?{query}"))
    at = {"T": 1.9, "bins": 15, "binning": "width", "alpha": 0.05, "seed": 0, "scales": "hard"}
    at |= setting
    bins = at["bins"], at["binning"]
    hard, smooth = lab(0.0, at["seed"]), lab(at["alpha"], at["seed"])
    expected = [want(hard, 1.0, *bins), want(locals()[at["scales"]], at["T"], *bins),
                want(smooth, 1.0, *bins)]
    np.testing.assert_allclose(np.array(found)[:, :3], np.array(expected)[:, :3], atol=1e-4)
    np.testing.assert_allclose(np.array(found)[:, 3], np.array(expected)[:, 3], atol=0.0006)


def test_every_bin_that_holds_examples_is_drawn(visit):
    page = visit("#explore-calibration?bins=20")
    table = calibration.reliability(*calibration.from_logits(
        lab(0.0).arrays["val_logits"], lab(0.0).arrays["val_targets"]), 20)
    assert page.locator(".mark.hard").count() == page.locator(".bar.hard").count() == (
        table.count > 0).sum()


def test_the_mark_is_the_temperature_of_least_nll(visit):
    page = visit("#explore-calibration?seed=1")
    arrays = lab(0.0, 1).arrays
    best = fit_temperature(arrays["val_logits"], arrays["val_targets"]).T
    assert f"least NLL: {best:.2f}" in page.inner_text(".ls-marks button")
    page.click(".ls-marks button")
    assert seen(page)[1][1] == pytest.approx(want(lab(0.0, 1), best)[1], abs=2e-4)


def test_a_temperature_leaves_the_accuracy(visit):
    page = visit()
    before = seen(page)
    page.focus("#explore-calibration-T")
    page.keyboard.press("End")
    after = seen(page)
    assert after[1][3] == before[1][3]
    assert after[1][1] != before[1][1]
    assert after[0] == before[0] and after[2] == before[2]


def test_another_data_set_brings_its_own_choices(visit):
    page = visit()
    page.select_option("#explore-calibration-data", label="MLP on digits (lab)")
    page.wait_for_function("document.querySelector('.ls-stage').ariaLabel.includes('digits')")
    digits = lab(0.0, 0, "lab/mlp-digits")
    assert seen(page)[0][:3] == pytest.approx(want(digits)[:3], abs=1e-4)
    page.click(".ls-reset")
    page.wait_for_function("document.querySelector('.ls-stage').ariaLabel.includes('MNIST-1D')")


def test_words_and_rows_hold_the_numbers(visit):
    page = visit()
    ece = want(lab(0.0))[0]
    assert f"hard targets: ECE {ece:.4f}" in page.get_attribute(".ls-stage", "aria-label")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download data").click()
    head, *rows = Path(download.value.path()).read_text().splitlines()
    assert head == "network,T,lower,upper,count,confidence,accuracy"
    counts = [int(row.split(",")[-3]) for row in rows if row.startswith("hard targets")]
    assert sum(counts) == 1000


# ------------------------------------------------------------------------------------------- Python


def test_real_data_come_first_and_pairs_are_whole(monkeypatch):
    def run(name, alpha, seed=0):
        return SimpleNamespace(
            recipe=recipes.named(name, alpha=alpha, seed=seed), arrays=lab(alpha).arrays,
            manifest={"commit": "c", "device": "cpu"})

    real = [run("compact/resnet20-cifar100", a, s) for a, s in ((0.0, 0), (0.05, 0), (0.1, 1))]
    own = [run("lab/mlp-mnist1d", a) for a in (0.0, 0.1)]
    monkeypatch.setenv("LSBOOK_STATIC", "1")
    monkeypatch.setattr(explore, "best", lambda *names: real if "compact" in names[-1] else [])
    sets = explore.choices([("paper/x", "compact/x")], own)
    figure = explore.explorer(sets, "Title")
    labels = [chosen["label"] for chosen in figure.config["sets"]]
    assert labels[0].startswith("ResNet-20 on CIFAR-100, 10,000 images of 32×32, 60 epochs")
    assert labels[1] == LAB
    assert len(figure.config["sets"][0]["runs"]) == 2
    assert figure.config["sets"][0]["T"] == 1.9


def test_nothing_to_compare_says_so(monkeypatch):
    monkeypatch.setattr(explore, "best", lambda *names: [])
    with pytest.raises(LookupError, match="No hard network"):
        explore.choices()


# -------------------------------------------------------------------------------------- against α


def test_error_against_alpha_shows_means_of_every_seed(page, tmp_path):
    shown = [lab(alpha, seed) for alpha in (0.0, 0.05, 0.2) for seed in (0, 1)]
    page.goto(page_of("sweep", [explore.against_alpha([shown])], tmp_path))
    page.evaluate("lsExplore.drawAll()")
    table = page.eval_on_selector_all(".ls-numbers tr", """rows => rows.map(
        row => [...row.children].map(cell => cell.textContent))""")
    assert table[0] == ["", "α = 0", "α = 0.05", "α = 0.2"]
    for row, name in zip(table[1:], ("val_ece", "ece_at_optimal_T", "optimal_T")):
        for text, alpha in zip(row[1:], (0.0, 0.05, 0.2)):
            mean = np.mean([lab(alpha, seed).metrics[name] for seed in (0, 1)])
            assert float(text) == pytest.approx(mean, abs=6e-4)
    fills = page.eval_on_selector_all(
        ".mark.smooth", "all => all.map((one) => getComputedStyle(one).fill)")
    assert fills[0] == "rgb(0, 114, 178)" and len(set(fills)) == 3, "hard targets have their own"
    assert page.locator(".mark.paper").count() == 0
    assert page.locator(".line.faint").count() == 3 * 2


@pytest.mark.parametrize("ours, theirs", [
    ("compact/resnet20-cifar100", "cifar100"), ("compact/resnet20-tinyimagenet", "imagenet"),
    ("lab/mlp-digits", None)])
def test_diamonds_are_the_papers_values_of_the_data_set(page, tmp_path, ours, theirs):
    figure = explore.against_alpha(explore.choices())
    open_at(page, page_of("sweep", [figure], tmp_path), f"#explore-ece-against-alpha?data={ours}")
    shown = paper.numbers(place="Table 3", dataset=theirs)
    assert page.locator(".mark.paper").count() == len(shown)
    drawn = [(entry["alpha"], entry["value"]) for panel in figure.config["panels"]
             for entry in panel["paper"] if entry["set"] == ours]
    assert sorted(drawn) == sorted((n.alpha, n.value) for n in shown)


def test_the_title_against_alpha_is_true_of_every_data_set():
    best = set()
    for family in explore.choices():
        means = tables.metrics(family).groupby("alpha")[["optimal_T", "val_ece"]].mean()
        assert means["optimal_T"].dropna().is_monotonic_decreasing, family[0].recipe.name
        best.add(means["val_ece"].idxmin())
    assert len(best) > 1
