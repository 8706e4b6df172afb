"""English-to-German sentences whose true translation probabilities are known exactly.

A small grammar translates an English sentence into German: articles by gender and case, adjective
endings, the verb second in main clauses and last in subordinate ones, separable prefixes sent to
the end. English words have several translations with known shares, some of other gender, and a
main clause may begin with its adverb; so the true p(next token | source, prefix) is known and has
entropy, and a model's calibration can be held against it.

A translation is drawn in two steps: a *template* (verbs, conjunction, word order), which is a row
of slots, and then, independently, a phrase for each slot. All probabilities follow from that.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import log

import numpy as np

from lsbook.data import lexicon
from lsbook.data.tokenizers import EOS, WordTokenizer

Words = tuple[str, ...]
Phrases = dict[Words, float]
Template = tuple[float, tuple[Phrases, ...]]

MAX_TARGET_LENGTH = 14


@dataclass(frozen=True)
class NounPhrase:
    """An English noun with its article and perhaps an adjective."""

    definite: bool
    adjective: str | None
    noun: str

    def english(self) -> Words:
        words = tuple(filter(None, (self.adjective, self.noun)))
        indefinite = "an" if words[0][0] in "aeiou" else "a"
        return ("the" if self.definite else indefinite, *words)

    def german(self, case: str) -> Phrases:
        stems = lexicon.ADJECTIVES[self.adjective][1] if self.adjective else {None: 1.0}
        phrases = {}
        for entry, share in lexicon.NOUNS[self.noun][1].items():
            nominative, form = entry.split()
            direct, _, oblique = form.partition("/")
            gender = {"der": "m", "die": "f", "das": "n"}[nominative]
            article = lexicon.ARTICLES[gender, case][not self.definite]
            ending = lexicon.ENDINGS[gender, case][not self.definite]
            noun = direct if case == "nom" else oblique or direct
            for stem, part in stems.items():
                adjective = () if stem is None else (stem + ending,)
                phrases[article, *adjective, noun] = share * part
        return phrases


@dataclass(frozen=True)
class Clause:
    """Subject, verb, its objects and perhaps an adverb; no object for verbs such as "knows"."""

    subject: NounPhrase
    verb: str
    objects: tuple[NounPhrase, ...] = ()
    adverb: str | None = None

    def english(self) -> Words:
        parts = [self.subject.english(), self.verb.split(), *(o.english() for o in self.objects)]
        return tuple(chain(*parts, self.adverb.split() if self.adverb else ()))

    def german(self, verb_place: str) -> Iterator[Template]:
        """Yield the templates of the clause with its verb "first", "second" or "last"."""
        cases, verbs = _verb(self.verb)
        subject = self.subject.german("nom")
        objects = [o.german(case) for o, case in zip(self.objects, cases)]
        adverb = [_phrases(lexicon.ADVERBS[self.adverb])] if self.adverb else []
        for verb, share in verbs.items():
            stem, _, prefix = verb.partition("|")
            finite = _fixed(stem)
            end = [_fixed(prefix)] if prefix else []
            if verb_place == "last":
                yield share, (subject, *adverb, *objects, _fixed(prefix + stem))
            elif verb_place == "first":
                yield share, (finite, subject, *adverb, *objects, *end)
            else:
                fronted = lexicon.FRONTED if adverb else 0.0
                yield share * (1 - fronted), (subject, finite, *adverb, *objects, *end)
                if adverb:
                    yield share * fronted, (*adverb, finite, subject, *objects, *end)


@dataclass(frozen=True)
class Sentence:
    """A main clause, perhaps with a conjunction and a second clause after or before it."""

    main: Clause
    conjunction: str | None = None
    second: Clause | None = None
    second_first: bool = False

    def english(self) -> Words:
        if self.second is None:
            return (*self.main.english(), ".")
        second = (self.conjunction, *self.second.english())
        if self.second_first:
            return (*second, ",", *self.main.english(), ".")
        return (*self.main.english(), *second, ".")

    def german(self) -> Iterator[Template]:
        """Yield all templates; their probabilities sum to one."""
        comma, stop = _fixed(","), _fixed(".")
        if self.second is None:
            for p, main in self.main.german("second"):
                yield p, (*main, stop)
            return
        for word, share in self._german_conjunctions().items():
            place = "second" if word in lexicon.VERB_SECOND else "last"
            for p, second in self.second.german(place):
                second = (_fixed(word), *second)
                for q, main in self.main.german("first" if self.second_first else "second"):
                    order = (second, main) if self.second_first else (main, second)
                    yield share * p * q, (*order[0], comma, *order[1], stop)

    def _german_conjunctions(self) -> Mapping[str, float]:
        words = lexicon.CONJUNCTIONS[self.conjunction]
        if not self.second_first:
            return words
        kept = {w: p for w, p in words.items() if w not in lexicon.VERB_SECOND}
        return {w: p / sum(kept.values()) for w, p in kept.items()}


class Grammar:
    """The translation task: a source of sentence pairs and of their true probabilities.

    Parameters
    ----------
    seed
        Decides the sentences of `sample`; vocabulary and probabilities are the same for all seeds.

    Attributes
    ----------
    tokenizer
        Words of both languages to ids and back; ``next_token_distribution`` is over its ids.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.tokenizer = WordTokenizer(_vocabulary())

    def sample(self, n: int) -> list[tuple[Words, Words]]:
        """Return ``n`` sentence pairs with distinct sources, each with one drawn translation.

        The first n pairs of a larger sample are the sample of size n.
        """
        rng = random.Random(self.seed)
        pairs: dict[Words, Words] = {}
        while len(pairs) < n:
            sentence = _draw_sentence(rng)
            templates = list(sentence.german())
            source = sentence.english()
            if source not in pairs and _longest(templates) <= MAX_TARGET_LENGTH:
                pairs[source] = _draw_translation(rng, templates)
        return list(pairs.items())

    def translations(self, source: Sequence[str] | Sequence[int] | str) -> dict[Words, float]:
        """Return every translation of ``source`` with its probability; they sum to one."""
        table: dict[Words, float] = {}
        for share, slots in self._templates(source):
            partial = {(): share}
            for slot in slots:
                partial = {
                    (*done, *phrase): p * q
                    for done, p in partial.items()
                    for phrase, q in slot.items()
                }
            for words, p in partial.items():
                table[words] = table.get(words, 0.0) + p
        return table

    def next_token_distribution(
        self,
        source: Sequence[str] | Sequence[int] | str,
        prefix: Sequence[str] | Sequence[int] | str = (),
    ) -> np.ndarray:
        """Return the true p(next token | source, prefix).

        Parameters
        ----------
        source
            English sentence, as words, as ids of `tokenizer`, or as one string.
        prefix
            Beginning of a German translation, likewise, without the start token.

        Returns
        -------
        numpy.ndarray
            Float64 of shape (V,), summing to one; the end token follows a whole translation.

        Raises
        ------
        ValueError
            If the source is no sentence of the grammar or the prefix begins none of its
            translations.
        """
        words = self._words(prefix)
        weights = np.zeros(self.tokenizer.vocab_size)
        for share, slots in self._templates(source):
            for word, p in _continuations(slots, words):
                weights[EOS if word is None else self.tokenizer.id(word)] += share * p
        total = weights.sum()
        if total == 0.0:
            raise ValueError(f"{' '.join(words)!r} begins no translation of the source.")
        return weights / total

    def log_prob(
        self,
        source: Sequence[str] | Sequence[int] | str,
        target: Sequence[str] | Sequence[int] | str,
    ) -> float:
        """Return log p(target | source) in nats, -inf if ``target`` is no translation."""
        words = self._words(target)
        p = sum(
            share * q
            for share, slots in self._templates(source)
            for word, q in _continuations(slots, words)
            if word is None
        )
        return log(p) if p > 0 else -np.inf

    def _words(self, sentence: Sequence[str] | Sequence[int] | str) -> Words:
        if isinstance(sentence, str):
            return tuple(sentence.split())
        return tuple(w if isinstance(w, str) else self.tokenizer.word(int(w)) for w in sentence)

    def _templates(self, source: Sequence[str] | Sequence[int] | str) -> tuple[Template, ...]:
        return _templates_of(self._words(source))


