"""What the files of a run may hold, found from their bytes before anything reads them as a run."""

from __future__ import annotations

import bz2
import io
import json
import math
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from lsbook import models
from lsbook.recipes import Recipe

NEEDED = {"recipe.json", "manifest.json", "metrics.json", "history.json", "arrays.npz"}
ALLOWED = NEEDED | {"samples.json", "weights.safetensors"}
MOST_EXPANDED = 64 * 2**20
"""Bytes that the arrays of a run may take in memory."""

LONGEST_TEXT, LONGEST_LIST = 10_000, 100_000
_UNSOUND = (
    ArithmeticError, AttributeError, BadZipFile, EOFError, LookupError, OSError, RuntimeError,
    SafetensorError, TypeError, ValueError, struct.error, zlib.error,
)

_MANIFEST = {
    "run": str, "name": str, "seed": int, "scale": float, "train_fraction": float, "steps": int,
    "data_hash": str, "commit": str, "device": str, "threads": int, "wall_seconds": float,
    "finished": str, "python": str, "versions": dict,
}
_METRICS = {"val_accuracy", "val_ece", "val_nll", "gamma", "optimal_T", "ece_at_optimal_T"}
_SAMPLE = {
    "source": str, "reference": str, "hypothesis": str, "tokens": str, "probabilities": float,
    "reference_tokens": str, "reference_probabilities": float, "score": float,
}

_ARRAYS = {
    "val_logits": ("f", "nK"), "val_targets": ("iu", "n"),
    "train_logits": ("f", "mC"), "train_targets": ("iu", "m"), "shown_classes": ("iu", "C"),
    "templates": ("f", "Kd"),
    "mi_mean": ("f", "ti"), "mi_scored": ("f", "ti"),
    "snapshot_epoch": ("iu", "s"), "snapshot_templates": ("f", "sCr"),
    "snapshot_train_logits": ("f", "saC"), "snapshot_val_logits": ("f", "sbC"),
    "curve_T": ("f", "T"), "curve_bleu": ("f", "T"), "curve_ece": ("f", "T"),
    "curve_nll": ("f", "T"),
    "token_confidence": ("f", "Tk"), "token_correct": ("b", "k"),
    "truth_confidence": ("f", "g"), "truth_probability": ("f", "g"),
    "plane_words": ("iu", "q"), "plane_names": ("U", "q"), "plane_logits": ("f", "pq"),
    "plane_targets": ("iu", "p"), "plane_templates": ("f", "qe"),
    "tests_name": ("U", "x"), "tests_bleu": ("f", "xy"), "tests_signature": ("U", "y"),
}
"""Kinds of number, as numpy calls them, and axes; one letter is one length throughout a run."""

_OF_STUDENTS = {"val_logits", "val_targets"}
_OF_IMAGES = _OF_STUDENTS | {"train_logits", "train_targets", "templates"}
_OF_SIZES = {"curve_T", "curve_bleu", "curve_ece", "curve_nll"}
_OF_TEXT = _OF_SIZES | {
    "token_correct", "plane_words", "plane_logits", "plane_targets", "plane_templates",
}
_INDICES = {"val_targets": "K", "train_targets": "C", "plane_targets": "q", "shown_classes": "K"}
_SHARES = {"token_confidence", "truth_confidence", "truth_probability"}


def check(folder: str, files: Mapping[str, bytes]) -> None:
    """Pass if ``files``, contents by name, are those of the run ``folder``.

    Nothing is expanded before its size is known to be within bounds, and nothing is unpickled.

    Raises
    ------
    ValueError
        If anything is missing, unknown, of another type, out of its range or not finite; the
        message names the file.
    """
    if missing := NEEDED - set(files):
        raise ValueError(f"{folder} lacks {', '.join(sorted(missing))}")

    def read(name: str, reader: Callable[..., Any], *more: Any) -> Any:
        with _naming(f"{folder}/{name}"):
            return reader(files[name], *more)

    recipe = read("recipe.json", _recipe, folder)
    read("manifest.json", _check_manifest, recipe)
    read("metrics.json", _check_metrics)
    read("history.json", _check_history)
    read("arrays.npz", lambda content: check_arrays(_arrays(content), recipe))
    if "samples.json" in files:
        read("samples.json", _check_samples)
    if "weights.safetensors" in files:
        read("weights.safetensors", _check_weights, recipe)


@contextmanager
def _naming(file: str) -> Iterator[None]:
    try:
        yield
    except _UNSOUND as error:
        raise ValueError(f"{file}: {' '.join(str(error).split())}") from error


