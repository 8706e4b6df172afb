"""The paper's data against independent transcriptions of its tables."""

import math
import re

import pytest

from lsbook import paper

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


def test_every_figure_has_a_claim():
    places = " ".join(claim.place for claim in paper.CLAIMS)
    assert all(f"Figure {n}" in places for n in range(1, 8))


def test_unknown_id_names_where_to_look():
    with pytest.raises(KeyError, match="lsbook.paper.NUMBERS"):
        paper.number("table9")
    with pytest.raises(KeyError, match="lsbook.paper.CLAIMS"):
        paper.claim("perpetual-motion")
