"""What the paper printed or drew, and the same quantity of our runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lsbook.ledger.checks import test_or_validation
from lsbook.ledger.groups import Group, Missing, Values, each, groups, is_papers_own, metric
from lsbook.ledger.verdicts import Spread
from lsbook.paper import KEY, NUMBERS, Number
from lsbook.recipes import CATALOGUE, Recipe
from lsbook.runs.tables import uncased_bleu


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One of the paper's experiments, and the recipes that stand for it here, the whole first."""

    title: str
    place: str
    recipes: tuple[str, ...]


def _both(stem: str, fraction: str = "") -> tuple[str, str]:
    return f"paper/{stem}", f"fraction/{fraction or stem}"


EXPERIMENTS: dict[tuple[str, str, str], Experiment] = {
    ("cifar100", "resnet56", ""): Experiment(
        title="ResNet on CIFAR-100", place="Tables 2 and 3",
        recipes=_both("resnet56-cifar100", "resnet20-cifar100")),
    ("cifar10", "alexnet", ""): Experiment(
        title="AlexNet on CIFAR-10", place="Table 2", recipes=_both("alexnet-cifar10")),
    ("cifar10", "resnet56", "teacher"): Experiment(
        title="Teachers on CIFAR-10", place="Figures 5 and 6", recipes=_both("teacher-cifar10")),
    ("cifar10", "alexnet", "student"): Experiment(
        title="Students on CIFAR-10", place="Figure 5", recipes=_both("student-cifar10")),
    ("mnist", "mlp", "teacher"): Experiment(
        title="Teachers on MNIST", place="Section 4", recipes=("paper/teacher-mnist",)),
    ("mnist", "mlp", "student"): Experiment(
        title="Students on MNIST", place="Section 4", recipes=("paper/student-mnist",)),
    ("en-de", "transformer", ""): Experiment(
        title="Transformer, English–German", place="Tables 1 and 3",
        recipes=("paper/transformer-multi30k",)),
    ("imagenet", "inception-v4", ""): Experiment(
        title="Inception-v4 on ImageNet", place="Tables 2 and 3",
        recipes=_both("inception-tinyimagenet", "resnet20-tinyimagenet")),
}
"""The experiments by data set, network and role in the paper."""

TOLERANCE = {"accuracy": 0.5, "test error": 0.1, "ECE": 0.01, "optimal temperature": 0.2}
"""How far our mean may lie from a published number; the printed spread counts where it is wider."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A quantity on one recipe: its values over seeds, in the unit of its row.

    ``status`` compares them with the printed number where the whole schedule was run on the
    paper's own data, and is empty otherwise. ``note`` says what differs in the quantity.
    """

    recipe: Recipe
    spread: Spread
    runs: tuple[str, ...]
    status: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity: what the paper printed, None where it drew a curve, and what we measured."""

    experiment: Experiment
    label: str
    unit: str = ""
    number: Number | None = None
    ours: tuple[Measured, ...] = ()


Read = Callable[[Group], tuple[Values, dict[int, Any], str]]


def measured(numbers: Sequence[Number] = NUMBERS, runs: Iterable[Any] = ()) -> list[Row]:
    """The paper's printed results beside ours, on every recipe that stands for the experiment.

    A number is ``reproduced`` if our mean over two seeds or more of the full schedule lies within
    ``TOLERANCE`` of it, ``held once`` if that of one seed does, ``partly`` within three times the
    tolerance, else ``not``. Shorter runs and other data get no verdict.
    """
    found = groups(runs)
    rows = []
    for number in numbers:
        experiment = EXPERIMENTS.get((number.dataset, number.model, number.role))
        if experiment is None or number.symbol not in _READERS or number.source != KEY:
            continue
        rows.append(Row(experiment=experiment, label=_label(number), unit=number.unit,
                        number=number, ours=_on_each(experiment, _reader(number), found, number)))
    return rows


def swept(runs: Iterable[Any] = ()) -> list[Row]:
    """What Figures 5 and 6 draw: accuracies of teachers and students, and the last information."""
    found = groups(runs)
    teachers = EXPERIMENTS["cifar10", "resnet56", "teacher"]
    students = EXPERIMENTS["cifar10", "alexnet", "student"]
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


def _on_each(experiment: Experiment, read: Read, found: dict[str, list[Group]],
             number: Number | None = None) -> tuple[Measured, ...]:
    """The first group of each recipe that holds the quantity."""
    ours = []
    for name in experiment.recipes:
        for group in found.get(name, []):
            try:
                values, runs, note = read(group)
            except Missing:
                continue
            cut = group.runs[0].recipe
            recipe = CATALOGUE[name].with_(scale=cut.scale, train_fraction=cut.train_fraction)
            spread = Spread.of("", values)
            comparable = number is not None and is_papers_own(recipe)
            ours.append(Measured(
                recipe=recipe, spread=spread, note=note,
                runs=tuple(runs[seed].recipe.hash for seed in values),
                status=_against(number, spread) if comparable else ""))
            break
    return tuple(ours)


def _against(number: Number, ours: Spread) -> str:
    tolerance = max(TOLERANCE[number.symbol], number.spread or 0.0)
    distance = abs(ours.mean - number.value)
    if distance <= tolerance:
        return "reproduced" if len(ours.seeds) > 1 else "held once"
    return "partly" if distance <= 3 * tolerance else "not"


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
        part, (values,) = test_or_validation(runs)
        values = {seed: 100 * share for seed, share in values.items()}
        return values, runs, "" if part == "test" else "on validation"

    return read


def _ece(choose: Callable, number: Number) -> Read:
    return _metric(choose, "val_ece" if number.T == 1.0 else "ece_at_optimal_T")


def _temperature(choose: Callable, number: Number) -> Read:
    return _metric(choose, "optimal_T")


def _bleu(choose: Callable, number: Number) -> Read:
    def read(group: Group):
        runs = choose(group)
        return each(runs, uncased_bleu), runs, ""

    return read


def _perplexity(choose: Callable, number: Number) -> Read:
    return _metric(choose, "perplexity")


def _information(alpha: float) -> Read:
    def read(group: Group):
        runs = group.alone(alpha)
        return each(runs, lambda run: run.history["mi_fresh"][-1]), runs, ""

    return read


def _metric(choose: Callable, name: str, change: Callable[[float], float] = float) -> Read:
    def read(group: Group):
        runs = choose(group)
        return {seed: change(value) for seed, value in metric(runs, name).items()}, runs, ""

    return read


_READERS: dict[str, Callable[[Callable, Number], Read]] = {
    "accuracy": _accuracy,
    "test error": _error,
    "ECE": _ece,
    "optimal temperature": _temperature,
    "BLEU": _bleu,
    "perplexity": _perplexity,
}
