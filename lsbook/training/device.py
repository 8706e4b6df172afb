"""Where a run computes, and in which number format."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from lsbook.data import Images

# Parameters of glibc's mallopt.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
COMPILED_FROM = 20_000  # steps; compiling takes a minute or two

# cuBLAS reads it once, at its start, and computes alike each time only with it.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def choose(device: str = "auto") -> torch.device:
    """The device called ``device``; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    CUDA's convolutions compute in full float32 from then on.

    Raises
    ------
    ValueError
        If the device is unknown or not present on this machine.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return choose("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    present = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    kind = device.split(":")[0]
    if kind not in present:
        raise ValueError(f"device must be 'auto', 'cpu', 'cuda' or 'mps'; got {device!r}.")
    if not present[kind]:
        raise ValueError(f"This machine has no {kind} device; use device='auto' or 'cpu'.")
    if kind == "cuda":
        # By default they round to TF32, coarser than the clusters that smoothing makes.
        torch.backends.cudnn.allow_tf32 = False
    return torch.device(device)


def autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """bfloat16 on CUDA devices that compute in it, from Ampere on; nothing elsewhere."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()


@contextlib.contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Compute alike each time, which CUDA does not by default: its sums are in no fixed order.

    Where an operation has no such algorithm, torch warns and takes another.
    """
    if device.type != "cuda":
        with one_thread(device):
            yield
        return
    enabled = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    fills = torch.utils.deterministic.fill_uninitialized_memory
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False
        # Fused attention sums gradients in no fixed order, and torch lets it where it only warns.
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warns)
        torch.utils.deterministic.fill_uninitialized_memory = fills


@contextlib.contextmanager
def one_thread(device: torch.device) -> Iterator[None]:
    """On a CPU, compute in one thread: several cut a sum in parts, and its last digits differ."""
    before = torch.get_num_threads()
    try:
        if device.type == "cpu":
            torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)


def compiled(model: nn.Module, device: torch.device, steps: int) -> nn.Module:
    """``model`` as CUDA graphs, where a training of ``steps`` steps repays compiling; else itself.

    Small networks keep a GPU waiting for the next kernel; a graph launches all of them at once.
    Both share their parameters. Where compiling fails the network runs as it is.
    """
    if device.type != "cuda" or steps < COMPILED_FROM:
        return model
    torch._dynamo.config.suppress_errors = True
    return torch.compile(model, mode="reduce-overhead")


def keep_freed_memory() -> bool:
    """Have this process keep freed memory for its next tensors; False where libc is not glibc.

    By default each tensor of some megabytes is fresh memory, which the kernel clears page by page
    at every step. The process then stays at its largest size.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


def to_device(images: Images, device: torch.device) -> Images:
    """The same image set with its arrays on ``device``."""
    moved = {
        field.name: value.to(device)
        for field in dataclasses.fields(images)
        if isinstance(value := getattr(images, field.name), torch.Tensor)
    }
    return dataclasses.replace(images, **moved)
