"""Figures of section 2: penultimate activations on the plane through three templates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from lsbook import paper
from lsbook.estimators.templates import geometry, project_logits
from lsbook.figures import theme
from lsbook.figures.classes import offered
from lsbook.figures.ledger import spread_text, value_of
from lsbook.figures.scale import DATASETS, MODELS, in_words, scaled_setting, setting
from lsbook.figures.sweep import against_alpha
from lsbook.ledger import Spread
from lsbook.ledger.checks import arc
from lsbook.runs.best import best
from lsbook.runs.classes import examples
from lsbook.runs.snapshots import at_epoch, epochs
from lsbook.runs.tables import metrics

PER_CLASS = 100
LEVELS = 500
PARTS = {"train": "training", "val": "validation"}
_COLOURS = {"hard": theme.HARD, "smoothed": theme.SMOOTH}
SHAPES = ("circle", "square", "triangle-up")
SIGNS = "●■▲"
GEOMETRY = {
    "ratio": "spread / distance",
    "nc1": "NC1",
    "simplex_deviation": "unevenness",
}


@dataclass(frozen=True)
class Source:
    """A catalogue recipe and the three of its classes that a row shows."""

    recipe: str
    classes: tuple[int, int, int]


@dataclass(frozen=True)
class Place:
    """A row of the paper's Figure 1; ``sources`` are ours for it, the nearest first."""

    network: str
    names: tuple[str, str, str]
    sources: tuple[Source, ...]


FIGURE_1 = (
    Place("AlexNet on CIFAR-10", ("airplane", "automobile", "bird"), (
        Source("paper/alexnet-cifar10", (0, 1, 2)),
        Source("fraction/alexnet-cifar10", (0, 1, 2)),
    )),
    Place("ResNet-56 on CIFAR-100", ("beaver", "dolphin", "otter"), (
        Source("paper/resnet56-cifar100", (4, 30, 55)),
        Source("fraction/resnet20-cifar100", (4, 30, 55)),
    )),
    Place("Inception-v4 on ImageNet", ("tench", "meerkat", "cleaver"), (
        Source("paper/inception-tinyimagenet", (0, 19, 25)),
        Source("fraction/resnet20-tinyimagenet", (0, 19, 25)),
        Source("paper/teacher-cifar10", (6, 7, 8)),
        Source("fraction/teacher-cifar10", (6, 7, 8)),
    )),
    Place("Inception-v4 on ImageNet", ("toy poodle", "miniature poodle", "tench"), (
        Source("paper/inception-tinyimagenet", (7, 8, 0)),
        Source("fraction/resnet20-tinyimagenet", (7, 8, 0)),
        Source("paper/teacher-cifar10", (3, 5, 8)),
        Source("fraction/teacher-cifar10", (3, 5, 8)),
    )),
)
_TABLE_2 = (
    ("cifar10", "alexnet", ("paper/alexnet-cifar10", "fraction/alexnet-cifar10")),
    ("cifar100", "resnet56", ("paper/resnet56-cifar100", "fraction/resnet20-cifar100")),
    ("imagenet", "inception-v4",
     ("paper/inception-tinyimagenet", "fraction/resnet20-tinyimagenet")),
    ("mnist1d", "mlp", ("lab/mlp-mnist1d",)),
    ("digits", "mlp", ("lab/mlp-digits",)),
)


# The explorer: shipped logits, projected in the browser


