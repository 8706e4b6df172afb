"""Recipes: frozen, hashed descriptions of runs. A recipe is the only way to say what a run is."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from lsbook.fields import check_names
from lsbook.recipe_checks import check_distil, check_recipe

TRAIN_SIZE = {
    "mnist1d": 4000,
    "digits": 1297,
    "mnist": 50_000,
    "cifar10": 40_000,
    "cifar100": 40_000,
    "tinyimagenet": 15_000,
}
TEXT = ("grammar", "multi30k")


@dataclass(frozen=True, kw_only=True)
class Distil:
    """A teacher and how its student listens to it (paper, section 4).

    The student minimises (1−β) H(y, p) + β H(pᵗ(T), p), its own temperature being 1 as in the
    paper's CIFAR experiment; with ``objective="logits"`` the second term is half the squared
    difference of logits, as in the MNIST experiment, summed over classes, and with "mean-logits"
    its mean over classes.
    """

    teacher: Recipe
    beta: float = 1.0
    T: float = 1.0
    objective: str = "probabilities"

    def __post_init__(self):
        check_distil(self)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides the numbers of a run.

    ``steps`` is the full schedule in optimisation steps and ``scale`` the fraction of it that is
    run; milestones and warm-up are fractions of what is run. ``batch_size`` counts examples, for
    text target tokens. ``train_fraction`` is the share of the training images that is used, the
    first of the split. ``weight_decay`` acts on all weights unless ``decay_only`` names the
    parameters it acts on. ``size`` holds the keyword arguments of ``lsbook.models.build``.
    ``mi_every`` counts steps of the full schedule between two readings of the mutual information.
    ``damped`` momentum is the MNIST experiment's 0.9·previous + 0.1·current gradient.
    ``split`` says which images train and which validate: those of the data set's ``fixed`` split,
    of the seed's ``own`` (of the grammar: its own sentences), or ``test``, where all train and the
    test images validate. ``pool`` shrinks images by means over so many pixels each way.
    ``sentences`` is the size of the grammar's training text, None for the lab's.

    Raises
    ------
    ValueError
        If a field is of another type than its annotation, out of range, or without effect.
    """

    name: str
    dataset: str
    model: str
    size: tuple[tuple[str, object], ...] = ()
    alpha: float = 0.0
    seed: int = 0
    steps: int
    scale: float = 1.0
    batch_size: int = 128
    optimizer: str = "sgd"
    lr: float
    last_layer_lr: float | None = None
    schedule: str = "steps"
    milestones: tuple[float, ...] = ()
    warmup: float = 0.0
    momentum: float = 0.9
    nesterov: bool = False
    damped: bool = False
    weight_decay: float = 0.0
    decay_only: tuple[str, ...] = ()
    loss_scale: float = 1.0
    clip_norm: float | None = None
    augment: str = "none"
    distil: Distil | None = None
    mi_classes: tuple[int, int] = (0, 5)
    mi_every: int = 0
    train_fraction: float = 1.0
    split: str = "fixed"
    pool: int = 1
    sentences: int | None = None

    def __post_init__(self):
        check_recipe(self, TRAIN_SIZE)

    @property
    def preset(self) -> str:
        """The first part of the name: one of `lsbook.recipe_checks.PRESETS`."""
        return self.name.split("/")[0]

    @property
    def is_text(self) -> bool:
        return self.dataset in TEXT

    @property
    def split_seed(self) -> int:
        """What `load_images` and `load_text` draw their split by."""
        return self.seed if self.split == "own" else 0

    @property
    def total_steps(self) -> int:
        """Optimisation steps of this run: ``steps`` × ``scale``, at least one."""
        return max(1, round(self.steps * self.scale))

    @property
    def probe_every(self) -> int:
        """Steps of this run between two readings of the mutual information; 0 for none."""
        return self.mi_every and max(1, round(self.mi_every * self.scale))

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits over every field that differs from its default, the name aside.

        Leaving defaults out keeps old hashes when a field is added later.
        """
        canonical = json.dumps(_content(self), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def with_(self, **changes) -> Recipe:
        """A copy with some fields changed, checked again."""
        return dataclasses.replace(self, **changes)

    def for_epochs(self, epochs: float) -> Recipe:
        """The same schedule shortened to so many passes over the training set."""
        if epochs <= 0:
            raise ValueError(f"epochs must be above 0; got {epochs}.")
        if self.dataset not in TRAIN_SIZE:
            raise ValueError(
                f"Shorten a recipe on {self.dataset} by its scale: batches of text are counted in "
                "tokens, and pictures in a folder not at all.")
        per_epoch = int(TRAIN_SIZE[self.dataset] * self.train_fraction) // self.batch_size
        return self.with_(scale=min(1.0, epochs * per_epoch / self.steps))

    def to_dict(self) -> dict:
        """All fields as plain JSON values, the teacher nested."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, fields: dict) -> Recipe:
        """The recipe that ``to_dict`` described.

        Raises
        ------
        ValueError
            If these are no fields of a recipe; the message names the one that is wrong.
        """
        fields = check_names(cls, fields)
        if fields.get("distil") is not None:
            distil = check_names(Distil, fields["distil"])
            fields["distil"] = Distil(**distil | {"teacher": cls.from_dict(distil["teacher"])})
        return cls(**fields)


