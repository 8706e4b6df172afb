"""The distillation explorers: what the page computes against the book's figures and estimators."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from drawn import open_page
from explored import page_of, visit
from lsbook.estimators.smoothness import gamma
from lsbook.explore import distillation as explore
from lsbook.figures import distillation as figures
from lsbook.figures.classes import CIFAR_10
from lsbook.recipes import named, student_of

TEACHER, STUDENT = named("compact/teacher-cifar10"), named("compact/student-cifar10")
LAB = named("lab/teacher-mnist1d"), named("lab/student-mnist1d")
K = 10

page = pytest.fixture(scope="module")(open_page)


def run(recipe, accuracy, softness=0.0, **arrays):
    return SimpleNamespace(
        recipe=recipe, metrics={"val_accuracy": accuracy, "gamma": softness}, arrays=arrays,
        stored_arrays=lambda: arrays, manifest={"commit": "c", "device": "cpu"})


def teacher(recipe, accuracy):
    rng = np.random.default_rng(int(100 * recipe.alpha))
    targets = np.repeat(np.arange(K), 4)
    logits = rng.standard_normal((len(targets), K)) + (6 - 5 * recipe.alpha) * np.eye(K)[targets]
    return run(recipe, accuracy, recipe.alpha, train_logits=logits.astype(np.float16),
               train_targets=targets.astype(np.uint8))


def experiment(teacher_recipe, student_recipe, alphas=(0.0, 0.15, 0.3), seeds=(0, 1)):
    rng = np.random.default_rng(len(teacher_recipe.name))
    runs = []
    for seed in seeds:
        teachers = [teacher_recipe.with_(alpha=a, seed=seed) for a in alphas]
        runs += [teacher(t, 0.9 + rng.uniform(0, 0.05)) for t in teachers]
        runs += [run(student_recipe.with_(alpha=t.alpha, seed=seed), 0.7 + rng.uniform(0, 0.05),
                     t.alpha) for t in teachers]
        runs += [run(student_of(t, T=T), 0.65 + rng.uniform(0, 0.1), min(0.95, (t.alpha + 0.1) * T))
                 for t in teachers for T in (1.0, 2.0, 3.0)]
    return runs


@pytest.fixture(scope="module")
def families():
    runs = experiment(TEACHER, STUDENT) + experiment(*LAB)
    return figures.families(LAB, runs)


@pytest.fixture(scope="module")
def figure(families, tmp_path_factory, page):
    """Opens a page with all three explorers at a fragment."""
    made = [explore.teachers(families, 0.15), explore.figure5(families, 0.15),
            explore.grid(families)]
    address = page_of("distillation", made, tmp_path_factory.mktemp("site"))
    return lambda fragment="": visit(page, address, fragment)


def cells(page, name, function, number=0):
    """What the page's arithmetic gives for the family shown in an explorer."""
    return page.evaluate(
        """([id, name, number]) => {
          const text = document.querySelector(`#${id} script`).textContent;
          return lsDistillation[name](JSON.parse(text).families[number]);
        }""", [f"explore-{name}", function, number])


def test_real_data_come_before_the_lab(families):
    assert [family.name for family in families] == ["CIFAR-10", "MNIST-1D (lab)"]
    assert "5,000 images of 16×16, 90 epochs" in families[0].scale
    assert "ResNet-9 in place of ResNet-56" in families[0].scale


def test_means_are_those_of_python(figure, families):
    page = figure()
    for number, family in enumerate(families):
        points = figures.summary(family.frame)
        curves = [figures.TEACHER, *figures.STUDENTS]
        expected = {(curves.index(row.curve), row.alpha, row.T): row for row in points.itertuples()}
        found = cells(page, "distillation", "summary", number)
        assert len(found) == len(expected)
        for point in found:
            row = expected[point["curve"], point["alpha"], point["T"]]
            for name in ("gamma", "mean", "low", "high", "seeds"):
                assert point[name] == pytest.approx(getattr(row, name), abs=1e-4)


