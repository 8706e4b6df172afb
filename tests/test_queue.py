"""The run queue: what it lists, how it stops in time, what it carries and what it checks."""

import dataclasses
import hashlib
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import platformdirs
import pytest
import torch
from safetensors.torch import load_file, save_file

import lsbook
from lsbook import recipes, runs
from lsbook.__main__ import main as command
from lsbook.data import load_text
from lsbook.recipes import Recipe, named
from lsbook.runs import cost, pack, queue, store
from lsbook.runs.__main__ import main
from lsbook.runs.get import planned, train_job
from lsbook.runs.publish import publish
from lsbook.runs.verify import report, verify
from lsbook.training import checkpoint, classifier, sequence, sweep
from lsbook.training.deadline import OutOfTime, check_deadline, interrupted_at
from lsbook.training.trace import Trace

CPU = torch.device("cpu")
# 1,297 digits in batches of 256 make 5 steps an epoch, so 4 epochs.
DIGITS = Recipe(
    name="lab/few-digits", dataset="digits", model="mlp", steps=20, batch_size=256, lr=0.1,
    size=(("inputs", 64), ("hidden", (16,)), ("classes", 10), ("dropout", 0.2)),
)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("LSBOOK_DATA", str(tmp_path / "no-data"))
    return tmp_path / "runs"


@pytest.fixture
def short(monkeypatch) -> list[Recipe]:
    """A preset of two groups of one short recipe each."""
    each = [DIGITS, DIGITS.with_(alpha=0.1)]
    monkeypatch.setitem(queue.PRESETS, "short", lambda: [[recipe] for recipe in each])
    return each


def get(recipe, **options):
    return runs.get(recipe, device="cpu", progress=False, **options)


