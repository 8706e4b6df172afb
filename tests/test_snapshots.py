"""Moments of a training: which there are, what is recorded of them, what comes back of a run."""

import dataclasses

import numpy as np
import pytest
import torch

from lsbook import runs
from lsbook.data import load_images
from lsbook.recipes import Recipe, named
from lsbook.runs import snapshots
from lsbook.runs.store import Run
from lsbook.training.classifier import train_classifier
from lsbook.training.evaluation import predict
from lsbook.training.snapshots import Snapshots, moments, rotated

CPU = torch.device("cpu")
# 4,000 examples in batches of 400 make 10 steps an epoch. The rate is constant, so that a shorter
# training is the beginning of a longer one.
STEADY = Recipe(
    name="lab/steady", dataset="mnist1d", model="mlp", steps=40, batch_size=400, lr=0.1, alpha=0.1,
    size=(("inputs", 40), ("hidden", (16,)), ("classes", 10)), schedule="steps",
)


@pytest.fixture(scope="module")
def images():
    return load_images("mnist1d")


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path))
    return runs.get(STEADY, device="cpu", progress=False)


def test_moments_spread_out_and_leave_out_the_end():
    assert moments(60) == [0, 1, 2, 3, 6, 10, 19, 33]
    assert moments(1) == [0]
    for epochs in (2, 5, 15, 350):
        found = moments(epochs)
        assert found[0] == 0 and found[-1] < epochs and len(found) <= 8
        assert all(np.diff(found) > 0)


def test_rotated_templates_have_the_same_inner_products():
    w = np.random.default_rng(0).normal(size=(5, 12))
    assert rotated(w).shape == (5, 5)
    np.testing.assert_allclose(rotated(w) @ rotated(w).T, w @ w.T)


def test_a_snapshot_is_the_shorter_training(run, images):
    assert snapshots.epochs(run) == [0, 1, 2, 3, 4]
    assert snapshots.at_epoch(run, 4) is run
    for epoch in (1, 3):
        then = snapshots.at_epoch(run, epoch)
        shorter = STEADY.with_(steps=10 * epoch)
        model, _ = train_classifier(shorter, images, CPU, progress=False)
        w = model.templates().detach().numpy()
        got = then.arrays["templates"]
        np.testing.assert_allclose(got @ got.T, w @ w.T, atol=1e-4)
        for part, x, y in (("train", images.train_x, images.train_y),
                           ("val", images.val_x, images.val_y)):
            first = np.concatenate([np.flatnonzero(y.numpy() == k)[:25] for k in range(10)])
            expected = predict(model, images, x[first], shorter.augment).numpy()
            logits = then.arrays[f"{part}_logits"]
            np.testing.assert_allclose(logits, expected, atol=expected.std() / 100)
            np.testing.assert_array_equal(then.arrays[f"{part}_targets"], y.numpy()[first])


def test_a_moment_that_was_not_recorded_is_an_error(run):
    with pytest.raises(ValueError, match="no snapshot after epoch 7; choose among 0, 1, 2, 3, 4."):
        snapshots.at_epoch(run, 7)
    assert snapshots.epochs(runs.find(named("compact/resnet20-cifar100"))) == [60]


def test_many_classes_are_not_recorded(images):
    many = dataclasses.replace(images, classes=tuple(map(str, range(11))))
    assert Snapshots(STEADY, images, 4).due == [0, 1, 2, 3]
    assert Snapshots(STEADY, many, 4).due == []
