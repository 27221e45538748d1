"""The losses: values, reductions, gradients, and what they refuse."""

import math

import numpy as np
import pytest

import agrad
from agrad import nn
from agrad.core.observing import Observer
from agrad.core.tape import Node
from agrad.nn import functional as F
from agrad.testing import assert_close, check_grads

LOSSES = [nn.MSELoss, nn.L1Loss]
INPUT = [[1.0, 2.0], [3.0, 5.0], [0.0, -1.0]]
TARGET = [[1.5, 2.0], [1.0, 4.0], [0.5, 1.0]]


@pytest.mark.parametrize(("loss", "each"), [(nn.MSELoss, lambda d: d * d), (nn.L1Loss, abs)])
def test_values_and_reductions(device, loss, each):
    expected = [[each(a - b) for a, b in zip(*rows, strict=True)] for rows in zip(INPUT, TARGET, strict=True)]
    x, y = agrad.asarray(INPUT), agrad.asarray(TARGET)
    total = math.fsum(value for row in expected for value in row)
    assert_close(loss(reduction="none")(x, y), expected, rtol=1e-6)
    assert_close(loss(reduction="sum")(x, y), total, rtol=1e-6)
    assert_close(loss()(x, y), total / 6, rtol=1e-6)
    assert loss()(x, y).shape == ()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("function", [F.mse_loss, F.l1_loss])
def test_gradients(device, function, reduction):
    if not device.backend.supports_float64:
        pytest.skip("finite differences need float64")
    check_grads(lambda x, y: function(x, y, reduction), [agrad.asarray(INPUT), agrad.asarray(TARGET) + 0.25])


def test_mse_is_one_node(device):
    x = agrad.asarray(INPUT, requires_grad=True)
    loss = F.mse_loss(x, agrad.asarray(TARGET))
    assert [edge for edge, _ in loss._node.edges] == [x]
    loss.backward()
    assert_close(x.grad, [[2 * (a - b) / 6 for a, b in zip(*r, strict=True)] for r in zip(INPUT, TARGET, strict=True)])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("a", "b"), [((7, 1), (7,)), ((7,), (7, 1)), ((2, 3), (3,)), ((2, 3), ()), ((2, 3), (3, 2))])
def test_shapes_that_differ_never_broadcast(device, loss, a, b):
    with pytest.raises(ValueError) as caught:
        loss()(agrad.ones(a), agrad.ones(b))
    assert str(a) in str(caught.value)
    assert str(b) in str(caught.value)
    if math.prod(a) == math.prod(b):
        assert f"target.reshape({a})" in str(caught.value)


@pytest.mark.parametrize("loss", [*LOSSES, nn.CrossEntropyLoss])
def test_unknown_reductions(loss):
    with pytest.raises(ValueError, match="'mean', 'sum', 'none'"):
        loss(reduction="average")


@pytest.mark.parametrize("function", [F.mse_loss, F.l1_loss])
def test_unknown_reductions_of_functions(function):
    with pytest.raises(ValueError, match="'mean', 'sum', 'none'"):
        function(agrad.ones(2), agrad.ones(2), "average")
    with pytest.raises(ValueError, match="'mean', 'sum', 'none'"):
        F.cross_entropy(agrad.ones((1, 2)), agrad.asarray([0]), reduction="average")


@pytest.mark.parametrize("loss", LOSSES)
def test_numpy_targets_and_lists_come_to_the_input(device, loss):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    for target in (np.asarray([1.0, 4.0], dtype=np.float32), [1.0, 4.0]):
        out = loss()(x, target)
        assert out.device is device
        assert out.item() == (2.0 if loss is nn.MSELoss else 1.0)


