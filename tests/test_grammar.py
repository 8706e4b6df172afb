import math
import random
from collections import Counter

import numpy as np
import pytest

from lsbook.data import lexicon, load_text
from lsbook.data.grammar import (
    MAX_TARGET_LENGTH,
    Clause,
    Grammar,
    NounPhrase,
    Sentence,
    _draw_translation,
    german_words,
    parse,
)
from lsbook.data.tokenizers import EOS

PAIRS = Grammar(3).sample(400)


@pytest.fixture(scope="module")
def grammar():
    return Grammar(3)


@pytest.mark.parametrize(
    "english, german",
    [
        ("an old man helps the small dog .", "ein alter Mann hilft dem kleinen Hund ."),
        ("the old man calls a young woman .", "der alte Mann ruft eine junge Frau an ."),
        ("a young woman shows the small child an old book .",
         "eine junge Frau zeigt dem kleinen Kind ein altes Buch ."),
        ("a small child invites an old man .", "ein kleines Kind lädt einen alten Mann ein ."),
        ("the man thanks an old woman .", "der Mann dankt einer alten Frau ."),
        ("a small dog falls asleep .", "ein kleiner Hund schläft ein ."),
        ("the man knows that the woman calls a child .",
         "der Mann weiß , dass die Frau ein Kind anruft ."),
        ("while the man sleeps , the woman picks up the child .",
         "während der Mann schläft , holt die Frau das Kind ab ."),
        ("the woman picks up the child while the man sleeps .",
         "die Frau holt das Kind ab , während der Mann schläft ."),
        ("while the child falls asleep , the dog waits .",
         "während das Kind einschläft , wartet der Hund ."),
    ],
)
def test_translations_written_by_hand(grammar, english, german):
    assert grammar.translations(english) == {tuple(german.split()): 1.0}


def test_a_source_with_choices_has_the_product_of_their_shares(grammar):
    table = grammar.translations("the teacher wakes up today .")
    expected = {
        f"{order} ." : verb_share * order_share * 0.5
        for article_noun in ("der Lehrer", "die Lehrerin")
        for verb, prefix, verb_share in (("wacht", " auf", 0.6), ("erwacht", "", 0.4))
        for order, order_share in (
            (f"{article_noun} {verb} heute{prefix}", 0.7),
            (f"heute {verb} {article_noun}{prefix}", 0.3),
        )
    }
    assert {" ".join(words): p for words, p in table.items()} == pytest.approx(expected)


def test_denn_keeps_the_verb_second_and_never_comes_first(grammar):
    after = grammar.translations("the man waits because the woman calls a child .")
    assert {" ".join(w): p for w, p in after.items()} == pytest.approx({
        "der Mann wartet , weil die Frau ein Kind anruft .": 0.6,
        "der Mann wartet , denn die Frau ruft ein Kind an .": 0.25,
        "der Mann wartet , da die Frau ein Kind anruft .": 0.15,
    })
    before = grammar.translations("because the woman calls a child , the man waits .")
    assert {" ".join(w): p for w, p in before.items()} == pytest.approx({
        "weil die Frau ein Kind anruft , wartet der Mann .": 0.8,
        "da die Frau ein Kind anruft , wartet der Mann .": 0.2,
    })


def test_weak_nouns_and_gender_of_synonyms():
    phrase = NounPhrase(definite=False, adjective="old", noun="boy")
    assert phrase.german("dat") == {
        ("einem", "alten", "Jungen"): 0.7,
        ("einem", "alten", "Buben"): 0.3,
    }
    roll = NounPhrase(definite=False, adjective="small", noun="roll").german("nom")
    assert roll == {
        ("ein", "kleines", "Brötchen"): 0.5,
        ("eine", "kleine", "Semmel"): 0.3,
        ("eine", "kleine", "Schrippe"): 0.2,
    }


def test_shares_of_the_lexicon_sum_to_one():
    tables = [shares for *_, shares in (*lexicon.NOUNS.values(), *lexicon.ADJECTIVES.values())]
    tables += [shares for *_, shares in lexicon.VERBS.values()]
    for words in (lexicon.CLAUSE_VERBS, lexicon.ADVERBS, lexicon.CONJUNCTIONS):
        tables += words.values()
    assert all(math.isclose(sum(shares.values()), 1.0) for shares in tables)


def test_next_token_distribution_equals_enumeration(grammar):
    for source, target in PAIRS[:60]:
        table = grammar.translations(source)
        assert math.isclose(sum(table.values()), 1.0)
        for i in range(len(target) + 1):
            expected = np.zeros(grammar.tokenizer.vocab_size)
            for words, p in table.items():
                if words[:i] == target[:i]:
                    expected[EOS if len(words) == i else grammar.tokenizer.id(words[i])] += p
            found = grammar.next_token_distribution(source, target[:i])
            np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-12)
            assert found.sum() == pytest.approx(1.0)


