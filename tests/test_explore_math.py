"""The explorers' arithmetic in node, where every value is known in closed form."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.mark.parametrize("kind", ["distillation", "information"])
def test_closed_forms(kind):
    node = shutil.which("node")
    if node is None:
        reason = "no JavaScript runner found (looked for node)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    done = subprocess.run([node, "--test", Path(__file__).parent / "js" / f"{kind}.test.mjs"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
