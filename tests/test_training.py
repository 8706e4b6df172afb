"""Training: what is minimised, how it is stepped, what an interruption and a broken disk leave."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from lsbook import data, runs
from lsbook.data.images import Images
from lsbook.recipes import Distil, Recipe
from lsbook.runs import store
from lsbook.training import checkpoint, classifier, sequence, sweep
from lsbook.training import device as devices
from lsbook.training.batches import Batch, epoch_batches
from lsbook.training.objective import Objective
from lsbook.training.optimisation import learning_rate, make_optimizer, set_learning_rate

CPU = torch.device("cpu")
TINY = Recipe(
    name="lab/tiny", dataset="mnist1d", model="mlp", steps=24, batch_size=32, lr=0.1,
    size=(("inputs", 12), ("hidden", (16, 8)), ("classes", 3)), augment="shift1d",
    schedule="cosine", nesterov=True, mi_classes=(0, 2), mi_every=5,
)
# 1,297 digits in batches of 256 make 5 steps an epoch, so 4 epochs.
DIGITS = Recipe(
    name="lab/few-digits", dataset="digits", model="mlp", steps=20, batch_size=256, lr=0.1,
    size=(("inputs", 64), ("hidden", (16,)), ("classes", 10), ("dropout", 0.2)),
)
ALEXNET = Recipe(
    name="lab/tiny-alexnet", dataset="cifar10", model="alexnet", steps=3, batch_size=8, lr=0.01,
    augment="crop24-flip", weight_decay=0.04, decay_only=("dense1.weight",), loss_scale=3.0,
)


@pytest.fixture(scope="module")
def images() -> Images:
    """Three noisy patterns of 12 points; 8 batches of 32."""
    random = torch.Generator().manual_seed(0)
    y = torch.randint(3, (320,), generator=random)
    x = torch.randn(3, 12, generator=random)[y] + 0.5 * torch.randn(320, 12, generator=random)
    return Images(
        name="mnist1d", train_x=x[:256], train_y=y[:256], val_x=x[256:], val_y=y[256:],
        test_x=None, test_y=None, classes=("a", "b", "c"), mean=torch.tensor(0.0),
        std=torch.tensor(1.0), content_hash="0" * 64,
    )


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path))
    return tmp_path


def single(recipe, images, **options):
    return classifier.train_classifier(recipe, images, CPU, progress=False, **options)


def stack(recipes, images, teachers=None, **options):
    teachers = teachers or [None] * len(recipes)
    return sweep.train_stack(recipes, images, CPU, teachers=teachers, progress=False, **options)


def get(recipe, **options):
    return runs.get(recipe, device="cpu", progress=False, **options)


def assert_same(one, other, **tolerance):
    for (name, a), b in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, **(tolerance or {"rtol": 0, "atol": 0}), msg=name)


def stop_in_epoch(monkeypatch, module, epoch, after=2):
    """Let ``module`` be interrupted after some batches of ``epoch``."""
    batches = module.epoch_batches

    def interrupted(*args):
        now = args[2]
        for number, batch in enumerate(batches(*args)):
            if now == epoch and number == after:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(module, "epoch_batches", interrupted)


# What is minimised


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.6])
def test_objective_is_torchs_smoothed_cross_entropy(alpha):
    logits, y = torch.randn(7, 5), torch.randint(5, (7,))
    ours = Objective.of(TINY.with_(alpha=alpha, loss_scale=3.0))(logits, y, None)
    expected = 3 * F.cross_entropy(logits, y, label_smoothing=alpha, reduction="none")
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("beta, T", [(1.0, 1.0), (0.6, 4.0)])
def test_objective_of_a_student_in_torchs_terms(beta, T):
    logits, teacher, y = torch.randn(7, 5), 3 * torch.randn(7, 5), torch.randint(5, (7,))
    recipe = TINY.with_(alpha=0.1, distil=Distil(teacher=TINY, beta=beta, T=T))
    hard = F.cross_entropy(logits, y, label_smoothing=0.1, reduction="none")
    soft = F.cross_entropy(logits, F.softmax(teacher / T, -1), reduction="none")
    ours = Objective.of(recipe)(logits, y, teacher)
    torch.testing.assert_close(ours, (1 - beta) * hard + beta * soft)


def test_objective_of_matched_logits():
    logits, teacher, y = torch.randn(7, 5), torch.randn(7, 5), torch.randint(5, (7,))
    recipe = TINY.with_(distil=Distil(teacher=TINY, objective="logits"))
    ours = Objective.of(recipe)(logits, y, teacher)
    torch.testing.assert_close(ours, F.mse_loss(logits, teacher, reduction="none").sum(1) / 2)


def test_objective_of_a_stack_is_that_of_each():
    recipes = [
        TINY.with_(alpha=a, distil=Distil(teacher=TINY, beta=b, T=T))
        for a, b, T in ((0.0, 1.0, 1.0), (0.2, 0.3, 4.0))
    ]
    logits, teacher, y = torch.randn(2, 7, 3), torch.randn(2, 7, 3), torch.randint(3, (2, 7))
    together = Objective.stack(recipes, CPU)(logits, y, teacher)
    for number, recipe in enumerate(recipes):
        alone = Objective.of(recipe)(logits[number], y[number], teacher[number])
        torch.testing.assert_close(together[number], alone)


# How it is stepped


def test_milestones_divide_the_rate_by_ten():
    recipe = TINY.with_(schedule="steps", steps=12, milestones=(1 / 3, 2 / 3))
    rates = [learning_rate(recipe, step) for step in range(12)]
    assert rates == pytest.approx([1] * 4 + [0.1] * 4 + [0.01] * 4)


def test_milestones_shrink_with_the_scale():
    recipe = TINY.with_(schedule="steps", steps=120, scale=0.1, milestones=(0.5,))
    assert [learning_rate(recipe, step) for step in (5, 6, 11)] == pytest.approx([1, 0.1, 0.1])


def test_linear_rate_falls_to_nothing():
    recipe = TINY.with_(schedule="linear", steps=10)
    assert [learning_rate(recipe, s) for s in (0, 5, 9, 10)] == pytest.approx([1, 0.5, 0.1, 0])


def test_cosine_rate_is_torchs():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    torchs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    for step in range(20):
        assert learning_rate(TINY.with_(steps=20), step) == pytest.approx(torchs.get_last_lr()[0])
        optimizer.step()
        torchs.step()


def test_warm_up_rises_in_a_line():
    recipe = TINY.with_(schedule="steps", steps=20, warmup=0.5)
    assert [learning_rate(recipe, s) for s in (0, 4, 9, 19)] == pytest.approx([0.1, 0.5, 1, 1])


def test_parameters_get_the_rates_and_decay_of_the_recipe():
    recipe = TINY.with_(last_layer_lr=0.01, weight_decay=0.04, decay_only=("hidden.1.weight",))
    named = dict(classifier.initial_model(recipe).named_parameters())
    optimizer = make_optimizer(recipe, named)
    set_learning_rate(optimizer, 0.5)
    found = {
        name: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for name, value in named.items()
        if any(value is one for one in group["params"])
    }
    assert found == {
        "hidden.0.weight": (0.05, 0.0),
        "hidden.0.bias": (0.05, 0.0),
        "hidden.1.weight": (0.05, 0.04),
        "hidden.1.bias": (0.05, 0.0),
        "output.weight": (0.005, 0.0),
        "output.bias": (0.005, 0.0),
    }


def test_decay_of_an_unknown_parameter_is_an_error():
    recipe = TINY.with_(decay_only=("dense1.weight",))
    with pytest.raises(ValueError, match="decay_only names.*dense1.weight.*hidden.0.weight"):
        single(recipe, None)


def test_damped_momentum_averages_gradients():
    value = torch.zeros(1, requires_grad=True)
    recipe = TINY.with_(damped=True, nesterov=False, lr=1.0)
    optimizer = make_optimizer(recipe, {"value": value})
    velocity = None
    for gradient in (1.0, -2.0, 4.0):
        before = value.item()
        value.grad = torch.tensor([gradient])
        optimizer.step()
        velocity = gradient if velocity is None else 0.9 * velocity + 0.1 * gradient
        assert before - value.item() == pytest.approx(velocity, rel=1e-5)


def test_an_epoch_depends_on_seed_and_epoch_alone(images):
    def order(seed, epoch):
        batches = epoch_batches(TINY.with_(seed=seed), images, epoch, CPU)
        return torch.cat([batch.index for batch in batches]).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2) and order(0, 1) != order(1, 1)
    assert sorted(order(0, 1)) == list(range(256))


def test_initial_weights_depend_on_the_seed_alone():
    first = classifier.initial_model(TINY)
    torch.manual_seed(5)
    assert_same(first, classifier.initial_model(TINY.with_(alpha=0.3)))
    other = classifier.initial_model(TINY.with_(seed=1))
    assert not torch.equal(first.output.weight, other.output.weight)


def test_training_learns(images):
    _, trace = single(TINY, images)
    assert trace.history["val_accuracy"][-1] > 0.9
    assert trace.history["train_loss"][-1] < trace.history["train_loss"][0]
    assert trace.history["mi_step"] == [0, 5, 10, 15, 20, 24]


def test_a_diverging_loss_is_named(images):
    with pytest.raises(classifier.Diverged, match="lab/tiny with α=0.2, seed 0 diverged"):
        single(TINY.with_(lr=1e30, alpha=0.2), images)
    with pytest.raises(classifier.Diverged, match="lower lr"):
        stack([TINY.with_(lr=1e30, alpha=a, mi_every=0) for a in (0.0, 0.2)], images)


# A stack gives the result of the single runs


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"clip_norm": 0.5, "loss_scale": 3.0},
        {"weight_decay": 1e-2, "decay_only": ("output.weight",)},
        {"optimizer": "adam", "lr": 1e-2, "last_layer_lr": 1e-3},
    ],
)
def test_stack_equals_single_runs(images, changes):
    recipes = [TINY.with_(alpha=a, seed=s, **changes) for a in (0.0, 0.1, 0.6) for s in (0, 3)]
    for recipe, (model, trace) in zip(recipes, stack(recipes, images), strict=True):
        alone, expected = single(recipe, images)
        assert_same(model, alone, rtol=1e-4, atol=1e-5)
        assert trace.history.keys() == expected.history.keys()
        for name, values in expected.history.items():
            np.testing.assert_allclose(trace.history[name], values, atol=0.02, err_msg=name)


@pytest.mark.parametrize("objective", ["probabilities", "logits"])
def test_stack_of_students_equals_single_students(images, objective):
    teachers = [TINY.with_(alpha=a) for a in (0.0, 0.3)]
    taught = {t.hash: single(t, images)[0] for t in teachers}
    recipes = [
        TINY.with_(seed=s, distil=Distil(teacher=t, beta=b, T=T, objective=objective), mi_every=0)
        for t, s, b, T in ((teachers[0], 0, 1.0, 1.0), (teachers[0], 1, 0.6, 4.0),
                           (teachers[1], 1, 0.5, 2.0))
    ]
    asked = [taught[r.distil.teacher.hash] for r in recipes]
    for recipe, teacher, (model, _) in zip(recipes, asked, stack(recipes, images, asked)):
        assert_same(model, single(recipe, images, teacher=teacher)[0], rtol=1e-4, atol=1e-5)


def colours(count: int = 40) -> Images:
    random = torch.Generator().manual_seed(0)
    x = torch.randint(256, (count, 3, 32, 32), generator=random, dtype=torch.uint8)
    y = torch.arange(count) % 10
    half = count // 2
    return Images(
        name="cifar10", train_x=x[:half], train_y=y[:half], val_x=x[half:], val_y=y[half:],
        test_x=None, test_y=None, classes=tuple("abcdefghij"), mean=torch.full((3, 1, 1), 127.5),
        std=torch.full((3, 1, 1), 74.0), content_hash="0" * 64,
    )


def test_stack_of_alexnet_students_equals_single_students():
    colour, teacher = colours(), classifier.initial_model(ALEXNET.with_(seed=7)).eval()
    recipes = [
        ALEXNET.with_(seed=s, distil=Distil(teacher=ALEXNET, T=T))
        for s, T in ((0, 1.0), (0, 4.0), (1, 2.0))
    ]
    for recipe, (model, trace) in zip(recipes, stack(recipes, colour, [teacher] * 3), strict=True):
        alone, expected = single(recipe, colour, teacher=teacher)
        assert_same(model, alone, rtol=1e-4, atol=1e-6)
        assert trace.history["val_nll"] == pytest.approx(expected.history["val_nll"], rel=1e-5)


def test_a_stack_refuses_what_it_cannot_hold(images):
    with pytest.raises(ValueError, match="share everything but"):
        stack([TINY, TINY.with_(lr=0.2)], images)
    dropout = TINY.with_(size=(*TINY.size, ("dropout", 0.5)))
    with pytest.raises(ValueError, match="without dropout"):
        stack([dropout, dropout.with_(seed=1)], images)
    with pytest.raises(ValueError, match="MLPs .* or AlexNets"):
        stack([TINY.with_(model="conv1d", size=()), TINY.with_(model="conv1d", size=(), seed=1)],
              images)


# Interruption


@pytest.mark.parametrize(
    "recipe",
    [
        TINY.with_(size=(*TINY.size, ("dropout", 0.3))),
        TINY.with_(model="conv1d", size=(("classes", 3), ("width", 4))),
        TINY.with_(optimizer="adam", lr=1e-2),
    ],
    ids=["dropout", "batch norm", "adam"],
)
def test_resumed_run_equals_unbroken(images, tmp_path, monkeypatch, recipe):
    unbroken, expected = single(recipe, images)
    state = tmp_path / "state.safetensors"
    with monkeypatch.context() as patch:
        stop_in_epoch(patch, classifier, epoch=1)
        with pytest.raises(KeyboardInterrupt):
            single(recipe, images, state=state)
    torch.rand(3)
    resumed, trace = single(recipe, images, state=state)
    assert_same(resumed, unbroken)
    assert trace.history == expected.history


def test_moments_come_back_in_their_weights_layout(tmp_path):
    def steps(model, optimizer):
        x = torch.randn(8, 3, 24, 24, generator=torch.Generator().manual_seed(1))
        for _ in range(2):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()

    def fresh():
        model = classifier.initial_model(ALEXNET).to(memory_format=torch.channels_last)
        return model, make_optimizer(ALEXNET, dict(model.named_parameters()))

    state, (model, optimizer), (again, resumed) = tmp_path / "state", fresh(), fresh()
    steps(model, optimizer)
    checkpoint.save(state, model, optimizer, {})
    checkpoint.load(state, again, resumed)
    moments = [
        (weight, resumed.state[weight]["momentum_buffer"], optimizer.state[old]["momentum_buffer"])
        for weight, old in zip(again.parameters(), model.parameters(), strict=True)
    ]
    assert any(not weight.is_contiguous() for weight, _, _ in moments)
    for weight, moment, saved in moments:
        assert moment.stride() == weight.stride()
        assert torch.equal(moment, saved)
    steps(model, optimizer)
    steps(again, resumed)
    assert_same(again, model)


def test_a_state_that_is_not_finished_leaves_the_last_one(tmp_path, monkeypatch):
    def fresh():
        model = classifier.initial_model(TINY)
        return model, make_optimizer(TINY, dict(model.named_parameters()))

    state, (model, optimizer) = tmp_path / "state.safetensors", fresh()
    checkpoint.save(state, model, optimizer, {"epoch": 1})
    whole = state.read_bytes()

    def killed(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.save(state, model, optimizer, {"epoch": 2})
    assert state.read_bytes() == whole
    assert checkpoint.load(state, *fresh()) == {"epoch": 1}


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.6])
def test_a_translation_is_trained_with_its_alpha(alpha):
    """The loss of the first step, in torch's terms; no weight has moved before it."""
    text = data.load_text("grammar")
    text = dataclasses.replace(text, train=text.train[:30], val=text.val[:5])
    recipe = Recipe(
        name="lab/tiny-grammar", dataset="grammar", model="transformer", steps=1, lr=1e-3,
        size=(("d_model", 16), ("layers", 1), ("heads", 2), ("d_ff", 16), ("dropout", 0.0)),
        batch_size=10_000, optimizer="adam", alpha=alpha,
    )
    source, prefix, target = sequence.pad(text.train, CPU)
    with torch.no_grad():
        logits = sequence.initial_model(recipe, text)(source, prefix)
    expected = F.cross_entropy(
        logits.flatten(0, 1), target.flatten(), ignore_index=0, label_smoothing=alpha)
    _, trace = sequence.train_sequence(recipe, text, CPU, progress=False)
    assert trace.history["train_loss"] == [pytest.approx(expected.item(), rel=1e-5)]


