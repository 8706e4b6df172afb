"""One classifier, trained from its recipe; stops and resumes at any epoch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from lsbook import models
from lsbook.data import Images
from lsbook.data.augment import apply, views
from lsbook.recipes import Recipe
from lsbook.training import checkpoint
from lsbook.training.batches import Batch, epoch_batches, is_scored, steps_per_epoch
from lsbook.training.device import autocast, compiled, reproducible
from lsbook.training.evaluation import InformationProbe, predict
from lsbook.training.objective import Objective
from lsbook.training.optimisation import learning_rate, make_optimizer, set_learning_rate
from lsbook.training.snapshots import Snapshots
from lsbook.training.trace import Trace, information_is_due


MOST_VIEWS = 32


class Diverged(RuntimeError):
    """Losses or logits became NaN or infinite."""


def check_finite(values: Tensor, recipe: Recipe, epoch: int) -> None:
    """Raise `Diverged` if losses or logits seen in ``epoch`` (from 0) are not finite."""
    if not torch.isfinite(values).all():
        raise Diverged(
            f"{recipe.name} with α={recipe.alpha:g}, seed {recipe.seed} diverged in epoch "
            f"{epoch + 1}; lower lr."
        )


def initial_model(recipe: Recipe) -> nn.Module:
    """The recipe's network with the weights its seed gives, whatever was drawn before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return models.build(recipe.model, **dict(recipe.size))


class Teaching:
    """What a teacher says of the training images as its student sees them.

    The teacher is asked about the student's own view. Of pictures that have few views it is asked
    about each before the training, and where the two take different windows of an image, about
    every clean image.
    """

    def __init__(self, recipe: Recipe, teacher: nn.Module, images: Images):
        self.images = images
        self.teacher = compiled(teacher, images.train_x.device, recipe.total_steps)
        kind = recipe.distil.teacher.augment
        self.views, self.known = None, None
        if recipe.augment not in (kind, "none"):
            self.known = predict(teacher, images, images.train_x, kind)
        elif recipe.augment != "none" and len(images.shape) == 3:
            every = views(kind, images.shape)
            if len(every) <= MOST_VIEWS:
                self.views, count = every.to(images.train_x.device), len(images.train_x)
                self.known = torch.stack([
                    predict(teacher, images, apply(images.train_x, kind, v.expand(count, -1)), kind)
                    for v in self.views
                ])

    @torch.no_grad()
    def logits(self, batch: Batch) -> Tensor:
        """The teacher's logits (B, K) of a batch."""
        if self.views is not None:
            number = (batch.offsets[:, None] == self.views).all(-1).long().argmax(-1)
            return self.known[number, batch.index]
        if self.known is not None:
            return self.known[batch.index]
        with autocast(batch.raw.device):
            logits = self.teacher(self.images.normalise(batch.raw))
        # A copy, since the next CUDA graph may write where this one put its answer.
        return logits.to(torch.float32, copy=True)


def train_classifier(
    recipe: Recipe,
    images: Images,
    device: torch.device,
    *,
    teacher: nn.Module | None = None,
    state: Path | None = None,
    progress: bool = True,
    deadline: float | None = None,
) -> tuple[nn.Module, Trace]:
    """Train ``recipe`` on ``images``, which lie on ``device``.

    Parameters
    ----------
    teacher
        The trained teacher, in evaluation mode, where the recipe distils.
    state
        File that holds the state after each scored epoch; where it exists training goes on from it.
    progress
        Show a bar with the time left.
    deadline
        In seconds of ``time.monotonic``; an epoch that would end later is not begun.

    Raises
    ------
    OutOfTime
        If the next epoch would end after ``deadline``.
    Diverged
        If losses or logits are no longer finite.
    """
    model = initial_model(recipe).to(device)
    if device.type != "mps":
        model = model.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(recipe, dict(model.named_parameters()))
    saved = checkpoint.load(state, model, optimizer) if state else None
    trace = Trace.resume(saved)
    objective = Objective.of(recipe)
    probe = InformationProbe(recipe, images) if recipe.mi_every else None
    teaching = Teaching(recipe, teacher, images) if teacher is not None else None
    network = compiled(model, device, recipe.total_steps)
    per_epoch = steps_per_epoch(recipe, images)
    epochs = -(-recipe.total_steps // per_epoch)
    snapshots = Snapshots(recipe, images, epochs)

    def read_probe(step: int) -> None:
        logits = predict(model, images, probe.inputs(step), recipe.augment)
        check_finite(logits, recipe, step // per_epoch)
        trace.add_information(step, probe, logits)
        model.train()

    bar = tqdm(
        total=epochs, initial=trace.epochs, desc=_title(recipe), unit="epoch", disable=not progress
    )
    step = first = trace.epochs * per_epoch
    total = torch.zeros((), device=device)
    with bar, reproducible(device):
        if trace.epochs == 0:
            if probe:
                read_probe(0)
            snapshots.take(model, trace, 0)
        for epoch in range(trace.epochs, epochs):
            trace.check_deadline(deadline)
            model.train()
            # Dropout draws from the global generator; seeding it here makes epochs resumable.
            with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                torch.manual_seed(recipe.seed * 1_000_003 + epoch)
                for batch in epoch_batches(recipe, images, epoch, device):
                    if step == recipe.total_steps:
                        break
                    set_learning_rate(optimizer, learning_rate(recipe, step))
                    with autocast(device):
                        logits = network(images.normalise(batch.raw))
                    taught = teaching and teaching.logits(batch)
                    loss = objective(logits.float(), batch.targets, taught).mean()
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()
                    if recipe.clip_norm:
                        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
                    optimizer.step()
                    total += loss.detach()
                    step += 1
                    if probe and information_is_due(recipe, step):
                        read_probe(step)
            check_finite(total, recipe, epoch)
            snapshots.take(model, trace, epoch + 1)
            bar.update()
            if not is_scored(recipe, images, epoch + 1):
                continue
            val_logits = predict(model, images, images.val_x, recipe.augment)
            check_finite(val_logits, recipe, epoch)
            mean_loss = (total / max(1, step - first)).item()
            trace.add_epoch(epoch + 1, step, mean_loss, val_logits, images.val_y)
            if state:
                checkpoint.save(state, model, optimizer, trace.state)
            total, first = torch.zeros_like(total), step
            bar.set_postfix(accuracy=f"{trace.history['val_accuracy'][-1]:.3f}")
    return model.eval(), trace


def _title(recipe: Recipe) -> str:
    return f"{recipe.name} α={recipe.alpha:g} seed {recipe.seed}"
