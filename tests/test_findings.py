"""The first page's findings and answer, from verdicts that are known."""

from lsbook import paper
from lsbook.figures import findings
from lsbook.ledger import Verdict


def rows(**statuses):
    """A verdict a claim, on a compact recipe; ``_`` stands for ``-``."""
    return [Verdict(id=id.replace("_", "-"), status=status, recipe="compact/teacher-cifar10")
            for id, status in statuses.items()]


HELD = rows(**{id.replace("-", "_"): "held" for id, *_ in findings.FINDINGS})


def test_every_finding_is_a_claim_of_the_paper():
    for id, chapter, _ in findings.FINDINGS:
        assert paper.claim(id).chapter == chapter and paper.claim(id).source == paper.KEY


def test_each_finding_has_its_verdict():
    lines = findings.found(HELD).splitlines()
    assert len(lines) == len(findings.FINDINGS)
    assert lines[0] == "- ● [Training stops at one best logit gap.](intro.html) *held*"
    refuted = findings.found([*HELD[:-1], *rows(mi_falls_more_smoothed="not")]).splitlines()
    assert refuted[-1].startswith("- ✕ ") and refuted[-1].endswith("*not*")


def test_the_answer_says_what_held_and_what_did_not():
    said = findings.answer(rows(
        smoothing_lowers_ece="held", accuracy_better="leans against",
        translation_bleu="leans for", smoothed_teacher_no_help="held"))
    helps, hurts = said.split("\n\n")
    assert helps == (
        "**It helps** where confidence has to be true (held here) and it translates (leaning that "
        "way here). Not so here where accuracy counts.")
    assert hurts == "**It hurts** where it is to teach another network (held here)."
    assert findings.answer([]) == "Where it helps is not shown.\n\nWhere it hurts is not shown."
