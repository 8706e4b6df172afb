"""The runs the book shows, preset by preset, in order of value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from lsbook.recipes import Recipe, named, student_of

SEEDS = range(5)
ALPHAS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.6)
TEACHER_ALPHAS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75)
TEMPERATURES = (1.0, 2.0, 3.0, 4.0, 8.0, 12.0, 16.0)
GRID_TEMPERATURES = (1.0, 2.0, 3.0, 4.0)
TRANSLATION_ALPHAS = (0.0, 0.05, 0.1, 0.2, 0.3)
TRANSLATION_SEEDS = range(3)
PAPER_SEEDS = range(3)

SENTENCES = (1500, 2200, 4000, 12_000)
SIZE_ALPHAS = (0.0, 0.05, 0.1)
COMPACT_ALPHAS = (0.0, 0.05, 0.1, 0.15, 0.3, 0.45, 0.6, 0.75)
COMPACT_TEMPERATURES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
CORE_ALPHAS = (0.0, 0.1, 0.15, 0.45)
CORE_TEMPERATURES = (1.0, 2.0, 4.0)
GRID_ALPHAS = (0.15, 0.45)
COMPACT_SEEDS = range(3)
FITTING_EPOCHS = (15, 30)
FITTING_ALPHA, FITTING_T = 0.15, 4.0

Group = list[Recipe]


def lab() -> list[Group]:
    """Every run of the embedded lab, a group an experiment, in the order of the chapters."""
    return [
        [named("lab/mlp-mnist1d", alpha=a, seed=s) for a in ALPHAS for s in SEEDS],
        [named("lab/mlp-digits", alpha=a, seed=s) for a in ALPHAS for s in SEEDS],
        [
            named("lab/transformer-grammar", alpha=a, seed=s)
            for a in TRANSLATION_ALPHAS
            for s in TRANSLATION_SEEDS
        ],
        *(group for seed in SEEDS for group in distillation("lab/teacher-mnist1d", seed)),
        *(
            [named("lab/transformer-sizes", sentences=n, alpha=a, seed=seed) for a in SIZE_ALPHAS]
            for seed in SEEDS
            for n in SENTENCES
        ),
    ]


def compact() -> list[Group]:
    """Real data on small, fast networks that fit them; teachers before students.

    What decides the paper's claims comes first, for every seed, then the rest of its curves, then
    teachers stopped before they fit, then networks on the paper's other data.
    """
    core = [taught(seed, CORE_ALPHAS, CORE_TEMPERATURES) for seed in COMPACT_SEEDS]
    whole = [taught(seed, COMPACT_ALPHAS, COMPACT_TEMPERATURES) for seed in COMPACT_SEEDS]
    mixed = [_softened_again(seed) for seed in COMPACT_SEEDS]
    fit = [fitting(seed) for seed in COMPACT_SEEDS]
    return [*core, *whole, *mixed, *fit, *(shortened_paper(seed) for seed in COMPACT_SEEDS)]


def taught(seed: int, alphas: Sequence[float], temperatures: Sequence[float]) -> Group:
    """Figure 5 on compact networks: teachers, students alone, and students of each teacher."""
    teachers = [named("compact/teacher-cifar10", alpha=a, seed=seed) for a in alphas]
    hard, *smoothed = teachers
    return [
        *teachers,
        *(named("compact/student-cifar10", alpha=a, seed=seed) for a in alphas),
        *(student_of(hard, T=T) for T in temperatures),
        *(student_of(t, T=1.0) for t in smoothed),
    ]


def _softened_again(seed: int) -> Group:
    teachers = (named("compact/teacher-cifar10", alpha=a, seed=seed) for a in GRID_ALPHAS)
    return [student_of(t, T=T) for t in teachers for T in (2.0, 4.0)]


def fitting(seed: int) -> Group:
    """Teachers stopped before they fit, hard and smoothed, and a student of each."""
    teachers = [
        named("compact/teacher-cifar10", alpha=a, seed=seed).for_epochs(epochs)
        for epochs in FITTING_EPOCHS
        for a in (0.0, FITTING_ALPHA)
    ]
    return teachers + [student_of(t, T=1.0 if t.alpha else FITTING_T) for t in teachers]


def paper() -> list[Group]:
    """The paper's experiments on its data sets: all of them at seed 0 before any at the next.

    Inception has one seed. Every teacher comes before its students.
    """
    groups = []
    for seed in PAPER_SEEDS:
        groups += [
            [named("paper/resnet56-cifar100", alpha=a, seed=seed) for a in (0.0, 0.05, 0.1)],
            [named("paper/alexnet-cifar10", alpha=a, seed=seed) for a in (0.0, 0.1)],
            *distillation("paper/teacher-cifar10", seed),
            mnist(seed),
            [named("paper/transformer-multi30k", alpha=a, seed=seed) for a in (0.0, 0.1)],
        ]
        if seed == 0:
            groups.append([named("paper/inception-tinyimagenet", alpha=a) for a in (0.0, 0.1)])
    return groups


def distillation(teacher: str, seed: int) -> list[Group]:
    """Figure 5 and the T × α grid: teachers, students alone, and students of each teacher."""
    teachers = [named(teacher, alpha=a, seed=seed) for a in TEACHER_ALPHAS]
    student = teacher.replace("teacher", "student")
    return [
        teachers,
        [
            *(named(student, alpha=a, seed=seed) for a in TEACHER_ALPHAS),
            *(student_of(teachers[0], T=T) for T in TEMPERATURES),
            *(student_of(t, T=1.0) for t in teachers[1:]),
        ],
        [student_of(t, T=T) for t in teachers[1:] for T in GRID_TEMPERATURES[1:]],
    ]


def mnist(seed: int) -> Group:
    """Section 4's four numbers: teachers with dropout and with smoothing, and a student of each."""
    smoothed = named("paper/teacher-mnist", alpha=0.1, seed=seed)
    hard = smoothed.with_(alpha=0.0, size=(*smoothed.size, ("dropout", 0.5)))
    students = [student_of(t, beta=0.6, objective="logits") for t in (hard, smoothed)]
    return [hard, smoothed, *students]


