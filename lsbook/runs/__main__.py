"""``python -m lsbook.runs``: list, train, carry and check the runs the book is built from."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from lsbook.recipes import Recipe
from lsbook.runs import BrokenRun, Run, available, cluster, cost, fetch, find, store
from lsbook.runs.get import train_all
from lsbook.runs.manifest import device_name
from lsbook.runs.pack import pack, unpack
from lsbook.runs.publish import publish
from lsbook.runs.queue import PRESETS, flat, groups
from lsbook.runs.verify import report, verify
from lsbook.training.deadline import OutOfTime, terminable
from lsbook.training.device import choose

# Seconds of a budget that starting Python and leaving take, a tenth of it at most.
RESERVE = 10


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        with terminable():
            code = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(
            "\nStopped. A training goes on from its last whole epoch at the next call.",
            file=sys.stderr,
        )
        return 130
    except argparse.ArgumentError as error:
        parser.error(str(error))
    except BrokenRun as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read our lines has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lsbook runs", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    name = argparse.ArgumentParser(add_help=False)
    name.add_argument("--recipe", default="", help="only recipes whose name holds this text")
    device = argparse.ArgumentParser(add_help=False)
    device.add_argument("--device", type=_device, default="auto", help="auto, cpu, cuda or mps")
    queue = argparse.ArgumentParser(add_help=False)
    queue.add_argument("--preset", choices=PRESETS, default="lab")
    queue.add_argument("--scale", type=_scale, default=1.0, help="fraction of every schedule")
    queue.add_argument(
        "--epochs", type=_above_zero, help="passes over the images; text keeps --scale"
    )
    queue.add_argument("--seeds", type=_seeds, metavar="0,1", help="these seeds alone")

    def verb(run, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        text = run.__doc__
        added = verbs.add_parser(run.__name__[1:], parents=parents, help=text, description=text)
        added.set_defaults(run=run)
        return added

    listing = verb(_list, queue, name, device)
    listing.add_argument("--measure", action="store_true", help="time steps where no run tells")
    work = verb(_work, queue, name, device)
    work.add_argument("--budget", type=_seconds, metavar="9m", help="stop within 90s, 9m or 1.5h")
    work.add_argument("--workers", type=_workers, default=1, help="processes, of one thread each")
    work.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="on a Ray cluster: auto, HOST:PORT, or local, a new one of --workers on this machine",
    )
    verb(_publish, queue, name)
    packing = verb(_pack, name)
    packing.add_argument("--into", type=Path, required=True, help="folder of the archives")
    unpacking = verb(_unpack)
    unpacking.add_argument("archives", type=Path, nargs="+", metavar="FILE")
    fetching = verb(_fetch)
    fetching.add_argument("address", metavar="ADDRESS", nargs="*", default=fetch.addresses())
    for each in (unpacking, fetching):
        each.add_argument("--into", type=Path, default=store.COMMITTED, help="folder of the runs")
    verb(_verify, name, device)
    return parser


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if not match or not float(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 90s, 9m or 1.5h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device like auto, cpu, cuda or mps")
    return text


def _above_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _scale(text: str) -> float:
    scale = _above_zero(text)
    if scale > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is more than the whole schedule, which is 1")
    return scale


def _workers(text: str) -> int:
    if not re.fullmatch(r"0*[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


def _seeds(text: str) -> set[int]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of seeds like 0 or 0,1,2")
    return {int(seed) for seed in text.split(",")}


def _groups(options: argparse.Namespace) -> list[list[Recipe]]:
    every = groups(options.preset, scale=options.scale, epochs=options.epochs, name=options.recipe)
    chosen = [
        [recipe for recipe in group if options.seeds is None or recipe.seed in options.seeds]
        for group in every
    ]
    there = flat(every)
    unknown = (options.seeds or set()) - {recipe.seed for recipe in there}
    if unknown or not there:
        there = there or flat(PRESETS[options.preset]())
        what = "run of seed " + ", ".join(map(str, sorted(unknown))) if unknown else "such run"
        names = ", ".join(dict.fromkeys(recipe.name for recipe in there))
        seeds = ", ".join(map(str, sorted({recipe.seed for recipe in there})))
        message = f"preset {options.preset} has no {what}; it has {names}, and seeds {seeds}"
        raise argparse.ArgumentError(None, message)
    return chosen


def _say_where_published_runs_come_from() -> None:
    if not store.COMMITTED.exists():
        print(
            f"No published runs are in {store.COMMITTED}: `lsbook runs fetch ADDRESS` brings them "
            "there, and a clone of the book has them.",
            file=sys.stderr,
        )


def _finished(options: argparse.Namespace, every: Iterable[Run]) -> list[Run]:
    _say_where_published_runs_come_from()
    runs = [run for run in every if options.recipe in run.recipe.name]
    if options.recipe and not runs:
        message = f"no finished run is of a recipe whose name holds {options.recipe!r}; see list"
        raise argparse.ArgumentError(None, message)
    return runs


def _present(device: str) -> torch.device:
    try:
        return choose(device)
    except ValueError as error:
        message = f"this machine has no {device} device; use --device auto or cpu"
        raise argparse.ArgumentError(None, message) from error


def _list(options: argparse.Namespace) -> int:
    """Say what exists, what is missing, and what the missing runs will take on this device."""
    recipes = flat(_groups(options))
    device = _present(options.device)
    _say_where_published_runs_come_from()
    per_step = cost.measured(device)
    missing, total, unknown = 0, 0.0, False
    for recipe in recipes:
        run = find(recipe)
        if run:
            state, time_taken = "there", run.manifest["wall_seconds"]
        else:
            family = cost.family(recipe)
            if options.measure and family not in per_step:
                per_step[family] = cost.trial(recipe, device)
            pace = per_step.get(family)
            state = "begun" if store.checkpoint_path(recipe.hash).exists() else "missing"
            time_taken = None if pace is None else pace * recipe.total_steps
            missing += 1
            total += time_taken or 0.0
            unknown |= time_taken is None
        print(f"{recipe.hash}  {state:8}{cost.describe(time_taken):>7}  {_title(recipe)}")
    if missing:
        least = "at least " if unknown and total else ""
        span = f"{least}{cost.describe(total or None)} on {device_name(device)}"
        print(f"{missing} of {len(recipes)} are missing: {span}.")
    return 0


def _work(options: argparse.Namespace) -> int:
    """Train missing runs in order of value; stop within the budget and go on at the next call."""
    deadline = None
    if options.budget:
        deadline = time.monotonic() + options.budget - min(RESERVE, options.budget / 10)
    order = _groups(options)
    train = _on_cluster if options.ray else _here
    if not options.ray:
        _present(options.device)
    said: set[str] = set()
    for error in train(order, options, deadline):
        late = isinstance(error, OutOfTime)
        key = "late" if late else str(error)
        if key not in said:
            print(f"The budget is used up: {error}." if late else error, flush=True)
        said.add(key)
    recipes = flat(order)
    left = sum(find(recipe) is None for recipe in recipes)
    of = len(recipes)
    print(f"{left} of {of} runs are left." if left else f"All {of} runs are there.")
    return int(bool(said - {"late"}))


def _here(
    order: list[list[Recipe]], options: argparse.Namespace, deadline: float | None
) -> Iterator[Exception]:
    """Train on this machine; yield what stops a job."""
    where = {"workers": options.workers, "deadline": deadline}
    for _, error in train_all(order, options.device, **where):
        if error:
            yield error


def _on_cluster(
    order: list[list[Recipe]], options: argparse.Namespace, deadline: float | None
) -> Iterator[Exception]:
    """Train on Ray, saying what is finished; yield what stops a job."""
    where = {"device": options.device, "workers": options.workers, "deadline": deadline}
    try:
        for job, error in cluster.work(order, options.ray, **where):
            if error:
                yield error
            else:
                print(*(f"{recipe.hash}  {_title(recipe)}" for recipe in job), sep="\n", flush=True)
    except cluster.ClusterError as error:
        yield error


def _publish(options: argparse.Namespace) -> int:
    """Copy finished runs of the queue to the ones the book ships."""
    recipes = flat(_groups(options))
    there = [run for run in map(find, recipes) if run]
    for run in there:
        publish(run)
    print(f"Published {len(there)} of {len(recipes)} runs.")
    return 0


def _pack(options: argparse.Namespace) -> int:
    """Write this machine's own finished runs, as published, to archives of at most 16 MiB."""
    own = [run for run in _finished(options, available()) if run.path.parent == store.home()]
    try:
        archives = pack(own, options.into)
    except (OSError, ValueError) as error:
        print(f"Nothing more is packed: {error}. Archives written before are whole.")
        return 1
    for archive in archives:
        print(archive)
    print(f"Packed {len(own)} runs in {len(archives)} archives.")
    return 0


