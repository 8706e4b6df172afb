"""One place holds the repository's address; setting it there turns the buttons on."""

import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager

from tools import address
from tools.slides import FLAGS, browser_path

ROOT = Path(__file__).parent.parent
URL = "https://github.com/someone/label-smoothing"
REPOSITORY_LINK = re.compile(r"https?://(?:www\.)?(?:github|gitlab)\.com/[\w.-]+/[\w.-]+")
TOC = "format: jb-book\nroot: book/intro.ipynb\nchapters:\n  - file: book/calibration.ipynb\n"


CI = os.environ.get("CI") == "true"


def found_browser():
    try:
        return browser_path()
    except FileNotFoundError:
        return None


def tracked(root):
    listed = subprocess.check_output(["git", "ls-files"], cwd=root, text=True)
    return [root / name for name in listed.splitlines() if (root / name).is_file()]


def texts(root):
    """Text of every file people write here: not recorded runs, not other people's scripts."""
    for path in tracked(root):
        if "vendor" not in path.parts and "runs" not in path.relative_to(root).parts[:1]:
            try:
                yield path, path.read_text()
            except UnicodeDecodeError:
                continue


@pytest.fixture
def copy(tmp_path):
    """A copy of what the buttons depend on, with a short table of contents and nothing executed."""
    root = tmp_path / "copy"
    shutil.copytree(ROOT / "book", root / "book", ignore=shutil.ignore_patterns("vendor"))
    config = (ROOT / "_config.yml").read_text()
    config = config.replace("execute_notebooks: cache", 'execute_notebooks: "off"')
    (root / "_config.yml").write_text(config)
    (root / "_toc.yml").write_text(TOC)
    return root


def build(root):
    command = [Path(sys.executable).with_name("jupyter-book"), "build", root]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return (root / "_build" / "html" / "book" / "calibration.html").read_text()


def links(page):
    return re.findall(r'href="([^"]*)"', page)