def test_integer_targets_keep_the_inputs_dtype(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    loss = nn.MSELoss()(x, agrad.asarray([1, 4]))
    assert loss.dtype is agrad.float32
    loss.backward()
    assert x.grad.tolist() == [0.0, -2.0]


PAIRS = [
    F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.binary_cross_entropy,
    F.binary_cross_entropy_with_logits, F.kl_div,
]  # fmt: skip


@pytest.mark.parametrize("function", PAIRS)
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_integer_targets_are_cast_to_the_inputs_dtype(device, function, dtype):
    scores, labels = agrad.asarray([0.25, 0.75]), agrad.asarray([0, 1], dtype="uint8")
    loss = function(scores, labels.astype(dtype))
    assert loss.dtype is agrad.float32
    assert loss.item() == function(scores, labels.astype(scores.dtype)).item()


@pytest.mark.parametrize(
    ("function", "expected"),
    [(F.mse_loss, 10000.0), (F.l1_loss, 100.0), (F.smooth_l1_loss, 99.5), (F.huber_loss, 99.5)],
)
def test_unsigned_integers_do_not_wrap(device, function, expected):
    loss = function(agrad.asarray([1, 200], dtype="uint8"), agrad.asarray([101, 100], dtype="uint8"))
    assert loss.dtype is agrad.float32
    assert loss.item() == expected


@pytest.mark.parametrize("function", [F.mse_loss, F.l1_loss])
def test_numbers_are_targets_of_0d_inputs(device, function):
    assert function(agrad.asarray(3.0), 1).item() in (4.0, 2.0)
    with pytest.raises(ValueError, match="never broadcasts"):
        function(agrad.ones(2), 1.0)


def test_mse_of_complex_numbers_is_refused(device):
    z = agrad.zeros(2, dtype=agrad.complex64)
    with pytest.raises(TypeError, match="abs"):
        F.mse_loss(z, z)


def test_gradients_flow_to_the_target_too(device):
    x, y = agrad.asarray([1.0, 2.0]), agrad.asarray([0.0, 0.0], requires_grad=True)
    F.mse_loss(x, y).backward()
    assert y.grad.tolist() == [-1.0, -2.0]


# Cross entropy

SCORES = [[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]


def by_hand(scores, cls):
    return math.log(math.fsum(math.exp(s) for s in scores)) - scores[cls]


def test_cross_entropy_of_indices(device):
    x, y = agrad.asarray(SCORES), agrad.asarray([2, 0])
    expected = [by_hand(SCORES[0], 2), by_hand(SCORES[1], 0)]
    assert_close(F.cross_entropy(x, y, reduction="none"), expected, rtol=1e-6)
    assert_close(nn.CrossEntropyLoss()(x, y), sum(expected) / 2, rtol=1e-6)
    assert_close(nn.CrossEntropyLoss(reduction="sum")(x, y), sum(expected), rtol=1e-6)


def test_cross_entropy_of_one_sample_and_of_images(device):
    assert_close(F.cross_entropy(agrad.asarray(SCORES[0]), agrad.asarray(2)), by_hand(SCORES[0], 2), rtol=1e-6)
    image = agrad.asarray([SCORES])  # one sample, two classes, three pixels
    pixels = [by_hand([SCORES[0][i], SCORES[1][i]], cls) for i, cls in enumerate([1, 0, 1])]
    target = agrad.asarray([[1, 0, 1]])
    assert_close(F.cross_entropy(image, target, reduction="none"), [pixels], rtol=1e-6)
    assert_close(F.cross_entropy(image, target), sum(pixels) / 3, rtol=1e-6)


def test_cross_entropy_of_probabilities(device):
    x = agrad.asarray(SCORES)
    p = agrad.asarray([[0.0, 0.0, 1.0], [0.25, 0.75, 0.0]])
    expected = [by_hand(SCORES[0], 2), 0.25 * by_hand(SCORES[1], 0) + 0.75 * by_hand(SCORES[1], 1)]
    assert_close(F.cross_entropy(x, p, reduction="none"), expected, rtol=1e-6)
    assert_close(F.cross_entropy(x, p), sum(expected) / 2, rtol=1e-6)
    assert_close(F.cross_entropy(x[0], p[0]), expected[0], rtol=1e-6)
    assert F.cross_entropy(agrad.ones((2, 3, 4)), agrad.ones((2, 3, 4)), reduction="none").shape == (2, 4)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 2)])
def test_cross_entropy_gradients(device, shape, reduction):
    if not device.backend.supports_float64:
        pytest.skip("finite differences need float64")
    agrad.manual_seed(2)
    scores, samples = agrad.randn(*shape), shape[:1] + shape[2:] if len(shape) > 1 else ()
    classes = agrad.randint(0, 3, samples)
    check_grads(lambda x: F.cross_entropy(x, classes, reduction=reduction), [scores])
    check_grads(lambda x, p: F.cross_entropy(x, p, reduction=reduction), [scores, agrad.rand(*shape)])


def saved_below(node, name):
    """Return what a Node, or one of those before it, saved under a name."""
    saved = dict(zip(getattr(node.plan, "saves", ()), node.saved, strict=False))
    if name in saved:
        return saved[name]
    found = (saved_below(parent, name) for parent, _ in node.edges if isinstance(parent, Node))
    return next((value for value in found if value is not None), None)


