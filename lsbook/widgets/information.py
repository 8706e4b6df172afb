"""Explorer of mutual information: new draws from a network, trained by button if need be."""

from __future__ import annotations

from dataclasses import replace

import ipywidgets as widgets
import numpy as np
import torch

from lsbook.chapter import Chapter
from lsbook.data.augment import augment
from lsbook.figures import information as figures
from lsbook.figures.standalone import on_site
from lsbook.runs import Run, get
from lsbook.training.data import images_of
from lsbook.widgets.train import training_panel


@torch.no_grad()
def draw_differences(run: Run, N: int, M: int, seed: int = 0) -> np.ndarray:
    """Logit differences (N, M) of training examples of the run's two classes under augmentation."""
    recipe = run.recipe
    images = images_of(recipe)
    halves = [torch.nonzero(images.train_y == k).flatten()[: N // 2] for k in recipe.mi_classes]
    x = images.train_x[torch.cat(halves)]
    random = torch.Generator().manual_seed(seed)
    first, second = recipe.mi_classes
    model = run.model()
    columns = []
    for _ in range(M):
        logits = model(images.normalise(augment(x, recipe.augment, random)))
        columns.append((logits[:, first] - logits[:, second]).numpy())
    return np.stack(columns, axis=1)


def explorer(chapter: Chapter) -> widgets.VBox | None:
    """Controls for α, N and L above both forms of the estimate; None where no kernel is live."""
    if on_site():
        return None
    chapter = replace(chapter, seed=0)

    def needs(alpha: float, **_):
        return [chapter.recipe(alpha=alpha)]

    def draw(alpha: float, N: int, L: int):
        (recipe,) = needs(alpha)
        run = get(recipe, device=chapter.device)
        draws = draw_differences(run, N, L + 1)
        return figures.draw_count_chart(
            figures.draw_count_frame(draws), f"α = {alpha:g}, {len(draws)} examples; dashed: log 2")

    return training_panel(
        draw,
        needs,
        chapter.device,
        with_weights=True,
        alpha=widgets.FloatSlider(value=chapter.alpha or 0.1, min=0, max=0.9, step=0.01,
                                  description="α", continuous_update=False),
        N=widgets.IntSlider(value=600, min=100, max=600, step=100, description="examples N"),
        L=widgets.IntSlider(value=10, min=2, max=40, description="draws up to L",
                            continuous_update=False),
    )
