"""An encoder-decoder Transformer with incremental decoding.

Vaswani et al. 2017, with tensor2tensor's choices: one scaled embedding for source, target and
output, attention without biases, glorot initialisation, normalisation before (pre) each sublayer
or after (post) its residual.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def sinusoids(positions: Tensor, d_model: int) -> Tensor:
    """Position codes (n, d_model) of integer ``positions`` (n,): sines, then cosines."""
    rate = torch.arange(d_model // 2, device=positions.device) * (-2 * math.log(10_000) / d_model)
    angle = positions[:, None] * rate.exp()
    return torch.cat([angle.sin(), angle.cos()], 1)


class Attention(nn.Module):
    """Multi-head attention of queries (B, Q, d) over keys and values (B, heads, S, d/heads)."""

    def __init__(self, d_model: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(d_model, d_model, bias=False)
        self.key = nn.Linear(d_model, d_model, bias=False)
        self.value = nn.Linear(d_model, d_model, bias=False)
        self.output = nn.Linear(d_model, d_model, bias=False)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, heads, S, d/heads) of ``x`` (B, S, d)."""
        return self._split(self.key(x)), self._split(self.value(x))

    def forward(
        self,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """Mixed values (B, Q, d); ``mask`` is True where a query may look."""
        queries = self._split(self.query(x))
        mixed = F.scaled_dot_product_attention(queries, keys, values, mask, is_causal=causal)
        return self.output(mixed.transpose(1, 2).flatten(2))


class Residual(nn.Module):
    """x + f(norm(x)) where ``pre``, else norm(x + f(x)), with dropout on f."""

    def __init__(self, d_model: int, dropout: float, pre: bool):
        super().__init__()
        self.norm = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)
        self.pre = pre

    def forward(self, x: Tensor, f: Callable[[Tensor], Tensor]) -> Tensor:
        if self.pre:
            return x + self.dropout(f(self.norm(x)))
        return self.norm(x + self.dropout(f(x)))


class FeedForward(nn.Sequential):
    """Two linear layers with a ReLU between."""

    def __init__(self, d_model: int, d_ff: int):
        super().__init__(nn.Linear(d_model, d_ff), nn.ReLU(), nn.Linear(d_ff, d_model))


class EncoderLayer(nn.Module):
    """Self-attention, then a feed-forward network."""

    def __init__(self, d_model: int, heads: int, d_ff: int, dropout: float, pre: bool):
        super().__init__()
        self.attention = Attention(d_model, heads)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.residuals = nn.ModuleList(Residual(d_model, dropout, pre) for _ in range(2))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        attend, feed = self.residuals
        x = attend(x, lambda h: self.attention(h, *self.attention.keys_values(h), mask))
        return feed(x, self.feed_forward)


class DecoderLayer(nn.Module):
    """Self-attention over the prefix, attention to the source, then a feed-forward network."""

    def __init__(self, d_model: int, heads: int, d_ff: int, dropout: float, pre: bool):
        super().__init__()
        self.attention = Attention(d_model, heads)
        self.cross = Attention(d_model, heads)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.residuals = nn.ModuleList(Residual(d_model, dropout, pre) for _ in range(3))

    def forward(
        self,
        x: Tensor,
        source: tuple[Tensor, Tensor],
        source_mask: Tensor,
        prefix: Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]] | None = None,
    ) -> Tensor:
        """Next hidden states; ``prefix`` takes in new keys and values, gives all and their mask."""

        def attend(h: Tensor) -> Tensor:
            keys, values = self.attention.keys_values(h)
            if prefix is None:
                return self.attention(h, keys, values, causal=True)
            return self.attention(h, *prefix(keys, values))

        first, second, third = self.residuals
        x = first(x, attend)
        x = second(x, lambda h: self.cross(h, *source, source_mask))
        return third(x, self.feed_forward)


