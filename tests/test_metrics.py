"""Metrics beside scikit-learn's."""

import math

import numpy as np
import pytest

import agrad
from agrad import metrics
from agrad.testing import assert_close

sklearn = pytest.importorskip("sklearn.metrics")
RANDOM = np.random.default_rng(0)
SCORES = RANDOM.standard_normal((50, 4)).astype("float32")
TARGET = RANDOM.integers(0, 4, 50)
LABELS = SCORES.argmax(1)


def asked(*arrays):
    return [agrad.asarray(x) for x in arrays]


def test_accuracy(device):
    expected = sklearn.accuracy_score(TARGET, LABELS)
    for predictions in (SCORES, LABELS):
        found = metrics.accuracy(*asked(predictions, TARGET))
        assert (found.shape, found.device, found.dtype) == ((), device, agrad.float32)
        assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 9])
def test_top_k_accuracy(device, k):
    found = metrics.top_k_accuracy(*asked(SCORES, TARGET), k=k).item()
    order = np.argsort(-SCORES, axis=1, kind="stable")[:, :k]
    assert found == pytest.approx(np.mean((order == TARGET[:, None]).any(1)))


def test_nan_scores_and_unknown_classes_are_wrong(device):
    scores = agrad.asarray([[math.nan, 1.0], [1.0, 2.0], [1.0, -math.inf]])
    assert metrics.top_k_accuracy(scores, agrad.asarray([0, 7, 1]), k=2).item() == pytest.approx(1 / 3)
    assert metrics.top_k_accuracy(scores, agrad.asarray([-1, -1, -1]), k=2).item() == 0.0


def test_of_equal_scores_the_first_is_larger(device):
    scores = agrad.asarray([[1.0, 1.0, 1.0]] * 3)
    labels = agrad.asarray([0, 1, 2])
    assert [metrics.top_k_accuracy(scores, labels, k).item() for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])
    assert metrics.accuracy(scores, labels).item() == pytest.approx(1 / 3)


@pytest.mark.parametrize("classes", [None, 4, 6])
def test_confusion_matrix(device, classes):
    expected = sklearn.confusion_matrix(TARGET, LABELS, labels=range(classes or 4))
    for predictions in (SCORES, LABELS):
        found = metrics.confusion_matrix(*asked(predictions, TARGET), num_classes=classes)
        assert found.tolist() == expected.tolist()
        assert found.dtype.family == "signed integer"


CASES = [
    (LABELS, TARGET),
    (np.asarray([0, 0, 0]), np.asarray([0, 1, 2])),
    (np.asarray([3, 3]), np.asarray([0, 3])),
    (np.asarray([1]), np.asarray([0])),
]


@pytest.mark.parametrize(("labels", "target"), CASES)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.precision, sklearn.precision_score),
        (metrics.recall, sklearn.recall_score),
        (metrics.f1_score, sklearn.f1_score),
    ],
    ids=["precision", "recall", "f1"],
)
def test_precision_and_recall(device, ours, theirs, labels, target):
    expected = theirs(target, labels, average="macro", zero_division=0)
    assert ours(*asked(labels, target)).item() == pytest.approx(expected)
    classes = range(max(labels.max(), target.max()) + 1)
    each = theirs(target, labels, average=None, labels=classes, zero_division=0)
    assert ours(*asked(labels, target), average=None).tolist() == pytest.approx(each.tolist())


@pytest.mark.parametrize("shape", [(20,), (5, 4), (2, 20)])
def test_numbers(device, shape):
    right = RANDOM.standard_normal(shape).astype("float32")
    predicted = right + RANDOM.standard_normal(shape).astype("float32") / 2
    score, error = (float(f(right, predicted)) for f in (sklearn.r2_score, sklearn.mean_absolute_error))
    assert_close(metrics.r2_score(*asked(predicted, right)), agrad.asarray(score), rtol=1e-5)
    assert_close(metrics.mean_absolute_error(*asked(predicted, right)), agrad.asarray(error), rtol=1e-5)


@pytest.mark.parametrize(("predicted", "score"), [([2.0, 2.0], 1.0), ([1.0, 2.0], 0.0)])
def test_targets_that_are_all_the_same(device, predicted, score):
    assert metrics.r2_score(*asked(predicted, [2.0, 2.0])).item() == score


def test_a_column_of_targets_that_are_all_the_same(device):
    predicted, right = asked([[2.0, 1.0], [2.0, 3.0]], [[2.0, 1.0], [2.0, 2.0]])
    assert metrics.r2_score(predicted, right).item() == sklearn.r2_score(right.tolist(), predicted.tolist()) == 0.0


