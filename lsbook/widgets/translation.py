"""Explorer of translation: a sentence of the reader's own, any α, which trains, beam and T."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np

from lsbook import runs
from lsbook.chapter import Chapter
from lsbook.data import Grammar, Text, load_text
from lsbook.data.tokenizers import EOS
from lsbook.estimators.decoding import beam_search
from lsbook.figures import translation as figures
from lsbook.runs import Run
from lsbook.training.device import choose
from lsbook.training.sequence import pad
from lsbook.widgets import live
from lsbook.widgets.panel import alpha_slider, panel

SENTENCE = "the old teacher brings along a cake if the neighbour waits often ."


def explorer(chapter: Chapter) -> widgets.VBox | None:
    """A sentence, α, beam and T above its two translations; None where no kernel is live."""
    if not live():
        return None
    text = load_text(chapter.recipe().dataset)
    grammar = Grammar() if text.name == "grammar" else None

    def draw(sentence: str, alpha: float, beam: int, T: float):
        pair = {a: _with_weights(chapter, a) for a in (0.0, alpha)}
        samples = {
            a: [translated(run, text, sentence, beam, T, chapter.device)] for a, run in pair.items()
        }
        return figures.sentences(samples, grammar, alpha=alpha, bound=False)

    return panel(
        draw,
        sentence=widgets.Text(
            value=SENTENCE, description="English", continuous_update=False,
            layout=widgets.Layout(width="36rem", max_width="100%")),
        alpha=alpha_slider(chapter, 0.1),
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
        If the sentence is empty, or is none of the grammar's where the text is.
    """
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
        "tokens": [text.tokenizer.decode([token]) for token in words],
        "probabilities": np.exp(found[0].token_log_probs[: len(words)]).round(3).tolist(),
    }


def _with_weights(chapter: Chapter, alpha: float) -> Run:
    """The run at ``alpha`` of the reader's seed, or of seed 0, whose weights are always kept."""
    run = runs.get(chapter.recipe(alpha=alpha), device=chapter.device)
    if run.has_weights:
        return run
    return runs.get(chapter.recipe(alpha=alpha, seed=0), device=chapter.device)
