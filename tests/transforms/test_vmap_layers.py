"""Layers, losses and loops under vmap, against a loop over the examples: values and gradients."""

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.nn import functional as F
from agrad.testing import assert_close
from agrad.transforms import pytrees

BATCH = 3


def draw(*shape):
    values = np.random.default_rng(sum(shape)).uniform(0.2, 1.5, shape)
    return agrad.asarray(values, dtype="float64" if agrad.get_device().backend.supports_float64 else "float32")


def classes(count, *shape):
    return np.arange(np.prod(shape)).reshape(shape) % count


def assert_same(found, expected):
    for a, e in zip(pytrees.flatten(found), pytrees.flatten(expected), strict=True):
        tolerance = 1e-9 if a.dtype.name == "float64" else 1e-4
        assert_close(a.detach(), e.detach(), rtol=tolerance, atol=tolerance)


def loop(f, in_axes):
    """Return what vmap is to do, for arguments that are mapped along their first axis or not at all."""

    def looped(*args):
        row = lambda tree, i: pytrees.unflatten(tree, [x[i, ...] for x in pytrees.flatten(tree)])
        found = []
        for i in range(BATCH):
            found.append(f(*[x if axis is None else row(x, i) for x, axis in zip(args, in_axes, strict=True)]))
        columns = zip(*map(pytrees.flatten, found), strict=True)
        return pytrees.unflatten(found[0], [agrad.stack(list(column)) for column in columns])

    return looped


def weighed(y):
    """Return a number that tells all elements of the outputs apart."""
    parts = [x for x in pytrees.flatten(y) if x.dtype.differentiable]
    weights = [agrad.asarray(np.cos(np.arange(x.size)).reshape(x.shape), dtype=x.dtype) for x in parts]
    return sum(agrad.sum(x * w) for x, w in zip(parts, weights, strict=True))


