"""Networks against published sizes, and against torch's own layers."""

import importlib.util

import pytest
import torch
from torch.nn import functional as F

from lsbook.models import build, class_count, inception, mac_count, parameter_count
from lsbook.models.alexnet import LocalResponseNorm
from lsbook.models.conv1d import Conv1d
from lsbook.models.resnet import Block, ResNet

IMAGE = (3, 32, 32)
CLASSIFIERS = {
    "mlp": ({"inputs": 40, "hidden": (16, 12)}, (40,), 12),
    "conv1d": ({"width": 8}, (40,), 8),
    "alexnet": ({}, (3, 24, 24), 192),
    "resnet8": ({}, IMAGE, 64),
    "resnet20": ({"classes": 100}, IMAGE, 64),
    "inception-v4": ({"classes": 30, "small": True}, (3, 64, 64), 1536),
}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize(
    "name, size, published",
    [
        ("alexnet", {}, 1_068_298),
        ("resnet8", {}, 75_290),
        ("resnet20", {}, 269_722),
        ("resnet56", {}, 853_018),
        ("resnet56", {"classes": 100}, 858_868),
        ("inception-v4", {}, 42_679_816),
        ("inception-v4", {"small": True}, 42_679_816),
        ("mlp", {"inputs": 784, "hidden": (1200, 1200)}, 2_395_210),
    ],
)
def test_parameters_are_as_many_as_published(name, size, published):
    assert parameter_count(build(name, **size)) == published


@pytest.mark.parametrize("name, size", [
    *((name, size) for name, (size, _, _) in CLASSIFIERS.items()), ("resnet9", {}),
    ("mlp", {"inputs": 40, "hidden": (16,), "classes": 7}),
])
def test_classes_are_counted_without_building(name, size):
    with torch.device("meta"):
        assert class_count(name, **size) == build(name, **size).templates().shape[0]


@pytest.mark.parametrize(
    "name, size, shape, published",
    [
        ("resnet20", {}, IMAGE, 40.6e6),
        ("resnet20", {"stride": 2}, (3, 64, 64), 40.6e6),
        ("resnet56", {}, IMAGE, 125.5e6),
        ("inception-v4", {}, (3, 299, 299), 12.27e9),
        ("alexnet", {}, (3, 24, 24), 18.47e6),
    ],
)
def test_multiply_accumulates_are_as_many_as_published(name, size, shape, published):
    macs = mac_count(build(name, **size), torch.zeros(1, *shape))
    assert macs == pytest.approx(published, rel=2e-3)


def test_multiply_accumulates_by_hand():
    model = build("mlp", inputs=40, hidden=(16, 12), classes=10)
    assert mac_count(model, torch.zeros(1, 40)) == 40 * 16 + 16 * 12 + 12 * 10
    assert mac_count(model, torch.zeros(3, 40)) == 3 * mac_count(model, torch.zeros(1, 40))


def test_counting_leaves_the_model_as_it_was():
    model = build("resnet8").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    mac_count(model, torch.randn(2, *IMAGE))
    assert model.training and not any(m._forward_hooks for m in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_logits_are_templates_times_activations_with_a_one(name):
    size, shape, width = CLASSIFIERS[name]
    model = build(name, **size).eval()
    x = torch.randn(2, *shape)
    logits, activations = model(x, return_activations=True)
    extended = torch.cat([activations, torch.ones(2, 1)], 1)
    assert activations.shape == (2, width)
    assert model.templates().shape == (size.get("classes", 10), width + 1)
    torch.testing.assert_close(extended @ model.templates().T, logits)
    torch.testing.assert_close(model(x), logits)


@pytest.mark.parametrize("name", ["mlp", "conv1d", "alexnet", "resnet8"])
def test_a_seed_decides_the_initial_weights(name):
    def weights(seed):
        torch.manual_seed(seed)
        return build(name, **CLASSIFIERS[name][0]).state_dict()

    first, again, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["output.weight"], other["output.weight"])