@pytest.fixture
def full_disk():
    """Files of this process end at 1,000 bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


# What is in the queue


def test_the_lab_queue_is_the_committed_runs():
    committed = {path.parent.name for path in store.COMMITTED.glob("*/manifest.json")}
    assert {recipe.hash for recipe in queue.flat(queue.lab())} <= committed


def test_the_paper_queue_holds_every_experiment_at_seed_zero_first():
    order = queue.flat(queue.paper())
    seeds = [recipe.seed for recipe in order]
    assert seeds == sorted(seeds) and set(seeds) == {0, 1, 2}
    names = list(dict.fromkeys(recipe.name for recipe in order if recipe.seed == 0))
    assert names == [
        "paper/resnet56-cifar100", "paper/alexnet-cifar10", "paper/teacher-cifar10",
        "paper/student-cifar10", "paper/teacher-mnist", "paper/student-mnist",
        "paper/transformer-multi30k", "paper/inception-tinyimagenet",
    ]
    grid = {
        (recipe.distil.teacher.alpha, recipe.distil.T)
        for recipe in order if recipe.name == "paper/student-cifar10" and recipe.distil
    }
    assert grid == {(a, T) for a in queue.TEACHER_ALPHAS for T in (1, 2, 3, 4)} | {
        (0.0, T) for T in (8, 12, 16)
    }


def test_teachers_come_before_their_students():
    for preset in queue.PRESETS.values():
        seen = set()
        for recipe in queue.flat(preset()):
            assert recipe.distil is None or recipe.distil.teacher.hash in seen
            seen.add(recipe.hash)


def test_the_hard_mnist_teacher_alone_has_dropout():
    hard, smoothed, *students = queue.mnist(0)
    assert dict(hard.size)["dropout"] == 0.5 and hard.alpha == 0
    assert "dropout" not in dict(smoothed.size) and smoothed.alpha == 0.1
    assert [s.distil.teacher for s in students] == [hard, smoothed]
    assert all(s.distil.beta == 0.6 and s.distil.objective == "logits" for s in students)


def test_shortened_recipes_are_those_a_reader_names():
    teacher = named("paper/teacher-cifar10", alpha=0.3)
    student = recipes.student_of(teacher, T=2.0)
    expected = recipes.student_of(teacher.for_epochs(30), T=2.0).for_epochs(30)
    assert queue.shortened(student, epochs=30).hash == expected.hash
    text = queue.shortened(named("paper/transformer-multi30k"), scale=0.5, epochs=30)
    assert text.total_steps == 2000
    assert queue.shortened(student) == student


def test_a_fraction_of_the_schedule_is_shortened_further():
    whole = named("compact/teacher-cifar10")
    assert queue.shortened(whole, scale=0.5).scale == whole.scale / 2
    assert {r.hash for r in queue.flat(queue.groups("compact"))} == {
        r.hash for r in queue.flat(queue.compact())
    }


def test_a_recipe_of_two_names_is_in_the_queue_once():
    order = queue.flat(queue.paper())
    assert len({recipe.hash for recipe in order}) == len(order)


# What it costs


def test_a_family_is_measured_by_its_finished_runs(home):
    run = get(DIGITS)
    pace = cost.measured(CPU)
    assert cost.family(DIGITS.with_(alpha=0.3, seed=4, scale=0.5)) in pace
    assert cost.family(DIGITS.with_(batch_size=64)) not in pace
    expected = run.manifest["wall_seconds"] / 20
    assert pace[cost.family(DIGITS)] == pytest.approx(expected)


@pytest.mark.parametrize(
    "recipe",
    [DIGITS, recipes.student_of(named("lab/teacher-mnist1d")), named("lab/transformer-grammar"),
     DIGITS.with_(lr=1e30, last_layer_lr=1e30)],
    ids=["classifier", "student", "translation", "one that diverges"],
)
def test_a_trial_times_a_step(home, recipe):
    seconds = cost.trial(recipe, CPU)
    assert 0 <= seconds < 60
    assert not home.exists()


def test_without_data_no_trial(home):
    assert cost.trial(named("paper/alexnet-cifar10"), CPU) is None


def test_time_spans_are_short():
    spans = [cost.describe(seconds) for seconds in (None, 0.34, 12.3, 600, 7200)]
    assert spans == ["?", "0.3 s", "12 s", "10 min", "2.0 h"]


def test_listing_says_what_is_missing_and_what_it_takes(home, short, capsys):
    main(["list", "--preset", "short"])
    *lines, summary = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [[r.hash, "missing", "?"] for r in short]
    assert summary.startswith("2 of 2 are missing: ? on cpu")

    get(short[0])
    main(["list", "--preset", "short"])
    *lines, summary = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["there", "missing"]
    assert "?" not in lines[1] and "at least" not in summary


def test_seeds_and_names_choose_from_a_preset(home, capsys):
    main(["list", "--preset", "paper", "--recipe", "transformer", "--seeds", "0,2"])
    lines = [line for line in capsys.readouterr().out.splitlines() if "transformer" in line]
    each = [(seed, alpha) for seed in (0, 2) for alpha in (0, 0.1)]
    expected = [named("paper/transformer-multi30k", alpha=a, seed=s).hash for s, a in each]
    assert [line.split()[0] for line in lines] == expected
    with pytest.raises(SystemExit):
        main(["list", "--seeds", "0;1"])
    assert "is no list of seeds like 0 or 0,1,2" in capsys.readouterr().err


def test_a_reader_who_stops_early_hears_no_complaint():
    command = [sys.executable, "-m", "lsbook", "runs", "list"]
    listing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    listing.stdout.close()
    assert listing.stderr.read() == b""
    assert listing.wait() == 1


@pytest.mark.parametrize(
    "arguments, said",
    [
        ("list --epochs 0", "'0' is no number above 0"),
        ("list --epochs -3", "'-3' is no number above 0"),
        ("list --epochs inf", "'inf' is no number above 0"),
        ("work --epochs few", "'few' is no number above 0"),
        ("list --scale 0", "'0' is no number above 0"),
        ("list --scale 2", "'2' is more than the whole schedule"),
        ("list --device tpu", "'tpu' is no device like auto, cpu, cuda or mps"),
        ("list --device cuda", "this machine has no cuda device; use --device auto or cpu"),
        ("work --device cuda", "this machine has no cuda device; use --device auto or cpu"),
        ("verify --device cuda", "this machine has no cuda device; use --device auto or cpu"),
        ("work --workers 0", "'0' is no whole number from 1 up"),
        ("work --workers -2", "'-2' is no whole number from 1 up"),
        ("work --recipe nosuch", "preset short has no such run; it has lab/few-digits"),
        ("list --seeds 99", "preset short has no run of seed 99; it has lab/few-digits, and seeds"),
        ("list --seeds 0,99,7", "preset short has no run of seed 7, 99; it has lab/few-digits"),
        ("publish --seeds 99", "preset short has no run of seed 99"),
        ("fetch", "no address is known: give https://HOST/runs-01.tar#sha256=..."),
        ("verify --recipe nosuch", "no finished run is of a recipe whose name holds 'nosuch'"),
        ("pack --into x --recipe nosuch", "no finished run is of a recipe whose name holds"),
    ],
)
def test_impossible_options_are_refused_in_one_line(
    home, short, monkeypatch, capsys, arguments, said
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    verb, *rest = arguments.split()
    preset = ["--preset", "short"] if verb in ("list", "work", "publish") else []
    with pytest.raises(SystemExit) as refusal:
        main([verb, *preset, *rest])
    out, err = capsys.readouterr()
    assert refusal.value.code == 2 and not out
    assert said in err.splitlines()[-1]


def test_no_workers_at_all_are_refused(home):
    with pytest.raises(ValueError, match="workers must be a whole number, at least 1; got 0"):
        runs.get_many([DIGITS], workers=0)


@pytest.mark.parametrize("name", ["recipe.json", "manifest.json"])
def test_listing_names_the_file_that_is_damaged(home, short, capsys, name):
    path = get(short[0]).path / name
    path.write_text(path.read_text()[:40])
    assert main(["list", "--preset", "short"]) == 1
    assert capsys.readouterr().err.startswith(f"{path} cannot be read")


@pytest.fixture
def unwritable(tmp_path, monkeypatch) -> Path:
    """LSBOOK_RUNS names a file."""
    path = tmp_path / "file"
    path.write_text("")
    monkeypatch.setenv("LSBOOK_RUNS", str(path))
    return path


def test_a_file_for_a_folder_of_runs_is_one_line(short, unwritable, capsys):
    assert main(["list", "--preset", "short"]) == 0
    assert main(["work", "--preset", "short", "--device", "cpu"]) == 1
    said, left = capsys.readouterr().out.splitlines()[-2:]
    assert said.startswith(f"Runs cannot be trained in {unwritable}") and "Set LSBOOK_RUNS" in said
    assert left == "2 of 2 runs are left."
    with pytest.raises(OSError, match="Runs cannot be trained in .* Set LSBOOK_RUNS"):
        get(DIGITS)


def test_a_file_system_without_locks_is_one_line(home, short, monkeypatch, capsys):
    def no_locks(*_, **options):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(store.FileLock, "acquire", no_locks)
    assert main(["work", "--preset", "short", "--device", "cpu"]) == 1
    said = capsys.readouterr().out.splitlines()[-2]
    assert "No locks available" in said and said.endswith("on a file system with locks.")


def test_a_full_disk_ends_the_work_in_one_line(home, short, request, capsys):
    request.getfixturevalue("full_disk")
    assert main(["work", "--preset", "short", "--device", "cpu"]) == 1
    out, err = capsys.readouterr()
    [said, left] = out.splitlines()[-2:]
    assert "Free some space" in said and left == "2 of 2 runs are left."
    assert "Traceback" not in out + err


def test_a_tilde_is_the_readers_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/reader")
    monkeypatch.setenv("LSBOOK_RUNS", "~/runs")
    assert store.home() == Path("/home/reader/runs")


def test_whoever_waits_for_a_run_hears_for_whom(home, monkeypatch, capsys):
    monkeypatch.setattr(store, "WAIT", 0.1)
    held, free = threading.Event(), threading.Event()

    def holding():
        with store.lock(DIGITS):
            held.set()
            free.wait(10)

    def said(*words, **options):
        print(*words, file=sys.__stderr__)
        lines.append(words[0])
        free.set()

    lines = []
    monkeypatch.setitem(vars(store), "print", said)
    holder = threading.Thread(target=holding)
    holder.start()
    held.wait(10)
    with store.lock(DIGITS):
        holder.join()
    assert lines == [
        f"Waiting for process {os.getpid()} on {platform.node()}, which trains lab/few-digits α=0 "
        "seed 0."
    ]
    with store.lock(DIGITS):
        pass
    assert len(lines) == 1


# Speed


def test_memory_is_kept_between_steps():
    script = """
