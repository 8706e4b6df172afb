"""What became of the paper's findings, in a few lines: for the first page of the book."""

from __future__ import annotations

from collections.abc import Sequence

from lsbook.figures.ledger import SIGNS
from lsbook.ledger import AGAINST, FOR, HELD, Verdict, best, overall

FINDINGS = (
    ("gap-constant", "intro", "Training stops at one best logit gap."),
    ("tight-clusters", "representations", "Inside, each class gathers into a tight cluster."),
    ("smoothing-lowers-ece", "calibration", "Confidence comes closer to how often it is right."),
    ("translation-bleu", "translation", "Translations get better."),
    ("translation-nll", "translation", "The likelihood of the reference gets worse."),
    ("smoothed-teacher-no-help", "distillation",
     "A smoothed teacher teaches no more than smoothing alone."),
    ("mi-falls-more-smoothed", "mutual-information",
     "Its logits tell less about which example they saw."),
)
"""Claim, chapter, and the finding in a sentence."""

HELPS = (("smoothing-lowers-ece", "confidence has to be true"),
         ("accuracy-better", "accuracy counts"), ("translation-bleu", "it translates"))
HURTS = (("smoothed-teacher-no-help", "it is to teach another network"),
         ("translation-nll", "the likelihood counts"),
         ("selective-classification", "it has to know which answers to leave out"))
"""What smoothing is good and bad for, each with the claim that says so."""

WORDS = {True: "held here", False: "leaning that way here"}


def _status(verdicts: Sequence[Verdict], id: str) -> str:
    return overall(best(row for row in verdicts if row.id == id))


def found(verdicts: Sequence[Verdict]) -> str:
    """The findings as a Markdown list, each with its verdict and a link to its chapter."""
    lines = []
    for id, chapter, text in FINDINGS:
        status = _status(verdicts, id)
        lines.append(f"- {SIGNS[status]} [{text}]({chapter}.html) *{status}*")
    return "\n".join(lines)


def answer(verdicts: Sequence[Verdict]) -> str:
    """When label smoothing helps and when it hurts, by what was found here."""
    lines = []
    for word, cases in (("helps", HELPS), ("hurts", HURTS)):
        statuses = {words: _status(verdicts, id) for id, words in cases}
        yes = [_said(words, s) for words, s in statuses.items() if s in FOR]
        no = [words for words, s in statuses.items() if s in AGAINST]
        line = f"**It {word}** where {_listed(yes)}." if yes else f"Where it {word} is not shown."
        if no:
            line += f" Not so here where {_listed(no)}."
        lines.append(line)
    return "\n\n".join(lines)


def _said(words: str, status: str) -> str:
    return f"{words} ({WORDS[status in HELD]})"


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else parts[0]
