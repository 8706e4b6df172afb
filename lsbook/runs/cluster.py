"""The queue on a Ray cluster: a task a job, teachers before students, lost workers made good."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import torch

from lsbook.data import DataError, data_dir
from lsbook.recipes import Recipe
from lsbook.runs import store
from lsbook.runs.get import planned, train_job
from lsbook.training.classifier import Diverged
from lsbook.training.deadline import OutOfTime, check_deadline

RETRIES = 3  # of a job whose worker died
ANSWER = 20  # seconds for a cluster to answer
GRACE = 5  # seconds after the deadline for workers to stop by themselves
OBJECT_STORE = 100 * 2**20  # bytes; recipes alone travel through it
# A cluster of this machine alone listens on the loopback address and reports nothing home.
ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}


class ClusterError(RuntimeError):
    """There is no cluster, it cannot do what is asked, or it lost a job for good."""


def work(
    groups: list[list[Recipe]],
    address: str,
    *,
    device: str = "auto",
    workers: int = 1,
    deadline: float | None = None,
) -> Iterator[tuple[list[Recipe], Exception | None]]:
    """Train what is missing of ``groups`` on a Ray cluster; yield each job as it ends.

    Jobs start in the order of the groups; a student waits for its teacher. The job of a worker
    that dies goes on elsewhere from its last state, so all machines must share the folders of
    the runs and of the data. A job takes one GPU where the cluster has any, else one core.

    Parameters
    ----------
    address
        ``local`` starts a cluster of ``workers`` processes on this machine and ends it
        afterwards; ``auto`` takes the one that runs here; else ``HOST:PORT`` of one.
    deadline
        In seconds of this machine's ``time.monotonic``.

    Yields
    ------
    tuple
        The recipes of a job and, unless their runs are there now, what stopped them:
        `DataError`, `Diverged`, `OutOfTime`, `ClusterError` or an error from the worker.

    Raises
    ------
    ClusterError
        If Ray is not installed, there is no cluster at ``address``, or it lacks the device.
    """
    with _connected(address, workers, deadline) as ray:
        places, needs = _resources(ray.cluster_resources(), device)
        kind = torch.device("cuda" if "num_gpus" in needs else "cpu")
        train = ray.remote(_train)
        ends = None if deadline is None else time.time() + deadline - time.monotonic()
        common = _folders(), device, ends
        task_of: dict[str, object] = {}
        jobs: dict[object, list[Recipe]] = {}
        for job, teachers in planned(groups, places, kind):
            after = {task_of[teacher] for teacher in teachers}
            name = " ".join(recipe.hash for recipe in job)
            options = {"name": name, "max_retries": RETRIES, **needs}
            task = train.options(**options).remote(job, *common, *after)
            jobs[task] = job
            task_of |= {recipe.hash: task for recipe in job}
        pending = list(jobs)
        while pending:
            left = None if deadline is None else max(0, deadline - time.monotonic()) + GRACE
            done, pending = ray.wait(pending, timeout=left)
            if not done:
                yield jobs[pending[0]], OutOfTime("its workers did not stop by themselves")
                return
            yield jobs[done[0]], _error(ray, done[0], jobs[done[0]])


def _train(
    job: list[Recipe], folders: dict[str, str], device: str, ends: float | None, *teachers: None
) -> None:
    """Train ``job`` on a worker until ``ends``, in seconds since 1970."""
    os.environ |= folders
    deadline = None if ends is None else time.monotonic() + ends - time.time()
    check_deadline(deadline)
    train_job(job, device, retrain=False, progress=False, deadline=deadline)


def _folders() -> dict[str, str]:
    return {"LSBOOK_RUNS": str(store.home().resolve()), "LSBOOK_DATA": str(data_dir().resolve())}


def _resources(cluster: dict[str, float], device: str) -> tuple[int, dict[str, int]]:
    """How many jobs run at once, and what one asks of Ray."""
    kind = device.split(":")[0]
    if gpus := int(cluster.get("GPU", 0)) if kind in ("auto", "cuda") else 0:
        return gpus, {"num_gpus": 1}
    if kind == "cuda":
        raise ClusterError("The cluster has no GPU; use --device auto or cpu.")
    return max(1, int(cluster.get("CPU", 1))), {"num_cpus": 1}


def _error(ray: ModuleType, task: object, job: list[Recipe]) -> Exception | None:
    try:
        ray.get(task)
    except ray.exceptions.RayTaskError as error:
        ours = isinstance(error.cause, DataError | Diverged | OutOfTime)
        return error.cause if ours else error
    except ray.exceptions.RayError as error:
        return ClusterError(f"{job[0].name} was lost with its worker {RETRIES + 1} times: {error}")
    if all(store.find(recipe) for recipe in job):
        return None
    return ClusterError(
        f"{job[0].name} was trained, and is not in {store.home()}: the machines of a cluster must "
        "share this folder. Set LSBOOK_RUNS to one that they share."
    )


@contextmanager
def _connected(address: str, workers: int, deadline: float | None) -> Iterator[ModuleType]:
    if address == "local":
        os.environ |= ALONE
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ClusterError("A cluster needs Ray: pip install 'lsbook[cluster]'.") from error
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    own = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": OBJECT_STORE}
    if address == "local":
        ray.init(address, **quiet, **own)
    else:
        _check_that_it_answers(address, deadline)
        ray.init(address, **quiet)
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_that_it_answers(address: str, deadline: float | None) -> None:
    """Connect in a process of its own first: Ray asks for minutes, and cannot be interrupted."""
    ask = "import sys, ray; ray.init(sys.argv[1], log_to_driver=False, logging_level='ERROR')"
    left = ANSWER if deadline is None else min(ANSWER, max(0, deadline - time.monotonic()))
    try:
        command = [sys.executable, "-c", ask, address]
        subprocess.run(command, timeout=left, check=True, capture_output=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise ClusterError(
            f"No Ray cluster answers at {address!r}: start one with `ray start --head`, or use "
            "--ray local for this machine alone."
        ) from error
