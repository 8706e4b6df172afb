"""Text to ids and back; both languages share one vocabulary and the special ids."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence

PAD, BOS, EOS, UNK = range(4)
_SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")


class WordTokenizer:
    """One id a word, for the grammar; words are separated by spaces.

    Parameters
    ----------
    words
        The vocabulary, numbered from 4 on in the order given.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words = (*_SPECIAL, *words)
        self._ids = {word: i for i, word in enumerate(self._words)}

    @property
    def vocab_size(self) -> int:
        """Number of ids V, the four special ones included."""
        return len(self._words)

    def id(self, word: str) -> int:
        """Return the id of a word, 3 if it is unknown."""
        return self._ids.get(word, UNK)

    def word(self, token: int) -> str:
        """Return the word of an id in [0, V)."""
        return self._words[_check_id(token, self.vocab_size)]

    def encode(self, text: str | Sequence[str]) -> list[int]:
        """Return the ids of a string or of its words, without start and end."""
        words = text.split() if isinstance(text, str) else text
        if not isinstance(words, Iterable) or not all(isinstance(word, str) for word in words):
            raise TypeError(f"text must be a string or a list of words; got {text!r}.")
        return [self.id(word) for word in words]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the string of ids; padding, start and end are left out."""
        return " ".join(self._words[t] for t in _content(tokens, self.vocab_size))


class SubwordTokenizer:
    """Byte-pair pieces by sentencepiece; decoded text can be scored as it is.

    Text of the characters that the model was trained on comes back as it was, spaces included. A
    character it has not seen becomes the unknown id, decoded as " ⁇ ", and "▁" comes back as a
    space.

    Parameters
    ----------
    model
        A serialised sentencepiece model with the special ids 0 to 3.
    """

    def __init__(self, model: bytes) -> None:
        import sentencepiece

        self._pieces = sentencepiece.SentencePieceProcessor(model_proto=model)

    @property
    def vocab_size(self) -> int:
        """Number of ids V, the four special ones included."""
        return self._pieces.get_piece_size()

    def word(self, token: int) -> str:
        """Return the piece of an id; "▁" at its start stands for a space."""
        return self._pieces.id_to_piece(_check_id(token, self.vocab_size))

    def encode(self, text: str) -> list[int]:
        """Return the ids of a string, without start and end."""
        if not isinstance(text, str):
            raise TypeError(f"text must be a string; got {text!r}.")
        return self._pieces.encode(text)

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the string of ids; padding, start and end are left out."""
        return self._pieces.decode(_content(tokens, self.vocab_size))


def _content(tokens: Iterable[int], vocab_size: int) -> list[int]:
    """The ids of what is said: without padding, start and end."""
    if not isinstance(tokens, Iterable):
        raise TypeError(f"tokens must be a list of ids; got {tokens!r}.")
    ids = [_check_id(token, vocab_size) for token in tokens]
    return [i for i in ids if i not in (PAD, BOS, EOS)]


def _check_id(token: int, vocab_size: int) -> int:
    try:
        i = operator.index(token)
    except TypeError:
        raise TypeError(f"A token must be an integer; got {token!r}.") from None
    if not 0 <= i < vocab_size:
        raise ValueError(f"Tokens must lie in [0, {vocab_size - 1}]; found {i}.")
    return i
