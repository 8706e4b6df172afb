"""How a queue ends: by Ctrl-C, by SIGTERM, by the death of its parent, by that of a worker."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
import torch
from safetensors import safe_open

from lsbook import runs
from lsbook.recipes import Distil, Recipe
from lsbook.runs import store, workers
from lsbook.runs.get import planned

# With dropout it is no stack; 5 steps an epoch, and no test waits for the last of them.
LONG = Recipe(
    name="lab/long", dataset="digits", model="mlp", steps=500_000, batch_size=256, lr=0.1,
    size=(("inputs", 64), ("hidden", (16,)), ("classes", 10), ("dropout", 0.2)),
)
SHORT = LONG.with_(name="lab/short", steps=20)
EACH = [LONG.with_(seed=seed) for seed in range(3)]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def work(groups: list[list[Recipe]], *options: str) -> subprocess.Popen:
    """``lsbook runs work`` on a preset of these groups."""
    script = """
        import json, sys
        from lsbook.recipes import Recipe
        from lsbook.runs import queue
        from lsbook.runs.__main__ import main
        groups = json.loads(sys.argv[1])
        groups = [[Recipe.from_dict(recipe) for recipe in group] for group in groups]
        queue.PRESETS["short"] = lambda: groups
        sys.exit(main(["work", "--preset", "short", "--device", "cpu", *sys.argv[2:]]))
    """
    listed = json.dumps([[recipe.to_dict() for recipe in group] for group in groups])
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), listed, *options], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        # A suite that runs in the background has SIGINT ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def epochs_of(recipe: Recipe) -> int:
    try:
        with safe_open(store.checkpoint_path(recipe.hash), framework="np") as stored:
            return json.loads(stored.metadata()["progress"])["history"]["epoch"][-1]
    except FileNotFoundError:
        return 0


def until(happens, seconds: float = 60):
    """Wait for what ``happens`` returns to be true; fail when that takes too long."""
    end = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found


def end(process: subprocess.Popen) -> None:
    for each in [*psutil.Process(process.pid).children(recursive=True), process]:
        each.kill()
    process.communicate()


@pytest.fixture
def queue(home):
    """Three long runs in two workers, two of them some epochs old; killed at the end."""
    process = work([[recipe] for recipe in EACH], "--workers", "2")
    below = psutil.Process(process.pid)
    try:
        until(lambda: all(epochs_of(recipe) > 2 for recipe in EACH[:2]))
        yield process, below.children(recursive=True)
    finally:
        if process.poll() is None:
            end(process)


def all_ended(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


# A terminal sends Ctrl-C to the whole group.
@pytest.mark.parametrize(
    "number, send", [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_stop_ends_every_worker_and_is_one_line(queue, number, send):
    process, below = queue
    send(process.pid, number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("Stopped. A training goes on")
    until(lambda: all_ended(below), 5)
    assert all(epochs_of(recipe) > 2 for recipe in EACH[:2]) and epochs_of(EACH[2]) == 0


def test_workers_end_with_their_parent(queue):
    process, below = queue
    process.kill()
    process.communicate(timeout=20)
    until(lambda: all_ended(below), 5)
    assert all(epochs_of(recipe) > 2 for recipe in EACH[:2]) and epochs_of(EACH[2]) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_stop_of_one_process_is_one_line_too(home, number):
    process = work([[LONG]])
    try:
        until(lambda: epochs_of(LONG) > 2)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            end(process)
    assert process.returncode == 130
    assert "Traceback" not in errors and errors.splitlines()[-1].startswith("Stopped.")
    assert epochs_of(LONG) > 2


def test_a_worker_that_dies_costs_its_own_run_alone(home):
    others = [SHORT.with_(seed=seed) for seed in range(3)]
    student = LONG.with_(name="lab/student", distil=Distil(teacher=LONG))
    process = work([[LONG], [others[0]], [student], others[1:]], "--workers", "2")
    try:
        until(lambda: epochs_of(LONG) > 2)
        spawned = psutil.Process(process.pid).children()
        held = str(store.checkpoint_path(LONG.hash).with_suffix(".lock"))
        [worker] = [p for p in spawned if held in {file.path for file in p.open_files()}]
        worker.kill()
        out, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            end(process)
    assert process.returncode == 1 and "Traceback" not in errors
    [line] = [line for line in out.splitlines() if "lost" in line]
    assert line.startswith("lab/long was lost with its process (killed, perhaps for want of mem")
    assert "2 of 5 runs are left" in out
    assert all(map(runs.find, others)) and not runs.find(LONG) and not runs.find(student)
    assert epochs_of(LONG) > 2


def test_students_alone_wait_for_their_teachers(home):
    teacher = SHORT
    student = SHORT.with_(name="lab/student", distil=Distil(teacher=teacher))
    jobs = list(planned([[student], [SHORT.with_(seed=1)]], 2, torch.device("cpu")))
    assert [(job[0].name, after) for job, after in jobs] == [
        ("lab/short", set()), ("lab/student", {teacher.hash}), ("lab/short", set()),
    ]
    done = [job[0] for job, _ in workers.side_by_side(jobs, _quick, 2)]
    assert set(done) == {teacher, student, SHORT.with_(seed=1)}
    assert done.index(teacher) < done.index(student)
    failed = dict((job[0].name, error) for job, error in workers.side_by_side(jobs, _failing, 2))
    assert failed.keys() == {"lab/short"} and "no data" in str(failed["lab/short"])


def _quick(job: list[Recipe]) -> None:
    pass


def _failing(job: list[Recipe]) -> None:
    raise workers.DataError("no data")