def test_resumed_stack_equals_unbroken(images, tmp_path, monkeypatch):
    recipes = [TINY.with_(alpha=a, seed=s) for a in (0.0, 0.2) for s in (0, 1)]
    unbroken = stack(recipes, images)
    states = [tmp_path / f"{recipe.hash}.safetensors" for recipe in recipes]
    with monkeypatch.context() as patch:
        stop_in_epoch(patch, sweep, epoch=2)
        with pytest.raises(KeyboardInterrupt):
            stack(recipes, images, states=states)
    for (model, trace), (expected, path) in zip(stack(recipes, images, states=states), unbroken):
        assert_same(model, expected)
        assert trace.history == path.history


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_state_of_a_stack_serves_each_of_its_runs_in_other_company(
    images, tmp_path, monkeypatch, optimizer
):
    rate = {"optimizer": optimizer, "lr": 1e-2}
    recipes = [TINY.with_(alpha=a, seed=s, **rate) for a in (0.0, 0.2) for s in (0, 1)]
    unbroken = stack(recipes, images)
    states = [tmp_path / f"{recipe.hash}.safetensors" for recipe in recipes]
    with monkeypatch.context() as patch:
        stop_in_epoch(patch, sweep, epoch=2)
        with pytest.raises(KeyboardInterrupt):
            stack(recipes, images, states=states)
    trained = [single(recipes[0], images, state=states[0])]
    assert trained[0][1].history["epoch"] == unbroken[0][1].history["epoch"]
    trained += stack(recipes[3:0:-1], images, states=states[3:0:-1])[::-1]
    for (model, trace), (expected, path) in zip(trained, unbroken, strict=True):
        assert_same(model, expected, rtol=1e-3, atol=1e-4)
        # Up to the stop it is one and the same training.
        assert trace.history["val_nll"][:2] == path.history["val_nll"][:2]


