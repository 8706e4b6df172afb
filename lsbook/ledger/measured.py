"""What the paper printed or drew, and the same quantity of our runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lsbook.ledger.deviations import deviations
from lsbook.ledger.effects import SEEDS
from lsbook.ledger.groups import Group, Missing, PAPERS_DATA, Values, each, groups, metric
from lsbook.ledger.readings import Undecided, at, best_temperature
from lsbook.ledger.settings import EXPERIMENTS, Experiment
from lsbook.ledger.verdicts import Spread
from lsbook.paper import KEY, NUMBERS, REPRODUCTION, Number
from lsbook.recipes import CATALOGUE, Recipe
from lsbook.runs.tables import uncased_bleu


TOLERANCE = {"accuracy": 0.5, "test error": 0.1, "ECE": 0.01, "optimal temperature": 0.2}
"""How far our mean may lie from a published number; the printed spread counts where it is wider."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A quantity on one recipe: its values over seeds, in the unit of its row.

    ``status`` compares them with the printed number where the paper's own network had its whole
    schedule on the paper's own data, and is empty otherwise. ``note`` says what differs in the
    quantity, ``deviations`` what differs in the recipe.
    """

    recipe: Recipe
    spread: Spread
    runs: tuple[str, ...]
    status: str = ""
    note: str = ""
    deviations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity: what the paper printed, what the public reproduction got, what we measured.

    ``number`` is None where the paper drew a curve or gave nothing, ``reproduced`` where the
    reproduction has no such value.
    """

    experiment: Experiment
    label: str
    unit: str = ""
    number: Number | None = None
    reproduced: Number | None = None
    ours: tuple[Measured, ...] = ()


Read = Callable[[Group], tuple[Values, dict[int, Any], str]]


def measured(numbers: Sequence[Number] = NUMBERS, runs: Iterable[Any] = ()) -> list[Row]:
    """The paper's printed results beside ours, on every recipe that stands for the experiment.

    A number ``held`` if our mean over three seeds or more of the whole schedule lies within
    ``TOLERANCE`` of it, or within its printed spread where that is wider, and is ``reproduced`` if
    moreover the recipe has no deviation; ``not`` if it lies further off. Fewer seeds only lean.
    Shorter runs, other networks and other data get no verdict.
    """
    found = groups(runs)
    again = {_key(number): number for number in numbers if number.source == REPRODUCTION}
    papers = {_key(number): number for number in numbers if number.source == KEY}
    rows = []
    for key in (*papers, *(key for key in again if key not in papers)):
        number, other = papers.get(key), again.get(key)
        one = number or other
        experiment = _experiment_of(one)
        if experiment is not None and one.symbol in _READERS:
            rows.append(Row(experiment=experiment, label=_label(one), unit=one.unit, number=number,
                            reproduced=other,
                            ours=_on_each(experiment, _reader(one), found, number)))
    return rows


def _key(number: Number) -> tuple:
    """The quantity that a number is of; the T of an ECE tells only whether it was scaled."""
    scaled = number.symbol == "ECE" and number.T != 1.0
    return (number.dataset, number.model, number.role, number.symbol, _alpha(number), scaled)


def swept(runs: Iterable[Any] = ()) -> list[Row]:
    """What Figures 5 and 6 draw: accuracies of teachers and students, and the last information."""
    found = groups(runs)
    teachers, students = EXPERIMENTS["teacher"], EXPERIMENTS["student"]
    alphas = {number.id: number.value for number in NUMBERS}["figure5/alphas"]
    Ts = {number.id: number.value for number in NUMBERS}["figure5/temperatures"]

    def rows(experiment: Experiment, quantities: Iterable[tuple[str, str, Read]]) -> list[Row]:
        return [Row(experiment=experiment, label=label, unit=unit,
                    ours=_on_each(experiment, read, found)) for label, unit, read in quantities]

    return [
        *rows(teachers, ((f"accuracy, α = {a:g}", "%", _accuracy(_alone(a))) for a in alphas)),
        *rows(teachers, ((f"last mutual information, α = {a:g}", "nats", _information(a))
                         for a in alphas)),
        *rows(students, ((f"accuracy alone, α = {a:g}", "%", _accuracy(_alone(a)))
                         for a in alphas)),
        *rows(students, ((f"accuracy, hard teacher at T = {T:g}", "%", _accuracy(_taught(0.0, T)))
                         for T in Ts)),
        *rows(students, ((f"accuracy, teacher with α = {a:g}", "%", _accuracy(_taught(a, 1.0)))
                         for a in alphas[1:])),
    ]


