"""Parameter: a leaf that requires gradients, made of a copy."""

import pytest

import agrad
from agrad import nn


def test_a_parameter_is_a_leaf_that_requires_gradients(device):
    p = nn.Parameter([1.0, 2.0])
    assert isinstance(p, agrad.Tensor)
    assert p.requires_grad
    assert p.is_leaf
    assert p.device is device
    assert not nn.Parameter([1.0], requires_grad=False).requires_grad


def test_it_is_made_of_a_copy_without_history(device):
    x = agrad.asarray([1.0], requires_grad=True)
    p = nn.Parameter(x * 2.0)
    (p * 3.0).sum().backward()
    assert p.grad.tolist() == [3.0]
    assert x.grad is None
    with agrad.no_grad():
        x += 1.0
    assert p.tolist() == [2.0]


def test_results_are_plain_tensors(device):
    p = nn.Parameter([1.0])
    assert type(p * 2.0) is agrad.Tensor
    assert type(p.detach()) is agrad.Tensor


def test_dtype_and_device():
    p = nn.Parameter([1], dtype=agrad.float64, device="strict")
    assert (p.dtype, p.device.name) == (agrad.float64, "strict")


def test_integers_cannot_be_learned():
    with pytest.raises(TypeError, match="float"):
        nn.Parameter([1, 2])
    assert not nn.Parameter([1, 2], requires_grad=False).requires_grad


def test_repr_names_the_class():
    assert repr(nn.Parameter([1.0])) == "Parameter([1.], dtype=float32, device='cpu', requires_grad=True)"