import resource, sys, torch
from lsbook.training.device import keep_freed_memory

def faults(size=4_000_000):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(size)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
fresh = faults()
if not keep_freed_memory():
    sys.exit("not glibc")
# The heap may have to grow once more before there is room at the right place.
print(fresh, sorted(faults() for _ in range(5))[2])
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    if "not glibc" in run.stderr:
        pytest.skip("only glibc keeps memory by mallopt")
    fresh, kept = map(int, run.stdout.split())
    assert kept < fresh / 10


# Stopping in time


def test_time_enough_is_no_stop():
    check_deadline(None, needed=1e9)
    check_deadline(time.monotonic() + 100, needed=50)
    with pytest.raises(OutOfTime, match="takes about 200 s and 100 s are left"):
        check_deadline(time.monotonic() + 100, needed=200)


def test_an_epoch_is_expected_to_last_as_the_mean_of_those_before():
    trace = Trace({"epoch": [1, 2]}, seconds=100.0)
    trace.check_deadline(time.monotonic() + 60)
    with pytest.raises(OutOfTime, match="about 50 s"):
        trace.check_deadline(time.monotonic() + 40)
    Trace().check_deadline(time.monotonic() + 1)


def test_whatever_is_done_at_the_deadline_is_interrupted():
    with pytest.raises(OutOfTime), interrupted_at(time.monotonic() + 0.05):
        time.sleep(20)
    with interrupted_at(time.monotonic() + 0.05):
        pass
    time.sleep(0.1)


