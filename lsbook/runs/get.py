"""Load a run, or train and record it; safe to interrupt, and where two processes want the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import torch
from torch import nn

from lsbook.data import Images
from lsbook.recipes import Recipe
from lsbook.runs import manifest, store
from lsbook.runs.store import Run
from lsbook.runs.workers import one_by_one, side_by_side
from lsbook.training import checkpoint, translation
from lsbook.training import device as devices
from lsbook.training.classifier import Diverged, train_classifier
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
    processes. At ``deadline`` (in seconds of ``time.monotonic``) `OutOfTime` is raised; every
    training then goes on from its last whole epoch at the next call.

    Raises
    ------
    ValueError
        If ``workers`` is not a whole number from 1 up.
    """
    check_count(workers, "workers")
    recipes = list(recipes)
    if not retrain and all(found := [store.find(recipe) for recipe in recipes]):
        return found
    options = {"workers": workers, "deadline": deadline, "retrain": retrain, "progress": progress}
    errors = [error for _, error in train_all([recipes], device, **options) if error]
    if errors:
        raise errors[0]
    return [store.find(recipe) for recipe in recipes]


def train_all(
    groups: Iterable[list[Recipe]],
    device: str = "auto",
    *,
    workers: int = 1,
    deadline: float | None = None,
    retrain: bool = False,
    progress: bool = True,
) -> Iterator[tuple[list[Recipe], Exception | None]]:
    """Train what is missing of ``groups``; yield each job as it ends, with what stopped it.

    Parameters are those of `get_many`. Jobs begin in the order of the groups, and a group need not
    be finished for the next to begin; students alone wait for their teachers.
    """
    jobs = planned(groups, workers, devices.choose(device), retrain)
    options = {"retrain": retrain, "progress": progress, "deadline": deadline}
    train = partial(train_job, device=device, **options)
    if workers > 1 and len(jobs := list(jobs)) > 1:
        return side_by_side(jobs, train, workers)
    return one_by_one(jobs, train)


def planned(
    groups: Iterable[list[Recipe]], workers: int, device: torch.device, retrain: bool = False
) -> Iterator[tuple[list[Recipe], set[str]]]:
    """The jobs that are left of ``groups``, each with the teachers it waits for, by their hashes."""
    begun: set[str] = set()
    for group in groups:
        teachers = [recipe.distil.teacher for recipe in group if recipe.distil]
        anew = {recipe.hash for recipe in group if retrain}
        for part in (teachers, group):
            left = {
                recipe.hash: recipe
                for recipe in part
                if recipe.hash not in begun and (recipe.hash in anew or not store.find(recipe))
            }
            begun |= left.keys()
            for job in jobs_of(list(left.values()), workers, device):
                yield job, {r.distil.teacher.hash for r in job if r.distil} & begun


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
        where = devices.choose(device)
        held.enter_context(interrupted_at(deadline))
        held.enter_context(devices.one_thread(where))
        for recipe in sorted(recipes, key=lambda recipe: recipe.hash):
            held.enter_context(store.lock(recipe))
        missing = recipes if retrain else [r for r in recipes if store.find(r) is None]
        options = {"progress": progress, "deadline": deadline}
        with _no_state_that_diverged(retrain, missing):
            for group in _abreast(missing):
                if group[0].is_text:
                    _train_translation(group[0], where, options)
                else:
                    _train_classifiers(group, where, options)


def _abreast(recipes: list[Recipe]) -> list[list[Recipe]]:
    """The recipes by the epoch after which their states were kept, the furthest first."""
    at = defaultdict(list)
    for recipe in recipes:
        history = checkpoint.progress(store.checkpoint_path(recipe.hash)).get("history")
        at[history["epoch"][-1] if history else 0].append(recipe)
    return [at[epoch] for epoch in sorted(at, reverse=True)]


@contextmanager
def _no_state_that_diverged(retrain: bool, recipes: list[Recipe]) -> Iterator[None]:
    """Mark states whose training diverges; ``retrain`` drops those that are marked."""
    states = [store.checkpoint_path(recipe.hash) for recipe in recipes]
    for state in states:
        if retrain and (mark := state.with_suffix(".diverged")).exists():
            state.unlink(missing_ok=True)
            mark.unlink()
    try:
        yield
    except Diverged:
        for state in filter(Path.exists, states):
            state.with_suffix(".diverged").touch()
        raise


def _train_classifiers(recipes: list[Recipe], device: torch.device, options: dict) -> None:
    images = devices.to_device(images_of(recipes[0]), device)
    teachers = _teachers(recipes, device)
    states = [store.checkpoint_path(recipe.hash) for recipe in recipes]
    if len(recipes) == 1:
        [recipe], [teacher], [state] = recipes, teachers, states
        options = options | {"teacher": teacher, "state": state}
        trained = [train_classifier(recipe, images, device, **options)]
    else:
        options = options | {"teachers": teachers, "states": states}
        trained = train_stack(recipes, images, device, **options)
    seconds = trained[0][1].seconds / len(recipes)
    for recipe, teacher, state, (model, trace) in zip(recipes, teachers, states, trained):
        _record(recipe, model, trace, images, teacher, device, seconds)
        state.unlink(missing_ok=True)


def _train_translation(recipe: Recipe, device: torch.device, options: dict) -> None:
    text = text_of(recipe)
    state = store.checkpoint_path(recipe.hash)
    model, trace = train_sequence(recipe, text, device, state=state, **options)
    metrics, arrays, samples = translation.record(
        recipe, model, text, device, options["progress"], state
    )
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
    state.unlink(missing_ok=True)


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
