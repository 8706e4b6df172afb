"""The planes of section 2 against projections of the activations themselves."""

from types import SimpleNamespace

import numpy as np
import pytest

from drawn import open_page
from lsbook import recipes
from lsbook.estimators.templates import append_one, geometry, plane, project
from lsbook.figures import representations as figures
from lsbook.figures.scale import in_words
from lsbook.ledger import checks
from lsbook.runs import best
from lsbook.runs.classes import KEPT

page = pytest.fixture(scope="module")(open_page)
K, WIDTH, EACH = 5, 7, 12
NAMES = dict(enumerate("abcde"))


def network(alpha, seed=0, name="lab/mlp-mnist1d", K=K):
    random = np.random.default_rng([seed, int(100 * alpha)])
    w = random.normal(size=(K, WIDTH + 1))
    arrays = {"templates": w}
    hidden = {}
    for part in ("train", "val"):
        targets = np.repeat(np.arange(K), EACH)
        hidden[part] = w[targets, :WIDTH] + 0.4 * random.normal(size=(K * EACH, WIDTH))
        arrays[f"{part}_logits"] = append_one(hidden[part]) @ w.T
        arrays[f"{part}_targets"] = targets
    metrics = {"val_accuracy": 0.8 + alpha + 0.01 * seed}
    recipe = recipes.named(name, alpha=alpha, seed=seed)
    return SimpleNamespace(recipe=recipe, arrays=arrays, hidden=hidden, metrics=metrics)


def in_plane(run, part, classes):
    """Coordinates from the activations, not from the logits."""
    keep = np.isin(run.arrays[f"{part}_targets"], classes)
    through = plane(run.arrays["templates"][list(classes)])
    return project(append_one(run.hidden[part][keep]), through)


def test_rows_hold_the_projection_and_its_numbers():
    row = figures.Row("", (), network(0.0), network(0.1), ("a", "b", "c"), (2, 0, 3))
    frame = figures.row_frame(row)
    for name, run in (("hard", row.hard), ("smoothed", row.smoothed)):
        mine = frame[(frame["network"] == name) & (frame["part"] == "validation")]
        want = project(
            append_one(np.concatenate([run.hidden["val"][run.arrays["val_targets"] == k]
                                       for k in row.classes])),
            plane(run.arrays["templates"][list(row.classes)]))
        np.testing.assert_allclose(mine[["x", "y"]], want, atol=6e-4)
        corners = frame[(frame["network"] == name) & (frame["part"] == "template")]
        first, _, third = corners[["x", "y"]].to_numpy()
        w = run.arrays["templates"][list(row.classes)]
        side = np.linalg.norm(w[0] - w[2])
        assert np.linalg.norm(first - third) == pytest.approx(side, abs=2e-3)
    spreads = figures.spread_frame(row)
    np.testing.assert_allclose(spreads["ratio"], spreads["spread"] / spreads["distance"])
    assert len(spreads) == 4


@pytest.fixture
def recorded(monkeypatch):
    """Sets the runs that there are."""
    def there_are(*found):
        monkeypatch.setattr(best, "available", lambda: iter(found))
    there_are()
    return there_are


def ten(alpha, seed=0, name="paper/alexnet-cifar10"):
    return network(alpha, seed, name, K=10)


def test_figure_1_keeps_the_place_of_what_was_not_run(recorded):
    lab = figures.Row(
        "an MLP", ("classes 0, 1, 2",), network(0.0), network(0.1), tuple("012"), (0, 1, 2))
    row = figures.figure_1_row(figures.FIGURE_1[0], lab)
    assert row.title == "AlexNet on CIFAR-10" and "not run here" in row.notes[0]
    assert "an MLP" in row.notes[1] and row.hard is lab.hard


def test_figure_1_prefers_the_papers_schedule(recorded):
    whole = [ten(alpha) for alpha in (0.0, 0.1, 0.3)]
    recorded(*(ten(alpha, name="compact/alexnet-cifar10") for alpha in (0.0, 0.1)), *whole)
    row = figures.figure_1_row(figures.FIGURE_1[0], None)
    assert row.names == ("airplane", "automobile", "bird") and row.classes == (0, 1, 2)
    assert (row.hard, row.smoothed) == (whole[0], whole[1])
    assert row.notes == ("the paper's full schedule", "●\xa0airplane, ■\xa0automobile, ▲\xa0bird")


def test_figure_1_says_what_stands_in_and_its_scale(recorded):
    recorded(*(network(alpha, name="compact/resnet20-cifar100", K=100) for alpha in (0.0, 0.1)))
    row = figures.figure_1_row(figures.FIGURE_1[1], None)
    assert row.notes == ("here ResNet-20 on CIFAR-100",
                         "10,000 images of 32×32, 60 epochs",
                         "●\xa0beaver, ■\xa0dolphin, ▲\xa0otter")


