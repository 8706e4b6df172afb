"""The book's palette, its Altair theme and the frame every figure is shown in.

One colour stands for one idea throughout. Charts name the light colours only; the site swaps in
their dark counterparts when the reader switches the theme.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
from altair.vegalite.v6 import display
from markupsafe import Markup

from lsbook.figures.markup import ScriptJSON, script
from lsbook.figures.scale import in_words
from lsbook.figures.standalone import on_site, standalone

HARD = "#0072B2"
SMOOTH = "#D55E00"
TEMPERATURE = "#009E73"
DISTIL = "#8E5EA2"
REFERENCE = "#767676"
INK = "#1A1A1A"
GRID = "#E4E4E4"

CHART_SCRIPTS = (
    "vendor/vega/vega.min.js",
    "vendor/vega-lite/vega-lite.min.js",
    "vendor/vega-embed/vega-embed.min.js",
)
"""What draws a chart, in ``book/_static``."""

DASH = (4, 3)
WIDTH, HEIGHT = 560, 340
FONT = '-apple-system, BlinkMacSystemFont, "Segoe UI", "Helvetica Neue", Arial, sans-serif'

_RAMP_KNOTS = (0, 13, 40)
_RAMP_LIGHT = ("#F7BE9C", SMOOTH, "#6B2B00")
_RAMP_DARK = ("#7A4A2E", "#F28E4B", "#FFE0CC")


def _mix(first: str, second: str, share: float) -> str:
    channels = (
        round(int(first[i : i + 2], 16) * (1 - share) + int(second[i : i + 2], 16) * share)
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{c:02X}" for c in channels)


def _ramp(knots: Sequence[str]) -> tuple[str, ...]:
    colours = [knots[0]]
    for start, end, low, high in zip(_RAMP_KNOTS, _RAMP_KNOTS[1:], knots, knots[1:]):
        colours += [_mix(low, high, (i - start) / (end - start)) for i in range(start + 1, end + 1)]
    return tuple(colours)


SMOOTH_RAMP = _ramp(_RAMP_LIGHT)
"""41 vermilions, light to dark, evenly spaced in the square root of alpha."""

DARK = {
    HARD: "#56B4E9",
    TEMPERATURE: "#3CC79A",
    DISTIL: "#C79BDB",
    REFERENCE: "#9C9C9C",
    INK: "#ECECEC",
    GRID: "#353A42",
    **dict(zip(SMOOTH_RAMP, _ramp(_RAMP_DARK))),
}
"""The dark counterpart of every colour of the palette."""


def smooth(alpha: float) -> str:
    """Colour of label smoothing at strength ``alpha``: vermilion, darker as alpha grows.

    Parameters
    ----------
    alpha : float in [0, 1]
        Zero gives the colour of hard targets; 0.1 is :data:`SMOOTH`.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie in [0, 1], got {alpha}")
    return SMOOTH_RAMP[round(40 * math.sqrt(alpha))] if alpha > 0 else HARD


def alpha_scale(alphas: Iterable[float]) -> alt.Scale:
    """Colour scale for a discrete set of alphas (use with an ordinal or nominal encoding)."""
    domain = sorted(set(alphas))
    return alt.Scale(domain=domain, range=[smooth(alpha) for alpha in domain])


def config(dark: bool = False) -> dict[str, Any]:
    """Vega-Lite configuration of the book's charts, in light or dark colours."""
    ink, grid, quiet = (DARK[c] if dark else c for c in (INK, GRID, REFERENCE))
    palette = (HARD, SMOOTH, TEMPERATURE, DISTIL, REFERENCE)
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": "transparent",
        "font": FONT,
        "padding": 4,
        "view": {
            "stroke": None,
            "continuousWidth": WIDTH,
            "continuousHeight": HEIGHT,
            "step": 32,
        },
        "title": {
            "anchor": "start",
            "color": ink,
            "subtitleColor": ink,
            "fontSize": 15,
            "fontWeight": 600,
            "subtitleFontSize": 12,
            "offset": 12,
        },
        "axis": {
            **text,
            "titleFontWeight": "normal",
            "titlePadding": 8,
            "domain": False,
            "ticks": False,
            "labelPadding": 6,
            "grid": True,
            "gridColor": grid,
            "gridWidth": 0.7,
        },
        "axisBand": {"grid": False, "labelAngle": 0},
        "legend": {**text, "titleFontWeight": "normal", "orient": "top"},
        "header": {**text, "titleFontWeight": "normal", "labelFontWeight": 600},
        "range": {
            "category": [DARK[c] if dark else c for c in palette],
            "heatmap": [DARK[c] if dark else c for c in SMOOTH_RAMP[::8]],
        },
        "mark": {"color": DARK[HARD] if dark else HARD},
        "line": {"strokeWidth": 2},
        "point": {"filled": True, "size": 50},
        "rule": {"color": quiet},
        "text": {"color": ink, "fontSize": 12},
    }


@alt.theme.register("lsbook", enable=True)
def _live_theme() -> alt.theme.ThemeConfig:
    return {"config": config() | {"background": "white"}}


alt.data_transformers.disable_max_rows()
alt.renderers.enable(alt.renderers.active, json_kwds={"cls": ScriptJSON})