def test_grid_is_that_of_python(figure, families):
    page = figure()
    expected = figures.grid_frame(families[0].frame).set_index(["alpha", "T"])
    found = cells(page, "grid", "grid")
    assert len(found) == len(expected)
    for cell in found:
        row = expected.loc[cell["alpha"], cell["T"]]
        for name in ("accuracy", "gain", "seeds"):
            assert cell[name] == pytest.approx(row[name], abs=1e-4)


def test_published_values_are_outlined_at_their_temperature(figure):
    page = figure()
    assert page.locator("#explore-grid rect.outline").count() == 3
    said = page.get_attribute("#explore-grid .ls-stage", "aria-label")
    assert "α = 0.15, T = 2: ours" in said and "published −2.5" in said
    page.select_option("#explore-grid-show", label="accuracy")
    page.wait_for_function("document.querySelectorAll('#explore-grid rect.outline').length === 6")
    assert "published 71.5" in page.get_attribute("#explore-grid .ls-stage", "aria-label")


@pytest.mark.parametrize("T", [1.0, 2.5, 12.0])
def test_softness_and_targets_are_those_of_the_estimator(figure, families, T):
    page = figure(f"#explore-teachers?T={T}&alpha=0.3&example=5")
    run = next(run for run in families[0].teachers if run.recipe.alpha == 0.3)
    logits = run.arrays["train_logits"].astype(float)
    targets = run.arrays["train_targets"].astype(int)
    expected = gamma(logits, targets, T=T)
    found = page.evaluate(
        """async ([T, key]) => {
          const { train_logits: logits, train_targets: targets } = await lsEvaluations.load(key);
          return [lsDistillation.gamma(logits, targets, 10, T),
                  ...lsDistillation.softmax(logits, 8, 10, T)];
        }""", [T, f"{run.recipe.hash}-distillation"])
    scaled = np.exp(logits[8] / T)
    assert found[0] == pytest.approx(expected, abs=1e-4)
    assert found[1:] == pytest.approx(scaled / scaled.sum(), abs=1e-4)
    shown = page.inner_text("#explore-teachers .ls-numbers tr:last-child td:nth-child(2)")
    assert float(shown) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("number", [1, 2, 5, 6, 19, 20])
def test_an_example_is_the_first_or_the_second_of_its_class(figure, families, number):
    page = figure(f"#explore-teachers?T=2&alpha=0.3&example={number}")
    run = next(run for run in families[0].teachers if run.recipe.alpha == 0.3)
    label, second = divmod(number - 1, 2)
    row = np.flatnonzero(run.arrays["train_targets"] == label)[second]
    said = softmax(run.arrays["train_logits"][row].astype(float) / 2)
    shown = page.inner_text("#explore-teachers .ls-numbers tr:last-child td:nth-child(3)")
    assert float(shown.replace("−", "-")) == pytest.approx(said[label], abs=6e-4)
    title = page.text_content("#explore-teachers .ls-stage")
    assert re.search(rf"example {number}, an? {CIFAR_10[label]}", title)


def test_hard_teachers_have_their_colour_and_shape(figure):
    page = figure("#explore-teachers?T=2&alpha=0.3")
    of_teachers = page.evaluate("""() => Object.fromEntries(
        [...document.querySelectorAll("#explore-teachers .ls-numbers tbody tr")]
          .map((row) => [row.querySelector("th").textContent, row.className]))""")
    assert of_teachers == {"hard": "hard", "α = 0.3": "smooth"}
    looks = page.locator("#explore-teachers path.mark").evaluate_all(
        "all => all.map((path) => path.getAttribute('class'))")
    assert sorted(set(looks)) == ["mark hard", "mark smooth"]
    assert looks.count("mark hard") == looks.count("mark smooth") == K + 1
    for alpha, kind in ((0, "hard"), (0.3, "distil")):
        page = figure(f"#explore-distillation?alpha={alpha}&T=1")
        pairs = page.evaluate("""() => Object.fromEntries(
            [...document.querySelectorAll("#explore-distillation .ls-numbers dl div")]
              .map((pair) => [pair.querySelector("dt").textContent, pair.className]))""")
        assert pairs["its student at T = 1"] == kind
    # Students of hard teachers: a faint mark a run, and the line through their means.
    assert page.locator("#explore-distillation path.line.hard").count() == 1 + len({0, 1})
    assert page.locator("#explore-distillation path.mark.hard.faint").count() == 1


