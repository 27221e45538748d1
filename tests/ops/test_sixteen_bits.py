"""Counts, shares and sums of squares of 16-bit numbers, which hold nothing above 65504, or nothing below 6e-8."""

import math

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.nn import functional as F
from agrad.testing import assert_close

MANY = 70_000  # more than float16 can count


@pytest.fixture(params=["float16", "bfloat16"])
def dtype(request, device):
    if not hasattr(device.xp, request.param):
        pytest.skip(f"{device} has no {request.param}")
    return request.param


def value_and_slope(f, x, dtype):
    x = agrad.tensor(x, dtype=dtype, requires_grad=True)
    y = f(x)
    assert y.dtype == x.dtype
    (g,) = agrad.gradients(agrad.sum(y), x)
    assert g.dtype == x.dtype
    return y.astype("float32").tolist(), g.astype("float32").reshape(-1)


@pytest.mark.parametrize(
    ("f", "value"),
    [
        (agrad.mean, 1.0),
        (agrad.max, 1.0),
        (agrad.min, 1.0),
        (lambda x: agrad.linalg.vector_norm(x, ord=math.inf), 1.0),
        (agrad.logsumexp, 1 + math.log(MANY)),
        (lambda x: F.l1_loss(x, agrad.zeros_like(x)), 1.0),
        (lambda x: F.nll_loss(x[:, None], agrad.zeros(MANY, dtype=int)), -1.0),
        (lambda x: F.mse_loss(x, 0.5 * agrad.ones_like(x)), 0.25),
        (lambda x: F.cross_entropy(x[:, None] * agrad.asarray([0.0, 1.0], dtype=x.dtype), agrad.zeros(MANY, dtype=int)),
         math.log(1 + math.e)),
    ],
    ids=["mean", "max", "min", "vector_norm", "logsumexp", "l1_loss", "nll_loss", "mse_loss", "cross_entropy"],
)  # fmt: skip
def test_shares_of_many(device, dtype, f, value):
    found, slope = value_and_slope(f, np.ones(MANY), dtype)
    assert_close(found, value, rtol=1e-2)
    share = abs(slope).tolist()
    expected = {math.log(1 + math.e): 1 / (1 + math.exp(-1))}.get(value, 1.0) / MANY
    assert_close(share[:3], [expected] * 3, rtol=1e-2)
    assert min(share) > 0


# Sums of many: of 1/8, float16 adds up no more than 256, and bfloat16 no more than 32

