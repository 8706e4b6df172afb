"""Which of this book's recipes stand for which of the paper's experiments, the nearest first."""

from __future__ import annotations

from dataclasses import dataclass

from lsbook.recipes import CATALOGUE

PRESETS = ("paper", "compact", "lab")
"""From the paper's own scale down to the embedded one."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One of the paper's experiments, and the recipes that stand for it here, the nearest first.

    ``dataset``, ``model`` and ``role`` are those of its numbers in ``lsbook.paper``.
    """

    title: str
    place: str
    dataset: str
    model: str
    role: str = ""
    stand_ins: tuple[str, ...]

    @property
    def recipes(self) -> tuple[str, ...]:
        """The stand-ins that the catalogue has."""
        return tuple(name for name in self.stand_ins if name in CATALOGUE)


EXPERIMENTS: dict[str, Experiment] = {
    "cifar100": Experiment(
        title="ResNet on CIFAR-100", place="Tables 2 and 3", dataset="cifar100", model="resnet56",
        stand_ins=("paper/resnet56-cifar100", "compact/resnet9-cifar100",
                   "compact/resnet20-cifar100")),
    "cifar10": Experiment(
        title="AlexNet on CIFAR-10", place="Figure 1 and Table 2", dataset="cifar10",
        model="alexnet",
        stand_ins=("paper/alexnet-cifar10", "compact/resnet9-cifar10", "compact/teacher-cifar10",
                   "compact/alexnet-cifar10")),
    "teacher": Experiment(
        title="Teachers on CIFAR-10", place="Figures 5 and 6", dataset="cifar10",
        model="resnet56", role="teacher",
        stand_ins=("paper/teacher-cifar10", "compact/teacher-cifar10",
                   "lab/teacher-mnist1d")),
    "student": Experiment(
        title="Students on CIFAR-10", place="Figure 5", dataset="cifar10", model="alexnet",
        role="student",
        stand_ins=("paper/student-cifar10", "compact/student-cifar10",
                   "lab/student-mnist1d")),
    "mnist-teacher": Experiment(
        title="Teachers on MNIST", place="Section 4", dataset="mnist", model="mlp",
        role="teacher", stand_ins=("paper/teacher-mnist", "compact/teacher-mnist")),
    "mnist-student": Experiment(
        title="Students on MNIST", place="Section 4", dataset="mnist", model="mlp",
        role="student", stand_ins=("paper/student-mnist", "compact/student-mnist")),
    "translation": Experiment(
        title="Transformer, English–German", place="Tables 1 and 3", dataset="en-de",
        model="transformer",
        stand_ins=("paper/transformer-multi30k", "lab/transformer-sizes", "lab/transformer-grammar")),
    "imagenet": Experiment(
        title="Inception-v4 on ImageNet", place="Tables 2 and 3", dataset="imagenet",
        model="inception-v4",
        stand_ins=("paper/inception-tinyimagenet", "compact/resnet9-tinyimagenet",
                   "compact/resnet20-tinyimagenet")),
    "reliability": Experiment(
        title="Residual networks on CIFAR-10", place="for Figure 2", dataset="", model="",
        stand_ins=("paper/teacher-cifar10", "compact/teacher-cifar10")),
    "small": Experiment(
        title="Small networks", place="not in the paper", dataset="", model="",
        stand_ins=("lab/mlp-mnist1d", "lab/mlp-digits")),
}
"""The paper's experiments by a short name; the last two stand for no numbers of the paper's."""

FIGURE_1 = ("cifar10", "cifar100", "imagenet")
"""The experiments that Figure 1 and Table 2 show; each claim about them is one about all three."""

CALIBRATED = ("cifar100", "imagenet", "reliability")
"""Residual and larger networks on images, of which the paper measures calibration; never
AlexNet."""


def experiment_of(name: str) -> Experiment:
    """The experiment that the recipe called ``name`` stands for first."""
    first = [e for e in EXPERIMENTS.values() if name in e.stand_ins]
    return min(first, key=lambda e: e.stand_ins.index(name), default=EXPERIMENTS["small"])


def recipes_of(*experiments: str) -> tuple[str, ...]:
    """The catalogue's recipes that stand for these experiments, each once, by preset."""
    names = dict.fromkeys(name for key in experiments for name in EXPERIMENTS[key].recipes)
    return tuple(sorted(names, key=lambda name: PRESETS.index(name.split("/")[0])))
