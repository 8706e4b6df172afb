"""Figures of section 2: penultimate activations on the plane through three templates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from lsbook import paper
from lsbook.estimators.templates import geometry, project_logits
from lsbook.figures.classes import offered
from lsbook.figures.ledger import spread_text, value_of
from lsbook.figures.scale import DATASETS, MODELS, in_words, scaled_setting, setting
from lsbook.ledger import Spread
from lsbook.ledger.checks import arc
from lsbook.runs import tables
from lsbook.runs.best import best
from lsbook.runs.classes import examples
from lsbook.runs.snapshots import at_epoch, epochs
from lsbook.runs.tables import metrics

PER_CLASS = 100
LEVELS = 500
PARTS = {"train": "training", "val": "validation"}
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
        Source("compact/teacher-cifar10", (0, 1, 2)),
    )),
    Place("ResNet-56 on CIFAR-100", ("beaver", "dolphin", "otter"), (
        Source("paper/resnet56-cifar100", (4, 30, 55)),
        Source("compact/resnet20-cifar100", (4, 30, 55)),
    )),
    Place("Inception-v4 on ImageNet", ("tench", "meerkat", "cleaver"), (
        Source("paper/inception-tinyimagenet", (0, 19, 25)),
        Source("compact/resnet20-tinyimagenet", (0, 19, 25)),
        Source("compact/teacher-cifar10", (6, 7, 8)),
    )),
    Place("Inception-v4 on ImageNet", ("toy poodle", "miniature poodle", "tench"), (
        Source("paper/inception-tinyimagenet", (7, 8, 0)),
        Source("compact/teacher-cifar10", (3, 5, 8)),
        Source("compact/resnet20-tinyimagenet", (7, 8, 0)),
    )),
)
_TABLE_2 = (
    ("cifar10", "alexnet", ("paper/alexnet-cifar10", "compact/alexnet-cifar10")),
    ("cifar10", "resnet9", ("compact/teacher-cifar10",)),
    ("cifar100", "resnet56", ("paper/resnet56-cifar100", "compact/resnet20-cifar100")),
    ("imagenet", "inception-v4",
     ("paper/inception-tinyimagenet", "compact/resnet20-tinyimagenet")),
    ("mnist1d", "mlp", ("lab/mlp-mnist1d",)),
    ("digits", "mlp", ("lab/mlp-digits",)),
)


# The explorer: shipped logits, projected in the browser


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


# The look of a plane, shared by the explorer and Figure 1


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


# Geometry against alpha, and Table 2


def geometry_told(runs: Sequence[Any], alpha: float) -> str:
    """What smoothing changes in the geometry of some runs, and where NC1 is least."""
    means = tables.means(metrics(runs), list(GEOMETRY))
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
