"""The one door for arrays: whoever made them, the estimators see the same numbers."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

from lsbook.estimators import arrays, calibration, information, selective, smoothness, templates
from lsbook.estimators.temperature import fit_temperature
from lsbook.validation import (
    check_alpha,
    check_count,
    check_logits,
    check_number,
    check_targets,
    check_temperature,
    check_unit,
)

RNG = np.random.default_rng(0)
LOGITS = 2 * RNG.normal(size=(60, 4))
TARGETS = (LOGITS + RNG.gumbel(size=(60, 4))).argmax(1)  # drawn as the logits say
INTEGERS = [np.dtype(kind + size) for kind in "iu" for size in "1248"]

BROUGHT = {
    "torch": torch.tensor,
    "list": np.ndarray.tolist,
    "list of tensors": lambda x: [torch.tensor(row) for row in x],
    "series or frame": lambda x: (pd.Series if x.ndim == 1 else pd.DataFrame)(
        x, index=np.arange(len(x)) + 5),
    "objects": lambda x: x.astype(object),
    "reversed": lambda x: x[::-1].copy()[::-1],
    "strided": lambda x: np.repeat(x, 2, axis=0)[::2],
    "column order": np.asfortranarray,
    "field of a record": lambda x: np.rec.fromarrays([x, np.zeros(x.shape, "i1")])["f0"],
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "read-only": lambda x: np.broadcast_to(x, x.shape),
}


@pytest.mark.parametrize("bring", BROUGHT.values(), ids=BROUGHT)
def test_whoever_made_an_array_its_numbers_count(bring):
    logits, targets = bring(LOGITS), bring(TARGETS)
    opened = arrays.as_tensor(logits)
    assert opened.dtype == torch.float64 and (opened.numpy() == LOGITS).all()
    for estimate in (calibration.ece, calibration.nll, calibration.brier, calibration.accuracy,
                     smoothness.gamma, lambda *pair: fit_temperature(*pair).T):
        assert estimate(logits, targets) == estimate(LOGITS, TARGETS)
    correct = bring((TARGETS == 0).astype(float))
    assert selective.auroc(bring(LOGITS[:, 0]), correct) == pytest.approx(
        roc_auc_score(TARGETS == 0, LOGITS[:, 0]))
    assert templates.geometry(logits, targets, LOGITS[:4]) == templates.geometry(
        LOGITS, TARGETS, LOGITS[:4])
    assert information.from_draws(logits) == information.from_draws(LOGITS)


def test_memory_is_shared_where_torch_can_view_it():
    for own in (LOGITS.copy(), LOGITS.copy()[::2], LOGITS.copy().T, TARGETS.astype("u1")):
        assert arrays.as_tensor(own).data_ptr() == own.__array_interface__["data"][0]
    tensor = torch.tensor(LOGITS)
    assert arrays.as_tensor(tensor).data_ptr() == tensor.data_ptr()


def test_floats_keep_their_precision():
    assert selective.auroc([0.9, 0.9 - 1e-9], [1, 0]) == 1
    assert arrays.as_tensor(np.array([0.1], np.longdouble)).dtype == torch.float64
    assert arrays.as_tensor(np.array([0.1], np.float32)).dtype == torch.float32
    for half in (np.array([0.1], np.float16), torch.tensor([0.1]).bfloat16()):
        assert arrays.as_tensor(half).dtype == torch.float32


def test_nothing_is_said_about_read_only_memory():
    code = (
        "import warnings; warnings.simplefilter('error'); import numpy as np;"
        "from lsbook.estimators.calibration import ece;"
        "x = np.eye(3); x.setflags(write=False); print(ece(x, np.arange(3)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("x, found", [
    (None, "got None"),
    ("0.5", "str"),
    (["a", "b"], "list"),
    ([[1.0, 2.0], [3.0]], "rows of one length"),
    ([torch.zeros(2), torch.zeros(3)], "rows of one length"),
    ([torch.zeros(2, requires_grad=True)], "stack tensors"),
    (pd.Series([1, pd.NA]), "Series of object"),
    (pd.Series(pd.Categorical(["cat", "dog"])), "Series"),
    (np.ma.masked_array([1.0, 2.0], [True, False]), "masked"),
    (np.array([1j]), "complex"),
    (torch.tensor([1j]), "complex"),
    (np.array(["2020-01-01"], "M8[D]"), "datetime64"),
])
def test_what_is_no_array_of_numbers_is_refused_by_name(x, found):
    with pytest.raises(ValueError, match=f"scores must .*{found}"):
        arrays.as_tensor(x, "scores")


@pytest.mark.parametrize("kind", INTEGERS, ids=str)
@pytest.mark.parametrize("K", [100, 127, 128, 129, 255, 256, 257, 1000])
def test_every_integer_type_counts_to_every_number_of_classes(kind, K):
    top = min(K - 1, np.iinfo(kind).max)
    targets = np.array([0, 1, top, top], kind)
    logits = torch.zeros(4, K)
    logits[torch.arange(4), torch.tensor([0, 0, top, 0])] = 1.0
    assert calibration.accuracy(logits, targets) == 0.5
    assert calibration.accuracy(logits, torch.tensor(targets)) == 0.5
    widened = check_targets(torch.tensor(targets), K)
    assert widened.dtype == torch.int64 and widened.tolist() == [0, 1, top, top]
    if np.iinfo(kind).max >= K:
        with pytest.raises(ValueError, match=f"found {K}"):
            check_targets(torch.tensor(np.array([K], kind)), K)


@pytest.mark.parametrize("kind", INTEGERS, ids=str)
@pytest.mark.parametrize("ignored", [-100, -1, 255])
def test_only_the_ignored_value_itself_is_ignored(kind, ignored):
    held = np.iinfo(kind).min <= ignored <= np.iinfo(kind).max
    # What -100 and -1 become in one byte are classes of their own.
    values = np.array([0, 156 % (np.iinfo(kind).max + 1), *[ignored] * held], kind)
    assert check_targets(torch.tensor(values), 200, ignored).tolist() == values.tolist()
    wrong = np.array([-3 if kind.kind == "i" else 201], kind)
    with pytest.raises(ValueError, match=f"found {wrong[0]}"):
        check_targets(torch.tensor(wrong), 200, ignored)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("K", [2, 10, 1000])
def test_half_precision_probabilities_are_probabilities(half, K):
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(500, K, generator=generator)
    targets = torch.randint(K, (500,), generator=generator)
    for probs in (logits.softmax(1).to(half), logits.to(half).softmax(1)):
        exact = calibration.ece(probs=logits.softmax(1), targets=targets)
        assert calibration.ece(probs=probs, targets=targets) == pytest.approx(exact, abs=5e-3)


@pytest.mark.parametrize("decimals", [2, 3, 4, 6])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("K", [2, 10, 100])
def test_probabilities_rounded_to_decimals_are_probabilities(decimals, kind, K):
    p = np.random.default_rng(0).dirichlet(np.ones(K), 300)
    y = np.random.default_rng(1).integers(K, size=300)
    rounded = p.round(decimals).astype(kind)
    if abs(rounded.sum(1) - 1).max() < 0.1:
        confidence, correct = calibration.from_probs(rounded, y)
        np.testing.assert_allclose(confidence, p.max(1), atol=0.6 * 10.0**-decimals)


@pytest.mark.parametrize("probs", [
    np.full((5, 4), 0.3), np.full((5, 4), 0.2476), np.full((5, 100), 0.02),
    torch.full((5, 4), 0.26, dtype=torch.bfloat16), np.ones((5, 300)), np.full((5, 4), np.nan),
    np.tile([1.25, -0.25, 0, 0], (5, 1)),
])
def test_scores_that_do_not_sum_to_one_are_refused(probs):
    with pytest.raises(ValueError, match="summing to 1"):
        calibration.ece(probs=probs, targets=np.zeros(5, int))


def test_a_class_ruled_out_is_as_if_it_were_not_there():
    masked, targets = LOGITS.copy(), TARGETS % 3
    masked[:, 3] = -np.inf
    for estimate in (calibration.ece, calibration.mce, calibration.nll, calibration.brier,
                     calibration.accuracy, lambda *pair: fit_temperature(*pair).T,
                     lambda *pair: fit_temperature(*pair, "ece").ece_after):
        assert estimate(masked, targets) == pytest.approx(estimate(LOGITS[:, :3], targets))
    own = LOGITS.copy()  # other classes in each row
    own[np.arange(60), (TARGETS + 1 + np.arange(60) % 2) % 4] = -np.inf
    expected = -log_softmax(own, axis=1)[np.arange(60), TARGETS].mean()
    assert calibration.nll(own, TARGETS) == pytest.approx(expected)
    fit = fit_temperature(own, TARGETS)
    assert fit.nll_after == pytest.approx(calibration.nll(own, TARGETS, T=fit.T))
    nearby = [calibration.nll(own, TARGETS, T=fit.T * by) for by in (0.99, 1.01)]
    assert fit.nll_after < min(nearby)


@pytest.mark.parametrize("estimate", [
    calibration.ece, calibration.nll, calibration.brier, calibration.accuracy, fit_temperature,
    smoothness.gamma])
def test_a_target_that_is_ruled_out_is_told_by_class(estimate):
    masked = LOGITS.copy()
    masked[7, TARGETS[7]] = -np.inf
    with pytest.raises(ValueError, match=f"rule class {TARGETS[7]} out in row 7"):
        estimate(masked, TARGETS)
    masked[7] = -np.inf
    with pytest.raises(ValueError, match="not every class of a row"):
        estimate(masked, TARGETS)


def test_losses_keep_to_finite_logits_unless_they_say_so():
    masked = torch.tensor([[0.0, -np.inf]])
    with pytest.raises(ValueError, match="infinite"):
        check_logits(masked)
    assert check_logits(masked, masked=True) is masked
    with pytest.raises(ValueError, match="infinite"):
        check_logits(-masked, masked=True)


PROBS = np.exp(log_softmax(LOGITS, axis=1))


@pytest.mark.parametrize("probs", [
    PROBS, torch.tensor(PROBS).half(), PROBS.astype("f4"), np.r_[PROBS, np.eye(4)]])
def test_probabilities_given_as_logits_are_noticed(probs):
    targets = np.zeros(len(probs), int)
    for estimate in (calibration.ece, calibration.classwise_ece, calibration.nll,
                     calibration.brier, calibration.accuracy, fit_temperature, smoothness.gamma):
        with pytest.warns(UserWarning, match="probs=") as said:
            try:
                estimate(probs, targets)
            except ValueError:
                pass  # no temperature may be best
        assert len(said) == 1


def test_probabilities_are_as_good_as_their_logits():
    for estimate in (calibration.ece, calibration.mce, calibration.classwise_ece, calibration.nll,
                     calibration.brier):
        for T in (1.0, 0.3, 2.5):
            assert estimate(probs=PROBS, targets=TARGETS, T=T) == pytest.approx(
                estimate(LOGITS, TARGETS, T=T))
    assert calibration.accuracy(probs=PROBS, targets=TARGETS) == calibration.accuracy(
        LOGITS, TARGETS)
    fit, same = fit_temperature(LOGITS, TARGETS), fit_temperature(probs=PROBS, targets=TARGETS)
    assert [same.T, same.nll_after, same.ece_after] == pytest.approx(
        [fit.T, fit.nll_after, fit.ece_after], rel=1e-6)


def test_no_probability_for_the_right_class_is_an_infinite_nll_alone():
    probs, targets = np.array([[1.0, 0, 0], [0.2, 0.8, 0], [0.5, 0.5, 0]]), [0, 1, 2]
    assert calibration.brier(probs=probs, targets=targets) == pytest.approx((0.08 + 1.5) / 3)
    assert calibration.accuracy(probs=probs, targets=targets) == pytest.approx(2 / 3)
    assert calibration.ece(probs=probs, targets=targets) == pytest.approx(0.7 / 3)
    for estimate in (calibration.nll, fit_temperature):
        with pytest.raises(ValueError, match="probs rule class 2 out in row 2"):
            estimate(probs=probs, targets=targets)


WEIGHTED = [calibration.ece, calibration.classwise_ece, calibration.nll,
            calibration.brier, calibration.accuracy,
            lambda *given, **weight: calibration.ece(*given, **weight, binning="mass", bins=7),
            lambda *given, **weight: calibration.mce(*given, **weight, bins=2),
            lambda *given, **weight: fit_temperature(*given, **weight).T,
            lambda *given, **weight: fit_temperature(*given, "ece", **weight).ece_before,
            lambda *given, **weight: fit_temperature(*given, **weight).nll_after]


@pytest.mark.parametrize("estimate", WEIGHTED)
@pytest.mark.parametrize("bring", [np.asarray, list, torch.tensor, pd.Series])
def test_a_weight_is_a_number_of_repetitions(estimate, bring):
    times = np.arange(60) % 4
    repeated = estimate(LOGITS.repeat(times, 0), TARGETS.repeat(times))
    assert estimate(LOGITS, TARGETS, sample_weight=bring(times)) == pytest.approx(repeated)
    scaled = estimate(LOGITS, TARGETS, sample_weight=times * 0.125)
    assert scaled == pytest.approx(repeated)
    assert repeated != pytest.approx(estimate(LOGITS, TARGETS), rel=1e-4)


def test_weighted_scores_are_those_of_scikit_learn():
    weight = RNG.exponential(size=60)
    given = {"probs": PROBS, "targets": TARGETS, "sample_weight": weight}
    assert calibration.nll(**given) == pytest.approx(
        log_loss(TARGETS, PROBS, sample_weight=weight))
    assert calibration.accuracy(**given) == pytest.approx(
        accuracy_score(TARGETS, PROBS.argmax(1), sample_weight=weight))
    assert calibration.brier(**given) == pytest.approx(brier_score_loss(
        TARGETS, PROBS, sample_weight=weight, labels=range(4), scale_by_half=False))


def test_weights_belong_to_axes_as_targets_do():
    weight = RNG.exponential(size=60)
    flat = calibration.nll(LOGITS, TARGETS, sample_weight=weight)
    nested = calibration.nll(LOGITS.reshape(6, 10, 4), TARGETS.reshape(6, 10),
                             sample_weight=weight.reshape(6, 10))
    assert nested == flat


@pytest.mark.parametrize("weight, message", [
    (np.ones(59), "60 examples; got 59"), (-np.ones(60), "none negative"),
    (np.zeros(60), "not all 0"), (np.full(60, np.nan), "finite"), (np.full(60, np.inf), "finite"),
    ("balanced", "array of numbers"), (2.0, "60 examples; got 1"),
])
def test_bad_weights_are_refused_by_name(weight, message):
    for estimate in WEIGHTED:
        with pytest.raises(ValueError, match=f"sample_weight must .*{message}"):
            estimate(LOGITS, TARGETS, sample_weight=weight)


@pytest.mark.parametrize("logits", [LOGITS, np.eye(4), PROBS - 0.01, PROBS * 1.01, -PROBS,
                                    np.zeros((4, 4)), np.r_[PROBS, LOGITS]])
def test_logits_are_taken_without_a_word(logits, recwarn):
    calibration.ece(logits, np.zeros(len(logits), int))
    assert not recwarn.list


NUMBERS = [0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5)]
WHOLE = [3, 3.0, np.int8(3), np.uint64(3), np.float32(3), np.array(3), torch.tensor(3)]
NO_NUMBER = ["0.5", b"1", None, True, np.True_, torch.tensor(True), [0.5], np.array([0.5]), 1j,
             {}, "abc"]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_a_number_is_a_number_whoever_made_it(value):
    for checked in (check_unit(value, "x"), check_alpha(value), check_temperature(value)):
        assert checked == 0.5 and type(checked) is float


@pytest.mark.parametrize("value", WHOLE, ids=repr)
def test_a_count_is_an_int_whoever_made_it(value):
    assert check_count(value, "x") == 3 and type(check_count(value, "x")) is int
    assert check_unit(np.int64(1), "x") == 1.0 and type(check_unit(1, "x")) is float


def test_a_large_count_is_kept_whole():
    assert check_count(2**60 + 1, "x") == 2**60 + 1


@pytest.mark.parametrize("value", NO_NUMBER, ids=repr)
def test_what_is_no_number_is_refused_by_name(value):
    for check, name in ((check_alpha, "alpha"), (check_temperature, "temperature T"),
                        (lambda v: check_unit(v, "beta"), "beta"),
                        (lambda v: check_count(v, "bins"), "bins"),
                        (lambda v: check_number(v, "seed"), "seed")):
        with pytest.raises(ValueError, match=f"{name}.* must be a number; got"):
            check(value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2.5, 0, -1])
def test_a_count_is_whole_and_large_enough(value):
    with pytest.raises(ValueError, match="bins must be a whole number, at least 1"):
        check_count(value, "bins")