def shortened_paper(seed: int) -> Group:
    """CIFAR-100, CIFAR-10 and Tiny ImageNet (two seeds) on shortened schedules."""
    pairs = [("compact/resnet20-cifar100", (0.0, 0.05, 0.1)), ("compact/alexnet-cifar10", (0.0, 0.1))]
    if seed < 2:
        pairs.append(("compact/resnet20-tinyimagenet", (0.0, 0.1)))
    return [named(name, alpha=a, seed=seed) for name, alphas in pairs for a in alphas]


PRESETS = {"lab": lab, "compact": compact, "paper": paper}


def groups(
    preset: str, *, scale: float = 1.0, epochs: float | None = None, name: str = ""
) -> list[Group]:
    """A preset's groups with schedules shortened, of recipes whose name holds ``name``.

    ``scale`` is the fraction of every recipe's own schedule; with ``epochs`` it is that of text
    alone, and images get so many passes over the training set. Teachers are shortened alike.
    """
    chosen = ([r for r in group if name in r.name] for group in PRESETS[preset]())
    return [[shortened(r, scale, epochs) for r in group] for group in chosen if group]


def shortened(recipe: Recipe, scale: float = 1.0, epochs: float | None = None) -> Recipe:
    """``recipe`` and its teacher at a fraction of the schedule, or at so many epochs."""
    if recipe.distil:
        teacher = shortened(recipe.distil.teacher, scale, epochs)
        recipe = recipe.with_(distil=dataclasses.replace(recipe.distil, teacher=teacher))
    if epochs is not None and not recipe.is_text:
        return recipe.for_epochs(epochs)
    return recipe.with_(scale=recipe.scale * scale)


def flat(groups: Iterable[Group]) -> list[Recipe]:
    """Every recipe once, in order."""
    first: dict[str, Recipe] = {}
    for group in groups:
        for recipe in group:
            first.setdefault(recipe.hash, recipe)
    return list(first.values())
