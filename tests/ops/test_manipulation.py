"""Manipulation functions: what the rows of cases.py leave out."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close, check_grads


@pytest.fixture
def x(device):
    return agrad.asarray(np.arange(24.0).reshape(2, 3, 4))


def test_flatten(x):
    assert agrad.flatten(x).shape == (24,)
    assert agrad.flatten(x, 1).shape == (2, 12)
    assert agrad.flatten(x, 0, 1).shape == agrad.flatten(x, -3, -2).shape == (6, 4)
    assert agrad.flatten(x, 1, 1).shape == (2, 3, 4)
    assert agrad.flatten(agrad.asarray(1.0)).shape == (1,)
    with pytest.raises(IndexError, match="3"):
        agrad.flatten(x, 3)
    with pytest.raises(ValueError, match="start_dim=2 after end_dim=1"):
        agrad.flatten(x, 2, 1)


def test_flatten_works_without_elements(device):
    assert agrad.flatten(agrad.zeros((0, 2, 3)), 1).shape == (0, 6)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
@pytest.mark.parametrize("widths", [1, (1, 2), ((0, 1), (2, 0), (1, 3))], ids=str)
def test_pad_is_numpys(x, mode, widths):
    if mode in ("reflect", "wrap") and widths != 1:
        widths = ((0, 1), (2, 0), (1, 3))
    found = agrad.pad(x, widths, mode=mode)
    assert_close(found, agrad.asarray(np.pad(x.numpy(), widths, mode=mode)))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_gradients_of_pad(device, mode):
    check_grads(
        lambda x: agrad.pad(x, ((1, 0), (1, 2)), mode=mode) ** 2, agrad.asarray(np.linspace(0.5, 2, 6).reshape(2, 3))
    )


def test_pad_of_a_0d_array(device):
    assert agrad.pad(agrad.asarray(3.0), 2).item() == 3.0
    assert agrad.pad(agrad.asarray(3.0), 2, constant_values=1.0).item() == 3.0


def test_errors_of_pad(x):
    with pytest.raises(ValueError, match=r"3 axes.*\(1, 1\)"):
        agrad.pad(x, ((1, 1), (1, 1)))
    with pytest.raises(ValueError, match="0 or more"):
        agrad.pad(x, -1)
    with pytest.raises(ValueError, match="'mirror'"):
        agrad.pad(x, 1, mode="mirror")
    with pytest.raises(ValueError, match=r"length 2 by 1 at most.*2"):
        agrad.pad(x, 2, mode="reflect")


def test_broadcast_shapes():
    assert agrad.broadcast_shapes() == ()
    assert agrad.broadcast_shapes((2, 1), (3,), ()) == (2, 3)
    assert agrad.broadcast_shapes((0, 1), (1, 3)) == (0, 3)
    with pytest.raises(ValueError, match=r"\(2, 3\), \(2,\)"):
        agrad.broadcast_shapes((2, 3), (2,))
    with pytest.raises(ValueError, match=r"\(0,\), \(2,\)"):
        agrad.broadcast_shapes((0,), (2,))


def test_repeat(device):
    x = agrad.asarray([[1, 2], [3, 4]])
    assert agrad.repeat(x, 2).tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert agrad.repeat(x, 0, axis=0).shape == (0, 2)
    assert agrad.repeat(x, agrad.asarray([2, 1]), axis=-1).tolist() == [[1, 1, 2], [3, 3, 4]]
    assert agrad.repeat(x, agrad.asarray([2]), axis=0).shape == (4, 2)
    with pytest.raises(ValueError, match=r"2 repeats.*\(3,\)"):
        agrad.repeat(x, agrad.asarray([1, 2, 3]), axis=0)
    with pytest.raises(IndexError, match="axis 2"):
        agrad.repeat(x, 2, axis=2)


@pytest.mark.parametrize("repetitions", [(2,), (2, 1), (1, 2, 3), (0, 1), (3, 1, 1, 2)], ids=str)
def test_tile_is_numpys(device, repetitions):
    x = np.arange(6.0).reshape(2, 3)
    assert_close(agrad.tile(agrad.asarray(x), repetitions), agrad.asarray(np.tile(x, repetitions)))


def test_broadcast_arrays_returns_arrays_of_that_shape_unchanged(x):
    first, second = agrad.broadcast_arrays(x, agrad.asarray(1.0))
    assert first is x
    assert second.shape == x.shape


def test_joining_needs_something_to_join(device):
    for join in (agrad.concat, agrad.stack):
        with pytest.raises((ValueError, TypeError)):
            join([])


def test_a_part_without_use_gets_no_gradient(device):
    x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, _ = agrad.unstack(x)
    (first * first).sum().backward()
    assert x.grad.tolist() == [[2.0, 4.0], [0.0, 0.0]]


def test_lists_of_lists_are_arrays_too(device):
    assert agrad.concat([[1.0, 2.0], [3.0]]).tolist() == [1.0, 2.0, 3.0]
    assert agrad.flip([1, 2]).tolist() == [2, 1]
