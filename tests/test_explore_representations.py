"""The representations explorer: its arithmetic and its page against the book's estimators."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from drawn import open_page
from explored import page_of, run_in_node, visit_at
from lsbook.estimators.templates import append_one, geometry, plane, project, project_logits
from lsbook.explore import evaluation, representations
from lsbook.figures import representations as figures
from lsbook.recipes import named
from lsbook.runs import snapshots
from lsbook.runs.best import recorded

page = pytest.fixture(scope="module")(open_page)


# ----------------------------------------------------------------------------------- arithmetic


def golden():
    """Random networks, their activations projected and measured by the book's estimators."""
    rng = np.random.default_rng(0)
    cases = []
    for K, width, classes in ((3, 5, [0, 1, 2]), (6, 9, [4, 1, 3])):
        w = rng.normal(size=(K, width + 1))
        targets = rng.integers(K, size=80)
        x = append_one(w[targets, :width] + 0.5 * rng.normal(size=(80, width)))
        through = plane(w[classes])
        groups = [project(x[targets == k], through) for k in classes]
        seen = geometry(np.concatenate(groups), np.repeat(range(3), [len(g) for g in groups]),
                        project(w[classes], through))
        cases.append({
            "K": K, "classes": classes, "logits": (x @ w.T).tolist(), "targets": targets.tolist(),
            "gram": (w @ w.T).tolist(), "groups": [group.tolist() for group in groups],
            "corners": project(w[classes], through).tolist(), "spread": seen.within_spread,
            "distance": seen.centre_distance, "ratio": seen.ratio,
            "unevenness": seen.simplex_deviation,
        })
    return cases


def test_javascript(tmp_path):
    run_in_node("representations", golden(), tmp_path)


# ------------------------------------------------------------------------------- what is shipped


@pytest.fixture(scope="module")
def lab():
    return {run.recipe.alpha: run for run in recorded(named("lab/mlp-mnist1d"), seed=0)}


def test_shipped_inner_products_are_exact(lab):
    run = lab[0.1]
    shipped = representations.arrays(run)
    w = run.arrays["templates"].astype(np.float64)
    got = shipped["gram"].astype(np.float64) + shipped["gram_rest"]
    np.testing.assert_allclose(got, w @ w.T, atol=2e-6)


def test_shipped_logits_are_the_recorded_ones(lab):
    shipped = representations.arrays(lab[0.1])
    assert len(shipped["val_logits"]) == len(shipped["val_targets"]) <= 1000
    for k in range(10):
        recorded = lab[0.1].arrays["val_logits"][lab[0.1].arrays["val_targets"] == k][:100]
        np.testing.assert_array_equal(shipped["val_logits"][shipped["val_targets"] == k], recorded)


def test_a_run_without_training_examples_ships_none(lab):
    run = lab[0.0]
    light = {k: v for k, v in run.arrays.items() if not k.startswith(("train", "snapshot"))}
    thin = type("Thin", (), {"recipe": run.recipe, "arrays": light, "history": run.history})()
    assert set(representations.arrays(thin)) == {"gram", "gram_rest", "val_logits", "val_targets"}


def test_shipped_snapshots_are_the_recorded_ones(lab):
    run, shipped = lab[0.1], representations.arrays(lab[0.1])
    recorded = snapshots.epochs(run)[:-1]
    assert len(recorded) > 5
    for moment, epoch in enumerate(recorded):
        then = snapshots.at_epoch(run, epoch)
        w = then.arrays["templates"].astype(np.float64)
        gram = shipped["snapshot_gram"][moment].astype(np.float64)
        gram += shipped["snapshot_gram_rest"][moment]
        np.testing.assert_allclose(gram, w @ w.T, atol=1e-5)
        np.testing.assert_array_equal(
            shipped["snapshot_val_logits"][moment], then.arrays["val_logits"])