def plane_frames(
    runs: Iterable[Any], shown: Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the browser needs to project the examples of any three of the ``shown`` classes.

    Parameters
    ----------
    runs
        One run an alpha, with ``train_logits``.
    shown
        Classes to choose from.

    Returns
    -------
    examples : DataFrame
        One row a class: ``alpha``; ``part`` (``training``, ``validation``, ``template``);
        ``target``, an index into ``shown``; ``z``, a list of at most 100 examples, each a list of
        the logits of the shown classes in units of the network's ``step``. A template's logits
        are its inner products with the templates.
    networks : DataFrame
        ``alpha``, ``step``, and ``gram``, the templates' inner products row by row.
    """
    shown = np.asarray(shown)
    rows, networks = [], []
    for run in runs:
        alpha, w = run.recipe.alpha, run.arrays["templates"][shown].astype(np.float64)
        gram = w @ w.T
        picked = {part: examples(run, part, shown, PER_CLASS) for part in PARTS}
        step = max(np.abs(logits).max() for logits, _ in picked.values()) / LEVELS
        networks.append({"alpha": alpha, "step": step, "gram": gram.ravel().tolist()})
        for part, (logits, targets) in picked.items():
            levels = np.rint(logits / step).astype(int)
            rows += [{"alpha": alpha, "part": PARTS[part], "target": k,
                      "z": levels[targets == k].tolist()} for k in range(len(shown))]
        rows += [{"alpha": alpha, "part": "template", "target": k, "z": [z]}
                 for k, z in enumerate((gram / step).tolist())]
    return pd.DataFrame(rows), pd.DataFrame(networks)


def plane_expressions(n: int) -> list[dict[str, str]]:
    """Vega expressions for the plane coordinates ``x`` and ``y`` of a datum, stage by stage.

    They follow `lsbook.estimators.templates.project_logits`: the position follows from two
    differences of logits and the inner products of the three templates, whose indices are the
    parameters ``first``, ``second`` and ``third`` among ``n`` classes.
    """

    def g(i: str, j: str) -> str:
        return f"datum.gram[{i} * {n} + {j}]"

    def sum_along(end: str) -> str:
        terms = (f"{g(k, end)} - {g(k, 'first')}" for k in ("first", "second", "third"))
        return " + ".join(terms)

    return [
        {
            "uu": f"{g('second', 'second')} - 2 * {g('first', 'second')} + {g('first', 'first')}",
            "vv": f"{g('third', 'third')} - 2 * {g('first', 'third')} + {g('first', 'first')}",
            "uv": f"{g('second', 'third')} - {g('first', 'second')} - {g('first', 'third')}"
                  f" + {g('first', 'first')}",
            "along_u": "(datum.z[second] - datum.z[first]) * datum.step"
                       f" - ({sum_along('second')}) / 3",
            "along_v": "(datum.z[third] - datum.z[first]) * datum.step"
                       f" - ({sum_along('third')}) / 3",
        },
        {
            "x": "datum.along_u / sqrt(datum.uu)",
            "y": "(datum.along_v - datum.uv / datum.uu * datum.along_u)"
                 " / sqrt(datum.vv - datum.uv * datum.uv / datum.uu)",
            "slot": "datum.target == first ? 0 : datum.target == second ? 1 : 2",
        },
    ]


DISTINCT = "first != second && second != third && third != first"


def on_plane(examples: alt.Chart, networks: pd.DataFrame, names: Sequence[str]) -> alt.Chart:
    """Examples of the three picked classes at their places on the plane, under their names.

    ``networks`` are those of `plane_frames`; ``names`` are those of all the classes to pick from.
    """
    base = (
        examples.transform_filter("indexof([first, second, third], datum.target) >= 0")
        .transform_filter(DISTINCT)
        .transform_flatten(["z"])
        .transform_lookup("alpha", alt.LookupData(networks, "alpha", ["step", "gram"]))
    )
    for stage in plane_expressions(len(names)):
        base = base.transform_calculate(**stage)
    return base.transform_calculate(name=f"{json.dumps(list(names))}[datum.target]")


def planes(
    runs: Sequence[Any],
    names: Mapping[int, str],
    shown: Sequence[int] | None = None,
    alpha: float = 0.1,
    bound: bool = True,
) -> alt.VConcatChart:
    """Hard and smoothed networks, training and validation, on the plane of any three classes.

    Parameters
    ----------
    runs
        One run an alpha, among them a hard and a smoothed one.
    names
        Number and name of the classes there are to choose from.
    shown
        Those to choose from, by default all of them; the first three are chosen at the start.
    alpha
        Smoothing at the start.
    bound
        Whether the chart has controls of its own.
    """
    shown = list(names if shown is None else shown)
    labels = [names[k] for k in shown]
    smoothed = sorted({run.recipe.alpha for run in runs} - {0.0})
    start = min(smoothed, key=lambda a: abs(a - alpha))
    examples, networks = plane_frames(runs, shown)

    def pick(name: str, value: Any, **binding) -> alt.Parameter:
        return alt.param(name=name, value=value, **({"bind": binding["bind"]} if bound else {}))

    params = [pick("alpha", start, bind=alt.binding_select(options=smoothed, name="α "))]
    params += [
        pick(name, k, bind=alt.binding_select(
            options=list(range(len(shown))), labels=labels, name=f"{name} class "))
        for k, name in enumerate(("first", "second", "third"))
    ]
    params.append(pick("shared", True, bind=alt.binding_checkbox(name="one scale for all panels ")))

    here = alt.Chart(examples).transform_filter("datum.alpha == 0 || datum.alpha == alpha")
    base = on_plane(here, networks, labels)
    panels = [
        [_explorer_panel(base, network, part) for part in PARTS.values()]
        for network in ("hard", "smoothed")
    ]
    rows = [alt.hconcat(*row, spacing=24).resolve_scale(color="independent") for row in panels]
    chart = alt.vconcat(*rows, spacing=30).resolve_scale(color="independent")
    return chart.add_params(*params).properties(title=alt.Title(
        "Smoothing pulls each class into a tight cluster at its own corner",
        subtitle="activations on the plane through three templates (triangle); "
                 "spread = r.m.s. distance from the class centre"))


def _explorer_panel(base: alt.Chart, network: str, part: str) -> alt.LayerChart:
    is_network = f"(datum.alpha > 0) == {str(network == 'smoothed').lower()}"
    here = base.transform_filter(is_network)
    inside = here.transform_filter(f"datum.part == '{part}'")
    corners = _corners(base.transform_filter(f"shared || {is_network}"))
    layers = _cloud(inside, here.transform_filter("datum.part == 'template'"), network)
    layers.append(_cloud_names(inside, network))
    spread = _spread(inside).mark_text(align="left", baseline="bottom").encode(
        x=alt.value(0), y=alt.value(-5), text="words:N")
    apology = pd.DataFrame([{"words": "choose three different classes"}])
    apology = alt.Chart(apology).transform_filter(
        f"!({DISTINCT})").mark_text().encode(text="words:N")
    heading = f"'hard targets · {part}'" if network == "hard" else f"'α = ' + alpha + ' · {part}'"
    return alt.layer(corners, *layers, spread, apology).properties(
        width=280, height=280,
        title=alt.Title(text=alt.expr(heading), fontSize=13, offset=4, color=_COLOURS[network]))


def _corners(chart: alt.Chart) -> alt.Chart:
    """Two invisible points that make the panel a square in the units of the plane."""
    return (
        chart.transform_aggregate(
            x0="min(x)", x1="max(x)", y0="min(y)", y1="max(y)")
        .transform_calculate(
            half="0.58 * max(datum.x1 - datum.x0, datum.y1 - datum.y0)",
            cx="(datum.x0 + datum.x1) / 2", cy="(datum.y0 + datum.y1) / 2")
        .transform_calculate(
            x="[datum.cx - datum.half, datum.cx + datum.half]",
            y="[datum.cy - datum.half, datum.cy + datum.half]")
        .transform_flatten(["x", "y"])
        .mark_point(opacity=0)
        .encode(_axis(alt.X), _axis(alt.Y))
    )


def _spread(inside: alt.Chart) -> alt.Chart:
    """Spread, distance and their ratio over the three classes, as in ``geometry``."""
    slots = "abc"
    split = {
        f"{field}{s}": f"datum.slot == {i} ? {value} : null"
        for i, s in enumerate(slots)
        for field, value in (("x", "datum.x"), ("y", "datum.y"),
                             ("r", "datum.x * datum.x + datum.y * datum.y"))
    }
    squares = " + ".join(
        f"datum.r{s} - datum.x{s} * datum.x{s} - datum.y{s} * datum.y{s}" for s in slots)
    sides = " + ".join(f"sqrt(pow(datum.x{s} - datum.x{t}, 2) + pow(datum.y{s} - datum.y{t}, 2))"
                       for s, t in ("ab", "bc", "ca"))
    return (
        inside.transform_calculate(**split)
        .transform_aggregate(**{name: f"mean({name})" for name in split})
        .transform_calculate(spread=f"sqrt(({squares}) / 3)", distance=f"({sides}) / 3")
        .transform_calculate(words=(
            "'spread ' + format(datum.spread, '.2f')"
            " + ' / distance ' + format(datum.distance, '.2f')"
            " + ' = ' + format(datum.spread / datum.distance, '.2f')"))
    )


# The look of a plane, shared by the explorer and Figure 1


def _axis(channel: type, **options) -> Any:
    name = channel.__name__.lower()
    scale = alt.Scale(zero=False, nice=False, **options)
    return channel(f"{name}:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5))


def _cloud(
    inside: alt.Chart, templates: alt.Chart, network: str, **domains
) -> list[alt.Chart]:
    """Points with shape and shade by class, and the templates' triangle."""
    x, y = (_axis(channel, **domains.get(channel.__name__.lower(), {}))
            for channel in (alt.X, alt.Y))
    shape = alt.Shape("slot:N", legend=None, scale=alt.Scale(
        domain=[0, 1, 2], range=list(SHAPES)))
    shade = _shade(network)
    points = inside.mark_point(size=22, opacity=0.55, filled=True, clip=True).encode(
        x, y, shape=shape, color=shade)
    triangle = templates.mark_line(
        interpolate="linear-closed", color=theme.INK, strokeWidth=1.2, opacity=0.8).encode(
        x, y, order="slot:O")
    corners = templates.mark_point(size=60, filled=False, color=theme.INK, strokeWidth=1.4).encode(
        x, y, shape=shape)
    return [triangle, points, corners]


def _cloud_names(inside: alt.Chart, network: str) -> alt.Chart:
    """The name of each class above its points; in planes large enough for names."""
    return inside.transform_aggregate(
        groupby=["slot", "name"], x="mean(x)", y="max(y)",
    ).mark_text(fontWeight=600, dy=-9).encode(
        _axis(alt.X), _axis(alt.Y), text="name:N", color=_shade(network))


def _shade(network: str) -> alt.Color:
    return alt.Color("slot:N", legend=None, scale=alt.Scale(
        domain=[0, 1, 2], range=[_COLOURS[network], theme.INK, theme.REFERENCE]))


# Figure 1, four rows


@dataclass(frozen=True)
class Row:
    """One row of Figure 1: a hard and a smoothed run, three classes, and what to say of them.

    ``notes`` are lines below the title, short enough for a narrow page.
    """

    title: str
    notes: tuple[str, ...]
    hard: Any
    smoothed: Any
    names: tuple[str, str, str]
    classes: tuple[int, int, int]


def figure_1_row(place: Place, instead: Row, alpha: float = 0.1) -> Row:
    """A row of Figure 1 from the best runs there are for it; ``instead`` where there are none."""
    for source in place.sources:
        pair = planar_pair(best(source.recipe), alpha)
        if pair is not None:
            return _row(place, source, *pair)
    return replace(instead, title=place.network, notes=(
        f"{', '.join(place.names)}: not run here", f"in its place {instead.title}", *instead.notes))


def _row(place: Place, source: Source, hard: Any, smoothed: Any) -> Row:
    offered = class_names(hard)
    names = tuple(offered[k] for k in source.classes)
    ours = setting(hard.recipe)
    here = () if ours == place.network else (f"here {ours}",)
    notes = (*here, in_words(hard.recipe), with_signs(names))
    return Row(place.network, notes, hard, smoothed, names, source.classes)


def with_signs(names: Iterable[str]) -> str:
    """Names of three classes with the shapes of their points: planes this small have no room."""
    return ", ".join(f"{sign}\N{NO-BREAK SPACE}{name}" for sign, name in zip(SIGNS, names))


def planar_pair(runs: Iterable[Any], alpha: float) -> tuple[Any, Any] | None:
    """A hard run and the smoothed one nearest ``alpha``, of one seed, with training examples."""
    whole = {(run.recipe.seed, run.recipe.alpha): run
             for run in runs if "train_logits" in run.arrays}
    smoothed = [(seed, a) for seed, a in whole if a > 0 and (seed, 0.0) in whole]
    if not smoothed:
        return None
    seed, nearest = min(smoothed, key=lambda key: (abs(key[1] - alpha), key))
    return whole[seed, 0.0], whole[seed, nearest]


def class_names(run: Any) -> dict[int, str]:
    """The classes of a run that figures offer, number to name."""
    return offered(run.recipe.dataset, len(run.arrays["templates"]))


def most_confused(run: Any) -> tuple[int, int]:
    """The two classes that a run's validation predictions mistake for each other most often."""
    targets = run.arrays["val_targets"].astype(int)
    guesses = run.arrays["val_logits"].argmax(-1)
    K = run.arrays["val_logits"].shape[-1]
    table = np.zeros((K, K), int)
    np.add.at(table, (targets, guesses), 1)
    both = np.triu(table + table.T, 1)
    first, second = np.unravel_index(both.argmax(), both.shape)
    return int(first), int(second)


def row_frame(row: Row) -> pd.DataFrame:
    """Plane coordinates ``x``, ``y`` of a row's examples and templates.

    Further columns: ``network`` (``hard``, ``smoothed``), ``part`` (``training``,
    ``validation``, ``template``), ``slot`` (0 to 2) and ``name`` of the class.
    """
    parts = []
    shown = np.asarray(row.classes)
    for network, run in (("hard", row.hard), ("smoothed", row.smoothed)):
        w = run.arrays["templates"][shown].astype(np.float64)
        sets = {PARTS[part]: examples(run, part, shown, PER_CLASS) for part in PARTS}
        sets["template"] = (w @ w.T, np.arange(3))
        for part, (logits, slots) in sets.items():
            xy = project_logits(logits, w).round(3)
            parts.append(pd.DataFrame({
                "network": network, "part": part, "slot": slots, "x": xy[:, 0], "y": xy[:, 1],
                "name": np.asarray(row.names)[slots],
            }))
    return pd.concat(parts, ignore_index=True)


def spread_frame(row: Row) -> pd.DataFrame:
    """Spread, distance and their ratio in the plane, a row a network and part of the data."""
    frame = row_frame(row)
    rows = []
    for (network, part), group in frame[frame["part"] != "template"].groupby(["network", "part"]):
        templates = frame[(frame["network"] == network) & (frame["part"] == "template")]
        parts = group[["x", "y"]], group["slot"], templates[["x", "y"]]
        seen = geometry(*(values.to_numpy(copy=True) for values in parts))
        rows.append({"network": network, "part": part, "spread": seen.within_spread,
                     "distance": seen.centre_distance, "ratio": seen.ratio})
    return pd.DataFrame(rows)


def show_growth(hard: Any, smoothed: Any) -> bool:
    """Whether both runs recorded the same moments of their training, three or more after the first.
    """
    return len(epochs(hard)) > 3 and epochs(hard) == epochs(smoothed)


def growth_told(hard: Any, smoothed: Any) -> str:
    """How the first three classes part and spread, training examples, at three moments.

    The runs are ones of `show_growth`.
    """
    names = class_names(hard)
    classes = tuple(names)[:3]
    first, *between, last = epochs(hard)[1:]
    moments = [first, between[len(between) // 2], last]
    seen = [spread_frame(Row("", (), at_epoch(hard, epoch), at_epoch(smoothed, epoch),
                             tuple(names[k] for k in classes), classes))
            .set_index(["part", "network"]).loc["training"] for epoch in moments]

    def values(name: str, network: str) -> str:
        return " → ".join(f"{of[name][network]:.2f}" for of in seen)

    when = ", ".join(map(str, moments[:-1]))
    return (f"{setting(hard.recipe)}, after epochs {when} and {last}: the centres lie "
            f"{values('distance', 'hard')} apart with hard targets, "
            f"{values('distance', 'smoothed')} with α = {smoothed.recipe.alpha:g}; spread over "
            f"distance is {values('ratio', 'hard')} and {values('ratio', 'smoothed')}.")


def unevenness(run: Any, classes: Sequence[int]) -> float:
    """Deviation over mean of the sides of the triangle of three templates; 0 if it is regular."""
    a, b, c = run.arrays["templates"][list(classes)].astype(np.float64)
    sides = [np.linalg.norm(side) for side in (a - b, b - c, c - a)]
    return float(np.std(sides) / np.mean(sides))


def figure_1_table(rows: Sequence[Row]) -> pd.DataFrame:
    """What smoothing changes in each row of Figure 1, a column a row: a phone has room for it."""
    columns = {
        f"row {n}": {name: f"{hard:.2f}\N{NO-BREAK SPACE}→ {smoothed:.2f}"
                     for name, (hard, smoothed) in _changes(row).items()}
        for n, row in enumerate(rows, 1)
    }
    return pd.DataFrame(columns).rename_axis("hard → smoothed").reset_index()


def _changes(row: Row) -> dict[str, tuple[float, float]]:
    seen = spread_frame(row).set_index(["part", "network"])

    def both(name: str, part: str) -> tuple[float, float]:
        return tuple(seen[name][part, network] for network in ("hard", "smoothed"))

    return {
        "distance": both("distance", "training"),
        "spread / distance": both("ratio", "training"),
        "spread / distance in validation": both("ratio", "validation"),
        "unevenness": tuple(unevenness(run, row.classes) for run in (row.hard, row.smoothed)),
    }


def figure_1_told(rows: Sequence[Row]) -> str:
    """In how many rows smoothing does to training examples what the paper says.

    A number counts as lower if it is so in the two digits that are printed.
    """
    changes = [_changes(row) for row in rows]

    def lower(name: str) -> int:
        return sum(round(of[name][1], 2) < round(of[name][0], 2) for of in changes)

    return (f"From hard targets to smoothing the class centres move together in "
            f"{lower('distance')} of {len(rows)} rows, the triangle is more regular in "
            f"{lower('unevenness')}, and the classes are tighter for their distance in "
            f"{lower('spread / distance')}; changes that two digits do not show are not counted.")


def arc_told(row: Row) -> str:
    """How far the row's first two classes spread towards its third, over how far around it."""

    def ratios(part: str) -> str:
        return " → ".join(f"{arc(run, part, row.classes):.2f}" for run in (row.hard, row.smoothed))

    return (f"{row.names[0]} and {row.names[1]}, spread towards {row.names[2]} over spread around "
            f"it: {ratios('train')} in training, {ratios('val')} in validation, from hard targets "
            f"to α = {row.smoothed.recipe.alpha:g}.")


def figure_1(rows: Sequence[Row], size: int = 132) -> alt.VConcatChart:
    """Rows of four planes: hard and smoothed, training and validation."""
    chart = alt.vconcat(*(_row_chart(row, size) for row in rows), spacing=22)
    return chart.resolve_scale(color="independent").properties(
        title=alt.Title("Figure 1 of the paper, row by row",
                        subtitle="each network has its own scale, training and "
                        "validation share it"))


def _row_chart(row: Row, size: int) -> alt.HConcatChart:
    frame = row_frame(row)
    panels = []
    for network in ("hard", "smoothed"):
        mine = frame[frame["network"] == network]
        domains = _square(mine)
        templates = alt.Chart(mine[mine["part"] == "template"])
        strength = "hard" if network == "hard" else f"α = {row.smoothed.recipe.alpha:g}"
        for part in PARTS.values():
            layers = _cloud(alt.Chart(mine[mine["part"] == part]), templates, network, **domains)
            panels.append(alt.layer(*layers).properties(
                width=size, height=size,
                title=alt.Title(f"{strength} · {part}", fontSize=12, offset=6,
                                color=_COLOURS[network])))
    return alt.hconcat(*panels, spacing=12).resolve_scale(color="independent").properties(
        title=alt.Title(row.title, fontSize=13, subtitle=list(row.notes), subtitlePadding=4))


def _square(frame: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    low, high = frame[["x", "y"]].min(), frame[["x", "y"]].max()
    middle, half = (low + high) / 2, 0.62 * (high - low).max()
    return {name: {"domain": [round(middle[name] - half, 3), round(middle[name] + half, 3)]}
            for name in ("x", "y")}


# Geometry against alpha, and Table 2


def geometry_chart(frame: pd.DataFrame) -> alt.HConcatChart:
    """Three geometry numbers against α; ``frame`` is that of `lsbook.runs.tables.metrics`."""
    panels = [
        against_alpha(frame, name, title).properties(width=200, height=190)
        for name, title in GEOMETRY.items()
    ]
    return alt.hconcat(*panels, spacing=20).properties(title=alt.Title(
        "Clusters tighten and templates even out as α grows",
        subtitle="training examples; faint: each seed; band: least to greatest seed; "
                 "blue: hard targets"))


def geometry_told(runs: Sequence[Any], alpha: float) -> str:
    """What smoothing changes in the geometry of some runs, and where NC1 is least."""
    means = metrics(runs).groupby("alpha")[list(GEOMETRY)].mean()
    near = _nearest(means.index, alpha)
    words = "; ".join(f"{label} from {means[name].loc[0.0]:.2f} to {means[name].loc[near]:.2f}"
                      for name, label in GEOMETRY.items())
    best = means["nc1"].idxmin()
    return (
        f"{scaled_setting(runs[0].recipe)}, from hard targets to α = {near:g}: {words}, mean over "
        f"seeds. NC1 is least at α = {best:g} ({means['nc1'].min():.2f})"
        + (": beyond it the gap that the targets ask for is so small that the examples which the "
           "network cannot fit outweigh it." if best < means.index.max() else
           ", the largest that was run."))


def accuracy_told(runs: Sequence[Any], alpha: float) -> str:
    """What smoothing changes in the accuracy, seed by seed, in percentage points."""
    near, gain = _gain(runs, alpha)
    mean, low, high = (f"{x:+.1f}".replace("-", "−") for x in (gain.mean(), gain.min(), gain.max()))
    seeds = f"{len(gain)} seeds: {low} to {high}" if len(gain) > 1 else "one seed"
    return f"{scaled_setting(runs[0].recipe)}, α = {near:g}: {mean} ({seeds})"


def accuracy_signs_told(families: Sequence[Sequence[Any]], alpha: float) -> str:
    """In how many experiments of several seeds smoothing changes the accuracy one way."""
    gains = [gain for _, gain in (_gain(runs, alpha) for runs in families) if len(gain) > 1]
    higher, lower = sum((g > 0).all() for g in gains), sum((g < 0).all() for g in gains)
    return (f"Of {len(gains)} experiments with more than one seed, smoothing raises the accuracy "
            f"in every seed of {higher} and lowers it in every seed of {lower}; in "
            f"{len(gains) - higher - lower} the seeds differ in sign.")


def _gain(runs: Sequence[Any], alpha: float) -> tuple[float, pd.Series]:
    """The recorded alpha nearest to ``alpha``, and by seed what it adds to the accuracy in points.
    """
    right = metrics(runs).pivot_table(index="seed", columns="alpha", values="val_accuracy")
    near = _nearest(right.columns, alpha)
    return near, 100 * (right[near] - right[0.0]).dropna()


def _nearest(alphas: Iterable[float], alpha: float) -> float:
    return min((a for a in alphas if a > 0), key=lambda a: abs(a - alpha))


def accuracy_table(alpha: float = 0.1) -> pd.DataFrame:
    """Table 2: top-1 accuracy in per cent, the paper's beside ours, on validation data.

    Ours is the mean over seeds with the least and the greatest, of the best runs there are;
    ``alpha`` beside the paper's 0 and 0.1 adds a column.
    """
    alphas = sorted({0.0, 0.1, alpha})
    rows = []
    for dataset, model, recipes in _TABLE_2:
        runs = best(*recipes)
        row = {"network": _beside(f"{MODELS[model]} on {DATASETS[dataset]}", runs)}
        for a in alphas:
            if a in (0.0, 0.1):
                row[f"α = {a:g}: paper"] = _published(dataset, model, a)
            row[f"α = {a:g}: ours"] = _measured(runs, a)
        rows.append(row)
    return pd.DataFrame(rows)


def _beside(papers: str, runs: Sequence[Any]) -> str:
    """The paper's network and data set, and what of it, or what instead, was run here."""
    if not runs:
        return papers
    recipe, seeds = runs[0].recipe, len({run.recipe.seed for run in runs})
    ours = in_words(recipe) if setting(recipe) == papers else scaled_setting(recipe)
    return f"{papers}; ours: {ours}, {seeds} seed{'s' * (seeds > 1)}"


def _published(dataset: str, model: str, alpha: float) -> str:
    found = [n for n in paper.numbers(place="Table 2")
             if (n.dataset, n.model, n.alpha) == (dataset, model, alpha)]
    return value_of(found[0]) if found else "—"


def _measured(runs: Iterable[Any], alpha: float) -> str:
    values = {run.recipe.seed: run.metrics["val_accuracy"]
              for run in runs if run.recipe.alpha == alpha}
    return spread_text(Spread.of("", values), "accuracy") if values else "not yet run"
