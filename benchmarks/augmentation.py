"""Batched augmentation against torchvision's transforms, one image after another."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from lsbook.data import augment
from lsbook.data.vision import import_torchvision

BATCH = 512
REPEATS = 9
SETS = {"crop-flip": (3, 32), "crop24-flip": (3, 32), "shift": (1, 28)}


def main() -> list[dict]:
    generator = torch.Generator().manual_seed(0)
    rows = []
    for kind, (channels, size) in SETS.items():
        shape = BATCH, channels, size, size
        x = torch.randint(0, 256, shape, generator=generator).to(torch.uint8)
        ours, theirs = milliseconds(lambda: augment(x, kind, generator), per_image(x, kind))
        rows.append(
            {
                "benchmark": f"augmentation {kind}, {BATCH} images of {channels}×{size}×{size}",
                "peer": "torchvision transforms.v2, per image",
                "ours": ours,
                "theirs": theirs,
                "unit": "ms",
                "ratio": theirs / ours,
                "note": "uint8, one process; the peer's tensors are stacked to a batch as well",
            }
        )
    return rows


def per_image(x: torch.Tensor, kind: str) -> Callable[[], torch.Tensor]:
    v2 = import_torchvision().transforms.v2
    transform = {
        "crop-flip": v2.Compose([v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()]),
        "crop24-flip": v2.Compose([v2.RandomCrop(24), v2.RandomHorizontalFlip()]),
        "shift": v2.RandomCrop(28, padding=2),
    }[kind]
    return lambda: torch.stack([transform(image) for image in x])


def milliseconds(*calls: Callable[[], object]) -> list[float]:
    """Median time of each call, taken in turns so that both meet the same load."""
    times: list[list[float]] = [[] for _ in calls]
    for repeat in range(REPEATS + 1):
        for call, own in zip(calls, times):
            start = time.perf_counter()
            call()
            if repeat:  # the first round warms up
                own.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(own) for own in times]