def test_resumed_translation_equals_unbroken(tmp_path, monkeypatch):
    text = data.load_text("grammar")
    text = dataclasses.replace(text, train=text.train[:200], val=text.val[:20])
    recipe = Recipe(
        name="lab/tiny-grammar", dataset="grammar", model="transformer", steps=20, batch_size=400,
        size=(("d_model", 16), ("layers", 1), ("heads", 2), ("d_ff", 16), ("dropout", 0.1)),
        optimizer="adam", lr=1e-3, schedule="linear", warmup=0.1, clip_norm=1.0, alpha=0.1,
    )
    unbroken, expected = sequence.train_sequence(recipe, text, CPU, progress=False)
    assert len(expected.history["epoch"]) > 2
    state = tmp_path / "state.safetensors"
    with monkeypatch.context() as patch:
        stop_in_epoch(patch, sequence, epoch=1)
        with pytest.raises(KeyboardInterrupt):
            sequence.train_sequence(recipe, text, CPU, state=state, progress=False)
    resumed, trace = sequence.train_sequence(recipe, text, CPU, state=state, progress=False)
    assert_same(resumed, unbroken)
    assert trace.history == expected.history


def with_bit_flipped(at: float):
    def flipped(whole: bytes) -> bytes:
        place = int(at * (len(whole) - 1))
        return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]

    return flipped