ROWS = 2500
SUMS = {
    "sum": (lambda x: agrad.sum(agrad.broadcast_to(x, (ROWS, 3)), axis=0), ROWS, ROWS),
    "sum of two axes": (lambda x: agrad.sum(agrad.broadcast_to(x, (25, 100, 3)), axis=(0, 1)), ROWS, ROWS),
    "sum to 16 bits": (lambda x: agrad.sum(agrad.ones((ROWS, 3)) * x.detach(), axis=0, dtype=x.dtype), ROWS, None),
    "cumulative_sum": (lambda x: agrad.cumulative_sum(agrad.broadcast_to(x, (ROWS, 3)), axis=0)[-1, :], ROWS, ROWS),
    "the rule of cumulative_sum": (
        lambda x: (
            agrad.cumulative_sum(agrad.concat([x[None, :], agrad.zeros((ROWS, 3), dtype=x.dtype)]), axis=0)[1:, :] / 8
        ),
        1 / 8,
        ROWS / 8,
    ),
    "einsum": (lambda x: agrad.einsum("ij->j", agrad.broadcast_to(x, (ROWS, 3))), ROWS, ROWS),
    "trace": (lambda x: agrad.linalg.trace(x[:1] * agrad.eye(ROWS, dtype=x.dtype)), ROWS, None),
    "matrix_norm": (
        lambda x: agrad.linalg.matrix_norm(agrad.broadcast_to(x, (ROWS, 3)), ord=1, keepdims=True),
        ROWS,
        None,
    ),
    "broadcast_to": (lambda x: agrad.broadcast_to(x, (ROWS, 3)) / 8, 1 / 8, ROWS / 8),
    "tile": (lambda x: agrad.tile(x, (ROWS, 1)) / 8, 1 / 8, ROWS / 8),
    "repeat": (lambda x: agrad.repeat(x, ROWS) / 8, 1 / 8, ROWS / 8),
    "add": (lambda x: (x + agrad.zeros((ROWS, 3), dtype=x.dtype)) / 8, 1 / 8, ROWS / 8),
    "multiply": (lambda x: (x * agrad.ones((ROWS, 3), dtype=x.dtype)) / 8, 1 / 8, ROWS / 8),
    "where": (lambda x: agrad.where(agrad.ones((ROWS, 3), dtype=bool), x, 0.0) / 8, 1 / 8, ROWS / 8),
    "take": (lambda x: agrad.take(x, agrad.zeros(ROWS, dtype=int)) / 8, 1 / 8, [ROWS / 8, 0, 0]),
    "take_along_axis": (
        lambda x: agrad.take_along_axis(x, agrad.zeros(ROWS, dtype=int), axis=0) / 8,
        1 / 8,
        [ROWS / 8, 0, 0],
    ),
    "an index": (lambda x: x[agrad.zeros(ROWS, dtype=int)] / 8, 1 / 8, [ROWS / 8, 0, 0]),
    "two indices": (lambda x: x[None, :][0, agrad.zeros(ROWS, dtype=int)] / 8, 1 / 8, [ROWS / 8, 0, 0]),
    "embedding": (lambda x: F.embedding(agrad.zeros(ROWS, dtype=int), x[None, :]) / 8, 1 / 8, ROWS / 8),
    "the bias of linear": (
        lambda x: F.linear(agrad.zeros((ROWS, 2), dtype=x.dtype), agrad.zeros((3, 2), dtype=x.dtype), x) / 8,
        1 / 8,
        ROWS / 8,
    ),
    "the bias of conv1d": (
        lambda x: F.conv1d(agrad.zeros((ROWS, 1, 1), dtype=x.dtype), agrad.zeros((3, 1, 1), dtype=x.dtype), x) / 8,
        1 / 8,
        ROWS / 8,
    ),
    "the bias of layer_norm": (
        lambda x: F.layer_norm(agrad.zeros((ROWS, 3), dtype=x.dtype), (3,), None, x) / 8,
        1 / 8,
        ROWS / 8,
    ),
    "the bias of batch_norm": (
        lambda x: F.batch_norm(agrad.zeros((ROWS, 3), dtype=x.dtype), None, None, None, x, training=True) / 8,
        1 / 8,
        ROWS / 8,
    ),
}


@pytest.mark.parametrize(("f", "value", "slope"), SUMS.values(), ids=SUMS)
def test_sums_of_many(device, dtype, f, value, slope):
    x = agrad.ones(3, dtype=dtype, requires_grad=True)
    y = f(x)
    assert y.dtype == x.dtype
    assert_close(y.astype("float32"), value * agrad.ones(y.shape), rtol=1e-2)
    if slope is not None:
        for graph in (False, True):
            (g,) = agrad.gradients(agrad.sum(y), x, create_graph=graph, retain_graph=True)
            assert_close(g.detach().astype("float32"), slope * agrad.ones(3), rtol=1e-2)


def test_products_that_overflow_on_the_way(device, dtype):
    x = [1e3] * 5 + [1e-3] * 5
    found, slope = value_and_slope(agrad.prod, x, dtype)
    product = math.prod(agrad.asarray(x, dtype=dtype).astype("float32").tolist())
    assert_close(found, product, rtol=1e-2)
    assert_close(slope[:1].tolist(), [product / 1e3], rtol=1e-2)


def test_products_of_many(device, dtype):
    growth = 1 + agrad.finfo(getattr(agrad, dtype)).eps
    count = round(4 * math.log(2) / math.log(growth))
    for product in (agrad.prod, lambda x: agrad.cumulative_prod(x)[-1]):
        found, slope = value_and_slope(product, [growth] * count, dtype)
        assert_close(found, 16.0, rtol=1e-2)
        assert_close(slope.tolist(), [16.0 / growth] * count, rtol=1e-2)


def test_softmax_over_many(device, dtype):
    for op, value in ((agrad.softmax, 1 / MANY), (agrad.log_softmax, -math.log(MANY))):
        found, slope = value_and_slope(lambda x, op=op: op(x)[:2], np.ones(MANY), dtype)
        assert_close(found[:2], [value, value], rtol=1e-2)
        assert not agrad.any(agrad.isnan(slope)).item()