def test_the_last_layer_comes_last_and_is_called_output():
    for name, (size, _, _) in CLASSIFIERS.items():
        names = [n for n, _ in build(name, **size).named_parameters()]
        assert names[-2:] == ["output.weight", "output.bias"], name


@pytest.mark.parametrize("channels, radius", [(64, 4), (5, 4), (7, 1)])
def test_local_response_norm_equals_torchs(channels, radius):
    size = 2 * radius + 1
    ours = LocalResponseNorm(channels, radius, alpha=0.01)
    torchs = torch.nn.LocalResponseNorm(size, alpha=0.01 * size, beta=0.75, k=1.0)
    x = (10 * torch.randn(3, channels, 4, 5)).double().requires_grad_()
    ours = ours.double()
    torch.testing.assert_close(ours(x), torchs(x))
    assert torch.autograd.gradcheck(ours, torch.randn(2, channels, 1, 2).double().requires_grad_())


def test_alexnet_pads_as_tensorflows_same():
    # SAME for 24 pixels, window 3 and stride 2 adds one row and column, at the end.
    x = torch.randn(2, 4, 24, 24)
    same = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 3, 2)
    assert torch.equal(build("alexnet").pool(x), same)


def test_alexnet_starts_as_the_tutorial_does():
    model = build("alexnet")
    for layer, std, bias in (
        (model.conv1, 0.05, 0.0),
        (model.conv2, 0.05, 0.1),
        (model.dense1, 0.04, 0.1),
        (model.dense2, 0.04, 0.1),
        (model.output, 1 / 192, 0.0),
    ):
        assert (layer.bias == bias).all()
        assert layer.weight.abs().max() <= 2 * std
        # Standard deviation of a normal cut at two deviations: 0.8796 of the uncut one.
        assert layer.weight.std().item() == pytest.approx(0.8796 * std, rel=0.05)


def test_alexnet_says_which_images_it_takes():
    with pytest.raises(ValueError, match="3×24×24; got 3×32×32"):
        build("alexnet")(torch.zeros(1, *IMAGE))


def test_resnet_stages():
    model = build("resnet20")
    x = model.stem(torch.randn(1, *IMAGE))
    shapes = []
    for block in model.blocks:
        x = block(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(16, 32, 32)] * 3 + [(32, 16, 16)] * 3 + [(64, 8, 8)] * 3


def test_resnet_shortcut_keeps_every_second_pixel_and_adds_zero_channels():
    block = Block(16, 32).eval()
    torch.nn.init.zeros_(block.norm2.weight)
    x = torch.rand(2, 16, 8, 8)
    out = block(x)
    assert torch.equal(out[:, 8:24], x[:, :, ::2, ::2])
    assert not out[:, :8].any() and not out[:, 24:].any()


def test_resnet_starts_from_hes_normal():
    weight = build("resnet56").blocks[-1].conv2.weight
    assert weight.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)


def test_resnet_depth_is_checked():
    for depth in (2, 18, 57):
        with pytest.raises(ValueError, match="6n \\+ 2"):
            ResNet(depth)


def test_resnet_is_the_same_in_channels_last():
    model = build("resnet8").eval()
    x = torch.randn(2, *IMAGE)
    expected = model(x)
    model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(x.contiguous(memory_format=torch.channels_last)), expected)


def test_conv1d_features_hardly_change_under_shifts_by_its_stride():
    model = Conv1d(width=8).eval()
    x = torch.randn(3, 40)
    torch.testing.assert_close(model(x.roll(2, 1)), model(x))


