"""One translation model, trained from its recipe; stops and resumes at any epoch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from lsbook import losses, models
from lsbook.data import Text
from lsbook.data.tokenizers import BOS, EOS, PAD
from lsbook.recipes import Recipe
from lsbook.training import checkpoint
from lsbook.training.batches import generator
from lsbook.training.classifier import check_finite
from lsbook.training.device import autocast, reproducible
from lsbook.training.optimisation import learning_rate, make_optimizer, set_learning_rate
from lsbook.training.trace import Trace

Pair = tuple[list[int], list[int]]


def initial_model(recipe: Recipe, text: Text) -> nn.Module:
    """The recipe's Transformer over the text's vocabulary, with the weights its seed gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return models.build(recipe.model, vocab=text.tokenizer.vocab_size, **dict(recipe.size))


def pad(pairs: list[Pair], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Source (B, S) with EOS, decoder input (B, T) with BOS, targets (B, T) with EOS, padded."""

    def block(rows: list[list[int]]) -> Tensor:
        width = max(map(len, rows))
        return torch.tensor([row + [PAD] * (width - len(row)) for row in rows], device=device)

    return (
        block([source + [EOS] for source, _ in pairs]),
        block([[BOS] + target for _, target in pairs]),
        block([target + [EOS] for _, target in pairs]),
    )


def by_length(pairs: list[Pair], tokens: int, order: list[int] | None = None) -> list[list[int]]:
    """Indices of ``pairs`` cut into batches of about ``tokens`` padded target tokens.

    Neighbours in length share a batch; ``order`` breaks ties and so decides who meets whom.
    """
    order = list(range(len(pairs))) if order is None else order
    order = sorted(order, key=lambda i: (len(pairs[i][1]), len(pairs[i][0])))
    batches: list[list[int]] = [[]]
    for i in order:
        if batches[-1] and (len(batches[-1]) + 1) * (len(pairs[i][1]) + 1) > tokens:
            batches.append([])
        batches[-1].append(i)
    return batches


def epoch_batches(recipe: Recipe, pairs: list[Pair], epoch: int) -> Iterator[list[Pair]]:
    """Shuffled batches that depend on the seed and the epoch alone."""
    random = generator(recipe.seed, epoch, torch.device("cpu"))
    order = torch.randperm(len(pairs), generator=random).tolist()
    batches = by_length(pairs, recipe.batch_size, order)
    for number in torch.randperm(len(batches), generator=random).tolist():
        yield [pairs[i] for i in batches[number]]


@torch.no_grad()
def validation_loss(
    model: nn.Module, pairs: list[Pair], device: torch.device
) -> tuple[float, float]:
    """Mean NLL in nats and accuracy a target token, the prefix being the reference."""
    model.eval()
    nll, right, count = 0.0, 0, 0
    for batch in by_length(pairs, 4096):
        source, target_in, target = pad([pairs[i] for i in batch], device)
        with autocast(device):
            logits = model(source, target_in).float()
        counted = target != PAD
        nll += losses.smoothed_cross_entropy(
            logits, target, ignore_index=PAD, reduction="sum", validate=False
        ).item()
        right += int(((logits.argmax(-1) == target) & counted).sum())
        count += int(counted.sum())
    return nll / count, right / count


def train_sequence(
    recipe: Recipe,
    text: Text,
    device: torch.device,
    *,
    state: Path | None = None,
    progress: bool = True,
    deadline: float | None = None,
) -> tuple[nn.Module, Trace]:
    """Train ``recipe`` on ``text``; ``state``, ``progress``, ``deadline`` as in `train_classifier`.

    Raises
    ------
    OutOfTime
        If the next epoch would end after ``deadline``.
    Diverged
        If the training loss is no longer finite.
    """
    model = initial_model(recipe, text).to(device)
    optimizer = make_optimizer(recipe, dict(model.named_parameters()))
    saved = checkpoint.load(state, model, optimizer) if state else None
    trace = Trace.resume(saved)
    step = trace.history["step"][-1] if saved else 0
    title = f"{recipe.name} α={recipe.alpha:g} seed {recipe.seed}"
    bar = tqdm(
        total=recipe.total_steps, initial=step, desc=title, unit="step", disable=not progress
    )
    with bar, reproducible(device):
        while step < recipe.total_steps:
            trace.check_deadline(deadline)
            model.train()
            epoch = trace.epochs
            total, first = torch.zeros((), device=device), step
            # Dropout draws from the global generator; seeding it here makes epochs resumable.
            with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                torch.manual_seed(recipe.seed * 1_000_003 + epoch)
                for batch in epoch_batches(recipe, text.train, epoch):
                    if step == recipe.total_steps:
                        break
                    set_learning_rate(optimizer, learning_rate(recipe, step))
                    source, target_in, target = pad(batch, device)
                    with autocast(device):
                        logits = model(source, target_in)
                    loss = losses.smoothed_cross_entropy(
                        logits.float(), target, recipe.alpha, ignore_index=PAD, validate=False
                    )
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()
                    if recipe.clip_norm:
                        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
                    optimizer.step()
                    total += loss.detach()
                    step += 1
                    bar.update()
            check_finite(total, recipe, epoch)
            nll, accuracy = validation_loss(model, text.val, device)
            mean_loss = (total / (step - first)).item()
            trace.add(
                epoch=epoch + 1, step=step, train_loss=mean_loss, val_nll=nll, val_accuracy=accuracy
            )
            if state:
                checkpoint.save(state, model, optimizer, trace.state)
            bar.set_postfix(nll=f"{nll:.3f}")
    return model.eval(), trace
