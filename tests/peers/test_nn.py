"""Layers and losses beside PyTorch's: values, gradients, text, state dicts."""

import numpy as np
import pytest

import agrad
from agrad import nn
from agrad.nn import functional as F
from agrad.testing import assert_close

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

RANDOM = np.random.default_rng(0)


def twins(*shape):
    """The same random numbers as leaves of both libraries."""
    values = RANDOM.standard_normal(shape)
    return agrad.asarray(values, requires_grad=True), torch.tensor(values, requires_grad=True)


def compare(ours, theirs, leaves):
    """Compare results, and the gradients of their sums of squares."""
    assert_close(ours.detach(), theirs.detach().numpy(), rtol=1e-9, atol=1e-12)
    (ours * ours).sum().backward()
    (theirs * theirs).sum().backward()
    for mine, other in leaves:
        assert_close(mine.grad, other.grad.numpy(), rtol=1e-9, atol=1e-12)


def layers(library):
    nn = library.nn
    return nn.Sequential(
        nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4, bias=False), nn.Sigmoid(), nn.Linear(4, 3), nn.ReLU(),
        nn.Softmax(dim=1),
    )  # fmt: skip


def test_a_model_of_all_layers():
    ours, theirs = layers(agrad).to(agrad.float64), layers(torch).double()
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    x, other = twins(7, 2, 3)
    compare(ours(x), theirs(other), [(x, other), *zip(ours.parameters(), theirs.parameters(), strict=True)])


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3)])
def test_linear(shape):
    (x, a), (w, b), (c, d) = twins(*shape), twins(4, 3), twins(4)
    compare(F.linear(x, w, c), torch.nn.functional.linear(a, b, d), [(x, a), (w, b), (c, d)])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("loss", ["MSELoss", "L1Loss"])
def test_losses(loss, reduction):
    (x, a), (y, b) = twins(4, 3), twins(4, 3)
    ours, theirs = (getattr(library.nn, loss)(reduction=reduction) for library in (agrad, torch))
    compare(ours(x, y), theirs(a, b), [(x, a), (y, b)])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 3, 4)])
def test_cross_entropy(shape, reduction):
    ours, theirs = (library.nn.CrossEntropyLoss(reduction=reduction) for library in (agrad, torch))
    x, a = twins(*shape)
    classes = RANDOM.integers(0, 3, shape[:1] + shape[2:] if len(shape) > 1 else ())
    compare(ours(x, agrad.asarray(classes)), theirs(a, torch.tensor(classes)), [(x, a)])
    (x, a), (p, q) = twins(*shape), twins(*shape)
    compare(ours(x, p), theirs(a, q), [(x, a), (p, q)])


def test_initial_values_have_pytorchs_spread():
    ours, theirs = agrad.nn.Linear(500, 300), torch.nn.Linear(500, 300)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        values, expected = mine.detach().numpy(), other.detach().numpy()
        assert np.allclose([values.min(), values.max()], [expected.min(), expected.max()], rtol=0.05)
        assert np.isclose(values.std(), expected.std(), rtol=0.1)


def test_files_are_exchanged_both_ways(tmp_path):
    from safetensors.torch import load_file, save_file

    ours, theirs = nn.Linear(3, 2), torch.nn.Linear(3, 2)
    save_file(theirs.state_dict(), tmp_path / "torch.safetensors")
    ours.load_state_dict(agrad.load(tmp_path / "torch.safetensors"))
    assert np.array_equal(ours.weight.detach().numpy(), theirs.weight.detach().numpy())
    agrad.save(nn.Linear(3, 2).state_dict(), tmp_path / "agrad.safetensors")
    theirs.load_state_dict(load_file(tmp_path / "agrad.safetensors"))
    half = {"x": torch.tensor([1.5, -2.0], dtype=torch.bfloat16)}
    save_file(half, tmp_path / "half.safetensors")
    assert agrad.load(tmp_path / "half.safetensors")["x"].tolist() == [1.5, -2.0]