def test_cross_entropy_saves_the_exponentials_for_its_gradient(device):
    x = agrad.asarray(SCORES, requires_grad=True)
    loss = F.cross_entropy(x, agrad.asarray([2, 0]))
    weights, total = saved_below(loss._node, "saved"), saved_below(loss._node, "total")
    if device.kind != "cuda":  # whose kernel keeps three sums of each sample
        expected = agrad.softmax(x.detach(), axis=1).tolist()
        assert_close(agrad.asarray(weights / total[:, None]), expected, rtol=1e-6)
    loss.backward(retain_graph=True)
    first = x.grad.tolist()
    x.grad = None
    loss.backward()
    assert x.grad.tolist() == first
    assert loss._node.saved is None


@pytest.mark.parametrize("scores", [[math.inf, 0.0, 1.0], [-math.inf] * 3])
def test_anomalies_of_cross_entropy_are_found(device, scores):
    x = agrad.asarray([scores], requires_grad=True)
    with agrad.detect_anomaly(), pytest.raises(FloatingPointError, match="softmax_nll made NaN"):
        F.cross_entropy(x, agrad.asarray([1]))


def test_the_forward_of_cross_entropy_may_run_twice(device):
    class Twice(Observer):
        def see_op(self, call, run):
            run()
            return run()

    x = agrad.asarray(SCORES, requires_grad=True)
    with Twice():
        loss = F.cross_entropy(x, agrad.asarray([2, 0]))
    loss.backward()
    y = agrad.asarray(SCORES, requires_grad=True)
    F.cross_entropy(y, agrad.asarray([2, 0])).backward()
    assert x.grad.tolist() == y.grad.tolist()


@pytest.mark.parametrize("as_probabilities", [False, True])
def test_cross_entropy_is_stable(device, as_probabilities):
    x = agrad.asarray([[1e4, 0.0], [0.0, 1e4], [-1e4, 0.0]], requires_grad=True)
    target = agrad.asarray([0, 0, 1])
    if as_probabilities:
        target = agrad.asarray([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    losses = F.cross_entropy(x, target, reduction="none")
    assert losses.tolist() == [0.0, 1e4, 0.0]
    losses.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0], [-1.0, 1.0], [0.0, 0.0]]


def test_small_losses_of_large_scores_keep_their_digits(device):
    x = agrad.asarray([[1000.0, 990.0]])
    assert_close(F.cross_entropy(x, agrad.asarray([0])), math.log1p(math.exp(-10)), rtol=1e-3, atol=0)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "uint16", "uint32", "uint64"])
def test_any_integer_dtype_is_an_index(device, dtype):
    wide = agrad.zeros((2, 300))
    target = agrad.asarray([0, 255 if dtype == "uint8" else 299], dtype=dtype)
    assert_close(F.cross_entropy(wide, target), math.log(300), rtol=1e-6)
    assert_close(F.nll_loss(wide - 2.0, target), 2.0, rtol=1e-6)


@pytest.mark.parametrize("wrong", [-1, 3, -101])
def test_classes_out_of_range(device, wrong):
    if device.backend.waits_on_read(device.native):
        assert math.isnan(F.cross_entropy(agrad.asarray(SCORES), agrad.asarray([0, wrong])).item())
        return
    with pytest.raises(IndexError, match=rf"class index {wrong} .*0 to 2"):
        F.cross_entropy(agrad.asarray(SCORES), agrad.asarray([0, wrong]))


def test_where_looking_is_dear_classes_out_of_range_make_the_loss_nan(device, monkeypatch):
    monkeypatch.setattr(type(device.backend), "waits_on_read", lambda self, native: True)
    x, good, bad = agrad.asarray(SCORES), agrad.asarray([0, 2]), agrad.asarray([0, -1])
    expected = [by_hand(SCORES[0], 0), by_hand(SCORES[1], 2)]
    assert_close(F.cross_entropy(x, good), sum(expected) / 2, rtol=1e-6)
    assert math.isnan(F.cross_entropy(x, bad).item())
    losses = F.cross_entropy(x, bad, reduction="none")
    assert_close(losses, [expected[0], math.nan], rtol=1e-6)


def test_class_indices_must_be_integers(device):
    with pytest.raises(TypeError, match=r"astype\(agrad.int64\)"):
        F.cross_entropy(agrad.asarray(SCORES), agrad.asarray([0.0, 1.0]))
    with pytest.raises(TypeError, match=r"astype\(agrad.int64\)"):
        F.cross_entropy(agrad.asarray(SCORES), agrad.asarray([True, False]))


