"""Frames behind the distillation chapter's figures against torch and closed forms."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from lsbook.figures import distillation as figures
from lsbook.figures import theme
from lsbook.figures.signed import signed
from lsbook.recipes import Distil, named, student_of
from lsbook.runs.queue import mnist

TEACHER, STUDENT = named("lab/teacher-mnist1d"), named("lab/student-mnist1d")
K = 10


def run(recipe, accuracy=0.8, gamma=0.0, **arrays):
    return SimpleNamespace(
        recipe=recipe, metrics={"val_accuracy": accuracy, "gamma": gamma}, arrays=arrays)


def teacher_run(alpha, seed=0):
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(K), 5)
    logits = rng.standard_normal((len(targets), K)) + 6 * np.eye(K)[targets]
    return run(
        TEACHER.with_(alpha=alpha), train_logits=logits, train_targets=targets.astype(np.uint8))


def at_optimum(alpha):
    """A teacher that has learned its smoothed targets exactly."""
    targets = np.repeat(np.arange(K), 3)
    y = (1 - alpha) * np.eye(K)[targets] + alpha / K
    return run(TEACHER.with_(alpha=alpha), train_logits=np.log(y), train_targets=targets)


@pytest.fixture
def family():
    runs = []
    for seed in (0, 1):
        teachers = [TEACHER.with_(alpha=a, seed=seed) for a in (0.0, 0.15, 0.3)]
        runs += [run(t, 0.98 + 0.01 * seed, t.alpha) for t in teachers]
        runs += [run(STUDENT.with_(alpha=a, seed=seed), 0.84 - a / 10, a) for a in (0.0, 0.15, 0.3)]
        runs += [run(student_of(teachers[0], T=T), 0.8 + T / 100, T / 10) for T in (1.0, 2.0)]
        runs += [run(student_of(t, T=T), 0.8 - T * t.alpha / 10, t.alpha * T)
                 for t in teachers[1:] for T in (1.0, 2.0)]
    return runs


def test_family_takes_the_papers_objective_alone(family):
    strangers = [
        run(student_of(TEACHER, T=2.0, beta=0.5)),
        run(student_of(TEACHER, objective="logits")),
        run(STUDENT.with_(distil=Distil(teacher=TEACHER.with_(steps=10)))),
        run(STUDENT.with_(scale=0.5)),
        run(named("lab/mlp-digits")),
    ]
    found = figures.family(TEACHER.with_(alpha=0.3, seed=4), STUDENT, strangers + family)
    assert {r.recipe.hash for r in found} == {r.recipe.hash for r in family}


def test_accuracies_name_each_curve(family):
    frame = figures.accuracies(family, TEACHER)
    assert dict(frame["curve"].value_counts()) == {
        figures.TEACHER: 6, figures.ALONE: 6, figures.HARD: 4, figures.SMOOTHED: 4,
        figures.OTHER: 4}
    smoothed = frame[(frame["curve"] == figures.OTHER) & (frame["alpha"] == 0.3)]
    assert smoothed["accuracy"].tolist() == pytest.approx([74.0, 74.0])
    assert set(smoothed["T"]) == {2.0}


def test_summary_over_seeds(family):
    points = figures.summary(figures.accuracies(family, TEACHER))
    row = points[(points["curve"] == figures.TEACHER) & (points["alpha"] == 0.15)].iloc[0]
    assert (row["mean"], row["low"], row["high"], row["seeds"]) == pytest.approx((98.5, 98, 99, 2))


def test_grid_subtracts_the_hard_teacher_at_the_same_temperature(family):
    grid = figures.grid_frame(figures.accuracies(family, TEACHER)).set_index(["alpha", "T"])
    assert grid.loc[(0.3, 2.0), "gain"] == pytest.approx(74 - 82)
    assert (grid.xs(0.0, level="alpha")["gain"] == 0).all()


def test_gain_is_over_common_seeds(family):
    better = run(student_of(TEACHER.with_(seed=2), T=1.0), 0.9)
    grid = figures.grid_frame(figures.accuracies([*family, better], TEACHER))
    grid = grid.set_index(["alpha", "T"])
    assert grid.loc[(0.0, 1.0), "accuracy"] == pytest.approx((81 + 81 + 90) / 3)
    assert grid.loc[(0.3, 1.0), "gain"] == pytest.approx(77 - 81)


def kept(family):
    rows = figures.balanced(figures.accuracies(family, TEACHER))
    return rows, set(zip(rows["curve"], rows["alpha"], rows["T"]))


def test_balanced_leaves_out_a_lone_network(family):
    rows, points = kept([*family, run(TEACHER.with_(alpha=0.07), 1.0)])
    assert set(rows["seed"]) == {0, 1} and len(rows) == len(family)
    assert (figures.TEACHER, 0.07, 0.0) not in points


def test_balanced_hides_no_point_for_a_second_seed_of_a_few(family):
    first = [r for r in family if r.recipe.seed == 0]
    few = [r for r in family if r.recipe.seed == 1 and r.recipe.distil is None][:2]
    rows, points = kept(first + few)
    assert set(rows["seed"]) == {0} and points == kept(first)[1]
    means = figures.means(figures.accuracies(first + few, TEACHER), figures.TEACHER, "alpha")
    assert means.tolist() == pytest.approx([98.0] * 3)


def test_students_at_equal_gamma(family):
    frame = figures.accuracies(family, TEACHER)
    beside = figures.beside_smoothing(frame, figures.HARD).set_index("T")
    assert beside.loc[1.0, "gain"] == pytest.approx(81 - 83)
    assert beside.loc[2.0, "gain"] == pytest.approx(82 - 82)
    smoothed = figures.beside_smoothing(frame, figures.SMOOTHED).set_index("alpha")
    assert smoothed.loc[0.15, "gain"] == pytest.approx((80 - 1.5) - (84 - 1.5))


@pytest.mark.parametrize("hard, smoothed, verdict", [
    (84.0, 80.0, "That agrees with the paper."),
    (84.0, 84.0, "here those of smoothed teachers do too"),
    (80.0, 80.0, "they could have gained from smoothing"),
])
def test_agreement_takes_both_kinds_of_teachers(hard, smoothed, verdict):
    runs = [run(STUDENT.with_(alpha=a), 0.82, a) for a in (0.0, 0.3)]
    runs += [run(student_of(TEACHER, T=2.0), hard / 100, 0.2),
             run(student_of(TEACHER.with_(alpha=0.15)), smoothed / 100, 0.2)]
    told = figures.beside_told(figures.Family(TEACHER, STUDENT, tuple(runs)))
    assert verdict in told and f"{signed(hard - 82)} at T = 2" in told
    assert f"{signed(smoothed - 82)} at α = 0.15" in told


def test_published_grid_is_the_printed_one():
    grid = figures.published_grid().set_index(["alpha", "T"])
    assert grid.loc[(0.1, 1.0), "gain"] == pytest.approx(71.67 - 71.49)
    assert grid.loc[(0.1, 2.0), "gain"] == pytest.approx(68.86 - 71.36)


def test_gamma_of_exact_smoothing_is_alpha_and_softens_as_by_hand():
    frame = figures.gamma_frame([at_optimum(0.1)], high=2.0).set_index("T")["gamma"]
    ratio = 9 / math.sqrt(91)
    assert frame.iloc[0] == pytest.approx(0.1)
    assert frame.iloc[-1] == pytest.approx(K / (K - 1) * ratio / (1 + ratio))


def test_wrong_classes_of_exact_smoothing_are_all_alike():
    frame = figures.wrong_frame([at_optimum(0.2)])
    assert len(frame) == K * (K - 1)
    assert frame["mean"].to_numpy() == pytest.approx(math.log(0.2 / K))
    assert frame["sd"].to_numpy() == pytest.approx(0, abs=1e-12)


def test_wrong_classes_against_torch():
    teacher = teacher_run(0.0)
    frame = figures.wrong_frame([teacher]).set_index(["true", "wrong"])
    log_p = torch.log_softmax(torch.tensor(teacher.arrays["train_logits"]), -1)[15:20, 7]
    assert frame.loc[(3, 7), "mean"] == pytest.approx(log_p.mean().item())
    assert frame.loc[(3, 7), "sd"] == pytest.approx(log_p.std(correction=0).item())


def test_spread_parts_pairs_from_examples():
    frame = pd.DataFrame({"alpha": 0.0, "mean": [-2.0, -4.0], "sd": [3.0, 4.0]})
    row = figures.wrong_spread(frame).iloc[0]
    assert (row["mean"], row["between"], row["within"]) == pytest.approx((-3, 1, math.sqrt(12.5)))


def test_wrong_classes_of_each_teacher_have_its_colour():
    spec = figures.wrong_chart(figures.wrong_frame([teacher_run(a) for a in (0.0, 0.15)]), 0.1, K)
    scales = [layer["encoding"]["color"]["scale"] for layer in spec.to_dict()["layer"]
              if "scale" in layer["encoding"].get("color", {})]
    assert [dict(zip(s["domain"], s["range"])) for s in scales] == [
        {"hard teacher": theme.HARD, "smoothed teacher": theme.SMOOTH}]


def test_charts_build_and_hold_their_controls():
    teachers = [teacher_run(a) for a in (0.0, 0.15, 0.3)]
    charts = [
        (figures.wrong_chart(figures.wrong_frame(teachers), 0.15, K), {"alpha"}),
    ]
    for chart, names in charts:
        spec = chart.to_dict()
        assert {p["name"] for p in spec.get("params", []) if "bind" in p} == names
        assert "NaN" not in json.dumps(spec)


def test_a_student_alone_is_known_by_its_recipe_not_its_name(family):
    renamed = [
        run(r.recipe.with_(name="lab/another"), r.metrics["val_accuracy"], r.metrics["gamma"])
        if r.recipe.distil is None and r.recipe.name == STUDENT.name else r for r in family
    ]
    frames = [figures.accuracies(runs, TEACHER).drop(columns="run") for runs in (family, renamed)]
    pd.testing.assert_frame_equal(*frames)
    assert len(figures.family(TEACHER, STUDENT, renamed)) == len(family)


def test_paper_baseline_counts_as_student_alone():
    alexnet, teacher = named("paper/alexnet-cifar10", alpha=0.1), named("paper/teacher-cifar10")
    found = figures.family(teacher, named("paper/student-cifar10"), [run(alexnet)])
    assert figures.accuracies(found, teacher)["curve"].tolist() == [figures.ALONE]


def test_fuller_family_of_a_data_set_is_chosen():
    whole, part = (named(f"{preset}/teacher-cifar10") for preset in ("paper", "compact"))
    taught = [run(part), run(student_of(part, T=2.0))]
    chosen = figures.families((TEACHER, STUDENT), [run(whole), *taught])
    assert [f.teacher for f in chosen] == [part]
    chosen = figures.families((TEACHER, STUDENT), [run(whole), run(student_of(whole)), *taught])
    assert [f.teacher for f in chosen] == [whole]


def test_own_family_stands_beside_better_ones():
    own = named("compact/teacher-cifar10"), named("compact/student-cifar10")
    whole = named("paper/teacher-cifar10")
    runs = [run(own[0]), run(whole), run(student_of(whole)), run(TEACHER)]
    assert [f.teacher for f in figures.families(own, runs)] == [own[0], TEACHER]


def told(family):
    return figures.told(figures.Family(TEACHER, STUDENT, tuple(family)))


def test_words_follow_the_numbers(family):
    assert "they beat the best student alone (84.0 %) at no temperature" in told(family).lower()
    better = [run(r.recipe, 0.95, r.metrics["gamma"]) if r.recipe.distil
              and r.recipe.distil.teacher.alpha == 0 else r for r in family]
    assert "at every temperature, as in the paper" in told(better)
    assert "±0.0 points: no clear gain" in told(family)


def test_reveal_counts_better_teachers_with_worse_students(family):
    def answer(teacher):
        runs = [run(r.recipe, teacher(r.recipe.alpha), r.recipe.alpha)
                if r.recipe.model == TEACHER.model else r for r in family]
        return figures.reveal(figures.Family(TEACHER, STUDENT, tuple(runs)))

    assert "does not appear" in answer(lambda alpha: 0.9 - alpha / 10)
    better = answer(lambda alpha: 0.9 + alpha / 10)
    assert "2 are more accurate" in better and "and 2 of these" in better
    assert "α = 0.3: the teacher +3.0 points, its student −4.0" in better


def test_grid_in_words(family):
    text = figures.grid_told(figures.Family(TEACHER, STUDENT, tuple(family)))
    assert "at T = 2 the gain is −5.0" in text and "for every smoothed teacher" in text
    assert "hurts (−2.5 points), unlike what Shen" in text and "Not run yet" not in text
    holes = [r for r in family if not (r.recipe.distil and r.recipe.distil.T == 2
                                       and r.recipe.distil.teacher.alpha == 0.3)]
    text = figures.grid_told(figures.Family(TEACHER, STUDENT, tuple(holes)))
    assert "Not run yet: 1 of 6 cells." in text


def test_smoothed_teachers_against_the_hard_one_at_equal_gamma(family):
    # At γ = 0.3 and 0.6: 77 and 74 %; the hard teacher's students end at 0.2, then reach 83 and 86.
    text = figures.diffusion_told(figures.Family(TEACHER, STUDENT, tuple(family)))
    assert "no runs yet" in text
    wide = [*family, *(run(student_of(TEACHER.with_(seed=seed), T=8.0), 0.86, 0.6)
                       for seed in (0, 1))]
    text = figures.diffusion_told(figures.Family(TEACHER, STUDENT, tuple(wide)))
    assert "−9.0 points" in text and "over 2 (−12.0 to −6.0)" in text


def mnist_run(recipe, error):
    return SimpleNamespace(recipe=recipe, metrics={"test_accuracy": 1 - error / 100})


def test_mnist_errors_stand_beside_the_printed_ones():
    runs = [mnist_run(r, error + seed / 10) for seed in (0, 1)
            for r, error in zip(mnist(seed), (1.0, 0.9, 1.1, 1.3))]
    table = figures.mnist_table(runs)
    assert table["paper"].tolist() == ["0.67", "0.59", "0.74", "0.91"]
    assert table["ours"].iloc[0] == "1.05 (1.00–1.10)" and set(table["seeds"]) == {2}
    assert set(table["scale"]) == {"the paper's full schedule"}
    said = figures.mnist_told(table)
    assert "errs less, as in the paper" in said and "errs more, as in the paper" in said
    table = figures.mnist_table(runs[:1])
    assert table["ours"].tolist() == ["1.00", "–", "–", "–"]
    assert table["scale"].iloc[1] == "not yet run"


def test_mnist_without_runs_says_so():
    table = figures.mnist_table([])
    assert set(table["ours"]) == {"–"} and "Not all four" in figures.mnist_told(table)


def test_softness_in_words():
    runs = tuple(at_optimum(a) for a in (0.05, 0.1))
    text = figures.soft_told(figures.Family(TEACHER, STUDENT, runs), 0.1)
    assert "not both recorded" in text
    text = figures.soft_told(
        figures.Family(TEACHER, STUDENT, (teacher_run(0.0), at_optimum(0.1))), 0.1)
    assert "α = 0.1 has 0.100" in text and "and 0.54." in text
