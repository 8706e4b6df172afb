"""The Transformer against torch's own layers, closed forms, and itself without a cache."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from lsbook import models
from lsbook.models.transformer import Transformer, sinusoids

V, D, LAYERS, HEADS, D_FF = 11, 16, 2, 4, 24
NORMS = pytest.mark.parametrize("norm", ["pre", "post"])


def random_model(norm: str = "pre", seed: int = 0) -> Transformer:
    """A network whose every weight matters: fresh initialisation mostly repeats its input."""
    torch.manual_seed(seed)
    model = models.build(
        "transformer", vocab=V, d_model=D, layers=LAYERS, heads=HEADS, d_ff=D_FF, norm=norm
    )
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.4)
    return model.double().eval().requires_grad_(False)


def batch() -> tuple[Tensor, Tensor]:
    """Sources of 6, 3 and 5 tokens, and prefixes of 7."""
    random = torch.Generator().manual_seed(1)
    source = torch.randint(3, V, (3, 6), generator=random)
    source[1, 3:] = source[2, 5:] = 0
    target_in = torch.randint(3, V, (3, 7), generator=random)
    target_in[:, 0] = 1
    return source, target_in


def torch_stack(model: Transformer, norm: str) -> nn.Transformer:
    """torch's Transformer with the same weights."""
    peer = nn.Transformer(
        D, HEADS, LAYERS, LAYERS, D_FF, dropout=0.0, batch_first=True, norm_first=norm == "pre"
    ).double().eval()

    def copy_attention(theirs: nn.MultiheadAttention, ours: nn.Module) -> None:
        theirs.in_proj_weight.copy_(
            torch.cat([ours.query.weight, ours.key.weight, ours.value.weight])
        )
        theirs.in_proj_bias.zero_()
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.zero_()

    with torch.no_grad():
        pairs = [*zip(peer.encoder.layers, model.encoder), *zip(peer.decoder.layers, model.decoder)]
        for theirs, ours in pairs:
            copy_attention(theirs.self_attn, ours.attention)
            if hasattr(ours, "cross"):
                copy_attention(theirs.multihead_attn, ours.cross)
            theirs.linear1.load_state_dict(ours.feed_forward[0].state_dict())
            theirs.linear2.load_state_dict(ours.feed_forward[2].state_dict())
            for i, residual in enumerate(ours.residuals, 1):
                getattr(theirs, f"norm{i}").load_state_dict(residual.norm.state_dict())
        if norm == "pre":
            peer.encoder.norm.load_state_dict(model.encoder_norm.state_dict())
            peer.decoder.norm.load_state_dict(model.decoder_norm.state_dict())
        else:
            peer.encoder.norm = peer.decoder.norm = None
    return peer


@pytest.mark.filterwarnings("ignore:.*nested.tensor")
@NORMS
def test_equals_torchs_transformer(norm):
    model = random_model(norm)
    source, target_in = batch()

    def embed(tokens: Tensor) -> Tensor:
        positions = torch.arange(tokens.shape[1])
        return model.embedding.weight[tokens] * math.sqrt(D) + sinusoids(positions, D)

    peer = torch_stack(model, norm)
    future = nn.Transformer.generate_square_subsequent_mask(target_in.shape[1]).bool()
    with torch.no_grad():
        expected = peer(
            embed(source),
            embed(target_in),
            tgt_mask=future,
            src_key_padding_mask=source == 0,
            memory_key_padding_mask=source == 0,
        )
    logits, hidden = model(source, target_in, return_activations=True)
    torch.testing.assert_close(hidden, expected)
    torch.testing.assert_close(logits, expected @ model.templates().T)


def test_positions_are_the_papers_sines_and_cosines():
    codes = sinusoids(torch.tensor([0, 3, 50]), 8).double()
    for row, position in zip(codes, (0, 3, 50)):
        angle = [position / 10_000 ** (2 * i / 8) for i in range(4)]
        expected = [math.sin(a) for a in angle] + [math.cos(a) for a in angle]
        torch.testing.assert_close(row, torch.tensor(expected).double(), atol=1e-5, rtol=0)


