"""The formula of each optimizer, written out one number at a time, on every device; and what all of them keep to."""

import itertools
import math
import tracemalloc

import pytest

import agrad
from agrad import nn, optim
from agrad.testing import assert_close

GRADIENTS = [[0.5, -1.0], [0.25, 2.0], [-1.0, 0.125], [0.0, -0.5]]
LR = 0.1


def adam(x, gradients, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, decoupled_weight_decay=False):
    mean = square = largest = 0
    for t, g in enumerate(gradients, start=1):
        if decoupled_weight_decay:
            x -= LR * weight_decay * x
        else:
            g += weight_decay * x
        mean = betas[0] * mean + (1 - betas[0]) * g
        square = betas[1] * square + (1 - betas[1]) * g * g
        largest = max(largest, square) if amsgrad else square
        x -= LR * (mean / (1 - betas[0] ** t)) / (math.sqrt(largest / (1 - betas[1] ** t)) + eps)
    return x


def adamw(x, gradients, weight_decay=1e-2, **settings):
    return adam(x, gradients, weight_decay=weight_decay, decoupled_weight_decay=True, **settings)


def rmsprop(x, gradients, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False):
    mean = square = step = 0
    for g in gradients:
        g += weight_decay * x
        square = alpha * square + (1 - alpha) * g * g
        mean = alpha * mean + (1 - alpha) * g
        step = momentum * step + g / (math.sqrt(square - mean * mean if centered else square) + eps)
        x -= LR * step
    return x


def adagrad(x, gradients, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10):
    total = initial_accumulator_value
    for t, g in enumerate(gradients):
        g += weight_decay * x
        total += g * g
        x -= LR / (1 + t * lr_decay) * g / (math.sqrt(total) + eps)
    return x


def adadelta(x, gradients, rho=0.9, eps=1e-6, weight_decay=0):
    square = steps = 0
    for g in gradients:
        g += weight_decay * x
        square = rho * square + (1 - rho) * g * g
        delta = g * math.sqrt(steps + eps) / math.sqrt(square + eps)
        steps = rho * steps + (1 - rho) * delta * delta
        x -= LR * delta
    return x


def lion(x, gradients, betas=(0.9, 0.99), weight_decay=0):
    mean = 0
    for g in gradients:
        mixed = betas[0] * mean + (1 - betas[0]) * g
        x -= LR * ((mixed > 0) - (mixed < 0) + weight_decay * x)
        mean = betas[1] * mean + (1 - betas[1]) * g
    return x


def nadam(x, gradients, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3, **settings):
    mean = square = 0
    product = 1
    for t, g in enumerate(gradients, start=1):
        if settings.get("decoupled_weight_decay"):
            x -= LR * weight_decay * x
        else:
            g += weight_decay * x
        now, ahead = (betas[0] * (1 - 0.96 ** (i * momentum_decay) / 2) for i in (t, t + 1))
        product *= now
        mean = betas[0] * mean + (1 - betas[0]) * g
        square = betas[1] * square + (1 - betas[1]) * g * g
        looking_ahead = ahead * mean / (1 - product * ahead) + (1 - now) * g / (1 - product)
        x -= LR * looking_ahead / (math.sqrt(square / (1 - betas[1] ** t)) + eps)
    return x


def radam(x, gradients, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False):
    mean = square = 0
    most = 2 / (1 - betas[1]) - 1
    for t, g in enumerate(gradients, start=1):
        if decoupled_weight_decay:
            x -= LR * weight_decay * x
        else:
            g += weight_decay * x
        mean = betas[0] * mean + (1 - betas[0]) * g
        square = betas[1] * square + (1 - betas[1]) * g * g
        length = most - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        step = mean / (1 - betas[0] ** t)
        if length > 5:
            step *= math.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
            step *= math.sqrt(1 - betas[1] ** t) / (math.sqrt(square) + eps)
        x -= LR * step
    return x


