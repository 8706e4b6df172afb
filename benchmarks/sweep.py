"""The lab's sweep, 9 alpha × 5 seeds of one MLP: as a stack, against one run after another."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import torch

from benchmarks._compare import row
from lsbook.data import load_images
from lsbook.recipes import Recipe, named
from lsbook.runs.queue import ALPHAS, SEEDS
from lsbook.training.classifier import train_classifier
from lsbook.training.sweep import train_stack

SCALE = 0.1
CPU = torch.device("cpu")

load_once = cache(load_images)


def main() -> list[dict]:
    lab = named("lab/mlp-mnist1d", scale=SCALE)
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


def warm_up() -> None:
    torch.set_num_threads(1)
    one_by_one([named("lab/mlp-mnist1d", scale=0.01)])


def one_by_one(recipes: list[Recipe]) -> None:
    images = load_once(recipes[0].dataset)
    for recipe in recipes:
        train_classifier(recipe, images, CPU, progress=False)


def stacked(recipes: list[Recipe]) -> None:
    images = load_once(recipes[0].dataset)
    train_stack(recipes, images, CPU, teachers=[None] * len(recipes), progress=False)


def seconds(train: Callable[[], object]) -> float:
    start = time.perf_counter()
    train()
    return time.perf_counter() - start