@pytest.fixture
def clock(monkeypatch):
    """A monotonic clock that advances 60 s a training epoch; returns the epochs trained."""
    now, epochs = [time.monotonic()], []

    def slowed(batches):
        def slow(recipe, data, epoch, *device):
            epochs.append(epoch)
            now[0] += 60
            return batches(recipe, data, epoch, *device)

        return slow

    for module in (classifier, sequence, sweep):
        monkeypatch.setattr(module, "epoch_batches", slowed(module.epoch_batches))
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return epochs


def test_work_stops_within_the_budget_and_goes_on(home, short, clock, capsys):
    expected = get(DIGITS).model().state_dict()
    shutil.rmtree(home)
    clock.clear()
    work = ["work", "--preset", "short", "--device", "cpu", "--budget"]
    assert main([*work, "150s"]) == 0
    out = capsys.readouterr().out
    assert "the next epoch takes about 60 s" in out and "2 of 2 runs are left" in out
    assert clock == [0, 1]
    assert store.checkpoint_path(DIGITS.hash).exists()

    assert main([*work, "200s"]) == 0
    assert clock == [0, 1, 2, 3, 0]
    assert "1 of 2 runs are left" in capsys.readouterr().out
    run = runs.find(DIGITS)
    assert run.manifest["wall_seconds"] == 240
    for name, value in run.model().state_dict().items():
        assert torch.equal(value, expected[name])

    assert main([*work, "1h"]) == 0
    assert clock == [0, 1, 2, 3, 0, 1, 2, 3]
    assert "All 2 runs are there" in capsys.readouterr().out


def test_a_stack_stops_and_goes_on_too(home, clock):
    stacked = [named("lab/mlp-digits", alpha=a, seed=9, steps=40) for a in (0.0, 0.1)]
    options = {"device": "cpu", "progress": False}
    with pytest.raises(OutOfTime, match="about 60 s and 30 s are left"):
        runs.get_many(stacked, deadline=time.monotonic() + 150, **options)
    assert clock == [0, 1]
    found = runs.get_many(stacked, deadline=time.monotonic() + 150, **options)
    assert clock == [0, 1, 2, 3]
    assert [run.manifest["wall_seconds"] for run in found] == [120, 120]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stack_that_was_stopped_goes_on_in_other_company(home, clock, workers):
    """Each seed draws its own batches, so that an epoch is counted once a seed."""
    stacked = [named("lab/mlp-digits", alpha=a, seed=s, steps=40) for s in (8, 9) for a in (0, 0.1)]
    with pytest.raises(OutOfTime):
        runs.get_many(stacked[:2], "cpu", progress=False, deadline=time.monotonic() + 150)
    assert clock == [0, 1]
    asked = stacked if workers == 1 else stacked[1:]
    for job, _ in planned([asked], workers, CPU):
        train_job(job, "cpu", retrain=False, progress=False, deadline=None)
    assert clock[2:] == [2, 3] + [0, 1, 2, 3] * workers
    assert [run.manifest["wall_seconds"] for run in map(runs.find, asked)] == (
        [120] * 4 if workers == 1 else [60 + 120, 240, 240])


