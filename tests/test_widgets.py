"""Explorers draw anew when a control moves, and are absent where no kernel is live."""

from pathlib import Path

import pytest

import lsbook
from lsbook import widgets
from lsbook.chapter import Chapter
from lsbook.widgets import calibration, representations


@pytest.fixture
def chapter():
    presets = {"lab": "lab/mlp-mnist1d"}
    return Chapter(name="calibration", presets=presets, alpha=0.1, preset="lab", seed=0)


@pytest.mark.parametrize("module", [calibration, representations])
def test_static_page_shows_no_explorer(module, chapter, monkeypatch):
    monkeypatch.setenv("LSBOOK_STATIC", "1")
    assert not widgets.live()
    assert module.explorer(chapter) is None


@pytest.mark.parametrize("module, names", [
    (calibration, ["α", "T", "bins", "of equal"]),
    (representations, ["α", "first class", "second class", "third class", "epoch"]),
])
def test_live_explorer_has_its_controls(module, names, chapter, monkeypatch):
    monkeypatch.delenv("LSBOOK_STATIC", raising=False)
    box = module.explorer(chapter)
    assert [control.description for control in box.children[0].children] == names
    assert box.children[0].children[0].value == 0.1


def test_ipywidgets_is_imported_here_alone():
    root = Path(lsbook.__file__).parent
    users = {path.relative_to(root).parts[0] for path in root.rglob("*.py")
             if "import ipywidgets" in path.read_text() or "from ipywidgets" in path.read_text()}
    assert users == {"widgets"}
