"""Stopping a training in time, with what was trained kept."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager


class OutOfTime(Exception):
    """The time given is over; the training goes on from its last whole epoch at the next call."""


def check_deadline(deadline: float | None, needed: float = 0.0) -> None:
    """Raise `OutOfTime` if ``needed`` seconds do not fit before ``deadline``.

    ``deadline`` is in seconds of ``time.monotonic``; None is never.
    """
    if deadline is None:
        return
    left = deadline - time.monotonic()
    if left <= needed:
        left = max(0.0, left)
        raise OutOfTime(f"the next epoch takes about {needed:.0f} s and {left:.0f} s are left")


@contextmanager
def interrupted_at(deadline: float | None) -> Iterator[None]:
    """Raise `OutOfTime` from whatever the body is doing at ``deadline``; main thread only."""
    if deadline is None:
        yield
        return

    def stop(*_):
        raise OutOfTime("it ended within an epoch or an evaluation, which begins again")

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(1e-3, deadline - time.monotonic()))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the body as Ctrl-C does, by `KeyboardInterrupt`; main thread only."""

    def stop(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