def _content(recipe: Recipe | Distil) -> dict:
    content = {}
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if field.name == "name" or value == field.default:
            continue
        content[field.name] = _content(value) if dataclasses.is_dataclass(value) else value
    return content


_LAB_IMAGES = dict(
    steps=60 * 31, lr=0.3, schedule="cosine", momentum=0.9, nesterov=True, mi_every=62,
)
_GRAMMAR = dict(
    dataset="grammar", model="transformer", steps=900, batch_size=512, optimizer="adam", lr=1e-2,
    size=(("d_model", 64), ("layers", 1), ("heads", 4), ("d_ff", 128), ("dropout", 0.0)),
    schedule="linear", warmup=0.1,
)
_CIFAR_RESNET = dict(
    model="resnet56", steps=64_000, lr=0.1, milestones=(0.5, 0.75), nesterov=True,
    weight_decay=1e-4, loss_scale=3.0, clip_norm=1.0, augment="crop-flip",
)
_CIFAR_ALEXNET = dict(
    dataset="cifar10", model="alexnet", steps=390_000, lr=0.1, milestones=(1 / 3, 2 / 3),
    momentum=0.0, weight_decay=0.04, decay_only=("dense1.weight", "dense2.weight"),
    loss_scale=3.0, augment="crop24-flip",
)
# The paper's 0.03 is read as a standard deviation, and students' rate is a tenth of the paper's:
# with a variance of 0.03, or a student's rate of 0.15, the first epoch diverges.
_MNIST = dict(
    dataset="mnist", model="mlp", steps=100 * 390, lr=1.0, last_layer_lr=0.1, schedule="linear",
    damped=True,
)
_MNIST_TEACHER = dict(
    size=(("inputs", 784), ("hidden", (1200, 1200)), ("classes", 10), ("init_variance", 0.0009)),
    augment="shift", **_MNIST,
)
_MNIST_STUDENT = dict(
    size=(("inputs", 784), ("hidden", (800, 800)), ("classes", 10), ("init_variance", 0.0009)),
    **{**_MNIST, "lr": 0.1, "last_layer_lr": 0.01},
)

# Small enough for two processor cores and long enough to fit: 5,000 images of 16×16 pixels, passed
# over until the teacher has no error left on them and twice as long again.
_COMPACT = dict(
    dataset="cifar10", train_fraction=0.125, pool=2, split="own", batch_size=64,
    augment="shift-flip", schedule="linear", warmup=0.2, nesterov=True, weight_decay=5e-4,
)