def adamax(x, gradients, betas=(0.9, 0.999), eps=1e-8, weight_decay=0):
    mean = largest = 0
    for t, g in enumerate(gradients, start=1):
        g += weight_decay * x
        mean = betas[0] * mean + (1 - betas[0]) * g
        largest = max(betas[1] * largest, abs(g) + eps)
        x -= LR / (1 - betas[0] ** t) * mean / largest
    return x


def table(*rows):
    cases = []
    for formula, optimizer, choices in rows:
        for values in itertools.product(*choices.values()):
            settings = dict(zip(choices, values, strict=True))
            cases.append(pytest.param(formula, optimizer, settings, id=f"{optimizer.__name__}-{settings}"))
    return cases


FORMULAS = table(
    (adam, optim.Adam, {"weight_decay": [0, 0.1], "amsgrad": [False, True], "betas": [(0.9, 0.999), (0.5, 0.0)]}),
    (adam, optim.Adam, {"weight_decay": [0.1], "decoupled_weight_decay": [True], "eps": [0.5]}),
    (adamw, optim.AdamW, {}),
    (adamw, optim.AdamW, {"weight_decay": [0.5], "amsgrad": [False, True]}),
    (rmsprop, optim.RMSprop, {"weight_decay": [0, 0.1], "momentum": [0, 0.9], "centered": [False, True]}),
    (rmsprop, optim.RMSprop, {"alpha": [0.5], "eps": [0.5]}),
    (adagrad, optim.Adagrad, {}),
    (adagrad, optim.Adagrad, {"weight_decay": [0.1], "lr_decay": [0, 0.5], "initial_accumulator_value": [0, 0.25]}),
    (adagrad, optim.Adagrad, {"eps": [0.5]}),
    (adadelta, optim.Adadelta, {"weight_decay": [0, 0.1]}),
    (adadelta, optim.Adadelta, {"rho": [0.5], "eps": [0.5]}),
    (lion, optim.Lion, {"weight_decay": [0, 0.1], "betas": [(0.9, 0.99), (0.5, 0.0)]}),
    (nadam, optim.NAdam, {"weight_decay": [0, 0.1], "betas": [(0.9, 0.999), (0.5, 0.0)]}),
    (nadam, optim.NAdam, {"weight_decay": [0.1], "decoupled_weight_decay": [True], "momentum_decay": [0, 5.0]}),
    (radam, optim.RAdam, {"weight_decay": [0, 0.1], "betas": [(0.9, 0.999), (0.5, 0.7), (0.5, 0.0)]}),
    (radam, optim.RAdam, {"weight_decay": [0.1], "decoupled_weight_decay": [True], "betas": [(0.5, 0.9)]}),
    (adamax, optim.Adamax, {"weight_decay": [0, 0.1], "betas": [(0.9, 0.999), (0.5, 0.0)]}),
    (adamax, optim.Adamax, {"eps": [0.5]}),
)
OPTIMIZERS = [
    optim.Adadelta, optim.Adagrad, optim.Adam, optim.AdamW, optim.Adamax, optim.Lion, optim.NAdam, optim.RAdam,
    optim.RMSprop,
]  # fmt: skip
every = pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize(("formula", "optimizer", "settings"), FORMULAS)
def test_the_formula(device, formula, optimizer, settings, maximize):
    values = [1.0, -2.0]
    p, without_axes = nn.Parameter(values), nn.Parameter(values[0])
    taken = optimizer([p, without_axes], lr=LR, maximize=maximize, **settings)
    for gradient in GRADIENTS:
        p.grad, without_axes.grad = agrad.asarray(gradient), agrad.asarray(gradient[0])
        taken.step()
    sign = -1 if maximize else 1
    columns = zip(*GRADIENTS, strict=True)
    expected = [formula(x, [sign * g for g in column], **settings) for x, column in zip(values, columns, strict=True)]
    assert_close(p.detach(), expected, rtol=1e-5)
    assert_close(without_axes.detach(), expected[0], rtol=1e-5)


