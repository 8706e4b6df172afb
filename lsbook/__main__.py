"""``lsbook runs VERB``, the same as ``python -m lsbook.runs VERB``."""

import argparse
import sys

import lsbook
from lsbook.runs.__main__ import main as runs


def main() -> int:
    """Run the command line; returns the exit code."""
    match sys.argv[1:]:
        case ["runs", *arguments]:
            return runs(arguments)
    parser = argparse.ArgumentParser(prog="lsbook", description=lsbook.__doc__)
    parser.add_argument("--version", action="version", version=f"lsbook {lsbook.__version__}")
    parser.add_argument(
        "command", choices=["runs"], help="list, train, carry and check runs; has its own --help"
    )
    parser.parse_args()
    return 2


if __name__ == "__main__":
    sys.exit(main())
