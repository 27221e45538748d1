"""Methods of Tensor: the functions that people call as methods, as the standard defines them."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

VALUES = np.asarray([[0.5, 2.0, 1.5], [3.0, 0.25, 1.0]])


@pytest.fixture
def x(device):
    return agrad.tensor(VALUES, dtype=agrad.float32, requires_grad=True)


METHODS = {
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.mean(),
    "max": lambda x: x.max(),
    "min": lambda x: x.min(),
    "prod": lambda x: x.prod(),
    "std": lambda x: x.std(),
    "var": lambda x: x.var(),
    "exp": lambda x: x.exp() if isinstance(x, agrad.Tensor) else np.exp(x),
    "log": lambda x: x.log() if isinstance(x, agrad.Tensor) else np.log(x),
    "sqrt": lambda x: x.sqrt() if isinstance(x, agrad.Tensor) else np.sqrt(x),
    "abs": lambda x: x.abs() if isinstance(x, agrad.Tensor) else np.abs(x),
    "sin": lambda x: x.sin() if isinstance(x, agrad.Tensor) else np.sin(x),
    "cos": lambda x: x.cos() if isinstance(x, agrad.Tensor) else np.cos(x),
    "tanh": lambda x: x.tanh() if isinstance(x, agrad.Tensor) else np.tanh(x),
    "sigmoid": lambda x: x.sigmoid() if isinstance(x, agrad.Tensor) else 1 / (1 + np.exp(-x)),
    "relu": lambda x: x.relu() if isinstance(x, agrad.Tensor) else np.maximum(x, 0),
    "pow": lambda x: x.pow(3) if isinstance(x, agrad.Tensor) else x**3,
    "clip": lambda x: x.clip(0.6, 1.2),
    "sum of axis": lambda x: x.sum(axis=0),
    "mean kept": lambda x: x.mean(axis=1, keepdims=True),
    "max of axis": lambda x: x.max(axis=1),
    "std of axis": lambda x: x.std(axis=0),
    "reshape": lambda x: x.reshape(3, 2),
    "reshape by tuple": lambda x: x.reshape((3, 2)),
    "reshape inferred": lambda x: x.reshape(-1),
    "transpose": lambda x: x.transpose(),
    "transpose by axes": lambda x: x.transpose((1, 0)),
    "transpose by two axes": lambda x: x.transpose(1, 0),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "flatten": lambda x: x.flatten(),
    "squeeze": lambda x: x.reshape((2, 1, 3)).squeeze(1),
    "expand_dims": lambda x: x.expand_dims(1) if isinstance(x, agrad.Tensor) else x[:, None],
    "expand_as": lambda x: (
        x[0].expand_as(agrad.zeros((4, 3))) if isinstance(x, agrad.Tensor) else np.broadcast_to(x[0], (4, 3))
    ),
    "matmul": lambda x: x.matmul(x.T) if isinstance(x, agrad.Tensor) else x @ x.T,
    "mm": lambda x: x.mm(x.T) if isinstance(x, agrad.Tensor) else x @ x.T,
    "astype": lambda x: x.astype(agrad.float32) if isinstance(x, agrad.Tensor) else x.astype("float32"),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_compute_what_numpy_does_and_are_tracked(device, x, name):
    result = METHODS[name](x)
    assert_close(result.detach(), np.asarray(METHODS[name](VALUES)), rtol=1e-5, atol=1e-6)
    assert result.device is device
    assert result.requires_grad
    result.sum().backward()
    assert x.grad.shape == x.shape


@pytest.mark.parametrize("name", ["argmax", "argmin", "all", "any"])
def test_methods_without_a_derivative(device, x, name):
    result = getattr(x, name)(axis=1)
    assert result.tolist() == getattr(VALUES, name)(axis=1).tolist()
    assert not result.requires_grad
    assert getattr(x, name)().tolist() == getattr(VALUES, name)().tolist()


def test_max_gives_values_and_std_has_no_correction(device, x):
    assert isinstance(x.max(axis=1), agrad.Tensor)
    assert_close(x.std().item(), VALUES.std(), rtol=1e-5)
    assert_close(x.var(correction=1).item(), VALUES.var(ddof=1), rtol=1e-5)


def test_transpose_permutes_as_numpys(device):
    y = agrad.zeros((2, 3, 4))
    assert y.transpose().shape == (4, 3, 2)
    assert y.transpose((2, 0, 1)).shape == y.transpose(2, 0, 1).shape == (4, 2, 3)
    assert y.flatten().shape == (24,)


def test_methods_can_be_chained_on_plain_tensors(device):
    assert agrad.arange(6.0).reshape(2, 3).T.sum(axis=0).max().item() == 12.0
