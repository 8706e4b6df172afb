"""What a chapter says before it trains."""

import pytest

from lsbook import recipes, runs
from lsbook.chapter import Chapter, announcement
from lsbook.runs import cost

PAPER = {"paper": "paper/alexnet-cifar10"}


def test_a_training_is_announced_with_its_cost(monkeypatch):
    recipe = recipes.named("paper/alexnet-cifar10", alpha=0.2)
    monkeypatch.setattr(cost, "measured", lambda device: {cost.family(recipe): 0.01})
    said = announcement(recipe, "cpu")
    title = "paper/alexnet-cifar10 at α = 0.2, seed 0"
    assert f"{title}: 390,000 steps, 65 min of training on cpu" in said


def test_all_trainings_are_announced_before_the_first(monkeypatch, capsys):
    monkeypatch.setattr(cost, "measured", lambda device: {})
    monkeypatch.setattr(cost, "trial", lambda recipe, device: 0.5)
    monkeypatch.setattr(runs, "find", lambda recipe: None)
    said = []
    monkeypatch.setattr(
        runs, "get_many", lambda recipes, **options: said.append(capsys.readouterr().out))
    teacher = recipes.named("lab/teacher-mnist1d", alpha=0.3, steps=40)
    students = [recipes.student_of(teacher, T=T, steps=60) for T in (1, 2)]
    chapter = Chapter(name="x", presets=PAPER, alpha=0.3, preset="paper", seed=0, device="cpu")
    chapter.get_many(students)
    [lines] = [text.splitlines() for text in said]
    assert [line.split(": ")[0].split(", ")[-1] for line in lines] == [
        f"taught by α = 0.3 at T = {T}" for T in (1, 2)]
    assert all(": 60 steps, 30 s of training on cpu" in line for line in lines)


def test_the_cost_is_unknown_without_the_data(monkeypatch, tmp_path):
    monkeypatch.setenv("LSBOOK_DATA", str(tmp_path))
    monkeypatch.setattr(cost, "measured", lambda device: {})
    said = announcement(recipes.named("paper/alexnet-cifar10"), "cpu")
    assert "390,000 steps, ? of training on" in said


def test_the_papers_preset_shortens_to_epochs():
    chapter = Chapter(name="x", presets=PAPER, alpha=0.2, preset="paper", seed=1, epochs=2)
    recipe = chapter.recipe()
    assert (recipe.alpha, recipe.seed, recipe.total_steps) == (0.2, 1, 624)
    assert "-p preset paper" in chapter.command and "-p epochs 2" in chapter.command


def test_no_epochs_at_all_are_refused():
    with pytest.raises(ValueError, match="epochs must be above 0; got 0"):
        Chapter(name="x", presets=PAPER, alpha=0.2, preset="paper", seed=1, epochs=0)


def test_the_command_names_the_same_run():
    chapter = Chapter(name="x", presets=PAPER, alpha=0.123456789, preset="paper", seed=1)
    assert " -p alpha 0.123456789 " in chapter.command


@pytest.mark.parametrize("wrong", [{"preset": "ray"}, {"alpha": 1.2}, {"seed": -1}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError):
        right = {"name": "x", "presets": PAPER, "alpha": 0.1, "preset": "paper", "seed": 0}
        Chapter(**right | wrong)
