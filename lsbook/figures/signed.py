"""Differences, with their sign."""

from __future__ import annotations


def signed(value: float, digits: int = 1) -> str:
    """``+1.2``, ``−0.5``, or ``±0.0`` where nothing is left at so many digits."""
    size = f"{abs(value):.{digits}f}"
    sign = "±" if float(size) == 0 else "+" if value > 0 else "−"
    return sign + size