def test_the_number_of_threads_changes_nothing(home, monkeypatch):
    # Sums of so many terms come out otherwise in two threads.
    recipe = DIGITS.with_(size=(("inputs", 64), ("hidden", (512,)), ("classes", 10)), steps=10)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(get(recipe, retrain=True))
            assert torch.get_num_threads() == threads
            assert found[-1].manifest["threads"] == 1
            found[-1].metrics, found[-1].history  # read before they are replaced
    finally:
        torch.set_num_threads(before)
    one, two = found
    assert one.metrics == two.metrics and one.history == two.history


def test_a_state_that_diverges_is_dropped_where_the_run_is_asked_for_anew(home, monkeypatch):
    expected = get(DIGITS).history
    shutil.rmtree(home)
    with pytest.raises(OutOfTime), monkeypatch.context() as patch:
        patch.setattr(classifier.checkpoint, "save", stopping(classifier.checkpoint.save))
        get(DIGITS)
    state = store.checkpoint_path(DIGITS.hash)
    tensors, progress = checkpoint.read(state)
    checkpoint._write([(state, {k: v * 1e30 for k, v in tensors.items()}, progress)])
    for _ in range(2):
        with pytest.raises(classifier.Diverged):
            get(DIGITS)
    assert get(DIGITS, retrain=True).history == expected


def stopping(save):
    def saved(*args):
        save(*args)
        raise OutOfTime("after an epoch")

    return saved


def test_a_translation_stops_and_goes_on_too(clock, tmp_path):
    text = load_text("grammar")
    text = dataclasses.replace(text, train=text.train[:40], val=text.val[:5])
    recipe = named("lab/transformer-grammar", steps=6, batch_size=200)
    state = tmp_path / "state.safetensors"

    def train(seconds):
        options = {"state": state, "progress": False, "deadline": time.monotonic() + seconds}
        return sequence.train_sequence(recipe, text, CPU, **options)

    with pytest.raises(OutOfTime, match="about 60 s"):
        train(100)
    assert clock == [0]
    _, trace = train(1000)
    assert trace.seconds == 60 * len(clock) and clock == list(range(len(clock)))


def test_work_goes_past_data_that_are_not_there(home, short, monkeypatch, capsys):
    absent = named("paper/alexnet-cifar10").for_epochs(0.1)
    monkeypatch.setitem(queue.PRESETS, "short", lambda: [[absent], [DIGITS]])
    assert main(["work", "--preset", "short", "--device", "cpu"]) == 1
    assert runs.find(DIGITS) and runs.find(absent) is None
    assert "1 of 2 runs are left" in capsys.readouterr().out


@pytest.mark.parametrize("budget", ["9", "soon", "0m", "-1h"])
def test_a_budget_names_its_unit(budget, capsys):
    with pytest.raises(SystemExit):
        main(["work", f"--budget={budget}"])
    assert "is no time like 90s, 9m or 1.5h" in capsys.readouterr().err


# Carrying runs


def test_runs_come_through_an_archive_as_published(home, tmp_path, capsys):
    run = get(DIGITS)
    assert main(["pack", "--into", str(tmp_path / "out")]) == 0
    [archive] = (tmp_path / "out").iterdir()
    into = tmp_path / "in"
    assert main(["unpack", str(archive), "--into", str(into)]) == 0
    assert "1 runs added, 0 there before" in capsys.readouterr().out
    published = publish(run, tmp_path / "published")
    assert [path.name for path in into.iterdir()] == [DIGITS.hash]
    for path in published.iterdir():
        assert (into / DIGITS.hash / path.name).read_bytes() == path.read_bytes()
    before = (into / DIGITS.hash).stat().st_mtime_ns
    assert pack.unpack(archive, into) == ([], [DIGITS.hash])
    assert (into / DIGITS.hash).stat().st_mtime_ns == before