CATALOGUE: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="lab/mlp-mnist1d", dataset="mnist1d", model="mlp", augment="shift1d",
            size=(("inputs", 40), ("hidden", (128, 128, 64)), ("classes", 10)), **_LAB_IMAGES,
        ),
        Recipe(
            name="lab/mlp-digits", dataset="digits", model="mlp",
            size=(("inputs", 64), ("hidden", (128, 128, 64)), ("classes", 10)),
            **{**_LAB_IMAGES, "steps": 60 * 10, "lr": 0.1, "mi_every": 0},
        ),
        Recipe(
            name="lab/teacher-mnist1d", dataset="mnist1d", model="conv1d", augment="shift1d",
            size=(("classes", 10), ("width", 32)), **_LAB_IMAGES,
        ),
        Recipe(
            name="lab/student-mnist1d", dataset="mnist1d", model="mlp", augment="shift1d",
            size=(("inputs", 40), ("hidden", (128, 128, 64)), ("classes", 10)),
            **{**_LAB_IMAGES, "mi_every": 0},
        ),
        Recipe(name="lab/transformer-grammar", **_GRAMMAR),
        Recipe(name="lab/transformer-sizes", split="own", sentences=1500, **_GRAMMAR),
        Recipe(name="paper/alexnet-cifar10", **_CIFAR_ALEXNET),
        Recipe(
            name="paper/resnet56-cifar100", dataset="cifar100", size=(("classes", 100),),
            **_CIFAR_RESNET,
        ),
        Recipe(
            name="paper/teacher-cifar10", dataset="cifar10", size=(("classes", 10),),
            mi_every=4000, **_CIFAR_RESNET,
        ),
        Recipe(name="paper/student-cifar10", **_CIFAR_ALEXNET),
        Recipe(name="paper/teacher-mnist", **_MNIST_TEACHER),
        Recipe(name="paper/student-mnist", **_MNIST_STUDENT),
        # Multi30k and Tiny ImageNet are far smaller than the paper's text and images: networks or
        # batches are smaller here, schedules shorter, and the rate falls to nothing, since
        # weights are not averaged.
        Recipe(
            name="paper/transformer-multi30k", dataset="multi30k", model="transformer",
            size=(("d_model", 128), ("layers", 4), ("heads", 4), ("d_ff", 256), ("dropout", 0.3)),
            steps=4000, batch_size=4096, optimizer="adam", lr=5e-3, schedule="linear",
            warmup=0.25, clip_norm=1.0,
        ),
        Recipe(
            name="paper/inception-tinyimagenet", dataset="tinyimagenet", model="inception-v4",
            size=(("classes", 30), ("small", True)), steps=100 * 117, lr=0.045, schedule="cosine",
            nesterov=True, weight_decay=8e-5, augment="crop-flip",
        ),
        Recipe(
            name="compact/teacher-cifar10", model="resnet9", steps=90 * 78, lr=0.1, mi_every=234,
            size=(("widths", (32, 48, 96, 128)),), **_COMPACT,
        ),
        Recipe(
            name="compact/student-cifar10", model="alexnet", steps=80 * 78, lr=0.05,
            size=(("side", 16), ("channels", 32), ("dense", (128, 64)), ("norm", False)),
            **_COMPACT,
        ),
        # The paper's own data again, shorter, and where marked on smaller networks or a quarter of
        # the images, so that networks see them often enough to fit them.
        Recipe(
            name="compact/resnet20-cifar100", dataset="cifar100", size=(("classes", 100),),
            **{**_CIFAR_RESNET, "model": "resnet20", "train_fraction": 0.25},
        ).for_epochs(60),
        Recipe(name="compact/alexnet-cifar10", **_CIFAR_ALEXNET).for_epochs(40),
        Recipe(
            name="compact/resnet20-tinyimagenet", dataset="tinyimagenet", model="resnet20",
            size=(("classes", 30), ("stride", 2)), steps=100 * 234, batch_size=64, lr=0.1,
            schedule="cosine", nesterov=True, weight_decay=5e-4, augment="crop-flip",
        ).for_epochs(40),
    )
}


def named(name: str, **changes) -> Recipe:
    """The catalogue's recipe called ``name``, with fields changed.

    Raises
    ------
    ValueError
        If there is no such recipe; the message lists those there are.
    """
    if name not in CATALOGUE:
        raise ValueError(f"No recipe is called {name!r}. There are: {', '.join(CATALOGUE)}.")
    return CATALOGUE[name].with_(**changes)


def student_of(teacher: Recipe, *, alpha: float = 0.0, beta: float = 1.0, T: float = 1.0,
               objective: str = "probabilities", **changes) -> Recipe:
    """The student's recipe that goes with a catalogue teacher, distilled from it."""
    name = teacher.name.replace("teacher", "student")
    distil = Distil(teacher=teacher, beta=beta, T=T, objective=objective)
    return named(name, alpha=alpha, distil=distil, seed=teacher.seed, **changes)
