"""Verdicts on made-up runs whose right verdict is known."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from lsbook import ledger, paper, recipes
from lsbook.ledger.effects import Reading, effect

deviating = import_module("lsbook.ledger.deviations")

MLP = "lab/mlp-mnist1d"
TEXT = "lab/transformer-grammar"
RESNET = "paper/resnet56-cifar100"
SEEDS = (0, 1, 2)


def run(name, alpha=0.0, seed=0, history=None, arrays=None, distil=None, scale=None, size=None,
        **metrics):
    changes = {"scale": scale, "size": size}
    changes = {key: value for key, value in changes.items() if value is not None}
    recipe = recipes.named(name, alpha=alpha, seed=seed, distil=distil, **changes)
    return SimpleNamespace(
        recipe=recipe, metrics=metrics, history=history or {}, arrays=arrays or {})


def pairs(name, metric, hard, smoothed, alpha=0.1, **changes):
    """One hard and one smoothed run a seed, that kept no examples."""
    return [run(name, a, seed, **{metric: value}, **changes)
            for a, values in ((0.0, hard), (alpha, smoothed)) for seed, value in enumerate(values)]


def verdict(claim, runs, recipe):
    rows = [row for row in ledger.verdicts([paper.claim(claim)], runs) if row.recipe == recipe]
    assert len(rows) == 1
    return rows[0]


def status(claim, runs, recipe):
    return verdict(claim, runs, recipe).status


# Effects and their intervals


def of_values(*values, **bounds):
    return effect("x", {seed: Reading(value) for seed, value in enumerate(values)}, **bounds)


@pytest.mark.parametrize("values, word", [
    ((0.02, 0.021, 0.019), "held"),
    ((-0.02, -0.021, -0.019), "not"),
    ((0.03, -0.01, 0.02), "leans for"),
    ((-0.03, 0.01, -0.02), "leans against"),
    ((0.02, 0.02), "leans for"),
    ((0.02,), "leans for"),
    ((-0.5,), "leans against"),
    ((0.0, 0.0, 0.0), "cannot tell"),
    ((-8.7e-18, -8.7e-18, -8.7e-18), "cannot tell"),
    ((8.7e-18, 0.0, 0.0), "cannot tell"),
])
def test_a_verdict_is_where_the_interval_lies(values, word):
    assert ledger.judge([of_values(*values)]) == word


@pytest.mark.parametrize("values, word", [
    ((0.001, -0.002, 0.001), "held"),
    ((0.009, 0.012, 0.003), "leans for"),
    ((0.011, 0.012, 0.013), "leans against"),
    ((0.030, 0.031, 0.032), "not"),
    ((-0.030, -0.031, -0.032), "not"),
])
def test_alike_is_two_one_sided_tests(values, word):
    assert ledger.judge([of_values(*values, least=-0.01, most=0.01)]) == word


def test_a_claim_holds_if_every_condition_does_and_fails_if_any_does():
    good, bad, weak = (of_values(*v) for v in ((1, 1.1, 0.9), (-1, -1.1, -0.9), (1, -0.5, 0.5)))
    assert ledger.judge([good, good]) == "held"
    assert ledger.judge([good, bad]) == "not"
    assert ledger.judge([good, weak]) == "leans for"
    assert ledger.judge([good, of_values(-1.0)]) == "leans against"


def test_one_of_many_conditions_must_fail_more_surely():
    values = (-0.2, -0.5, -0.8)
    assert stats.ttest_1samp(values, 0).pvalue == pytest.approx(0.1, abs=0.03)
    near = of_values(-0.35, -0.5, -0.65)
    assert stats.ttest_1samp((-0.35, -0.5, -0.65), 0).pvalue == pytest.approx(0.028, abs=0.002)
    assert ledger.judge([near]) == "not"
    assert ledger.judge([near, of_values(1, 1.1, 0.9)]) == "leans against"


@pytest.mark.parametrize("values", [(0.3, 0.5, 0.7), (0.1, 0.2, 0.9, 0.4, 0.3)])
def test_without_examples_the_interval_is_student_s(values):
    shown = of_values(*values).interval
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert (shown.low, shown.high) == pytest.approx((low, high), abs=0.02 * (high - low))


def test_accuracies_of_one_seed_are_paired_by_example():
    # 80 and 85 % right; the examples that only one network has right are 5 %, not independent.
    n = 2000
    first, second = np.arange(n) < 0.85 * n, np.arange(n) < 0.80 * n
    difference = Reading.mean(first, 1) - Reading.mean(second, 1)
    shown = effect("x", {0: difference}).interval
    half = 1.96 * np.sqrt(0.05 * 0.95 / n)
    assert shown.estimate == pytest.approx(0.05)
    assert (shown.low, shown.high) == pytest.approx((0.05 - half, 0.05 + half), abs=0.0015)


def test_seeds_that_share_their_examples_share_their_luck():
    """The same network three times: on one set of images no surer than once, on three sets is."""
    right = np.random.default_rng(0).random(3000) < 0.7
    widths = []
    for splits in ((1, 1, 1), (1, 2, 3)):
        shown = effect("x", {s: Reading.mean(right, split) for s, split in enumerate(splits)})
        widths.append(shown.interval.high - shown.interval.low)
    once = 2 * 1.96 * np.sqrt(0.21 / 3000)
    assert widths == pytest.approx([once, once / np.sqrt(3)], rel=0.06)


def test_readings_on_other_examples_cannot_be_paired():
    mine, theirs = Reading.mean([1, 0, 1], 1), Reading.mean([1, 0, 1], 2)
    assert (mine - theirs).influence is None and (mine - mine).influence is not None


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("between", [0.0, 0.02])
def test_an_interval_holds_the_truth_as_often_as_it_says(own, between):
    """Networks whose accuracies differ by 0.05 on average, by luck of the seed and of images."""
    rng, truth, n, held, sets = np.random.default_rng(3), 0.05, 400, 0, 120
    for repeat in range(sets):
        shared = rng.random(n)
        readings = {}
        for seed in SEEDS:
            hard = rng.random(n) if own else shared
            gain = truth + between * rng.normal()
            mine = np.where(rng.random(n) < 0.5, hard, rng.random(n)) < 0.7 + gain
            readings[seed] = (Reading.mean(mine, 10 * repeat + own * seed)
                              - Reading.mean(hard < 0.7, 10 * repeat + own * seed))
        shown = effect("x", readings).interval
        held += shown.low <= truth <= shown.high
    assert held / sets >= 0.92


# Overall, scope, order


def test_overall_takes_the_longest_run_of_each_recipe():
    def row(recipe, status):
        return ledger.Verdict(id="x", status=status, recipe=recipe)

    def of(*statuses):
        return ledger.overall([row(str(i), status) for i, status in enumerate(statuses)])

    assert ledger.overall([row("a", "held"), row("a", "not"), row("b", "held")]) == "held"
    assert of("reproduced", "held") == "held"
    assert of("held", "leans for") == "leans for"
    assert of("held", "not") == "mixed"
    assert of("held", "leans against") == "leans for"
    assert of("leans for", "not") == "leans against"
    assert of("leans for", "leans against") == "cannot tell"
    assert of("not", "leans against") == "leans against"
    assert of("not", "cannot tell") == "not"
    assert of("not yet run", "cannot tell") == "cannot tell"
    assert of("not yet run", "not yet run") == "not yet run"
    assert of("not checked") == "not checked"


def test_a_claim_is_decided_where_the_paper_makes_it():
    def row(recipe, status):
        return ledger.Verdict(id="x", status=status, recipe=recipe,
                              claimed=recipe != "paper/alexnet-cifar10" and "lab" not in recipe)

    rows = [row("paper/alexnet-cifar10", "not"), row("paper/resnet56-cifar100", "cannot tell"),
            row("compact/resnet20-cifar100", "leans for"), row(MLP, "held")]
    assert [r.recipe for r in ledger.best(rows)] == ["compact/resnet20-cifar100"]
    assert {r.status for r in ledger.best(rows[:2] + rows[3:])} == {"cannot tell"}


@pytest.mark.parametrize("claim, recipe, claimed", [
    ("smoothing-lowers-ece", "paper/alexnet-cifar10", False),
    ("smoothing-lowers-ece", "compact/alexnet-cifar10", False),
    ("smoothing-lowers-ece", "paper/resnet56-cifar100", True),
    ("smoothing-lowers-ece", "compact/teacher-cifar10", True),
    ("tight-clusters", "compact/teacher-cifar10", True),
    ("tight-clusters", "compact/alexnet-cifar10", True),
    ("accuracy-better", "paper/alexnet-cifar10", False),
    ("teacher-improves", "compact/teacher-cifar10", True),
    ("teacher-improves", "lab/teacher-mnist1d", False),
    ("mi-ends-above-log2", "compact/teacher-cifar10", True),
    ("translation-nll", "paper/transformer-multi30k", True),
    ("translation-nll", "lab/transformer-sizes", False),
])
def test_scope(claim, recipe, claimed):
    rows = [row for row in ledger.verdicts([paper.claim(claim)]) if row.recipe == recipe]
    assert [row.claimed for row in rows] == [claimed]


def test_recipes_stand_in_the_order_of_presets_and_exist():
    for check in ledger.CHECKS.values():
        names = [name for name in check.recipes if check.is_claimed_for(name)]
        order = [ledger.PRESETS.index(name.split("/")[0]) for name in names]
        assert order == sorted(order) and set(check.recipes) <= recipes.CATALOGUE.keys()


def test_every_claim_has_a_row_and_every_check_a_claim():
    rows = ledger.verdicts()
    assert {row.id for row in rows} == {claim.id for claim in paper.CLAIMS}
    assert {row.status for row in rows} == {"not yet run", "not checked"}
    assert all(row.note for row in rows if row.status == "not checked")
    ids = {claim.id for claim in paper.CLAIMS}
    assert ledger.CHECKS.keys() | ledger.UNCHECKED.keys() == ids
    assert not ledger.CHECKS.keys() & ledger.UNCHECKED.keys()
    assert all(check.rule.endswith(".") for check in ledger.CHECKS.values())


def test_what_held_in_one_sentence():
    assert ledger.in_a_sentence(ledger.verdicts()) == (
        "Of the paper's 31 claims 0 held and 31 are not run.")
    runs = pairs("compact/alexnet-cifar10", "val_accuracy", (0.8, 0.8, 0.8), (0.8, 0.8, 0.8))
    runs += pairs("paper/transformer-multi30k", "bleu", (39, 39.1, 39.2), (38, 38.1, 38.2))
    found = ledger.verdicts(runs=runs)
    assert ledger.in_a_sentence(found) == (
        "Of the paper's 31 claims 1 held, 1 did not hold and 29 are not run.")
    assert ledger.counts(found)["held"] == 1


# Groups of runs


@pytest.mark.parametrize("runs", [
    [],
    pairs(MLP, "val_accuracy", (0.8, 0.8), ()),
    pairs(MLP, "val_ece", (0.8, 0.8), (0.8, 0.8)),
    pairs(MLP, "val_accuracy", (None, None), (0.1, 0.1)),
])
def test_missing_runs_or_metrics_are_not_yet_run(runs):
    row = verdict("accuracy-better", runs, MLP)
    assert (row.status, row.ours, row.ran, row.seeds) == ("not yet run", (), None, ())


def test_a_verdict_carries_scale_seeds_spread_and_interval():
    runs = pairs(RESNET, "val_accuracy", (0.70, 0.71, 0.72), (0.74, 0.75, 0.76), scale=0.25)
    row = verdict("accuracy-better", runs, RESNET)
    assert (row.status, row.ran.scale, row.preset) == ("held", 0.25, "paper")
    hard, smoothed = row.ours
    assert (hard.low, hard.high, hard.label) == (0.70, 0.72, "α = 0")
    assert smoothed.mean == pytest.approx(0.75) and smoothed.label == "α = 0.1"
    (gain,) = row.effects
    assert (gain.estimate, gain.seeds) == (pytest.approx(0.04), SEEDS) == (row.effects[0].estimate,
                                                                           row.seeds)
    assert set(row.runs) == {r.recipe.hash for r in runs}


def test_only_seeds_of_both_are_compared():
    runs = pairs(MLP, "val_accuracy", (0.8, 0.8, 0.8, 0.8), (0.9, 0.9, 0.9))
    runs.append(run(MLP, 0.1, seed=3))
    row = verdict("accuracy-better", runs, MLP)
    assert (row.status, row.seeds) == ("held", (0, 1, 2))


def test_each_scale_is_a_row_of_its_own_largest_first():
    runs = (pairs(MLP, "val_accuracy", (0.8,) * 3, (0.7,) * 3, scale=0.5)
            + pairs(MLP, "val_accuracy", (0.8,) * 3, (0.9,) * 3))
    rows = [row for row in ledger.verdicts([paper.claim("accuracy-better")], runs)
            if row.recipe == MLP]
    assert [(row.ran.scale, row.status) for row in rows] == [(1.0, "held"), (0.5, "not")]


def test_the_largest_text_comes_first():
    name = "lab/transformer-sizes"
    runs = [r for n, worse in ((1500, -0.1), (12_000, 0.1), (4000, 0.0)) for r in (
        SimpleNamespace(**vars(r) | {"recipe": r.recipe.with_(sentences=n)})
        for r in pairs(name, "val_nll", (0.3, 0.3, 0.3), (0.3 + worse,) * 3))]
    rows = [row for row in ledger.verdicts([paper.claim("translation-nll")], runs)
            if row.recipe == name]
    assert [(row.ran.sentences, row.status) for row in rows] == [
        (12_000, "held"), (4000, "cannot tell"), (1500, "not")]


def test_networks_of_another_size_do_not_mix():
    wide = pairs(MLP, "val_accuracy", (0.8, 0.8), ())
    narrow = pairs(MLP, "val_accuracy", (), (0.9, 0.9), size=(("hidden", (8,)),))
    assert status("accuracy-better", wide + narrow, MLP) == "not yet run"


def test_order_of_runs_does_not_matter():
    runs = pairs(MLP, "val_accuracy", (0.8, 0.81, 0.8), (0.83, 0.8, 0.82))
    assert ledger.verdicts(runs=runs) == ledger.verdicts(runs=runs[::-1])


# Classifiers that kept their validation examples


def predictions(confidence, correct, classes=10):
    """Logits and targets; class after class is the target, the predicted one or the one before."""
    targets = np.arange(len(confidence)) % classes
    predicted = (targets + ~np.asarray(correct)) % classes
    logits = np.zeros((len(targets), classes))
    logits[np.arange(len(targets)), predicted] = np.log(
        confidence * (classes - 1) / (1 - confidence))
    return dict(val_logits=logits, val_targets=targets)


def classifier(name, alpha, seed, accuracy, confident, n=12_000, **metrics):
    """A network of this accuracy whose confidences lie ``confident`` above it, ± 0.02."""
    correct = (np.arange(n) * 7919 % n) < accuracy * n
    jitter = np.random.default_rng(seed).uniform(-0.02, 0.02, n)
    confidence = np.clip(accuracy + confident + jitter, 0.2, 0.9999)
    metrics = {"val_ece": abs(confident), "ece_at_optimal_T": 0.02, "optimal_T": 1.0} | metrics
    return run(name, alpha, seed, arrays=predictions(confidence, correct), **metrics)


def classifiers(name, hard, smoothed, alpha=0.05, seeds=SEEDS):
    """Hard and smoothed networks of (accuracy, over-confidence)."""
    return [classifier(name, a, seed, *of)
            for a, of in ((0.0, hard), (alpha, smoothed)) for seed in seeds]


CLAIMS_ON_ECE = ("temperature-lowers-ece", "smoothing-lowers-ece", "smoothing-like-temperature")


def test_an_over_confident_network_that_smoothing_mends():
    runs = classifiers(MLP, hard=(0.7, 0.2), smoothed=(0.7, 0.0))
    for claim in ("hard-overconfident", *CLAIMS_ON_ECE):
        assert status(claim, runs, MLP) == "held", claim
    worse = verdict("smoothing-lowers-ece", runs, MLP).effects[0]
    assert worse.estimate == pytest.approx(0.2, abs=0.01)


def test_smoothing_that_makes_it_worse():
    runs = classifiers(MLP, hard=(0.7, 0.05), smoothed=(0.7, -0.2))
    assert status("hard-overconfident", runs, MLP) == "held"
    assert status("smoothing-lowers-ece", runs, MLP) == "not"
    assert status("smoothing-like-temperature", runs, MLP) == "not"


def test_smoothing_that_helps_but_not_as_much_as_temperature():
    runs = classifiers(MLP, hard=(0.7, 0.2), smoothed=(0.7, 0.1))
    assert status("smoothing-lowers-ece", runs, MLP) == "held"
    assert status("smoothing-like-temperature", runs, MLP) == "not"


@pytest.mark.parametrize("bold", [0.0, -0.1])
def test_calibration_is_not_asked_of_a_network_that_is_not_over_confident(bold):
    runs = classifiers(MLP, hard=(0.7, bold), smoothed=(0.7, -0.2))
    for claim in CLAIMS_ON_ECE:
        row = verdict(claim, runs, MLP)
        assert row.status == "cannot tell" and "not surely over-confident: T = " in row.note
    assert status("hard-overconfident", runs, MLP) in ("leans against", "leans for", "not")


def test_the_best_temperature_is_the_one_that_was_planted():
    """Labels drawn from the network's own probabilities at T = 2."""
    rng = np.random.default_rng(0)
    logits = 3 * rng.normal(size=(20_000, 5))
    p = np.exp(logits / 2)
    targets = (p.cumsum(1) < rng.random((len(p), 1)) * p.sum(1, keepdims=True)).sum(1)
    runs = [run(MLP, 0.0, seed, arrays=dict(val_logits=logits[part], val_targets=targets[part]))
            for seed, part in enumerate(np.split(np.arange(len(logits)), 4))]
    (shown,) = verdict("hard-overconfident", runs, MLP).effects
    assert shown.low < 2 < shown.high and shown.high - shown.low < 0.2
    assert status("hard-overconfident", runs, MLP) == "held"


