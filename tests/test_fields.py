"""Fields of recipes and chapters: typed, ranged, cleaned and named in the error."""

import dataclasses
import json
import math
from fractions import Fraction

import numpy as np
import pytest

from lsbook import recipe_checks, recipes
from lsbook.chapter import Chapter
from lsbook.data import load_images
from lsbook.recipes import CATALOGUE, Distil, Recipe
from lsbook.runs.store import COMMITTED
from lsbook.training import fits
from lsbook.training.data import images_of, text_of

IMAGES = CATALOGUE["lab/mlp-mnist1d"]
TEXT = CATALOGUE["lab/transformer-grammar"]
CHAPTER = dict(
    name="calibration", presets={"lab": "lab/mlp-mnist1d"}, alpha=0.1, preset="lab", seed=0
)
FIELDS = {field.name: field for field in dataclasses.fields(Recipe)}


def of_type(*types):
    return [name for name, field in FIELDS.items() if field.type in types]


FLOATS, INTS = of_type("float", "float | None"), of_type("int", "int | None")
HOSTILE = "<img src=x onerror=alert(1)>"


def test_no_committed_run_changes_its_hash():
    paths = sorted(COMMITTED.glob("*/recipe.json"))
    assert len(paths) > 100
    for path in paths:
        assert Recipe.from_dict(json.loads(path.read_text())).hash == path.parent.name


def test_every_field_is_ranged():
    free = {"nesterov", "damped", "decay_only", "distil"}
    assert FIELDS.keys() - free == recipe_checks.RECIPE.keys()
    names = {field.name for field in dataclasses.fields(Distil)}
    assert names - {"teacher"} == recipe_checks.DISTIL.keys()


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"name", "dataset"}))
@pytest.mark.parametrize("value", [HOSTILE, {"a": 1}, object(), b"0.1"])
def test_what_is_no_value_of_a_field_is_refused_by_its_name(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        IMAGES.with_(**{name: value})


@pytest.mark.parametrize("name", ["name", "dataset"])
@pytest.mark.parametrize(
    "value",
    [HOSTILE, "mine/x", "lab", "lab/", "lab/x/y", f"lab/{HOSTILE}", "../lab/x", "imagefolder/..",
     "imagefolder/a/b", "imagefolder/", "imagefolder/.a", "", None, 3],
)
def test_names_are_plain(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        IMAGES.with_(**{name: value})


@pytest.mark.parametrize("name", FLOATS + INTS)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, -math.inf, "1", True, 10**400, [1]])
def test_numbers_out_of_range_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        IMAGES.with_(**{name: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"clip_norm": 0}, {"loss_scale": 0}, {"lr": 0}, {"last_layer_lr": 0}, {"scale": 0},
        {"scale": 1.01}, {"alpha": 1.01}, {"warmup": 1.5}, {"momentum": 1}, {"steps": 0},
        {"batch_size": 0}, {"pool": 0}, {"seed": 2**45}, {"seed": 2**32}, {"seed": 0.5},
        {"train_fraction": 0}, {"train_fraction": 1e-9}, {"milestones": (0.5, 2)},
        {"milestones": ("0.5",)}, {"milestones": 0.5}, {"mi_classes": (1, 1)}, {"mi_classes": (0,)},
        {"mi_classes": (-1, 2)}, {"decay_only": "output.weight"}, {"decay_only": (1,)},
        {"nesterov": 1}, {"damped": "no"}, {"distil": 3}, {"sentences": 5}, {"split": "test"},
        {"size": (("hidden", HOSTILE),)}, {"size": ((HOSTILE, 3),)}, {"size": (("classes",),)},
        {"size": (("classes", math.nan),)}, {"model": "transformer"},
    ],
    ids=str,
)
def test_a_recipe_that_cannot_be_is_refused_by_its_field(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        IMAGES.with_(**changes)


@pytest.mark.parametrize("name, value", [("dropout", 1), ("dropout", -0.1), ("init_variance", 0)])
def test_sizes_that_are_no_counts_have_ranges(name, value):
    with pytest.raises(ValueError, match=f"{name} in size must be"):
        IMAGES.with_(size=(*IMAGES.size, (name, value)))


@pytest.mark.parametrize("changes", [{"momentum": 0.0}, {"damped": True}])
def test_nesterov_says_what_it_needs(changes):
    with pytest.raises(ValueError, match="nesterov needs momentum"):
        IMAGES.with_(nesterov=True, **changes)


@pytest.mark.parametrize(
    "changes",
    [{"augment": "crop-flip"}, {"distil": Distil(teacher=IMAGES)}, {"loss_scale": 3},
     {"mi_every": 10}, {"train_fraction": 0.5}, {"pool": 2}],
)
def test_what_text_would_ignore_is_refused(changes):
    with pytest.raises(ValueError, match=f"{next(iter(changes))} does nothing on grammar"):
        TEXT.with_(**changes)


@pytest.mark.parametrize(
    "changes", [{"teacher": None}, {"beta": 1.5}, {"beta": "1"}, {"T": 0}, {"T": math.inf},
                {"objective": "both"}],
)
def test_distillation_that_cannot_be_is_refused_by_its_field(changes):
    with pytest.raises(ValueError, match=f"^{next(iter(changes))} must be"):
        Distil(**{"teacher": IMAGES} | changes)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, float, Fraction])
def test_a_number_of_any_library_names_one_run(kind):
    for field in ("alpha", "lr"):
        recipe = IMAGES.with_(**{field: kind("0.3")})
        assert recipe.hash == IMAGES.with_(**{field: 0.3}).hash
        assert type(getattr(recipe, field)) is float


