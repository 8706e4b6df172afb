"""Augmentation, batched on the device of the data.

The random part and the deterministic part are apart: `draw` makes integer offsets, one row an
example, and `apply` moves the examples by them. `apply` is pure, takes any leading axes and works
under ``torch.func.vmap``, so a stack ``(runs, batch, ...)`` takes offsets ``(runs, batch, k)``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class _Window:
    """A random window of ``size`` pixels (None: that of the input) in the padded image."""

    pad: int = 0
    size: int | None = None
    flip: bool = False

    def span(self, length: int) -> tuple[int, int]:
        """Return (window length, number of places it can lie) along an axis of ``length``."""
        size = self.size or length
        places = length + 2 * self.pad - size + 1
        if places < 1:
            raise ValueError(f"Images of {length} pixels are too small for a {size}-pixel crop.")
        return size, places


_WINDOWS = {
    "shift": _Window(pad=2),
    "flip": _Window(flip=True),
    "shift-flip": _Window(pad=1, flip=True),
    "crop-flip": _Window(pad=4, flip=True),
    "crop24-flip": _Window(size=24, flip=True),
}
_SIGNAL_SHIFT = 2  # points each way
KINDS = ("none", "shift1d", *_WINDOWS)


def draw(
    kind: str,
    batch: int | Sequence[int],
    example_shape: Sequence[int],
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw the random offsets that `apply` uses.

    Parameters
    ----------
    kind
        One of `KINDS`.
    batch
        Number of examples, or a shape such as ``(runs, batch)``.
    example_shape
        Shape of one example: (L,) for signals, (C, H, W) for images.
    generator
        Source of randomness; offsets lie on its device. The same seed gives the same offsets.

    Returns
    -------
    Tensor
        int64 of shape ``(*batch, k)``: k = 0 for "none"; the shift for "shift1d"; top, left and
        whether to flip for the others.
    """
    ranges = _ranges(kind, example_shape)
    leading = (batch,) if isinstance(batch, int) else tuple(batch)
    device = generator.device if generator is not None else "cpu"
    columns = [torch.randint(*r, leading, generator=generator, device=device) for r in ranges]
    return torch.stack(columns, -1) if columns else torch.empty(*leading, 0, dtype=torch.int64)


def views(kind: str, example_shape: Sequence[int]) -> Tensor:
    """Every row of offsets that `draw` may give for ``kind``, int64 (V, k)."""
    ranges = [range(*r) for r in _ranges(kind, example_shape)]
    return torch.tensor(list(itertools.product(*ranges)), dtype=torch.int64)


def _ranges(kind: str, example_shape: Sequence[int]) -> list[tuple[int, int]]:
    """What each offset is drawn from: at least the first, less than the second."""
    _check(kind, len(example_shape))
    if kind == "none":
        return []
    if kind == "shift1d":
        return [(-_SIGNAL_SHIFT, _SIGNAL_SHIFT + 1)]
    window = _WINDOWS[kind]
    places = [window.span(length)[1] for length in example_shape[-2:]]
    return [(0, n) for n in (*places, 1 + window.flip)]


def apply(x: Tensor, kind: str, offsets: Tensor) -> Tensor:
    """Move each example of ``x`` by its row of ``offsets``.

    Parameters
    ----------
    x
        Signals (..., L) for "shift1d", images (..., C, H, W) of any dtype for the others. Images
        are padded with 0, so give raw pixels and normalise afterwards.
    kind
        One of `KINDS`.
    offsets
        From `draw`, of shape (..., k).
    """
    if kind == "none":
        return x
    if kind == "shift1d":
        length = x.shape[-1]
        source = (torch.arange(length, device=x.device) - offsets) % length
        return x.gather(-1, source)
    window = _WINDOWS[kind]
    height, width = (window.span(length)[0] for length in x.shape[-2:])
    padded = F.pad(x, (window.pad,) * 4) if window.pad else x
    top, left, flip = offsets.unsqueeze(-2).unbind(-1)
    across = torch.arange(width, device=x.device)
    rows = top[..., None] + torch.arange(height, device=x.device)[:, None]
    columns = left[..., None] + torch.where(flip[..., None] > 0, width - 1 - across, across)
    pixels = (rows * padded.shape[-1] + columns).flatten(-2).unsqueeze(-2)
    out = padded.flatten(-2).gather(-1, pixels.expand(*x.shape[:-2], -1))
    return out.unflatten(-1, (height, width))


def augment(x: Tensor, kind: str, generator: torch.Generator | None = None) -> Tensor:
    """Return a randomly moved copy of the batch ``x``, one draw an example.

    ``kind`` is "none"; "shift1d" (circular shift of a signal by up to 2 points each way);
    "shift" (up to 2 pixels each way, zeros move in; the paper's MNIST teacher); "flip" (half of the
    time); "shift-flip" (up to 1 pixel each way, flipped half of the time); "crop-flip" (window of
    the image padded by 4, flipped half of the time); or "crop24-flip" (24×24 window, flipped half
    of the time: the paper's AlexNet). Signals are (batch, L), images (batch, C, H, W).

    Raises
    ------
    ValueError
        If ``kind`` is unknown or does not fit the shape of ``x``.
    """
    offsets = draw(kind, x.shape[0], x.shape[1:], generator)
    return apply(x, kind, offsets.to(x.device))


def centre(x: Tensor, kind: str) -> Tensor:
    """Return ``x`` as it is evaluated after training with ``kind``: the central window.

    Only "crop24-flip" changes the size, to 24×24; the other kinds return ``x`` itself.
    """
    _check(kind, x.ndim - 1)
    if kind in ("none", "shift1d"):
        return x
    (height, rows), (width, columns) = (_WINDOWS[kind].span(n) for n in x.shape[-2:])
    top, left = rows // 2 - _WINDOWS[kind].pad, columns // 2 - _WINDOWS[kind].pad
    return x[..., top : top + height, left : left + width]


def _check(kind: str, axes: int) -> None:
    if kind not in KINDS:
        raise ValueError(f"Unknown augmentation {kind!r}; choose one of {', '.join(KINDS)}.")
    if kind == "shift1d" and axes < 1 or kind in _WINDOWS and axes < 3:
        wanted = "signals (batch, L)" if kind == "shift1d" else "images (batch, C, H, W)"
        raise ValueError(f"Augmentation {kind!r} needs {wanted}; got {axes} axes an example.")