@lru_cache(maxsize=8192)
def _templates_of(source: Words) -> tuple[Template, ...]:
    return tuple(parse(source).german())


def _continuations(slots: Sequence[Phrases], prefix: Words) -> Iterator[tuple[str | None, float]]:
    """Yield (next word, joint probability with ``prefix``); None where the sentence ends."""
    if not slots:
        if not prefix:
            yield None, 1.0
        return
    for phrase, p in slots[0].items():
        n = len(phrase)
        if prefix[:n] == phrase:
            for word, q in _continuations(slots[1:], prefix[n:]):
                yield word, p * q
        elif phrase[: len(prefix)] == prefix:
            yield phrase[len(prefix)], p


def _phrases(shares: Mapping[str, float]) -> Phrases:
    return {tuple(text.split()): share for text, share in shares.items()}


def _fixed(word: str) -> Phrases:
    return {(word,): 1.0}


def _verb(english: str) -> tuple[tuple[str, ...], Mapping[str, float]]:
    """Return the cases of the objects and the translations of a verb."""
    if english in lexicon.CLAUSE_VERBS:
        return (), lexicon.CLAUSE_VERBS[english]
    _, objects, verbs = lexicon.VERBS[english]
    return tuple(case for case, _ in objects), verbs


def _longest(templates: Sequence[Template]) -> int:
    return max(sum(max(map(len, slot)) for slot in slots) for _, slots in templates)