def downloaded(root):
    """What the download button gives on a page opened from the file system."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto((root / "_build" / "html" / "book" / "calibration.html").as_uri())
        page.locator(".dropdown-download-buttons > button").click()
        with page.expect_download() as download:
            page.locator(".btn-download-source-button").click()
        assert download.value.suggested_filename == "calibration.ipynb"
        content = Path(download.value.path()).read_bytes()
        browser.close()
    return content


def set_up_cells():
    for path in address.holders():
        if path.suffix == ".ipynb":
            cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
            yield path, cells[0]


def test_nothing_else_names_a_repository():
    # Works that are cited have addresses of their own.
    allowed = {ROOT / "_config.yml", ROOT / "book" / "references.bib", *address.holders()}
    named = {
        path: found.group()
        for path, text in texts(ROOT)
        if path not in allowed and (found := REPOSITORY_LINK.search(text.replace(URL, "")))
        and "OWNER/NAME" not in found.group()
    }
    assert not named


def test_every_place_has_the_same_address():
    for path in address.holders():
        (found,) = re.findall(r'REPOSITORY = \\?"(.*?)\\?"', path.read_text())
        assert found == address.read()


def test_set_and_taken_away_again(copy):
    before = {path: path.read_text() for path in (copy / "_config.yml", *address.holders(copy))}
    address.write(URL + ".git", copy)
    assert address.read(copy) == URL
    files = (path for path in copy.rglob("*") if path.is_file())
    holding = {path for path in files if URL.encode() in path.read_bytes()}
    assert holding == set(before)
    for path in holding:
        assert path.read_text().count(URL) == 1
    address.write("", copy)
    assert {path: path.read_text() for path in before} == before


@pytest.mark.parametrize("written", [URL, URL + "/", URL + ".git", f" {URL} ", URL + ".git/"])
def test_an_address_is_kept_in_one_spelling(copy, written):
    address.write(written, copy)
    assert {address.read(copy)} == {URL}
    held = address.holders(copy)
    assert {path.suffix for path in held} == {".md", ".ipynb"}
    assert {path.stem for path in held} == {path.stem for path, _ in set_up_cells()}
    assert all(URL + '"' in path.read_text().replace("\\", "") for path in held)


@pytest.mark.parametrize("wrong", [
    "lsbook", "https://example.org/a/b", "https://github.com/owner", URL + "/tree/main",
    URL.replace("https", "http"), URL + '"; import os', URL + "?x", "git@github.com:a/b"])
def test_refuses_what_is_no_repository(copy, wrong):
    with pytest.raises(ValueError, match="https://github.com/OWNER/NAME"):
        address.write(wrong, copy)
    assert address.read(copy) == address.read()


@pytest.mark.slow
@pytest.mark.skipif(not CI and not found_browser(), reason="no browser found; install chromium")
def test_address_turns_the_buttons_on(copy):
    address.write("", copy)
    plain = links(build(copy))
    assert not [link for link in plain if "colab." in link or "mybinder" in link]
    assert downloaded(copy) == (copy / "book" / "calibration.ipynb").read_bytes()

    address.write(URL, copy)
    shutil.rmtree(copy / "_build" / "html")
    shutil.rmtree(copy / "_build" / ".doctrees")
    now = links(build(copy))
    colab = "https://colab.research.google.com/github/someone/label-smoothing/blob/main/"
    binder = "https://mybinder.org/v2/gh/someone/label-smoothing/main?urlpath=lab/tree/"
    assert {colab + "book/calibration.ipynb", binder + "book/calibration.ipynb"} <= set(now)
    assert downloaded(copy) == (copy / "book" / "calibration.ipynb").read_bytes()


def test_set_up_cell_comes_first_and_is_the_same_everywhere():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [parts["root"], *(c["file"] for p in parts["parts"] for c in p["chapters"])]
    cells = dict(set_up_cells())
    assert set(cells) == {ROOT / name for name in chapters if name.endswith(".ipynb")}
    assert len({cell.source for cell in cells.values()}) == 1
    assert all("setup" in cell.metadata["tags"] for cell in cells.values())


class Shell:
    """Stands for IPython: writes down what the cell would run."""

    def __init__(self):
        self.ran = []

    def system(self, command):
        self.ran.append(command)

    def run_line_magic(self, name, line):
        self.ran.append(f"%{name} {line}")


def run_set_up(url, monkeypatch, folder):
    source = next(set_up_cells())[1].source
    source = re.sub('REPOSITORY = ".*"', f'REPOSITORY = "{url}"', source)
    shell = Shell()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    exec(TransformerManager().transform_cell(source), {"get_ipython": lambda: shell})
    return shell.ran


def in_colab(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))


@pytest.mark.parametrize("url", ["", URL])
def test_set_up_does_nothing_elsewhere(url, monkeypatch, tmp_path):
    assert run_set_up(url, monkeypatch, tmp_path) == []


def test_set_up_says_in_colab_what_is_missing(monkeypatch, tmp_path):
    in_colab(monkeypatch)
    with pytest.raises(RuntimeError, match="no public address"):
        run_set_up("", monkeypatch, tmp_path)


def test_set_up_leaves_torch_of_colab_alone(monkeypatch, tmp_path):
    in_colab(monkeypatch)
    clone, *installs = run_set_up(URL, monkeypatch, tmp_path)
    assert URL in clone or "{REPOSITORY}" in clone
    own = [line for line in installs if "./lsbook" in line]
    assert own and all("--no-deps" in line for line in own)
    assert not any("torch" in line or "requirements" in line for line in installs)


def test_set_up_accepts_a_folder_in_place_of_an_address(monkeypatch, tmp_path):
    (tmp_path / "lsbook").mkdir()
    in_colab(monkeypatch)
    assert run_set_up("", monkeypatch, tmp_path)
