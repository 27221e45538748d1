"""Training steps for the tests of `agrad.compile`: what makes a step and its state, and its arguments."""

import numpy as np

import agrad
from agrad import nn, optim
from tests.backends.test_waits import LAYERS

__all__ = ["batch", "halve", "mlp", "sgd", "trained", "with_layer", "with_optimizer"]


def mlp(*extra):
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), *(layer() for layer in extra), nn.Linear(5, 4))


def trained(
    model,
    optimizer,
    loss=nn.functional.cross_entropy,
    zero=True,
    set_to_none=True,
    change=lambda parameters: None,
):
    """Return a step of training."""

    def step(x, y):
        if zero:
            optimizer.zero_grad(set_to_none)
        value = loss(model(x), y)
        value.backward()
        change(model.parameters())
        optimizer.step()
        return value

    return step


def with_optimizer(make_optimizer, *extra, model=mlp, **settings):
    """Return what makes a step of training and its state: a model, with extra layers, and an optimizer."""

    def make():
        made = model(*extra)
        optimizer = make_optimizer(made.parameters())
        return trained(made, optimizer, **settings), [made, optimizer]

    return make


def sgd(parameters):
    return optim.SGD(parameters, 0.1, momentum=0.9)


def batch(i, n=6):
    """Return the i-th batch for `mlp`."""
    draw = np.random.default_rng(i)
    return agrad.asarray(draw.standard_normal((n, 3), dtype=np.float32)), agrad.asarray(draw.integers(0, 4, n))


def halve(state, i):
    """Halve the learning rate after every third step."""
    for group in state[-1].param_groups:
        group["lr"] *= 0.5 if i % 3 == 2 else 1.0


def _tensors(outputs):
    return [x for x in agrad.transforms.pytrees.flatten(outputs) if isinstance(x, agrad.Tensor)]


def with_layer(layer, exact=True):
    """Return a step of training a layer, its state, and its arguments.

    Where results differ by rounding, not with Adam: it takes whole steps along gradients that are nothing but rounding,
    such as those of a bias in front of a normalization.
    """
    agrad.manual_seed(3)
    module, *arguments = LAYERS[layer]()
    module.train()
    parameters = list(module.parameters())
    make = optim.Adam if exact and agrad.get_device().kind not in ("cuda", "jax") else optim.SGD
    optimizer = make(parameters, lr=0.01) if parameters else None

    def step(*arguments):
        if optimizer is not None:
            optimizer.zero_grad()
        loss = sum(agrad.sum(y * y) for y in _tensors(module(*arguments)))
        if optimizer is not None:
            loss.backward()
            optimizer.step()
        return loss.detach()

    return step, [module, *([optimizer] if parameters else [])], arguments
