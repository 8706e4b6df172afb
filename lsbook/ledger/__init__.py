"""The ledger: each claim and number of the paper against the runs there are.

A claim is checked on one recipe at a time, over all its runs that differ only in α, seed and
teacher. The check turns it into conditions, each a margin per seed that is above 0 where the
condition holds. The verdict follows from the margins alone:

- ``reproduced``: every condition holds in every seed, of two or more, on the paper's own data,
  network and whole schedule;
- ``held``: the same on anything less;
- ``held once``: every condition holds, but one of them has a single seed;
- ``partly``: some condition holds on average over the seeds;
- ``not``: no condition does;
- ``not yet run``: a run that the check needs does not exist;
- ``not checked``: no recipe of this book can decide the claim.
"""

from lsbook.ledger.checks import CHECKS, UNCHECKED, Check, Evidence
from lsbook.ledger.groups import Group, Missing, Values, groups, is_papers_own
from lsbook.ledger.measured import (
    EXPERIMENTS,
    TOLERANCE,
    Experiment,
    Measured,
    Row,
    measured,
    swept,
)
from lsbook.ledger.verdicts import (
    DECIDED,
    HELD,
    STATUSES,
    Spread,
    Verdict,
    judge,
    overall,
    verdicts,
)

__all__ = [
    "CHECKS", "DECIDED", "EXPERIMENTS", "HELD", "STATUSES", "TOLERANCE", "UNCHECKED", "Check",
    "Evidence", "Experiment", "Group", "Measured", "Missing", "Row", "Spread", "Values",
    "Verdict", "groups", "is_papers_own", "judge", "measured", "overall", "swept", "verdicts",
]
