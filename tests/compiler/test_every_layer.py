"""Every layer, loss and optimizer: 20 compiled training steps give the eager ones', bit for bit."""

import pytest

import agrad
from agrad import nn, optim
from tests.backends.test_waits import LAYERS, NO_LAYERS, OPTIMIZERS
from tests.compiler.steps import run_both

# Whether they go on depends on values.
REFUSED = {"CTCLoss": "values"}


def tensors(outputs):
    return [x for x in agrad.transforms.pytrees.flatten(outputs) if isinstance(x, agrad.Tensor)]


def made(layer, exact=True):
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
        loss = sum(agrad.sum(y * y) for y in tensors(module(*arguments)))
        if optimizer is not None:
            loss.backward()
            optimizer.step()
        return loss.detach()

    return step, [module, *([optimizer] if parameters else [])], arguments


@pytest.mark.parametrize("layer", sorted(LAYERS.keys() - REFUSED.keys()))
def test_layers(device, layer):
    arguments = made(layer)[2]
    run_both(lambda: made(layer)[:2], lambda i: arguments)


@pytest.mark.parametrize("layer", sorted(REFUSED))
def test_refused(layer):
    step, state, arguments = made(layer)
    with pytest.raises(RuntimeError, match=REFUSED[layer]):
        agrad.compile(step, state=state)(*arguments)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_optimizers(device, name):
    def make():
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        optimizer = OPTIMIZERS[name](model.parameters())

        def step(x, y):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return step, [model, optimizer]

    x, y = agrad.randn(5, 3), agrad.randn(5, 2)
    step = run_both(make, lambda i: (x, y))
    assert "recorded" in step.explain()


def test_every_layer_has_a_row():
    assert LAYERS.keys() == set(nn.__all__) - NO_LAYERS