def test_log_prob_is_the_sum_of_the_steps(grammar):
    for source, target in PAIRS:
        steps = grammar.tokenizer.encode(target) + [EOS]
        chain = sum(
            math.log(grammar.next_token_distribution(source, target[:i])[token])
            for i, token in enumerate(steps)
        )
        assert grammar.log_prob(source, target) == pytest.approx(chain)
    source, target = PAIRS[0]
    assert grammar.log_prob(source, target) == pytest.approx(
        math.log(grammar.translations(source)[target])
    )
    assert grammar.log_prob(source, target[:-1]) == -math.inf


def test_drawn_translations_follow_the_probabilities(grammar):
    source = "a doctor watches the clever cat now .".split()
    templates = list(parse(source).german())
    rng = random.Random(0)
    n = 20_000
    seen = Counter(_draw_translation(rng, templates) for _ in range(n))
    table = grammar.translations(source)
    assert set(seen) <= set(table)
    chi2 = sum((seen[w] - n * p) ** 2 / (n * p) for w, p in table.items())
    degrees = len(table) - 1
    assert abs(chi2 - degrees) < 5 * math.sqrt(2 * degrees)


def test_the_truth_has_entropy(grammar):
    entropies = []
    for source, target in PAIRS:
        for i in range(len(target) + 1):
            p = grammar.next_token_distribution(source, target[:i])
            entropies.append(-(p[p > 0] * np.log(p[p > 0])).sum())
    assert 0.15 < np.mean(entropies) < 0.4
    assert np.mean(np.array(entropies) > 0.3) > 0.2


def test_english_parses_back():
    for source, _ in PAIRS:
        assert parse(source).english() == source
    assert parse("an old man waits .".split()) == Sentence(
        Clause(NounPhrase(False, "old", "man"), "waits")
    )


def test_ids_and_strings_mean_the_same(grammar):
    source, target = PAIRS[5]
    ids = grammar.tokenizer.encode(source), grammar.tokenizer.encode(target)
    by_words = grammar.next_token_distribution(source, target[:4])
    assert np.array_equal(by_words, grammar.next_token_distribution(ids[0], ids[1][:4]))
    assert np.array_equal(
        by_words, grammar.next_token_distribution(" ".join(source), " ".join(target[:4]))
    )


def test_sample_is_deterministic_distinct_and_short():
    assert Grammar(3).sample(50) == PAIRS[:50]
    assert Grammar(4).sample(50) != PAIRS[:50]
    assert len({source for source, _ in PAIRS}) == len(PAIRS)
    assert max(len(target) for _, target in PAIRS) <= MAX_TARGET_LENGTH
    assert {w for _, target in PAIRS for w in target} <= german_words() | {",", "."}


def test_load_text_splits_without_sharing_sources():
    text = load_text("grammar", seed=0)
    assert (len(text.train), len(text.val), len(text.test)) == (1500, 500, 500)
    sources = [tuple(s) for part in (text.train, text.val, text.test) for s, _ in part]
    assert len(set(sources)) == len(sources)
    assert text.content_hash == load_text("grammar", seed=0).content_hash
    assert text.content_hash != load_text("grammar", seed=1).content_hash
    assert text.tokenizer.vocab_size == Grammar(0).tokenizer.vocab_size
    ids = [t for pair in text.train for side in pair for t in side]
    assert min(ids) > 3 and max(ids) < text.tokenizer.vocab_size
    for (_, target), reference in zip(text.test, text.references["test"]):
        assert text.tokenizer.decode(target) == reference
    grammar = Grammar(0)
    assert all(grammar.log_prob(*pair) > -math.inf for pair in text.val)


@pytest.mark.parametrize(
    "source, message",
    [
        ("the man", "a verb at word 3"),
        ("the purple man sleeps .", "'purple'"),
        ("the man sleeps", "a full stop"),
        ("the man sleeps . .", "the end"),
        ("if the man sleeps the dog waits .", "a comma"),
        ("", "an article at word 1"),
    ],
)
def test_other_english_is_refused_with_the_place(grammar, source, message):
    with pytest.raises(ValueError, match=message):
        grammar.next_token_distribution(source)


def test_impossible_prefix_is_refused(grammar):
    with pytest.raises(ValueError, match="begins no translation"):
        grammar.next_token_distribution("the man sleeps .", "die")
