"""Data type functions, on agrad's dtypes, Tensors, and the names of both."""

import numpy as np
import pytest

import agrad


def test_result_type_promotes_as_the_standard_does():
    assert agrad.result_type(agrad.float32, agrad.float64) is agrad.float64
    assert agrad.result_type(agrad.int8, agrad.uint8) is agrad.int16
    assert agrad.result_type(agrad.float32, agrad.complex64) is agrad.complex64
    assert agrad.result_type(agrad.ones(2), 2.0) is agrad.float32
    assert agrad.result_type(agrad.asarray([1, 2]), 2) is agrad.int64


def test_can_cast():
    assert agrad.can_cast(agrad.float32, agrad.float64)
    assert not agrad.can_cast(agrad.float64, agrad.float32)
    assert agrad.can_cast(agrad.asarray([1]), agrad.int64)


def test_isdtype():
    assert agrad.isdtype(agrad.float32, "real floating")
    assert agrad.isdtype(agrad.int8, ("signed integer", "bool"))
    assert agrad.isdtype(agrad.uint8, "integral")
    assert agrad.isdtype(agrad.complex64, "numeric")
    assert not agrad.isdtype(agrad.bool, "numeric")
    assert agrad.isdtype(agrad.float32, agrad.float32)
    with pytest.raises(ValueError, match="floaty"):
        agrad.isdtype(agrad.float32, "floaty")


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_finfo_is_numpys(name):
    found, expected = agrad.finfo(getattr(agrad, name)), np.finfo(name)
    assert (found.bits, found.eps, found.max, found.min) == (expected.bits, expected.eps, expected.max, expected.min)
    assert found.smallest_normal == expected.smallest_normal
    assert found.dtype is getattr(agrad, name)
    assert agrad.finfo(agrad.ones(2, dtype=name)).bits == expected.bits


@pytest.mark.parametrize("name", ["int8", "uint16", "int64"])
def test_iinfo_is_numpys(name):
    found, expected = agrad.iinfo(getattr(agrad, name)), np.iinfo(name)
    assert (found.bits, found.max, found.min) == (expected.bits, expected.max, expected.min)
    assert found.dtype is getattr(agrad, name)


def test_astype(device):
    x = agrad.asarray([1.0, 0.0], requires_grad=True)
    assert agrad.astype(x, agrad.bool).tolist() == [True, False]
    assert agrad.astype(x, "int32").dtype is agrad.int32
    assert not agrad.astype(x, int).requires_grad
    assert agrad.astype(x, agrad.float32, copy=False) is x
    with pytest.raises(TypeError, match="complex64"):
        agrad.astype(agrad.asarray([1j]), agrad.float32)


def test_gradients_flow_back_through_a_cast(device):
    if not device.backend.supports_float64:
        pytest.skip(f"{device} has no float64")
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    (x.astype(agrad.float64) * 3).sum().backward()
    assert x.grad.dtype is agrad.float32
    assert x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("float32", "float64", "float64"),
        ("int32", "int64", "int64"),
        ("int8", "uint8", "int16"),
        ("float32", "complex64", "complex64"),
        ("float64", "complex64", "complex128"),
    ],
)
def test_ops_promote_as_the_standard_does(device, a, b, expected):
    if not device.backend.supports_float64:
        pytest.skip(f"{device} has no double precision")
    assert (agrad.ones(2, dtype=a) + agrad.ones(2, dtype=b)).dtype.name == expected
