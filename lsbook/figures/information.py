"""Figures of the mutual-information chapter: Figure 6, the draws behind it, and its bias."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from lsbook.estimators.information import from_draws, mutual_information
from lsbook.figures import theme
from lsbook.figures.classes import offered
from lsbook.figures.scale import in_words, setting
from lsbook.recipes import Recipe, named
from lsbook.runs import tables
from lsbook.runs.best import recorded

FORMS = ("fresh", "reused")
LOG2 = math.log(2)
DRAWS = ("mi_mean", "mi_scored")
_CIFAR = ("paper/teacher-cifar10", "compact/teacher-cifar10")
_LAB = ("lab/mlp-mnist1d", "lab/teacher-mnist1d")


@dataclass(frozen=True)
class Network:
    """One network's runs at several α and seeds, with the estimates along their training."""

    recipe: Recipe
    runs: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Network and data set, as a picker names them."""
        return setting(self.recipe)

    @property
    def scale(self) -> str:
        """What was cut from the paper's experiment, or that it is the lab's."""
        if self.recipe.preset == "lab":
            return "the lab"
        stand_in = "" if self.recipe.model == "resnet56" else "in place of ResNet-56; "
        return stand_in + in_words(self.recipe)

    @property
    def classes(self) -> tuple[str, str]:
        """Names of the two classes whose logits are compared."""
        K = dict(self.recipe.size).get("classes", 10)
        names = offered(self.recipe.dataset, K)
        first, second = (names[k] for k in self.recipe.mi_classes)
        return tuple(f"class {n}" if n.isdigit() else n for n in (first, second))

    @property
    def steps(self) -> list[int]:
        """Training steps at which the information was estimated."""
        return list(self.runs[0].history["mi_step"])

    @cached_property
    def drawn(self) -> list[Any]:
        """One run an α, of the least seed, that recorded the draws themselves."""
        found = {}
        for run in self.runs:
            if run.recipe.alpha not in found and DRAWS[0] in run.arrays:
                found[run.recipe.alpha] = run
        return [found[alpha] for alpha in sorted(found)]


def networks(own: Recipe) -> list[Network]:
    """Networks to choose from: real data before the lab, ``own`` always among them.

    Of the paper's scale and a fraction of it the first that has hard and smoothed runs.
    """
    real = next((found for found in (_of(named(name)) for name in _CIFAR) if found), None)
    lab = [_of(named(name)) for name in _LAB]
    mine = _of(own)
    plain = mine and mine.recipe.with_(alpha=0.0, seed=0).hash
    others = [found for found in (real, *lab)
              if found and found.recipe.with_(alpha=0.0, seed=0).hash != plain
              and (mine is None or found.recipe.dataset != "cifar10"
                   or mine.recipe.dataset != "cifar10")]
    every = [*([mine] if mine else []), *others]
    return sorted(every, key=lambda network: network.recipe.preset == "lab")


def _of(recipe: Recipe) -> Network | None:
    runs = [run for run in recorded(recipe) if run.history.get("mi_step")]
    alphas = {run.recipe.alpha for run in runs}
    complete = 0.0 in alphas and len(alphas) > 1
    return Network(recipe, tuple(runs)) if complete else None


def told(network: Network, alpha: float) -> str:
    """Start, peak and end of hard and smoothed curves (fresh draw, means over common seeds)."""
    pair = _pair(network, alpha)
    words = "; ".join(
        f"{'hard targets' if a == 0 else f'α = {a:g}'}: {row.first:.2f} at the start, "
        f"{row.peak:.2f} at most, {row.last:.2f} in the end" for a, row in pair.iterrows())
    return f"{network.name} ({network.scale}), in nats: {words}."


def _pair(network: Network, alpha: float) -> pd.DataFrame:
    """Mean :func:`endings` of hard targets and of the α nearest to ``alpha``, over common seeds."""
    ends = endings(history(network.runs))
    near = min(set(ends["alpha"]) - {0.0}, key=lambda a: abs(a - alpha))
    ends = ends[ends["alpha"].isin([0.0, near])]
    common = ends.groupby("seed")["alpha"].nunique() == 2
    if common.any():
        ends = ends[ends["seed"].isin(common.index[common])]
    return ends.groupby("alpha")[["first", "peak", "last"]].mean()


def least_told(network: Network) -> str:
    """At which α the least information is left, and whether more smoothing leaves more again."""
    last = tables.means(endings(history(network.runs)), ["last"])["last"]
    lowest, most = last.idxmin(), last.index.max()
    turns = last[most] > last[lowest] + 0.02
    return (f"{network.name}: the least is at α = {lowest:g} with {last[lowest]:.2f} nats. " + (
        f"At α = {most:g} it is {last[most]:.2f} again. A likely reason: so much smoothing leaves "
        "some training examples unfitted, and these stand apart from their class."
        if turns else "It does not rise again at larger α."))


def history(runs: Iterable[Any]) -> pd.DataFrame:
    """Estimates along training, in nats.

    Columns ``mi_step``, ``fresh``, ``reused``, ``alpha``, ``seed`` and the run's other labels.
    """
    frame = tables.history(runs, "mi_step", ["mi_fresh", "mi_reused"])
    return frame.rename(columns={"mi_fresh": "fresh", "mi_reused": "reused"})


def endings(frame: pd.DataFrame, form: str = "fresh") -> pd.DataFrame:
    """First, greatest and last estimate of each run, in nats.

    Columns ``alpha``, ``seed``, ``first``, ``peak``, ``last``.
    """
    ordered = frame.sort_values("mi_step").groupby(["alpha", "seed"])[form]
    return ordered.agg(first="first", peak="max", last="last").reset_index()


def _form() -> alt.Parameter:
    return alt.param(name="form", value="fresh",
                     bind=alt.binding_radio(options=list(FORMS), name="scored draw "))


def last_against_alpha(frame: pd.DataFrame) -> alt.LayerChart:
    """The last estimate against α: every seed a point, their means a line, by either form."""
    last = frame[frame["mi_step"] == frame["mi_step"].max()]
    rows = last[["alpha", "seed", *FORMS]].melt(
        ["alpha", "seed"], value_vars=list(FORMS), var_name="drawn", value_name="mi")
    base = alt.Chart(rows).add_params(_form()).transform_filter("datum.drawn == form").encode(
        x=alt.X("alpha:Q", title="smoothing α", axis=alt.Axis(tickCount=7)),
        y=alt.Y("mi:Q", title="mutual information at the end (nats)",
                scale=alt.Scale(domain=[0, 1.1 * rows["mi"].max()], nice=False)))
    seeds = base.mark_point(opacity=0.6, size=35).encode(
        color=alt.Color("alpha:N", scale=theme.alpha_scale(rows["alpha"]), legend=None),
        tooltip=[alt.Tooltip("alpha:Q", title="α"), "seed:N",
                 alt.Tooltip("mi:Q", title="MI (nats)", format=".3f")])
    mean = base.mark_line(color=theme.INK, strokeWidth=1.5).encode(y="mean(mi):Q")
    rule = alt.Chart(pd.DataFrame({"mi": [LOG2], "alpha": [rows["alpha"].max()]}))
    floor = (rule.mark_rule(strokeDash=list(theme.DASH), color=theme.REFERENCE).encode(y="mi:Q")
             + rule.mark_text(align="right", dy=10, color=theme.REFERENCE).encode(
                 x="alpha:Q", y="mi:Q", text=alt.value("log 2")))
    return (mean + seeds + floor).properties(
        height=260,
        title=alt.Title(_least_title(tables.means(last, ["fresh"])["fresh"]),
                        subtitle="each point a seed; line: their mean"))


def _least_title(last: pd.Series) -> str:
    """What the last estimates by α show."""
    return ("More smoothing is not always less information" if last.idxmin() < last.index.max()
            else "The more smoothing, the less information is left")


def mistakes(mu: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """The estimate and four easy ways to get it wrong, on the same draws.

    Parameters
    ----------
    mu, y : array (N,)
        Mean and scored draw of each example; the first half is one class.

    Returns
    -------
    DataFrame
        Columns ``computed as`` and ``nats``.
    """
    mu, y = np.asarray(mu, dtype=float), np.asarray(y, dtype=float)
    N = len(mu)
    squared = (y - mu) ** 2
    sigma2 = squared.mean()
    halves = (slice(None, N // 2), slice(N // 2, None))

    def with_width(width: float) -> np.ndarray:
        kernel = np.exp(-((y[:, None] - mu) ** 2) / width)
        return -squared / width - np.log(kernel.mean(1))

    terms = with_width(2 * sigma2)
    return pd.DataFrame([
        ("mean inside the logarithm, mean outside (the paper's v3)", mutual_information(mu, y)),
        ("sum inside the logarithm", float(np.mean(terms - math.log(N)))),
        ("sum outside the logarithm", float(np.sum(terms))),
        ("σ² where 2σ² belongs", float(np.mean(with_width(sigma2)))),
        ("each class alone, then averaged",
         float(np.mean([mutual_information(mu[half], y[half]) for half in halves]))),
    ], columns=["computed as", "nats"])


def mistakes_table(frame: pd.DataFrame):
    """:func:`mistakes` as a table for display, three decimals."""
    return frame.style.format({"nats": "{:,.3f}"}).hide(axis="index")


def draw_count_frame(draws: np.ndarray) -> pd.DataFrame:
    """Both forms on the first L + 1 columns of real ``draws`` (N, M), for L from 2 to M - 1.

    Columns ``L``, ``form``, ``estimate`` (nats).
    """
    return pd.DataFrame([
        {"L": L, "form": form, "estimate": from_draws(draws[:, : L + (form == "fresh")], form)}
        for L in range(2, draws.shape[1]) for form in FORMS
    ])


def draw_count_chart(frame: pd.DataFrame, title: str) -> alt.LayerChart:
    """Both forms against L on real draws."""
    domain = dict(scale=alt.Scale(domain=list(FORMS), range=[theme.INK, theme.DISTIL]))
    line = alt.Chart(frame).mark_line(point=True).encode(
        x=alt.X("L:Q", title="draws L behind each mean", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("estimate:Q", title="estimate (nats)", scale=alt.Scale(zero=False)),
        color=alt.Color("form:N", title=None, **domain), shape=alt.Shape("form:N", title=None))
    floor = alt.Chart(pd.DataFrame({"mi": [LOG2]})).mark_rule(
        strokeDash=list(theme.DASH), color=theme.REFERENCE).encode(y="mi:Q")
    return (floor + line).properties(height=260, title=title)
