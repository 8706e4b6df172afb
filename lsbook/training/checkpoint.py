"""The state of an unfinished training in one file, replaced whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


def save(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: dict) -> None:
    """Write weights, optimiser moments and ``progress`` (plain JSON values) to ``path``.

    Raises
    ------
    OSError
        If the disk is full; the state that was there before stays.
    """
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {
            f"optimizer.{number}.{k}": torch.as_tensor(v) for k, v in state.items() if v is not None
        }
    tensors = {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}
    draft = path.with_suffix(".tmp")
    try:
        save_file(tensors, draft, metadata={"progress": json.dumps(progress)})
        os.replace(draft, path)
    except (OSError, SafetensorError) as error:
        draft.unlink(missing_ok=True)
        raise OSError(
            f"The training state could not be written to {path.parent} ({error}). Free some space "
            "or set LSBOOK_RUNS to another folder; the run goes on from the last state written."
        ) from error


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict | None:
    """Restore what ``save`` wrote and return its progress; None when there is nothing usable.

    A truncated file counts as nothing: the run then starts again.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}
            progress = json.loads(stored.metadata()["progress"])
    except (SafetensorError, OSError, ValueError):
        path.unlink()
        return None
    model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
    optimizer.load_state_dict(
        {"state": _moments(tensors), "param_groups": optimizer.state_dict()["param_groups"]}
    )
    _lay_out_as_weights(optimizer)
    return progress


def _moments(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".")
            state.setdefault(int(number), {})[key] = value
    return state


def _lay_out_as_weights(optimizer: torch.optim.Optimizer) -> None:
    """Give moments the strides of their weights, without which torch steps each on its own."""
    for weight, state in optimizer.state.items():
        for key, value in state.items():
            if torch.is_tensor(value) and value.shape == weight.shape:
                state[key] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
