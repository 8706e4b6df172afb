"""Runs: get(recipe) loads a finished run or trains and records it."""

from lsbook.runs.store import BrokenRun, Run, available, find
from lsbook.runs.get import get, get_many

__all__ = ["BrokenRun", "Run", "available", "find", "get", "get_many"]
