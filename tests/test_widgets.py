"""What needs a kernel is absent where there is none, and ipywidgets stays in its room."""

from pathlib import Path
from types import SimpleNamespace

import ipywidgets
import pytest

import lsbook
from lsbook import recipes
from lsbook.widgets.train import driven

CHAPTER = SimpleNamespace(device="cpu")


@pytest.mark.parametrize("site", [True, False])
def test_a_figure_stands_below_a_slider_where_a_kernel_is_live(site, monkeypatch):
    monkeypatch.setenv("LSBOOK_STATIC", str(int(site)))
    recipe = recipes.named("lab/mlp-mnist1d", alpha=0.1, seed=0)
    shown = driven(CHAPTER, lambda alpha: f"drawn at {alpha}", lambda alpha: [recipe], 0.1)
    if site:
        assert shown == "drawn at 0.1"
        return
    row, _, _, screen = shown.children
    (slider,) = row.children
    assert isinstance(slider, ipywidgets.FloatSlider) and slider.value == 0.1
    assert screen.outputs[0]["data"]["text/plain"] == "'drawn at 0.1'"


def test_ipywidgets_is_imported_here_alone():
    root = Path(lsbook.__file__).parent
    users = {path.relative_to(root).parts[0] for path in root.rglob("*.py")
             if "import ipywidgets" in path.read_text() or "from ipywidgets" in path.read_text()}
    assert users == {"widgets"}