# Drawing: only ``Random.random`` is used, whose stream Python keeps from version to version.


def _pick(rng: random.Random, options: Sequence):
    return options[int(rng.random() * len(options))]


def _weighted(rng: random.Random, options: Sequence[tuple[object, float]]):
    point = rng.random()
    for value, share in options:
        point -= share
        if point < 0:
            return value
    return value


def _draw_sentence(rng: random.Random) -> Sentence:
    form = _weighted(rng, [("one", 0.3), ("that", 0.15), ("after", 0.35), ("before", 0.2)])
    if form == "one":
        return Sentence(_draw_clause(rng))
    if form == "that":
        main = Clause(_draw_noun_phrase(rng, "person"), _pick(rng, list(lexicon.CLAUSE_VERBS)))
        return Sentence(main, "that", _draw_clause(rng))
    conjunction = _pick(rng, [c for c in lexicon.CONJUNCTIONS if c != "that"])
    return Sentence(_draw_clause(rng), conjunction, _draw_clause(rng), form == "before")


def _draw_clause(rng: random.Random) -> Clause:
    verb = _pick(rng, list(lexicon.VERBS))
    subject_tags, objects, _ = lexicon.VERBS[verb]
    subject = _draw_noun_phrase(rng, subject_tags)
    drawn = tuple(_draw_noun_phrase(rng, tags) for _, tags in objects)
    adverb = _pick(rng, list(lexicon.ADVERBS)) if rng.random() < 0.4 else None
    return Clause(subject, verb, drawn, adverb)


def _draw_noun_phrase(rng: random.Random, tags: str) -> NounPhrase:
    noun = _pick(rng, _tagged(lexicon.NOUNS, tags))
    adjective = None
    if rng.random() < 0.4:
        adjective = _pick(rng, _tagged(lexicon.ADJECTIVES, lexicon.NOUNS[noun][0]))
    return NounPhrase(rng.random() < 0.6, adjective, noun)


def _tagged(words: Mapping[str, tuple[str, object]], tags: str) -> list[str]:
    wanted = set(tags.split())
    return [word for word, (own, _) in words.items() if wanted & set(own.split())]


