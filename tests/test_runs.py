"""Recipes, runs and what is made of them: evaluated again, published, tabulated, asked for."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from lsbook import recipes, runs
from lsbook.chapter import Chapter
from lsbook.data import load_images, load_text
from lsbook.estimators.translation import token_calibration
from lsbook.recipes import Distil, Recipe
from lsbook.runs import tables
from lsbook.runs.__main__ import main
from lsbook.runs.best import best, compares, of_hard_seeds
from lsbook.runs.classes import KEPT, examples, shown_classes
from lsbook.runs.publish import publish
from lsbook.training.evaluation import predict
from lsbook.training.sequence import by_length, pad

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def only_committed(tmp_path, monkeypatch):
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path / "runs"))


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
    heavy = {"mi_mean", "snapshot_epoch", "snapshot_train_logits"}
    assert full.has_weights and heavy <= full.arrays.keys()
    assert not light.has_weights and not heavy & light.arrays.keys()
    with pytest.raises(FileNotFoundError, match="retrain=True"):
        light.model()


def test_publish_copies_whole_folders(tmp_path):
    run = runs.find(recipes.named("lab/mlp-mnist1d", alpha=0.1))
    copy = publish(run, tmp_path)
    assert sorted(p.name for p in copy.iterdir()) == sorted(p.name for p in run.path.iterdir())
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def of_classes(recipe, folder, K=100, each=2, N=50):
    """A run of random logits, with ``each`` training examples of every class."""
    rng = np.random.default_rng(0)
    arrays = {
        "val_logits": rng.normal(size=(N, K)).astype(np.float16),
        "val_targets": (np.arange(N) % K).astype(np.uint8),
        "train_logits": rng.normal(size=(each * K, K)).astype(np.float16),
        "train_targets": np.repeat(np.arange(K), each).astype(np.uint8),
        "templates": rng.normal(size=(K, 5)).astype(np.float32),
    }
    path = folder / recipe.hash
    path.mkdir(parents=True)
    np.savez_compressed(path / "arrays.npz", **arrays)
    save_file({"weight": torch.zeros(3)}, path / "weights.safetensors")
    return runs.Run(path, recipe)


def test_a_hundred_classes_are_thinned_to_twenty_and_read_alike(tmp_path):
    run = of_classes(recipes.named("compact/resnet20-cifar100"), tmp_path / "own")
    copy = runs.Run(publish(run, tmp_path / "published"), run.recipe)
    stored = copy.stored_arrays()
    assert stored["train_logits"].shape == (40, 20) and stored["train_logits"].dtype == np.float16
    kept = stored["shown_classes"].tolist()
    assert kept == shown_classes(copy).tolist() == list(KEPT["cifar100"])
    assert np.array_equal(stored["val_logits"], run.stored_arrays()["val_logits"])
    for part in ("train", "val"):
        for a, b in zip(examples(run, part, (55, 4, 30)), examples(copy, part, (55, 4, 30))):
            assert np.array_equal(a, b)
    again = runs.Run(publish(copy, tmp_path / "twice"), run.recipe)
    assert np.array_equal(again.stored_arrays()["train_logits"], stored["train_logits"])


def test_examples_of_chosen_classes_come_in_their_order(tmp_path):
    run = of_classes(recipes.named("compact/alexnet-cifar10"), tmp_path, K=10)
    logits, targets = examples(run, "train", (7, 2), most=1)
    assert targets.tolist() == [0, 1]
    assert np.array_equal(logits, run.arrays["train_logits"][[14, 4]][:, [7, 2]])


def test_examples_of_a_class_left_behind_are_refused(tmp_path):
    run = of_classes(recipes.named("compact/resnet20-cifar100"), tmp_path / "own")
    copy = runs.Run(publish(run, tmp_path / "published"), run.recipe)
    with pytest.raises(ValueError, match="no train examples of class 1; choose among 0, 2, 4"):
        examples(copy, "train", (4, 1))


@pytest.mark.parametrize(
    "name, seed, weights, train",
    [
        ("compact/alexnet-cifar10", 0, True, True),
        ("compact/alexnet-cifar10", 1, False, True),
        ("compact/student-cifar10", 0, False, False),
        ("lab/student-mnist1d", 0, False, False),
        ("paper/student-mnist", 1, False, False),
    ],
)
def test_what_a_published_run_keeps(name, seed, weights, train, tmp_path):
    run = of_classes(recipes.named(name, seed=seed), tmp_path / "own", K=10)
    copy = runs.Run(publish(run, tmp_path / "published"), run.recipe)
    assert copy.has_weights == weights
    assert ("train_logits" in copy.arrays) == ("train_targets" in copy.arrays) == train
    assert ("templates" in copy.arrays) == train
    assert {"val_logits", "val_targets"} <= copy.arrays.keys()


def test_best_runs_are_the_first_with_hard_and_smoothed_ones():
    lab = best("paper/alexnet-cifar10", "lab/mlp-mnist1d", "lab/mlp-digits", seed=0)
    assert {run.recipe.name for run in lab} == {"lab/mlp-mnist1d"}
    assert {run.recipe.seed for run in lab} == {0} and lab[0].recipe.alpha == 0
    assert best("paper/inception-tinyimagenet") == []
    assert not compares([run for run in lab if run.recipe.alpha == 0])
    assert not compares([run for run in lab if run.recipe.alpha > 0])
    hard, smoothed = lab[0], best("lab/mlp-mnist1d", seed=1)[1:]
    assert not compares([hard, *smoothed])  # of another seed
    assert of_hard_seeds([hard, *smoothed]) == [hard]


def test_chapter_at_its_best_preset_is_that_with_runs():
    presets = {"lab": "lab/mlp-mnist1d", "paper": "paper/inception-tinyimagenet"}
    chapter = Chapter(**CHAPTER | {"presets": presets, "preset": "paper"})
    assert chapter.best().preset == "lab"
    bare = Chapter(**CHAPTER | {"presets": {"paper": "paper/inception-tinyimagenet"},
                                "preset": "paper"})
    assert bare.best() is bare


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
    assert set(frame["train_fraction"]) == {1.0}
    assert frame["val_ece"].tolist() == [run.metrics["val_ece"] for run in found]


def of(rows):
    return pd.DataFrame(rows, columns=["alpha", "seed", "x"])


@pytest.mark.parametrize("more, expected", [
    ([], {0.0: 2.0, 0.1: 5.0}),
    ([(0.2, 0, 9.0)], {0.0: 2.0, 0.1: 5.0}),                         # one seed beside three
    ([(0.0, 7, 90.0), (0.2, 7, 9.0)], {0.0: 2.0, 0.1: 5.0}),         # a seed of their own
    ([(0.2, s, 9.0) for s in range(4)], {0.0: 2.0, 0.1: 5.0, 0.2: 9.0}),
])
def test_alphas_are_ranked_by_means_over_the_same_seeds(more, expected):
    rows = [(0.0, s, x) for s, x in enumerate((1.0, 2.0, 3.0))]
    rows += [(0.1, s, x) for s, x in enumerate((4.0, 5.0, 6.0))]
    assert tables.means(of(rows + more), ["x"])["x"].to_dict() == expected


def test_without_smoothed_runs_the_mean_is_that_of_hard_ones():
    assert tables.means(of([(0.0, 0, 1.0), (0.0, 1, 2.0)]), ["x"])["x"].to_dict() == {0.0: 1.5}


def test_history_table_has_a_row_a_tick():
    run = runs.find(recipes.named("lab/mlp-mnist1d", alpha=0.1))
    frame = tables.history([run], "mi_step", ["mi_fresh", "mi_reused"])
    assert len(frame) == len(run.history["mi_step"])
    assert frame["mi_fresh"].tolist() == run.history["mi_fresh"]


def test_queue_listing_says_what_is_there(capsys):
    assert main(["list", "--recipe", "mlp-mnist1d"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 45 and all("there" in line for line in lines)
