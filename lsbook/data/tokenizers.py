"""Text to ids and back; both languages share one vocabulary and the special ids."""

from __future__ import annotations

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
        """Return the word of an id."""
        return self._words[token]

    def encode(self, text: str | Sequence[str]) -> list[int]:
        """Return the ids of a string or of its words, without start and end."""
        return [self.id(word) for word in (text.split() if isinstance(text, str) else text)]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the string of ids; padding, start and end are left out."""
        return " ".join(self._words[t] for t in tokens if t not in (PAD, BOS, EOS))


class SubwordTokenizer:
    """Byte-pair pieces by sentencepiece: lossless, so decoded text can be scored as it is.

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
        return self._pieces.id_to_piece(int(token))

    def encode(self, text: str) -> list[int]:
        """Return the ids of a string, without start and end."""
        return self._pieces.encode(text)

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the string of ids; padding, start and end are left out."""
        return self._pieces.decode([int(t) for t in tokens if t not in (PAD, BOS, EOS)])