def _draw_translation(rng: random.Random, templates: Sequence[Template]) -> Words:
    slots = _weighted(rng, [(slots, p) for p, slots in templates])
    return tuple(chain(*(_weighted(rng, list(slot.items())) for slot in slots)))


def parse(source: Sequence[str]) -> Sentence:
    """Return the structure of an English sentence of the grammar, given as words.

    Raises
    ------
    ValueError
        At the first word that does not fit, naming it.
    """
    return _Parser(tuple(source)).sentence()


class _Parser:
    """Recursive descent over the words; the grammar needs no look-ahead beyond one entry."""

    def __init__(self, words: Words) -> None:
        self.words, self.at = words, 0

    def sentence(self) -> Sentence:
        conjunction = self.optional(lexicon.CONJUNCTIONS)
        clause = self.clause()
        if conjunction and conjunction != "that":
            self.required({","}, "a comma")
            result = Sentence(self.clause(), conjunction, clause, second_first=True)
        else:
            conjunction = conjunction or self.optional(lexicon.CONJUNCTIONS)
            result = Sentence(clause, conjunction, self.clause() if conjunction else None)
        self.required({"."}, "a full stop")
        if self.at < len(self.words):
            self.fail("the end")
        return result

    def clause(self) -> Clause:
        subject = self.noun_phrase()
        verb = self.required({**lexicon.VERBS, **lexicon.CLAUSE_VERBS}, "a verb")
        objects = tuple(self.noun_phrase() for _ in _verb(verb)[0])
        return Clause(subject, verb, objects, self.optional(lexicon.ADVERBS))

    def noun_phrase(self) -> NounPhrase:
        article = self.required({"the", "a", "an"}, "an article")
        adjective = self.optional(lexicon.ADJECTIVES)
        return NounPhrase(article == "the", adjective, self.required(lexicon.NOUNS, "a noun"))

    def optional(self, entries) -> str | None:
        for n in (3, 2, 1):
            entry = " ".join(self.words[self.at : self.at + n])
            if entry in entries:
                self.at += entry.count(" ") + 1
                return entry
        return None

    def required(self, entries, what: str) -> str:
        entry = self.optional(entries)
        if entry is None:
            self.fail(what)
        return entry

    def fail(self, expected: str) -> None:
        found = self.words[self.at] if self.at < len(self.words) else "the end"
        raise ValueError(
            f"Not a sentence of the grammar: expected {expected} at word {self.at + 1}, "
            f"found {found!r} in {' '.join(self.words)!r}."
        )


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[str, ...]:
    """Return all words of both languages, sorted."""
    english = {"the", "a", "an", ",", "."}
    groups = (
        lexicon.NOUNS,
        lexicon.ADJECTIVES,
        lexicon.VERBS,
        lexicon.CLAUSE_VERBS,
        lexicon.ADVERBS,
        lexicon.CONJUNCTIONS,
    )
    for entry in chain(*groups):
        english.update(entry.split())
    return tuple(sorted(english | german_words()))


def german_words() -> set[str]:
    """Return every German word the grammar can produce, without punctuation."""
    words = {word for pair in lexicon.ARTICLES.values() for word in pair}
    for _, nouns in lexicon.NOUNS.values():
        words.update(chain(*(entry.split()[1].split("/") for entry in nouns)))
    endings = {ending for pair in lexicon.ENDINGS.values() for ending in pair}
    for _, stems in lexicon.ADJECTIVES.values():
        words.update(stem + ending for stem in stems for ending in endings)
    for verbs in chain((v for *_, v in lexicon.VERBS.values()), lexicon.CLAUSE_VERBS.values()):
        for verb in verbs:
            stem, _, prefix = verb.partition("|")
            words.update({stem, prefix + stem, prefix} - {""})
    for table in chain(lexicon.ADVERBS.values(), lexicon.CONJUNCTIONS.values()):
        words.update(chain(*(entry.split() for entry in table)))
    return words