def _require(sound: bool, what: str) -> None:
    if not sound:
        raise ValueError(what)


# JSON


def _json(content: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        _require(not twice, f"{twice[:1]} is there twice")
        return dict(pairs)

    return json.loads(content.decode(), object_pairs_hook=once)


def _is(value: Any, kind: type) -> bool:
    """Whether a JSON value is a text, a whole number, a number or an object, of a sane size."""
    if kind is float:
        return type(value) in (int, float) and abs(value) < 2**63
    if kind is int:
        return type(value) is int and 0 <= value < 2**63
    return type(value) is kind and len(value) <= LONGEST_TEXT


def _check_fields(found: Any, known: Mapping[str, type]) -> None:
    _require(_is(found, dict), "it is no object")
    for name, value in found.items():
        _require(name in known, f"it has an unknown field {name[:40]!r}")
        _require(_is(value, known[name]), f"{name} is not what it should be")


def _numbers(values: Any, none: bool = False) -> bool:
    return type(values) is list and len(values) <= LONGEST_LIST and all(
        _is(value, float) or none and value is None for value in values)


def _recipe(content: bytes, folder: str) -> Recipe:
    recipe = Recipe.from_dict(_json(content))
    _require(recipe.hash == folder, f"{folder} is not the name of its recipe")
    return recipe


def _check_manifest(content: bytes, recipe: Recipe) -> None:
    manifest = _json(content)
    _check_fields(manifest, _MANIFEST)
    missing = _MANIFEST.keys() - manifest.keys() - {"train_fraction"}  # older ones lack it
    _require(not missing, f"it lacks {', '.join(sorted(missing))}")
    _check_fields(manifest["versions"], dict.fromkeys(manifest["versions"], str))
    for name, value in (("run", recipe.hash), ("name", recipe.name), ("seed", recipe.seed)):
        _require(manifest[name] == value, f"its {name} is not that of its recipe")


def _check_metrics(content: bytes) -> None:
    metrics = _json(content)
    _require(_is(metrics, dict) and metrics.keys() >= _METRICS, f"it lacks one of {_METRICS}")
    for name, value in metrics.items():
        _require(name.isidentifier() and (value is None or _is(value, float)),
                 f"{name[:40]!r} is no finite number")


def _check_history(content: bytes) -> None:
    history = _json(content)
    _require(_is(history, dict) and history.keys() >= {"epoch", "step"}, "it has no clock")
    for name, values in history.items():
        clock = history.get("mi_step" if name.startswith("mi_") else "step")
        _require(name.isidentifier() and _numbers(values), f"{name[:40]!r} is no list of numbers")
        _require(_numbers(clock) and len(values) == len(clock), f"{name} has another length")


def _check_samples(content: bytes) -> None:
    samples = _json(content)
    _require(type(samples) is list and 0 < len(samples) <= LONGEST_LIST, "it is no list")
    for sample in samples:
        hypotheses = sample.pop("hypotheses", [])
        _require(type(hypotheses) is list, "hypotheses are no list")
        _require({"source", "reference", "hypothesis"} <= sample.keys(), "a sentence is missing")
        for each in (sample, *hypotheses):
            _require({"tokens", "probabilities"} <= each.keys(), "a hypothesis has no tokens")
            _check_words(each)


def _check_words(found: Mapping[str, Any]) -> None:
    for part in ("", "reference_"):
        tokens, shares = (found.get(f"{part}{name}", []) for name in ("tokens", "probabilities"))
        _require(type(tokens) is list and all(_is(token, str) for token in tokens),
                 f"{part}tokens are no words")
        _require(_numbers(shares) and all(0 <= share <= 1 for share in shares)
                 and len(shares) == len(tokens), f"{part}probabilities are not those of the tokens")
    lists = {f"{part}{name}" for part in ("", "reference_") for name in ("tokens", "probabilities")}
    _check_fields({name: value for name, value in found.items() if name not in lists}, _SAMPLE)


# Arrays


def check_arrays(arrays: Mapping[str, np.ndarray], recipe: Recipe) -> None:
    """Pass if ``arrays``, by name, are what a run of ``recipe`` keeps at least, and no others.

    Raises
    ------
    ValueError
        If one is missing, unknown, of another type or shape, out of its range or not finite.
    """
    missing = sorted(_needed(recipe) - arrays.keys())
    _require(not missing, f"it lacks {', '.join(missing)}")
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        _require(name in _ARRAYS, f"it has an unknown array {name[:40]!r}")
        kinds, axes = _ARRAYS[name]
        _require(array.dtype.kind in kinds, f"{name} is of type {array.dtype}")
        _require(array.ndim == len(axes) and array.size > 0, f"{name} has shape {array.shape}")
        for axis, size in zip(axes, array.shape):
            _require(sizes.setdefault(axis, size) == size, f"{name} has shape {array.shape}")
        _require(array.dtype.kind != "f" or bool(np.isfinite(array).all()),
                 f"{name} holds values that are not finite")
    if not recipe.is_text:
        classes = models.class_count(recipe.model, **dict(recipe.size))
        _require(sizes["K"] == classes, f"val_logits are not of {classes} classes")
    if "shown_classes" not in arrays:
        _require(sizes.get("C", 0) in (0, sizes.get("K")), "train_logits have other classes")
    for name, axis in _INDICES.items():
        _check_range(name, arrays, 0, sizes.get(axis, 1) - 1)
    for name in _SHARES:
        _check_range(name, arrays, 0, 1)
    _check_range("curve_T", arrays, 1e-3, 1e3)


def _needed(recipe: Recipe) -> set[str]:
    """What `lsbook.runs.publish` leaves of every run of ``recipe``."""
    if recipe.is_text:
        return _OF_SIZES if recipe.sentences else _OF_TEXT
    return _OF_STUDENTS if "student" in recipe.name else _OF_IMAGES


def _check_range(name: str, arrays: Mapping[str, np.ndarray], low: float, high: float) -> None:
    if name in arrays:
        sound = low <= arrays[name].min() and arrays[name].max() <= high
        _require(sound, f"{name} does not lie in [{low:g}, {high:g}]")


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    with ZipFile(io.BytesIO(content)) as stored:
        entries = stored.infolist()
    names = [entry.filename.removesuffix(".npy") for entry in entries]
    _require(len(set(names)) == len(names), "it has an array twice")
    _require(sum(entry.file_size for entry in entries) <= MOST_EXPANDED,
             f"it expands to more than {MOST_EXPANDED} bytes")
    return {name: _array(name, _expanded(content, entry)) for name, entry in zip(names, entries)}


def _expanded(content: bytes, entry: ZipInfo) -> bytes:
    """The bytes of an entry; no more than it says it has are ever made."""
    lengths = struct.unpack_from("<HH", content, entry.header_offset + 26)
    begin = entry.header_offset + 30 + sum(lengths)
    packed = content[begin : begin + entry.compress_size]
    most = entry.file_size + 1
    unpackers = {
        ZIP_STORED: lambda: packed[:most],
        ZIP_DEFLATED: lambda: zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most),
        ZIP_BZIP2: lambda: bz2.BZ2Decompressor().decompress(packed, most),
    }
    _require(entry.compress_type in unpackers, f"{entry.filename} is packed in another way")
    data = unpackers[entry.compress_type]()
    _require(len(data) == entry.file_size and zlib.crc32(data) == entry.CRC,
             f"{entry.filename} is not what it says it is")
    return data


