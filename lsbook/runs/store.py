"""Where runs live on disk: one folder a run, written whole or not at all."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zipfile import ZIP_BZIP2, BadZipFile, ZipFile

import numpy as np
import platformdirs
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import lsbook
from lsbook import models
from lsbook.recipes import Recipe
from lsbook.runs.contents import check_arrays
from lsbook.runs.drafts import draft, install


def published(code: Path) -> Path:
    """The folder of published runs: the clone's where ``code`` lies in one, else the user's own."""
    if (code.parent / "pyproject.toml").exists():
        return code.parent / "runs"
    return Path(platformdirs.user_data_dir("lsbook"), "runs")


COMMITTED = published(Path(lsbook.__file__).parent)
WAIT = 2  # seconds for a lock until it is said who holds it
_NAME = re.compile(r"[0-9a-f]{12}")


class BrokenRun(RuntimeError):
    """A run's folder is there but cannot be read."""


def home() -> Path:
    """The folder new runs go to: ``LSBOOK_RUNS``, else the user's cache."""
    if chosen := os.environ.get("LSBOOK_RUNS"):
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("lsbook"), "runs")


@dataclass(frozen=True)
class Run:
    """A finished run on disk; everything but the recipe is read when first asked for."""

    path: Path
    recipe: Recipe

    @cached_property
    def manifest(self) -> dict:
        """What made the numbers: versions, commit, device, wall time, data hash."""
        return _read_json(self.path / "manifest.json")

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The headline numbers, computed when the run was recorded."""
        return _read_json(self.path / "metrics.json")

    @cached_property
    def history(self) -> dict[str, list]:
        """One list a quantity along the training, all of one length for one clock."""
        return _read_json(self.path / "history.json")

    @cached_property
    def samples(self) -> list[dict]:
        """Translations of a few sentences: source, reference, hypotheses with their tokens."""
        return _read_json(self.path / "samples.json")

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Evaluation arrays by name; what is stored in half precision comes back as float32."""
        return {name: _widened(value) for name, value in self.stored_arrays().items()}

    def stored_arrays(self) -> dict[str, np.ndarray]:
        """Evaluation arrays by name, in the precision they are stored in.

        Raises
        ------
        BrokenRun
            If they cannot be read, or are not those that a run of this recipe keeps.
        """
        try:
            with np.load(self.path / "arrays.npz", allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            check_arrays(arrays, self.recipe)
            return arrays
        except (OSError, ValueError, EOFError, KeyError, BadZipFile, zlib.error) as error:
            raise _broken(self.path / "arrays.npz", error) from error

    @property
    def has_weights(self) -> bool:
        return (self.path / "weights.safetensors").exists()

    def model(self) -> nn.Module:
        """The trained network in evaluation mode.

        Raises
        ------
        FileNotFoundError
            If the run was published without its weights.
        BrokenRun
            If they cannot be read, or are not those of its network.
        """
        if not self.has_weights:
            raise FileNotFoundError(
                f"Run {self.recipe.hash} keeps no weights; "
                "get(recipe, retrain=True) trains it again."
            )
        path, size = self.path / "weights.safetensors", dict(self.recipe.size)
        try:
            weights = {name: _single(value) for name, value in load_file(path).items()}
            if self.recipe.is_text:
                size["vocab"] = len(weights["embedding.weight"])
            model = models.build(self.recipe.model, **size)
            model.load_state_dict(weights)
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise _broken(path, error) from error
        return model.eval()


def _read_json(path: Path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> BrokenRun:
    why = " ".join(str(error).split())
    return BrokenRun(
        f"{path} cannot be read ({why}). Delete the folder {path.parent} and ask for the run "
        "again, or call get(recipe, retrain=True)."
    )


def find(recipe: Recipe) -> Run | None:
    """The run of ``recipe`` from the reader's own runs or from the committed ones, if any.

    Raises
    ------
    BrokenRun
        If the folder of that name holds another recipe, or none that can be read.
    """
    for root in (home(), COMMITTED):
        if run := _present(root / recipe.hash):
            return Run(run.path, recipe)
    return None


def available() -> Iterator[Run]:
    """Every finished run, the reader's own before the committed ones, each once.

    Raises
    ------
    BrokenRun
        If a recipe cannot be read, or is not that of its folder; the message names its file.
    """
    return filter(None, map(_present, folders()))


def folders() -> Iterator[Path]:
    """The folder of every finished run, the reader's own before the committed ones, each once."""
    seen = set()
    for root in (home(), COMMITTED):
        for manifest in sorted(root.glob("*/manifest.json")):
            name = manifest.parent.name
            if _NAME.fullmatch(name) and name not in seen:
                seen.add(name)
                yield manifest.parent


def load(path: Path) -> Run:
    """The run in the folder ``path``, which has the hash of its recipe for a name.

    Raises
    ------
    BrokenRun
        If the recipe cannot be read, or is another's.
    """
    file = path / "recipe.json"
    try:
        recipe = Recipe.from_dict(_read_json(file))
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # no recipe's fields
        raise _broken(file, error) from error
    if recipe.hash != path.name:
        raise _broken(file, ValueError(f"its recipe is that of {recipe.hash}"))
    return Run(path, recipe)


def _present(path: Path) -> Run | None:
    """The run in ``path``; None where there is none, or it has gone while it was read."""
    if not (path / "manifest.json").exists():
        return None
    try:
        return load(path)
    except BrokenRun:
        if not path.exists():
            return None
        raise


def write(
    recipe: Recipe,
    *,
    manifest: dict,
    metrics: dict,
    history: dict,
    arrays: dict[str, np.ndarray],
    weights: dict[str, Tensor],
    samples: list[dict] | None = None,
) -> Run:
    """Record a run in ``home()``: in a draft first, which then takes the place of an older one."""
    root = home()
    target = root / recipe.hash
    try:
        with draft(root) as folder:
            made = folder / recipe.hash
            made.mkdir()
            (made / "recipe.json").write_text(json.dumps(recipe.to_dict(), indent=1) + "\n")
            _dump(made / "metrics.json", metrics)
            _dump(made / "history.json", history, indent=None)
            if samples is not None:
                _dump(made / "samples.json", samples, indent=None)
            save_arrays(made / "arrays.npz", arrays)
            save_file({k: _halved(v) for k, v in weights.items()}, made / "weights.safetensors")
            _dump(made / "manifest.json", manifest)
            install(made, target)
    except (OSError, SafetensorError) as error:
        raise OSError(
            f"The run {recipe.hash} could not be written to {root} ({error}). Free some space or "
            "set LSBOOK_RUNS to another folder; the training state is kept and resumes."
        ) from error
    return Run(target, recipe)


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an ``.npz`` that `numpy.load` reads, a fifth smaller than numpy's own."""
    with ZipFile(path, "w", ZIP_BZIP2) as stored:
        for name, array in arrays.items():
            with stored.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)


@contextmanager
def lock(recipe: Recipe) -> Iterator[None]:
    """One process at a time has it; it goes with the process, however that ends.

    Raises
    ------
    OSError
        If the folder of the runs cannot be written to, or has no locks.
    """
    folder = home() / ".partial"
    holder = folder / f"{recipe.hash}.holder"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = FileLock(folder / f"{recipe.hash}.lock")
        try:
            held.acquire(timeout=WAIT)
        except Timeout:
            who = holder.read_text() if holder.exists() else "another process"
            run = f"{recipe.name} α={recipe.alpha:g} seed {recipe.seed}"
            print(f"Waiting for {who}, which trains {run}.", file=sys.stderr)
            held.acquire()
        holder.write_text(f"process {os.getpid()} on {platform.node()}")
    except (OSError, NotImplementedError) as error:
        raise OSError(
            f"Runs cannot be trained in {home()} ({error}). Set LSBOOK_RUNS to a folder that you "
            "may write to, on a file system with locks."
        ) from error
    try:
        yield
    finally:
        holder.unlink(missing_ok=True)
        held.release()


def checkpoint_path(name: str) -> Path:
    """Where the training state of an unfinished run lies."""
    return home() / ".partial" / f"{name}.safetensors"


def _dump(path: Path, value, indent: int | None = 1) -> None:
    path.write_text(json.dumps(_rounded(value), indent=indent, sort_keys=True) + "\n")


def _rounded(value):
    """Floats at seven significant digits, at any depth."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _widened(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _single(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _halved(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if tensor.is_floating_point() else tensor
