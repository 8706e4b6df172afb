"""The manifest of a run: what made its numbers, beside the numbers."""

from __future__ import annotations

import datetime
import platform
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import torch

import lsbook
from lsbook.recipes import Recipe

LIBRARIES = ("torch", "numpy", "scipy", "sacrebleu", "sentencepiece")


def describe(recipe: Recipe, *, data_hash: str, device: torch.device, wall_seconds: float) -> dict:
    """Recipe hash, seed, data hash, versions, commit, device, threads and wall time of a run."""
    return {
        "run": recipe.hash,
        "name": recipe.name,
        "seed": recipe.seed,
        "scale": recipe.scale,
        "train_fraction": recipe.train_fraction,
        "steps": recipe.total_steps,
        "data_hash": data_hash,
        "commit": commit(),
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "wall_seconds": round(wall_seconds, 1),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": {"lsbook": lsbook.__version__} | {name: _version(name) for name in LIBRARIES},
    }


@lru_cache
def commit() -> str:
    """The commit of the checkout lsbook runs from, with ``+`` when files differ; else ``unknown``.

    Read once in a process, so that a long run names the code it was begun with.
    """
    try:
        root = Path(lsbook.__file__).parent
        revision = _git(root, "rev-parse", "--short=12", "HEAD")
        return revision + ("+" if _git(root, "status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def device_name(device: torch.device) -> str:
    """The GPU's name, or the kind of device with the architecture, as in ``cpu (x86_64)``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({platform.machine()})"


def _git(root: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=10
    ).stdout.strip()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
