"""A chart of the book in a page: what its link may ask of its controls."""

import json
import shutil
from pathlib import Path

import altair as alt
import pandas as pd
import pytest

from drawn import SCRIPTS, open_page, open_saved
from lsbook.figures import theme

STATIC = Path(__file__).parent.parent / "book" / "_static"
START = {"alpha": 0.1, "bins": 15, "form": "fresh", "every": False}

page = pytest.fixture(scope="module")(open_page)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    params = [
        alt.param(name="alpha", value=0.1, bind=alt.binding_select(options=[0.05, 0.1, 0.3])),
        alt.param(name="bins", value=15, bind=alt.binding_range(min=5, max=30, step=1)),
        alt.param(name="form", value="fresh", bind=alt.binding_radio(options=["fresh", "reused"])),
        alt.param(name="every", value=False, bind=alt.binding_checkbox()),
    ]
    chart = alt.Chart(pd.DataFrame({"x": [1], "y": [2]})).mark_point().encode(
        x="x:Q", y="y:Q").add_params(*params)
    look = {"light": theme.config(), "dark": theme.config(dark=True), "recolour": {}}
    names = [f"vendor/{name}" for name in SCRIPTS]
    (folder / "settings.js").write_text(
        f"window.LSBOOK_THEME = {json.dumps(look)};"
        f"window.LSBOOK_CHART_SCRIPTS = {json.dumps(names)};")
    shutil.copytree(STATIC / "vendor", folder / "vendor")
    for name in ("states.js", "frame.js", "figures.js", "page.js"):
        shutil.copy(STATIC / name, folder)
    tags = "".join(f'<script defer src="{name}.js"></script>'
                   for name in ("settings", "states", "frame", "figures", "page"))
    html = theme.show(chart, alt="A point.").to_html()
    (folder / "page.html").write_text(f'<!doctype html><meta charset="utf-8">{tags}{html}')
    return (folder / "page.html").as_uri()


def state(page, address, query):
    page.goto("about:blank")
    page.goto(f"{address}#figure-1?{query}")
    page.wait_for_selector("figure[data-ready]")
    return page.evaluate("(names) => { const { view } = document.querySelector('figure');"
                         " return Object.fromEntries(names.map((n) => [n, view.signal(n)])); }",
                         list(START))


def test_a_link_brings_what_the_controls_can_show(page, address):
    wanted = {"alpha": 0.3, "bins": 7, "form": "reused", "every": True}
    assert state(page, address, "alpha=0.3&bins=7&form=reused&every=true") == wanted
    page.click(".ls-reset")
    page.wait_for_function("location.hash === '#figure-1'")
    assert page.evaluate("document.querySelector('figure').view.signal('bins')") == 15


@pytest.mark.parametrize("query", [
    "alpha=99&bins=7.5&form=constructor&every=1", "alpha=0.11&bins=-1&form=0&every=null",
    "alpha=null&bins=1e999&form=[]&every=%22true%22", "width=9999&background=red&x=1",
])
def test_the_rest_of_a_link_is_ignored(page, address, query):
    assert state(page, address, query) == START


def test_a_notebook_shows_a_chart_that_carries_vega(page, tmp_path, monkeypatch):
    monkeypatch.delenv("LSBOOK_STATIC", raising=False)
    frame = pd.DataFrame({"x": [1, 2], "y": [2, 3]})
    figure = theme.show(alt.Chart(frame).mark_point().encode(x="x:Q", y="y:Q"), alt="Two points.")
    asked = open_saved(page, figure, tmp_path)
    assert page.locator(".mark-symbol path").count() == 2
    assert asked == [page.url]
