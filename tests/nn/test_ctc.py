"""CTC beside all ways to read the labels, one by one; what cannot be read; and what is refused."""

import itertools
import math

import numpy as np
import pytest

import agrad
from agrad import nn
from agrad.nn import functional as F
from agrad.testing import assert_close, check_grads

LABELS = [[], [1], [1, 2], [2, 2], [1, 2, 1], [1, 1, 1]]


def probability(probabilities, labels, blank=0):
    """Return the sum over all sequences that are read as these labels."""
    steps, classes = probabilities.shape
    total = 0.0
    for said in itertools.product(range(classes), repeat=steps):
        if [label for label, _ in itertools.groupby(said) if label != blank] == labels:
            total += math.prod(probabilities[t, label] for t, label in enumerate(said))
    return total


def random_log_probs(*shape, requires_grad=False):
    agrad.manual_seed(0)
    return F.log_softmax(agrad.randn(*shape), -1).detach().requires_grad_(requires_grad)


def padded(rows, value=-1):
    width = max(map(len, rows))
    return agrad.asarray([row + [value] * (width - len(row)) for row in rows])


@pytest.mark.parametrize("steps", [0, 1, 3, 4])
def test_all_ways_to_read(device, steps):
    log_probs = random_log_probs(4, len(LABELS), 3)
    losses = F.ctc_loss(log_probs, padded(LABELS), [steps] * len(LABELS), list(map(len, LABELS)), reduction="none")
    probabilities = np.exp(log_probs.numpy().astype(float))[:steps]
    for i, labels in enumerate(LABELS):
        expected = probability(probabilities[:, i], labels)
        assert_close(agrad.exp(-losses[i]), expected, rtol=1e-4, atol=1e-6)


def test_another_blank(device):
    log_probs = random_log_probs(4, 3)
    loss = nn.CTCLoss(blank=2)(log_probs, agrad.asarray([0, 1]), 4, 2)
    expected = probability(np.exp(log_probs.numpy().astype(float)), [0, 1], blank=2)
    assert_close(loss, -math.log(expected) / 2, rtol=1e-4)


def test_labels_in_one_row(device):
    log_probs = random_log_probs(5, 4, 3)
    row, rows, counts = [1, 2, 2, 1, 2, 1], [[1, 2], [], [2], [1, 2, 1]], [2, 0, 1, 3]
    for reduction in ("none", "sum", "mean"):
        one = F.ctc_loss(log_probs, agrad.asarray(row), [5] * 4, counts, reduction=reduction)
        other = F.ctc_loss(log_probs, padded(rows), [5] * 4, agrad.asarray(counts), reduction=reduction)
        assert_close(one, other)
    assert F.ctc_loss(log_probs, agrad.asarray([], dtype=int), [5] * 4, [0] * 4).shape == ()


@pytest.mark.parametrize("zero_infinity", [True, False])
def test_impossible_targets(device, zero_infinity):
    log_probs = random_log_probs(3, 3, 3, requires_grad=True)
    labels = agrad.asarray([[1, 2, 0], [1, 1, 2], [1, 2, 1]])  # the second one needs a blank, and so four steps
    loss_of = nn.CTCLoss(reduction="none", zero_infinity=zero_infinity)
    losses = loss_of(log_probs, labels, [3, 3, 2], [2, 3, 3])
    assert losses.tolist()[1:] == [0.0 if zero_infinity else math.inf] * 2
    losses.sum().backward()
    assert agrad.all(agrad.isfinite(log_probs.grad)).item()
    assert agrad.all(log_probs.grad[:, 1:] == 0).item()
    assert agrad.any(log_probs.grad[:, 0] != 0).item()


def test_probabilities_of_one_and_zero(device):
    log_probs = agrad.asarray([[0.0, -math.inf], [-math.inf, 0.0], [0.0, -math.inf]], requires_grad=True)
    loss = F.ctc_loss(log_probs, agrad.asarray([1]), 3, 1)
    assert loss.item() == 0.0
    loss.backward()
    assert log_probs.grad.tolist() == [[-1.0, 0.0], [0.0, -1.0], [-1.0, 0.0]]
    assert F.ctc_loss(log_probs, agrad.asarray([1, 1]), 3, 2).item() == math.inf


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_stays(device):
    log_probs = agrad.full((3, 2), math.nan)
    assert math.isnan(F.ctc_loss(log_probs, agrad.asarray([1]), 3, 1, zero_infinity=True).item())


def test_gradients_of_the_gradients(device):
    if not device.backend.supports_float64:
        pytest.skip("finite differences need float64")
    labels = agrad.asarray([[1, 2], [2, 2]])
    check_grads(lambda x: F.ctc_loss(x, labels, [3, 4], [1, 2]), [random_log_probs(4, 2, 3)])


def test_sixteen_bits(device):
    if device.kind == "strict":
        pytest.skip("array-api-strict has no 16-bit types")
    log_probs = random_log_probs(50, 2, 3)
    labels, lengths = agrad.asarray([[1, 2, 1, 1]] * 2), ([50, 40], [4, 2])
    narrow = F.ctc_loss(log_probs.astype("float16"), labels, *lengths)
    assert narrow.dtype == agrad.float16
    assert_close(narrow.astype("float32"), F.ctc_loss(log_probs, labels, *lengths), rtol=1e-2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, y: F.ctc_loss(x[0, 0], y, [4, 4], [1, 1]), ValueError, r"\(length, batch, classes\).*it has \(3,\)"),
        (lambda x, y: F.ctc_loss(x, y, [4], [1, 1]), ValueError, r"input_lengths must have shape \(2,\).*not \(1,\)"),
        (lambda x, y: F.ctc_loss(x, y[:1], [4, 4], [1, 1]), ValueError, r"targets .* \(2, labels\).*\(1, 2\)"),
        (lambda x, y: F.ctc_loss(x, y[0], [4, 4], [1, 2]), ValueError, "add up to 3, but there are 2 targets"),
        (
            lambda x, y: F.ctc_loss(x, y, [4.0, 4.0], [1, 1]),
            TypeError,
            r"input_lengths must be .*astype\(int\)",
        ),
        (lambda x, y: F.ctc_loss(x, y.astype("float32"), [4, 4], [1, 1]), TypeError, "targets must be integers, not"),
        (lambda x, y: F.ctc_loss(x, y, [4, 4], [1, 1], blank=3), IndexError, "blank=3 must be a class from 0 to 2"),
        (lambda x, y: F.ctc_loss(x, y, [4, 4], [1, 1], reduction="avg"), ValueError, "'avg'"),
        (lambda x, y: nn.CTCLoss(blank=-1), ValueError, "blank must be 0 or more, not -1"),
    ],
)
def test_errors_say_what_is_wrong(device, call, error, message):
    with pytest.raises(error, match=message):
        call(agrad.zeros((4, 2, 3)), agrad.asarray([[1, 2], [2, 1]]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, y: F.ctc_loss(x, y, [4, 5], [1, 1]), ValueError, "input_lengths must be from 0 to 4, not 5"),
        (lambda x, y: F.ctc_loss(x, y, [4, 4], [3, 1]), ValueError, r"target_lengths must be from 0 to 2"),
        (lambda x, y: F.ctc_loss(x, y + 1, [4, 4], [2, 1]), IndexError, "labels must be from 0 to 2, not 3"),
    ],
)
def test_numbers_out_of_range(device, call, error, message):
    if device.backend.waits_on_read(device.native):
        pytest.skip("looking would mean to wait for the device")
    with pytest.raises(error, match=message):
        call(agrad.zeros((4, 2, 3)), agrad.asarray([[1, 2], [2, 1]]))
