"""The paper's data against independent transcriptions of its tables, and our recipes against it."""

import math
import re
from pathlib import Path

import pytest
import torch

from lsbook import data, models, paper
from lsbook.data.folders import VALIDATION
from lsbook.estimators.information import simulate_bias
from lsbook.recipes import CATALOGUE, TRAIN_SIZE
from lsbook.runs import queue

TABLE_1 = """
ImageNet Inception-v2 top-1 error 23.1 → 22.8
ImageNet Inception-v2 top-5 error 6.3 → 6.1
EN-DE Transformer BLEU 25.3 → 25.8
EN-DE Transformer perplexity 4.67 → 4.92
WSJ BiLSTM-attention word error rate 8.9 → 7.0
"""
TABLE_2 = """
CIFAR10 AlexNet 86.8±0.2 → 86.7±0.3
CIFAR100 ResNet56 72.1±0.3 → 72.7±0.3
ImageNet Inception-v4 80.9 → 80.9
"""
TABLE_3 = """
CIFAR100 ResNet56 0.150; 0.021 / 1.9; 0.024 / 0.05
ImageNet Inception-v4 0.071; 0.022 / 1.4; 0.035 / 0.1
EN-DE Transformer 0.056; 0.018 / 1.13; 0.019 / 0.1
"""
CHANDRASEGARAN = "T=1 71.49/71.67, T=2 71.36/68.86, T=3 69.67/67.75"


def lines(table):
    return table.strip().splitlines()


@pytest.mark.parametrize("line", lines(TABLE_1))
def test_table_1(line):
    dataset, model, symbol, hard, smoothed = re.fullmatch(
        r"(\S+) (\S+) (.+?) ([\d.]+) → ([\d.]+)", line).groups()
    found = paper.numbers(
        place="Table 1", dataset=dataset.lower(), model=model.lower(), symbol=symbol)
    by_word = {number.id.rsplit("/", 1)[1]: number.value for number in found}
    assert (by_word["hard"], by_word["smoothed"]) == (float(hard), float(smoothed))


def test_table_1_has_the_unigram_result():
    assert paper.number("table1/wsj/bilstm-attention/word-error-rate/unigram").value == 6.7


@pytest.mark.parametrize("line", lines(TABLE_2))
def test_table_2(line):
    dataset, model, *_ = line.lower().split()
    values = re.findall(r"(\d+\.\d)(?:±(\d\.\d))?(?= →|$)", line)
    found = paper.numbers(place="Table 2", dataset=dataset, model=model)
    assert [number.alpha for number in found] == [0.0, 0.1]
    assert [(number.value, number.spread) for number in found] == [
        (float(value), float(spread) if spread else None) for value, spread in values
    ]


@pytest.mark.parametrize("line", lines(TABLE_3))
def test_table_3(line):
    dataset, model = line.lower().split()[:2]
    hard, scaled, T, smoothed, alpha = map(
        float, re.search(r"(0.\d+); (0.\d+) / ([\d.]+); (0.\d+) / ([\d.]+)", line).groups())
    by_word = {number.id.rsplit("/", 1)[1]: number
               for number in paper.numbers(place="Table 3", dataset=dataset, model=model)}
    assert by_word["hard"].value == hard
    assert (by_word["scaled"].value, by_word["scaled"].T) == (scaled, T)
    assert by_word["temperature"].value == T
    assert (by_word["smoothed"].value, by_word["smoothed"].alpha) == (smoothed, alpha)


def test_mnist_errors():
    errors = [paper.number(f"mnist/{role}/{word}").value
              for word in ("hard", "smoothed") for role in ("teacher", "student")]
    assert errors == [0.67, 0.74, 0.59, 0.91]


def test_figure_5_and_6_settings():
    assert paper.number("figure5/temperatures").value == (1, 2, 3, 4, 8, 12, 16)
    assert paper.number("figure5/alphas").value == (0, 0.15, 0.30, 0.45, 0.60, 0.75)
    assert paper.number("figure5/seeds").value == 5
    assert (paper.number("figure6/examples").value, paper.number("figure6/draws").value) == (600, 5)
    assert paper.number("figure6/collapsed").value == round(math.log(2), 3)


def test_temperature_by_alpha_table():
    for T, hard, smoothed in re.findall(r"T=(\d) ([\d.]+)/([\d.]+)", CHANDRASEGARAN):
        found = paper.numbers(source="chandrasegaran2022", T=int(T))
        assert {number.alpha: number.value for number in found} == {
            0.0: float(hard), 0.1: float(smoothed)}


