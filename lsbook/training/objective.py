"""What a recipe asks the network to minimise, per example and for one model or a stack of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lsbook import losses
from lsbook.recipes import Recipe


@dataclass(frozen=True)
class Objective:
    """alpha, beta and T of one recipe (floats) or a stack (tensors that broadcast over batches)."""

    alpha: float | Tensor
    beta: float | Tensor = 0.0
    T: float | Tensor = 1.0
    matches: str | None = None
    loss_scale: float = 1.0

    @classmethod
    def of(cls, recipe: Recipe) -> Objective:
        if recipe.distil is None:
            return cls(recipe.alpha, loss_scale=recipe.loss_scale)
        distil = recipe.distil
        return cls(recipe.alpha, distil.beta, distil.T, distil.objective, recipe.loss_scale)

    @classmethod
    def stack(cls, recipes: list[Recipe], device: torch.device) -> Objective:
        """One objective for recipes that differ in alpha, beta and T alone; losses are (R, B)."""
        each = [cls.of(recipe) for recipe in recipes]

        def column(name: str, axes: int) -> Tensor:
            values = torch.tensor([getattr(one, name) for one in each], device=device)
            return values.reshape(-1, *(1,) * axes)

        first = each[0]
        return cls(
            column("alpha", 1), column("beta", 1), column("T", 2), first.matches, first.loss_scale
        )

    def __call__(self, logits: Tensor, targets: Tensor, teacher_logits: Tensor | None) -> Tensor:
        """Losses (..., B) from logits (..., B, K), classes (..., B) and the teacher's logits."""
        hard = losses.smoothed_cross_entropy(
            logits, targets, self.alpha, reduction="none", validate=False
        )
        if self.matches is None:
            return self.loss_scale * hard
        if self.matches in ("logits", "mean-logits"):
            soft = losses.logit_matching(
                logits, teacher_logits, reduction="none", validate=False
            )
            if self.matches == "mean-logits":
                soft = soft / logits.shape[-1]
        else:
            soft = losses.distillation(
                logits,
                targets,
                teacher_logits,
                beta=1.0,
                T=self.T,
                student_T=1.0,
                reduction="none",
                validate=False,
            )
        return self.loss_scale * ((1 - self.beta) * hard + self.beta * soft)