# --------------------------------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def visit(page, lab, tmp_path_factory):
    """Opens the three figures with one of them in a state of its own."""
    folder = tmp_path_factory.mktemp("page")
    row = figures.Row("MLP", ("lab",), lab[0.0], lab[0.1], ("2", "0", "6"), (2, 0, 6))
    sets = representations.compared(0.1)
    explorers = [
        representations.explorer(sets), representations.figure_1([row]),
        representations.geometry(sets)]
    shipped = [lab[alpha] for alpha in (0.0, 0.1, 0.3)]
    shipped += recorded(named("compact/resnet20-cifar100"), seed=0)
    address = page_of("representations", explorers, folder, shipped)
    key = evaluation.key(lab[0.2], representations.KIND)
    light = {name: array for name, array in representations.arrays(lab[0.2]).items()
             if not name.startswith("train")}
    (folder / "site" / "evaluations" / f"{key}.js").write_text(evaluation.encode(key, light))

    def open_at(figure="representations", **state):
        return visit_at(page, address, figure, state)

    return open_at


def drawn(page, figure="representations"):
    """What the figure would download, every point it has drawn: a dictionary a point."""
    text = page.evaluate("""(figure) => new Promise((done) => {
        URL.createObjectURL = (blob) => { blob.text().then(done); return "data:,"; };
        [...document.querySelectorAll(`#explore-${figure} .ls-tools button`)]
          .find((button) => button.textContent === "Download data").click();
    })""", figure)
    return list(csv.DictReader(text.splitlines()))


def places(points):
    return np.array([(point["x"], point["y"]) for point in points], float)


def table(page, figure="representations"):
    return [[cell.inner_text() for cell in row.query_selector_all("th, td")]
            for row in page.query_selector_all(f"#explore-{figure} .ls-numbers tbody tr")]


@pytest.mark.parametrize("alpha, classes", [(0.1, [0, 1, 2]), (0.3, [7, 2, 5])])
def test_page_agrees_with_the_estimators(visit, lab, alpha, classes):
    first, second, third = classes
    page = visit(data="lab/mlp-mnist1d", alpha=alpha, first=first, second=second, third=third)
    points = drawn(page)
    for network, run in (("hard", lab[0.0]), ("smoothed", lab[alpha])):
        w = run.arrays["templates"][classes].astype(np.float64)
        for part, name in figures.PARTS.items():
            got = [p for p in points if (p["network"], p["part"]) == (network, name)]
            want = []
            for k in classes:
                mine = run.arrays[f"{part}_logits"][run.arrays[f"{part}_targets"] == k][:100]
                want.append(project_logits(mine[:, classes], w))
            np.testing.assert_allclose(places(got), np.concatenate(want), atol=1e-4)


def test_the_epoch_slider_shows_the_network_as_it_was(visit, lab):
    epoch = snapshots.epochs(lab[0.1])[3]
    page = visit(data="lab/mlp-mnist1d", epoch=epoch, first=2, second=0, third=6)
    row = figures.Row("", (), *(snapshots.at_epoch(lab[a], epoch) for a in (0.0, 0.1)),
                      ("2", "0", "6"), (2, 0, 6))
    want = figures.spread_frame(row)
    got = [[float(cell) for cell in line[1:4]] for line in table(page)]
    np.testing.assert_allclose(got, want[["spread", "distance", "ratio"]], atol=0.006)
    slider = page.locator("#explore-representations-epoch")
    end = lab[0.1].history["epoch"][-1]
    assert slider.get_attribute("aria-valuetext") == f"{epoch} of {end}"
    slider.press("End")
    at_end = figures.spread_frame(replace(row, hard=lab[0.0], smoothed=lab[0.1]))
    page.wait_for_function(f"!location.hash.includes('epoch={epoch}')")
    got = [[float(cell) for cell in line[1:4]] for line in table(page)]
    np.testing.assert_allclose(got, at_end[["spread", "distance", "ratio"]], atol=0.006)


def test_no_epoch_slider_where_none_was_recorded(visit):
    page = visit(data="compact/resnet20-cifar100")
    assert page.locator("#explore-representations-epoch").count() == 0


