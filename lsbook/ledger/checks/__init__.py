"""How each claim is checked on the runs of one recipe: a module a chapter.

A check has side by side what must be so before the claim can be asked (``needs``), what is
measured (``run``, ``measure``), and the conditions on it in words (``rule``).
"""

from lsbook.ledger.checks import (
    calibration,
    distillation,
    information,
    representations,
    translation,
)
from lsbook.ledger.checks.base import Check, Evidence
from lsbook.ledger.checks.representations import TRIOS, arc

CHECKS: dict[str, Check] = (
    representations.CHECKS
    | calibration.CHECKS
    | translation.CHECKS
    | distillation.CHECKS
    | information.CHECKS
)
"""The check of each claim that runs can decide."""

UNCHECKED: dict[str, str] = {
    "smoothing-denoises": "needs teachers and students trained on wrong labels; no recipe has them",
    "drop-smoothing-late": "needs an α that changes during training; a recipe's α is constant",
    "transfer-hurt": "needs the features of a large network on other data; none is trained here",
    "negative-alpha": "needs wrong labels and α below 0; recipes have neither",
}
"""Why the other claims are not checked."""

__all__ = ["CHECKS", "TRIOS", "UNCHECKED", "Check", "Evidence", "arc"]
