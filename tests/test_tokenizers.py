"""Tokenizers: what comes back, what does not, and what is refused."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings

from lsbook.data import text
from lsbook.data.tokenizers import BOS, EOS, PAD, UNK, SubwordTokenizer, WordTokenizer

LINES = ["ein Mann und eine Frau gehen", "der Hund läuft, der Hund schläft."]
WORDS = WordTokenizer(["ein", "Hund"])


@pytest.fixture(scope="module")
def pieces():
    kept, text._BPE_SIZE = text._BPE_SIZE, 60
    try:
        return SubwordTokenizer(text._train_byte_pairs(LINES))
    finally:
        text._BPE_SIZE = kept


@given(sentence=st.text(alphabet=sorted(set("".join(LINES))), max_size=40))
@settings(max_examples=200, deadline=None)
def test_text_of_known_characters_comes_back(pieces, sentence):
    assert pieces.decode([BOS, *pieces.encode(sentence), EOS, PAD]) == sentence


def test_unknown_characters_do_not_come_back(pieces):
    assert UNK in pieces.encode("ein Hund für 5 €")
    assert pieces.decode(pieces.encode("xein")) == " ⁇ ein"
    assert pieces.decode(pieces.encode("ein▁Hund")) == "ein Hund"


def test_words_come_back_and_unknown_ones_as_such():
    assert WORDS.encode("ein  Hund") == WORDS.encode(["ein", "Hund"]) == [4, 5]
    assert WORDS.decode([BOS, 4, 5, EOS, PAD]) == "ein Hund"
    assert WORDS.decode(WORDS.encode("ein Kater")) == "ein <unk>"


@pytest.mark.parametrize("make", [list, tuple, np.array, torch.tensor])
def test_ids_of_any_maker_are_taken(pieces, make):
    for tokenizer in (WORDS, pieces):
        ids = [BOS, *tokenizer.encode("ein Hund"), EOS]
        assert tokenizer.decode(make(ids)) == "ein Hund"
        assert tokenizer.word(make(ids)[1]) == tokenizer.word(ids[1])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda t: t.encode(None), "text must"),
        (lambda t: t.encode(3), "text must"),
        (lambda t: t.encode([4, 5]), "text must"),
        (lambda t: t.decode(None), "tokens must"),
        (lambda t: t.decode(4), "tokens must"),
        (lambda t: t.decode([4.5]), "integer"),
        (lambda t: t.decode("ein"), "integer"),
        (lambda t: t.decode([t.vocab_size]), "found"),
        (lambda t: t.decode([-1]), "found -1"),
        (lambda t: t.word(-1), "found -1"),
        (lambda t: t.word("ein"), "integer"),
    ],
)
def test_bad_input_is_named(pieces, call, message):
    for tokenizer in (WORDS, pieces):
        with pytest.raises((ValueError, TypeError), match=message):
            call(tokenizer)
