"""Frames behind the distillation chapter's figures against torch and closed forms."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from lsbook.figures import distillation as figures
from lsbook.recipes import Distil, named, student_of

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


def test_complete_leaves_out_single_seeds(family):
    lone = run(TEACHER.with_(alpha=0.07), 1.0)
    points = figures.summary(figures.accuracies([*family, lone], TEACHER))
    assert 0.07 in points["alpha"].tolist()
    assert 0.07 not in figures.complete(points)["alpha"].tolist()


def test_students_at_equal_gamma(family):
    beside = figures.beside_smoothing(figures.accuracies(family, TEACHER)).set_index("T")
    assert beside.loc[1.0, "gain"] == pytest.approx(81 - 83)
    assert beside.loc[2.0, "gain"] == pytest.approx(82 - 82)


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


def test_target_rows_hold_examples_of_each_class():
    rows = figures.target_rows([teacher_run(0.0)], each=2)
    assert rows["label"].tolist() == [k for k in range(K) for _ in range(2)]
    assert rows["logits"].map(len).eq(K).all()


def test_charts_build_and_hold_their_controls(family):
    teachers = [teacher_run(a) for a in (0.0, 0.15, 0.3)]
    frame = figures.accuracies(family, TEACHER)
    charts = [
        (figures.figure5(frame, teachers, 0.2), {"alpha", "T", "example", "every"}),
        (figures.wrong_chart(figures.wrong_frame(teachers), 0.15, K), {"alpha"}),
        (figures.grid_chart(figures.grid_frame(frame), "here"), {"shown"}),
        (figures.gamma_chart(figures.gamma_frame(teachers)), set()),
    ]
    for chart, names in charts:
        spec = chart.to_dict()
        assert {p["name"] for p in spec.get("params", []) if "bind" in p} == names
        assert "NaN" not in json.dumps(spec)


def test_untrained_lessons_are_said_to_be_so(family):
    choices = figures._choices(figures.summary(figures.accuracies(family, TEACHER)), [0.0, 0.15])
    assert choices.loc[(choices["alpha"] == 0.15) & (choices["T"] == 8), "label"].item() == (
        "α 0.15, T 8: no student trained")
