"""Load a run, or train and record it; safe to interrupt, and where two processes want the same."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import nn

from lsbook.data import Images
from lsbook.recipes import Recipe
from lsbook.runs import manifest, store
from lsbook.runs.store import Run
from lsbook.training import device as devices
from lsbook.training import translation
from lsbook.training.classifier import train_classifier
from lsbook.training.data import images_of, text_of
from lsbook.training.deadline import interrupted_at
from lsbook.training.evaluation import predict, record
from lsbook.training.sequence import train_sequence
from lsbook.training.sweep import gains_by_stack, shape_of, train_stack
from lsbook.training.trace import Trace
from lsbook.validation import check_count

STACK = 24  # runs a stack; larger ones gain nothing and fall out of the cache


def get(recipe: Recipe, device: str = "auto", retrain: bool = False, progress: bool = True) -> Run:
    """The run of ``recipe``: loaded where it exists, else trained and recorded.

    An interrupted training (Ctrl-C, kill) goes on from its last whole epoch at the next call.
    A second process that wants the same run waits for the first and then loads.

    Parameters
    ----------
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``; where to train.
    retrain
        Train again even if the run exists.
    """
    if not retrain and (run := store.find(recipe)):
        return run
    return get_many([recipe], device=device, retrain=retrain, progress=progress)[0]


def get_many(
    recipes: Iterable[Recipe],
    device: str = "auto",
    retrain: bool = False,
    progress: bool = True,
    workers: int = 1,
    deadline: float | None = None,
) -> list[Run]:
    """The runs of several recipes in their order; missing ones of one shape train as a stack.

    Teachers are got first. With ``workers`` above 1 the missing runs are spread over so many
    processes of one thread each. At ``deadline`` (in seconds of ``time.monotonic``) `OutOfTime` is
    raised; every training then goes on from its last whole epoch at the next call.

    Raises
    ------
    ValueError
        If ``workers`` is not a whole number from 1 up.
    """
    check_count(workers, "workers")
    recipes = list(recipes)
    teachers = {r.distil.teacher.hash: r.distil.teacher for r in recipes if r.distil}
    if teachers:
        options = {"progress": progress, "workers": workers, "deadline": deadline}
        get_many(teachers.values(), device=device, **options)
    found = [store.find(recipe) for recipe in recipes]
    if all(found) and not retrain:
        return found
    unique = list({recipe.hash: recipe for recipe in recipes}.values())
    jobs = jobs_of(unique, workers, devices.choose(device))
    jobs = [job for job in jobs if retrain or any(store.find(recipe) is None for recipe in job)]
    if workers > 1 and len(jobs) > 1:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            workers, context, initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            for done in [
                pool.submit(train_job, job, device, retrain, progress, deadline) for job in jobs
            ]:
                done.result()
    else:
        for job in jobs:
            train_job(job, device, retrain, progress, deadline)
    return [store.find(recipe) for recipe in recipes]


def jobs_of(recipes: list[Recipe], workers: int, device: torch.device) -> list[list[Recipe]]:
    """Lists of recipes to train together: stacks of one shape, cut in parts for the workers."""
    shapes = defaultdict(list)
    jobs = []
    for recipe in recipes:
        if gains_by_stack(recipe, device):
            shapes[shape_of(recipe)].append(recipe)
        else:
            jobs.append([recipe])
    for alike in shapes.values():
        alike.sort(key=lambda r: (r.seed, r.distil.teacher.hash if r.distil else ""))
        size = min(STACK, -(-len(alike) // workers))
        jobs += [alike[start : start + size] for start in range(0, len(alike), size)]
    return jobs


def train_job(
    recipes: list[Recipe], device: str, retrain: bool, progress: bool, deadline: float | None
) -> None:
    """Train recipes of one shape; a second process that wants one of them waits meanwhile."""
    devices.keep_freed_memory()
    manifest.commit()  # of the code as it is loaded, which may change before the training ends
    with ExitStack() as held:
        held.enter_context(interrupted_at(deadline))
        for name in sorted(recipe.hash for recipe in recipes):
            held.enter_context(store.lock(name))
        missing = recipes if retrain else [r for r in recipes if store.find(r) is None]
        if not missing:
            return
        # A stack that was stopped while its runs were recorded goes on as the whole stack.
        group = recipes if _state_of(recipes).exists() else missing
        state = _state_of(group)
        where = devices.choose(device)
        options = {"state": state, "progress": progress, "deadline": deadline}
        if group[0].is_text:
            _train_translation(group[0], where, options)
        else:
            _train_classifiers(group, where, options)
        state.unlink(missing_ok=True)


def _state_of(recipes: list[Recipe]) -> Path:
    """Where the state of a training of these recipes together is kept."""
    if len(recipes) == 1:
        return store.checkpoint_path(recipes[0].hash)
    joint = hashlib.sha256(" ".join(r.hash for r in recipes).encode()).hexdigest()
    return store.checkpoint_path(joint[:12])


def _train_classifiers(recipes: list[Recipe], device: torch.device, options: dict) -> None:
    images = devices.to_device(images_of(recipes[0]), device)
    teachers = _teachers(recipes, device)
    if len(recipes) == 1:
        trained = [train_classifier(recipes[0], images, device, teacher=teachers[0], **options)]
    else:
        trained = train_stack(recipes, images, device, teachers=teachers, **options)
    seconds = trained[0][1].seconds / len(recipes)
    for recipe, teacher, (model, trace) in zip(recipes, teachers, trained):
        _record(recipe, model, trace, images, teacher, device, seconds)


def _train_translation(recipe: Recipe, device: torch.device, options: dict) -> None:
    text = text_of(recipe)
    model, trace = train_sequence(recipe, text, device, **options)
    metrics, arrays, samples = translation.record(recipe, model, text, device, options["progress"])
    store.write(
        recipe,
        manifest=manifest.describe(
            recipe, data_hash=text.content_hash, device=device, wall_seconds=trace.seconds
        ),
        metrics=metrics,
        history=trace.history,
        arrays=arrays,
        weights=model.state_dict(),
        samples=samples,
    )


def _record(
    recipe: Recipe,
    model: nn.Module,
    trace: Trace,
    images: Images,
    teacher: nn.Module | None,
    device: torch.device,
    seconds: float,
) -> None:
    teacher_logits = None
    if teacher is not None:
        teacher_logits = predict(teacher, images, images.train_x, recipe.distil.teacher.augment)
    metrics, arrays = record(recipe, model, images, teacher_logits)
    history, paths = trace.split()
    store.write(
        recipe,
        manifest=manifest.describe(
            recipe, data_hash=images.content_hash, device=device, wall_seconds=seconds
        ),
        metrics=metrics,
        history=history,
        arrays=arrays | paths,
        weights=model.state_dict(),
    )


def _with_weights(run: Run, device: str) -> Run:
    """``run`` itself if it keeps its weights, else the same recipe trained anew."""
    return run if run.has_weights else get(run.recipe, device=device, retrain=True)


def _teachers(recipes: list[Recipe], device: torch.device) -> list[nn.Module | None]:
    """Each recipe's teacher on ``device``; one object a teacher, so that a stack asks it once."""
    known: dict[str, nn.Module] = {}
    for recipe in recipes:
        if recipe.distil and recipe.distil.teacher.hash not in known:
            teacher = recipe.distil.teacher
            run = _with_weights(get(teacher, device=device.type), device.type)
            known[teacher.hash] = run.model().to(device)
    return [known[r.distil.teacher.hash] if r.distil else None for r in recipes]