def _array(name: str, data: bytes) -> np.ndarray:
    stream = io.BytesIO(data)
    _require(np.lib.format.read_magic(stream) == (1, 0), f"{name} is of another format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    _require(dtype.kind in "biufU", f"{name} is of type {dtype}")
    claimed = math.prod(shape) * dtype.itemsize
    _require(min(shape, default=0) >= 0 and claimed == len(data) - stream.tell(),
             f"{name} says it has shape {shape} and has not")
    values = np.frombuffer(data, dtype, offset=stream.tell())
    return values.reshape(shape, order="F" if fortran else "C")


# Weights


def _check_weights(content: bytes, recipe: Recipe) -> None:
    weights = load(content)
    size = dict(recipe.size)
    if recipe.is_text:
        size["vocab"] = len(weights["embedding.weight"])
    depth = max(size.get("layers", 0), len(size.get("hidden", ())))
    _require(depth <= len(weights), "it has fewer tensors than the network has layers")
    with torch.device("meta"):
        expected = models.build(recipe.model, **size).state_dict()
    _require(_shapes(weights) == _shapes(expected), "its tensors are not those of the network")
    _require(all(bool(tensor.isfinite().all()) for tensor in weights.values()),
             "it holds values that are not finite")


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, Sequence[int]]:
    return {name: tensor.shape for name, tensor in tensors.items()}
