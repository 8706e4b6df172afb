"""Ratios against named peers; ``python -m benchmarks`` runs them all.

Each module has ``main() -> list[dict]``: one row a comparison, with the keys ``benchmark``,
``peer``, ``ours``, ``theirs``, ``unit`` and ``ratio`` (above 1: ours is the better one), and
``note`` where a number needs one.
"""