def test_ids_are_unique_and_every_link_holds():
    ids = [item.id for item in paper.NUMBERS + paper.CLAIMS]
    assert len(ids) == len(set(ids))
    for claim in paper.CLAIMS:
        for id in claim.numbers:
            paper.number(id)
    assert {item.section for item in paper.NUMBERS + paper.CLAIMS} <= paper.SECTIONS.keys()


def test_every_source_is_in_the_bibliography_or_no_published_work():
    bibliography = (Path(__file__).parent.parent / "book/references.bib").read_text()
    keys = set(re.findall(r"^@\w+{(\w+),", bibliography, re.MULTILINE))
    assert {claim.source for claim in paper.CLAIMS} <= keys
    assert {number.source for number in paper.NUMBERS} - keys == {"simulation"}


REPRODUCTION = """
CIFAR10 AlexNet 85.01 → 85.47; 0.097; 0.012 / 2.5; 0.048
CIFAR10 ResNet56 93.59 → 93.33; 0.049; 0.006 / 3.1; 0.065
CIFAR100 ResNet56 71.61 → 72.07; 0.207; 0.029 / 2.9; 0.043
"""


@pytest.mark.parametrize("line", lines(REPRODUCTION))
def test_the_public_reproduction(line):
    """Accuracies, then ECE: hard, at its best T, with α = 0.1."""
    dataset, model = line.lower().split()[:2]
    stem = f"{paper.REPRODUCTION}/{dataset}/{model}"
    found = [paper.number(f"{stem}/{key}").value for key in (
        "accuracy/hard", "accuracy/smoothed", "ece/hard", "ece/scaled", "temperature", "ece/0.1")]
    assert found == [float(x) for x in re.findall(r"\d+\.\d+", line)]
    assert paper.number(f"{stem}/ece/scaled").T == paper.number(f"{stem}/temperature").value


def test_the_public_reproduction_of_mnist():
    errors = [paper.number(f"{paper.REPRODUCTION}/mnist/{role}/{word}").value
              for role in ("teacher", "student") for word in ("hard", "smoothed")]
    assert errors == [0.81, 0.69, 0.93, 1.05]


@pytest.mark.parametrize("word, clusters", [("one", 1), ("two", 2)])
def test_the_simulation_can_be_drawn_again(word, clusters):
    drawn = simulate_bias(N=600, L=5, clusters=clusters, seed=1)
    for form in ("fresh", "reused"):
        printed = paper.number(f"simulation/{word}-cluster/{form}").value
        assert getattr(drawn, form) == pytest.approx(printed, abs=0.012)


def appendix(dataset, model):
    """The appendix's settings of one experiment, by symbol."""
    found = paper.numbers(section="A", dataset=dataset, model=model)
    return {number.symbol: number.value for number in found}


def width(recipe):
    return models.build(recipe.model, **dict(recipe.size)).output.in_features


def drops(recipe):
    """Steps at which the learning rate is divided by 10."""
    assert recipe.schedule == "steps" and recipe.warmup == 0
    return tuple(milestone * recipe.steps for milestone in recipe.milestones)


def test_appendix_experiments_are_those_compared_below():
    experiments = {(number.dataset, number.model) for number in paper.numbers(section="A")}
    assert experiments == {
        ("", ""), ("cifar10", "alexnet"), ("cifar10", "resnet56"), ("mnist", "mlp"),
        ("en-de", "transformer"), ("imagenet", "inception-v4"),
    }


def test_cifar_is_split_as_in_the_appendix():
    split = paper.number("appendix/cifar/split").value
    assert split == (TRAIN_SIZE["cifar10"], VALIDATION) == (TRAIN_SIZE["cifar100"], VALIDATION)


@pytest.mark.parametrize("name", [
    "paper/alexnet-cifar10", "paper/student-cifar10", "compact/alexnet-cifar10",
])
def test_alexnet_is_trained_as_in_the_appendix(name):
    recipe = CATALOGUE[name]
    first, second = drops(recipe)
    assert appendix("cifar10", "alexnet") == {
        "batch size": recipe.batch_size,
        "training length": recipe.steps,
        "learning rate": recipe.lr,
        "learning rate divided by 10 every": first,
        "loss multiplier": recipe.loss_scale,
        "weight decay": recipe.weight_decay,
        "penultimate width": width(recipe),
    }
    assert second == 2 * first
    assert recipe.decay_only == ("dense1.weight", "dense2.weight") and recipe.momentum == 0


