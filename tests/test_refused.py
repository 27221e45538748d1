"""What is refused and not guessed: numbers that do not fit, booleans as numbers, words as booleans, NaN settings."""

from __future__ import annotations

import math

import pytest

import agrad


def bools():
    return agrad.asarray([True, False])


def bytes_of(*values):
    return agrad.asarray(list(values), dtype="uint8")


NUMBERS = {
    "tensor": (lambda: agrad.tensor([300], dtype="uint8"), OverflowError, r"300 does not fit into agrad\.uint8.*255"),
    "asarray": (lambda: agrad.asarray([1, 70000], dtype="int16"), OverflowError, r"from 1 to 70000 do not fit"),
    "a negative number": (lambda: agrad.asarray(-1, dtype="uint8"), OverflowError, "-1 does not fit"),
    "a large float": (lambda: agrad.tensor([1e30], dtype="int64"), OverflowError, r"agrad\.int64"),
    "64 bits": (lambda: agrad.tensor([2**63], dtype="int64"), OverflowError, "9223372036854775808 does not fit"),
    "NaN": (lambda: agrad.tensor([1.0, math.nan], dtype="int64"), ValueError, "NaN and infinity"),
    "infinity": (lambda: agrad.full(2, math.inf, dtype="int32"), ValueError, "NaN and infinity"),
    "beside a Tensor": (lambda: agrad.asarray([agrad.asarray(1), 300], dtype="uint8"), OverflowError, "300"),
    "arange": (lambda: agrad.arange(300, dtype="uint8"), OverflowError, "from 0 to 299"),
    "arange from below 0": (lambda: agrad.arange(-3, 3, dtype="uint8"), OverflowError, "from -3 to 2"),
    "linspace": (lambda: agrad.linspace(0, 1000, 3, dtype="uint8"), OverflowError, "from 0 to 1000"),
    "full": (lambda: agrad.full(2, 300, dtype="uint8"), OverflowError, "300"),
    "full_like": (lambda: agrad.full_like(bytes_of(1), 300), OverflowError, "300"),
    "written": (lambda: bytes_of(1, 2).__setitem__(slice(0, 2), [300, 1]), OverflowError, "from 1 to 300"),
    "complex to real": (lambda: agrad.tensor([1j], dtype="float32"), TypeError, r"write z\.real"),
    "complex steps": (lambda: agrad.arange(0, 3, 1j), TypeError, "real numbers"),
    "too many": (lambda: agrad.arange(0, 1e30), ValueError, r"arange\(0, 1e\+30, 1\) would have 1e\+30 elements"),
    "without end": (lambda: agrad.arange(math.inf), ValueError, "would have inf elements"),
}


@pytest.mark.parametrize(("call", "error", "message"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_that_do_not_fit(device, call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_chosen_numbers_that_do_not_fit(device):
    with pytest.raises((OverflowError, RuntimeError)):
        agrad.where(bools(), bytes_of(1, 2), 300)


def test_numbers_that_fit(device):
    assert agrad.tensor([0, 255], dtype="uint8").tolist() == [0, 255]
    assert agrad.tensor([1.7, -1.7], dtype="int32").tolist() == [1, -1]
    assert agrad.arange(255, -1, -127, dtype="uint8").tolist() == [255, 128, 1]
    assert agrad.arange(5, 0, dtype="uint8").shape == (0,)
    assert agrad.tensor([2, 0], dtype=bool).tolist() == [True, False]
    assert agrad.astype(agrad.asarray([257]), "uint8").tolist() == [1]
    assert agrad.where(bools(), bytes_of(1, 2), 255).tolist() == [1, 255]


@pytest.mark.parametrize("name", ["abs", "ceil", "floor", "positive", "reciprocal", "round", "sign", "trunc"])
def test_functions_of_numbers_refuse_booleans(device, name):
    with pytest.raises(TypeError, match=rf"{name}\(bool of shape \(2,\)\): .*write x\.astype\(agrad\.float32\)"):
        getattr(agrad, name)(bools())
