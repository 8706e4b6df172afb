"""Every published run says what it is, keeps within its size, and its numbers follow from it."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from lsbook import ledger, recipes
from lsbook.estimators import calibration
from lsbook.estimators.information import mutual_information
from lsbook.explore import information as explore
from lsbook.recipes import Recipe
from lsbook.runs import Run
from lsbook.runs.classes import KEPT
from lsbook.runs.pack import ALLOWED, NEEDED
from lsbook.runs.store import COMMITTED
from lsbook.training.evaluation import SHOWN_PER_CLASS, classifier_metrics

MIB = 2**20
LARGEST_FILE = 4 * MIB
MANIFEST = {
    "run", "name", "seed", "scale", "steps", "data_hash", "commit", "device", "threads",
    "wall_seconds", "finished", "python", "versions",
}


def load(path):
    return Run(path, Recipe.from_dict(json.loads((path / "recipe.json").read_text())))


RUNS = [load(path.parent) for path in sorted(COMMITTED.glob("*/manifest.json"))]
REAL = [run for run in RUNS if run.recipe.preset != "lab"]
IMAGES = [run for run in RUNS if not run.recipe.is_text]


def test_every_folder_is_a_whole_run():
    folders = [path for path in COMMITTED.iterdir() if path.is_dir()]
    assert len(folders) == len(RUNS) > 0
    for folder in folders:
        names = {path.name for path in folder.iterdir()}
        assert NEEDED <= names <= ALLOWED, folder


def test_every_run_is_named_by_its_recipe():
    for run in RUNS:
        recipe, manifest = run.recipe, run.manifest
        assert run.path.name == recipe.hash == manifest["run"]
        assert recipe.name == manifest["name"] and recipe.name in recipes.CATALOGUE
        assert manifest.keys() - {"train_fraction"} == MANIFEST, run.path
        assert manifest.get("train_fraction", recipe.train_fraction) == recipe.train_fraction
        assert (recipe.seed, recipe.total_steps) == (manifest["seed"], manifest["steps"])
        assert manifest["scale"] == pytest.approx(recipe.scale, rel=1e-6)
        assert manifest["wall_seconds"] > 0


def test_the_same_data_have_the_same_hash():
    hashes = {}
    for run in RUNS:
        recipe = run.recipe
        data = recipe.dataset, recipe.split, recipe.split_seed, recipe.sentences
        hashes.setdefault(data, set()).add(run.manifest["data_hash"])
    assert all(len(found) == 1 for found in hashes.values()), hashes


def size(runs):
    return sum(path.stat().st_size for run in runs for path in run.path.iterdir())


def test_files_and_their_sum_stay_small():
    assert max(path.stat().st_size for path in COMMITTED.glob("*/*")) <= LARGEST_FILE
    assert size(REAL) <= 25 * MIB


def test_real_runs_keep_what_the_book_needs():
    for run in REAL:
        if run.recipe.is_text:
            continue
        arrays = run.arrays
        student = "student" in run.recipe.name
        assert not (student and run.has_weights)
        N, K = arrays["val_logits"].shape
        assert arrays["val_targets"].shape == (N,)
        if student:
            assert arrays.keys() == {"val_logits", "val_targets"}
            continue
        assert len(arrays["templates"]) == K
        kept = KEPT.get(run.recipe.dataset)
        columns = K if kept is None else len(kept)
        assert arrays["train_logits"].shape[1] == columns
        assert arrays.get("shown_classes", np.array(kept)).tolist() == (kept and list(kept))
        counts = np.bincount(arrays["train_targets"], minlength=columns)
        assert len(counts) == columns and 0 < counts.min() <= counts.max() <= SHOWN_PER_CLASS


def test_numbers_follow_from_the_stored_logits():
    for run in IMAGES:
        for name, value in classifier_metrics(run.arrays).items():
            expected = value if value is None else pytest.approx(value, rel=1e-5)
            assert run.metrics[name] == expected, (run.path, name)


def test_smoothed_translation_passes_its_gate():
    """38 BLEU on test_2016_flickr in lower case: below it, training or search went wrong."""
    name = "paper/transformer-multi30k"
    found = [run for run in RUNS if run.recipe.name == name and run.recipe.alpha == 0.1]
    assert found and min(run.metrics["bleu_lowercase"] for run in found) >= 38


def test_text_numbers_follow_from_the_stored_tokens():
    for run in RUNS:
        arrays, metrics = run.arrays, run.metrics
        if not run.recipe.is_text:
            continue
        one = int(np.flatnonzero(arrays["curve_T"] == 1.0)[0])
        assert metrics["bleu"] == pytest.approx(arrays["curve_bleu"][one], rel=1e-5)
        assert metrics["val_nll"] == pytest.approx(arrays["curve_nll"][one], rel=1e-5)
        best = arrays["curve_nll"].argmin()
        assert metrics["optimal_T"] == pytest.approx(arrays["curve_T"][best], rel=1e-5)
        assert metrics["ece_at_optimal_T"] == pytest.approx(arrays["curve_ece"][best], rel=1e-5)
        if "token_confidence" in arrays:
            confidence = arrays["token_confidence"][one].astype(np.float64)
            ece = calibration.reliability(confidence, arrays["token_correct"]).ece
            assert metrics["val_ece"] == pytest.approx(ece, rel=1e-5)


def test_the_last_point_of_the_history_is_the_run():
    for run in IMAGES:
        history = run.history
        assert history["epoch"][-1] > 0
        if "mi_fresh" in history:
            assert history["mi_step"][-1] == run.recipe.total_steps
            assert len(history["mi_step"]) == len(history["mi_fresh"])


def test_information_follows_from_the_draws_that_the_page_is_given():
    for run in IMAGES:
        if "mi_mean" in run.arrays:
            draws = explore.arrays(run)
            found = [mutual_information(mu.astype(float), y.astype(float))
                     for mu, y in zip(draws["mi_mean"], draws["mi_scored"])]
            np.testing.assert_allclose(found, run.history["mi_fresh"], atol=0.005, err_msg=run.path)


def test_weights_are_those_of_the_network():
    """Names and shapes alone; `python -m lsbook.runs verify` computes with them."""
    for run in RUNS:
        if not run.has_weights:
            continue
        with safe_open(run.path / "weights.safetensors", framework="np") as weights:
            names = [name for name in weights.keys() if name.endswith("weight")]
            shapes = [weights.get_slice(name).get_shape() for name in names]
        if not run.recipe.is_text:
            K, d = run.arrays["templates"].shape
            assert [K, d - 1] in shapes, run.path


def test_the_readme_says_what_came_out():
    said = ledger.in_a_sentence(ledger.verdicts(runs=RUNS))
    assert said in (Path(__file__).parent.parent / "README.md").read_text(), said
