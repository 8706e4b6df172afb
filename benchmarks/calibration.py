"""ECE against torchmetrics and netcal: time, and the error where float32 or an edge matters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from benchmarks._compare import alone, milliseconds, missing, row, show
from lsbook.data.vision import import_torchvision
from lsbook.estimators import calibration

BINS = 15
FLOOR = 1e-7  # the rounding of float32; errors below it count as this much


def main() -> list[dict]:
    # By name, since a module run as a script is called __main__.
    from benchmarks import calibration as module

    return alone(module.against_torchmetrics) + alone(module.against_netcal)


def against_torchmetrics() -> list[dict]:
    try:
        import_torchvision()  # torchmetrics imports it too
        from torchmetrics.functional.classification import multiclass_calibration_error
    except ImportError:
        return [missing("ECE", "torchmetrics")]

    def peer(scores: torch.Tensor, targets: torch.Tensor) -> float:
        classes = scores.shape[1]
        return multiclass_calibration_error(scores, targets, classes, n_bins=BINS).item()

    logits, targets = sample(10_000)
    rows = [timed("ECE from 10k×100 logits", "torchmetrics", "logits", logits, targets, peer)]
    return rows + on_probabilities("torchmetrics", peer)


def against_netcal() -> list[dict]:
    try:
        import_torchvision()
        from netcal.metrics import ECE
    except ImportError:
        return [missing("ECE", "netcal")]

    def peer(probs: torch.Tensor, targets: torch.Tensor) -> float:
        return float(ECE(BINS).measure(probs.numpy(), targets.numpy()))

    def from_logits(logits: torch.Tensor, targets: torch.Tensor) -> float:
        return peer(logits.softmax(-1), targets)

    logits, targets = sample(10_000)
    rows = [timed("ECE from 10k×100 logits", "netcal", "logits", logits, targets, from_logits)]
    return rows + on_probabilities("netcal", peer)


def on_probabilities(name: str, peer: Callable) -> list[dict]:
    logits, targets = sample(1_000_000)
    probs = logits.softmax(-1)
    del logits
    rows = [timed("ECE from 1M×100 probabilities", name, "probs", probs, targets, peer, repeats=3)]
    del probs
    for label, probs, targets, truth in hard_cases():
        ours = abs(calibration.ece(probs=probs, targets=targets, bins=BINS) - truth)
        theirs = abs(peer(probs, targets) - truth)
        note = f"true ECE {truth:.4g}; errors below {FLOOR:g} count as that"
        rows.append(row(label, name, max(ours, FLOOR), max(theirs, FLOOR), "error", note))
    return rows


def timed(
    label: str, name: str, kind: str, scores: torch.Tensor, targets: torch.Tensor, peer: Callable,
    repeats: int = 9,
) -> dict:
    def ours() -> float:
        return calibration.ece(**{kind: scores}, targets=targets, bins=BINS)

    ours_ms, peer_ms = milliseconds(ours, lambda: peer(scores, targets), repeats=repeats)
    note = f"{kind}; the two values differ by {abs(ours() - peer(scores, targets)):.1g}"
    return row(label, name, ours_ms, peer_ms, note=note)


def hard_cases() -> list[tuple[str, torch.Tensor, torch.Tensor, float]]:
    """Label, probabilities, targets and exact ECE."""
    n = 1_000_000
    one_bin = torch.tensor([[0.9, 0.05, 0.05]]).repeat(n, 1)
    one_bin_targets = torch.where(torch.arange(n) % 10_000 < 9_004, 0, 1 + torch.arange(n) % 2)
    one_bin_truth = abs(0.9004 - float(np.float32(0.9)))
    certain = torch.tensor([[1.0, 0, 0], [0.98, 0.01, 0.01]]).repeat(50, 1)
    certain_targets = torch.tensor([1, 0, 2, 0]).repeat(25)
    certain_truth = abs(0.5 - (1 + float(np.float32(0.98))) / 2)
    return [
        ("ECE of a million values in one bin", one_bin, one_bin_targets, one_bin_truth),
        ("ECE with confidences of exactly 1", certain, certain_targets, certain_truth),
    ]


def sample(n: int, classes: int = 100) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(n, classes, generator=generator)
    right = torch.rand(n, generator=generator) < 0.6
    other = torch.randint(classes, (n,), generator=generator)
    return logits, torch.where(right, logits.argmax(1), other)


if __name__ == "__main__":
    show(main())