def test_accuracies_are_paired_over_examples_and_seeds():
    runs = classifiers(MLP, hard=(0.70, 0.1), smoothed=(0.72, 0.0), alpha=0.1)
    (gain,) = verdict("accuracy-better", runs, MLP).effects
    half = 1.96 * np.sqrt(0.02 / 12_000)
    assert (gain.estimate, gain.low) == pytest.approx((0.02, 0.02 - half), abs=0.0006)
    assert status("accuracy-similar", runs, MLP) == "not"
    same = classifiers(MLP, hard=(0.70, 0.1), smoothed=(0.702, 0.0), alpha=0.1)
    assert status("accuracy-similar", same, MLP) == "held"


def ranked(alpha, seed, right, wrong):
    """Right and wrong predictions with these logits of the predicted class, one other, and 0."""
    logits = np.array([[*pair, 0.0] for pair in (*right, *wrong)])
    order = np.argsort(np.tile(np.arange(len(logits) // 4), 4), kind="stable")
    targets = np.array([0] * len(right) + [2] * len(wrong))
    return run(MLP, alpha, seed, arrays=dict(val_logits=logits[order], val_targets=targets[order]))


def test_selective_classification_with_the_published_repair():
    """With smoothing the right are no surer than the wrong; only their logits' shape tells."""
    rng = np.random.default_rng(0)

    def shaped(size, second):
        return np.stack([size, second * size], 1)

    small, large = rng.uniform(1, 2, 400), rng.uniform(3, 4, 400)
    runs = []
    for seed in SEEDS:
        runs.append(ranked(0.0, seed, shaped(large, 0), shaped(small, 0)))
        runs.append(ranked(0.1, seed, shaped(small, 0), shaped(2 * small, 0.5)))
    row = verdict("selective-classification", runs, MLP)
    hard, smoothed, repaired = (spread.mean for spread in row.ours)
    assert hard == 1 and smoothed < 0.5 and repaired == 1
    assert row.status == "held"


def test_where_no_norm_helps_the_plain_score_stays_and_a_tie_decides_nothing():
    rng = np.random.default_rng(0)
    right, wrong = rng.uniform(0, 3, (400, 1)), rng.uniform(0, 2, (400, 1))
    runs = [ranked(a, s, np.pad(right, ((0, 0), (0, 1))), np.pad(wrong, ((0, 0), (0, 1))))
            for a in (0.0, 0.1) for s in SEEDS]
    row = verdict("selective-classification", runs, MLP)
    assert row.status == "cannot tell"
    assert [e.estimate for e in row.effects] == pytest.approx([0, 0], abs=0.02)


# Clusters


def clusters(alpha, seed, tight, val_tight=None, inward=0.0, corners=None, name=MLP):
    """Three classes in the plane of three templates, Gaussian around the corners of a triangle."""
    rng = np.random.default_rng(seed)
    corners = np.array([[0, 0], [6, 0], [3, 5.196]] if corners is None else corners, float)
    templates = np.column_stack([corners - corners.mean(0), np.zeros(3)])

    def logits(width, inward):
        centres = corners + inward * (corners.mean(0) - corners)
        points = np.repeat(centres, 200, 0) + width * rng.normal(size=(600, 2))
        return np.column_stack([points, np.ones(600)]) @ templates.T

    targets = np.repeat(np.arange(3), 200)
    arrays = dict(train_logits=logits(tight, 0), train_targets=targets, templates=templates,
                  val_logits=logits(val_tight or tight, inward), val_targets=targets)
    return run(name, alpha, seed, arrays=arrays, nc1=0.1, ratio=0.5 + alpha)


def both(hard, smoothed, **name):
    return [clusters(a, s, **of, **name)
            for a, of in ((0.0, hard), (0.1, smoothed)) for s in SEEDS]


def test_tight_clusters_in_the_plane():
    runs = both({"tight": 1.0}, {"tight": 0.3})
    row = verdict("tight-clusters", runs, MLP)
    assert row.status == "held"
    assert [s.mean for s in row.ours] == pytest.approx([np.sqrt(2) / 6, 0.3 * np.sqrt(2) / 6],
                                                       rel=0.05)
    assert "in all dimensions: 0.5 → 0.6, which disagrees" in row.note and "NC1: 0.1 → 0.1" in (
        row.note)
    assert status("tight-clusters", both({"tight": 0.3}, {"tight": 1.0}), MLP) == "not"


def test_regular_triangles_and_their_size():
    right_angle = [[0, 0], [8, 0], [0, 3]]
    runs = both({"tight": 0.5, "corners": right_angle}, {"tight": 0.5})
    row = verdict("regular-triangle", runs, MLP)
    sides = np.array([8, 3, np.hypot(8, 3)])
    assert row.ours[0].mean == pytest.approx(sides.std() / sides.mean(), rel=0.05)
    assert row.ours[1].mean < 0.03 and row.status == "held"
    assert verdict("larger-scale", runs, MLP).ours[0].mean == pytest.approx(sides.mean(), rel=0.03)
    assert status("larger-scale", runs, MLP) == "held"


def test_validation_spreads_to_the_centre_and_not_elsewhere():
    spread = {"tight": 0.3, "val_tight": 1.0, "inward": 0.2}
    row = verdict("validation-spread", both({"tight": 1.0}, spread), MLP)
    assert row.status == "held" and row.ours[0].mean == pytest.approx(0.2, abs=0.03)
    radius = 6 / np.sqrt(3)
    assert row.ours[1].mean == pytest.approx(0.7 / radius, rel=0.1)
    outward = {"tight": 0.3, "val_tight": 1.0, "inward": -0.2}
    assert status("validation-spread", both({"tight": 1.0}, outward), MLP) == "not"
    wider_alone = {"tight": 0.3, "val_tight": 1.0, "inward": 0.0}
    assert status("validation-spread", both({"tight": 1.0}, wider_alone), MLP) not in ("held",)


def test_more_classes_than_three_are_seen_in_every_plane():
    """Ten classes at the corners of a simplex, with noise of one size in each direction."""
    def runs_of(size, alpha):
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            targets = np.repeat(np.arange(10), 100)
            x = 10 * np.eye(10)[targets] + size * rng.normal(size=(1000, 10))
            yield run("compact/alexnet-cifar10", alpha, seed, arrays=dict(
                train_logits=x, train_targets=targets, val_logits=x, val_targets=targets,
                templates=np.column_stack([np.eye(10), np.zeros(10)])))

    runs = [*runs_of(2.0, 0.0), *runs_of(1.0, 0.1)]
    hard, smoothed = verdict("tight-clusters", runs, "compact/alexnet-cifar10").ours
    distance = 10 * np.sqrt(2)
    assert hard.mean == pytest.approx(2 * np.sqrt(2) / distance, rel=0.03)
    assert smoothed.mean == pytest.approx(np.sqrt(2) / distance, rel=0.03)


def test_logit_gap_variation_of_known_noise():
    runs = [clusters(a, s, tight) for a, tight in ((0.0, 1.0), (0.1, 0.1)) for s in SEEDS]
    assert status("gap-constant", runs, MLP) == "held"
    assert status("gap-constant", [clusters(0.1 - a, s, 1 - 9 * a) for a in (0.0, 0.1)
                                   for s in SEEDS], MLP) == "not"


def looks_alike(alpha, seed, points):
    """Two classes at these points of the plane of three templates, the third class at 0."""
    rng = np.random.default_rng(seed)
    templates = np.zeros((10, 3))
    templates[[3, 5, 8], :2] = [[10, 3], [10, -3], [0, 0]]
    logits, targets = [], []
    for label, cloud in zip((3, 5, 8), (*points(rng), 0.3 * rng.normal(size=(200, 2)))):
        logits.append(np.column_stack([cloud, np.ones(200)]) @ templates.T)
        targets += [label] * 200
    arrays = dict(train_logits=np.concatenate(logits), train_targets=np.array(targets),
                  val_logits=np.zeros((1, 10)), templates=templates)
    return run("compact/alexnet-cifar10", alpha, seed, arrays=arrays)


def on_circle(rng, angle, width, thin):
    angles, r = angle + width * rng.normal(size=200), 10 + thin * rng.normal(size=200)
    return np.stack([r * np.cos(angles), r * np.sin(angles)], 1)


def on_line(rng, middle, width, thin):
    return np.stack([9.5 + thin * rng.normal(size=200), middle + width * rng.normal(size=200)], 1)


CLOUDS = (lambda rng: (on_circle(rng, 0.3, 0.1, 1.0), on_circle(rng, -0.3, 0.1, 1.0)))


@pytest.mark.parametrize("smoothed, word", [
    (lambda rng: (on_circle(rng, 0.4, 0.3, 0.1), on_circle(rng, -0.4, 0.3, 0.1)), "held"),
    (lambda rng: (on_line(rng, 3, 2, 0.1), on_line(rng, -3, 2, 0.1)), "not"),
    (lambda rng: (on_circle(rng, 0.1, 0.05, 0.2), on_circle(rng, -0.1, 0.05, 0.2)), "cannot tell"),
])
def test_an_arc_is_told_from_a_string(smoothed, word):
    name = "compact/alexnet-cifar10"
    runs = [looks_alike(a, s, of) for a, of in ((0.0, CLOUDS), (0.1, smoothed)) for s in SEEDS]
    row = verdict("similar-arc", runs, name)
    assert row.status == word
    assert ("straight line" in row.note) == (word == "cannot tell")


# Translation

TEMPERATURES = np.array([0.6, 0.8, 1.0, 1.2, 1.4, 1.6])


def bowl(best, least, width=1.0):
    """A curve over temperature with its least value, ``least``, at ``best``."""
    return least + width * (TEMPERATURES - best) ** 2


def translator(alpha, seed, bleu, ece, nll, name=TEXT):
    arrays = dict(curve_T=TEMPERATURES, curve_bleu=np.asarray(bleu) + 0.01 * seed,
                  curve_ece=np.asarray(ece), curve_nll=np.asarray(nll) + 0.001 * seed)
    return run(name, alpha, seed, arrays=arrays, val_ece=float(ece[2]), val_nll=float(nll[2]))


def translators(hard, smoothed):
    return [translator(a, s, **of) for a, of in ((0.0, hard), (0.1, smoothed)) for s in SEEDS]


HARD = dict(bleu=-bowl(1.25, -25.3), ece=bowl(1.25, 0.02), nll=bowl(1.1, 1.5))
SMOOTHED = dict(bleu=-bowl(1.0, -25.8), ece=bowl(1.05, 0.02), nll=bowl(0.9, 1.6))
FIGURE_4 = ("translation-ece", "translation-nll", "nll-every-temperature",
            "temperature-not-enough", "smoothed-best-near-one", "ece-predicts-bleu")


def test_figure_4_as_in_the_paper():
    runs = translators(HARD, SMOOTHED)
    for claim in FIGURE_4:
        assert status(claim, runs, TEXT) == "held", claim


def test_temperatures_are_read_between_the_ones_tried():
    best = verdict("ece-predicts-bleu", translators(HARD, SMOOTHED), TEXT).ours[2:]
    assert [spread.mean for spread in best] == pytest.approx([1.25, 1.1], abs=1e-6)


def test_figure_4_otherwise():
    runs = translators(HARD, dict(bleu=-bowl(1.35, -24), ece=bowl(0.7, 0.1),
                                  nll=bowl(0.9, 1.2)))
    for claim in FIGURE_4[1:5]:
        assert status(claim, runs, TEXT) == "not", claim


@pytest.mark.parametrize("T, word", [
    (0.9, "held"), (1.1, "held"), (0.75, "not"), (1.35, "not")])
def test_a_best_temperature_near_one_is_near_from_either_side(T, word):
    """Below 1 as well as above: a bound on T − 1 alone would pass 0.75."""
    runs = translators(HARD, SMOOTHED | dict(bleu=-bowl(T, -25.8)))
    assert status("smoothed-best-near-one", runs, TEXT) == word


@pytest.mark.parametrize("claim, change", [
    ("smoothed-best-near-one", (HARD, SMOOTHED | dict(bleu=-bowl(0.5, -25)))),
    ("ece-predicts-bleu", (HARD | dict(ece=bowl(1.8, 0.02)), SMOOTHED)),
    ("temperature-not-enough", (HARD | dict(nll=bowl(1.9, 1.5)), SMOOTHED)),
])
def test_the_edge_of_the_temperatures_tried_decides_nothing(claim, change):
    row = verdict(claim, translators(*change), TEXT)
    assert row.status == "cannot tell" and "edge of the temperatures tried" in row.note


def test_a_temperature_of_no_use_to_the_hard_network_does_not_count():
    """At 0.6 the hard NLL explodes above the smoothed one; nobody would use it there."""
    steep = HARD | dict(nll=bowl(1.1, 1.5, width=8.0))
    runs = translators(steep, SMOOTHED)
    assert steep["nll"][0] > SMOOTHED["nll"][0]
    assert status("nll-every-temperature", runs, TEXT) == "held"


def test_better_bleu_is_read_in_lower_case():
    runs = [run(TEXT, a, s, bleu=25 - a, bleu_lowercase=25 + a + 0.01 * s)
            for a in (0.0, 0.1) for s in SEEDS]
    row = verdict("translation-bleu", runs, TEXT)
    assert row.status == "held" and row.ours[1].mean == pytest.approx(25.11)


def test_words_in_planes():
    def words(alpha, seed, tight):
        found = clusters(alpha, seed, tight).arrays
        return run(TEXT, alpha, seed, arrays=dict(
            plane_logits=found["train_logits"], plane_targets=found["train_targets"],
            plane_templates=found["templates"]))

    tight = [words(a, s, 1 - 5 * a) for a in (0.0, 0.1) for s in SEEDS]
    loose = [words(a, s, 0.5 + 5 * a) for a in (0.0, 0.1) for s in SEEDS]
    assert status("translation-projection", tight, TEXT) == "held"
    assert status("translation-projection", loose, TEXT) == "not"


# Distillation

STUDENT, TEACHER = "lab/student-mnist1d", "lab/teacher-mnist1d"


def training(soft):
    """Outputs on training examples, all right, of a network of γ = ``soft``: 10/9 of 1 − p."""
    found = predictions(np.full(50, 1 - max(0.9 * soft, 1e-4)), np.ones(50, bool))
    return {"train_logits": found["val_logits"], "train_targets": found["val_targets"]}


def distilled(alone, hard_taught, smooth_taught, teachers, fits=1.0, student_fits=1.0, soft=0.0,
              seeds=SEEDS):
    """Runs of Figure 5: accuracies by α, by (T, γ), by (α, T, γ) and by α."""
    runs = []
    for seed in seeds:
        luck = 0.0005 * seed
        for alpha, accuracy in teachers.items():
            runs.append(run(TEACHER, alpha, seed, val_accuracy=accuracy + luck,
                            train_accuracy=fits, arrays=training(soft)))
        for alpha, accuracy in alone.items():
            runs.append(run(STUDENT, alpha, seed, val_accuracy=accuracy + luck,
                            train_accuracy=student_fits))
        lessons = {(0.0, T, gamma): a for (T, gamma), a in hard_taught.items()} | smooth_taught
        for (alpha, T, gamma), accuracy in lessons.items():
            teacher = recipes.named(TEACHER, alpha=alpha, seed=seed)
            distil = recipes.Distil(teacher=teacher, T=T)
            runs.append(run(STUDENT, 0.0, seed, distil=distil, val_accuracy=accuracy + luck,
                            gamma=gamma, train_accuracy=1.0))
    return runs


ALONE = {0.0: 0.80, 0.2: 0.79, 0.4: 0.77}
HARD_TAUGHT = {(1.0, 0.0): 0.805, (2.0, 0.2): 0.83, (4.0, 0.4): 0.84}
TEACHERS = {0.0: 0.90, 0.2: 0.91, 0.4: 0.92}
FIGURE_5 = distilled(ALONE, HARD_TAUGHT, {
    (0.2, 1.0, 0.2): 0.79, (0.4, 1.0, 0.4): 0.765, (0.2, 2.0, 0.3): 0.72}, TEACHERS)
UPSIDE_DOWN = distilled(
    {0.0: 0.80, 0.2: 0.85, 0.4: 0.86},
    {(1.0, 0.0): 0.70, (2.0, 0.2): 0.72, (4.0, 0.4): 0.71},
    {(0.2, 1.0, 0.2): 0.95, (0.4, 1.0, 0.4): 0.96, (0.2, 2.0, 0.3): 0.99},
    {0.0: 0.90, 0.2: 0.80, 0.4: 0.8})
CLAIMS_OF_FIGURE_5 = [
    ("teacher-improves", TEACHER), ("student-alone-hurt", STUDENT),
    ("hard-teacher-helps", STUDENT), ("smoothed-teacher-no-help", STUDENT),
    ("better-teacher-worse-student", STUDENT)]


@pytest.mark.parametrize("claim, recipe", CLAIMS_OF_FIGURE_5)
def test_figure_5(claim, recipe):
    assert status(claim, FIGURE_5, recipe) == "held"
    assert status(claim, UPSIDE_DOWN, recipe) == "not"


@pytest.mark.parametrize("change, reason", [
    (dict(fits=0.78), "the hard teacher fits 78.0 % of its training images, not 99 %"),
    (dict(student_fits=0.59), "the student fits 59.0 % of its training images, not 95 %"),
    (dict(soft=0.33), "the hard teacher is soft itself: γ(T=1) = 0.33"),
])
@pytest.mark.parametrize("claim", ["hard-teacher-helps", "smoothed-teacher-no-help",
                                   "better-teacher-worse-student", "distillation-compatible"])
def test_networks_that_do_not_fit_cannot_tell(change, reason, claim):
    runs = distilled(ALONE, HARD_TAUGHT, {(0.2, 1.0, 0.35): 0.79, (0.4, 1.0, 0.4): 0.765},
                     TEACHERS, **change)
    row = verdict(claim, runs, STUDENT)
    assert row.status == "cannot tell" and reason in row.note and row.effects


def test_a_teacher_that_kept_no_outputs_is_as_soft_as_its_student_heard():
    def without_outputs(gamma):
        for r in distilled(ALONE, HARD_TAUGHT | {(1.0, gamma): 0.805}, {}, TEACHERS):
            if gamma == 0 or r.metrics.get("gamma") != 0:
                yield SimpleNamespace(**vars(r) | {"arrays": {}})

    assert status("hard-teacher-helps", without_outputs(0.0), STUDENT) == "held"
    row = verdict("hard-teacher-helps", without_outputs(0.1), STUDENT)
    assert row.status == "cannot tell" and "γ(T=1) = 0.10" in row.note


def test_whole_schedule_excuses_a_student_that_does_not_fit():
    name = "paper/student-cifar10"
    runs = pairs(name, "val_accuracy", (0.8, 0.8, 0.8), (0.7, 0.7, 0.7), train_accuracy=0.9)
    assert status("student-alone-hurt", runs, name) == "held"
    part = [SimpleNamespace(**vars(r) | {"recipe": r.recipe.with_(train_fraction=0.5)})
            for r in runs]
    assert status("student-alone-hurt", part, name) == "cannot tell"
    short = [SimpleNamespace(**vars(r) | {"recipe": r.recipe.with_(scale=0.5)}) for r in runs]
    assert status("student-alone-hurt", short, name) == "cannot tell"


def test_students_are_compared_with_as_much_smoothing_as_they_get():
    """0.78 is worse than α = 0.2 gives alone, 0.79, and better than γ = 0.4's 0.77."""
    for gamma, alone, word in ((0.2, 0.79, "held"), (0.3, 0.78, "held"), (0.4, 0.75, "not")):
        runs = distilled(ALONE | {0.4: 0.75 if word == "not" else 0.77}, HARD_TAUGHT,
                         {(0.2, 1.0, gamma): 0.78}, TEACHERS)
        row = verdict("smoothed-teacher-no-help", runs, STUDENT)
        assert row.status == word
        shown = {spread.label: spread.mean for spread in row.ours}
        assert shown["alone, as soft as α = 0.2"] == pytest.approx(alone + 0.0005)
    beside = distilled(ALONE, HARD_TAUGHT, {(0.2, 1.0, 0.41): 0.765}, TEACHERS)
    assert verdict("smoothed-teacher-no-help", beside, STUDENT).ours[1].mean == pytest.approx(
        0.7705)
    beyond = distilled(ALONE, HARD_TAUGHT, {(0.2, 1.0, 0.5): 0.78}, TEACHERS)
    assert status("smoothed-teacher-no-help", beyond, STUDENT) == "not yet run"


def test_a_smoothed_teacher_is_set_against_the_softened_hard_one():
    """No better than alone, but the hard teacher's student at the same γ is no better either."""
    runs = distilled(ALONE, {(1.0, 0.0): 0.8, (2.0, 0.2): 0.77, (4.0, 0.4): 0.75},
                     {(0.2, 1.0, 0.2): 0.79, (0.4, 1.0, 0.4): 0.77}, TEACHERS)
    row = verdict("smoothed-teacher-no-help", runs, STUDENT)
    assert row.status == "not"
    assert [e.estimate for e in row.effects] == pytest.approx([0, -0.02])
    assert status("better-teacher-worse-student", runs, STUDENT) == "not"


def test_a_temperature_softer_than_any_student_alone_is_left_out():
    runs = distilled(ALONE, HARD_TAUGHT | {(16.0, 0.9): 0.1}, {}, TEACHERS)
    row = verdict("hard-teacher-helps", runs, STUDENT)
    assert row.status == "held" and len(row.effects) == 3
    assert row.note == "T = 16 is left out: no student alone is as soft"


def test_one_temperature_does_not_stand_for_every():
    runs = distilled({0.0: 0.80}, {(1.0, 0.0): 0.82}, {}, {0.0: 0.90})
    assert status("hard-teacher-helps", runs, STUDENT) == "not yet run"


def test_one_harmful_temperature_refutes_every():
    taught = HARD_TAUGHT | {(4.0, 0.4): 0.74}
    runs = distilled(ALONE, taught, {}, TEACHERS)
    assert status("hard-teacher-helps", runs, STUDENT) == "not"


def test_compatible_distillation_is_the_rival_claim():
    assert status("distillation-compatible", FIGURE_5, STUDENT) == "not"
    assert status("distillation-compatible", UPSIDE_DOWN, STUDENT) == "held"


@pytest.mark.parametrize("at_one, at_two, word", [
    (0.821, 0.81, "held"),  # 0.18 points better and 2.5 worse, as the work prints
    (0.80, 0.81, "not"),
    (0.82, 0.84, "not"),
])
def test_a_smoothed_teacher_helps_at_low_temperature_alone(at_one, at_two, word):
    runs = distilled(ALONE, {(1.0, 0.0): 0.8192, (2.0, 0.2): 0.835},
                     {(0.2, 1.0, 0.2): at_one, (0.2, 2.0, 0.3): at_two}, TEACHERS)
    assert status("low-temperature-for-smoothed", runs, STUDENT) == word


def test_students_without_recorded_teachers_leave_the_teacher_claim_open():
    runs = [r for r in FIGURE_5 if r.recipe.name == STUDENT]
    assert status("better-teacher-worse-student", runs, STUDENT) == "not yet run"
    row = verdict("hard-teacher-helps", runs, STUDENT)
    assert (row.status, row.note) == ("cannot tell", "the hard teachers are not recorded")


def mnist(hard, smoothed, role, seeds=SEEDS, **accuracies):
    size = dict(recipes.named("paper/teacher-mnist").size)
    dropout = tuple((size | {"dropout": 0.5}).items())
    runs = []
    for seed in seeds:
        hard_teacher = recipes.named("paper/teacher-mnist", seed=seed, size=dropout)
        smooth_teacher = recipes.named("paper/teacher-mnist", seed=seed, alpha=0.1)
        for teacher, accuracy in ((hard_teacher, hard), (smooth_teacher, smoothed)):
            recipe = teacher if role == "teacher" else recipes.named(
                "paper/student-mnist", seed=seed,
                distil=recipes.Distil(teacher=teacher, beta=0.6, objective="logits"))
            luck = 0.0001 * seed
            runs.append(SimpleNamespace(recipe=recipe, history={}, arrays=training(0.0), metrics={
                "val_accuracy": accuracy + luck, "train_accuracy": 0.999, "gamma": 0.0,
                **{key: value + luck for key, value in accuracies.items()}}))
    return runs


def test_mnist_claims_pair_dropout_with_hard_targets():
    runs = mnist(0.9933, 0.9941, "teacher") + mnist(0.9926, 0.9909, "student")
    assert status("mnist-teacher", runs, "paper/teacher-mnist") == "held"
    assert status("mnist-student", runs, "paper/student-mnist") == "held"
    swapped = mnist(0.9941, 0.9933, "teacher") + mnist(0.9909, 0.9926, "student")
    assert status("mnist-teacher", swapped, "paper/teacher-mnist") == "not"
    assert status("mnist-student", swapped, "paper/student-mnist") == "not"


def test_mnist_shows_test_errors_beside():
    runs = mnist(0.9933, 0.9941, "teacher", test_accuracy=0.99)
    labels = [spread.label for spread in verdict("mnist-teacher", runs, "paper/teacher-mnist").ours]
    assert labels == ["α = 0, validation", "α = 0.1, validation", "α = 0, test", "α = 0.1, test"]


# Information


def information(hard, smoothed, fits=1.0):
    return [run(MLP, alpha, seed, history={"mi_fresh": [x + 0.001 * seed for x in curve]},
                train_accuracy=fits, arrays=training(0.0))
            for alpha, curve in ((0.0, hard), (0.1, smoothed)) for seed in SEEDS]


FIGURE_6 = ("mi-starts-low", "mi-rises-then-falls", "mi-falls-more-smoothed",
            "mi-ends-above-log2")


def test_figure_6_as_in_the_paper():
    runs = information(hard=[0.0, 1.7, 1.6], smoothed=[0.0, 1.5, 0.75])
    for claim in FIGURE_6:
        assert status(claim, runs, MLP) == "held", claim
    soft = information(hard=[0.0, 1.7, 1.6], smoothed=[0.0, 1.5, 0.75], fits=0.8)
    assert [status(claim, soft, MLP) for claim in FIGURE_6] == ["held", *["cannot tell"] * 3]


def test_figure_6_otherwise():
    runs = information(hard=[1.0, 1.2, 0.5], smoothed=[1.0, 0.9, 1.6])
    for claim in FIGURE_6:
        assert status(claim, runs, MLP) == "not", claim


def test_a_fall_within_the_jitter_of_the_readings_is_none():
    runs = information(hard=[0.0, 1.7, 1.6], smoothed=[0.0, 1.61, 1.5])
    assert status("mi-rises-then-falls", runs, MLP) == "not"


@pytest.mark.parametrize("last, word", [(0.66, "held"), (0.60, "not"), (1.00, "held"),
                                        (1.10, "not")])
def test_what_two_collapsed_classes_read_is_below_log_2(last, word):
    """A fresh draw reads 0.63 of them, as the simulation of `lsbook.paper` has it, not 0.69."""
    assert paper.number("simulation/two-cluster/fresh").value == 0.63
    runs = information(hard=[0.0, 1.7, 1.6], smoothed=[0.0, 1.5, last])
    assert status("mi-ends-above-log2", runs, MLP) == word


# The paper's recipe, and its numbers


@pytest.mark.parametrize("name, changes, expected", [
    ("paper/resnet56-cifar100", {}, ["activation after each block", "7×7"]),
    ("paper/resnet56-cifar100", {"scale": 0.5}, ["32,000 of 64,000 steps"]),
    ("paper/alexnet-cifar10", {}, ["brightness or contrast", "standardised by channel"]),
    ("paper/alexnet-cifar10", {"weight_decay": 0.004}, ["weight decay 0.004 in place of 0.04"]),
    ("paper/alexnet-cifar10", {"train_fraction": 0.25}, ["10,000 of 40,000 images"]),
    ("paper/teacher-mnist", {}, ["50,000 of 60,000 images",
                                 "variance of initial weights 0.0009 in place of 0.03"]),
    ("paper/student-mnist", {}, ["learning rate 0.1 in place of 1", "50,000 of 60,000 images"]),
    ("paper/transformer-multi30k", {}, ["Multi30k in place of WMT", "4,000 of 300,000 steps"]),
    ("paper/inception-tinyimagenet", {}, ["30 classes of Tiny ImageNet",
                                          "batch size 128 in place of 4096"]),
    ("compact/resnet20-cifar100", {}, ["network resnet20 in place of resnet56",
                                        "10,000 of 40,000 images", "4,680 of 64,000 steps"]),
    ("compact/teacher-cifar10", {}, ["network resnet9 in place of resnet56", "pool 2 in place of 1",
                                     "5,000 of 40,000 images", "loss multiplier 1 in place of 3",
                                     "augmentation shift-flip in place of crop-flip"]),
    ("compact/student-cifar10", {}, ["momentum 0.9 in place of 0", "a network of another size",
                                     "schedule linear in place of steps"]),
    ("lab/teacher-mnist1d", {}, ["mnist1d in place of cifar10"]),
    ("lab/mlp-digits", {}, ["no experiment of the paper's"]),
])
def test_deviations_from_the_paper(name, changes, expected):
    found = "\n".join(ledger.deviations(recipes.named(name, **changes)))
    for words in expected:
        assert words in found


def test_a_student_has_its_teachers_deviations_and_the_loss_its_own():
    teacher = recipes.named("paper/teacher-mnist")
    student = recipes.student_of(teacher, beta=0.6, objective="logits")
    found = ledger.deviations(student)
    assert "its teacher: 50,000 of 60,000 images" in found
    assert any("summed over classes" in one for one in found)
    mean = recipes.student_of(teacher, beta=0.6, objective="mean-logits")
    assert not any("summed over classes" in one for one in ledger.deviations(mean))
    other = recipes.student_of(teacher, beta=0.5, objective="mean-logits")
    assert "β 0.5 in place of 0.6" in ledger.deviations(other)


def test_every_recipe_nearest_to_the_paper_declares_its_deviations():
    nearest = {e.stand_ins[0] for e in ledger.EXPERIMENTS.values()} & recipes.CATALOGUE.keys()
    assert {name for name in nearest if name.startswith("paper/")} == deviating.DECLARED.keys()


@pytest.fixture
def faithful(monkeypatch):
    """As if the network on CIFAR-100 were the paper's in every respect."""
    monkeypatch.setitem(deviating.DECLARED, RESNET, ())


@pytest.mark.parametrize("cut, word", [
    ({}, "reproduced"), ({"scale": 0.25}, "held"), ({"train_fraction": 0.5}, "held"),
    ({"batch_size": 256}, "held"), ({"lr": 0.2}, "held")])
def test_only_the_papers_whole_recipe_reproduces(faithful, cut, word):
    runs = pairs(RESNET, "val_accuracy", (0.721, 0.722, 0.720), (0.727, 0.728, 0.726))
    runs = [SimpleNamespace(**vars(r) | {"recipe": r.recipe.with_(**cut)}) for r in runs]
    assert status("accuracy-better", runs, RESNET) == word


def test_any_deviation_bars_the_word_reproduced():
    runs = pairs(RESNET, "val_accuracy", (0.721, 0.722, 0.720), (0.727, 0.728, 0.726))
    row = verdict("accuracy-better", runs, RESNET)
    assert row.status == "held" and row.deviations


def measured(id, runs):
    (row,) = ledger.measured([paper.number(id)], runs)
    return row


@pytest.mark.parametrize("accuracies, cut, word", [
    ((0.722, 0.720, 0.721), {}, "reproduced"),
    ((0.722, 0.720, 0.721), {"scale": 0.1}, ""),
    ((0.722, 0.720, 0.721), {"train_fraction": 0.5}, ""),
    ((0.721, 0.721), {}, "leans for"),
    # 0.7 points off: within neither the tolerance, 0.5, nor the printed ± 0.3, but within the sum.
    ((0.714, 0.714, 0.714), {}, "not"),
    ((0.65,), {}, "leans against"),
])
def test_published_accuracy(faithful, accuracies, cut, word):
    runs = pairs(RESNET, "val_accuracy", accuracies, ())
    runs = [SimpleNamespace(**vars(r) | {"recipe": r.recipe.with_(**cut)}) for r in runs]
    (ours,) = measured("table2/cifar100/resnet56/hard", runs).ours
    assert (ours.status, ours.deviations == ()) == (word, not cut)
    assert measured("table2/cifar100/resnet56/smoothed", runs).ours == ()
    assert measured("table2/imagenet/inception-v4/hard", runs).ours == ()


def test_the_public_reproduction_stands_beside():
    runs = [run("compact/alexnet-cifar10", 0.0, s, val_ece=0.01, val_accuracy=0.79, optimal_T=1.0)
            for s in SEEDS]
    rows = {(row.experiment.title, row.label): row for row in ledger.measured(runs=runs)}
    row = rows["AlexNet on CIFAR-10", "accuracy, α = 0.1"]
    assert (row.number.value, row.reproduced.value, row.ours) == (86.7, 85.47, ())
    row = rows["AlexNet on CIFAR-10", "ECE, α = 0"]
    assert (row.number, row.reproduced.value) == (None, 0.097)
    assert row.ours[0].spread.mean == 0.01 and row.ours[0].status == ""
    assert rows["Teachers on CIFAR-10", "optimal temperature, α = 0"].reproduced.value == 3.1
    assert rows["ResNet on CIFAR-100", "ECE, α = 0, best T"].reproduced.value == 0.029
    assert rows["Students on MNIST", "test error, α = 0.1"].reproduced.value == 1.05


def test_a_number_met_by_another_recipe_held():
    runs = pairs(RESNET, "val_accuracy", (0.722, 0.720, 0.721), ())
    (ours,) = measured("table2/cifar100/resnet56/hard", runs).ours
    assert ours.status == "held" and ours.deviations


def test_published_calibration(faithful):
    runs = [run(RESNET, 0.0, s, val_ece=0.15, ece_at_optimal_T=0.021, optimal_T=3.0) for s in SEEDS]
    rows = ledger.measured(paper.numbers(place="Table 3", dataset="cifar100"), runs)
    assert [tuple(m.status for m in row.ours) for row in rows] == [
        ("reproduced",), ("reproduced",), ("not",), ()]
    assert [row.label for row in rows[:2]] == ["ECE, α = 0", "ECE, α = 0, best T"]


def test_text_is_measured_between_temperatures():
    name = "paper/transformer-multi30k"
    runs = [translator(0.0, s, **HARD, name=name) for s in SEEDS]
    (T,), (ece,) = (measured(f"table3/en-de/transformer/{key}", runs).ours
                    for key in ("temperature", "scaled"))
    assert T.spread.mean == pytest.approx(1.1, abs=1e-6)
    between = (HARD["ece"][2] + HARD["ece"][3]) / 2
    assert ece.spread.mean == pytest.approx(between, abs=1e-6)


def test_mnist_numbers_rest_on_the_test_set_where_there_is_one():
    runs = mnist(0.99, 0.99, "teacher", test_accuracy=0.9941)
    (ours,) = measured("mnist/teacher/smoothed", runs).ours
    assert (ours.status, ours.note) == ("held", "")
    assert ours.spread.mean == pytest.approx(0.58)
    (ours,) = measured("mnist/student/smoothed", mnist(0.99, 0.991, "student")).ours
    assert ours.note == "on validation" and ours.spread.mean == pytest.approx(0.89)


def test_a_fraction_stands_beside_the_paper_without_a_verdict():
    runs = pairs("compact/resnet20-cifar100", "val_accuracy", (0.3,), (0.32,))
    runs += pairs(RESNET, "val_accuracy", (0.721,), ())
    whole, part = measured("table2/cifar100/resnet56/hard", runs).ours
    assert (whole.recipe.preset, part.recipe.preset) == ("paper", "compact")
    assert part.status == "" and part.spread.mean == pytest.approx(30)
    assert part.recipe.train_fraction == 0.25


def test_other_data_get_no_verdict():
    name = "paper/transformer-multi30k"
    runs = [run(name, 0.0, seed, bleu=24.9, bleu_lowercase=25.3) for seed in SEEDS]
    (ours,) = measured("table1/en-de/transformer/BLEU/hard", runs).ours
    assert ours.status == "" and ours.spread.mean == 25.3


def test_curves_of_figures_5_and_6():
    def at_scale(r):
        distil, recipe = r.recipe.distil, r.recipe
        name = recipe.name.replace("lab", "compact").replace("mnist1d", "cifar10")
        recipe = recipes.named(name, alpha=recipe.alpha, seed=recipe.seed)
        if distil:
            teacher = recipes.named("compact/teacher-cifar10", alpha=distil.teacher.alpha)
            recipe = recipe.with_(distil=recipes.Distil(teacher=teacher, T=distil.T))
        return SimpleNamespace(recipe=recipe, metrics=r.metrics, history={"mi_fresh": [0.0, 0.7]})

    figure = distilled({0.0: 0.80, 0.15: 0.79}, {(1.0, 0.0): 0.82, (2.0, 0.2): 0.83},
                       {(0.15, 1.0, 0.15): 0.785}, {0.0: 0.9, 0.15: 0.91}, seeds=(0,))
    rows = {(row.experiment.title, row.label): row for row in
            ledger.swept([at_scale(r) for r in figure])}
    assert all(row.number is None for row in rows.values())
    found = {label: row.ours[0].spread.mean for (_, label), row in rows.items() if row.ours}
    assert found == pytest.approx({
        "accuracy, α = 0": 90, "accuracy, α = 0.15": 91,
        "last mutual information, α = 0": 0.7, "last mutual information, α = 0.15": 0.7,
        "accuracy alone, α = 0": 80, "accuracy alone, α = 0.15": 79,
        "accuracy, hard teacher at T = 1": 82, "accuracy, hard teacher at T = 2": 83,
        "accuracy, teacher with α = 0.15": 78.5})


def test_a_strength_of_one_seed_is_not_taken_for_one_of_three():
    hard = [run("compact/teacher-cifar10", 0.0, seed, x=0.0) for seed in SEEDS]
    smoothed = [run("compact/teacher-cifar10", 0.1, seed, x=1.0) for seed in SEEDS]
    lone = run("compact/teacher-cifar10", 0.05, 0, x=2.0)
    (group,) = ledger.groups([*hard, *smoothed, lone])["compact/teacher-cifar10"]
    assert group.pair(0.05)[2] == 0.1
