"""Programs as CUDA graphs ask for them, on NumPy: arrays in place, numbers in memory, no value read. Bit for bit."""

import warnings

import pytest

import agrad
from agrad import nn, optim
from agrad.backends.numpy import NumpyBackend
from tests.backends.test_waits import LAYERS, OPTIMIZERS
from tests.compiler.fake_capturer import FakeCapturer, refusing
from tests.compiler.steps import run_both
from tests.compiler.training import batch, halve, sgd, with_layer, with_optimizer

# Layers that draw random numbers, which NumPy's generators do on the host.
DRAWING = {"Dropout", "Dropout1d", "Dropout2d", "Dropout3d"}
CHECKING = {"CrossEntropyLoss", "CTCLoss"}  # their indices, which on the CPU are checked where they are computed
DRAWING |= {f"Transformer{part}{layer}" for part in ("Encoder", "Decoder") for layer in ("", "Layer")}


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    """Let programs on the CPU be captured."""
    monkeypatch.setattr(NumpyBackend, "capturer", lambda self, native: FakeCapturer(native))
    monkeypatch.setattr(NumpyBackend, "within", refusing(NumpyBackend.within))
    monkeypatch.setattr(FakeCapturer, "launches", 0)
    with agrad.Device("cpu"):
        yield


def run_captured(*arguments, least=15, **settings):
    run_both(*arguments, **settings)
    assert FakeCapturer.launches >= least


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_optimizers(name):
    make = with_optimizer(OPTIMIZERS[name], loss=nn.functional.mse_loss)
    run_captured(make, lambda i: (agrad.full((5, 3), 0.1 * i), agrad.ones((5, 4))), between=halve, least=10)


@pytest.mark.parametrize("layer", sorted(LAYERS.keys() - DRAWING - CHECKING))
def test_layers(layer):
    arguments = with_layer(layer)[2]
    run_captured(lambda: with_layer(layer)[:2], lambda i: arguments)


@pytest.mark.parametrize("clip", [nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_])
def test_clipping(clip):
    make = with_optimizer(sgd, change=lambda parameters: clip(list(parameters), 0.05))
    run_captured(make, batch, between=halve)


def test_gradients_that_accumulate():
    def between(items, i):
        if i % 10 == 9:
            items[-1].zero_grad()

    run_captured(with_optimizer(sgd, zero=False), batch, between=between, most=4, least=10)


def test_arrays_of_the_state_may_be_replaced():
    run_captured(
        with_optimizer(sgd),
        batch,
        between=lambda items, i: items[0].load_state_dict(items[0].state_dict()) if i == 10 else None,
    )


def test_several_shapes():
    run_captured(with_optimizer(sgd), lambda i: batch(i, 6 if i % 3 else 2), most=4, least=10)


def test_adam_with_a_scheduler():
    schedulers = {}

    def between(items, i):
        schedulers.setdefault(id(items), optim.lr_scheduler.OneCycleLR(items[-1], 0.1, total_steps=30)).step()

    run_captured(with_optimizer(lambda p: optim.Adam(p, 0.01)), batch, between=between)


def test_reading_a_value_names_the_line():
    step = agrad.compile(lambda x, i: nn.functional.nll_loss(x, i + 0))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        losses = [step(agrad.ones((2, 3)), agrad.asarray([0, 1])).item() for _ in range(4)]
    assert losses == [-1.0] * 4
    assert len(caught) == 1
    assert "if not within(t0, 0, 2): raise GuardFailed" in str(caught[0].message)
