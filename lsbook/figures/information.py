"""Figures of the mutual-information chapter: Figure 6, the draws behind it, and its bias."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from lsbook.estimators.information import from_draws, mutual_information, simulate_bias
from lsbook.figures import theme
from lsbook.figures.classes import offered
from lsbook.figures.scale import in_words, setting
from lsbook.recipes import Recipe, named
from lsbook.runs import tables
from lsbook.runs.best import recorded

FORMS = ("fresh", "reused")
LOG2 = math.log(2)
DRAW_COUNTS = (2, 3, 5, 10, 20, 50)
EXAMPLE_COUNTS = (50, 200, 600)
CASES = {1: "no information", 2: "two collapsed classes"}
UNITS = ("σ", "logits")
DRAWS = ("mi_mean", "mi_scored")
_TICKS = (0, 1, 2, 4, 8, 15, 22, 30)
_CIFAR = ("paper/teacher-cifar10", "fraction/teacher-cifar10")
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
        stand_in = "in place of ResNet-56; " if self.recipe.model == "resnet20" else ""
        return stand_in + in_words(self.recipe)

    @property
    def classes(self) -> tuple[str, str]:
        """Names of the two classes whose logits are compared."""
        K = dict(self.recipe.size)["classes"]
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
    last = endings(history(network.runs)).groupby("alpha")["last"].mean()
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


def curves(frame: pd.DataFrame, alpha: float, name: str) -> alt.LayerChart:
    """Figure 6: estimates against training step, hard targets and one α, by either form.

    Parameters
    ----------
    frame : DataFrame
        From :func:`history`; needs runs at α = 0.
    alpha : float
        The smoothing the picker starts at; the nearest there is if it was not run.
    name : str
        The network, for the title.
    """
    alphas = sorted(set(frame["alpha"]) - {0.0})
    top = frame[list(FORMS)].to_numpy().max()
    last = int(frame["mi_step"].max())
    form = _form()
    x = alt.X("mi_step:Q", title="training step",
              scale=alt.Scale(domain=[0, 1.17 * last], nice=False),
              axis=alt.Axis(values=[int(last * part) for part in (0, 0.25, 0.5, 0.75, 1)]))
    y = alt.Y("mi:Q", title="estimated mutual information (nats)",
              scale=alt.Scale(domain=[min(0, frame[list(FORMS)].to_numpy().min()), 1.05 * top],
                              nice=False))
    picked = _curves_of(frame).transform_filter("datum.alpha == 0 || datum.alpha == alpha")
    seeds = picked.mark_line(strokeWidth=1, opacity=0.35).encode(
        x, y, _target(), detail="seed:N")
    mean = picked.mark_line(strokeWidth=2.5).encode(
        x, alt.Y("mean(mi):Q"), _target(), strokeDash=_dash())
    ends = (
        picked.transform_filter(f"datum.mi_step == {last}")
        .transform_aggregate(mi="mean(mi)", groupby=["target", "alpha", "mi_step"])
        .transform_calculate(
            name="datum.alpha == 0 ? 'hard' : 'α = ' + datum.alpha")
        .transform_calculate(label="datum.name + ': ' + format(datum.mi, '.2f')")
        .mark_text(align="left", dx=6).encode(x, y, _target(), text="label:N")
    )
    params = [form] + ([_alpha_picker(alphas, alpha)] if alphas else [alt.param("alpha", value=0)])
    return (
        alt.layer(*_floor(last), seeds, mean, ends)
        .add_params(*params)
        .properties(title=alt.Title(
            f"{name}: smoothing forgets which example it was",
            subtitle="thin: single seeds, thick: their mean; the bound log N = "
            f"{math.log(600):.2f} lies far above"))
    )


def _form() -> alt.Parameter:
    return alt.param(name="form", value="fresh",
                     bind=alt.binding_radio(options=list(FORMS), name="scored draw "))


def _alpha_picker(alphas: Sequence[float], alpha: float) -> alt.Parameter:
    start = min(alphas, key=lambda a: abs(a - alpha))
    return alt.param(name="alpha", value=start,
                     bind=alt.binding_select(options=list(alphas), name="α "))


def _target() -> alt.Color:
    return alt.Color("target:N", legend=None, scale=alt.Scale(
        domain=["hard", "smoothed"], range=[theme.HARD, theme.SMOOTH]))


def _dash() -> alt.StrokeDash:
    return alt.StrokeDash("target:N", legend=None, scale=alt.Scale(
        domain=["hard", "smoothed"], range=[[1, 0], [7, 3]]))


def _curves_of(frame: pd.DataFrame) -> alt.Chart:
    """One row a run on the page, unfolded in the browser: a third of the size of one row a tick."""
    packed = (
        frame.sort_values("mi_step").groupby(["alpha", "seed"])[["mi_step", *FORMS]]
        .agg(lambda values: [round(float(v), 3) for v in values]).reset_index()
    )
    return (
        alt.Chart(packed).transform_flatten(["mi_step", *FORMS])
        .transform_calculate(mi="form == 'fresh' ? datum.fresh : datum.reused",
                             target="datum.alpha == 0 ? 'hard' : 'smoothed'")
    )


def _floor(last: float) -> list[alt.Chart]:
    """A dashed line at log 2 with its label."""
    base = alt.Chart(pd.DataFrame({"mi": [LOG2], "mi_step": [last]}))
    rule = base.mark_rule(strokeDash=list(theme.DASH), color=theme.REFERENCE).encode(y="mi:Q")
    label = base.mark_text(align="right", dy=10, color=theme.REFERENCE).encode(
        x="mi_step:Q", y="mi:Q", text=alt.value("log 2: each class a single point"))
    return [rule, label]


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
        title=alt.Title(_least_title(last.groupby("alpha")["fresh"].mean()),
                        subtitle="each point a seed; line: their mean"))


def _least_title(last: pd.Series) -> str:
    """What the last estimates by α show."""
    return ("More smoothing is not always less information" if last.idxmin() < last.index.max()
            else "The more smoothing, the less information is left")


def differences(runs: Iterable[Any], ticks: Sequence[int] = _TICKS) -> pd.DataFrame:
    """The logit differences behind the estimates, one row a run and tick.

    Parameters
    ----------
    runs : iterable of Run
        Runs without the arrays ``mi_mean`` and ``mi_scored`` are left out.
    ticks : sequence of int
        Which of the recorded ticks; those beyond a shorter run are left out.

    Returns
    -------
    DataFrame
        Columns ``alpha``, ``seed``, ``step``, ``until`` (the tick stands for steps below it),
        ``mi`` (nats, fresh), ``sigma`` and the lists ``mean`` and ``scored`` of the N examples,
        two decimals, the first half of one class, the second of the other.
    """
    rows = []
    for run in runs:
        if "mi_mean" not in run.arrays:
            continue
        steps = run.history["mi_step"]
        shown = [tick for tick in ticks if tick < len(steps)]
        for tick, following in zip(shown, [*shown[1:], None]):
            mean, scored = (run.arrays[name][tick] for name in ("mi_mean", "mi_scored"))
            rows.append({
                "alpha": run.recipe.alpha, "seed": run.recipe.seed, "step": steps[tick],
                "until": steps[-1] + 1 if following is None else steps[following],
                "mi": run.history["mi_fresh"][tick],
                "sigma": float(np.sqrt(np.mean((scored - mean) ** 2))),
                "mean": np.round(mean, 2).tolist(), "scored": np.round(scored, 2).tolist(),
            })
    return pd.DataFrame(rows)


def explorer(
    rows: pd.DataFrame, frame: pd.DataFrame, alpha: float, classes: Sequence[str]
) -> alt.HConcatChart:
    """One estimate and the logit differences it summarises, by α and training step.

    Parameters
    ----------
    rows : DataFrame
        From :func:`differences`.
    frame : DataFrame
        From :func:`history`; the curve of the same seed is drawn beside the points.
    alpha : float
        Where the picker starts.
    classes : pair of str
        Names of the two classes, in the order of the examples.
    """
    alphas = sorted(rows["alpha"].unique())
    steps = sorted(frame["mi_step"].unique())
    last, spacing = int(steps[-1]), int(np.diff(steps).min())
    step = alt.param(name="step", value=last, bind=alt.binding_range(
        min=0, max=last, step=spacing, name="training step "))
    unit = alt.param(
        name="unit", value="σ", bind=alt.binding_radio(options=list(UNITS), name="unit "))
    now = "datum.alpha == alpha && datum.step <= step && step < datum.until"
    side = dict(width=250, height=250)
    return (
        alt.hconcat(_one_curve(rows, frame, now).properties(**side),
                    _draws(rows, now, classes).properties(**side), spacing=30)
        .add_params(_alpha_picker(alphas, alpha), step, unit)
        .resolve_scale(color="independent", shape="independent")
        .properties(title=alt.Title(
            "The estimate compares a cluster's length with its noise",
            subtitle="left: the estimate of this one run; right: the logit differences behind it"))
    )


def _one_curve(rows: pd.DataFrame, frame: pd.DataFrame, now: str) -> alt.LayerChart:
    shown = rows[["alpha", "seed"]].drop_duplicates()
    curve = frame.merge(shown, on=["alpha", "seed"])[["alpha", "mi_step", "fresh"]].round(3)
    x = alt.X("mi_step:Q", title="training step", axis=alt.Axis(tickCount=4))
    y = alt.Y("fresh:Q", title="MI, fresh draw (nats)")
    line = (
        alt.Chart(curve).transform_filter("datum.alpha == alpha")
        .transform_calculate(target="datum.alpha == 0 ? 'hard' : 'smoothed'")
        .mark_line().encode(x, y, _target())
    )
    here = alt.Chart(rows[["alpha", "step", "until", "mi"]]).transform_filter(now)
    dot = here.mark_point(size=120, color=theme.INK).encode(x="step:Q", y="mi:Q")
    text = (
        here.transform_calculate(
            label="'step ' + datum.step + ': ' + format(datum.mi, '.2f') + ' nats'",
            end=str(frame["mi_step"].max()))
        .mark_text(align="right", baseline="top", fontSize=13, fontWeight=600)
        .encode(x="end:Q", y=alt.value(4), text="label:N")
    )
    return line + dot + text


def _draws(rows: pd.DataFrame, now: str, classes: Sequence[str]) -> alt.LayerChart:
    half = len(rows["mean"].iloc[0]) // 2
    reach = rows["mean"].map(lambda values: max(map(abs, values)))
    limit = f"unit == 'σ' ? {(reach / rows['sigma']).max():.0f} + 1 : {reach.max():.0f} + 1"
    domain = alt.Scale(domainMin=alt.expr(f"-({limit})"), domainMax=alt.expr(limit), nice=False)
    first, second = (f"class {name}" for name in classes)
    points = (
        alt.Chart(rows.drop(columns=["mi", "seed"]))
        .transform_filter(now).transform_flatten(["mean", "scored"])
        .transform_window(place="row_number()")
        .transform_calculate(
            μ="datum.mean / (unit == 'σ' ? datum.sigma : 1)",
            y="datum.scored / (unit == 'σ' ? datum.sigma : 1)",
            **{"class": f"datum.place <= {half} ? '{first}' : '{second}'"})
        .mark_point(filled=False, size=22, opacity=0.7, clip=True).encode(
            x=alt.X("μ:Q", scale=domain, title="mean μ of an example's draws"),
            y=alt.Y("y:Q", scale=domain, title="its scored draw y"),
            shape=alt.Shape("class:N", title=None, scale=alt.Scale(
                domain=[first, second], range=["circle", "triangle-up"])),
            color=alt.Color("class:N", title=None, scale=alt.Scale(
                domain=[first, second], range=[theme.DISTIL, theme.REFERENCE])))
    )
    ends = pd.DataFrame({"μ": [-100, 100], "y": [-100, 100]})
    diagonal = alt.Chart(ends).mark_line(
        strokeDash=list(theme.DASH), strokeWidth=1, color=theme.REFERENCE, clip=True
    ).encode(x="μ:Q", y="y:Q")
    return diagonal + points


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


def bias_frame(
    counts: Sequence[int] = DRAW_COUNTS, examples: Sequence[int] = EXAMPLE_COUNTS,
    clusters: Sequence[int] = tuple(CASES), sets: int = 8, seed: int = 0,
) -> pd.DataFrame:
    """Simulated means of both forms, in nats.

    Columns ``N``, ``L``, ``clusters``, ``case``, ``truth``, ``form``, ``estimate``, ``sd``.
    """
    rows = []
    for N in examples:
        for k in clusters:
            for L in counts:
                bias = simulate_bias(N=N, L=L, clusters=k, draws=sets, seed=seed)
                rows += [
                    {"N": N, "L": L, "clusters": k, "case": CASES.get(k, f"{k} points"),
                     "truth": bias.truth, "form": form, "estimate": getattr(bias, form),
                     "sd": getattr(bias, f"{form}_std")}
                    for form in FORMS
                ]
    return pd.DataFrame(rows)


def bias_chart(frame: pd.DataFrame) -> alt.LayerChart:
    """Both forms against L where the truth is known, N and the case to choose."""
    Ns, cases = sorted(frame["N"].unique().tolist()), list(dict.fromkeys(frame["case"]))
    N = alt.param(name="N", value=600 if 600 in Ns else Ns[-1],
                  bind=alt.binding_select(options=Ns, name="examples N "))
    truth = alt.param(name="known", value=cases[min(1, len(cases) - 1)],
                     bind=alt.binding_radio(options=cases, name="truth "))
    Ls = sorted(frame["L"].unique().tolist())
    base = (
        alt.Chart(frame.round(4)).add_params(N, truth)
        .transform_filter("datum.N == N && datum.case == known")
        .transform_calculate(low="datum.estimate - datum.sd", high="datum.estimate + datum.sd")
    )
    x = alt.X("L:Q", title="draws L behind each mean", scale=alt.Scale(
        type="log", domain=[Ls[0], 1.9 * Ls[-1]], nice=False), axis=alt.Axis(values=Ls))
    style = dict(scale=alt.Scale(domain=list(FORMS), range=[theme.INK, theme.DISTIL]), legend=None)
    colour = alt.Color("form:N", **style)
    y = alt.Y("estimate:Q", title="mean estimate (nats)", scale=alt.Scale(zero=False))
    lines = base.mark_line().encode(x, y, colour)
    points = base.mark_point().encode(
        x, y, colour, shape=alt.Shape("form:N", legend=None),
        tooltip=["form:N", "N:Q", "L:Q", alt.Tooltip("estimate:Q", format=".3f"),
                 alt.Tooltip("sd:Q", title="s.d. of one set", format=".3f"),
                 alt.Tooltip("truth:Q", format=".3f")])
    bars = base.mark_rule().encode(x, alt.Y("low:Q"), colour, y2="high:Q")
    names = base.transform_filter(f"datum.L == {Ls[-1]}").mark_text(
        align="left", dx=8, dy=alt.expr("datum.form == 'fresh' ? 8 : -8")).encode(
        x, y, colour, text="form:N")
    start = base.transform_filter(f"datum.L == {Ls[0]} && datum.form == 'fresh'")
    rule = start.mark_rule(strokeDash=list(theme.DASH), color=theme.REFERENCE).encode(y="truth:Q")
    label = start.transform_calculate(label="'truth ' + format(datum.truth, '.2f')").mark_text(
        align="left", dx=6, dy=-8, color=theme.REFERENCE).encode(
        x=x, y="truth:Q", text="label:N")
    return alt.layer(rule, label, bars, lines, points, names).properties(
        height=280,
        title=alt.Title(
            "More draws cure the bias; more examples do not",
            subtitle="simulated Gaussian draws; bars: one standard deviation of one set"))


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
