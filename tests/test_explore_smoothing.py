"""The introduction's explorers: their arithmetic and their page against torch and the book."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from drawn import open_page
from explored import page_of, run_in_node, visit_at
from lsbook.explore import smoothing
from lsbook.explore.representations import compared
from lsbook.figures import smoothing as figures
from lsbook.losses import smoothed_targets
from lsbook.recipes import named
from lsbook.runs.best import recorded

page = pytest.fixture(scope="module")(open_page)


def point(gap, alpha, K):
    leaf = torch.tensor(gap, dtype=torch.float64, requires_grad=True)
    logits = torch.cat([leaf[None], torch.zeros(K - 1, dtype=torch.float64)])
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(0), label_smoothing=alpha)
    loss.backward()
    return {"gap": gap, "alpha": alpha, "K": K, "loss": loss.item(), "slope": leaf.grad.item(),
            "probability": logits.softmax(0)[0].item()}


def optimum(alpha, K):
    y = smoothed_targets(torch.tensor(0), K, alpha, torch.ones(K, dtype=torch.float64) / K)
    return {"alpha": alpha, "K": K, "gap": (y[0] / y[1]).log().item(),
            "entropy": torch.special.entr(y).sum().item()}


def golden():
    rng = np.random.default_rng(0)
    settings = [(0.1, 10), (0.05, 100), (0.9, 2), (0.3, 32000)]
    sorted_ = np.sort(rng.normal(size=37))
    return {
        "points": [point(gap, alpha, K) for gap in (-4.0, 0.0, 2.3, 15.0)
                   for alpha, K in [(0.0, 10), *settings]],
        "optima": [optimum(alpha, K) for alpha, K in settings],
        "conventions": [{
            "alpha": alpha, "K": K, "gaps": figures.convention_gaps([alpha], [K])["gap"].tolist(),
        } for alpha, K in ((0.1, 3), (0.4, 10), (0.95, 300))],
        "quantiles": [{"sorted": sorted_.tolist(), "share": share,
                       "value": float(np.quantile(sorted_, share))} for share in (0, 0.25, 0.5, 1)],
    }


def test_javascript(tmp_path):
    run_in_node("smoothing", golden(), tmp_path)


# --------------------------------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def lab():
    return [run for run in recorded(named("lab/mlp-mnist1d"), seed=0)
            if run.recipe.alpha in (0.0, 0.1, 0.3)]


@pytest.fixture(scope="module")
def visit(page, lab, tmp_path_factory):
    """Opens the three figures with one of them in a state of its own; gives its numbers."""
    explorers = [smoothing.landscape(), smoothing.gaps({"lab": lab}), smoothing.conventions()]
    address = page_of("smoothing", explorers, tmp_path_factory.mktemp("page"))

    def numbers(figure, **state):
        visit_at(page, address, figure, state)
        rows = page.query_selector_all(f"#explore-{figure} .ls-numbers tbody tr")
        return [[cell.inner_text().replace("−", "-") for cell in row.query_selector_all("td")]
                for row in rows]

    return numbers


@pytest.mark.parametrize("alpha, K, gap", [(0.1, 10, 2.0), (0.35, 1000, 6.5)])
def test_landscape_moves_with_its_controls(visit, alpha, K, gap):
    hard, smoothed = visit("smoothing", alpha=alpha, K=K, gap=gap)
    best = optimum(alpha, K)
    here = point(gap, alpha, K)
    want = [best["gap"], best["entropy"], here["loss"], here["slope"]]
    np.testing.assert_allclose([float(value) for value in smoothed], want, atol=0.0051)
    assert hard[:2] == ["none", "0.00"]


def test_each_share_stands_beside_its_name_in_the_colour_of_its_targets(visit, page):
    visit("smoothing", alpha=0.3, K=10, gap=2.0)
    stage = "#explore-smoothing .ls-stage"
    bars = page.eval_on_selector_all(
        f"{stage} rect.bar", "all => all.map((one) => ({ kind: one.className.baseVal,"
        " y: Number(one.getAttribute('y')), width: Number(one.getAttribute('width')) }))")
    unit = bars[0]["width"]  # a hard target gives the right class all
    shares = [round(bar["width"] / unit, 2) for bar in bars]
    assert shares == [1, 0.73, 0, 0.03]
    assert [bar["kind"] for bar in bars] == ["bar hard", "bar smooth"] * 2
    for name, pair in (("the right class", bars[:2]), ("each wrong class", bars[2:])):
        y = float(page.locator(f"{stage} text", has_text=name).get_attribute("y"))
        assert pair[0]["y"] < y <= pair[1]["y"] + 15


def test_histograms_are_of_the_recorded_gaps(visit, lab):
    rows = visit("gaps", alpha=0.3)
    for row, run in zip(rows, (lab[0], lab[2])):
        gap = figures.gap_frame([run])["gap"]
        want = gap.quantile([0.25, 0.5, 0.75])
        np.testing.assert_allclose([float(value) for value in row[:3]], want, atol=0.006)
    assert float(rows[1][3]) == pytest.approx(figures.optimum_gap(0.3, 10), abs=0.006)


def test_conventions_move_with_their_controls(visit):
    rows = visit("conventions", alpha=0.4, K=3)
    want = figures.convention_gaps([0.4], [3])["gap"]
    np.testing.assert_allclose([float(row[1]) for row in rows], want, atol=0.0051)


def test_what_the_chapter_tells_of_is_what_the_explorer_shows():
    sets = compared(0.1)
    few = {name for name, runs in sets.items() if "shown_classes" in runs[0].arrays}
    told = smoothing.gap_sets(sets)
    assert few and set(told) == set(sets) - few
    assert list(told) == [each["name"] for each in smoothing.gaps(sets).config["sets"]]
    for runs in told.values():
        K = len(runs[0].arrays["templates"])
        assert all(run.arrays["train_logits"].shape[-1] == K for run in runs)


def test_runs_without_the_gaps_are_left_out(lab):
    def thinned(run, **arrays):
        return SimpleNamespace(recipe=run.recipe, manifest=run.manifest, arrays=arrays)

    few = [thinned(run, **run.arrays, shown_classes=np.arange(4)) for run in lab]
    none = [thinned(run, templates=run.arrays["templates"]) for run in lab]
    shown = smoothing.gaps({"few": few, "none": none, "lab": [none[2], *lab[:2]]}).config["sets"]
    assert [each["name"] for each in shown] == ["lab"]
    assert [run["alpha"] for run in shown[0]["runs"]] == [0.0, 0.1]
