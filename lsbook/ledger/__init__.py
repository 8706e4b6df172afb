"""The ledger: each claim and number of the paper against the runs there are.

A claim is checked on one recipe at a time, over all its runs that differ only in α, seed and
teacher. Its check (``lsbook.ledger.checks``) asks preconditions first, then turns the claim into
conditions: effects that must lie above a bound or between two, each with a 95 % interval over
validation examples and seeds (``lsbook.ledger.effects``). The verdict follows from these alone:

- ``held``: of three or more seeds, every interval lies inside its condition;
- ``reproduced``: the same with the paper's own recipe, without any deviation;
- ``not``: of three or more seeds, an interval lies wholly outside its condition;
- ``leans for``, ``leans against``: neither; every estimate lies inside, or one does not;
- ``cannot tell``: a precondition fails, the best value lies at the edge of what was tried, or the
  estimate is a tie;
- ``not yet run``: a run that the check needs does not exist;
- ``not checked``: no recipe of this book can decide the claim.

Over several data sets a claim can also be ``mixed``: held on one and not on another.
"""

from lsbook.ledger.checks import CHECKS, UNCHECKED, Check, Evidence
from lsbook.ledger.deviations import deviations
from lsbook.ledger.effects import LEVEL, SEEDS, Effect, Interval, Reading, effect
from lsbook.ledger.groups import Group, Missing, Values, groups
from lsbook.ledger.measured import TOLERANCE, Measured, Row, measured, swept
from lsbook.ledger.settings import EXPERIMENTS, PRESETS, Experiment, recipes_of
from lsbook.ledger.verdicts import (
    AGAINST,
    DECIDED,
    FOR,
    HELD,
    STATUSES,
    Spread,
    Verdict,
    best,
    counts,
    in_a_sentence,
    judge,
    overall,
    verdicts,
)

__all__ = [
    "AGAINST", "CHECKS", "DECIDED", "EXPERIMENTS", "FOR", "HELD", "LEVEL", "PRESETS", "SEEDS",
    "STATUSES", "TOLERANCE", "UNCHECKED", "Check", "Effect", "Evidence", "Experiment", "Group",
    "Interval", "Measured", "Missing", "Reading", "Row", "Spread", "Values", "Verdict", "best",
    "counts", "deviations", "effect", "groups", "in_a_sentence", "judge", "measured", "overall",
    "recipes_of", "swept", "verdicts",
]
