"""The explorers' arithmetic in node, where every value is known in closed form."""

import pytest

from explored import run_in_node


@pytest.mark.parametrize("kind", ["distillation", "information"])
def test_closed_forms(kind, tmp_path):
    run_in_node(kind, None, tmp_path)
