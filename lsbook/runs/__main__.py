"""``python -m lsbook.runs``: list, train and publish the runs the book is built from."""

from __future__ import annotations

import argparse
import sys

from lsbook.runs import find, get_many
from lsbook.runs.publish import publish
from lsbook.runs.queue import PRESETS


def main(arguments: list[str] | None = None) -> int:
    """Run one of the verbs ``list``, ``work`` and ``publish`` over a preset's queue."""
    parser = argparse.ArgumentParser(prog="python -m lsbook.runs", description=__doc__)
    parser.add_argument("verb", choices=("list", "work", "publish"))
    parser.add_argument("--preset", choices=PRESETS, default="lab")
    parser.add_argument("--recipe", default="", help="only recipes whose name holds this text")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=1, help="processes, of one thread each")
    options = parser.parse_args(arguments)
    recipes = [r for r in PRESETS[options.preset]() if options.recipe in r.name]
    if options.verb == "list":
        for recipe in recipes:
            state = "there" if find(recipe) else "missing"
            print(f"{recipe.hash}  {state:8}{recipe.name}  α={recipe.alpha:g}  seed {recipe.seed}")
    elif options.verb == "work":
        get_many(recipes, device=options.device, workers=options.workers)
    else:
        there = [run for run in map(find, recipes) if run]
        for run in there:
            publish(run)
        print(f"Published {len(there)} of {len(recipes)} runs.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
