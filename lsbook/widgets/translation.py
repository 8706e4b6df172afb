"""Explorer of translation: a sentence of the reader's own, any α, the beam and T."""

from __future__ import annotations

from html import escape
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np

from lsbook import runs
from lsbook.chapter import Chapter
from lsbook.data import DataError, Grammar, Text
from lsbook.data.tokenizers import EOS
from lsbook.estimators.decoding import beam_search
from lsbook.explore import translation as explore
from lsbook.figures.standalone import on_site
from lsbook.recipes import Recipe
from lsbook.runs import Run
from lsbook.training.data import text_of
from lsbook.training.device import choose
from lsbook.training.sequence import pad
from lsbook.widgets.train import training_panel

SENTENCE = "the old teacher brings along a cake if the neighbour waits often ."


def explorer(chapter: Chapter) -> widgets.Widget | None:
    """A sentence, α, beam and T above its two translations; None where no kernel is live.

    An α that is not recorded is offered for training.
    """
    if on_site():
        return None
    try:
        text = text_of(chapter.recipe())
    except DataError as error:
        return widgets.HTML(escape(str(error)))
    grammar = Grammar() if text.name == "grammar" else None

    def needs(alpha: float, **_) -> list[Recipe]:
        return [_keeps_weights(chapter.recipe(alpha=a)) for a in (0.0, alpha)]

    def draw(sentence: str, alpha: float, beam: int, T: float):
        own = []
        for recipe in needs(alpha):
            run = runs.find(recipe)
            said = translated(run, text, sentence, beam, T, chapter.device)
            own.append(SimpleNamespace(
                recipe=run.recipe, manifest=run.manifest, arrays=run.arrays,
                stored_arrays=run.stored_arrays, samples=[said]))
        return explore.sentences({own[0].recipe.name: own}, alpha, chapter.command)

    return training_panel(
        draw, needs, chapter.device, with_weights=True,
        sentence=widgets.Text(
            value=SENTENCE if grammar else text.tokenizer.decode(text.test[0][0]),
            description="English", continuous_update=False,
            layout=widgets.Layout(width="36rem", max_width="100%")),
        alpha=widgets.FloatSlider(
            value=chapter.alpha or 0.1, min=0.01, max=0.9, step=0.01, description="α",
            continuous_update=False),
        beam=widgets.IntSlider(value=4, min=1, max=12, description="beam"),
        T=widgets.FloatSlider(value=1.0, min=0.5, max=2, step=0.1, description="T"),
    )


def translated(
    run: Run, text: Text, sentence: str, beam: int, T: float, device: str = "auto"
) -> dict:
    """The best hypothesis for one sentence, in the form of a run's samples.

    Raises
    ------
    ValueError
        If the sentence is empty, or is none of the grammar's where the text is, or the run keeps
        no weights.
    """
    if not run.has_weights:
        raise ValueError(
            f"Run {run.recipe.hash} keeps no weights; get(recipe, retrain=True) trains it again.")
    if not sentence.strip():
        raise ValueError("Write an English sentence, its words separated by spaces.")
    if text.name == "grammar":
        Grammar().next_token_distribution(sentence)
    place = choose(device)
    source, _, _ = pad([(text.tokenizer.encode(sentence), [])], place)
    (found,) = beam_search(run.model().to(place), source, beam=beam, T=T)
    words = [token for token in found[0].tokens if token != EOS]
    return {
        "source": sentence,
        "reference": "",
        "hypothesis": text.tokenizer.decode(words),
        "tokens": [text.tokenizer.word(token) for token in words],
        "probabilities": np.exp(found[0].token_log_probs[: len(words)]).round(3).tolist(),
    }


def _keeps_weights(recipe: Recipe) -> Recipe:
    """The recipe, or where its run was published without weights that of seed 0, which has them."""
    run = runs.find(recipe)
    return recipe if run is None or run.has_weights else recipe.with_(seed=0)