def origin(runs: Iterable[Any] = (), command: str = "") -> dict[str, str]:
    """Where a figure's numbers come from, as label and text.

    Parameters
    ----------
    runs : iterable of Run
        The runs whose arrays or metrics are drawn.
    command : str
        The papermill command that regenerates the figure.
    """
    runs = list(runs)

    def seen(fact: Callable[[Any], Any], between: str = ", ") -> str:
        return between.join(dict.fromkeys(str(fact(run)) for run in runs))

    strip = {
        "Runs": seen(lambda run: run.recipe.hash),
        "α": seen(lambda run: f"{run.recipe.alpha:g}"),
        "Seeds": seen(lambda run: run.recipe.seed),
        "Data": seen(lambda run: run.recipe.dataset),
        "Scale": seen(_scale, "; "),
        "Commit": seen(lambda run: run.manifest["commit"]),
        "Device": seen(lambda run: run.manifest["device"]),
        "Regenerate": command,
    }
    return {label: text for label, text in strip.items() if text}


def _scale(run: Any) -> str:
    return f"{run.recipe.preset}, {in_words(run.recipe)}"


def heading(title: str, note: str = "") -> Markup:
    """HTML of a figure's title: what to see, and in small type what is shown."""
    small = Markup("<small>{}</small>").format(note) if note else ""
    return Markup('<p class="ls-title">{}{}</p>').format(title, small)


def figcaption(caption: str, origin: Mapping[str, str]) -> Markup:
    """HTML of a figure's caption, with its origin one click away."""
    row = Markup("<dt>{}</dt><dd>{}</dd>")
    rows = Markup().join(row.format(name, text) for name, text in origin.items())
    details = Markup("<details><summary>Origin</summary><dl>{}</dl></details>").format(rows)
    words = Markup("<p>{}</p>").format(caption) if caption else ""
    return Markup("<figcaption>{}{}</figcaption>").format(words, details if rows else "")


@dataclass(frozen=True)
class Figure:
    """A chart with its alternative text, caption and origin; displays itself in a notebook."""

    chart: alt.TopLevelMixin
    alt: str
    caption: str = ""
    origin: Mapping[str, str] = field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        """The Vega-Lite specification without a theme, floats rounded to six digits."""
        with alt.theme.enable("none"):
            return _rounded(self.chart.to_dict())

    def to_html(self) -> str:
        """One ``<figure>``; the site's figures.js draws it and adds its controls."""
        spec = self.spec()
        return str(Markup(
            '<figure class="ls-figure">{title}<form class="ls-controls"></form>'
            '<div class="ls-chart" role="img" aria-label="{alt}"><noscript>{alt}</noscript></div>'
            "{data}{caption}</figure>"
        ).format(
            title=_heading(spec), alt=self.alt, data=script(spec),
            caption=figcaption(self.caption, self.origin),
        ))

    def to_notebook(self) -> str:
        """The figure with its scripts and styles, vega among them."""
        scripts = [*CHART_SCRIPTS, "states.js", "frame.js", "figures.js"]
        return standalone(self.to_html(), scripts, page_settings(), "lsCharts.alone")

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.to_html() if on_site() else self.to_notebook()}


def page_settings(scripts: Sequence[str] = ()) -> str:
    """Script that tells a page how charts look, and which scripts of vega it has to load."""
    debug = {
        "vega_version": display.VEGA_VERSION,
        "vegalite_version": display.VEGALITE_VERSION,
        "vegaembed_version": display.VEGAEMBED_VERSION,
    }
    look = {
        "light": config(),
        "dark": config(dark=True),
        "recolour": {light.upper(): dark for light, dark in DARK.items()},
    }
    return (
        f"window.VEGA_DEBUG = {json.dumps(debug)};\nwindow.LSBOOK_THEME = {json.dumps(look)};\n"
        f"window.LSBOOK_CHART_SCRIPTS = {json.dumps(scripts)};\n")


def _heading(spec: dict[str, Any]) -> str:
    """Take the chart's title out of ``spec`` into a heading, which can wrap on a narrow page."""
    title = spec.get("title")
    title = title if isinstance(title, Mapping) else {"text": title}
    text, subtitle = (_lines(title.get(key)) for key in ("text", "subtitle"))
    if text is None:
        return ""
    del spec["title"]
    return heading(text, subtitle or "")


def _lines(text: Any) -> str | None:
    words = " ".join(text) if isinstance(text, list) else text
    return words if isinstance(words, str) else None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value


def show(
    chart: alt.TopLevelMixin,
    *,
    alt: str,
    runs: Iterable[Any] = (),
    command: str = "",
    caption: str = "",
) -> Figure:
    """Frame a chart for display: the last expression of a chapter's cell.

    It becomes a figure with alternative text, caption and origin, on the built site
    (``LSBOOK_STATIC=1``) as in a notebook, which it brings its scripts to.

    Parameters
    ----------
    chart : altair chart
        Bound parameters become the figure's controls; their first values are what reset returns
        to, so start them at the paper's setting.
    alt : str
        What the figure shows, with its numbers, for readers who cannot see it.
    runs : iterable of Run
        The runs the numbers come from.
    command : str
        The papermill command that regenerates the figure.
    caption : str
        Plain text below the figure.

    Raises
    ------
    ValueError
        If ``alt`` is empty.
    """
    if not alt.strip():
        raise ValueError("alt is empty: say in a sentence what the figure shows, with its numbers")
    return Figure(chart, alt.strip(), caption, origin(runs, command))
