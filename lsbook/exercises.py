"""What the checks of the exercises share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def close(answer: Any, wanted: Any, within: float = 1e-6) -> bool:
    """Whether an answer has the values of ``wanted``, each ``within`` so much.

    A single number may come as Python's, numpy's or torch's; several as a list, a tuple, an array
    or a tensor, in the shape of ``wanted``. Anything else is a wrong answer, not an error.
    """
    wanted = np.asarray(wanted, dtype=float)
    try:
        given = answer.detach().cpu() if isinstance(answer, torch.Tensor) else answer
        given = np.asarray(given, dtype=float)
    except (TypeError, ValueError, RuntimeError):
        return False
    if wanted.ndim == 0 and given.size == 1:
        given = given.reshape(())
    return given.shape == wanted.shape and np.allclose(given, wanted, rtol=0, atol=within)
