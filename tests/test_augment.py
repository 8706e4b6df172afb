import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from lsbook.data.augment import KINDS, apply, augment, centre, draw

IMAGE_KINDS = ["shift", "crop-flip", "crop24-flip"]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    "kind, padding, size", [("shift", 2, 32), ("crop-flip", 4, 32), ("crop24-flip", 0, 24)]
)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_windows_equal_plain_slicing(kind, padding, size, dtype):
    x = torch.randint(0, 256, (64, 3, 32, 32), generator=seeded()).to(dtype)
    offsets = draw(kind, 64, (3, 32, 32), seeded(1))
    padded = pad(x, (padding,) * 4)
    for image, (top, left, flip), moved in zip(padded, offsets.tolist(), apply(x, kind, offsets)):
        window = image[:, top : top + size, left : left + size]
        assert torch.equal(moved, window.flip(-1) if flip else window)


def test_shift1d_equals_roll():
    x = torch.randn(50, 40, generator=seeded())
    offsets = draw("shift1d", 50, (40,), seeded(1))
    for signal, (shift,), moved in zip(x, offsets.tolist(), apply(x, "shift1d", offsets)):
        assert np.array_equal(moved, np.roll(signal.numpy(), shift))


@pytest.mark.parametrize(
    "kind, shape, ranges",
    [
        ("shift1d", (40,), [(-2, 3)]),
        ("shift", (1, 28, 28), [(0, 5), (0, 5), (0, 1)]),
        ("crop-flip", (3, 32, 32), [(0, 9), (0, 9), (0, 2)]),
        ("crop24-flip", (3, 32, 32), [(0, 9), (0, 9), (0, 2)]),
    ],
)
def test_every_offset_is_drawn_equally_often(kind, shape, ranges):
    offsets = draw(kind, 9000, shape, seeded())
    assert offsets.shape == (9000, len(ranges))
    for column, (low, high) in zip(offsets.T, ranges):
        places = high - low
        share = (column - low).bincount(minlength=places) / 9000
        assert share.numel() == places
        assert (share - 1 / places).abs().max() < 5 * (1 / places / 9000) ** 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_seed_decides_and_input_stays(kind):
    x = torch.rand(16, 40) if kind == "shift1d" else torch.rand(16, 3, 32, 32)
    before = x.clone()
    assert torch.equal(augment(x, kind, seeded(3)), augment(x, kind, seeded(3)))
    assert torch.equal(x, before)
    if kind != "none":
        assert not torch.equal(augment(x, kind, seeded(3)), augment(x, kind, seeded(4)))


@pytest.mark.parametrize("kind", KINDS)
def test_stack_of_runs_equals_run_by_run_and_vmap(kind):
    shape = (40,) if kind == "shift1d" else (3, 32, 32)
    x = torch.rand(4, 8, *shape)
    offsets = draw(kind, (4, 8), shape, seeded())
    one_by_one = torch.stack([apply(run, kind, own) for run, own in zip(x, offsets)])
    assert torch.equal(apply(x, kind, offsets), one_by_one)
    assert torch.equal(torch.func.vmap(lambda a, o: apply(a, kind, o))(x, offsets), one_by_one)
    shared = torch.func.vmap(lambda o: apply(x[0], kind, o))(offsets)
    assert torch.equal(shared[0], one_by_one[0])


@pytest.mark.parametrize("kind", IMAGE_KINDS)
def test_centre_is_the_window_in_the_middle(kind):
    x = torch.rand(2, 3, 32, 32)
    expected = x[..., 4:28, 4:28] if kind == "crop24-flip" else x
    assert torch.equal(centre(x, kind), expected)


def test_bad_input_says_what_to_do():
    with pytest.raises(ValueError, match="crop-flip"):
        augment(torch.rand(2, 3, 8, 8), "cutout")
    with pytest.raises(ValueError, match="images"):
        augment(torch.rand(2, 40), "shift")
    with pytest.raises(ValueError, match="too small"):
        augment(torch.rand(2, 3, 20, 20), "crop24-flip")
    with pytest.raises(ValueError, match="Unknown"):
        centre(torch.rand(2, 3, 8, 8), "cutout")