def _experiment_of(number: Number) -> Experiment | None:
    place = (number.dataset, number.model, number.role)
    return next((e for e in EXPERIMENTS.values() if (e.dataset, e.model, e.role) == place), None)


def _on_each(experiment: Experiment, read: Read, found: dict[str, list[Group]],
             number: Number | None = None) -> tuple[Measured, ...]:
    """The first group of each recipe that holds the quantity."""
    ours = []
    for name in (name for name in experiment.recipes if not name.startswith("lab/")):
        for group in found.get(name, []):
            try:
                values, runs, note = read(group)
            except (Missing, Undecided):
                continue
            cut = group.runs[0].recipe
            recipe = CATALOGUE[name].with_(scale=cut.scale, train_fraction=cut.train_fraction)
            spread = Spread.of("", values)
            comparable = number is not None and _is_whole(recipe)
            deviate = deviations(next(iter(runs.values())).recipe)
            ours.append(Measured(
                recipe=recipe, spread=spread, note=note, deviations=deviate,
                runs=tuple(runs[seed].recipe.hash for seed in values),
                status=_against(number, spread, deviate) if comparable else ""))
            break
    return tuple(ours)


def _is_whole(recipe: Recipe) -> bool:
    """Whether the paper's network had its whole schedule on all of the paper's images."""
    whole = recipe.preset == "paper" and recipe.scale == recipe.train_fraction == 1
    return whole and recipe.dataset in PAPERS_DATA


def _against(number: Number, ours: Spread, deviate: Sequence[str]) -> str:
    near = abs(ours.mean - number.value) <= max(TOLERANCE[number.symbol], number.spread or 0.0)
    if len(ours.seeds) < SEEDS:
        return "leans for" if near else "leans against"
    return ("held" if deviate else "reproduced") if near else "not"


def _label(number: Number) -> str:
    scaled = ", best T" if number.T not in (None, 1.0) else ""
    return f"{number.symbol}, α = {_alpha(number):g}{scaled}"


def _alpha(number: Number) -> float:
    return 0.1 if number.alpha is None else number.alpha


def _alone(alpha: float) -> Callable[[Group], dict[int, Any]]:
    return lambda group: group.alone(alpha)


def _taught(alpha: float, T: float | None = None) -> Callable[[Group], dict[int, Any]]:
    return lambda group: group.students(alpha, T)


def _reader(number: Number) -> Read:
    choose = _taught if number.role == "student" else _alone
    return _READERS[number.symbol](choose(_alpha(number)), number)


def _accuracy(choose: Callable, number: Number | None = None) -> Read:
    return _metric(choose, "val_accuracy", lambda share: 100 * share)


def _error(choose: Callable, number: Number) -> Read:
    def read(group: Group):
        runs = choose(group)
        on_test = all("test_accuracy" in run.metrics for run in runs.values())
        right = metric(runs, "test_accuracy" if on_test else "val_accuracy")
        values = {seed: 100 * (1 - share) for seed, share in right.items()}
        return values, runs, "" if on_test else "on validation"

    return read


def _ece(choose: Callable, number: Number) -> Read:
    def scaled(run: Any) -> float:
        if run.recipe.is_text:
            return at(run, "ece", best_temperature(run, "nll"))
        return run.metrics["ece_at_optimal_T"]

    return _metric(choose, "val_ece") if number.T == 1.0 else _read(choose, scaled)


def _temperature(choose: Callable, number: Number) -> Read:
    def best(run: Any) -> float:
        return (best_temperature(run, "nll") if run.recipe.is_text else run.metrics["optimal_T"])

    return _read(choose, best)


def _bleu(choose: Callable, number: Number) -> Read:
    return _read(choose, uncased_bleu)


def _perplexity(choose: Callable, number: Number) -> Read:
    return _metric(choose, "perplexity")


def _information(alpha: float) -> Read:
    return _read(_alone(alpha), lambda run: run.history["mi_fresh"][-1])


def _metric(choose: Callable, name: str, change: Callable[[float], float] = float) -> Read:
    return _read(choose, lambda run: change(run.metrics[name]))


def _read(choose: Callable, of_run: Callable[[Any], float]) -> Read:
    def read(group: Group):
        runs = choose(group)
        return each(runs, of_run), runs, ""

    return read


_READERS: dict[str, Callable[[Callable, Number], Read]] = {
    "accuracy": _accuracy,
    "test error": _error,
    "ECE": _ece,
    "optimal temperature": _temperature,
    "BLEU": _bleu,
    "perplexity": _perplexity,
}