@pytest.mark.parametrize("shape", [(0,), (0, 2), (1,), (1, 2), ()])
def test_fewer_than_two_targets_have_no_variance(device, shape):
    score = metrics.r2_score(agrad.ones(shape), agrad.ones(shape))
    assert score.shape == ()
    assert math.isnan(score.item())


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_integers_do_not_wrap(device, dtype):
    predicted, right = asked(np.asarray([1, 0, 1], dtype=dtype), np.asarray([3, 1, 0], dtype=dtype))
    numbers = [np.asarray(x.tolist(), dtype=float) for x in (right, predicted)]
    error, score = metrics.mean_absolute_error(predicted, right), metrics.r2_score(predicted, right)
    assert error.dtype == score.dtype == agrad.float32
    assert error.item() == pytest.approx(sklearn.mean_absolute_error(*numbers))
    assert score.item() == pytest.approx(sklearn.r2_score(*numbers))


def test_lists_and_arrays_come_to_the_tensor(device):
    strict = agrad.asarray([[0.1, 0.9], [0.8, 0.2]], device="strict")
    for target in ([1, 1], np.asarray([1, 1])):
        for found in (
            metrics.accuracy(strict, target),
            metrics.top_k_accuracy(strict, target, k=1),
            metrics.accuracy(target, agrad.asarray([1, 0], device="strict")),
        ):
            assert (found.device.name, found.item()) == ("strict", 0.5)
    assert metrics.confusion_matrix(strict, [1, 1]).device.name == "strict"
    assert metrics.mean_absolute_error(strict, [[0.1, 0.9], [0.8, 0.2]]).device.name == "strict"
    assert metrics.accuracy([1, 0], [1, 1]).device == device


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.accuracy(agrad.asarray([0.9, 0.1]), agrad.asarray([1, 0])),
        lambda: metrics.accuracy(agrad.asarray([1, 0]), agrad.asarray([1.0, 0.0])),
        lambda: metrics.confusion_matrix(agrad.asarray([0.9, 1.7]), agrad.asarray([1, 0])),
        lambda: metrics.f1_score(agrad.asarray([0.9, 1.7]), agrad.asarray([1, 0])),
        lambda: metrics.top_k_accuracy(agrad.ones((2, 3)), agrad.asarray([1.0, 0.0])),
    ],
)
def test_labels_are_integers(call):
    with pytest.raises(TypeError, match=r"labels must be integers.*\(p > 0.5\).astype\(int\)"):
        call()


def test_no_gradients_flow(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    scores = agrad.asarray([[1.0, 2.0]], requires_grad=True)
    results = [
        metrics.r2_score(x, x.detach()),
        metrics.mean_absolute_error(x, x.detach()),
        metrics.accuracy(scores, agrad.asarray([1])),
        metrics.top_k_accuracy(scores, agrad.asarray([1]), 1),
        metrics.f1_score(scores, agrad.asarray([1])),
    ]
    assert not any(result.requires_grad for result in results)


def test_wrong_settings_are_refused():
    labels = agrad.asarray([0, 1, 2])
    with pytest.raises(ValueError, match=r"not \(2,\) and \(3,\)"):
        metrics.accuracy(agrad.asarray([0, 1]), labels)
    with pytest.raises(ValueError, match=r"\(n, classes\)"):
        metrics.top_k_accuracy(labels, labels)
    with pytest.raises(ValueError, match="k must be at least 1"):
        metrics.top_k_accuracy(agrad.ones((3, 4)), labels, 0)
    with pytest.raises(ValueError, match="true labels are from 0 to 2, the classes from 0 to 1"):
        metrics.confusion_matrix(agrad.asarray([0, 0, 0]), labels, num_classes=2)
    with pytest.raises(ValueError, match="predicted labels are from -1"):
        metrics.confusion_matrix(agrad.asarray([-1, 0, 0]), labels)
    with pytest.raises(ValueError, match="'macro' or None, not 'micro'"):
        metrics.precision(labels, labels, average="micro")
    with pytest.raises(ValueError, match=r"\(3,\) do not match targets of shape \(3, 1\)"):
        metrics.r2_score(agrad.ones(3), agrad.ones((3, 1)))


def test_nothing(device):
    empty = agrad.zeros(0, dtype=int)
    assert metrics.confusion_matrix(empty, empty).shape == (0, 0)
    assert metrics.confusion_matrix(empty, empty, 2).tolist() == [[0, 0], [0, 0]]
    assert not math.isfinite(metrics.mean_absolute_error(agrad.asarray([math.inf]), agrad.asarray([0.0])).item())