@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.int64, int, float, np.float32])
def test_a_whole_number_of_any_library_names_one_run(kind):
    recipe = IMAGES.with_(seed=kind(3), steps=kind(50), size=(("hidden", [kind(4)]),))
    assert recipe.hash == IMAGES.with_(seed=3, steps=50, size=(("hidden", (kind(4),)),)).hash
    assert type(recipe.seed) is type(recipe.steps) is int
    assert type(Chapter(**CHAPTER | {"seed": kind(3)}).seed) is int
    json.dumps(recipe.to_dict())


@pytest.mark.parametrize("alpha", np.arange(0.1, 1, 0.1))
def test_a_sweep_by_steps_trains_nothing_twice(alpha):
    for make in (
        lambda a: IMAGES.with_(alpha=a),
        lambda a: IMAGES.with_(distil=Distil(teacher=IMAGES.with_(alpha=a), beta=a, T=10 * a)),
        lambda a: Chapter(**CHAPTER | {"alpha": a}).recipe(),
    ):
        assert make(alpha).hash == make(round(float(alpha), 1)).hash
    assert IMAGES.with_(alpha=0.1234567891).alpha == 0.1234567891


@pytest.mark.parametrize(
    "fields, message",
    [
        ([], "Recipe must be a dictionary"),
        ({}, "Recipe lacks its field name"),
        (IMAGES.to_dict() | {"onload": 1}, "Recipe has no field 'onload'"),
        (IMAGES.to_dict() | {"distil": []}, "Distil must be a dictionary"),
        (IMAGES.to_dict() | {"distil": {}}, "Distil lacks its field teacher"),
        (IMAGES.to_dict() | {"distil": {"teacher": 3}}, "Recipe must be a dictionary"),
        (IMAGES.to_dict() | {"alpha": "0.0456"}, "alpha must be a number"),
        (IMAGES.to_dict() | {"seed": HOSTILE}, "seed must be a whole number"),
    ],
)
def test_what_is_no_recipe_says_so(fields, message):
    with pytest.raises(ValueError, match=message):
        Recipe.from_dict(fields)


def test_an_error_stays_short_whatever_was_given():
    with pytest.raises(ValueError) as error:
        IMAGES.with_(seed=HOSTILE * 10**6)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alpha": "0.2"}, "alpha must be a number"),
        ({"alpha": 20}, r"alpha must be in \[0, 1\]"),
        ({"alpha": None}, "alpha must be a number"),
        ({"seed": "0"}, "seed must be a whole number"),
        ({"seed": 2**45}, "seed must be from 0 up"),
        ({"epochs": "3"}, "epochs must be a number"),
        ({"epochs": -1}, "epochs must be above 0"),
        ({"device": None}, "device must be a string"),
        ({"retrain": "false"}, "retrain must be True or False"),
        ({"preset": "moon"}, "preset must be one of lab"),
        ({"preset": None}, "preset must be a string"),
    ],
)
def test_chapter_names_the_parameter_that_is_wrong(changes, message):
    with pytest.raises(ValueError, match=message):
        Chapter(**CHAPTER | changes)


# Before a training begins


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"size": (("inputs", 64), ("hidden", (4,)), ("classes", 10))}, "size of mlp .* 40; got"),
        ({"size": (("inputs", 40), ("hidden", (4,)), ("classes", 11))}, "size of mlp .* 10 class"),
        ({"size": (("inputs", 40),)}, "mlp takes inputs, hidden"),
        ({"size": (("inputs", 40), ("hidden", (10**9, 10**9)))}, "size of mlp"),
        ({"model": "resnet8", "size": ()}, "size of resnet8 .* its defaults"),
        ({"augment": "crop24-flip"}, "Augmentation 'crop24-flip' needs images"),
        ({"mi_classes": (0, 10)}, r"mi_classes must lie in \[0, 9\]"),
        ({"distil": Distil(teacher=CATALOGUE["lab/mlp-digits"])}, "distil must have"),
    ],
)
def test_a_recipe_that_does_not_fit_its_images_is_told_so(changes, message):
    with pytest.raises(ValueError, match=message):
        images_of(IMAGES.with_(**changes))


def test_catalogue_recipes_fit_their_data():
    for recipe in CATALOGUE.values():
        if recipe.dataset in ("mnist1d", "digits"):
            images_of(recipe)
        if recipe.dataset == "grammar":
            text_of(recipe)


def test_one_class_alone_is_refused():
    alone = dataclasses.replace(load_images("digits"), classes=("0",))
    with pytest.raises(ValueError, match="one class alone"):
        fits.check_images(CATALOGUE["lab/mlp-digits"], alone)


def test_a_share_without_an_image_is_refused():
    with pytest.raises(ValueError, match="train_fraction 0.0001 leaves no image"):
        load_images("digits").part(1e-4)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_size_may_be_a_word(norm):
    recipe = TEXT.with_(size=(*TEXT.size, ("norm", norm)))
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    text_of(recipe)
    with pytest.raises(ValueError, match="layers of transformer must be whole"):
        text_of(TEXT.with_(size=(("layers", "many"),)))


def test_a_text_network_whose_parts_do_not_fit_is_told_so():
    with pytest.raises(ValueError, match="d_model must be even and a multiple of heads"):
        text_of(TEXT.with_(size=(("d_model", 64), ("heads", 3))))


def test_a_recipe_on_pictures_is_shortened_by_its_scale():
    mine = Recipe(name="own/x", dataset="imagefolder/x", model="resnet8", steps=5, lr=0.1)
    with pytest.raises(ValueError, match="Shorten a recipe on imagefolder/x by its scale"):
        mine.for_epochs(1)
    assert recipes.named("lab/mlp-mnist1d").for_epochs(1).total_steps == 31