@dataclass
class State:
    """What incremental decoding of B sentences with W beams each has seen so far.

    The source's keys and values are computed once a layer and shared by the beams of a sentence.
    The prefix cache has a place for each of its ``max_len`` steps and W beams, and never moves:
    ``visible`` (B, 1, W, max_len, W) says which places make up the history of each beam.
    """

    source: list[tuple[Tensor, Tensor]]
    source_mask: Tensor
    keys: list[Tensor]
    values: list[Tensor]
    visible: Tensor
    length: int = 0

    @property
    def beams(self) -> int:
        return self.visible.shape[2]

    def prefix(self, layer: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
        """What `DecoderLayer` calls to store this step's keys and values and get all of them."""
        t = self.length

        def remember(keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            self.keys[layer][:, :, t] = keys
            self.values[layer][:, :, t] = values
            return (
                self.keys[layer][:, :, : t + 1].flatten(2, 3),
                self.values[layer][:, :, : t + 1].flatten(2, 3),
                self.visible[:, :, :, : t + 1].flatten(3, 4),
            )

        return remember


class Transformer(nn.Module):
    """Encoder and decoder of ``layers`` layers each over one vocabulary.

    Parameters
    ----------
    vocab, d_model, layers, heads, d_ff
        Sizes; ``heads`` divides ``d_model``, which is even.
    dropout
        Probability, on the embeddings and on every sublayer's output.
    norm
        "pre" or "post".
    pad
        The id that fills up short sentences.
    """

    def __init__(
        self,
        vocab: int,
        d_model: int = 64,
        layers: int = 2,
        heads: int = 4,
        d_ff: int = 128,
        dropout: float = 0.1,
        norm: str = "pre",
        pad: int = 0,
    ):
        super().__init__()
        if norm not in ("pre", "post"):
            raise ValueError(f'norm must be "pre" or "post"; got {norm!r}.')
        if d_model % heads or d_model % 2:
            raise ValueError(
                f"d_model must be even and a multiple of heads; got {d_model}/{heads}.")
        self.d_model, self.pad = d_model, pad
        self.embedding = nn.Embedding(vocab, d_model)
        self.dropout = nn.Dropout(dropout)
        size = (d_model, heads, d_ff, dropout, norm == "pre")
        self.encoder = nn.ModuleList(EncoderLayer(*size) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderLayer(*size) for _ in range(layers))
        last_norm = nn.LayerNorm if norm == "pre" else nn.Identity
        self.encoder_norm, self.decoder_norm = last_norm(d_model), last_norm(d_model)
        self._initialise()

    def _initialise(self) -> None:
        nn.init.normal_(self.embedding.weight, std=self.d_model**-0.5)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def templates(self) -> Tensor:
        """Output templates (V, d): the embedding itself, there is no bias."""
        return self.embedding.weight

    def _embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        x = self.embedding(tokens) * math.sqrt(self.d_model)
        return self.dropout(x + sinusoids(positions, self.d_model))

    def _encode(self, source: Tensor) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
        """Keys and values of ``source`` for each decoder layer, and the mask (B, 1, 1, S)."""
        mask = (source != self.pad)[:, None, None]
        x = self._embed(source, torch.arange(source.shape[1], device=source.device))
        for layer in self.encoder:
            x = layer(x, mask)
        x = self.encoder_norm(x)
        return [layer.cross.keys_values(x) for layer in self.decoder], mask

    def forward(
        self, source: Tensor, target_in: Tensor, return_activations: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, T, V) of the token after each prefix, on request with what they come from.

        Parameters
        ----------
        source, target_in
            Token ids (B, S) and (B, T), padded at the end; ``target_in`` starts with BOS.
        return_activations
            Give the decoder's outputs (B, T, d) as well.
        """
        memory, mask = self._encode(source)
        x = self._embed(target_in, torch.arange(target_in.shape[1], device=source.device))
        for layer, keys_values in zip(self.decoder, memory):
            x = layer(x, keys_values, mask)
        x = self.decoder_norm(x)
        logits = F.linear(x, self.embedding.weight)
        return (logits, x) if return_activations else logits

    def encode(self, source: Tensor, beams: int = 1, max_len: int = 256) -> State:
        """State that decodes ``source`` (B, S) with ``beams`` W each, up to ``max_len`` steps.

        Raises
        ------
        ValueError
            If ``source`` holds a token id beyond the vocabulary.
        """
        vocab = self.embedding.num_embeddings
        beyond = source[(source < 0) | (source >= vocab)]
        if len(beyond):
            raise ValueError(
                f"source must hold token ids in [0, {vocab - 1}], the model's vocabulary; "
                f"found {beyond[0].item()}."
            )
        memory, mask = self._encode(source)
        keys = memory[0][0]
        batch, heads, _, width = keys.shape
        shape = (batch, heads, max_len, beams, width)
        return State(
            source=memory,
            source_mask=mask,
            keys=[keys.new_empty(shape) for _ in self.decoder],
            values=[keys.new_empty(shape) for _ in self.decoder],
            visible=mask.new_zeros(batch, 1, beams, max_len, beams),
        )

    def step(self, state: State, tokens: Tensor) -> Tensor:
        """Logits (B·W, V) of the token after ``tokens`` (B·W,).

        The beams of a sentence are side by side. They take the place of the time axis, so that
        they attend together.

        Raises
        ------
        ValueError
            If the state is full.
        """
        if state.length == state.visible.shape[3]:
            raise ValueError(f"The state holds {state.length} steps; encode with a larger max_len.")
        position = torch.tensor([state.length], device=tokens.device)
        x = self._embed(tokens.view(-1, state.beams), position)
        state.visible[:, 0, :, state.length].diagonal(dim1=1, dim2=2).fill_(True)
        for i, layer in enumerate(self.decoder):
            x = layer(x, state.source[i], state.source_mask, state.prefix(i))
        state.length += 1
        return F.linear(self.decoder_norm(x).flatten(0, 1), self.embedding.weight)

    def reorder(self, state: State, index: Tensor) -> None:
        """Let beam i go on from the history of beam ``index[i]`` (B·W,) of the same sentence."""
        state.visible = state.visible.flatten(0, 2)[index].view_as(state.visible)

    def select(self, state: State, sentences: Tensor) -> None:
        """Keep only some ``sentences`` (n,) of the batch."""
        state.source = [(k[sentences], v[sentences]) for k, v in state.source]
        state.source_mask = state.source_mask[sentences]
        state.keys = [k[sentences] for k in state.keys]
        state.values = [v[sentences] for v in state.values]
        state.visible = state.visible[sentences]
