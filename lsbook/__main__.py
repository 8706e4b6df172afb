"""``lsbook runs VERB``, the same as ``python -m lsbook.runs VERB``."""

import sys

from lsbook.runs.__main__ import main as runs


def main() -> int:
    """Run the command line; returns the exit code."""
    match sys.argv[1:]:
        case ["runs", *arguments]:
            return runs(arguments)
    print("usage: lsbook runs VERB ...  (lsbook runs --help lists the verbs)", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
