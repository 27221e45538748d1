"""Data type functions: questions about dtypes, the same on every device."""

import pytest

import agrad


@pytest.mark.parametrize(
    ("dtype", "kind", "answer"),
    [
        (agrad.bool, "bool", True),
        (agrad.int8, "signed integer", True),
        (agrad.uint8, "signed integer", False),
        (agrad.uint8, "integral", True),
        (agrad.float16, "real floating", True),
        (agrad.complex64, "real floating", False),
        (agrad.complex64, "numeric", True),
        (agrad.bool, "numeric", False),
        (agrad.float32, agrad.float32, True),
        (agrad.float32, agrad.float64, False),
        (agrad.int8, ("bool", agrad.int8), True),
        (agrad.int8, (), False),
    ],
)
def test_isdtype(dtype, kind, answer):
    assert agrad.isdtype(dtype, kind) is answer


def test_isdtype_says_which_kinds_there_are():
    with pytest.raises(ValueError, match=r"'floating'.*'real floating'"):
        agrad.isdtype(agrad.float32, "floating")


def test_result_type(device):
    assert agrad.result_type(agrad.float32, agrad.float64) is agrad.float64
    assert agrad.result_type(agrad.ones(2), 1.5) is agrad.float32
    assert agrad.result_type(agrad.asarray([1]), agrad.int32, 1) is agrad.int64
    assert agrad.result_type(agrad.asarray([1j]), agrad.ones(1)) is agrad.complex64


def test_can_cast(device):
    assert agrad.can_cast(agrad.float32, agrad.float64)
    assert not agrad.can_cast(agrad.ones(1, dtype=agrad.float64), agrad.float32)


def test_result_type_of_tensors_on_several_devices(device):
    assert (
        agrad.result_type(agrad.ones(1), agrad.ones(1, dtype=agrad.float64, device="strict:device1")) is agrad.float64
    )


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        ("uint8", ["uint8", "uint16", "uint32", "uint64", "int16", "int32", "int64"]),
        ("uint32", ["uint32", "uint64", "int64"]),
        ("uint64", ["uint64"]),
        ("int8", ["int8", "int16", "int32", "int64"]),
        ("int64", ["int64"]),
    ],
)
def test_can_cast_knows_the_standards_promotion_of_integers(device, source, targets):
    integers = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    assert {name for name in integers if agrad.can_cast(source, name)} == set(targets)


def test_limits(device):
    single = agrad.finfo(agrad.float32)
    assert (single.bits, single.dtype) == (32, agrad.float32)
    assert single.eps == 2.0**-23
    assert -single.min == single.max > 3e38
    assert agrad.finfo(agrad.asarray([1j])).bits == 32
    assert agrad.finfo(agrad.asarray([1j])).dtype is agrad.float32
    small = agrad.iinfo(agrad.int8)
    assert (small.bits, small.min, small.max, small.dtype) == (8, -128, 127, agrad.int8)
    with pytest.raises(TypeError, match=r"int8.*iinfo"):
        agrad.finfo(agrad.int8)
    with pytest.raises(TypeError, match=r"float32.*finfo"):
        agrad.iinfo(agrad.ones(1))


def test_to_device_refuses_streams(device):
    with pytest.raises(ValueError, match="stream"):
        agrad.ones(1).to_device("cpu", stream=3)
