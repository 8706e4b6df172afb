"""Batched beam search against Hugging Face's Marian with its cache, and JoeyNMT.

All hold the same post-norm Transformer with the same weights, in which no sentence ever ends, so
that the work is equal and the outputs can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from benchmarks._compare import milliseconds, missing, row, show
from lsbook.data.tokenizers import BOS, EOS, PAD, UNK
from lsbook.data.vision import import_torchvision
from lsbook.estimators.decoding import beam_search
from lsbook.models.transformer import Transformer, sinusoids

VOCAB, D, HEADS, LAYERS, D_FF = 10_000, 256, 8, 3, 1024
BATCH, LENGTH, BEAM, PENALTY = 32, 32, 4, 0.6
CASE = (
    f"beam search, width {BEAM}, {BATCH} sentences of {LENGTH} tokens, "
    f"d {D}, {LAYERS}+{LAYERS} layers, V {VOCAB}"
)
JOEY_NOTE = (
    "JoeyNMT is not installed; its pins clash with ours, so: pip install --no-deps joeynmt==2.3.0 "
    "importlib_metadata tensorboard subword-nmt and what these ask for"
)

Search = Callable[[Tensor], Tensor]


def main() -> list[dict]:
    against_joey = compare("JoeyNMT 2.3", joey, repeats=3)
    if against_joey["ratio"] is None:
        against_joey["note"] = JOEY_NOTE
    return [compare("Hugging Face Marian, cached", marian, repeats=7), against_joey]


def compare(name: str, build: Callable[[Transformer], Search], repeats: int) -> dict:
    model = endless_model()
    try:
        theirs = build(model)
    except ImportError:
        return missing(CASE, name)
    random = torch.Generator().manual_seed(0)
    source = torch.randint(UNK + 1, VOCAB, (BATCH, LENGTH), generator=random)

    def ours() -> Tensor:
        found = beam_search(model, source, BEAM, PENALTY, max_len=LENGTH)
        return torch.tensor([best.tokens for (best,) in found])

    equal = int((ours() == theirs(source)).all(1).sum())
    ours_ms, theirs_ms = milliseconds(ours, lambda: theirs(source), repeats=repeats)
    speed = 1e3 * BATCH * LENGTH / ours_ms
    note = f"{equal} of {BATCH} outputs equal; {speed:.0f} tokens/s"
    return row(CASE, name, ours_ms, theirs_ms, note=note)


@torch.no_grad()
def endless_model() -> Transformer:
    """Weights large enough that outputs vary, and special ids that are never the best.

    The first hidden unit of the last layer is constant and lowers their logits.
    """
    torch.manual_seed(0)
    model = Transformer(VOCAB, D, LAYERS, HEADS, D_FF, norm="post").eval()
    for block in (*model.encoder, *model.decoder):
        for attention in (block.attention, *([block.cross] if hasattr(block, "cross") else [])):
            for weight in attention.parameters():
                weight.mul_(4)
    last = model.decoder[-1].residuals[-1].norm
    last.weight[0], last.bias[0] = 0, 25
    embedding = model.embedding.weight.mul_(1.2)
    embedding[:, 0] = 0
    embedding[[PAD, BOS, EOS, UNK], 0] = -2
    return model


@torch.no_grad()
def marian(model: Transformer) -> Search:
    """Marian with the weights of ``model``."""
    import_torchvision()
    from transformers import MarianConfig, MarianMTModel

    size = {
        f"{side}_{name}": value
        for side in ("encoder", "decoder")
        for name, value in (("layers", LAYERS), ("attention_heads", HEADS), ("ffn_dim", D_FF))
    }
    peer = MarianMTModel(
        MarianConfig(
            vocab_size=VOCAB,
            d_model=D,
            max_position_embeddings=LENGTH + 1,
            activation_function="relu",
            scale_embedding=True,
            pad_token_id=PAD,
            eos_token_id=EOS,
            forced_eos_token_id=None,
            decoder_start_token_id=BOS,
            **size,
        )
    ).eval()

    def parts(attention: nn.Module) -> Sequence[nn.Linear]:
        return attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj

    peer.model.shared.weight.copy_(model.embedding.weight)
    for side in (peer.model.encoder, peer.model.decoder):
        side.embed_positions.weight.copy_(sinusoids(torch.arange(LENGTH + 1), D))
    for ours, theirs in zip(model.encoder, peer.model.encoder.layers):
        norms = theirs.self_attn_layer_norm, theirs.final_layer_norm
        copy_block(ours, [parts(theirs.self_attn)], norms, (theirs.fc1, theirs.fc2))
    for ours, theirs in zip(model.decoder, peer.model.decoder.layers):
        attentions = [parts(theirs.self_attn), parts(theirs.encoder_attn)]
        norms = (
            theirs.self_attn_layer_norm, theirs.encoder_attn_layer_norm, theirs.final_layer_norm
        )
        copy_block(ours, attentions, norms, (theirs.fc1, theirs.fc2))

    def search(source: Tensor) -> Tensor:
        found = peer.generate(
            input_ids=source,
            attention_mask=torch.ones_like(source),
            num_beams=BEAM,
            length_penalty=PENALTY,
            max_new_tokens=LENGTH,
            do_sample=False,
            use_cache=True,
        )
        return found[:, 1:]

    return search


@torch.no_grad()
def joey(model: Transformer) -> Search:
    """JoeyNMT's Transformer with the weights of ``model``."""
    import_torchvision()
    from joeynmt.decoders import TransformerDecoder
    from joeynmt.embeddings import Embeddings
    from joeynmt.encoders import TransformerEncoder
    from joeynmt.model import Model
    from joeynmt.search import beam_search as joey_search

    size = dict(
        num_layers=LAYERS, num_heads=HEADS, hidden_size=D, ff_size=D_FF, layer_norm="post"
    )
    embedding = Embeddings(D, scale=True, vocab_size=VOCAB, padding_idx=PAD)
    vocabulary = SimpleNamespace(
        pad_index=PAD, bos_index=BOS, eos_index=EOS, unk_index=UNK, sep_index=None,
        specials=[], lang_tags=[],
    )
    encoder, decoder = TransformerEncoder(**size), TransformerDecoder(**size, vocab_size=VOCAB)
    peer = Model(encoder, decoder, embedding, embedding, vocabulary, vocabulary).eval()
    for module in peer.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = nn.LayerNorm(1).eps

    def parts(attention: nn.Module) -> Sequence[nn.Linear]:
        return attention.q_layer, attention.k_layer, attention.v_layer, attention.output_layer

    embedding.lut.weight.copy_(model.embedding.weight)
    decoder.output_layer.weight = embedding.lut.weight
    for side in (encoder, decoder):
        side.pe.pe = sinusoids(torch.arange(LENGTH + 1), D)[None]
    for ours, theirs in zip(model.encoder, encoder.layers):
        feed = theirs.feed_forward
        norms = theirs.layer_norm, feed.layer_norm
        copy_block(ours, [parts(theirs.src_src_att)], norms, feed.pwff_layer[::3])
    for ours, theirs in zip(model.decoder, decoder.layers):
        feed = theirs.feed_forward
        attentions = [parts(theirs.trg_trg_att), parts(theirs.src_trg_att)]
        norms = theirs.x_layer_norm, theirs.dec_layer_norm, feed.layer_norm
        copy_block(ours, attentions, norms, feed.pwff_layer[::3])

    @torch.no_grad()
    def search(source: Tensor) -> Tensor:
        mask = (source != PAD)[:, None]
        lengths = (source != PAD).sum(1)
        encoded, _, _, _ = peer(return_type="encode", src=source, src_length=lengths, src_mask=mask)
        found, _, _ = joey_search(peer, BEAM, encoded, None, mask, LENGTH, PENALTY)
        return torch.as_tensor(found)

    return search


def copy_block(
    ours: nn.Module,
    attentions: Sequence[Sequence[nn.Linear]],
    norms: Sequence[nn.LayerNorm],
    linears: Sequence[nn.Linear],
) -> None:
    """Copy a layer into the peer's attentions (query, key, value, output) and the rest."""
    for theirs, name in zip(attentions, ("attention", "cross")):
        own = getattr(ours, name)
        for linear, part in zip(theirs, (own.query, own.key, own.value, own.output), strict=True):
            linear.weight.copy_(part.weight)
            linear.bias.zero_()
    for norm, residual in zip(norms, ours.residuals, strict=True):
        norm.load_state_dict(residual.norm.state_dict())
    for linear, part in zip(linears, (ours.feed_forward[0], ours.feed_forward[2]), strict=True):
        linear.load_state_dict(part.state_dict())


if __name__ == "__main__":
    show(main())