def test_a_pair_is_of_one_seed_and_keeps_training_examples():
    runs = [ten(0.0, 0), ten(0.1, 1), ten(0.0, 2), ten(0.3, 2), ten(0.12, 3)]
    assert figures.planar_pair(runs, 0.1) == (runs[2], runs[3])
    del runs[3].arrays["train_logits"]
    assert figures.planar_pair(runs, 0.1) is None


def test_twenty_classes_have_names_and_are_those_that_runs_keep():
    names = figures.class_names(network(0.0, name="compact/resnet20-cifar100", K=100))
    assert set(names) == set(KEPT["cifar100"]) and names[4] == "beaver"
    assert sorted(names.values()) == [names[k] for k in sorted(names)]


@pytest.mark.parametrize("name, words", [
    ("lab/mlp-mnist1d", "our full schedule"),
    ("paper/alexnet-cifar10", "the paper's full schedule"),
    ("compact/alexnet-cifar10", "40,000 images of 32×32, 40 epochs"),
    ("compact/teacher-cifar10", "5,000 images of 16×16, 90 epochs"),
])
def test_scale_in_words(name, words):
    assert in_words(recipes.named(name)) == words


def test_figure_1_in_numbers_agrees_with_the_activations():
    row = figures.Row("title", ("note",), network(0.0), network(0.1), ("a", "b", "c"), (0, 1, 2))
    hard, smoothed = (
        geometry(in_plane(run, "train", [0, 1, 2]), np.repeat(range(3), EACH),
                 project(run.arrays["templates"][:3], plane(run.arrays["templates"][:3])))
        for run in (row.hard, row.smoothed))
    frame = figures.figure_1_table([row, row])
    assert frame.columns.tolist() == ["hard → smoothed", "row 1", "row 2"]
    column = frame.set_index("hard → smoothed")["row 2"]
    assert column["distance"] == f"{hard.centre_distance:.2f}\xa0→ {smoothed.centre_distance:.2f}"
    assert column["spread / distance"] == f"{hard.ratio:.2f}\xa0→ {smoothed.ratio:.2f}"
    assert column["unevenness"] == (
        f"{hard.simplex_deviation:.2f}\xa0→ {smoothed.simplex_deviation:.2f}")
    tighter = int(round(smoothed.ratio, 2) < round(hard.ratio, 2))
    told = figures.figure_1_told([row, row])
    assert f"tighter for their distance in {2 * tighter};" in told and "of 2 rows" in told


def test_a_change_that_is_not_printed_is_not_counted():
    hard, smoothed = network(0.0), network(0.1)
    smoothed.arrays |= {name: hard.arrays[name] for name in hard.arrays}
    w = hard.arrays["templates"].copy()
    w[0] += 1e-4 * (w[1] + w[2] - 2 * w[0])
    hard.arrays = hard.arrays | {"templates": w}
    row = figures.Row("", (), hard, smoothed, ("a", "b", "c"), (0, 1, 2))
    even, uneven = sorted(figures.unevenness(run, row.classes) for run in (hard, smoothed))
    assert even < uneven and f"{even:.2f}" == f"{uneven:.2f}"
    for swapped in (row, figures.Row("", (), smoothed, hard, row.names, row.classes)):
        assert "more regular in 0, and" in figures.figure_1_told([swapped])


def test_the_arc_is_the_number_of_the_claims_page():
    row = figures.figure_1_row(figures.FIGURE_1[3], None)
    assert tuple(row.classes) == checks.TRIOS[row.hard.recipe.dataset]
    told = figures.arc_told(row)
    trio = checks.TRIOS[row.hard.recipe.dataset]
    hard, smoothed = (checks.arc(run, "train", trio) for run in (row.hard, row.smoothed))
    assert f"it: {hard:.2f} → {smoothed:.2f} in training" in told
    assert f"α = {row.smoothed.recipe.alpha:g}" in told


def test_accuracy_is_compared_seed_by_seed_at_the_nearest_alpha():
    runs = [network(0.0, 0), network(0.1, 0), network(0.0, 1), network(0.1, 1), network(0.3, 1)]
    runs[1].metrics["val_accuracy"] = 0.75
    told = figures.accuracy_told(runs, 0.12)
    assert told.endswith("α = 0.1: +2.5 (2 seeds: −5.0 to +10.0)")
    assert figures.accuracy_told(runs[2:4], 0.1).endswith("α = 0.1: +10.0 (one seed)")