def test_numbers_are_those_of_geometry(visit, lab):
    rows = table(visit(data="lab/mlp-mnist1d", first=3, second=5, third=8))
    row = figures.Row("", (), lab[0.0], lab[0.1], ("3", "5", "8"), (3, 5, 8))
    want = figures.spread_frame(row).set_index(["network", "part"])
    for got, (network, part) in zip(
            rows, [(n, p) for n in ("hard", "smoothed") for p in figures.PARTS.values()]):
        seen = want.loc[network, part]
        np.testing.assert_allclose(
            [float(x) for x in got[1:4]], [seen.spread, seen.distance, seen.ratio], atol=0.006)


def test_pickers_offer_three_different_classes(visit):
    page = visit(data="lab/mlp-mnist1d")
    page.select_option("#explore-representations-first", label="1")
    picked = [page.eval_on_selector(f"#explore-representations-{name}",
                                    "s => s.selectedOptions[0].textContent")
              for name in ("first", "second", "third")]
    assert len(set(picked)) == 3 and picked[0] == "1"


def test_a_run_without_training_examples_says_so(visit):
    page = visit(data="lab/mlp-mnist1d", alpha=0.2)
    words = page.text_content("#explore-representations svg")
    assert "this run keeps no training examples" in words
    assert table(page)[2][1:3] == ["not kept", ""] and float(table(page)[3][1]) > 0
    assert "α = 0.2, training: not kept" in page.get_attribute(
        "#explore-representations .ls-stage", "aria-label")


def test_planes_are_square_in_their_units(visit):
    for scale in ("all", "network", "panel"):
        page = visit(data="lab/mlp-mnist1d", scale=scale)
        sides = places([point for point in drawn(page) if point["part"] == "template"][:3])
        path = page.get_attribute(".ls-stage .thin", "d")
        pixels = np.array([pair.split() for pair in path.strip("MZ").split("L")], float)
        factors = [np.linalg.norm(pixels[i] - pixels[j]) / np.linalg.norm(sides[i] - sides[j])
                   for i, j in ((0, 1), (1, 2), (2, 0))]
        assert np.ptp(factors) / np.mean(factors) < 0.01


def test_figure_1_draws_the_rows_projection(visit, lab):
    row = figures.Row("", (), lab[0.0], lab[0.1], ("2", "0", "6"), (2, 0, 6))
    want = figures.row_frame(row).set_index(["network", "part", "name"]).sort_index()
    got = drawn(visit("figure-1"), "figure-1")
    for key in want.index.unique():
        mine = [p for p in got if (p["network"], p["part"], p["class"]) == key]
        np.testing.assert_allclose(places(mine), want.loc[[key], ["x", "y"]], atol=6e-4)


def test_geometry_shows_the_means_over_seeds(visit):
    runs = recorded(named("lab/mlp-mnist1d"))
    page = visit("geometry", data="lab/mlp-mnist1d")
    for got, alpha in zip(table(page, "geometry"), (0.0, 0.1)):
        mine = [run.metrics for run in runs if run.recipe.alpha == alpha]
        want = [np.mean([metrics[name] for metrics in mine]) for name in figures.GEOMETRY]
        np.testing.assert_allclose([float(cell) for cell in got[1:]], want, atol=0.006)


def test_clouds_and_templates_have_the_colour_of_their_network(visit):
    """Two planes above of hard targets, two below: a cloud, a template and a name of a class."""
    page = visit(data="lab/mlp-mnist1d")
    looks = page.eval_on_selector_all(
        "#explore-representations .ls-stage path.mark",
        "all => all.map((one) => [one.className.baseVal, one.getBoundingClientRect().y])")
    middle = np.median([y for _, y in looks])
    for look, above in (("hard", True), ("smooth", False)):
        own = [y for kind, y in looks if look in kind.split()]
        assert len(own) == 4 and all((y < middle) == above for y in own)