@pytest.mark.parametrize(
    ("scores", "target", "shown"),
    [
        ((2, 3), [0, 1, 2], ["(2, 3)", "(2,)", "(3,)"]),
        ((2, 3), [[0], [1]], ["(2, 3)", "(2,)", "(2, 1)"]),
        ((2, 3), [[0, 1, 0], [1, 0, 0]], ["(2, 3)", "probabilities"]),
        ((2, 3, 4), [0, 1], ["(2, 3, 4)", "(2, 4)", "(2,)"]),
        ((2, 3), [[0.5, 0.5], [0.5, 0.5]], ["(2, 3)", "(2, 2)"]),
        ((), 0, ["0-d"]),
    ],
)
def test_cross_entropy_of_wrong_shapes(device, scores, target, shown):
    with pytest.raises(ValueError) as caught:
        F.cross_entropy(agrad.ones(scores), agrad.asarray(target))
    assert all(part in str(caught.value) for part in shown)


# Samples that count more, less or nothing


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # nothing divided by nothing
def test_ignored_samples(device):
    x = agrad.asarray(SCORES, requires_grad=True)
    loss = F.cross_entropy(x, agrad.asarray([1, -100]))
    assert_close(loss, by_hand(SCORES[0], 1), rtol=1e-6)
    loss.backward()
    assert x.grad[1].tolist() == [0.0] * 3
    assert math.isnan(F.cross_entropy(x, agrad.asarray([-100, -100])).item())
    assert F.cross_entropy(x, agrad.asarray([-100, -100]), reduction="sum").item() == 0.0
    assert_close(F.cross_entropy(x, agrad.asarray([1, 2]), ignore_index=2), by_hand(SCORES[0], 1), rtol=1e-6)
    small = agrad.asarray([1, 2], dtype="uint8")
    assert_close(F.cross_entropy(x, small, ignore_index=2), by_hand(SCORES[0], 1), rtol=1e-6)


def test_ignored_samples_may_have_any_values(device):
    x = agrad.asarray([[0.0, 0.0], [math.inf, math.nan]])
    assert_close(F.cross_entropy(x, agrad.asarray([1, -100])), math.log(2), rtol=1e-6)


def test_weights(device):
    weight = [1.0, 3.0, 0.5]
    x, y = agrad.asarray(SCORES), agrad.asarray([1, 2])
    each = [by_hand(SCORES[0], 1) * 3.0, by_hand(SCORES[1], 2) * 0.5]
    assert_close(F.cross_entropy(x, y, weight, reduction="none"), each, rtol=1e-6)
    assert_close(nn.CrossEntropyLoss(agrad.asarray(weight))(x, y), sum(each) / 3.5, rtol=1e-6)
    assert_close(nn.NLLLoss(agrad.asarray(weight))(F.log_softmax(x, 1), y), sum(each) / 3.5, rtol=1e-6)
    with pytest.raises(ValueError, match=r"weight must have shape \(3,\)"):
        F.cross_entropy(x, y, [1.0])


