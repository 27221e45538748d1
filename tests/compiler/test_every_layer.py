"""Every layer, loss and optimizer: 20 compiled training steps give the eager ones', bit for bit."""

import pytest

import agrad
from agrad import nn
from tests.backends.test_waits import LAYERS, NO_LAYERS, OPTIMIZERS
from tests.compiler.steps import run_both
from tests.compiler.training import with_layer, with_optimizer


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_layers(device, layer):
    arguments = with_layer(layer)[2]
    run_both(lambda: with_layer(layer)[:2], lambda i: arguments)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_optimizers(device, name):
    x, y = agrad.randn(5, 3), agrad.randn(5, 4)
    run_both(with_optimizer(OPTIMIZERS[name], loss=nn.functional.mse_loss), lambda i: (x, y))


def test_every_layer_has_a_row():
    assert LAYERS.keys() == set(nn.__all__) - NO_LAYERS
