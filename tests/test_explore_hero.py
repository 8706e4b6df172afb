"""The first figure: its numbers against the estimators', and what its slider shows."""

from types import SimpleNamespace

import numpy as np
import pytest

from drawn import open_page
from explored import page_of, visit_at
from lsbook.estimators import calibration
from lsbook.estimators.templates import project_logits
from lsbook.explore import hero
from lsbook.recipes import Distil, named
from lsbook.runs.best import recorded

page = pytest.fixture(scope="module")(open_page)
TEACHER = named("lab/teacher-mnist1d")


def student(alpha, T, seed, accuracy):
    distil = Distil(teacher=TEACHER.with_(alpha=alpha, seed=seed), T=T)
    recipe = named("lab/student-mnist1d", seed=seed, distil=distil)
    manifest = {"commit": "c", "device": "cpu"}
    return SimpleNamespace(recipe=recipe, metrics={"val_accuracy": accuracy}, manifest=manifest)


STUDENTS = [student(0.0, 1.0, 0, 0.50), student(0.0, 1.0, 1, 0.52), student(0.0, 4.0, 0, 0.60),
            student(0.0, 4.0, 1, 0.62), student(0.15, 1.0, 0, 0.55)]


@pytest.fixture(scope="module")
def teachers():
    return [next(iter(recorded(TEACHER, seed=0, alpha=a))) for a in (0.0, 0.15)]


@pytest.fixture(scope="module")
def figure(teachers):
    return hero.explorer(teachers, STUDENTS, 0.15)


def test_numbers_and_planes_are_those_of_the_estimators(figure, teachers):
    hard, smoothed = figure.config["networks"]
    for network, run in zip((hard, smoothed), teachers):
        logits, targets = run.arrays["val_logits"], run.arrays["val_targets"]
        assert network["ece"] == pytest.approx(calibration.ece(logits, targets), abs=1e-4)
        counts = np.array([n for _, _, n in network["bins"]])
        assert counts.sum() == len(targets)
        own = run.arrays["train_targets"] == 1
        first = run.arrays["train_logits"][own][: hero.PER_CLASS, :3]
        expected = project_logits(first, run.arrays["templates"][:3].astype(float))
        assert np.allclose(network["planes"][-1][1], expected, atol=0.006)


def test_the_student_is_the_mean_over_seeds_at_the_best_temperature(figure):
    hard, smoothed = figure.config["networks"]
    assert hard["student"] == {"T": 4.0, "accuracy": 0.61, "seeds": 2}
    assert smoothed["student"] == {"T": 1.0, "accuracy": 0.55, "seeds": 1}


def test_one_slider_moves_both_pictures_and_the_numbers(figure, page, tmp_path):
    address = page_of("hero", [figure], tmp_path, [])
    visit_at(page, address, "hero", {"alpha": 0})
    kinds = "all => all.map((pair) => pair.className)"
    assert "smooth" not in page.locator(".ls-numbers dl div").evaluate_all(kinds)
    assert "hard" in page.locator(".ls-numbers dl div").evaluate_all(kinds)
    shown = page.locator(".ls-numbers").inner_text()
    assert f"{figure.config['networks'][0]['ece']:.3f}" in shown and "61.0 %" in shown
    clouds = page.locator(".mark.cloud").first.get_attribute("d")
    curve = page.locator(".line.own").get_attribute("d")
    page.locator("input[type=range]").first.fill("1")
    assert "smooth" in page.locator(".ls-numbers dl div").evaluate_all(kinds)
    shown = page.locator(".ls-numbers").inner_text()
    assert f"{figure.config['networks'][1]['ece']:.3f}" in shown and "55.0 %" in shown
    assert page.locator(".mark.cloud").first.get_attribute("d") != clouds
    assert page.locator(".line.own").get_attribute("d") != curve
