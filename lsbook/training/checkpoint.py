"""The state of an unfinished training in one file, replaced whole and checked when it is read.

Every run has a file of its own, also where several are trained as a stack: whoever goes on with it
may do so alone or in other company.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

if TYPE_CHECKING:
    from lsbook.training.sweep import Stack

Tensors = dict[str, Tensor]


def save(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: dict) -> None:
    """Write weights, optimiser moments and ``progress`` (plain JSON values) to ``path``.

    Raises
    ------
    OSError
        If the disk is full; the state that was there before stays.
    """
    weights = {f"model.{name}": value for name, value in model.state_dict().items()}
    _write([(path, weights | _moments(optimizer), progress)])


def save_stack(
    paths: Sequence[Path],
    stack: Stack,
    optimizer: torch.optim.Optimizer,
    progress: Sequence[dict],
) -> None:
    """Write the state of each network of ``stack`` as `save` writes that of one alone."""
    shapes = {number: weight.shape for number, weight in enumerate(_weights(optimizer))}
    moments = _moments(optimizer)

    def of(run: int) -> Tensors:
        tensors = {f"model.{name}": value[run] for name, value in stack.named().items()}
        for name, value in moments.items():
            is_stacked = value.shape == shapes[int(name.split(".")[1])]
            tensors[name] = value[run] if is_stacked else value
        return tensors

    _write((path, of(run), kept) for run, (path, kept) in enumerate(zip(paths, progress)))


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict | None:
    """Restore what `save` wrote and return its progress; None when there is nothing usable.

    A file that is not as it was written is moved aside: the run then starts again.
    """
    if (state := read(path)) is None:
        return None
    tensors, progress = state
    model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
    _restore(optimizer, tensors)
    return progress


def load_stack(
    paths: Sequence[Path], stack: Stack, optimizer: torch.optim.Optimizer
) -> list[dict] | None:
    """Restore each network of ``stack`` and return their progress; None unless all are usable."""
    states = [read(path) for path in paths]
    if None in states:
        return None
    shapes = {number: weight.shape for number, weight in enumerate(_weights(optimizer))}
    tensors = {}
    for name in states[0][0]:
        each = [state[name] for state, _ in states]
        number = name.split(".")[1]
        is_shared = name.startswith("optimizer.") and each[0].shape != shapes[int(number)][1:]
        tensors[name] = each[0] if is_shared else torch.stack(each)
    with torch.no_grad():
        for name, value in stack.named().items():
            value.copy_(tensors[f"model.{name}"])
    _restore(optimizer, tensors)
    return [progress for _, progress in states]


def read(path: Path) -> tuple[Tensors, dict] | None:
    """Tensors and progress in ``path``, if there are any that are as they were written.

    For whoever holds the run's lock alone: safetensors opens a file twice, and another process may
    put the next state in its place meanwhile.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}
            kept = stored.metadata()
        if kept["sha256"] != _digest(tensors, kept["progress"]):
            raise ValueError("its checksum differs")
        return tensors, json.loads(kept["progress"])
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        why = " ".join(str(error).split())
        print(
            f"The training state {path.name} cannot be used ({why}). It is moved to {aside}, and "
            "the training starts again.",
            file=sys.stderr,
        )
        return None


def progress(path: Path) -> dict:
    """The progress of the state in ``path``; empty where there is none."""
    state = read(path)
    return state[1] if state else {}


def amend(path: Path, **more) -> None:
    """Add values to the progress of the state in ``path``, if there is one."""
    if (state := read(path)) is not None:
        _write([(path, state[0], state[1] | more)])


def _write(states: Iterable[tuple[Path, Tensors, dict]]) -> None:
    """Write all states beside the old ones, to the disk, then rename them."""
    drafts = {}
    try:
        for path, tensors, progress in states:
            draft = drafts[path] = path.with_suffix(".tmp")
            tensors = {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}
            kept = json.dumps(progress)
            metadata = {"progress": kept, "sha256": _digest(tensors, kept)}
            save_file(tensors, draft, metadata=metadata)
            _sync(draft)
        for path, draft in drafts.items():
            os.replace(draft, path)
        for folder in {path.parent for path in drafts}:
            _sync(folder)
    except (OSError, SafetensorError) as error:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        folder = next(iter(drafts)).parent
        raise OSError(
            f"The training state could not be written to {folder} ({error}). Free some space or "
            "set LSBOOK_RUNS to another folder; the run goes on from the last state written."
        ) from error


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _digest(tensors: Tensors, progress: str) -> str:
    digest = hashlib.sha256(progress.encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _weights(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def _moments(optimizer: torch.optim.Optimizer) -> Tensors:
    return {
        f"optimizer.{number}.{key}": torch.as_tensor(value)
        for number, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
        if value is not None
    }


def _restore(optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    state: dict[int, Tensors] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".")
            state.setdefault(int(number), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    _lay_out_as_weights(optimizer)


def _lay_out_as_weights(optimizer: torch.optim.Optimizer) -> None:
    """Give moments the strides of their weights, without which torch steps each on its own."""
    for weight, state in optimizer.state.items():
        for key, value in state.items():
            if torch.is_tensor(value) and value.shape == weight.shape:
                state[key] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
