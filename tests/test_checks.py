"""The checks of settings, and their one wording."""

import math

import numpy as np
import pytest

import agrad
from agrad.checks import (
    as_integer,
    as_list,
    as_seed,
    as_shape,
    check_callable,
    check_integers,
    check_number,
    check_numbers,
    check_one_of,
)


@pytest.mark.parametrize("value", [3, np.int64(3), agrad.asarray(3)])
def test_integers_of_all_kinds(value):
    found = as_integer("n", value, 0)
    assert (found, type(found)) == (3, int)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("a", TypeError, "n must be an integer, not 'a'"),
        (1.0, TypeError, "n must be an integer, not 1.0"),
        (True, TypeError, "n must be an integer, not True"),
        (None, TypeError, "n must be an integer, not None"),
        (agrad.ones(2), TypeError, r"n must be an integer, not a Tensor of shape \(2,\); write x.item\(\)"),
        (0, ValueError, "n must be 1 or more, not 0"),
    ],
)
def test_other_types_than_integers_are_refused(value, error, message):
    with pytest.raises(error, match=message):
        as_integer("n", value, 1)
    with pytest.raises(error, match=message):
        check_integers(1, m=1, n=value)


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.5), 1])
def test_numbers_come_back_as_they_are(value):
    assert check_number("p", value, 0, 1) is value


@pytest.mark.parametrize(
    ("value", "settings", "error", "message"),
    [
        ("a", {}, TypeError, "x must be a number, not 'a'"),
        (True, {}, TypeError, "x must be a number, not True"),
        (1j, {}, TypeError, "x must be a number, not 1j"),
        (agrad.asarray(1.0), {}, TypeError, r"x must be a number, not a Tensor of shape \(\); write x.item\(\)"),
        ([1.0] * 100, {}, TypeError, r"x must be a number, not \[1.0, .*\.\.\.$"),
        (math.nan, {}, ValueError, "x must be finite, not nan"),
        (math.inf, {"least": 0}, ValueError, "x must be finite and 0 or more, not inf"),
        (-1, {"least": 0}, ValueError, "x must be 0 or more, not -1"),
        (2, {"least": 0, "most": 1}, ValueError, "x must be from 0 to 1, not 2"),
        (1, {"least": 0, "below": 1}, ValueError, "x must be from 0 to below 1, not 1"),
        (0, {"above": 0}, ValueError, "x must be above 0, not 0"),
        (0, {"above": 0, "most": 1}, ValueError, "x must be above 0 and at most 1, not 0"),
        (2, {"most": 1}, ValueError, "x must be at most 1, not 2"),
    ],
)
def test_other_types_than_numbers_are_refused(value, settings, error, message):
    with pytest.raises(error, match=message):
        check_number("x", value, **settings)


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1.0])
def test_numbers_may_be_infinite_where_that_makes_sense(value):
    assert check_number("x", value, infinite=True) == value
    with pytest.raises(ValueError, match="x must be 2 or more, not nan"):
        check_number("x", math.nan, 2, infinite=True)


def test_words():
    assert check_one_of("mode", "min", ("min", "max")) == "min"
    for wrong in ("mean", 3, None, ["min"]):
        with pytest.raises(ValueError, match="mode must be 'min', 'max' or 'sum', not"):
            check_one_of("mode", wrong, ("min", "max", "sum"))


def test_lists():
    assert as_list("the layers", (x for x in (1, 2))) == [1, 2]
    for wrong in (3, "ab", None):
        with pytest.raises(TypeError, match=f"the layers must be in a list, not {wrong!r}"):
            as_list("the layers", wrong)


def test_the_error_names_which_of_several_numbers():
    check_numbers(0, lr=0.1, eps=0)
    with pytest.raises(ValueError, match="eps must be from 0 to 1, not 2"):
        check_numbers(0, 1, lr=0.1, eps=2)


def test_seeds():
    assert as_seed(2**64 - 1) == 2**64 - 1
    for seed in (-1, 2**64):
        with pytest.raises(ValueError, match=rf"a seed must be an integer from 0 to 2\*\*64 - 1, not {seed}"):
            as_seed(seed)


@pytest.mark.parametrize(
    ("shape", "expected"), [(3, (3,)), ((2, 3), (2, 3)), ([2], (2,)), ((), ()), (np.int64(2), (2,))]
)
def test_shapes(shape, expected):
    assert as_shape(shape) == expected


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ("3", TypeError, "a tuple of integers, as .*, not '3'"),
        (2.0, TypeError, "a tuple of integers, as .*, not 2.0"),
        ((2, None), TypeError, r"a tuple of integers, as .*, not \(2, None\)"),
        (None, TypeError, "a tuple of integers, as .*, not None"),
        ((2, -1), ValueError, r"0 or more, not \(2, -1\)"),
    ],
)
def test_wrong_shapes_are_refused(shape, error, message):
    with pytest.raises(error, match=message):
        as_shape(shape)


def test_functions():
    check_callable("grad", len)
    with pytest.raises(TypeError, match=r"grad takes a function, not 3; write agrad\.gradients"):
        check_callable("grad", 3, "write agrad.gradients(y, x)")