# A layer, and the shape of one example.
LAYERS = {
    "Linear": (lambda: nn.Linear(4, 3), (4,)),
    "Conv1d": (lambda: nn.Conv1d(2, 3, 3, padding=1), (2, 2, 7)),
    "Conv1d of one sample": (lambda: nn.Conv1d(2, 3, 3), (2, 7)),
    "Conv2d": (lambda: nn.Conv2d(2, 4, 3, stride=2), (2, 2, 6, 5)),
    "Conv2d in groups": (lambda: nn.Conv2d(4, 4, 3, groups=2), (1, 4, 5, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 3, 2, stride=2), (1, 2, 3, 3)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (1, 2, 4, 4)),
    "LayerNorm": (lambda: nn.LayerNorm(4), (3, 4)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (2, 4, 3)),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(3, affine=True), (2, 3, 5)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4).eval(), (5, 4)),
    "BatchNorm1d, no statistics": (lambda: nn.BatchNorm1d(4, track_running_stats=False), (5, 4)),
    "RNN": (lambda: nn.RNN(4, 5), (3, 2, 4)),
    "LSTM": (lambda: nn.LSTM(4, 5, num_layers=2), (3, 4)),
    "GRU": (lambda: nn.GRU(4, 3, batch_first=True, bidirectional=True), (2, 3, 4)),
    "Transformer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True), (2, 3, 4)),
    "MLP": (lambda: nn.Sequential(nn.Linear(4, 5), nn.GELU(), nn.LayerNorm(5), nn.Linear(5, 2)), (4,)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(device, name):
    make, shape = LAYERS[name]
    agrad.manual_seed(0)
    layer, x = make(), draw(BATCH, *shape)
    layer.to(dtype=x.dtype)
    state = {key: value.detach() for key, value in layer.state_dict().items()}
    several = {key: agrad.stack([v, v / 2, v + v]) if v.dtype.differentiable else v for key, v in state.items()}
    axes = {key: 0 if v.dtype.differentiable else None for key, v in state.items()}
    f = lambda x, params=state: layer.functional_call(params, x)
    assert_same(agrad.vmap(f)(x), loop(f, [0])(x))
    slope = agrad.grad(lambda x, params: weighed(f(x, params)), (0, 1) if axes else 0)
    if not all(v.dtype.differentiable for v in state.values()):
        slope = agrad.grad(lambda x, params: weighed(f(x, params)))
        axes, several = dict.fromkeys(axes), state
    assert_same(agrad.vmap(slope, (0, None))(x, state), loop(slope, [0, None])(x, state))
    if all(axis == 0 for axis in axes.values()):
        assert_same(agrad.vmap(slope)(x, several), loop(slope, [0, 0])(x, several))


def scan(x):
    state, states = agrad.zeros(4, dtype=x.dtype), agrad.empty((3, 4), dtype=x.dtype)
    for t, row in enumerate(x):
        state = agrad.tanh(state * x[0] + row)
        states[t] = state
    return states


def attention(q, length):
    visible = agrad.arange(3) < length
    scores = agrad.where(visible[None, :], q @ q.T, -agrad.inf)
    return F.softmax(scores, dim=-1) @ q


def adam(x):
    p = agrad.ones(3, dtype=x.dtype).requires_grad_()
    optimizer = optim.Adam([p], lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        agrad.sum((x @ (p @ x) - 1) ** 2).backward()
        optimizer.step()
    return p.detach()


def newton(x):
    f = lambda p: agrad.sum(agrad.cosh(p - x[0]) + p**4)
    p = x[1]
    for _ in range(3):
        p = p - agrad.linalg.solve(agrad.hessian(f)(p), agrad.grad(f)(p))
    return p


X, Y = (BATCH, 3, 4), (BATCH, 3, 4)
FUNCTIONS = {
    "scan": (scan, [X]),
    "attention with lengths": (attention, [X, [2, 3, 1]]),
    "Adam": (adam, [X]),
    "Newton's method": (newton, [X]),
    "einsum": (lambda x, y: agrad.einsum("ij,kj,kl->il", x, y, x), [X, Y]),
    "least squares": (lambda x, y: agrad.linalg.solve(x @ x.T + agrad.eye(3, dtype=x.dtype), y), [X, Y]),
    "cholesky": (lambda x: agrad.linalg.cholesky(x @ x.T + agrad.eye(3, dtype=x.dtype)), [X]),
    "fft": (lambda x: agrad.fft.irfft(agrad.fft.rfft(x) * 2.0, n=4) * agrad.abs(agrad.fft.fft(x, axis=0)), [X]),
    "sorted": (lambda x: agrad.sort(x, axis=0) * x[agrad.argsort(x[:, 0])], [X]),
    "embedding": (lambda i, w: F.embedding(i, w, padding_idx=1), [classes(3, BATCH, 5), X]),
    "mse_loss": (F.mse_loss, [X, Y]),
    "huber_loss": (F.huber_loss, [X, Y]),
    "binary_cross_entropy_with_logits": (lambda x, y: F.binary_cross_entropy_with_logits(x, y / 2), [X, Y]),
    "kl_div": (lambda x, y: F.kl_div(F.log_softmax(x, dim=1), F.softmax(y, dim=1), reduction="batchmean"), [X, Y]),
    "nll_loss": (lambda x, t: F.nll_loss(F.log_softmax(x, dim=1), t), [X, classes(4, BATCH, 3)]),
    "ctc_loss": (
        lambda x, labels, lengths: F.ctc_loss(F.log_softmax(x, dim=-1), labels, agrad.full(2, 4), lengths),
        [(BATCH, 4, 2, 5), 1 + classes(4, BATCH, 2, 3), [[3, 2], [1, 2], [0, 3]]],
    ),
    "conv2d of own weights": (lambda x, w: F.conv2d(x, w), [(BATCH, 2, 2, 5, 5), (BATCH, 3, 2, 3, 3)]),
    "conv2d of one image": (lambda w: F.conv2d(agrad.ones((1, 2, 5, 5), dtype=w.dtype), w), [(BATCH, 3, 2, 3, 3)]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(device, name):
    f, given = FUNCTIONS[name]
    args = [draw(*x) if isinstance(x, tuple) else agrad.asarray(x) for x in given]
    places = [i for i, x in enumerate(args) if x.dtype.differentiable]
    axes = [0] * len(args)
    assert_same(agrad.vmap(f)(*args), loop(f, axes)(*args))
    if name != "Adam":  # which returns a constant
        slope = agrad.grad(lambda *args: weighed(f(*args)), places)
        assert_same(agrad.vmap(slope)(*args), loop(slope, axes)(*args))
        of_vmap, of_loop = (
            agrad.grad(lambda *args, g=g: weighed(g(*args)), places) for g in (agrad.vmap(f), loop(f, axes))
        )
        assert_same(of_vmap(*args), of_loop(*args))
