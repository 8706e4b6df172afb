"""What only a GPU can show: it learns what a CPU learns, alike each time, and resumes.

Everything here skips on a machine without CUDA.
"""

import dataclasses

import pytest
import torch
from test_training import ALEXNET, assert_same, colours, stop_in_epoch

from lsbook import data
from lsbook.estimators.calibration import ece
from lsbook.estimators.temperature import fit_temperature
from lsbook.recipes import Distil, Recipe
from lsbook.training import classifier, sequence, sweep
from lsbook.training import device as devices
from lsbook.training.batches import Batch, epoch_batches
from lsbook.training.evaluation import predict

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
RESNET = Recipe(
    name="lab/tiny-resnet", dataset="cifar10", model="resnet20", steps=6, batch_size=8, lr=0.01,
    augment="crop-flip", nesterov=True, weight_decay=1e-4, mi_classes=(0, 5), mi_every=2,
)
TEXT = Recipe(
    name="lab/tiny-grammar", dataset="grammar", model="transformer", steps=20, batch_size=400,
    size=(("d_model", 16), ("layers", 1), ("heads", 2), ("d_ff", 16), ("dropout", 0.0)),
    optimizer="adam", lr=1e-3, schedule="linear", warmup=0.1, clip_norm=1.0, alpha=0.1,
)


def trained(recipe, device, **options):
    images = devices.to_device(colours(), device)
    return classifier.train_classifier(recipe, images, device, progress=False, **options)


def translator(device):
    text = data.load_text("grammar")
    text = dataclasses.replace(text, train=text.train[:200], val=text.val[:20])
    return sequence.train_sequence(TEXT, text, device, progress=False)


def weights(model):
    return torch.cat([p.detach().cpu().double().flatten() for p in model.parameters()])


def assert_alike(model, expected, initial):
    """The networks lie far nearer to each other than to where they began."""
    apart = weights(model) - weights(expected)
    assert apart.norm() < 0.3 * (weights(expected) - weights(initial)).norm()


def drawn_on_a_cpu(recipe, images, epoch, device):
    """The batches of a CPU: each device draws random numbers of its own."""
    for batch in epoch_batches(recipe, devices.to_device(images, CPU), epoch, CPU):
        yield Batch(*(part.to(device) for part in batch))


@pytest.mark.parametrize("recipe", [ALEXNET, RESNET], ids=lambda recipe: recipe.model)
def test_a_gpu_learns_what_a_cpu_learns(recipe, monkeypatch):
    monkeypatch.setattr(classifier, "epoch_batches", drawn_on_a_cpu)
    (ours, _), (expected, _) = trained(recipe, CUDA), trained(recipe, CPU)
    assert_alike(ours, expected, classifier.initial_model(recipe))


@pytest.mark.parametrize("recipe", [ALEXNET, RESNET], ids=lambda recipe: recipe.model)
def test_one_seed_gives_the_same_weights_each_time(recipe):
    (one, path), (other, again) = trained(recipe, CUDA), trained(recipe, CUDA)
    assert_same(one, other)
    assert path.history == again.history


def test_a_training_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    unbroken, expected = trained(RESNET, CUDA)
    state = tmp_path / "state.safetensors"
    with monkeypatch.context() as patch:
        stop_in_epoch(patch, classifier, epoch=2, after=1)
        with pytest.raises(KeyboardInterrupt):
            trained(RESNET, CUDA, state=state)
    resumed, trace = trained(RESNET, CUDA, state=state)
    assert_same(resumed, unbroken)
    assert trace.history == expected.history


def test_a_compiled_training_is_the_plain_one(monkeypatch):
    recipe = RESNET.with_(mi_every=0)
    plain, _ = trained(recipe, CUDA)
    monkeypatch.setattr(
        classifier, "compiled", lambda model, *_: torch.compile(model, mode="reduce-overhead"))
    with torch._dynamo.config.patch(suppress_errors=False):
        compiled, _ = trained(recipe, CUDA)
    assert_alike(compiled, plain, classifier.initial_model(recipe))


def test_a_stack_of_students_is_each_of_them():
    images = devices.to_device(colours(), CUDA)
    teacher = classifier.initial_model(ALEXNET.with_(seed=7)).eval().to(CUDA)
    recipes = [ALEXNET.with_(seed=s, distil=Distil(teacher=ALEXNET, T=2.0)) for s in (0, 1)]
    stacked = sweep.train_stack(
        recipes, images, CUDA, teachers=[teacher] * 2, progress=False)
    for recipe, (model, _) in zip(recipes, stacked, strict=True):
        alone, _ = trained(recipe, CUDA, teacher=teacher)
        assert_alike(model, alone, classifier.initial_model(recipe))


def test_a_gpu_learns_to_translate_as_a_cpu_does():
    (ours, _), (expected, _) = translator(CUDA), translator(CPU)
    assert_alike(ours, expected, sequence.initial_model(TEXT, data.load_text("grammar")))


def test_one_seed_gives_the_same_translator_each_time():
    (one, path), (other, again) = translator(CUDA), translator(CUDA)
    assert_same(one, other)
    assert path.history == again.history


def test_a_gpu_predicts_in_full_precision():
    images, model = colours(), classifier.initial_model(RESNET)
    expected = predict(model, images, images.val_x, RESNET.augment)
    there = devices.choose("cuda")
    ours = predict(
        model.to(there), devices.to_device(images, there), images.val_x.to(there), RESNET.augment)
    torch.testing.assert_close(ours.cpu(), expected, rtol=1e-4, atol=1e-4)


def test_estimators_take_tensors_of_a_gpu():
    logits = 3 * torch.randn(500, 10, generator=torch.Generator().manual_seed(0))
    y = (logits + torch.roll(logits, 1, 0)).argmax(1)
    assert ece(logits.to(CUDA), y.to(CUDA)) == pytest.approx(ece(logits, y), abs=1e-6)
    fitted = fit_temperature(logits.to(CUDA), y.to(CUDA)).T
    assert fitted == pytest.approx(fit_temperature(logits, y).T, rel=1e-4)
