"""The committed runs say what they are, and their numbers follow from their arrays and weights."""

import json

import numpy as np
import pytest
import torch

from lsbook import recipes, runs
from lsbook.chapter import Chapter
from lsbook.data import load_images, load_text
from lsbook.estimators import calibration
from lsbook.estimators.translation import token_calibration
from lsbook.recipes import Distil, Recipe
from lsbook.runs import tables
from lsbook.runs.__main__ import main
from lsbook.runs.publish import publish
from lsbook.runs.store import COMMITTED
from lsbook.training.evaluation import classifier_metrics, predict
from lsbook.training.sequence import by_length, pad

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def only_committed(tmp_path, monkeypatch):
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path / "runs"))


@pytest.fixture(scope="module")
def committed():
    return [
        runs.Run(
            path.parent, Recipe.from_dict(json.loads((path.parent / "recipe.json").read_text()))
        )
        for path in sorted(COMMITTED.glob("*/manifest.json"))
    ]


def test_every_committed_run_is_named_by_its_recipe(committed):
    assert committed
    for run in committed:
        assert run.path.name == run.recipe.hash == run.manifest["run"]
        assert run.recipe.name in recipes.CATALOGUE


def test_every_manifest_is_complete(committed):
    wanted = {
        "run",
        "name",
        "seed",
        "scale",
        "steps",
        "data_hash",
        "commit",
        "device",
        "threads",
        "wall_seconds",
        "finished",
        "python",
        "versions",
    }
    for run in committed:
        assert set(run.manifest) == wanted, run.path
        assert run.manifest["wall_seconds"] > 0


def test_metrics_follow_from_the_stored_logits(committed):
    for run in committed:
        if run.recipe.is_text:
            continue
        for name, value in classifier_metrics(run.arrays).items():
            expected = value if value is None else pytest.approx(value, rel=1e-5)
            assert run.metrics[name] == expected, (run.path, name)


def test_text_metrics_follow_from_the_stored_tokens(committed):
    for run in committed:
        if run.recipe.is_text and run.recipe.seed == 0:
            at_one = int(np.flatnonzero(run.arrays["curve_T"] == 1.0)[0])
            confidence = run.arrays["token_confidence"][at_one].astype(np.float64)
            ece = calibration.reliability(confidence, run.arrays["token_correct"]).ece
            assert run.metrics["val_ece"] == pytest.approx(ece, rel=1e-5)
            best = run.arrays["curve_nll"].argmin()
            assert run.metrics["optimal_T"] == pytest.approx(run.arrays["curve_T"][best], rel=1e-5)
            at_best = run.arrays["curve_ece"][best]
            assert run.metrics["ece_at_optimal_T"] == pytest.approx(at_best, rel=1e-5)


def test_logits_follow_from_the_weights_and_the_data():
    recipe = recipes.named("lab/mlp-mnist1d", alpha=0.1)
    run = runs.find(recipe)
    images = load_images(recipe.dataset)
    assert images.content_hash == run.manifest["data_hash"]
    logits = predict(run.model(), images, images.val_x, recipe.augment)
    # Weights are kept in half precision.
    assert np.abs(logits.numpy() - run.arrays["val_logits"]).max() < 0.05


def test_token_confidences_follow_from_the_weights_and_the_text():
    recipe = recipes.named("lab/transformer-grammar", alpha=0.1)
    run, text = runs.find(recipe), load_text(recipe.dataset)
    assert text.content_hash == run.manifest["data_hash"]
    batches = [pad([text.val[i] for i in batch], CPU) for batch in by_length(text.val, 4096)]
    tokens = token_calibration(run.model(), batches, T=1.0)
    at_one = int(np.flatnonzero(run.arrays["curve_T"] == 1.0)[0])
    # Weights are kept in half precision.
    assert np.abs(tokens.confidence - run.arrays["token_confidence"][at_one]).mean() < 1e-3
    assert tokens.nll.mean() == pytest.approx(run.metrics["val_nll"], rel=1e-3)


def test_seed_zero_keeps_all_and_the_others_neither_weights_nor_paths():
    full, light = (runs.find(recipes.named("lab/mlp-mnist1d", alpha=0.1, seed=s)) for s in (0, 1))
    assert full.has_weights and "mi_mean" in full.arrays
    assert not light.has_weights and "mi_mean" not in light.arrays
    with pytest.raises(FileNotFoundError, match="retrain=True"):
        light.model()


