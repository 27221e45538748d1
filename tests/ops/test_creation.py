"""Creation functions: values, types, places, and gradients where asked for."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

CALLS = {
    "arange": lambda xp: xp.arange(5),
    "arange with a step": lambda xp: xp.arange(1, 9, 3),
    "arange backwards": lambda xp: xp.arange(5, 0, -2),
    "arange of floats": lambda xp: xp.arange(0.0, 1.0, 0.25),
    "eye": lambda xp: xp.eye(2, 3, k=1),
    "full": lambda xp: xp.full((2, 3), 1.5),
    "full of integers": lambda xp: xp.full(3, 7),
    "full of booleans": lambda xp: xp.full(3, True),
    "linspace": lambda xp: xp.linspace(0, 1, 5),
    "linspace without the end": lambda xp: xp.linspace(1.0, 3.0, 4, endpoint=False),
    "ones": lambda xp: xp.ones((2, 0, 3)),
    "zeros": lambda xp: xp.zeros(4),
    "zeros of no axis": lambda xp: xp.zeros(()),
    "tril": lambda xp: xp.tril(xp.ones((3, 3))),
    "triu": lambda xp: xp.triu(xp.ones((2, 3)), k=1),
}


@pytest.mark.parametrize("name", CALLS)
def test_values_are_numpys_and_types_the_defaults(device, name):
    found, expected = CALLS[name](agrad), CALLS[name](np)
    assert_close(found, expected, rtol=1e-6)
    assert found.device is device
    names = {"f": "float32", "i": "int64", "b": "bool"}
    assert found.dtype.name == names[expected.dtype.kind]


@pytest.mark.parametrize("dtype", [agrad.float32, agrad.int32, agrad.complex64, agrad.bool])
def test_a_dtype_can_be_asked_for(device, dtype):
    for x in (agrad.zeros(2, dtype=dtype), agrad.ones(2, dtype=dtype), agrad.full(2, 1, dtype=dtype)):
        assert x.dtype is dtype
    assert agrad.empty(2, dtype=dtype).shape == (2,)


def test_a_device_can_be_asked_for(device):
    with agrad.Device("cpu"):
        for x in (
            agrad.zeros(2, device=device),
            agrad.arange(2, device=device.name),
            agrad.asarray([1.0], device=device),
            agrad.eye(2, device=device),
            agrad.linspace(0, 1, 2, device=device),
            agrad.empty(2, device=device),
        ):
            assert x.device is device


@pytest.mark.parametrize(
    ("like", "value"),
    [
        (agrad.zeros_like, 0),
        (agrad.ones_like, 1),
        (lambda x, **kw: agrad.full_like(x, 2, **kw), 2),
        (agrad.empty_like, None),
    ],
)
def test_likes_take_shape_type_and_place(device, like, value):
    x = agrad.ones((2, 3), dtype=agrad.int32)
    with agrad.Device("cpu"):
        y = like(x)
    assert (y.shape, y.dtype, y.device) == ((2, 3), agrad.int32, device)
    assert value is None or y.tolist() == [[value] * 3] * 2
    assert like(x, dtype=agrad.float32).dtype is agrad.float32
    assert not like(agrad.ones(2, requires_grad=True)).requires_grad


def test_asarray_copies_as_it_is_told(device):
    x = agrad.ones(3)
    assert agrad.asarray(x) is x or agrad.asarray(x).data is x.data
    assert agrad.asarray(x, copy=True).data is not x.data or device.kind == "jax"
    with pytest.raises(ValueError, match=r"list.*copy"):
        agrad.asarray([1.0, 2.0], copy=False)


def test_asarray_keeps_the_history_of_a_tensor(device):
    x = agrad.ones(3, requires_grad=True)
    y = agrad.asarray(x * 2)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_from_dlpack_shares_or_copies_values():
    assert agrad.from_dlpack(np.asarray([1.0, 2.0])).tolist() == [1.0, 2.0]
    assert agrad.from_dlpack(agrad.ones(2)).tolist() == [1.0, 1.0]


def test_meshgrid(device):
    a, b = agrad.meshgrid(agrad.arange(2), agrad.arange(3))
    expected = np.meshgrid(np.arange(2), np.arange(3))
    assert_close(a, expected[0])
    assert_close(b, expected[1])


@pytest.mark.parametrize("make", [agrad.zeros, agrad.ones, agrad.empty, lambda shape: agrad.full(shape, 1.0)])
def test_impossible_shapes_are_refused(device, make):
    with pytest.raises((ValueError, RuntimeError, TypeError)):
        make((-1, 2))
    with pytest.raises(TypeError):
        make("ab")