def test_a_point_tells_its_teacher_temperature_and_softness(figure):
    page = figure()
    figure5 = page.locator("#explore-distillation")
    readout = figure5.locator(".ls-readout")
    points = figure5.locator("g[role=img]")
    points.nth(0).focus()
    said = readout.inner_text()
    assert re.match(r"teacher, hard targets: γ = 0\.000, accuracy 9\d\.\d %", said)
    page.keyboard.press("ArrowRight")
    assert readout.inner_text() != said
    assert points.evaluate_all("all => all.filter(e => e.tabIndex === 0).length") == 1
    taught = next(i for i in range(points.count())
                  if "T = 3" in points.nth(i).get_attribute("aria-label"))
    points.nth(taught).click(force=True)
    assert re.search(r"student of the teacher with .*, T = 3: γ = .*seeds", readout.inner_text())


def test_picked_lesson_is_ringed_and_linked(figure):
    page = figure("#explore-distillation?alpha=0.3&T=1")
    numbers = page.inner_text("#explore-distillation .ls-numbers")
    assert "teacher, α = 0.3" in numbers
    assert page.locator("#explore-distillation svg > circle").count() == 2
    page.select_option("#explore-distillation-data", index=1)
    page.wait_for_function("location.hash.includes('data=1')")
    assert "lab" in page.get_attribute("#explore-distillation .ls-stage", "aria-label")


def test_seeds_are_drawn_beside_their_mean(figure):
    faint = figure().evaluate(
        """() => [...document.querySelectorAll("#explore-distillation path.mark.faint")]
             .reduce((sum, path) => sum + path.getAttribute("d").split("M").length - 1, 0)""")
    assert faint >= 2 * (3 + 3 + 3 + 2)


def test_incomplete_sets_draw_what_there_is(tmp_path, page):
    teachers = [r for r in experiment(TEACHER, STUDENT) if r.recipe.distil is None
                and r.recipe.model == TEACHER.model]
    families = figures.families((TEACHER, STUDENT), teachers)
    made = [explore.teachers(families, 0.1), explore.figure5(families, 0.1), explore.grid(families)]
    visit(page, page_of("distillation", made, tmp_path))
    assert "No student is recorded yet" in page.inner_text("#explore-distillation .ls-stage")
    assert "no student of a smoothed teacher" in page.inner_text("#explore-grid .ls-stage")
    assert "not all recorded yet" in figures.told(families[0])
    assert "not recorded yet" in figures.grid_told(families[0])


@pytest.mark.parametrize("hard, smoothed, title", [
    (2.0, 0.1, "A hard teacher teaches more than softness; a smoothed one little else"),
    (2.0, 1.4, "Students gain from either teacher, over smoothing alone"),
    (0.2, 0.1, "The better teacher need not have the better student"),
])
def test_the_title_says_who_gains(families, monkeypatch, hard, smoothed, title):
    gains = {figures.HARD: hard, figures.SMOOTHED: smoothed}
    monkeypatch.setattr(figures, "beside_smoothing",
                        lambda frame, curve: pd.DataFrame({"gain": [0.0, gains[curve]]})
                        if curve == figures.HARD else pd.DataFrame({"gain": [gains[curve]]}))
    assert explore.figure5(families, 0.15).title == title