def test_publish_copies_whole_folders(tmp_path):
    run = runs.find(recipes.named("lab/mlp-mnist1d", alpha=0.1))
    copy = publish(run, tmp_path)
    assert sorted(p.name for p in copy.iterdir()) == sorted(p.name for p in run.path.iterdir())
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_hash_is_the_same_forever():
    recipe = Recipe(name="lab/x", dataset="digits", model="mlp", steps=10, lr=0.1)
    assert recipe.hash == "613b9c0d78a4"


def test_hash_sees_what_changes_numbers_and_not_the_name():
    recipe = recipes.named("lab/mlp-mnist1d")
    assert recipe.hash == recipe.with_(name="lab/other").hash
    others = [
        recipe.with_(alpha=0.1),
        recipe.with_(seed=1),
        recipe.with_(scale=0.5),
        recipe.with_(distil=Distil(teacher=recipe)),
        recipe.with_(distil=Distil(teacher=recipe, T=2.0)),
    ]
    assert len({recipe.hash, *(other.hash for other in others)}) == 6


def test_whole_numbers_and_floats_name_one_recipe():
    teacher = recipes.named("lab/teacher-mnist1d", alpha=1)
    assert teacher.hash == recipes.named("lab/teacher-mnist1d", alpha=1.0).hash
    assert recipes.student_of(teacher, T=2).hash == recipes.student_of(teacher, T=2.0).hash


def test_recipe_survives_json():
    teacher = recipes.named("lab/teacher-mnist1d", alpha=0.3)
    student = recipes.student_of(teacher, T=4.0)
    again = Recipe.from_dict(json.loads(json.dumps(student.to_dict())))
    assert again == student and again.hash == student.hash


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alpha": 1.5}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"scale": 0.0}, "scale"),
        ({"steps": 0}, "steps"),
        ({"schedule": "sometimes"}, "schedule"),
    ],
)
def test_recipe_refuses_nonsense(changes, message):
    with pytest.raises(ValueError, match=message):
        recipes.named("lab/mlp-mnist1d", **changes)


def test_unknown_recipe_lists_those_there_are():
    with pytest.raises(ValueError, match="lab/mlp-mnist1d"):
        recipes.named("lab/nothing")


def test_distillation_refuses_temperature_zero():
    with pytest.raises(ValueError, match="temperature"):
        Distil(teacher=recipes.named("lab/teacher-mnist1d"), T=0.0)


def test_epochs_shorten_the_schedule():
    # 40,000 training images make 312 batches of 128.
    assert recipes.named("paper/alexnet-cifar10").for_epochs(1).total_steps == 312


CHAPTER = dict(
    name="calibration", presets={"lab": "lab/mlp-mnist1d"}, alpha=0.1, preset="lab", seed=0
)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alpha": 1.5}, "alpha"),
        ({"preset": "moon"}, "preset must be one of lab"),
        ({"seed": -1}, "seed"),
        ({"device": "abacus"}, "device"),
    ],
)
def test_chapter_refuses_wrong_parameters(changes, message):
    with pytest.raises(ValueError, match=message):
        Chapter(**CHAPTER | changes)


def test_chapter_finds_recorded_runs_in_order():
    found = Chapter(**CHAPTER).recorded(seed=0)
    alphas = [run.recipe.alpha for run in found]
    assert alphas == sorted(alphas) and 0.0 in alphas and 0.1 in alphas
    frame = tables.metrics(found)
    assert frame["val_ece"].tolist() == [run.metrics["val_ece"] for run in found]


def test_history_table_has_a_row_a_tick():
    run = runs.find(recipes.named("lab/mlp-mnist1d", alpha=0.1))
    frame = tables.history([run], "mi_step", ["mi_fresh", "mi_reused"])
    assert len(frame) == len(run.history["mi_step"])
    assert frame["mi_fresh"].tolist() == run.history["mi_fresh"]


def test_queue_listing_says_what_is_there(capsys):
    assert main(["list", "--recipe", "mlp-mnist1d"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 45 and all("there" in line for line in lines)
