"""Many networks of one shape as a stack, against one run after another.

The lab's sweep, 9 alpha × 5 seeds of one MLP, on a CPU; and ten AlexNet students on the device
there is.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import torch

from benchmarks._compare import milliseconds, row
from benchmarks.training import STEPS, random_images
from lsbook.data import Images, load_images
from lsbook.recipes import Recipe, named
from lsbook.runs.queue import ALPHAS, SEEDS
from lsbook.training import device as devices
from lsbook.training.classifier import train_classifier
from lsbook.training.sweep import train_stack

STUDENTS = 10
CPU = torch.device("cpu")

load_once = cache(load_images)


def main() -> list[dict]:
    return [*mlps(), students()]


def mlps() -> list[dict]:
    lab = named("lab/mlp-mnist1d")
    recipes = [lab.with_(alpha=a, seed=s) for s in SEEDS for a in ALPHAS]
    halves = recipes[: len(recipes) // 2], recipes[len(recipes) // 2 :]
    spawn = multiprocessing.get_context("spawn")
    warm_up()
    with ProcessPoolExecutor(2, spawn, initializer=warm_up) as pool:
        list(pool.map(stacked, [half[:2] for half in halves]))
        theirs = seconds(lambda: one_by_one(recipes))
        ours = {
            "one stack": seconds(lambda: stacked(recipes)),
            "two processes, one by one": seconds(lambda: list(pool.map(one_by_one, halves))),
            "two processes, a stack each": seconds(lambda: list(pool.map(stacked, halves))),
        }
    name = f"sweep of {len(recipes)} MLPs, {recipes[0].total_steps} steps"
    note = "one thread a process, which runs already"
    peer = "one run after another"
    return [row(f"{name}: {way}", peer, taken, theirs, "s", note) for way, taken in ours.items()]


def students() -> dict:
    device = devices.choose()
    devices.keep_freed_memory()
    devices.COMPILED_FROM = STEPS
    student = named("paper/student-cifar10", steps=STEPS)
    recipes = [student.with_(seed=seed) for seed in range(STUDENTS)]
    images = devices.to_device(random_images(STEPS * student.batch_size), device)
    ours, theirs = milliseconds(
        lambda: stacked(recipes, images, device),
        lambda: one_by_one(recipes, images, device),
        repeats=3,
    )
    name = f"{STUDENTS} AlexNets, CIFAR-10's shape, {STEPS} steps of {student.batch_size}: one stack"
    note = f"on {device.type}; the queue stacks them on CUDA alone"
    return row(name, "one run after another", ours / 1e3, theirs / 1e3, "s", note)


def warm_up() -> None:
    torch.set_num_threads(1)
    one_by_one([named("lab/mlp-mnist1d", scale=0.01)])


def one_by_one(
    recipes: list[Recipe], images: Images | None = None, device: torch.device = CPU
) -> None:
    images = images or load_once(recipes[0].dataset)
    for recipe in recipes:
        train_classifier(recipe, images, device, progress=False)


def stacked(
    recipes: list[Recipe], images: Images | None = None, device: torch.device = CPU
) -> None:
    images = images or load_once(recipes[0].dataset)
    train_stack(recipes, images, device, teachers=[None] * len(recipes), progress=False)


def seconds(train: Callable[[], object]) -> float:
    start = time.perf_counter()
    train()
    return time.perf_counter() - start
