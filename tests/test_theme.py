import json
import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import altair as alt
import pandas as pd
import pytest

from lsbook import recipes
from lsbook.figures import theme
from lsbook.figures.sweep import against_alpha


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.fixture
def chart():
    frame = pd.DataFrame({"x": [0.0, 1 / 3, 1.0], "y": [0.1, 0.2, 0.3]})
    return alt.Chart(frame).mark_line(color=theme.SMOOTH).encode(x="x:Q", y="y:Q")


def embedded_spec(page):
    found = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)
    return json.loads(found[1])


@pytest.mark.parametrize(
    "colour",
    [theme.HARD, theme.SMOOTH, theme.TEMPERATURE, theme.DISTIL, theme.REFERENCE, theme.INK],
)
def test_palette_stands_out_on_both_grounds(colour):
    assert contrast(colour, "#FFFFFF") >= 3
    assert contrast(theme.DARK[colour], "#14181E") >= 4.5


def test_smooth_darkens_with_alpha():
    colours = [theme.smooth(alpha) for alpha in (0.01, 0.1, 0.3, 0.6, 1.0)]
    shades = [luminance(colour) for colour in colours]
    assert shades == sorted(shades, reverse=True)
    dark = [luminance(theme.DARK[colour]) for colour in colours]
    assert dark == sorted(dark)


def test_smooth_meets_its_neighbours():
    assert theme.smooth(0) == theme.HARD
    assert theme.smooth(0.1) == theme.SMOOTH


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_smooth_refuses_alpha_outside_the_unit_interval(alpha):
    with pytest.raises(ValueError, match="alpha must lie in"):
        theme.smooth(alpha)


def test_alpha_scale_is_sorted_and_distinct():
    scale = theme.alpha_scale([0.3, 0.0, 0.1, 0.1]).to_dict()
    assert scale["domain"] == [0.0, 0.1, 0.3]
    assert scale["range"] == [theme.HARD, theme.SMOOTH, theme.smooth(0.3)]


@pytest.mark.parametrize("dark", [False, True])
def test_config_is_valid_vega_lite(dark):
    alt.Config.from_dict(theme.config(dark))


def test_static_figure_carries_alt_caption_and_spec(chart, monkeypatch):
    monkeypatch.setenv("LSBOOK_STATIC", "1")
    figure = theme.show(chart, alt='Line from "a" to <b>', caption="x < y")
    page = figure._repr_mimebundle_()["text/html"]
    assert 'role="img" aria-label="Line from "a" to <b>"' in unescape(page)
    assert "<p>x &lt; y</p>" in page
    spec = embedded_spec(page)
    assert spec["mark"]["color"] == theme.SMOOTH
    (rows,) = spec["datasets"].values()
    assert rows[1]["x"] == 0.333333
    assert "axis" not in spec.get("config", {})


def test_title_becomes_a_heading_that_wraps(chart):
    titled = chart.properties(title=alt.Title("One & two", subtitle=["three", "four"]))
    page = theme.show(titled, alt="A line").to_html()
    assert '<p class="ls-title">One &amp; two<small>three four</small></p>' in page
    assert "title" not in embedded_spec(page)


def test_style_sheet_names_the_same_colours():
    sheet = (Path(__file__).parent.parent / "book/_static/lsbook.css").read_text()
    light, dark, printed = re.findall(r"\{([^}]*--ls-hard: [^}]*)\}", sheet)
    for name in ("hard", "smooth", "temperature", "distil", "reference"):
        colour = getattr(theme, name.upper())
        assert f"--ls-{name}: {colour};" in light and f"--ls-{name}: {colour};" in printed
        assert f"--ls-{name}: {theme.DARK[colour]};" in dark


def test_script_in_data_cannot_close_the_figure():
    frame = pd.DataFrame({"x": ["</script>"], "y": [1]})
    figure = theme.show(alt.Chart(frame).mark_bar().encode(x="x:N", y="y:Q"), alt="One bar")
    (rows,) = embedded_spec(figure.to_html())["datasets"].values()
    assert rows[0]["x"] == "</script>"


def test_a_notebook_shows_the_figure_of_the_site_with_its_scripts(chart, monkeypatch):
    monkeypatch.delenv("LSBOOK_STATIC", raising=False)
    html = theme.show(chart, alt="A line")._repr_mimebundle_()["text/html"]
    assert 'class="ls-figure"' in html and "lsCharts.alone(" in html
    assert "<script src" not in html and "<link" not in html


def test_hard_targets_have_their_colour_among_the_strengths_of_a_sweep():
    frame = pd.DataFrame({"alpha": [0.0, 0.05, 0.2] * 3, "seed": [0] * 3 + [1] * 3 + [2] * 3,
                          "y": [1.0, 2, 3, 1, 2, 3, 4, 5, 9]})
    points = against_alpha(frame, "y", "y").to_dict()["layer"][3]["encoding"]
    scale = points["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"])) == {
        0.0: theme.HARD, 0.05: theme.smooth(0.05), 0.2: theme.smooth(0.2)}
    other = against_alpha(frame, "y", "y", colour=theme.TEMPERATURE)
    assert "color" not in other.to_dict()["layer"][3]["encoding"]


def test_a_sweep_shows_the_mean_and_the_range_of_its_seeds():
    frame = pd.DataFrame({"alpha": [0.1] * 3, "seed": range(3), "y": [1.0, 2.0, 6.0]})
    spec = against_alpha(frame, "y", "y").to_dict()
    (spread,) = (d for d in spec["datasets"].values() if "mean" in d[0])
    assert spread == [{"alpha": 0.1, "mean": 3.0, "low": 1.0, "high": 6.0}]


def test_origin_names_each_value_once():
    def run(alpha, seed):
        recipe = recipes.named("lab/mlp-mnist1d", alpha=alpha, seed=seed, scale=0.5)
        return SimpleNamespace(recipe=recipe, manifest={"commit": "abc", "device": "cpu"})

    strip = theme.origin([run(0.0, 0), run(0.1, 0), run(0.1, 1)], "papermill a.ipynb b.ipynb")
    assert strip["α"] == "0, 0.1"
    assert strip["Seeds"] == "0, 1"
    assert strip["Data"] == "mnist1d"
    assert strip["Scale"] == "lab, 50 % of our schedule"
    assert strip["Commit"] == "abc"
    assert strip["Regenerate"] == "papermill a.ipynb b.ipynb"
    assert theme.origin() == {}


def test_empty_alt_is_refused(chart):
    with pytest.raises(ValueError, match="alt is empty"):
        theme.show(chart, alt=" ")