def test_runs_are_fetched_from_an_address_whole_or_not(home, tmp_path, capsys):
    [archive] = pack.pack([get(DIGITS)], tmp_path / "out")
    into = tmp_path / "in"
    right = hashlib.sha256(archive.read_bytes()).hexdigest()
    fetch = ["fetch", "--into", str(into)]
    for address, said in [
        (archive.as_uri(), "is no address like"),
        (f"http://localhost/runs.tar#sha256={right}", "is no address like"),
        (f"{archive.as_uri()}#sha256={right[::-1]}", "is another archive"),
        (f"{archive.as_uri()}.gone#sha256={right}", "cannot be fetched"),
    ]:
        assert main([*fetch, address]) == 1
        assert said in capsys.readouterr().out and not into.exists()
    for added in (1, 0):
        assert main([*fetch, f"{archive.as_uri()}#sha256={right.upper()}"]) == 0
        assert f"{added} runs added, {1 - added} there before" in capsys.readouterr().out
        assert [path.name for path in into.iterdir()] == [DIGITS.hash]


def test_published_runs_are_the_clones_or_the_readers_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    installed, clone = tmp_path / "site-packages" / "lsbook", tmp_path / "clone" / "lsbook"
    clone.mkdir(parents=True)
    (tmp_path / "clone" / "pyproject.toml").write_text("")
    assert store.published(clone) == tmp_path / "clone" / "runs"
    assert store.published(installed) == Path(platformdirs.user_data_dir("lsbook")) / "runs"
    assert tmp_path / "site-packages" not in store.published(installed).parents


