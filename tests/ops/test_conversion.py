"""Ways out of a Tensor: a gradient is never lost quietly, and what is not tracked leaves freely."""

import copy
import math
import operator
import pickle
import warnings

import numpy as np
import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close


def tracked(shape=(2,)):
    """Return a Tensor with a history."""
    return agrad.full(shape, 2.0, requires_grad=True) * 1.5


# Refused, with the way to detach

EXITS = {
    "asarray": np.asarray,
    "array": np.array,
    "asarray of a dtype": lambda x: np.asarray(x, dtype=np.float64),
    "array of a list": lambda x: np.array([x, x]),
    "array of nested lists": lambda x: np.array([[x], [x]]),
    "array of its rows": lambda x: np.array(list(x)),
    "array of its numbers": lambda x: np.array([x[0], x[1]]),
    "writing into an array": lambda x: np.zeros(2).__setitem__(slice(None), x),
    "full": lambda x: np.full(2, x[0]),
    "arange": lambda x: np.arange(x[0]),
    "numpy()": lambda x: x.numpy(),
    "__array__": lambda x: x.__array__(),
    "np.from_dlpack": np.from_dlpack,
    "__dlpack__": lambda x: x.__dlpack__(),
    "__dlpack__ of a copy": lambda x: x.__dlpack__(copy=True, max_version=(1, 0)),
    "agrad.from_dlpack": agrad.from_dlpack,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy in a list": lambda x: copy.deepcopy([{"x": x}]),
    "pickle": pickle.dumps,
    "old pickle": lambda x: pickle.dumps(x, protocol=0),
    "a list in arithmetic": lambda x: operator.add(agrad.ones((2, 2)), [x, x]),
    "a list in a new Tensor": lambda x: agrad.tensor([x, x]),
    "a list in an assignment": lambda x: agrad.zeros(2).__setitem__(slice(None), [x[0], x[1]]),
    "agrad.arange": lambda x: agrad.arange(x[0]),
    "agrad.uniform": lambda x: agrad.uniform(0.0, x[0], 3),
}


@pytest.mark.parametrize("leave", EXITS.values(), ids=EXITS)
def test_tracked_tensors_do_not_leave_silently(device, leave):
    with pytest.raises(RuntimeError, match="detach"):
        leave(tracked())


def test_other_libraries_are_refused_too(device):
    torch, strict = pytest.importorskip("torch"), pytest.importorskip("array_api_strict")
    takers = [torch.as_tensor, torch.tensor, torch.from_dlpack, strict.asarray]
    if device.kind == "cuda" and not torch.cuda.is_available():
        takers = [strict.asarray]  # PyTorch looks for its own GPU first
    for take in takers:
        with pytest.raises(RuntimeError, match="detach"):
            take(tracked())


# Numbers: with a warning, once per place

NUMBERS = {"float": float, "int": int, "complex": complex, "math": math.sqrt, "numpy": np.float64}


@pytest.mark.parametrize("convert", NUMBERS.values(), ids=NUMBERS)
def test_numbers_of_tracked_tensors_warn(device, convert):
    for x in (agrad.asarray(4.0, requires_grad=True), agrad.asarray([2.0], requires_grad=True)[0] * 2):
        with pytest.warns(UserWarning, match=r"requires gradients.*item\(\)") as caught:
            assert convert(x) == convert(4.0)
        assert [warning.filename for warning in caught] == [__file__], "it points to the caller"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert convert(x.item()) == convert(x.detach()) == convert(4.0)
            with agrad.no_grad():
                assert convert(x) == convert(4.0)


def test_numbers_warn_once_per_place(device):
    x = agrad.asarray(4.0, requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            float(x)
        for _ in range(3):
            complex(x)
    assert len(caught) == 2
    assert len({warning.lineno for warning in caught}) == 2


@pytest.mark.parametrize(
    "read", [bool, lambda x: x.item(), lambda x: x.tolist(), repr, "{:.2f}".format, lambda x: x and 1, lambda x: x > 1]
)
def test_reading_on_purpose_does_not_warn(device, read):
    """A truth decides a branch, as in PyTorch, and what is shown or asked for by name is no accident."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(agrad.asarray(4.0, requires_grad=True) * 1)


def test_numbers_of_plain_tensors(device):
    assert (int(agrad.asarray(3)), float(agrad.asarray([2.5])), complex(agrad.asarray(1j))) == (3, 2.5, 1j)
    assert bool(agrad.asarray(0.0)) is False
    with pytest.raises(ValueError, match=r"\(2,\).*any\(\)"):
        bool(agrad.zeros(2))


def test_only_integers_are_indices(device):
    assert [10, 20, 30][agrad.asarray(1)] == 20
    assert list(range(agrad.asarray(3))) == [0, 1, 2]
    for x in (agrad.asarray(1.0), agrad.asarray([1]), agrad.asarray(1.0, requires_grad=True)):
        with pytest.raises(TypeError, match="0-d integer"):
            range(x)


# What may leave


def test_untracked_tensors_leave(device):
    x = tracked().detach()
    assert x.numpy().tolist() == x.tolist() == [3.0, 3.0]
    if device.kind == "cuda":
        with pytest.raises(TypeError, match=r"cuda.*numpy\(\)"):
            np.asarray(x)
        return
    assert np.asarray(x).tolist() == [3.0, 3.0]
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.array([x, x]).shape == (2, 2)
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, copy=False)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_leaves_and_modules_copy_and_pickle(device, again):
    leaf = agrad.asarray([1.0, 2.0], requires_grad=True)
    assert again(leaf).requires_grad
    assert_close(again(leaf).detach(), leaf.detach())
    parameter = again(nn.Parameter(agrad.ones(2)))
    assert type(parameter) is nn.Parameter
    assert (parameter.device, parameter.requires_grad) == (device, True)
    layer = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    layer(agrad.ones(2)).sum().backward()
    other = again(layer)
    assert_close(other(agrad.ones(2)).detach(), layer(agrad.ones(2)).detach())
    assert_close(next(other.parameters()).grad, next(layer.parameters()).grad)


def test_rows_of_a_tracked_tensor_stay_tracked(device):
    x = tracked((2, 3))
    assert all(row.requires_grad for row in x)
    assert sum(row.sum() for row in x).requires_grad
    assert all(y.requires_grad for y in agrad.unstack(x))


# Operators take NumPy's arrays and scalars: in test_tensor.py for all, here for what is tracked


@pytest.mark.parametrize(
    "apply",
    [
        lambda x: np.ones(2, dtype=np.float32) + x,
        lambda x: x - np.ones(2, dtype=np.float32),
        lambda x: np.float64(2.0) * x,
        lambda x: x / np.float64(2.0),
        lambda x: np.int64(2) ** x,
        lambda x: np.eye(2, dtype=np.float32) @ x,
        lambda x: x @ np.ones((2, 3), dtype=np.float32),
        lambda x: np.asarray(2.0, dtype=np.float32) * x,
    ],
)
def test_numpy_beside_a_tracked_tensor(device, apply):
    result = apply(tracked())
    assert isinstance(result, agrad.Tensor)
    assert (result.device, result.dtype, result.requires_grad) == (device, agrad.float32, True)