def test_smoothing(device):
    x = agrad.asarray(SCORES)
    smooth = agrad.asarray([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    assert_close(F.cross_entropy(x, agrad.asarray([1, 2]), label_smoothing=0.3), F.cross_entropy(x, smooth), rtol=1e-5)
    with pytest.raises(ValueError, match="from 0 to 1"):
        F.cross_entropy(x, agrad.asarray([1, 2]), label_smoothing=1.5)


# The others


def test_certainties_that_are_wrong_cost_a_finite_amount(device):
    p = agrad.asarray([0.0, 1.0], requires_grad=True)
    losses = F.binary_cross_entropy(p, agrad.asarray([1.0, 1.0]), reduction="none")
    assert losses.tolist() == [100.0, 0.0]
    losses.sum().backward()
    assert_close(p.grad.tolist(), [-1e12, 0.0], rtol=1e-6)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_kl_div_of_negative_probabilities_is_nan(device):
    x, target = agrad.asarray([-2.0, -2.0]), agrad.asarray([-0.2, 0.0])
    nan, zero = F.kl_div(x, target, reduction="none").tolist()
    assert math.isnan(nan)
    assert zero == 0.0
    assert math.isnan(F.kl_div(x, target, reduction="sum").item())


@pytest.mark.parametrize(("p", "target"), [(1.5, 1.0), (-0.5, 1.0), (0.5, 2.0), (0.5, -1.0)])
def test_probabilities_out_of_range_are_refused(device, p, target):
    if device.backend.waits_on_read(device.native):
        pytest.skip("nobody looks at the values there")
    wrong = p if not 0 <= p <= 1 else target
    with pytest.raises(ValueError, match=rf"probabilities from 0 to 1, not {wrong}; write .*_with_logits"):
        nn.BCELoss()(agrad.asarray([0.5, p]), agrad.asarray([0.0, target]))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(("p", "target"), [(-0.1, 0.5), (1.5, 0.5)])
def test_without_checks_probabilities_out_of_range_make_the_loss_nan(device, monkeypatch, p, target):
    monkeypatch.setattr(type(device.backend), "waits_on_read", lambda backend, native: True)
    assert math.isnan(F.binary_cross_entropy(agrad.asarray([p]), agrad.asarray([target])).item())


@pytest.mark.parametrize(
    "function",
    [F.smooth_l1_loss, F.huber_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.kl_div],
)
def test_losses_of_pairs_on_each_device(device, function):
    values = agrad.asarray([[0.2, 0.9], [0.5, 0.3]]), agrad.asarray([[0.7, 0.1], [0.4, 0.6]])
    expected = function(*(x.to("cpu") for x in values))
    assert_close(function(*values), expected.numpy(), rtol=1e-5)
    with pytest.raises(ValueError, match="never broadcasts"):
        function(values[0], values[1][0])


def test_losses_of_vectors(device):
    x, y = agrad.asarray([[1.0, 0.0], [3.0, 4.0]]), agrad.asarray([[2.0, 0.0], [4.0, -3.0]])
    losses = F.cosine_embedding_loss(x, y, agrad.asarray([-1, 1]), margin=0.25, reduction="none")
    assert_close(losses, [0.75, 1.0], rtol=1e-5)
    assert_close(F.triplet_margin_loss(x, x, y, margin=2.0, reduction="none"), [1.0, 0.0], rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="target must have shape"):
        F.cosine_embedding_loss(x, y, agrad.asarray([1]))


def test_the_largest_difference_is_a_distance(device):
    x, y = agrad.zeros((1, 2)), agrad.asarray([[1.0, 3.0]])
    assert_close(F.triplet_margin_loss(x, y, x, p=math.inf, eps=0.0), 4.0)


@pytest.mark.parametrize("p", [0.5, 2, 3, math.inf])
def test_a_distance_of_zero_has_no_slope(device, p):
    anchor, negative = agrad.zeros((1, 2), requires_grad=True), agrad.asarray([[1.0, 0.0]])
    F.triplet_margin_loss(anchor, anchor, negative, margin=2.0, p=p, eps=0.0).backward()
    assert anchor.grad.tolist() == [[1.0, 0.0]]


def test_pairs_at_the_margin_are_still_pushed_apart(device):
    x, y = agrad.asarray([[1.0, 0.0]], requires_grad=True), agrad.asarray([[0.0, 1.0]])
    F.cosine_embedding_loss(x, y, agrad.asarray([-1])).backward()
    assert_close(x.grad, [[0.0, 1.0]], rtol=1e-6)
    anchor = agrad.asarray([[0.0, 0.0]], requires_grad=True)
    F.triplet_margin_loss(anchor, anchor.detach(), y, margin=1.0, eps=0.0).backward()
    assert anchor.grad.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("margin", [-1.0, 0.0])
def test_a_triplet_needs_a_margin(margin):
    with pytest.raises(ValueError, match=rf"margin must be above 0, not {margin}"):
        nn.TripletMarginLoss(margin)
    with pytest.raises(ValueError, match="margin must be above 0"):
        F.triplet_margin_loss(*[agrad.ones((1, 2))] * 3, margin=margin)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.huber_loss(x, x, delta=0.0), "delta must be above 0"),
        (lambda x: F.smooth_l1_loss(x, x, beta=-1.0), "beta must be"),
        (lambda x: nn.KLDivLoss("average"), "reduction must be"),
    ],
)
def test_settings_out_of_range(call, message):
    with pytest.raises(ValueError, match=message):
        call(agrad.ones(2))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"weight": [0.5, 2.0, 1.5]}, {"label_smoothing": 0.3}, {"ignore_index": 1}, {"ignore_index": 0}],
    ids=str,
)
def test_cross_entropy_of_one_sample_is_that_of_a_batch_of_one(device, settings, reduction):
    settings = {k: agrad.asarray(v) if k == "weight" else v for k, v in settings.items()}
    scores, target = agrad.asarray([0.3, -1.2, 0.8]), agrad.asarray(1)
    one = F.cross_entropy(scores, target, reduction=reduction, **settings)
    batch = F.cross_entropy(scores[None, :], target[None], reduction=reduction, **settings)
    assert one.shape == ()
    assert_close(one, batch.reshape(()))
