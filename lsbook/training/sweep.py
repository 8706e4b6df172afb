"""Many small classifiers of one shape trained at once, with the result of the single runs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from tqdm.auto import tqdm

from lsbook.data import Images
from lsbook.recipes import Recipe
from lsbook.training import checkpoint
from lsbook.training.batches import Batch, epoch_batches, is_scored, steps_per_epoch
from lsbook.training.classifier import Teaching, check_finite, initial_model
from lsbook.training.device import autocast, compiled, reproducible
from lsbook.training.evaluation import InformationProbe, predict
from lsbook.training.objective import Objective
from lsbook.training.optimisation import learning_rate, make_optimizer, set_learning_rate
from lsbook.training.snapshots import Snapshots
from lsbook.training.trace import Trace, information_is_due


def shape_of(recipe: Recipe) -> tuple:
    """What recipes must share to be trained as one stack: all but alpha, seed, teacher, beta, T."""
    plain = recipe.with_(alpha=0.0, seed=0, distil=None)
    distil = recipe.distil
    view = distil and (distil.objective, distil.teacher.augment)
    return plain.hash, view


def can_stack(recipe: Recipe) -> bool:
    """Whether the recipe's network can be trained in a stack: an MLP or AlexNet, no dropout."""
    return recipe.model in ("mlp", "alexnet") and not dict(recipe.size).get("dropout")


def gains_by_stack(recipe: Recipe, device: torch.device) -> bool:
    """Whether a stack of the recipe's networks is the faster way to train them on ``device``.

    One AlexNet leaves a GPU idle between kernels; on a CPU a stack of them takes longer than one
    after another, as the book's benchmarks show.
    """
    return can_stack(recipe) and (recipe.model == "mlp" or device.type == "cuda")


