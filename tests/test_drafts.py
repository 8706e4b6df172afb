"""A reader sees whole runs alone, whatever is being written, and by whom, and how that ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from lsbook import recipes, runs
from lsbook.runs import drafts, pack
from lsbook.runs.__main__ import main
from lsbook.runs.drafts import draft, install
from lsbook.runs.publish import publish

RECIPE = recipes.named("lab/mlp-mnist1d", alpha=0.1)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """The reader's own folder, and no other, with one run."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("LSBOOK_RUNS", str(folder))
    publish(runs.find(RECIPE), folder)
    monkeypatch.setattr(runs.store, "COMMITTED", tmp_path / "none")
    return folder


def python(script: str, *arguments) -> subprocess.Popen:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE)


@pytest.fixture
def elsewhere(tmp_path):
    """A draft in ``tmp_path`` that another process holds: the process and the draft."""
    script = """
        import sys, time
        from pathlib import Path
        from lsbook.runs.drafts import draft
        with draft(Path(sys.argv[1])) as made:
            (made / "half").write_text("half")
            print(made, flush=True)
            time.sleep(60)
    """
    process = python(script, tmp_path)
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


def test_a_draft_that_is_held_stays_and_that_of_a_killed_process_goes(tmp_path, elsewhere):
    process, theirs = elsewhere
    with draft(tmp_path) as ours:
        assert ours != theirs and (theirs / "half").exists()
    assert not ours.exists() and (theirs / "half").exists()
    process.kill()
    process.wait()
    with draft(tmp_path):
        assert not theirs.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["publish", "pack", "unpack"])
def test_what_a_killed_process_left_is_no_run_and_goes_with_the_next_call(home, tmp_path, verb):
    script = """
        import os, signal, sys
        from pathlib import Path
        from lsbook import recipes, runs
        from lsbook.runs import drafts, pack
        from lsbook.runs.publish import publish
        verb, into, archive = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
        die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        sys.modules["lsbook.runs.publish"].install = pack.install = die
        run = next(runs.available())
        if verb == "unpack":
            pack.unpack(archive, into)
        pack.pack([run], into) if verb == "pack" else publish(run, into)
    """
    [archive] = pack.pack(list(runs.available()), tmp_path / "archives")
    into = home if verb != "pack" else tmp_path / "out"
    killed = python(script, verb, into, archive)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert any(path.name.startswith(".draft-") for path in into.iterdir())
    assert [run.recipe for run in runs.available()] == [RECIPE]
    {
        "publish": lambda: publish(next(runs.available()), into),
        "pack": lambda: pack.pack(list(runs.available()), into),
        "unpack": lambda: pack.unpack(archive, into),
    }[verb]()
    assert [path.name for path in into.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path, monkeypatch, exchanges):
    if not exchanges:
        monkeypatch.setattr(drafts, "_exchange", lambda *_: False)
    target = tmp_path / "target"
    for content in ("first", "second"):
        with draft(tmp_path) as made:
            (made / "run").mkdir()
            (made / "run" / content).write_text(content)
            install(made / "run", target)
    assert [path.name for path in target.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [target]


def test_whoever_reads_while_others_publish_sees_every_run_once(home):
    [source] = runs.available()
    copy = runs.Run(Path(shutil.copytree(source.path, home.parent / "copy")), RECIPE)
    errors, done = [], threading.Event()

    def publishing():
        try:
            while not done.is_set():
                publish(copy, home)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=publishing) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            [run] = runs.available()
            assert run.recipe == RECIPE and runs.find(RECIPE).manifest["run"] == RECIPE.hash
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert sorted(path.name for path in home.iterdir()) == [RECIPE.hash]


def test_a_folder_of_another_name_is_no_run(home):
    for name in (f".{RECIPE.hash}", "copy of it", RECIPE.hash.upper()):
        shutil.copytree(home / RECIPE.hash, home / name, dirs_exist_ok=True)
    assert [run.path.name for run in runs.available()] == [RECIPE.hash]


def test_a_run_that_goes_while_it_is_listed_is_not_listed(home, monkeypatch):
    load = runs.store.load

    def gone(path):
        shutil.rmtree(path)
        return load(path)

    monkeypatch.setattr(runs.store, "load", gone)
    assert list(runs.available()) == []


def test_a_recipe_that_is_not_its_folders_is_refused_on_every_read(home, capsys):
    path = home / RECIPE.hash / "recipe.json"
    path.write_text(json.dumps(RECIPE.with_(alpha=0.2).to_dict()))
    for read in (lambda: runs.find(RECIPE), lambda: list(runs.available())):
        with pytest.raises(runs.BrokenRun, match=f"{path} cannot be read.*its recipe is that of"):
            read()
    os.rename(home / RECIPE.hash, home / RECIPE.with_(alpha=0.2).hash)
    assert runs.find(RECIPE) is None and runs.find(RECIPE.with_(alpha=0.2))
    assert main(["list"]) == 0
