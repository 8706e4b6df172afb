"""Processes that train jobs side by side, and end with the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Pipe, wait

from tqdm.auto import tqdm

from lsbook.data import DataError
from lsbook.recipes import Recipe
from lsbook.runs.store import BrokenRun
from lsbook.training.classifier import Diverged
from lsbook.training.deadline import OutOfTime

Job = list[Recipe]
EXPECTED = (BrokenRun, DataError, Diverged, OSError, OutOfTime)
FINAL = (OSError, OutOfTime)  # what stops one job will stop the next
PATIENCE = 3  # seconds for a process to end


class WorkerLost(RuntimeError):
    """A process that trained a job died."""


def one_by_one(
    jobs: Iterable[tuple[Job, set[str]]], train: Callable[[Job], None]
) -> Iterator[tuple[Job, Exception | None]]:
    """Train ``jobs`` in this process; as `side_by_side`."""
    failed: set[str] = set()
    for job, teachers in jobs:
        if teachers & failed:
            continue
        try:
            train(job)
        except EXPECTED as error:
            failed |= _hashes(job)
            yield job, error
            if isinstance(error, FINAL):
                return
        else:
            yield job, None


def side_by_side(
    jobs: Iterable[tuple[Job, set[str]]], train: Callable[[Job], None], count: int
) -> Iterator[tuple[Job, Exception | None]]:
    """Train ``jobs`` in ``count`` processes; yield each as it ends, with what stopped it.

    Each job comes with the hashes of the teachers that it waits for; where one of them could not
    be trained it is left out. A process that dies costs its own job. Want of time or of space is
    the end of all: jobs that run are waited for, and no other is begun.
    """
    waiting, failed = list(jobs), set()
    with _workers(min(count, len(waiting))) as workers:
        while True:
            waiting = [(job, teachers) for job, teachers in waiting if not teachers & failed]
            busy = [worker for worker in workers if worker.job]
            unfinished = set().union(*(_hashes(job) for job, _ in waiting))
            unfinished |= set().union(*(_hashes(worker.job) for worker in busy))
            for worker in workers:
                ready = (each for each in waiting if not each[1] & unfinished)
                if worker.job is None and (chosen := next(ready, None)):
                    waiting.remove(chosen)
                    worker.give(chosen[0], train)
                    busy.append(worker)
            if not busy:
                return
            for connection in wait([worker.connection for worker in busy]):
                worker = next(each for each in busy if each.connection is connection)
                job, error = worker.take()
                if error:
                    failed |= _hashes(job)
                if isinstance(error, FINAL):
                    waiting = []
                yield job, error


class _Worker:
    """A process that trains one job after another."""

    def __init__(self):
        self.job: Job | None = None
        self._start()

    def _start(self) -> None:
        self.connection, theirs = Pipe()
        file = theirs.fileno()
        call = [str(os.getpid()), __name__, serve.__name__, str(file)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        with _ctrl_c_held(), theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lsbook.attached", *call], env=environment, pass_fds=(file,)
            )

    def give(self, job: Job, train: Callable[[Job], None]) -> None:
        self.job = job
        self.connection.send((train, job))

    def take(self) -> tuple[Job, Exception | None]:
        """The job that ended, and what stopped it."""
        job, self.job = self.job, None
        try:
            return job, self.connection.recv()
        except (EOFError, ConnectionError):
            self._process.wait()
            error = WorkerLost(f"{job[0].name} was lost with its process ({self._end()})")
            self._start()
            return job, error

    def _end(self) -> str:
        code = self._process.returncode
        if code == -signal.SIGKILL:
            return "killed, perhaps for want of memory"
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def stop(self) -> None:
        """End the process; the state of its training is that after the last epoch."""
        self._process.terminate()

    def join(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self._process.kill()
        self._process.wait()


@contextmanager
def _workers(count: int) -> Iterator[list[_Worker]]:
    workers: list[_Worker] = []
    try:
        workers += [_Worker() for _ in range(count)]
        yield workers
    finally:
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """A process begun meanwhile never hears Ctrl-C, which is for the one that started it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(file: str) -> None:
    """Train what comes through the pipe ``file``, a number, until its other end is closed."""
    connection = Connection(int(file))
    tqdm.set_lock(threading.RLock())  # its own outlives a process that is ended
    while True:
        try:
            train, job = connection.recv()
        except EOFError:
            return
        error = None
        try:
            train(job)
        except EXPECTED as stopped:
            error = stopped
        except Exception:
            error = RuntimeError(traceback.format_exc())
        connection.send(error)


def _hashes(job: Job) -> set[str]:
    return {recipe.hash for recipe in job}