@every
def test_real_and_imaginary_parts_are_coordinates(device, kind):
    z, x = nn.Parameter([1.0 + 3.0j, -2.0j]), nn.Parameter([[1.0, 3.0], [0.0, -2.0]])
    view = z.detach()
    both = kind([z, x], lr=LR, weight_decay=0.1)
    for g in (0.5, -0.25):
        z.grad, x.grad = agrad.asarray([g + 1.0j, 2.0]), agrad.asarray([[g, 1.0], [2.0, 0.0]])
        both.step()
    assert_close(agrad.real(z.detach()), x.detach()[:, 0])
    assert_close(agrad.imag(z.detach()), x.detach()[:, 1])
    if not device.backend.immutable:
        assert_close(view, z.detach())


@every
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (2, 3)])
def test_every_shape(device, kind, shape):
    p = nn.Parameter(agrad.ones(shape))
    optimizer = kind([p], lr=LR)
    for _ in range(2):
        p.grad = agrad.ones(shape)
        optimizer.step()
    assert (p.shape, p.dtype) == (shape, agrad.float32)
    assert agrad.all(p.detach() < 1).item()


@every
def test_gradients_are_left_as_they_are(device, kind):
    p = nn.Parameter([1.0, 2.0])
    optimizer = kind([p], lr=LR, weight_decay=0.1)
    p.grad = agrad.asarray([2.0, 4.0])
    for _ in range(3):
        optimizer.step()
        assert p.grad.tolist() == [2.0, 4.0]


@every
def test_arrays_change_in_place(kind):
    p = nn.Parameter([1.0, 2.0])
    optimizer = kind([p], lr=LR)
    p.grad = agrad.asarray([2.0, 4.0])
    optimizer.step()
    tensors = [p, *(x for x in optimizer.state[p].values() if isinstance(x, agrad.Tensor))]
    arrays = [x.data for x in tensors]
    optimizer.step()
    assert all(x.data is array for x, array in zip(tensors, arrays, strict=True))


@every
def test_a_step_needs_little_memory(kind):
    p = nn.Parameter(agrad.ones((1000, 100)))
    p.grad = agrad.ones((1000, 100))
    optimizer = kind([p], lr=LR)
    optimizer.step()
    tracemalloc.start()
    optimizer.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3.1 * p.data.nbytes  # Adadelta needs two roots and a square at a time


@every
def test_it_fits_a_line(device, kind):
    agrad.manual_seed(0)
    x = agrad.randn(50, 2)
    y = x @ agrad.asarray([[0.5], [-0.25]]) + 0.75
    net, loss = nn.Linear(2, 1), nn.MSELoss()
    optimizer = kind(net.parameters(), lr={optim.Adadelta: 20, optim.Adagrad: 0.5}.get(kind, 0.05))
    first = loss(net(x), y).item()
    for _ in range(60):
        optimizer.zero_grad()
        loss(net(x), y).backward()
        optimizer.step()
    assert loss(net(x), y).item() < first / 10


@every
@pytest.mark.parametrize("name", ["lr", "weight_decay"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_numbers_below_zero_and_not_finite(kind, name, value):
    finite = "" if value < 0 else "finite and "
    with pytest.raises(ValueError, match=f"{name} must be {finite}0 or more, not {value}"):
        kind([nn.Parameter([1.0])], **{name: value})


@pytest.mark.parametrize("kind", [optim.Adam, optim.AdamW, optim.Adamax, optim.Lion, optim.NAdam, optim.RAdam])
@pytest.mark.parametrize("betas", [(1.0, 0.9), (0.9, -0.1), (0.9,), (float("nan"), 0.9)])
def test_betas_out_of_range(kind, betas):
    with pytest.raises(ValueError, match="from 0 to below 1"):
        kind([nn.Parameter([1.0])], betas=betas)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(optim.RMSprop, {"alpha": 1.0}), (optim.RMSprop, {"alpha": -0.1}), (optim.Adadelta, {"rho": 1.1})],
)
def test_factors_out_of_range(kind, settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} must be from 0 to"):
        kind([nn.Parameter([1.0])], **settings)


def test_without_gradients_adagrad_stays(device):
    p = nn.Parameter([1.0])
    optimizer = optim.Adagrad([p])
    p.grad = agrad.zeros(1)
    optimizer.step()
    assert p.tolist() == [1.0]