def test_without_published_runs_it_is_said_where_they_come_from(
    home, short, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(store, "COMMITTED", tmp_path / "none")
    for verb in (["list", "--preset", "short"], ["verify"]):
        assert main(verb) == 0
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(f"No published runs are in {tmp_path / 'none'}")
        assert "lsbook runs fetch" in line


@pytest.mark.parametrize(
    "arguments, code, said",
    [
        (["--help"], 0, "list, train, carry and check runs"),
        (["--version"], 0, f"lsbook {lsbook.__version__}"),
        (["runs", "--help"], 0, "usage: lsbook runs"),
        ([], 2, "usage: lsbook"),
        (["nonsense"], 2, "'nonsense'"),
    ],
)
def test_the_command_says_what_it_is(monkeypatch, capsys, arguments, code, said):
    monkeypatch.setattr(sys, "argv", ["lsbook", *arguments])
    with pytest.raises(SystemExit) as end:
        command()
    out, err = capsys.readouterr()
    assert end.value.code == code and said in (err if code else out)


def test_archives_keep_their_limit(home, tmp_path, monkeypatch):
    each = [get(DIGITS.with_(alpha=a)) for a in (0.0, 0.1, 0.2)]
    size = sum(pack._size_in_tar(path) for path in each[0].path.iterdir())
    monkeypatch.setattr(pack, "MOST_BYTES", 2 * size + 2 * tarfile.RECORDSIZE)
    archives = pack.pack(each, tmp_path / "out")
    assert [path.name for path in archives] == ["runs-01.tar", "runs-02.tar"]
    assert all(path.stat().st_size <= pack.MOST_BYTES for path in archives)
    found = [name for path in archives for name in pack.unpack(path, tmp_path / "in")[0]]
    assert sorted(found) == sorted(run.recipe.hash for run in each)

    monkeypatch.setattr(pack, "MOST_BYTES", size)
    with pytest.raises(ValueError, match="alone is larger"):
        pack.pack(each, tmp_path / "out")


def test_packing_to_a_full_disk_leaves_nothing(home, tmp_path, request, capsys):
    get(DIGITS)
    request.getfixturevalue("full_disk")
    assert main(["pack", "--into", str(tmp_path / "out")]) == 1
    assert "Nothing more is packed" in capsys.readouterr().out
    assert list((tmp_path / "out").iterdir()) == []


def test_unpacking_to_a_full_disk_leaves_nothing(home, tmp_path, request, capsys):
    [archive] = pack.pack([get(DIGITS)], tmp_path / "out")
    request.getfixturevalue("full_disk")
    assert main(["unpack", str(archive), "--into", str(tmp_path / "in")]) == 1
    assert "too large" in capsys.readouterr().out.lower()
    assert list((tmp_path / "in").iterdir()) == []


def test_an_interrupted_pack_leaves_whole_archives(home, tmp_path, monkeypatch):
    each = [get(DIGITS.with_(alpha=a)) for a in (0.0, 0.1)]
    size = sum(pack._size_in_tar(path) for path in each[0].path.iterdir())
    monkeypatch.setattr(pack, "MOST_BYTES", size + 2 * tarfile.RECORDSIZE)
    add, files = tarfile.TarFile.add, len(list(each[0].path.iterdir()))
    added = []

    def interrupted(tar, path, *args, **options):
        added.append(path)
        if len(added) == files + 2:
            raise KeyboardInterrupt
        add(tar, path, *args, **options)

    monkeypatch.setattr(tarfile.TarFile, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pack.pack(each, tmp_path / "out")
    [archive] = (tmp_path / "out").iterdir()
    assert pack.unpack(archive, tmp_path / "in") == ([added[0].parent.name], [])
    assert len(pack.pack(each, tmp_path / "out")) == 2


def test_large_weights_are_not_published(home, tmp_path, monkeypatch):
    run = get(DIGITS)
    monkeypatch.setattr(sys.modules["lsbook.runs.publish"], "LARGEST_WEIGHTS", 100)
    assert not (publish(run, tmp_path / "published") / "weights.safetensors").exists()
    assert run.has_weights


# Checking runs


def test_a_sound_run_is_verified(home):
    [verdict] = verify([get(DIGITS)], CPU)
    assert (verdict.wrong, verdict.absent, verdict.unchecked) == ((), None, ())


def test_committed_translation_is_verified_but_for_bleu_at_other_temperatures(home):
    run = runs.find(named("lab/transformer-grammar", alpha=0.1))
    [verdict] = verify([run], CPU)
    assert (verdict.wrong, verdict.absent, verdict.unchecked) == ((), None, ("curve_bleu",))


def rewrite(run, name, change):
    path = run.path / name
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_what_cannot_be_recomputed_is_said(home, tmp_path):
    run = get(DIGITS)
    other = Path(shutil.copytree(run.path, tmp_path / "other"))
    rewrite(runs.Run(other, DIGITS), "manifest.json", lambda kept: kept.update(data_hash="0"))
    bare = Path(shutil.copytree(run.path, tmp_path / "bare"))
    (bare / "weights.safetensors").unlink()
    elsewhere = DIGITS.with_(dataset="cifar10")
    rewrite(run, "manifest.json", lambda kept: kept.update(run=elsewhere.hash))
    copies = [runs.Run(other, DIGITS), runs.Run(bare, DIGITS), runs.Run(run.path, elsewhere)]
    verdicts = list(verify(copies, CPU))
    assert {v.run.path.name: (v.absent, v.wrong) for v in verdicts} == {
        "other": ("the same data", ()), "bare": ("weights", ()), DIGITS.hash: ("data", ()),
    }
    rest = (
        "centre_distance", "nc1", "nc2", "ratio", "simplex_deviation", "train_accuracy",
        "within_spread",
    )
    for verdict in verdicts:
        assert verdict.unchecked == rest
        assert f"for want of {verdict.absent}: {', '.join(rest)}" in report(verdict)


def test_without_weights_a_translations_bleu_is_unchecked(home):
    [verdict] = verify([runs.find(named("lab/transformer-grammar", seed=1))], CPU)
    assert not verdict.wrong and {"bleu", "val_accuracy"} < set(verdict.unchecked)
    assert {"val_nll", "val_ece", "optimal_T"}.isdisjoint(verdict.unchecked)


def test_any_changed_number_is_found(home, capsys):
    run = get(DIGITS)
    recorded = dict(run.metrics)
    assert len(recorded) > 12
    for name, value in recorded.items():
        rewrite(run, "metrics.json", lambda metrics: metrics.update({name: 1.05 * value + 0.1}))
        [verdict] = verify([runs.find(DIGITS)], CPU)
        assert verdict.wrong, name
        assert all(said.startswith(f"{name} is recorded") for said in verdict.wrong)
        rewrite(run, "metrics.json", lambda metrics: metrics.update({name: value}))
    assert main(["verify", "--recipe", "few-digits"]) == 0
    rewrite(run, "metrics.json", lambda metrics: metrics.update(val_ece=1.0))
    assert main(["verify", "--recipe", "few-digits"]) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_any_changed_number_of_a_translation_is_found(home, tmp_path):
    recipe = named("lab/transformer-grammar", alpha=0.1)
    run = runs.find(recipe)
    copy = Path(shutil.copytree(run.path, tmp_path / "copy"))
    names = run.metrics.keys()
    rewrite(runs.Run(copy, recipe), "metrics.json", lambda metrics: metrics.update(
        {name: 1.05 * value + 0.1 for name, value in run.metrics.items()}))
    [verdict] = verify([runs.Run(copy, recipe)], CPU)
    assert {said.split(" is recorded")[0] for said in verdict.wrong} == names


TAMPERED = {
    "alpha": lambda recipe, path: recipe.with_(alpha=0.2),
    "alpha and the folder's name": lambda recipe, path: renamed(recipe.with_(alpha=0.2), path),
    "seed and the folder's name": lambda recipe, path: renamed(recipe.with_(seed=3), path),
}


def renamed(recipe: Recipe, path: Path) -> Recipe:
    manifest = json.loads((path / "manifest.json").read_text()) | {"run": recipe.hash}
    (path / "manifest.json").write_text(json.dumps(manifest))
    path.rename(path.with_name(recipe.hash))
    return recipe


@pytest.mark.parametrize("weights", [True, False], ids=["weights", "no weights"])
@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_a_run_of_another_recipe_is_refused(home, monkeypatch, tmp_path, capsys, tamper, weights):
    monkeypatch.setattr(store, "COMMITTED", tmp_path / "none")
    path, other = get(DIGITS).path, get(DIGITS.with_(seed=1))
    if not weights:
        (path / "weights.safetensors").unlink()
    recipe = tamper(DIGITS, path)
    [place] = [each for each in home.glob("*/recipe.json") if each.parent != other.path]
    place.write_text(json.dumps(recipe.to_dict()))
    assert main(["verify"]) == 1
    *lines, counts = capsys.readouterr().out.splitlines()
    differing = [line for line in lines if "DIFFERS" in line]
    assert len(lines) == 2 and len(differing) == 1 and other.recipe.hash not in differing[0]
    assert counts == "2 runs: 1 verified, 1 differ, 0 checked in part."


def test_a_students_gamma_is_verified_with_its_teachers_weights(home):
    student = DIGITS.with_(distil=recipes.Distil(teacher=DIGITS, T=2.0))
    run = get(student)
    [verdict] = verify([run], CPU)
    assert verdict.wrong == verdict.unchecked == ()

    rewrite(run, "metrics.json", lambda metrics: metrics.update(gamma=metrics["gamma"] * 1.1))
    [verdict] = verify([runs.find(student)], CPU)
    [said] = verdict.wrong
    assert said.startswith("gamma is recorded")

    (runs.find(DIGITS).path / "weights.safetensors").unlink()
    [verdict] = verify([runs.find(student)], CPU)
    assert (verdict.wrong, verdict.unchecked) == ((), ("gamma",))
    assert report(verdict).endswith("verified from weights and data, but for gamma")


def test_changed_weights_are_found(home):
    run, other = get(DIGITS), get(DIGITS.with_(seed=1))
    shutil.copy(other.path / "weights.safetensors", run.path / "weights.safetensors")
    [verdict] = verify([run], CPU)
    assert any(said.startswith("val_logits differ") for said in verdict.wrong)


def test_a_damaged_run_is_found(home):
    run = get(DIGITS)
    (run.path / "arrays.npz").write_bytes(b"torn")
    [verdict] = verify([runs.find(DIGITS)], CPU)
    assert "arrays.npz cannot be read" in verdict.wrong[0]


@pytest.mark.parametrize("change", [
    lambda arrays: arrays.pop("train_logits"),
    lambda arrays: arrays.update(val_logits=arrays["val_logits"][:, :9]),
    lambda arrays: arrays.update(val_targets=arrays["val_targets"].astype("f4")),
])
def test_arrays_that_are_not_the_recipes_are_found(home, monkeypatch, tmp_path, capsys, change):
    monkeypatch.setattr(store, "COMMITTED", tmp_path / "none")
    run = get(DIGITS)
    arrays = run.stored_arrays()
    change(arrays)
    store.save_arrays(run.path / "arrays.npz", arrays)
    assert main(["verify"]) == 1
    assert "1 differ" in capsys.readouterr().out


def test_weights_that_are_no_numbers_are_found(home):
    path = get(DIGITS).path / "weights.safetensors"
    save_file({name: value * torch.nan for name, value in load_file(path).items()}, path)
    [verdict] = verify([runs.find(DIGITS)], CPU)
    assert "NaN" in verdict.wrong[0]
