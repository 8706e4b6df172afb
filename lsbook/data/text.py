"""Parallel text behind one function: `load_text`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from lsbook.data import store
from lsbook.data.grammar import Grammar
from lsbook.data.tokenizers import BOS, EOS, PAD, UNK, SubwordTokenizer, WordTokenizer
from lsbook.validation import check_count, check_seed

Pair = tuple[list[int], list[int]]

NAMES = ("grammar", "multi30k")
_GRAMMAR_SIZES = {"train": 1500, "val": 500, "test": 500}
_MULTI30K_SPLITS = {"train": "train", "val": "val", "test": "test_2016_flickr"}
_MULTI30K_URL = "https://{}/data/task1/raw/{}.gz"
_MULTI30K_HOSTS = (
    "raw.githubusercontent.com/multi30k/dataset/master",
    "github.com/multi30k/dataset/raw/master",
)
_MULTI30K_MD5 = {
    "train.en": "053a34ece7c904dbc8c7361799afbe4c",
    "train.de": "d3b4bc1671cfb805267f97f16884beba",
    "val.en": "2234730e7925354b766681b029b347ec",
    "val.de": "9f139b15d9d11936dea7af2904e57d8c",
    "test_2016_flickr.en": "2022a6c31e2418047a0511333d55ed42",
    "test_2016_flickr.de": "cde61d7401b116652ee84099c7858ca3",
}
_MORE_TESTS = {
    "test_2017_flickr": "multi30k/test_2017_flickr",
    "test_2017_mscoco": "multi30k/test_2017_mscoco",
    "test_2018_flickr": "multi30k/test_2018_flickr",
    "newstest2015": "wmt15/test",
}
_BPE_SIZE = 8000


@dataclass(frozen=True, eq=False)
class Text:
    """English-German sentence pairs, split and tokenised.

    Attributes
    ----------
    train, val, test
        Pairs (source ids, target ids) without start and end tokens.
    tokenizer
        One vocabulary for both languages, with ``encode``, ``decode`` and ``vocab_size``;
        0 is padding, 1 start, 2 end, 3 unknown.
    references
        The German sentences of each split as strings, to score translations with.
    content_hash
        SHA-256 of the pairs of ids of train, val and test, in hexadecimal.
    more_tests
        Further test splits by name, with references under the same name.
    """

    name: str
    train: list[Pair]
    val: list[Pair]
    test: list[Pair]
    tokenizer: WordTokenizer | SubwordTokenizer
    references: dict[str, list[str]]
    content_hash: str
    more_tests: dict[str, list[Pair]] = field(default_factory=dict)


def load_text(
    name: str,
    *,
    seed: int = 0,
    sentences: int | None = None,
    root: str | Path | None = None,
    lower: bool = False,
    download: bool = False,
) -> Text:
    """Load parallel text by name.

    Parameters
    ----------
    name
        "grammar": 1,500 + 500 + 500 sentences of `Grammar`, no source in two parts, no files
        needed; its true probabilities are those of ``Grammar(seed)``. "multi30k": 29,000 + 1,014
        image captions and test_2016_flickr, in 8,000 shared byte-pair pieces; where their files
        lie beside it, also the test sets of 2017 and 2018, and news as a test out of its domain.
    seed
        Of the generator for "grammar".
    sentences
        Training sentences of "grammar" in place of the 1,500; validation and test stay.
    root
        Data directory, `data_dir` if None.
    lower
        Lower-case "multi30k", as its published scores often are.
    download
        Fetch missing files.

    Raises
    ------
    ValueError
        If ``name`` is unknown, ``seed`` no whole number from 0 up and below 2**32, or
        ``sentences`` none from 1 up.
    DataError
        If files are missing, damaged or cannot be fetched; the message says what to do.
    """
    if name == "grammar":
        count = None if sentences is None else check_count(sentences, "sentences")
        return _grammar(check_seed(seed), count)
    if name == "multi30k":
        return _multi30k(root, lower, download)
    raise ValueError(f"Unknown text {name!r}; choose one of {', '.join(NAMES)}.")


def _grammar(seed: int, sentences: int | None) -> Text:
    grammar = Grammar(seed)
    train, val, test = _GRAMMAR_SIZES.values()
    sentences = sentences or train
    pairs = [
        (" ".join(source), " ".join(target))
        for source, target in grammar.sample(val + test + max(train, sentences))
    ]
    raw = {
        "train": (pairs[:train] + pairs[train + val + test :])[:sentences],
        "val": pairs[train : train + val],
        "test": pairs[train + val : train + val + test],
    }
    return _text("grammar", raw, grammar.tokenizer)


def _multi30k(root: str | Path | None, lower: bool, download: bool) -> Text:
    files = {f"multi30k/{file}": md5 for file, md5 in _MULTI30K_MD5.items()}

    def fetch(path: str, directory: Path) -> None:
        urls = [_MULTI30K_URL.format(host, Path(path).name) for host in _MULTI30K_HOSTS]
        store.fetch(directory / path, urls, files[path], gzipped=True)

    directory = store.ensure("multi30k", root, files, fetch, download, "load_text")
    raw = {
        split: _sentences(directory / "multi30k" / file, lower)
        for split, file in _MULTI30K_SPLITS.items()
    }
    more = {
        split: _sentences(directory / file, lower)
        for split, file in _MORE_TESTS.items()
        if all((directory / f"{file}.{end}").exists() for end in ("en", "de"))
    }
    return _text("multi30k", raw, _byte_pairs(raw["train"], directory), more)


def _sentences(path: Path, lower: bool) -> list[tuple[str, str]]:
    english, german = (_lines(path.with_name(f"{path.name}.{end}"), lower) for end in ("en", "de"))
    return list(zip(english, german, strict=True))


def _lines(path: Path, lower: bool) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [line.strip() for line in (text.lower() if lower else text).rstrip("\n").split("\n")]


def _byte_pairs(pairs: Sequence[tuple[str, str]], directory: Path) -> SubwordTokenizer:
    lines = [line for pair in pairs for line in pair]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    cached = directory / "multi30k" / f"bpe-{_BPE_SIZE}-{digest}.model"
    if cached.exists():
        with suppress(RuntimeError):  # a damaged model is trained again
            return SubwordTokenizer(cached.read_bytes())
    model = _train_byte_pairs(lines)
    with suppress(OSError):  # a read-only data directory costs a training each time, no more
        store.write(cached, model)
    return SubwordTokenizer(model)


def _train_byte_pairs(lines: Sequence[str]) -> bytes:
    import sentencepiece

    model = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="bpe",
        vocab_size=_BPE_SIZE,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        num_threads=1,
        pad_id=PAD,
        bos_id=BOS,
        eos_id=EOS,
        unk_id=UNK,
        minloglevel=2,
    )
    return model.getvalue()


def _text(
    name: str,
    raw: Mapping[str, Sequence[tuple[str, str]]],
    tokenizer: WordTokenizer | SubwordTokenizer,
    more_tests: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> Text:
    more = more_tests or {}
    encode = tokenizer.encode
    parts, tests = (
        {split: [(encode(en), encode(de)) for en, de in pairs] for split, pairs in group.items()}
        for group in (raw, more)
    )
    return Text(
        name=name,
        **parts,
        tokenizer=tokenizer,
        references={
            split: [target for _, target in pairs] for split, pairs in (*raw.items(), *more.items())
        },
        content_hash=hashlib.sha256(repr(parts).encode()).hexdigest(),
        more_tests=tests,
    )
