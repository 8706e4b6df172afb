"""Figures of the distillation chapter: Figure 5, the T × α grid, and what teachers tell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import torch

from lsbook import paper
from lsbook.estimators.smoothness import gamma
from lsbook.figures import theme
from lsbook.figures.scale import DATASETS, MODELS, in_words
from lsbook.figures.signed import signed
from lsbook.figures.table import table
from lsbook.recipes import CATALOGUE, Recipe, named
from lsbook.runs.best import PREFERENCE
from lsbook.runs.queue import mnist

TEACHER = "teacher"
ALONE = "student alone, smoothed with α = γ"
HARD = "student of the hard teacher, T rising"
SMOOTHED = "student of a smoothed teacher, T = 1"
OTHER = "student of a smoothed teacher, T > 1"
STUDENTS = (ALONE, HARD, SMOOTHED, OTHER)
SHAPES = ("circle", "square", "triangle-up", "cross")
TEMPERATURES = (1, 2, 3, 4, 8, 12, 16)
SAME = 0.5
"""Mean accuracies closer than this many points count as no different."""
_POINT = ["curve", "alpha", "T"]


@dataclass(frozen=True)
class Family:
    """A teacher's recipe, its student's, and every finished run of the two: a Figure 5."""

    teacher: Recipe
    student: Recipe
    runs: tuple[Any, ...]

    @property
    def name(self) -> str:
        """The data set, as a picker names it."""
        return DATASETS[self.teacher.dataset]

    @property
    def networks(self) -> str:
        """Who teaches whom."""
        return " to ".join(MODELS[recipe.model] for recipe in (self.teacher, self.student))

    @property
    def scale(self) -> str:
        """What was cut from the paper's experiment, or that it is the lab's."""
        if self.teacher.preset == "lab":
            return "the lab"
        parts = []
        if self.teacher.model != "resnet56":
            parts.append(f"{MODELS[self.teacher.model]} in place of ResNet-56")
        parts += [f"{who}: {in_words(recipe)}" for who, recipe in (
            ("teachers", self.teacher), ("students", self.student))]
        return "; ".join(parts)

    @property
    def seeds(self) -> str:
        """How many seeds a point of Figure 5 has, such as "one seed" or "1 to 2 seeds"."""
        counts = summary(self.frame)["seeds"]
        least, most = counts.min(), counts.max()
        if most == 1:
            return "one seed"
        return f"{most} seeds" if least == most else f"{least} to {most} seeds"

    @cached_property
    def frame(self) -> pd.DataFrame:
        """:func:`accuracies` of the runs."""
        return accuracies(self.runs, self.teacher)

    @cached_property
    def teachers(self) -> list[Any]:
        """One teacher an α, of the least seed, that recorded what it says of training examples."""
        plain, found = _plain(self.teacher), {}
        for run in self.runs:
            recipe = run.recipe
            teaches = recipe.distil is None and _plain(recipe) == plain
            if teaches and recipe.alpha not in found and "train_logits" in run.arrays:
                found[recipe.alpha] = run
        return [found[alpha] for alpha in sorted(found)]


def families(own: tuple[Recipe, Recipe], runs: Iterable[Any]) -> list[Family]:
    """Families to choose from: those with students first, real data before the lab.

    Parameters
    ----------
    own : pair of Recipe
        Teacher and student of the reader's preset, at any α and seed; always among the families.
    runs : iterable of Run
        What ``lsbook.runs.available()`` gives.

    Returns
    -------
    list of Family
        One a data set: where the paper's scale and a fraction of it both have runs, the one with
        more curves.
    """
    runs = list(runs)
    pairs = [own] + [
        (named(f"{preset}/teacher-{data}"), named(f"{preset}/student-{data}"))
        for preset in PREFERENCE for data in ("cifar10", "mnist1d")
        if f"{preset}/teacher-{data}" in CATALOGUE
    ]
    best: dict[str, Family] = {}
    for teacher, student in pairs:
        found = Family(teacher, student, tuple(family(teacher, student, runs)))
        rival = best.get(teacher.dataset)
        if found.runs and (rival is None or rival.teacher is not own[0] and _curves(found)
                           > _curves(rival)):
            best[teacher.dataset] = found
    return sorted(best.values(), key=lambda family: (
        HARD not in set(family.frame["curve"]), family.teacher.preset == "lab"))


def _curves(family: Family) -> int:
    return family.frame["curve"].nunique()


def family(teacher: Recipe, student: Recipe, runs: Iterable[Any]) -> list[Any]:
    """Finished runs of a teacher, of its student alone, and of students distilled from it.

    Parameters
    ----------
    teacher, student : Recipe
        At any α and seed, the student without a teacher.
    runs : iterable of Run
        What ``lsbook.runs.available()`` gives.

    Returns
    -------
    list of Run
        Those with the paper's CIFAR objective alone: β = 1, probabilities, hard labels aside.
    """
    plain = {_plain(teacher), _plain(student)}

    def belongs(recipe: Recipe) -> bool:
        if recipe.distil is None:
            return _plain(recipe) in plain
        distil = recipe.distil
        return (_plain(recipe.with_(distil=None)) == _plain(student)
                and _plain(distil.teacher) == _plain(teacher)
                and distil.beta == 1 and distil.objective == "probabilities")

    found = [run for run in runs if belongs(run.recipe)]
    return sorted(found, key=lambda run: (run.recipe.seed, run.recipe.alpha, run.recipe.hash))


def _plain(recipe: Recipe) -> str:
    return recipe.with_(alpha=0.0, seed=0).hash


def accuracies(runs: Iterable[Any], teacher: Recipe) -> pd.DataFrame:
    """One row a run of a :func:`family`.

    Columns ``curve`` (one of the module's five names), ``alpha`` (the teacher's, or the network's
    own), ``T`` (0 without a teacher), ``seed``, ``gamma``, ``accuracy`` (per cent), ``run``.
    """
    rows = []
    for run in runs:
        recipe, distil = run.recipe, run.recipe.distil
        rows.append({
            "curve": _curve(recipe, teacher),
            "alpha": distil.teacher.alpha if distil else recipe.alpha,
            "T": float(distil.T) if distil else 0.0, "seed": recipe.seed,
            "gamma": run.metrics["gamma"],
            "accuracy": round(100 * run.metrics["val_accuracy"], 5), "run": recipe.hash,
        })
    return pd.DataFrame(rows)


def _curve(recipe: Recipe, teacher: Recipe) -> str:
    if recipe.distil is None:
        return TEACHER if _plain(recipe) == _plain(teacher) else ALONE
    if recipe.distil.teacher.alpha == 0:
        return HARD
    return SMOOTHED if recipe.distil.T == 1 else OTHER


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean, least and greatest accuracy over seeds of each point, and its mean γ.

    Columns ``curve``, ``alpha``, ``T``, ``gamma``, ``mean``, ``low``, ``high``, ``seeds``.
    """
    return frame.groupby(_POINT, as_index=False).agg(
        gamma=("gamma", "mean"), mean=("accuracy", "mean"), low=("accuracy", "min"),
        high=("accuracy", "max"), seeds=("seed", "nunique"))


