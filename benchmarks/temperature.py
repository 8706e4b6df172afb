"""Temperature scaling against scikit-learn, netcal and the usual LBFGS: time, and excess NLL."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

from benchmarks._compare import alone, milliseconds, missing, row, show
from benchmarks.calibration import sample
from lsbook.data.vision import import_torchvision
from lsbook.estimators.calibration import nll
from lsbook.estimators.temperature import fit_temperature

SCALES = (0.05, 1.0, 40.0)


def main() -> list[dict]:
    from benchmarks import temperature as module

    peers = (module.against_scikit_learn, module.against_lbfgs, module.against_netcal)
    return [result for peer in peers for result in alone(peer)]


def against_scikit_learn() -> list[dict]:
    try:
        from sklearn.calibration import _TemperatureScaling
    except ImportError:
        return [missing("temperature", "scikit-learn 1.8 or newer")]

    def peer(logits: torch.Tensor, targets: torch.Tensor) -> float:
        return 1 / float(_TemperatureScaling().fit(logits.numpy(), targets.numpy()).beta_)

    return rows("scikit-learn", peer)


def against_netcal() -> list[dict]:
    try:
        import_torchvision()
        from netcal.scaling import TemperatureScaling
    except ImportError:
        return [missing("temperature", "netcal")]

    def peer(logits: torch.Tensor, targets: torch.Tensor) -> float:
        scaling = TemperatureScaling()
        scaling.fit(logits.double().softmax(-1).numpy(), targets.numpy())
        return float(1 / scaling.temperature[0])  # its "temperature" multiplies

    return rows("netcal", peer)


def against_lbfgs() -> list[dict]:
    def peer(logits: torch.Tensor, targets: torch.Tensor) -> float:
        T = torch.full((1,), 1.5, requires_grad=True)
        optimiser = torch.optim.LBFGS([T], lr=0.01, max_iter=50)

        def closure() -> torch.Tensor:
            optimiser.zero_grad()
            loss = F.cross_entropy(logits / T, targets)
            loss.backward()
            return loss

        optimiser.step(closure)
        return T.item()

    return rows("LBFGS (lr 0.01, 50 steps)", peer, repeats=3)


def rows(name: str, peer: Callable, repeats: int = 7) -> list[dict]:
    result = []
    for scale in SCALES:
        logits, targets = sample(10_000)
        logits *= scale
        fit = fit_temperature(logits, targets)
        T = peer(logits, targets)
        excess = nll(logits, targets, T=T) - fit.nll_after if T > 0 else float("inf")
        ours_ms, peer_ms = milliseconds(
            lambda: fit_temperature(logits, targets), lambda: peer(logits, targets), repeats=repeats
        )
        note = f"T {fit.T:.4g} and the peer's {T:.4g}, whose NLL is {excess:.1e} above ours"
        label = f"temperature, 10k×100 logits ×{scale:g}"
        result.append(row(label, name, ours_ms, peer_ms, note=note))
    return result


if __name__ == "__main__":
    show(main())