class Stack(nn.Module):
    """R networks of one shape; every parameter carries a leading axis R."""

    def __init__(self, networks: list[nn.Module]):
        super().__init__()
        self._skeleton = [networks[0]]  # in a list, so that its parameters are not the stack's
        stacked, _ = stack_module_state(networks)
        self.names = list(stacked)
        self.stacked = nn.ParameterList(value.detach() for value in stacked.values())

    def named(self) -> dict[str, Tensor]:
        """Stacked parameters by the names they have in one network."""
        return dict(zip(self.names, self.stacked))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (R, B, K) of inputs (R, B, ...)."""
        network = self._skeleton[0]
        return vmap(lambda params, inputs: functional_call(network, params, (inputs,)))(
            self.named(), x
        )

    def networks(self) -> list[nn.Module]:
        """The R networks on their own, in evaluation mode."""
        single = []
        for run in range(len(self.stacked[0])):
            network = copy.deepcopy(self._skeleton[0])
            network.load_state_dict(
                {name: value[run].detach() for name, value in self.named().items()}
            )
            single.append(network.eval())
        return single


def train_stack(
    recipes: list[Recipe],
    images: Images,
    device: torch.device,
    *,
    teachers: list[nn.Module | None],
    states: Sequence[Path] = (),
    progress: bool = True,
    deadline: float | None = None,
) -> list[tuple[nn.Module, Trace]]:
    """Train recipes of one `shape_of` at once; the result is that of `train_classifier` for each.

    Runs of one seed share their batches, and students of one teacher what it says of them, so
    give one module object for one teacher. ``states`` are the ``state`` of each run as in
    `train_classifier`, and so is ``deadline``; the training goes on where all are, which must be
    after the same epoch.

    Raises
    ------
    ValueError
        If the recipes differ in shape or cannot be stacked.
    OutOfTime
        If the next epoch would end after ``deadline``.
    Diverged
        If losses or logits of one are no longer finite.
    """
    first = recipes[0]
    if not all(can_stack(r) and shape_of(r) == shape_of(first) for r in recipes):
        raise ValueError(
            "A stack takes MLPs without dropout or AlexNets that share everything but alpha, "
            "seed, beta and T."
        )
    stack = Stack([initial_model(recipe).to(device) for recipe in recipes])
    optimizer = make_optimizer(first, stack.named())
    saved = checkpoint.load_stack(states, stack, optimizer) if states else None
    # Each keeps its share of the time: next time it may be trained in other company.
    seconds = sum(each["seconds"] for each in saved) if saved else 0.0
    traces = [Trace(each["history"] if saved else None, seconds) for each in saved or recipes]
    objective = Objective.stack(recipes, device)
    seeds = list(dict.fromkeys(recipe.seed for recipe in recipes))
    order = [seeds.index(recipe.seed) for recipe in recipes]
    of_seed = torch.tensor(order, device=device)
    leaders = [next(r for r in recipes if r.seed == seed) for seed in seeds]
    probes = [InformationProbe(r, images) for r in leaders] if first.mi_every else []
    lessons = _lessons(recipes, teachers, images)
    network = compiled(stack, device, first.total_steps)
    per_epoch = steps_per_epoch(first, images)
    epochs = -(-first.total_steps // per_epoch)
    snapshots = Snapshots(first, images, epochs)

    def read_probes(step: int) -> None:
        inputs = [probe.inputs(step) for probe in probes]
        for recipe, trace, seed, model in zip(recipes, traces, order, stack.networks()):
            logits = predict(model, images, inputs[seed], first.augment)
            check_finite(logits, recipe, step // per_epoch)
            trace.add_information(step, probes[seed], logits)

    def score(epoch: int, step: int, losses: Tensor) -> None:
        for recipe, trace, loss, model in zip(recipes, traces, losses, stack.networks()):
            logits = predict(model, images, images.val_x, first.augment)
            check_finite(loss, recipe, epoch - 1)
            check_finite(logits, recipe, epoch - 1)
            trace.add_epoch(epoch, step, loss.item(), logits, images.val_y)

    def take_snapshots(epoch: int) -> None:
        if epoch in snapshots.due:
            for model, trace in zip(stack.networks(), traces):
                snapshots.take(model, trace, epoch)

    bar = tqdm(
        total=epochs,
        initial=traces[0].epochs,
        desc=f"{len(recipes)} × {first.name}",
        unit="epoch",
        disable=not progress,
    )
    step = start = traces[0].epochs * per_epoch
    total = torch.zeros(len(recipes), device=device)
    with bar, reproducible(device):
        if traces[0].epochs == 0:
            if probes:
                read_probes(0)
            take_snapshots(0)
        for epoch in range(traces[0].epochs, epochs):
            traces[0].check_deadline(deadline)
            for batches in zip(
                *(epoch_batches(leader, images, epoch, device) for leader in leaders)
            ):
                if step == first.total_steps:
                    break
                set_learning_rate(optimizer, learning_rate(first, step))
                raw = torch.stack([batch.raw for batch in batches])
                y = torch.stack([batch.targets for batch in batches])
                with autocast(device):
                    logits = network(images.normalise(raw)[of_seed])
                taught = _taught(lessons, batches, order)
                losses = objective(logits.float(), y[of_seed], taught).mean(-1)
                optimizer.zero_grad(set_to_none=True)
                losses.sum().backward()
                if first.clip_norm:
                    _clip_each(stack.stacked, first.clip_norm)
                optimizer.step()
                total += losses.detach()
                step += 1
                if probes and information_is_due(first, step):
                    read_probes(step)
            take_snapshots(epoch + 1)
            bar.update()
            if not is_scored(first, images, epoch + 1):
                continue
            score(epoch + 1, step, total / max(1, step - start))
            total, start = torch.zeros_like(total), step
            if states:
                share = traces[0].seconds / len(recipes)
                kept = [{"history": trace.history, "seconds": share} for trace in traces]
                checkpoint.save_stack(states, stack, optimizer, kept)
    return list(zip(stack.networks(), traces))


def _lessons(
    recipes: list[Recipe], teachers: list[nn.Module | None], images: Images
) -> list[Teaching | None]:
    """What each run is taught; one object for one teacher."""
    asked = {id(teacher): (recipe, teacher) for recipe, teacher in zip(recipes, teachers)}
    known = {key: Teaching(*pair, images) for key, pair in asked.items() if pair[1] is not None}
    return [known.get(id(teacher)) for teacher in teachers]


def _taught(
    lessons: list[Teaching | None],
    batches: tuple[Batch, ...],
    order: list[int],
) -> Tensor | None:
    """Teacher logits (R, B, K) on each run's batch, asking each teacher once a batch."""
    if lessons[0] is None:
        return None
    said: dict[tuple[int, int], Tensor] = {}
    for lesson, seed in zip(lessons, order):
        key = (id(lesson), seed)
        if key not in said:
            said[key] = lesson.logits(batches[seed])
    return torch.stack([said[id(x), seed] for x, seed in zip(lessons, order)])


def _clip_each(stacked: nn.ParameterList, limit: float) -> None:
    """Clip each run's gradient norm, by the formula of ``clip_grad_norm_``."""
    squares = sum(value.grad.flatten(1).square().sum(1) for value in stacked)
    factor = (limit / (squares.sqrt() + 1e-6)).clamp(max=1)
    for value in stacked:
        value.grad.mul_(factor.reshape(-1, *(1,) * (value.ndim - 1)))