def test_mlp_drops_out_after_every_hidden_layer():
    model = build("mlp", inputs=400, hidden=(3000, 2000), dropout=0.3)
    for layer in (*model.hidden, model.output):
        torch.nn.init.constant_(layer.weight, 1e-3)
        torch.nn.init.ones_(layer.bias)
    x = torch.ones(4, 400)
    rest = model.eval()(x, return_activations=True)[1]
    seen = []
    model.hidden[1].register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    seen += [model.train()(x, return_activations=True)[1]]
    before, last = (h.detach() for h in seen)
    for h in (before, last):
        assert (h == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)
    # What is left is scaled up, so that the mean stays.
    torch.testing.assert_close(before.max(), torch.tensor(1.4 / 0.7))
    assert last.mean().item() == pytest.approx(rest.mean().item(), rel=0.05)
    assert torch.equal(model.eval()(x), model(x))


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_transformer_drops_out_in_every_residual(norm):
    model = build(
        "transformer", vocab=20, d_model=16, layers=2, heads=2, d_ff=32, dropout=0.3, norm=norm)
    parts = [m for m in model.modules() if isinstance(m, torch.nn.Dropout)]
    asked = []
    for part in parts:
        part.register_forward_hook(lambda layer, inputs, output: asked.append((layer, output)))
    model.train()(torch.randint(4, 20, (8, 9)), torch.randint(4, 20, (8, 7)))
    assert {id(layer) for layer, _ in asked} == {id(part) for part in parts} and len(parts) >= 10
    assert all(layer.p == 0.3 for layer in parts)
    for _, output in asked:
        assert (output == 0).float().mean().item() == pytest.approx(0.3, abs=0.12)


def test_alexnet_is_the_tutorials_sequence_of_layers():
    """conv, pool, norm, conv, norm, pool, three dense layers, in torch's own functions."""
    model = build("alexnet")
    x = torch.randn(3, 3, 24, 24)

    def norm(h):
        return F.local_response_norm(h, 9, alpha=9 * 0.001 / 9, beta=0.75, k=1.0)

    def pool(h):
        return F.max_pool2d(F.pad(h, (0, 1, 0, 1), value=-torch.inf), 3, 2)

    for layer in (model.conv1, model.conv2):  # so large that the norm does not pass as identity
        layer.weight.data *= 30
    h = norm(pool(F.conv2d(x, model.conv1.weight, model.conv1.bias, padding=2).relu()))
    h = pool(norm(F.conv2d(h, model.conv2.weight, model.conv2.bias, padding=2).relu()))
    for layer in (model.dense1, model.dense2):
        h = F.linear(h.flatten(1), layer.weight, layer.bias).relu()
    torch.testing.assert_close(
        model(x), F.linear(h, model.output.weight, model.output.bias), rtol=1e-4, atol=1e-4)


def test_mlp_initial_variance():
    model = build("mlp", inputs=784, hidden=(1200,), init_variance=0.03)
    assert model.hidden[0].weight.var().item() == pytest.approx(0.03, rel=0.01)
    assert not model.output.bias.any()


def test_inception_says_how_to_get_timm(monkeypatch):
    find = importlib.util.find_spec
    absent = lambda name, *rest: None if name == "timm" else find(name, *rest)  # noqa: E731
    monkeypatch.setattr(inception, "find_spec", absent)
    with pytest.raises(ImportError, match=r"pip install lsbook\[inception\]"):
        build("inception-v4")


@pytest.mark.parametrize(
    "name, size, message",
    [
        ("vgg", {}, "No network is called 'vgg'; there are mlp, conv1d, alexnet, resnet8"),
        ("mlp", {"inputs": 3}, "mlp takes inputs, hidden, classes.*'hidden'"),
        ("alexnet", {"width": 3}, "alexnet takes classes, side, channels, dense, norm: .*'width'"),
        ("resnet56", {"classes": 0}, "classes of resnet56 must be whole and at least 1; got 0"),
        ("mlp", {"inputs": 3, "hidden": (4, -1)}, "hidden of mlp"),
        ("conv1d", {"width": 2.5}, "width of conv1d"),
    ],
)
def test_build_says_what_is_wrong(name, size, message):
    with pytest.raises(ValueError, match=message):
        build(name, **size)
