"""The runs the book shows, preset by preset."""

from __future__ import annotations

from lsbook.recipes import Recipe, named, student_of

SEEDS = range(5)
ALPHAS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.6)
TEACHER_ALPHAS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75)
TEMPERATURES = (1.0, 2.0, 3.0, 4.0, 8.0, 12.0, 16.0)
GRID_TEMPERATURES = (1.0, 2.0, 3.0, 4.0)
TRANSLATION_ALPHAS = (0.0, 0.05, 0.1, 0.2, 0.3)
TRANSLATION_SEEDS = range(3)


def lab() -> list[Recipe]:
    """Every run of the embedded lab, in the order of the chapters."""
    return [
        *(named("lab/mlp-mnist1d", alpha=a, seed=s) for a in ALPHAS for s in SEEDS),
        *(named("lab/mlp-digits", alpha=a, seed=s) for a in ALPHAS for s in SEEDS),
        *(
            named("lab/transformer-grammar", alpha=a, seed=s)
            for a in TRANSLATION_ALPHAS
            for s in TRANSLATION_SEEDS
        ),
        *distillation("lab/teacher-mnist1d", SEEDS),
    ]


def distillation(teacher: str, seeds: range) -> list[Recipe]:
    """Figure 5 and the T × α grid: teachers, students alone, and students of each teacher."""
    recipes = []
    for seed in seeds:
        teachers = [named(teacher, alpha=a, seed=seed) for a in TEACHER_ALPHAS]
        student = teacher.replace("teacher", "student")
        recipes += teachers
        recipes += [named(student, alpha=a, seed=seed) for a in TEACHER_ALPHAS]
        recipes += [student_of(teachers[0], T=T) for T in TEMPERATURES]
        recipes += [student_of(t, T=T) for t in teachers[1:] for T in GRID_TEMPERATURES]
    return recipes


PRESETS = {"lab": lab}