def test_signs_are_counted_where_there_are_seeds_to_differ():
    def family(*gains):
        runs = [network(alpha, seed) for seed in range(len(gains)) for alpha in (0.0, 0.1)]
        for run in runs:
            run.metrics["val_accuracy"] = 0.8 + gains[run.recipe.seed] * (run.recipe.alpha > 0)
        return runs

    told = figures.accuracy_signs_told(
        [family(0.01, 0.02), family(0.01, -0.01, 0.02), family(-0.1, -0.2), family(0.3)], 0.1)
    assert told.startswith("Of 3 experiments")
    assert "in every seed of 1 and lowers it in every seed of 1; in 1 the seeds differ" in told


def test_geometry_is_told_at_the_nearest_alpha():
    runs = [network(alpha) for alpha in (0.0, 0.1, 0.3)]
    for run, nc1 in zip(runs, (2.0, 1.0, 1.5)):
        run.metrics |= {"ratio": nc1 / 4, "nc1": nc1, "simplex_deviation": 0.1}
    told = figures.geometry_told(runs, 0.15)
    assert "to α = 0.1: spread / distance from 0.50 to 0.25; NC1 from 2.00 to 1.00" in told
    assert "NC1 is least at α = 0.1 (1.00): beyond it" in told
    assert "least at α = 0.1 (1.00), the largest" in figures.geometry_told(runs[:2], 0.15)


def test_accuracy_table_shows_paper_beside_ours(recorded):
    recorded(*(network(alpha, seed) for alpha in (0.0, 0.1, 0.25) for seed in (0, 1)),
             *(network(alpha, name="compact/resnet20-cifar100") for alpha in (0.0, 0.1)))
    table = figures.accuracy_table(alpha=0.25).set_index("network")
    assert table.loc["AlexNet on CIFAR-10", "α = 0: paper"] == "86.8 ± 0.2 %"
    assert table.loc["AlexNet on CIFAR-10", "α = 0: ours"] == "not yet run"
    lab = "MLP on MNIST-1D (lab); ours: our full schedule, 2 seeds"
    assert table.loc[lab, "α = 0: ours"] == "80.5 % (80.0–81.0)"
    substitute = ("ResNet-56 on CIFAR-100; ours: ResNet-20 on CIFAR-100, 10,000 images of 32×32, "
                  "60 epochs, 1 seed")
    assert table.loc[substitute, "α = 0.1: paper"] == "72.7 ± 0.3 %"
    assert "α = 0.25: ours" in table and "α = 0.25: paper" not in table


def trained(alpha):
    """A network that was another one at the first three moments of its training, and these."""
    earlier = [network(alpha, seed) for seed in (1, 2, 3)]
    run = network(alpha)
    run.history = {"epoch": list(range(1, 6))}
    run.arrays["snapshot_epoch"] = np.array([0, 1, 3])
    for name in ("templates", "train_logits", "val_logits"):
        run.arrays[f"snapshot_{name}"] = np.stack([each.arrays[name] for each in earlier])
    return run, earlier


def test_growth_is_that_of_the_activations():
    (hard, hard_then), (smoothed, smoothed_then) = trained(0.0), trained(0.1)
    assert figures.show_growth(hard, smoothed)
    said = figures.growth_told(hard, smoothed)
    assert "after epochs 1, 3 and 5" in said

    def told(runs, name):
        values = []
        for run in runs:
            w = run.arrays["templates"][:3]
            y = run.arrays["train_targets"]
            x = in_plane(run, "train", (0, 1, 2))
            values.append(getattr(geometry(x, y[y < 3], project(w, plane(w))), name))
        return " → ".join(f"{value:.2f}" for value in values)

    hard_path, smoothed_path = [*hard_then[1:], hard], [*smoothed_then[1:], smoothed]
    distance = [told(path, "centre_distance") for path in (hard_path, smoothed_path)]
    ratio = [told(path, "ratio") for path in (hard_path, smoothed_path)]
    assert f"{distance[0]} apart with hard targets, {distance[1]} with α = 0.1" in said
    assert f"spread over distance is {ratio[0]} and {ratio[1]}." in said


def test_growth_needs_the_same_moments_of_both():
    (hard, _), (smoothed, _) = trained(0.0), trained(0.1)
    smoothed.arrays["snapshot_epoch"] = np.array([0, 2, 3])
    assert not figures.show_growth(hard, smoothed)
    for run in (hard, smoothed):
        run.arrays["snapshot_epoch"] = np.array([0, 1])
    assert not figures.show_growth(hard, smoothed)
    del hard.arrays["snapshot_epoch"], smoothed.arrays["snapshot_epoch"]
    assert not figures.show_growth(hard, smoothed)