DAMAGED_STATES = {
    "empty": lambda whole: b"",
    "cut to five bytes": lambda whole: whole[:5],
    "cut in half": lambda whole: whole[: len(whole) // 2],
    "first quarter zero": lambda whole: bytes(len(whole) // 4) + whole[len(whole) // 4 :],
    "last quarter zero": lambda whole: whole[: -len(whole) // 4] + bytes(len(whole) // 4),
    **{f"bit flipped at {at}": with_bit_flipped(at) for at in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 1)},
}


@pytest.mark.parametrize("damage", DAMAGED_STATES.values(), ids=DAMAGED_STATES)
def test_a_damaged_state_is_put_aside_in_one_line_and_training_starts_again(
    images, tmp_path, capsys, damage
):
    unbroken, _ = single(TINY, images)
    state = tmp_path / "state.safetensors"
    single(TINY, images, state=state)
    damaged = damage(state.read_bytes())
    state.write_bytes(damaged)
    restarted, trace = single(TINY, images, state=state)
    assert_same(restarted, unbroken)
    assert trace.epochs == 3
    [line] = capsys.readouterr().err.splitlines()
    assert "state.safetensors cannot be used" in line and "starts again" in line
    assert (tmp_path / "state.damaged").read_bytes() == damaged


def test_a_state_is_on_the_disk_before_it_has_its_name(images, tmp_path, monkeypatch):
    state, done = tmp_path / "state.safetensors", []
    sync, replace = checkpoint.os.fsync, checkpoint.os.replace

    def synced(file):
        done.append(("sync", os.readlink(f"/proc/self/fd/{file}")))
        sync(file)

    def replaced(old, new):
        done.append(("rename", str(old)))
        replace(old, new)

    monkeypatch.setattr(checkpoint.os, "fsync", synced)
    monkeypatch.setattr(checkpoint.os, "replace", replaced)
    single(TINY, images, state=state)
    draft = str(tmp_path / "state.tmp")
    assert done == [("sync", draft), ("rename", draft), ("sync", str(tmp_path))] * 3


def start(script: str, home: Path) -> subprocess.Popen:
    preamble = f"""
        import os, signal, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_training import DIGITS, get
        from lsbook.training import classifier
        training = sys.modules["lsbook.runs.get"]
    """
    code = textwrap.dedent(preamble) + textwrap.dedent(script)
    environment = os.environ | {"LSBOOK_RUNS": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )


def test_a_killed_run_loses_an_epoch_at_most(home, monkeypatch):
    killed = start(
        """
        batches = classifier.epoch_batches

        def deadly(recipe, images, epoch, device):
            for number, batch in enumerate(batches(recipe, images, epoch, device)):
                if (epoch, number) == (2, 3):
                    os.kill(os.getpid(), signal.SIGKILL)
                yield batch

        classifier.epoch_batches = deadly
        get(DIGITS)
        """,
        home,
    )
    _, errors = killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL, errors
    assert store.find(DIGITS) is None

    trained = []
    batches = classifier.epoch_batches

    def counted(recipe, images, epoch, device):
        trained.append(epoch)
        return batches(recipe, images, epoch, device)

    with monkeypatch.context() as patch:
        patch.setattr(classifier, "epoch_batches", counted)
        resumed = get(DIGITS)
    assert trained == [2, 3]
    expected, _ = single(DIGITS, data.load_images("digits"))
    stored = {name: value.half().float() for name, value in expected.state_dict().items()}
    for name, value in resumed.model().state_dict().items():
        assert torch.equal(value, stored[name]), name
    assert resumed.history["epoch"] == [1, 2, 3, 4]
    assert not store.checkpoint_path(DIGITS.hash).exists()


def test_two_processes_that_want_one_run_train_it_once(home, tmp_path):
    script = """
        train = training.train_classifier

        def told(*args, **options):
            print("training", flush=True)
            return train(*args, **options)

        training.train_classifier = told
        print(get(DIGITS).metrics["val_nll"])
    """
    outputs = []
    for process in [start(script, home), start(script, home)]:
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        outputs.append(output.split())
    assert sorted(len(output) for output in outputs) == [1, 2]
    assert outputs[0][-1] == outputs[1][-1]


# Runs on disk


def test_a_run_comes_back_as_it_was_written(home):
    first = get(DIGITS)
    again = get(DIGITS)
    assert first.path == again.path == home / DIGITS.hash
    assert again.metrics == first.metrics and again.history == first.history
    assert Recipe.from_dict(json.loads((first.path / "recipe.json").read_text())) == DIGITS
    assert first.manifest["run"] == DIGITS.hash and first.manifest["steps"] == 20
    assert [run.recipe for run in runs.available() if run.path.parent == home] == [DIGITS]
    assert not list(home.glob(".few*")) and not list(home.glob(f".{DIGITS.hash}*"))


def test_evaluations_follow_from_weights_and_data(home):
    run = get(DIGITS)
    images = data.load_images("digits")
    with torch.no_grad():
        logits = run.model()(images.normalise(images.val_x))
    # Weights and logits are both kept in half precision.
    np.testing.assert_allclose(run.arrays["val_logits"], logits, rtol=5e-3, atol=2e-2)
    np.testing.assert_array_equal(run.arrays["val_targets"], images.val_y)
    accuracy = (run.arrays["val_logits"].argmax(1) == run.arrays["val_targets"]).mean()
    assert run.metrics["val_accuracy"] == pytest.approx(accuracy)


DAMAGES = [
    (name, damage)
    for name in ("arrays.npz", "weights.safetensors", "metrics.json")
    for damage in ("truncated", "empty", "scrambled")
    if (name, damage) != ("weights.safetensors", "scrambled")  # safetensors has no checksum
]


@pytest.mark.parametrize("name, damage", DAMAGES)
def test_a_damaged_run_says_so_and_is_mended_by_retraining(home, name, damage):
    path = get(DIGITS).path / name
    whole = path.read_bytes()
    middle = len(whole) // 2
    scrambled = whole[:middle] + bytes(255 - byte for byte in whole[middle:])
    damaged = {"truncated": whole[:middle], "empty": b"", "scrambled": scrambled}
    path.write_bytes(damaged[damage])
    read = {
        "arrays.npz": lambda run: run.arrays,
        "weights.safetensors": lambda run: run.model(),
        "metrics.json": lambda run: run.metrics,
    }[name]
    with pytest.raises(runs.BrokenRun, match=f"{name} cannot be read.*retrain=True"):
        read(get(DIGITS))
    read(get(DIGITS, retrain=True))


def test_weights_of_another_network_are_named(home):
    path = get(DIGITS).path / "weights.safetensors"
    save_file({"output.weight": torch.zeros(10, 3)}, path)
    with pytest.raises(runs.BrokenRun, match="weights.safetensors cannot be read.*retrain=True"):
        get(DIGITS).model()


@pytest.mark.parametrize("content", ["", "{", "{}", "[1]", '{"name": "x", "optimiser": 1}'])
def test_a_damaged_recipe_is_named_where_runs_are_listed(home, content):
    path = get(DIGITS).path / "recipe.json"
    path.write_text(content)
    with pytest.raises(runs.BrokenRun, match=f"{path} cannot be read.*Delete the folder"):
        list(runs.available())


def full_disk(*args, **options):
    raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_no_half_written_run(home, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(store, "ZipFile", full_disk)
        with pytest.raises(OSError, match="No space left.*Free some space or set LSBOOK_RUNS"):
            get(DIGITS)
    assert [path.name for path in home.iterdir()] == [".partial"]
    state = store.checkpoint_path(DIGITS.hash)
    assert state.exists()
    with monkeypatch.context() as patch:
        patch.setattr(classifier, "epoch_batches", lambda *_: pytest.fail("it trained again"))
        assert get(DIGITS).history["epoch"] == [1, 2, 3, 4]
    assert not state.exists()


def test_a_full_disk_keeps_the_state_before(images, tmp_path, monkeypatch):
    state = tmp_path / "state.safetensors"
    write, written = checkpoint.save_file, []

    def full_at_the_second(tensors, path, metadata):
        if written:
            Path(path).write_bytes(b"half")
            raise checkpoint.SafetensorError("I/O error: No space left on device (os error 28)")
        written.append(path)
        write(tensors, path, metadata=metadata)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full_at_the_second)
        with pytest.raises(OSError, match="No space left.*Free some space"):
            single(TINY, images, state=state)
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]
    unbroken, _ = single(TINY, images)
    assert_same(single(TINY, images, state=state)[0], unbroken)


def test_many_runs_are_one_stack_and_come_in_order(home, images, monkeypatch):
    monkeypatch.setattr(sys.modules["lsbook.runs.get"], "images_of", lambda recipe: images)
    recipes = [TINY.with_(alpha=a, seed=s) for a in (0.3, 0.0) for s in (1, 0)]
    found = runs.get_many(recipes, device="cpu", progress=False)
    assert [run.recipe for run in found] == recipes
    alone, _ = single(recipes[1], images)
    torch.testing.assert_close(
        found[1].model().output.weight, alone.output.weight, rtol=2e-3, atol=1e-3
    )
    assert found[0].arrays["mi_mean"].shape[0] == len(found[0].history["mi_step"])


def test_an_unknown_device_is_named():
    with pytest.raises(ValueError, match="device must be 'auto', 'cpu'.*got 'tpu'"):
        runs.get(DIGITS.with_(seed=99), device="tpu", progress=False)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.filterwarnings("ignore:CUDA is not available")
def test_bfloat16_is_for_devices_that_compute_in_it(monkeypatch, native):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert isinstance(devices.autocast(torch.device("cuda")), torch.autocast) == native
    assert not isinstance(devices.autocast(CPU), torch.autocast)


def test_cuda_computes_alike_each_time_and_others_are_left_alone():
    before = torch.are_deterministic_algorithms_enabled()
    with devices.reproducible(CPU):
        assert torch.are_deterministic_algorithms_enabled() == before
    with pytest.raises(KeyboardInterrupt), devices.reproducible(torch.device("cuda")):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.backends.cuda.flash_sdp_enabled()
        raise KeyboardInterrupt
    assert torch.are_deterministic_algorithms_enabled() == before
    assert torch.backends.cuda.flash_sdp_enabled()


def test_long_trainings_on_cuda_are_compiled(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda model, mode: (model, mode))
    model, cuda, long = torch.nn.Linear(2, 2), torch.device("cuda"), devices.COMPILED_FROM
    with torch._dynamo.config.patch(suppress_errors=False):  # put back afterwards
        assert devices.compiled(model, cuda, long) == (model, "reduce-overhead")
    assert devices.compiled(model, cuda, long - 1) is model
    assert devices.compiled(model, CPU, long) is model


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_compiled_network_is_trained_as_the_plain_one(images, monkeypatch, dropout):
    recipe = TINY.with_(size=(*TINY.size, ("dropout", dropout)), mi_every=0)
    teacher = classifier.initial_model(recipe.with_(seed=5)).eval()
    student = recipe.with_(distil=Distil(teacher=recipe, T=2.0))
    plain = single(student, images, teacher=teacher)
    monkeypatch.setattr(
        classifier, "compiled",
        lambda model, *_: torch.compile(model, backend="aot_eager", fullgraph=True))
    with torch._dynamo.config.patch(suppress_errors=False):
        compiled = single(student, images, teacher=teacher)
    assert_same(compiled[0], plain[0], rtol=1e-5, atol=1e-6)


def test_a_compiled_stack_is_trained_as_the_plain_one(monkeypatch):
    recipes, colour = [ALEXNET.with_(seed=s) for s in (0, 1)], colours()
    plain = stack(recipes, colour)
    monkeypatch.setattr(
        sweep, "compiled",
        lambda model, *_: torch.compile(model, backend="aot_eager", fullgraph=True))
    with torch._dynamo.config.patch(suppress_errors=False):
        compiled = stack(recipes, colour)
    for (one, _), (other, _) in zip(compiled, plain, strict=True):
        assert_same(one, other, rtol=1e-5, atol=1e-6)


def test_alexnets_are_stacked_where_a_gpu_would_wait_for_them():
    mlps, alexnets = ([r.with_(seed=s) for s in (0, 1)] for r in (TINY, ALEXNET))
    cut = sys.modules["lsbook.runs.get"].jobs_of
    assert cut(mlps + alexnets, 1, torch.device("cuda")) == [mlps, alexnets]
    assert cut(alexnets + mlps, 1, CPU) == [[alexnets[0]], [alexnets[1]], mlps]


def test_a_part_is_the_first_images_and_validation_is_whole(images):
    part = images.part(0.25)
    assert len(part.train_x) == len(part.train_y) == 64
    assert torch.equal(part.train_x, images.train_x[:64])
    assert torch.equal(part.val_x, images.val_x)


def test_validation_is_scored_after_twice_its_number_of_images(images):
    # 64 images for training and 64 for validation: every second epoch, and the last.
    part = images.part(0.25)
    recipe = TINY.with_(steps=10, mi_every=0)
    assert single(recipe, part)[1].history["epoch"] == [2, 4, 5]
    traces = [trace for _, trace in sweep.train_stack(
        [recipe, recipe.with_(alpha=0.1)], part, CPU, teachers=[None, None], progress=False)]
    assert [trace.history["epoch"] for trace in traces] == [[2, 4, 5]] * 2


def test_the_probe_keeps_pace_with_a_shortened_schedule(images):
    steps = single(TINY.with_(scale=0.5), images)[1].history["mi_step"]
    assert TINY.with_(scale=0.5).probe_every == 2  # 2.5, rounded to even
    assert steps == [0, 2, 4, 6, 8, 10, 12]


def test_a_teacher_with_another_window_speaks_of_the_clean_image():
    images = colours()

    class Pixels(torch.nn.Module):
        def forward(self, x, return_activations=False):
            return x.flatten(1)

    teacher = Pixels()
    recipe = ALEXNET.with_(distil=Distil(teacher=TINY.with_(augment="crop-flip")))
    index, view = torch.tensor([4, 2]), images.train_x[:2, :, :24, :24]
    batch = Batch(index, view, images.train_y[index], torch.zeros(2, 3, dtype=torch.int64))
    other = classifier.Teaching(recipe, teacher, images).logits(batch)
    assert torch.equal(other, images.normalise(images.train_x[index]).flatten(1))
    shared = recipe.with_(distil=Distil(teacher=TINY.with_(augment="crop24-flip")))
    own = classifier.Teaching(shared, teacher, images).logits(batch)
    assert torch.equal(own, images.normalise(view).flatten(1))


def test_a_teacher_asked_beforehand_says_of_each_view_what_it_says_when_asked():
    images = colours()

    class Pixels(torch.nn.Module):
        def forward(self, x, return_activations=False):
            return x.flatten(1)

    recipe = ALEXNET.with_(
        augment="shift-flip", distil=Distil(teacher=TINY.with_(augment="shift-flip")))
    teaching = classifier.Teaching(recipe, Pixels(), images)
    for batch in epoch_batches(recipe, images, 0, CPU):
        assert torch.equal(teaching.logits(batch), images.normalise(batch.raw).flatten(1))


@pytest.mark.parametrize("fraction", [0.0, 1.5])
def test_a_fraction_of_the_images_lies_in_its_range(fraction):
    with pytest.raises(ValueError, match="train_fraction"):
        TINY.with_(train_fraction=fraction)


def test_epochs_are_passes_over_the_part_that_is_used():
    whole = Recipe(name="paper/x", dataset="cifar10", model="alexnet", steps=31_200, lr=0.1)
    assert whole.for_epochs(10).total_steps == 10 * 312
    assert whole.with_(train_fraction=0.25).for_epochs(10).total_steps == 10 * 78
