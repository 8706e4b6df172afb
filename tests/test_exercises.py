"""What counts as an answer to an exercise."""

import numpy as np
import pytest
import torch

from lsbook.exercises import close

ONE = [1, 1.0, np.float32(1), np.array(1.0), np.array([1.0]), [1.0], 1 + 1e-9,
       torch.tensor(1.0, requires_grad=True)]
TWO = [[1, 2], (1.0, 2.0), np.array([1, 2]), torch.tensor([1.0, 2.0]),
       [np.float64(1), np.float64(2)], [torch.tensor(1), torch.tensor(2)], [np.array(1.0), 2]]


@pytest.mark.parametrize("answer", ONE, ids=repr)
def test_a_number_of_any_kind(answer):
    assert close(answer, 1) and not close(answer, 1.1) and not close(answer, [1, 1])


@pytest.mark.parametrize("answer", TWO, ids=repr)
def test_numbers_of_any_kind(answer):
    assert close(answer, [1, 2]) and not close(answer, [2, 1]) and not close(answer, [[1, 2]])


@pytest.mark.parametrize("answer", [None, "one", float("nan"), [[1], [2, 3]], {}, [1, None]])
def test_what_is_no_number_is_wrong_and_no_error(answer):
    assert not close(answer, 1) and not close(answer, [1, 2])


def test_within_is_absolute():
    assert close(100.4, 100, within=0.5) and not close(100.6, 100, within=0.5)
