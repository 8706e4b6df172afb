"""A control that leaves what is recorded offers to train it, and trains when asked."""

import ipywidgets
import pytest

from lsbook import runs
from lsbook.chapter import Chapter
from lsbook.figures import distillation as figures
from lsbook.recipes import Distil, named
from lsbook.widgets import distillation, information
from lsbook.widgets.train import duration, training_panel

RECIPE = named("lab/mlp-digits", seed=91).for_epochs(1)
CHAPTER = Chapter(name="any", presets={"lab": "lab/teacher-mnist1d"}, alpha=0.15, preset="lab",
                  seed=0, device="cpu")


def needs(alpha):
    return [RECIPE.with_(alpha=alpha)]


@pytest.fixture
def box(tmp_path, monkeypatch):
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path))
    runs.get(RECIPE, progress=False)
    slider = ipywidgets.FloatSlider(value=0.0, max=1.0, step=0.01)
    return training_panel(lambda alpha: f"chart at {alpha}", needs, "cpu", alpha=slider)


def parts(box):
    above, below, _, screen = box.children
    (slider,), (button,) = above.children, below.children
    return slider, button, screen


def shown(screen):
    return [output["data"]["text/plain"] for output in screen.outputs if "data" in output]


def test_what_is_recorded_is_drawn_at_once(box):
    assert shown(parts(box)[2]) == ["'chart at 0.0'"]
    assert box.children[1].layout.display == "none"


def test_what_is_missing_waits_for_the_button(box):
    slider, button, screen = parts(box)
    slider.value = 0.13
    assert shown(screen) == [] and box.children[1].layout.display != "none"
    assert button.description.startswith("Not recorded")
    assert runs.find(RECIPE.with_(alpha=0.13)) is None
    button.click()
    assert runs.find(RECIPE.with_(alpha=0.13)) is not None
    assert shown(screen) == ["'chart at 0.13'"] and box.children[1].layout.display == "none"


def test_what_is_wrong_is_said(box):
    def refuse(alpha):
        raise ValueError("alpha must lie in [0, 1].")

    broken = training_panel(lambda alpha: None, refuse, "cpu", alpha=ipywidgets.FloatSlider())
    assert "alpha must lie" in broken.children[-1].outputs[0]["text"]


def test_duration_is_that_of_finished_runs_of_the_family(box):
    assert duration(needs(0.5), "cpu").startswith("about")
    assert duration([RECIPE.with_(batch_size=77)], "cpu") == "of unknown length"


@pytest.mark.parametrize("module", [distillation, information])
def test_static_page_shows_no_explorer(module, monkeypatch):
    monkeypatch.setenv("LSBOOK_STATIC", "1")
    assert module.explorer(CHAPTER, *[None] * (module is distillation) * 2) is None


def test_distillation_explorer_draws_a_recorded_student(monkeypatch):
    monkeypatch.delenv("LSBOOK_STATIC", raising=False)
    teacher, student = named("lab/teacher-mnist1d"), named("lab/student-mnist1d")

    def taught_by(teacher, T, beta):
        return student.with_(distil=Distil(teacher=teacher, T=T, beta=beta))

    family = figures.Family(
        teacher, student, tuple(figures.family(teacher, student, runs.available())))
    row, offer, _, screen = distillation.explorer(CHAPTER, taught_by, family).children
    assert [control.description for control in row.children] == ["α", "T", "β"]
    assert offer.layout.display == "none" and len(screen.outputs) == 1
    row.children[2].value = 0.4
    assert offer.layout.display != "none" and not screen.outputs


def test_information_explorer_draws_from_a_recorded_network(monkeypatch):
    monkeypatch.delenv("LSBOOK_STATIC", raising=False)
    row, offer, _, screen = information.explorer(CHAPTER).children
    assert offer.layout.display == "none" and len(screen.outputs) == 1
    row.children[0].value = 0.37
    assert offer.layout.display != "none" and not screen.outputs
