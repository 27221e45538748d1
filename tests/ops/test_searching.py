"""Searching, sorting, sets and truth: what the rows of cases.py leave out."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close


def test_where_takes_numbers_on_either_side(device):
    x = agrad.asarray([-1.0, 2.0], requires_grad=True)
    agrad.where(x > 0, x, 0.0).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0]
    assert agrad.where(x > 0, 1, x.detach()).tolist() == [-1.0, 1.0]
    assert agrad.where(agrad.asarray([True, False]), x.detach(), np.float32(7.0)).tolist() == [-1.0, 7.0]


@pytest.mark.parametrize(
    ("a", "b", "dtype"),
    [
        (1.0, 0.0, agrad.float32),
        (1, 0, agrad.int64),
        (True, False, agrad.bool),
        (1, 0.5, agrad.float32),
        (1j, 0, agrad.complex64),
    ],
)
def test_where_of_two_numbers_has_their_dtype(device, a, b, dtype):
    found = agrad.where(agrad.asarray([True, False]), a, b)
    assert found.dtype is dtype
    assert found.tolist() == [a, b]


def test_searchsorted(device):
    x = agrad.asarray([3.0, 1.0, 2.0])
    order = agrad.argsort(x)
    wanted = agrad.asarray([[0.0, 1.0], [2.5, 9.0]])
    expected = np.searchsorted([1.0, 2.0, 3.0], wanted.numpy())
    assert agrad.searchsorted(x, wanted, sorter=order).tolist() == expected.tolist()
    assert agrad.searchsorted(x[order], 2).item() == 1
    assert agrad.searchsorted(x[order], 2.0, side="right").item() == 2
    with pytest.raises(ValueError, match="'middle'"):
        agrad.searchsorted(x, wanted, side="middle")


def test_nonzero_needs_an_axis(device):
    with pytest.raises(ValueError, match="0-d"):
        agrad.nonzero(agrad.asarray(1.0))


def test_equal_elements_keep_their_order(device):
    x = agrad.asarray([2.0, 1.0, 2.0, 1.0], requires_grad=True)
    assert agrad.argsort(x).tolist() == [1, 3, 0, 2]
    assert agrad.argsort(x, descending=True).tolist() == [0, 2, 1, 3]
    w = agrad.asarray([1.0, 2.0, 3.0, 4.0])
    agrad.sort(x).backward(w)
    assert x.grad.tolist() == [3.0, 1.0, 4.0, 2.0]


def test_results_of_unique_have_names(device):
    x = agrad.asarray([[3, 1], [3, 2]])
    found = agrad.unique_all(x)
    assert found.values.tolist() == [1, 2, 3]
    assert found.counts.tolist() == [1, 1, 2]
    assert found.inverse_indices.tolist() == [[2, 0], [2, 1]]
    assert_close(found.values[found.inverse_indices], x)
    assert_close(agrad.flatten(x)[found.indices], found.values)
    assert agrad.unique_counts(x)._fields == ("values", "counts")
    assert agrad.unique_inverse(x).inverse_indices.shape == (2, 2)


@pytest.mark.parametrize("op", [agrad.unique_values, lambda x: agrad.unique_counts(x).values])
def test_of_equals_the_first_gets_the_gradient_of_a_distinct_element(device, op):
    x = agrad.tensor([[3.0, 1.0], [3.0, 2.0]], requires_grad=True)
    op(x).backward(agrad.asarray([1.0, 2.0, 3.0]))
    assert x.grad.tolist() == [[3.0, 1.0], [0.0, 2.0]]


def test_isin_of_elements_above_all_others(device):
    x = agrad.asarray(np.arange(12).reshape(3, 4) % 7 - 3)
    for values in ([2, -1, 0, -1], [3], [-4, -9]):
        np.testing.assert_array_equal(agrad.isin(x, agrad.asarray(values)).numpy(), np.isin(x.numpy(), values))
    assert not agrad.isin(x, agrad.zeros(0, dtype=x.dtype)).any().item()


def test_isin(device):
    x = agrad.asarray([1, 2, 3])
    assert agrad.isin(x, agrad.asarray([3, 5])).tolist() == [False, False, True]
    assert agrad.isin(x, 2).tolist() == [False, True, False]
    assert agrad.isin(x, agrad.asarray([3, 5]), invert=True).tolist() == [True, True, False]


def test_diff(device):
    x = agrad.asarray([1, 4, 9])
    assert agrad.diff(x, n=0).tolist() == [1, 4, 9]
    assert agrad.diff(x, n=2).tolist() == [2]
    assert agrad.diff(x, n=5).shape == (0,)
    assert agrad.diff(agrad.asarray([[1, 2], [4, 8]]), axis=0).tolist() == [[3, 6]]
    with pytest.raises(ValueError, match="-1"):
        agrad.diff(x, n=-1)
    with pytest.raises(ValueError, match="at least one axis"):
        agrad.diff(agrad.asarray(1.0))


def test_one_hot(device):
    classes = agrad.asarray([[0, 2], [1, 5]])
    rows = agrad.one_hot(classes, 3)
    assert rows.dtype is agrad.float32
    assert rows.tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 0, 0]]]
    assert agrad.one_hot(classes, 3, dtype=agrad.bool).dtype is agrad.bool
    assert_close(agrad.one_hot(classes, 3, axis=0), agrad.moveaxis(rows, -1, 0))
    with pytest.raises(TypeError, match=r"float32.*int64"):
        agrad.one_hot(agrad.asarray([0.0]), 2)


def test_reductions_of_empty_arrays(device):
    assert agrad.all(agrad.zeros(0)).item() is True
    assert agrad.any(agrad.zeros(0)).item() is False
    with pytest.raises(ValueError):
        agrad.argmax(agrad.zeros(0))


@pytest.mark.parametrize("name", ["argmax", "argmin", "argsort", "max", "min", "searchsorted", "sort"])
def test_ordering_functions_refuse_complex_numbers(device, name):
    z = agrad.asarray([2 + 1j, 1 + 2j])
    others = (z,) if name == "searchsorted" else ()
    with pytest.raises(TypeError, match=r"complex.* real"):
        getattr(agrad, name)(z, *others)