def _unpack(options: argparse.Namespace) -> int:
    """Add the runs of archives to the ones the book ships; runs already there stay."""
    for archive in options.archives:
        try:
            added, kept = unpack(archive, options.into)
        except (OSError, ValueError) as error:
            print(error)
            return 1
        print(f"{archive.name}: {len(added)} runs added, {len(kept)} there before.")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    """Add the runs of archives at https://...#sha256=... to the ones the book ships."""
    if not options.address:
        message = (
            "no address is known: give https://HOST/runs-01.tar#sha256=..., or set "
            f"{fetch.VARIABLE}; a clone of the book holds its runs in runs/"
        )
        raise argparse.ArgumentError(None, message)
    for address in options.address:
        try:
            added, kept = fetch.fetch(address, options.into)
        except (OSError, ValueError) as error:
            print(error)
            return 1
        print(f"{address}: {len(added)} runs added, {len(kept)} there before.")
    return 0


def _verify(options: argparse.Namespace) -> int:
    """Recompute finished runs' metrics from weights and data, or from outputs, and compare."""
    there, broken = [], []
    for path in store.folders():
        try:
            there.append(store.load(path))
        except BrokenRun as error:
            broken.append(error)
            print(f"{path.name}  DIFFERS: {error}")
    verdicts = []
    for verdict in verify(_finished(options, there), _present(options.device)):
        verdicts.append(verdict)
        print(report(verdict), flush=True)
    wrong = len(broken) + sum(bool(v.wrong) for v in verdicts)
    whole = sum(not v.wrong and not v.unchecked for v in verdicts)
    every = len(broken) + len(verdicts)
    counts = f"{whole} verified, {wrong} differ, {every - whole - wrong} checked in part"
    print(f"{every} runs: {counts}.")
    return int(wrong > 0)


def _title(recipe: Recipe) -> str:
    title = f"{recipe.name}  α={recipe.alpha:g}  seed {recipe.seed}"
    if recipe.scale != 1:
        title += f"  scale {recipe.scale:.3g}"
    if recipe.distil:
        title += f"  teacher α={recipe.distil.teacher.alpha:g}  T={recipe.distil.T:g}"
    return title


if __name__ == "__main__":
    sys.exit(main())