def test_spread_of_numbers_whose_squares_overflow(device, dtype):
    x = [0.0, 200.0] * 500  # 2e7 in sum of squares
    found, slope = value_and_slope(agrad.var, x, dtype)
    assert_close(found, 10000.0, rtol=1e-2)
    assert_close(slope[:2].tolist(), [-0.2, 0.2], rtol=1e-2)
    found, slope = value_and_slope(agrad.std, x, dtype)
    assert_close(found, 100.0, rtol=1e-2)
    assert_close(slope[:2].tolist(), [-0.001, 0.001], rtol=1e-2)


def test_length_of_a_vector_whose_squares_overflow(device, dtype):
    for norm in (agrad.linalg.vector_norm, lambda x: agrad.linalg.matrix_norm(x[None, :])):
        found, slope = value_and_slope(norm, [300.0, -400.0], dtype)
        assert_close(found, 500.0, rtol=1e-2)
        assert_close(slope.tolist(), [0.6, -0.8], rtol=1e-2)


def test_means_of_windows_whose_sums_overflow(device, dtype):
    for pool in (lambda x: F.avg_pool2d(x, 4), lambda x: F.adaptive_avg_pool2d(x, 1)):
        found, slope = value_and_slope(lambda x, pool=pool: pool(x.reshape(1, 1, 4, 4)), np.full(16, 10000.0), dtype)
        assert_close(found, [[[[10000.0]]]], rtol=1e-2)
        assert slope.tolist() == [1 / 16] * 16


def test_cosine_of_vectors_whose_squares_overflow(device, dtype):
    found, _ = value_and_slope(lambda x: F.cosine_embedding_loss(x, 2 * x, agrad.asarray(1)), [3000.0, 4000.0], dtype)
    assert_close(found, 0.0, atol=1e-2)


def test_directions_of_vectors_whose_squares_overflow(device, dtype):
    found, _ = value_and_slope(lambda x: F.normalize(x, dim=0), [3000.0, 4000.0], dtype)
    assert_close(found, [0.6, 0.8], rtol=1e-2)
    found, _ = value_and_slope(lambda x: F.cosine_similarity(x, 2 * x, dim=0), [3000.0, 4000.0], dtype)
    assert_close(found, 1.0, rtol=1e-2)


# Settings that are too small for 16 bits, or counts that are too large


def test_divergence_of_a_large_batch(device, dtype):
    found, slope = value_and_slope(
        lambda x: F.kl_div(x, agrad.full_like(x, 0.5), reduction="batchmean"), np.full((MANY, 2), -1.0), dtype
    )
    assert_close(found, 1 - math.log(2), rtol=1e-2)
    assert_close(slope[:2].tolist(), [-0.5 / MANY] * 2, rtol=1e-2)


def test_default_eps_of_rms_norm_is_that_of_float32(device, dtype):
    found, _ = value_and_slope(lambda x: F.rms_norm(x, (4,)), [0.01] * 4, dtype)
    assert_close(found, [0.9994] * 4, rtol=1e-2)


def test_small_eps_of_batch_norm_in_evaluation(device, dtype):
    zeros = agrad.zeros(2, dtype=dtype)
    found, slope = value_and_slope(lambda x: F.batch_norm(x, zeros, zeros, eps=1e-8), [[0.001, 0.002]], dtype)
    assert_close(found, [[10.0, 20.0]], rtol=1e-2)
    assert_close(slope.tolist(), [1e4, 1e4], rtol=1e-2)


def test_cross_entropy_of_certain_predictions(device, dtype):
    certain = agrad.asarray([0.0, 1.0, 0.5], dtype=dtype)
    found, slope = value_and_slope(lambda x: F.binary_cross_entropy(x, certain, reduction="none"), [0, 1, 0.5], dtype)
    assert_close(found, [0.0, 0.0, math.log(2)], rtol=1e-2)
    assert slope.tolist() == [0.0, 0.0, 0.0]


