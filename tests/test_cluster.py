"""The run queue on a Ray cluster of two workers on this machine, one of which is killed."""

import json
import os
import signal
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
import torch
from safetensors import safe_open

from lsbook import recipes, runs
from lsbook.recipes import Recipe, named
from lsbook.runs import cluster, queue, store
from lsbook.runs.__main__ import main

# Imported by what is tested, which decides before that where Ray listens.
pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray")

TINY = {"dataset": "digits", "model": "mlp", "batch_size": 256, "lr": 0.1}
SIZE = (("inputs", 64), ("hidden", (16,)), ("classes", 10))
TEACHER = Recipe(name="lab/tiny-teacher", steps=20, size=SIZE, **TINY)
STUDENT = TEACHER.with_(name="lab/tiny-student", distil=recipes.Distil(teacher=TEACHER))
# 5 steps an epoch; with dropout it is no stack, and its state is kept after each epoch.
LONG = Recipe(name="lab/long", steps=500, size=(*SIZE, ("dropout", 0.2)), **TINY)
ABSENT = named("paper/alexnet-cifar10").for_epochs(0.1)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("LSBOOK_DATA", str(tmp_path / "no-data"))
    return tmp_path / "runs"


def epochs_in(state: Path) -> int:
    """Epochs in a training state on disk; 0 where there is none."""
    try:
        with safe_open(state, framework="pt") as stored:
            return json.loads(stored.metadata()["progress"])["history"]["epoch"][-1]
    except FileNotFoundError:
        return 0


def worker_of(recipe: Recipe) -> psutil.Process:
    """The Ray worker, a descendant of this process, that trains ``recipe``."""
    below = psutil.Process().children(recursive=True)
    return next(process for process in below if recipe.hash in " ".join(process.cmdline()))


def listening() -> set[str]:
    """Addresses that processes below this one listen on."""
    below = psutil.Process().children(recursive=True)
    open_ones = (each for process in below for each in process.net_connections("inet"))
    return {each.laddr.ip for each in open_ones if each.status == psutil.CONN_LISTEN}


class Killer(threading.Thread):
    """Kills the worker of a recipe once it has kept some epochs, and notes what is kept then on."""

    def __init__(self, recipe: Recipe, after: int):
        super().__init__(daemon=True)
        self.recipe, self.after = recipe, after
        self.at, self.later, self.addresses = 0, [], set()

    def run(self):
        state = store.checkpoint_path(self.recipe.hash)
        while (epochs := epochs_in(state)) < self.after:
            time.sleep(0.01)
        self.addresses = listening()
        os.kill(worker_of(self.recipe).pid, signal.SIGKILL)
        self.at = epochs
        while runs.find(self.recipe) is None:
            if epochs := epochs_in(state):
                self.later.append(epochs)
            time.sleep(0.01)


def test_a_run_lost_with_its_worker_is_taken_up_from_its_last_state(home, monkeypatch, capsys):
    order = [[ABSENT], [LONG], [STUDENT]]
    monkeypatch.setitem(queue.PRESETS, "short", lambda: order)
    killer = Killer(LONG, after=10)
    killer.start()
    work = ["work", "--preset", "short", "--ray", "local", "--workers", "2", "--device", "cpu"]
    assert main(work) == 1
    killer.join(timeout=10)

    out = capsys.readouterr().out
    assert "cifar10 is not in" in out and "1 of 3 runs are left" in out
    assert [recipe.hash in out for recipe in (LONG, TEACHER, STUDENT)] == [True] * 3
    assert runs.find(TEACHER) and runs.find(STUDENT) and runs.find(ABSENT) is None

    assert {address.removeprefix("::ffff:") for address in killer.addresses} == {"127.0.0.1"}
    assert killer.at >= 10
    assert min(killer.later) >= killer.at and max(killer.later) > killer.at
    here = home.parent / "here"
    monkeypatch.setenv("LSBOOK_RUNS", str(here))
    expected = runs.get(LONG, device="cpu", progress=False)
    found = store.Run(home / LONG.hash, LONG)
    assert found.history["train_loss"] == expected.history["train_loss"]
    for name, value in found.model().state_dict().items():
        assert torch.equal(value, expected.model().state_dict()[name])


def test_a_job_takes_a_gpu_where_there_is_one():
    assert cluster._resources({"CPU": 16.0, "GPU": 4.0}, "auto") == (4, {"num_gpus": 1})
    assert cluster._resources({"CPU": 16.0, "GPU": 4.0}, "cpu") == (16, {"num_cpus": 1})
    assert cluster._resources({"CPU": 2.0}, "auto") == (2, {"num_cpus": 1})
    with pytest.raises(cluster.ClusterError, match="no GPU"):
        cluster._resources({"CPU": 2.0}, "cuda")


@pytest.mark.parametrize("address", ["auto", "127.0.0.1:1"])
def test_without_a_cluster_it_says_how_to_get_one_in_time(home, monkeypatch, capsys, address):
    monkeypatch.setitem(queue.PRESETS, "short", lambda: [[TEACHER]])
    monkeypatch.setattr(cluster, "ANSWER", 3)
    started = time.monotonic()
    assert main(["work", "--preset", "short", "--ray", address]) == 1
    assert time.monotonic() - started < 60  # Ray by itself asks for minutes
    out = capsys.readouterr().out
    assert f"No Ray cluster answers at '{address}'" in out
    assert "ray start --head" in out and "1 of 1 runs are left" in out


def test_a_budget_is_kept_where_no_cluster_answers(home, monkeypatch):
    waited = []

    def run(command, timeout, **options):
        waited.append(timeout)
        raise cluster.subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(cluster.subprocess, "run", run)
    for left in (None, 7, 1000):
        with pytest.raises(cluster.ClusterError):
            deadline = left and time.monotonic() + left
            list(cluster.work([[TEACHER]], "127.0.0.1:1", deadline=deadline))
    assert waited == [20, pytest.approx(7, abs=1), 20]