@pytest.mark.parametrize("name", [
    "paper/resnet56-cifar100", "paper/teacher-cifar10", "compact/resnet20-cifar100",
])
def test_resnets_are_trained_as_in_the_appendix(name):
    recipe = CATALOGUE[name]
    assert appendix("cifar10", "resnet56") == {
        "batch size": recipe.batch_size,
        "training length": recipe.steps,
        "momentum": recipe.momentum,
        "learning rate": recipe.lr,
        "learning rate divided by 10 at": drops(recipe),
        "loss multiplier": recipe.loss_scale,
        "weight decay": recipe.weight_decay,
        "gradient norm clip": recipe.clip_norm,
        "penultimate width": width(recipe),
    }
    assert recipe.nesterov and not recipe.decay_only


def test_information_is_read_as_often_as_in_figure_6():
    assert CATALOGUE["paper/teacher-cifar10"].mi_every == paper.number("figure6/every").value
    compact = CATALOGUE["compact/teacher-cifar10"]
    assert compact.total_steps / compact.probe_every >= 25


def test_mnist_is_trained_as_in_the_appendix_but_for_two_settings():
    hard, smoothed, *students = queue.mnist(seed=0)
    places = data.draw(smoothed.augment, 1000, (1, 28, 28), torch.Generator().manual_seed(0))
    settings = appendix("mnist", "mlp")
    variance = settings.pop("variance of initial weights")
    assert settings == {
        "teacher hidden units": dict(smoothed.size)["hidden"],
        "student hidden units": dict(students[0].size)["hidden"],
        "teacher α": smoothed.alpha,
        "shift": places[:, :2].max().item() / 2,
        "learning rate": smoothed.lr,
        "learning rate of the last layer": smoothed.last_layer_lr,
        "training length": smoothed.steps // (TRAIN_SIZE["mnist"] // smoothed.batch_size),
        "share of the previous gradient": smoothed.momentum,
        "β": students[0].distil.beta,
    }
    recipes = (hard, smoothed, *students)
    for recipe in recipes:
        assert recipe.damped and recipe.schedule == "linear" and recipe.weight_decay == 0
        assert recipe.steps == smoothed.steps and recipe.momentum == smoothed.momentum
    for student in students:
        assert student.augment == "none" and student.distil.objective == "logits"

    # On purpose: as printed, the first epoch diverges.
    for recipe in recipes:
        assert dict(recipe.size)["init_variance"] == pytest.approx(variance**2)
    for student in students:
        assert student.lr == 0.1 * settings["learning rate"]
        assert student.last_layer_lr == pytest.approx(
            0.1 * settings["learning rate of the last layer"])


def test_translation_keeps_the_strengths_on_far_smaller_data():
    recipes = [recipe for group in queue.paper() for recipe in group
               if recipe.model == "transformer"]
    settings = appendix("en-de", "transformer")
    assert {recipe.alpha for recipe in recipes} == set(settings.pop("α"))
    assert {recipe.dataset for recipe in recipes} == {"multi30k"}
    assert settings.keys() == {"sub-word vocabulary", "training length"}
    assert all(recipe.steps < settings["training length"] for recipe in recipes)


def test_inception_keeps_momentum_and_decay_on_fewer_images():
    recipe = CATALOGUE["paper/inception-tinyimagenet"]
    settings = appendix("imagenet", "inception-v4")
    assert (settings.pop("momentum"), settings.pop("weight decay")) == (
        recipe.momentum, recipe.weight_decay)
    assert recipe.nesterov
    # Not ours: 15,000 images fill three such batches, and no recipe averages weights.
    assert settings.keys() == {"batch size", "weight average decay"}
    assert recipe.batch_size < settings["batch size"]


def test_every_figure_has_a_claim():
    places = " ".join(claim.place for claim in paper.CLAIMS)
    assert all(f"Figure {n}" in places for n in range(1, 8))


def test_unknown_id_names_where_to_look():
    with pytest.raises(KeyError, match="lsbook.paper.NUMBERS"):
        paper.number("table9")
    with pytest.raises(KeyError, match="lsbook.paper.CLAIMS"):
        paper.claim("perpetual-motion")