def test_losses_with_a_small_bend(device, dtype):
    error = [0.01, -1.0, 1e-6]
    found, slope = value_and_slope(lambda x: F.smooth_l1_loss(x, agrad.zeros_like(x), "none", beta=1e-5), error, dtype)
    assert_close(found, [0.01, 1.0, 5e-8], rtol=3e-2, atol=6e-8)
    assert_close(slope.tolist(), [1.0, -1.0, 0.1], rtol=5e-2)
    found, slope = value_and_slope(lambda x: F.huber_loss(x, agrad.zeros_like(x), "sum", delta=1e-3), error, dtype)
    assert_close(found, 1.01e-3, rtol=1e-2)
    assert_close(slope.tolist(), [1e-3, -1e-3, 1e-6], rtol=5e-2)


def test_softplus_of_a_small_beta(device, dtype):
    found, slope = value_and_slope(lambda x: F.softplus(x, beta=1e-4), [1.0, -2.0], dtype)
    assert_close(found, [math.log(2) / 1e-4] * 2, rtol=1e-2)
    assert_close(slope.tolist(), [0.5, 0.5], rtol=1e-2)


# Optimizers


ALL = [
    optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad, optim.Adadelta, optim.Lion, optim.NAdam,
    optim.RAdam, optim.Adamax,
]  # fmt: skip


@pytest.mark.parametrize("make", ALL)
def test_updates_are_those_of_float32(device, dtype, make):
    settings = {"lr": 0.125} | ({"momentum": 0.9} if make is optim.SGD else {})
    narrow, wide = (nn.Parameter(agrad.ones(3, dtype=name)) for name in (dtype, "float32"))
    optimizers = [make([p], **settings) for p in (narrow, wide)]
    for g in (0.0, 2**-14, 256.0, 0.0):
        for p, optimizer in zip((narrow, wide), optimizers, strict=True):
            p.grad = agrad.full(3, g, dtype=p.dtype)
            optimizer.step()
        assert narrow.dtype.name == dtype
        assert_close(narrow.astype("float32").tolist(), wide.tolist(), rtol=2e-2)
    assert {x.dtype.name for x in optimizers[0].state[narrow].values() if isinstance(x, agrad.Tensor)} == {"float32"}


def test_a_gradient_of_zero_changes_nothing(device, dtype):
    for make in ALL:
        p = nn.Parameter(agrad.ones(3, dtype=dtype))
        p.grad = agrad.zeros(3, dtype=dtype)
        make([p], **({"weight_decay": 0.0} if make is optim.AdamW else {})).step()
        assert p.tolist() == [1.0] * 3


def test_state_of_a_narrow_parameter_is_loaded_wide(device, dtype):
    p = nn.Parameter(agrad.ones(3, dtype=dtype))
    optimizer = optim.Adam([p])
    p.grad = agrad.full(3, 2**-14, dtype=dtype)
    optimizer.step()
    other = optim.Adam([p])
    other.load_state_dict(optimizer.state_dict())
    before, after = optimizer.state[p]["exp_avg_sq"], other.state[p]["exp_avg_sq"]
    assert after.dtype.name == "float32"
    assert after.tolist() == before.tolist()


def test_lbfgs_of_a_narrow_parameter(device, dtype):
    p = nn.Parameter(agrad.full(3, 3.0, dtype=dtype))
    optimizer = optim.LBFGS([p], line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = agrad.mean(p.astype("float32") ** 2)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert p.dtype.name == dtype
    assert_close(p.astype("float32").tolist(), [0.0] * 3, atol=0.1)


def test_clipping_by_a_small_factor(device, dtype):
    p = nn.Parameter(agrad.zeros(4, dtype=dtype))
    p.grad = agrad.full(4, 30000.0, dtype=dtype)
    nn.utils.clip_grad_norm_([p], 0.01)
    assert_close(p.grad.astype("float32").tolist(), [0.005] * 4, rtol=1e-2)


def test_average_of_weights_after_many(device, dtype):
    model = nn.Linear(1, 1, dtype=dtype)
    averaged = optim.swa_utils.AveragedModel(model)
    averaged.update_parameters(model)
    averaged.n_averaged.fill_(MANY)
    with agrad.no_grad():
        model.weight += 1000.0
    expected = averaged.module.weight.item() + 1000.0 / MANY
    averaged.update_parameters(model)
    assert_close(averaged.module.weight.item(), expected, rtol=1e-2)