@NORMS
def test_parameter_count(norm):
    attention, feed_forward, layer_norm = 4 * D * D, 2 * D * D_FF + D_FF + D, 2 * D
    encoder = attention + feed_forward + 2 * layer_norm
    decoder = 2 * attention + feed_forward + 3 * layer_norm
    last = 2 * layer_norm if norm == "pre" else 0
    expected = V * D + LAYERS * (encoder + decoder) + last
    assert sum(p.numel() for p in random_model(norm).parameters()) == expected


def test_base_model_has_the_size_vaswani_et_al_report():
    with torch.device("meta"):
        model = Transformer(37_000, d_model=512, layers=6, heads=8, d_ff=2048)
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(65e6, rel=0.05)


def test_initialisation_is_tensor2tensors():
    torch.manual_seed(0)
    model = Transformer(5000, d_model=64, d_ff=128)
    assert model.embedding.weight.std().item() == pytest.approx(64**-0.5, rel=0.02)
    for layer in (model.decoder[0].cross.query, model.encoder[0].feed_forward[0]):
        bound = math.sqrt(6 / (layer.in_features + layer.out_features))
        assert layer.weight.abs().max().item() == pytest.approx(bound, rel=0.02)
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)
    assert not model.encoder[0].feed_forward[0].bias.any()


def test_every_parameter_learns():
    torch.manual_seed(0)
    model = Transformer(V, d_model=D, heads=HEADS, d_ff=D_FF)
    source, target_in = batch()
    model(source, target_in).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


@NORMS
def test_decoder_does_not_see_the_future(norm):
    model = random_model(norm)
    source, target_in = batch()
    before = model(source, target_in)
    for t in range(1, target_in.shape[1]):
        changed = target_in.clone()
        changed[:, t:] = 13 - changed[:, t:]
        after = model(source, changed)
        torch.testing.assert_close(after[:, :t], before[:, :t])
        assert not torch.allclose(after[:, t], before[:, t])


@NORMS
def test_a_sentence_alone_equals_the_same_in_a_padded_batch(norm):
    model = random_model(norm)
    source, target_in = batch()
    padded = model(source, target_in)
    for i, length in enumerate((6, 3, 5)):
        alone = model(source[i : i + 1, :length], target_in[i : i + 1, :4])
        torch.testing.assert_close(alone[0], padded[i, :4])


@NORMS
def test_cached_steps_equal_the_whole_prefix(norm):
    model = random_model(norm)
    source, target_in = batch()
    expected = model(source, target_in)
    state = model.encode(source, max_len=target_in.shape[1])
    for t in range(target_in.shape[1]):
        torch.testing.assert_close(model.step(state, target_in[:, t]), expected[:, t])
    with pytest.raises(ValueError, match="max_len"):
        model.step(state, target_in[:, 0])


@NORMS
def test_reordered_beams_go_on_from_their_own_histories(norm):
    """Beams of three sentences swap, split and die at random; sentence 0 then leaves the batch."""
    model = random_model(norm)
    random = torch.Generator().manual_seed(2)
    source, beams = batch()[0], 4
    state = model.encode(source, beams=beams, max_len=8)
    history = torch.empty(3 * beams, 0, dtype=torch.long)
    for t in range(8):
        tokens = torch.randint(1, V, (len(history),), generator=random)
        history = torch.cat([history, tokens[:, None]], 1)
        expected = model(source.repeat_interleave(beams, 0), history)[:, -1]
        torch.testing.assert_close(model.step(state, tokens), expected)
        parents = torch.randint(beams, (len(source), beams), generator=random)
        index = (parents + beams * torch.arange(len(source))[:, None]).flatten()
        model.reorder(state, index)
        history = history[index]
        if t == 4:
            kept = torch.tensor([1, 2])
            model.select(state, kept)
            source, history = source[kept], history.view(3, beams, -1)[kept].flatten(0, 1)


def test_source_keys_are_shared_by_the_beams():
    state = random_model().encode(batch()[0], beams=5, max_len=4)
    assert all(keys.shape == (3, HEADS, 6, D // HEADS) for pair in state.source for keys in pair)


@pytest.mark.parametrize(
    "size, message",
    [({"norm": "both"}, "pre"), ({"d_model": 18}, "heads"), ({"heads": 5}, "heads")],
)
def test_bad_sizes_are_refused(size, message):
    with pytest.raises(ValueError, match=message):
        models.build("transformer", vocab=V, **size)