def balanced(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of an :func:`accuracies` frame in which every point has every seed.

    Of the sets of seeds (those of most points first) the one that keeps most rows of the paper's
    four curves: a lone network leaves the set, and a second seed of a few points waits for others.
    """
    counted = frame[frame["curve"] != OTHER]
    order = counted["seed"].value_counts(sort=False).sort_index().sort_values(
        ascending=False, kind="stable").index
    kept = frame.iloc[:0]
    for most in range(1, len(order) + 1):
        rows = frame[frame["seed"].isin(order[:most])]
        full = rows.groupby(_POINT)["seed"].transform("nunique") == most
        if (rows["curve"][full] != OTHER).sum() > (kept["curve"] != OTHER).sum():
            kept = rows[full]
    return kept


def beside_smoothing(frame: pd.DataFrame, curve: str) -> pd.DataFrame:
    """Students on a ``curve``, with a teacher, against students alone with as much smoothing.

    Returns
    -------
    DataFrame
        Columns ``alpha``, ``T``, ``gamma`` and ``gain``: their mean accuracy less that of the
        students alone at the same γ, interpolated, in points; only where the γ lies among the α
        that were run.
    """
    points = summary(balanced(frame))
    taught = points[points["curve"] == curve].sort_values(["alpha", "T"])
    alone = points[points["curve"] == ALONE].sort_values("gamma")
    columns = ["alpha", "T", "gamma", "gain"]
    if alone.empty:
        return taught.assign(gain=np.nan)[columns].iloc[:0]
    gain = taught["mean"] - np.interp(taught["gamma"], alone["gamma"], alone["mean"])
    return taught.assign(gain=gain).loc[taught["gamma"] <= alone["gamma"].max(), columns]


def means(frame: pd.DataFrame, curve: str, by: str) -> pd.Series:
    """Mean accuracy (%) of one curve against ``alpha`` or ``T``, over seeds that all have."""
    points = summary(balanced(frame))
    return points[points["curve"] == curve].set_index(by)["mean"].sort_index()


def reveal(family: Family) -> str:
    """The answer to the chapter's question: is the better teacher's student the better one?"""
    own, taught = means(family.frame, TEACHER, "alpha"), means(family.frame, SMOOTHED, "alpha")
    hard = means(family.frame, HARD, "T")
    alphas = [a for a in taught.index if a in own]
    if 0.0 not in own or 1.0 not in hard or not alphas:
        return f"{family.name}: the runs that answer this are not recorded yet."
    better = [a for a in alphas if own[a] > own[0.0] + SAME]
    worse = [a for a in better if taught[a] < hard[1.0] - SAME]
    text = (f"{family.name} ({family.networks}): of {len(alphas)} smoothed teachers {len(better)} "
            f"{'is' if len(better) == 1 else 'are'} more accurate than the hard one by over "
            f"{SAME:g} points, and {len(worse)} of these {'has' if len(worse) == 1 else 'have'} a "
            "student worse than the hard teacher's by as much, both at T = 1.")
    if not worse:
        return text + " The paper's effect does not appear here."
    most = min(worse, key=lambda a: taught[a])
    return (f"{text} The widest case is α = {most:g}: the teacher "
            f"{signed(own[most] - own[0.0])} points, its student "
            f"{signed(taught[most] - hard[1.0])}.")


def told(family: Family) -> str:
    """What Figure 5 shows in this family, curve by curve, and what the paper says, in Markdown."""
    parts = [_teachers_told(family.frame), _alone_told(family.frame), _hard_told(family.frame),
             _smoothed_told(family.frame)]
    head = f"**{family.name}**, {family.networks} ({family.scale}; {family.seeds}).\n\n"
    return head + "\n".join(
        f"- {part}" for part in parts)


def _teachers_told(frame: pd.DataFrame) -> str:
    own = means(frame, TEACHER, "alpha")
    if 0.0 not in own or len(own) < 2:
        return "Teachers: not all recorded yet."
    best = own.drop(0.0).idxmax()
    gain = own[best] - own[0.0]
    late = own[own.index[own.index <= 0.6][-1]] - own[0.0]
    verdict = "as in the paper" if gain > SAME and late > 0 else (
        "yet it falls again, where the paper's improves up to about 0.6" if gain > SAME else
        "no clear gain; in the paper the teacher improves up to about 0.6" if gain > -SAME else
        "in the paper the teacher improves up to about 0.6, here it does not")
    return (f"Teachers: {own[0.0]:.1f} % with hard targets, the best smoothed one "
            f"{own[best]:.1f} % at α = {best:g} ({signed(gain)} points: {verdict}).")


def _alone_told(frame: pd.DataFrame) -> str:
    alone = means(frame, ALONE, "alpha")
    if 0.0 not in alone or len(alone) < 2:
        return "Students alone: not all recorded yet."
    best, last = alone.drop(0.0).idxmax(), alone.index[-1]
    told = "".join(f", {alone[alpha]:.1f} % at α = {alpha:g}" for alpha in sorted({best, last}))
    gain = alone[best] - alone[0.0]
    verdict = "smoothing alone helps, where the paper's student loses" if gain > SAME else (
        "mild smoothing makes no difference" if gain > -SAME else "smoothing alone hurts")
    return f"Students alone: {alone[0.0]:.1f} % with hard targets{told}: {verdict}."


def _hard_told(frame: pd.DataFrame) -> str:
    hard, alone = means(frame, HARD, "T"), means(frame, ALONE, "alpha")
    if hard.empty or len(alone) < 2:
        return "Students of the hard teacher, and alone to compare with: not all recorded yet."
    won = [T for T, value in hard.items() if value > alone.max()]
    at = ", ".join(f"{T:g}" for T in won)
    words = ("at every temperature, as in the paper" if len(won) == len(hard) else
             f"at T = {at}; in the paper they do at every temperature" if won else
             "at no temperature: the paper's effect does not appear here")
    best = hard.idxmax()
    return (f"Students of the hard teacher: best at T = {best:g} with {hard[best]:.1f} %. They "
            f"beat the best student alone ({alone.max():.1f} %) {words}.")


def _smoothed_told(frame: pd.DataFrame) -> str:
    beside = beside_smoothing(frame, SMOOTHED)
    if beside.empty:
        return "Students of smoothed teachers: not recorded yet."
    beaten = [f"{row.alpha:g}" for row in beside.itertuples() if row.gain > SAME]
    verdict = f"at α = {', '.join(beaten)}; in the paper at none" if beaten else (
        "at no α, as in the paper")
    gains = ", ".join(f"{signed(row.gain)} at {row.alpha:g}" for row in beside.itertuples())
    return ("Students of smoothed teachers (T = 1) against smoothing alone at the same γ, in "
            f"points, by the teacher's α: {gains}. They win by more than half a point {verdict}.")


def soft_told(family: Family, alpha: float) -> str:
    """How soft the hard teacher and the one nearest ``alpha`` are, at T = 1 and at T = 2."""
    frame = gamma_frame(family.teachers)
    smoothed = [a for a in frame["alpha"].unique() if a > 0]
    if 0.0 not in frame["alpha"].tolist() or not smoothed:
        return f"{family.name}: a hard and a smoothed teacher are not both recorded yet."
    near = min(smoothed, key=lambda a: abs(a - alpha))
    lines = {a: frame[frame["alpha"] == a].set_index("T")["gamma"] for a in (0.0, near)}
    hard, soft = (np.interp(2.0, line.index, line) for line in lines.values())
    reached = lines[0.0].index[lines[0.0] >= soft]
    as_soft = f"near T = {reached[0]:.0f}" if len(reached) else "at no T up to 16"
    return (f"{family.name}: at T = 1 the hard teacher has γ = {lines[0.0].iloc[0]:#.3g}, the one "
            f"with α = {near:g} has {lines[near].iloc[0]:#.3g}; at T = 2 they have {hard:.2f} and "
            f"{soft:.2f}. The hard one gets as soft as that {as_soft}.")


def beside_told(family: Family) -> str:
    """What students gain over smoothing alone at their γ: the hard teacher's, smoothed ones'."""
    hard, smoothed = (beside_smoothing(family.frame, curve) for curve in (HARD, SMOOTHED))
    if hard.empty:
        return f"**{family.name}.** There are no runs yet to compare at equal γ."
    told = "of the hard teacher: " + ", ".join(
        f"{signed(row.gain)} at T = {row.T:g}" for row in hard.itertuples())
    if len(smoothed):
        told += "; of smoothed teachers at T = 1: " + ", ".join(
            f"{signed(row.gain)} at α = {row.alpha:g}" for row in smoothed.itertuples())
    ahead, too = hard["gain"].mean() > SAME, smoothed["gain"].mean() > SAME
    verdict = (
        "**The effect does not appear here:** what the hard teacher's students gain, they could "
        "have gained from smoothing." if not ahead else
        "**The effect does not appear here:** in the paper only the hard teacher's students gain, "
        "here those of smoothed teachers do too." if too else "That agrees with the paper.")
    return f"**{family.name}.** In points, students {told}. {verdict}"


def diffusion_told(family: Family) -> str:
    """What smoothed teachers' students at T > 1 lose against the hard one's at the same γ."""
    points = summary(family.frame)
    hard = points[points["curve"] == HARD].sort_values("gamma")
    other = points[points["curve"] == OTHER]
    if len(hard) > 1:
        other = other[other["gamma"].between(hard["gamma"].min(), hard["gamma"].max())]
    if len(hard) < 2 or other.empty:
        return f"{family.name}: there are no runs yet to compare at equal γ."
    gain = other["mean"] - np.interp(other["gamma"], hard["gamma"], hard["mean"])
    return (f"{family.name}: students of smoothed teachers at T > 1 lie {signed(gain.mean())} "
            f"points from the hard teacher's at their γ, on average over {len(gain)} "
            f"({signed(gain.min())} to {signed(gain.max())}).")


def mnist_table(runs: Iterable[Any]) -> pd.DataFrame:
    """Section 4's four test errors in per cent: the paper's beside ours.

    Columns ``network``, ``paper``, ``ours`` (mean, least to greatest seed), ``seeds``, ``scale``.
    """
    recorded = {run.recipe.hash: run for run in runs}
    printed = [(paper.number(f"mnist/{role}/{word}"), f"{role}, {note}")
               for role, word, note in _MNIST]
    rows = []
    for place, (number, network) in enumerate(printed):
        ours = [recorded[recipe.hash] for recipe in (mnist(seed)[place] for seed in range(5))
                if recipe.hash in recorded]
        errors = [100 * (1 - run.metrics["test_accuracy"]) for run in ours
                  if "test_accuracy" in run.metrics]
        rows.append({
            "network": network, "paper": f"{number.value:.2f}", "ours": _range(errors),
            "seeds": len(errors), "scale": in_words(ours[0].recipe) if errors else "not yet run"})
    return pd.DataFrame(rows)


_MNIST = (
    ("teacher", "hard", "hard targets and dropout"),
    ("teacher", "smoothed", "label smoothing 0.1"),
    ("student", "hard", "of the hard teacher"),
    ("student", "smoothed", "of the smoothed teacher"),
)


def _range(values: Sequence[float]) -> str:
    if not values:
        return "–"
    mean = f"{np.mean(values):.2f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.2f}–{max(values):.2f})"


def mnist_told(table: pd.DataFrame) -> str:
    """Whether ours agree with the paper's order: a better teacher, a worse student."""
    if (table["seeds"] == 0).any():
        return "Not all four are run yet."
    hard, smoothed, of_hard, of_smoothed = (
        float(text.split(" ")[0]) for text in table["ours"])
    teacher = "errs less, as in the paper" if smoothed < hard else (
        "does not err less, unlike the paper's")
    student = "errs more, as in the paper" if of_smoothed > of_hard else (
        "does not err more: the paper's effect does not appear here")
    return f"Here the smoothed teacher {teacher}; its student {student}."


def gamma_frame(teachers: Iterable[Any], low: float = 1.0, high: float = 16.0) -> pd.DataFrame:
    """γ of each teacher on its recorded training examples, from T = ``low`` to ``high``.

    Columns ``alpha``, ``T``, ``gamma``.
    """
    Ts = np.geomspace(low, high, 25)
    return pd.DataFrame([
        {"alpha": run.recipe.alpha, "T": float(T),
         "gamma": gamma(run.arrays["train_logits"], run.arrays["train_targets"].astype(int), T=T)}
        for run in teachers for T in Ts
    ])


def wrong_frame(teachers: Iterable[Any]) -> pd.DataFrame:
    """What teachers say about wrong classes: natural log-probabilities at T = 1.

    Returns
    -------
    DataFrame
        One row a teacher and ordered pair of classes: ``alpha``, ``true``, ``wrong``, and the
        ``mean`` and ``sd`` of log p(wrong) over the training examples of class ``true``.
    """
    rows = []
    for run in teachers:
        logits = torch.as_tensor(run.arrays["train_logits"], dtype=torch.float64)
        log_p = logits.log_softmax(-1).numpy()
        targets = run.arrays["train_targets"].astype(int)
        for true in np.unique(targets):
            of_class = log_p[targets == true]
            rows += [
                {"alpha": run.recipe.alpha, "true": int(true), "wrong": wrong,
                 "mean": of_class[:, wrong].mean(), "sd": of_class[:, wrong].std()}
                for wrong in range(log_p.shape[1]) if wrong != true
            ]
    return pd.DataFrame(rows)


def wrong_spread(frame: pd.DataFrame) -> pd.DataFrame:
    """:func:`wrong_frame` in three numbers an α.

    Columns ``alpha``, ``mean`` log-probability, ``between`` (standard deviation of the means of
    the pairs of classes), ``within`` (root mean square of the standard deviations over examples).
    """
    return frame.groupby("alpha", as_index=False).agg(
        mean=("mean", "mean"), between=("mean", lambda m: m.std(ddof=0)),
        within=("sd", lambda sd: math.sqrt((sd**2).mean())))


def wrong_table(spread: pd.DataFrame):
    """:func:`wrong_spread` as a table for display."""
    names = {"mean": "mean log p of a wrong class (nats)",
             "between": "spread between pairs of classes (nats)",
             "within": "spread over examples (nats)"}
    words = {name: spread[key].map("{:.2f}".format).str.replace("-", "−")
             for key, name in names.items()}
    alphas = spread["alpha"].map("{:g}".format)
    return table(pd.DataFrame({"α of the teacher": alphas, **words}),
                 "What teachers say about wrong classes")


def wrong_chart(frame: pd.DataFrame, alpha: float, K: int) -> alt.LayerChart:
    """Mean and spread of log p(wrong) for each pair of classes, hard and one smoothed teacher."""
    alphas = sorted(set(frame["alpha"]) - {0.0})
    pick = alt.param(name="alpha", value=min(alphas, key=lambda a: abs(a - alpha)),
                     bind=alt.binding_select(options=alphas, name="smoothing of the teacher α "))
    teachers = ["hard teacher", "smoothed teacher"]
    base = (
        alt.Chart(frame.round(3)).add_params(pick)
        .transform_filter("datum.alpha == 0 || datum.alpha == alpha")
        .transform_calculate(teacher="datum.alpha == 0 ? 'hard teacher' : 'smoothed teacher'",
                             pair="datum.true + ' → ' + datum.wrong")
    )
    x = alt.X("mean:Q", title="mean log-probability of a wrong class (nats)",
              scale=alt.Scale(zero=False))
    dots = base.mark_point(opacity=0.75, size=45).encode(
        x, alt.Y("sd:Q", title="standard deviation over examples (nats)"),
        color=alt.Color("teacher:N", title=None, scale=alt.Scale(
            domain=teachers, range=[theme.HARD, theme.SMOOTH])),
        shape=alt.Shape("teacher:N", title=None, scale=alt.Scale(
            domain=teachers, range=["square", "triangle-up"])),
        tooltip=[alt.Tooltip("pair:N", title="class → wrong class"),
                 alt.Tooltip("mean:Q", format=".2f"), alt.Tooltip("sd:Q", format=".2f")])
    target = alt.Chart(pd.DataFrame({"mean": [0.0]})).transform_calculate(mean=f"log(alpha / {K})")
    rule = target.mark_rule(strokeDash=list(theme.DASH), color=theme.REFERENCE).encode(x="mean:Q")
    name = target.mark_text(align="right", dx=-6, color=theme.REFERENCE).encode(
        x="mean:Q", y=alt.value(8), text=alt.value("log α/K, the target"))
    return (rule + name + dots).properties(title=alt.Title(
        "Smoothing makes the wrong answers alike",
        subtitle="each mark a class and a wrong answer to it; seed 0, training examples"))


def grid_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Students by teacher and temperature, accuracies of a :func:`accuracies` frame in per cent.

    Columns ``alpha``, ``T``, ``accuracy`` (mean over seeds), ``gain`` (over the hard teacher's
    students at the same T, in points, mean over the seeds both have), ``seeds``; only
    temperatures with a smoothed teacher.
    """
    taught = frame[frame["T"] > 0]
    taught = taught[taught["T"].isin(taught.loc[taught["alpha"] > 0, "T"])]
    hard = taught[taught["alpha"] == 0].set_index(["T", "seed"])["accuracy"].rename("hard")
    taught = taught.join(hard, on=["T", "seed"])
    return taught.assign(gain=taught["accuracy"] - taught["hard"]).groupby(
        ["alpha", "T"], as_index=False).agg(
        accuracy=("accuracy", "mean"), gain=("gain", "mean"), seeds=("seed", "nunique"))


def grid_told(family: Family) -> str:
    """Whether the family's grid has the pattern of Chandrasegaran et al., in a sentence or two."""
    grid = grid_frame(family.frame)
    gain = grid[grid["alpha"] > 0].set_index(["alpha", "T"])["gain"].dropna().sort_index()
    warm = [a for a in gain.index.unique("alpha") if 1.0 in gain[a] and len(gain[a]) > 1]
    if not warm:
        return f"{family.name}: the students that answer this are not recorded yet."
    low = [a for a in warm if gain[a][1.0] >= gain[a].max()]
    mild = warm[0]
    at_one = gain[mild][1.0]
    verdict = "makes no difference of half a point" if abs(at_one) <= SAME else (
        "helps" if at_one > 0 else "hurts")
    shen = "as" if at_one >= -SAME else "unlike what"
    highest = gain[mild].index.max()
    cells = grid["alpha"].nunique() * grid["T"].nunique()
    missing = f" Not run yet: {cells - len(grid)} of {cells} cells." if cells > len(grid) else ""
    words = ("for every smoothed teacher" if len(low) == len(warm) else
             f"for {len(low)} of {len(warm)} smoothed teachers" if low else
             "for no smoothed teacher: the effect does not appear here")
    return (f"{family.name} ({family.seeds}): at T = 1 the teacher with α = {mild:g} {verdict} "
            f"({signed(at_one)} points), {shen} Shen et al. claim; at T = {highest:g} the gain is "
            f"{signed(gain[mild][highest])}. What Chandrasegaran et al. say, T = 1 being the best "
            f"temperature, holds {words}.{missing}")


def published_grid() -> pd.DataFrame:
    """Chandrasegaran et al.'s T × α table: ImageNet, ResNet-50 → 18, as :func:`grid_frame`."""
    values = paper.numbers(source="chandrasegaran2022", symbol="accuracy")
    frame = pd.DataFrame([{"alpha": n.alpha, "T": float(n.T), "accuracy": n.value} for n in values])
    hard = frame[frame["alpha"] == 0].set_index("T")["accuracy"]
    return frame.assign(gain=frame["accuracy"] - frame["T"].map(hard))
