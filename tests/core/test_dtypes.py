"""dtype objects, their names, and the default dtype."""

import copy
import pickle

import numpy as np
import pytest

import agrad
from agrad.core import dtypes
from agrad.core.dtypes import DType, as_dtype, from_native, native

NAMES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "complex64", "complex128",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_dtype_of_the_standard_is_exported_and_round_trips(device, name):
    dtype = getattr(agrad, name)
    assert isinstance(dtype, DType)
    assert repr(dtype) == f"agrad.{name}"
    assert as_dtype(name) is dtype
    assert as_dtype(np.dtype(name)) is dtype
    assert as_dtype(getattr(np, name)) is dtype
    assert from_native(native(device.xp, dtype)) is dtype


def test_dtypes_are_the_same_on_every_device(device):
    if not device.backend.supports_float64:
        pytest.skip(f"{device} has no float64")
    x = agrad.ones(2, dtype="float64")
    assert x.dtype is agrad.float64
    assert x.dtype == agrad.ones(2, dtype=np.float64, device="cpu").dtype
    assert {x.dtype: 1}[agrad.float64] == 1
    assert x.dtype != agrad.float32


def test_python_types_name_dtypes():
    assert as_dtype(float) is agrad.float32
    assert as_dtype(complex) is agrad.complex64
    assert as_dtype(int) is agrad.int64
    assert as_dtype(bool) is agrad.bool


def test_dtypes_survive_copy_and_pickle():
    assert copy.deepcopy(agrad.float32) is agrad.float32
    assert pickle.loads(pickle.dumps(agrad.float32)) is agrad.float32


@pytest.mark.parametrize("dtype", ["float33", np.dtype("U3"), object, np.dtype("datetime64[s]")])
def test_unknown_dtypes_are_named(dtype):
    with pytest.raises(TypeError, match=r"dtype.*float32"):
        as_dtype(dtype)


def test_a_namespace_without_the_dtype_says_so(device):
    with pytest.raises(TypeError, match="has no dtype bfloat16"):
        native(np, "bfloat16")
    assert native(device.xp, None) is None


def test_families():
    assert agrad.float32.differentiable
    assert agrad.complex64.differentiable
    assert agrad.complex64.is_complex
    assert not agrad.float64.is_complex
    assert not agrad.int32.differentiable
    assert not agrad.bool.differentiable


@pytest.fixture
def default_dtype():
    before = agrad.get_default_dtype()
    yield agrad.set_default_dtype
    agrad.set_default_dtype(before)


def test_the_default_dtype_is_what_floats_become(default_dtype):
    assert agrad.get_default_dtype() is agrad.float32
    default_dtype("float64")
    assert agrad.get_default_dtype() is agrad.float64
    for x in (agrad.asarray(1.0), agrad.zeros(2), agrad.ones(2), agrad.full(2, 0.5), agrad.linspace(0, 1, 3)):
        assert x.dtype is agrad.float64
    assert agrad.asarray(1j).dtype is agrad.complex128
    assert agrad.arange(3.0).dtype is agrad.float64
    assert agrad.asarray(1).dtype is agrad.int64
    assert agrad.asarray(np.float32(1)).dtype is agrad.float32


@pytest.mark.parametrize("dtype", ["int32", "complex64", bool])
def test_the_default_dtype_must_be_real_floating(default_dtype, dtype):
    with pytest.raises(TypeError, match="real floating"):
        default_dtype(dtype)
    assert dtypes.get_default_dtype() is agrad.float32
