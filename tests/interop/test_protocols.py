"""NumPy's protocols beyond the plain call: settings, methods of ufuncs, writing, other classes, CuPy's kernels."""

from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

VALUES = [[1.0, 5.0, 2.0], [4.0, 3.0, 6.0]]


@pytest.fixture
def x(device: agrad.Device) -> agrad.Tensor:
    return agrad.tensor(VALUES, requires_grad=True)


def gradient(y: agrad.Tensor, x: agrad.Tensor) -> agrad.Tensor:
    (g,) = agrad.gradients(agrad.sum(y), x)
    assert g is not None
    return g


# Settings


def test_out_is_written_to_and_returned(device, x):
    out = agrad.zeros((2, 3))
    assert np.multiply(x, 3.0, out=out) is out
    assert out.requires_grad
    assert_close(gradient(out, x), np.full((2, 3), 3.0))
    total = agrad.zeros(3)
    assert np.sum(x, axis=0, out=total) is total is np.add.reduce(x, out=total)
    assert_close(total.detach(), [5.0, 8.0, 8.0])
    assert np.concatenate([x, x], 0, agrad.zeros((4, 3))).requires_grad


def test_out_of_another_shape_or_a_leaf_is_refused(device, x):
    with pytest.raises(ValueError, match=r"out= must have the shape \(2, 3\).*not \(3,\)"):
        np.sin(x, out=agrad.zeros(3))
    with pytest.raises(RuntimeError, match="leaf"):
        np.sin(x, out=x)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: np.add(x, x, out=np.zeros((2, 3))),
        lambda x: np.sum(x, out=np.zeros(())),
        lambda x: np.zeros((2, 3)).__iadd__(x),
        lambda x: np.copyto(np.zeros((2, 3)), x),
        lambda x: np.put(np.zeros(6), [0], x),
        lambda x: np.add.at(np.zeros(6), [0], x[0, 0]),
    ],
)
def test_a_gradient_does_not_end_in_numpys_arrays(device, x, write):
    with pytest.raises(RuntimeError, match=r"would lose them.*x\.detach\(\)\.numpy\(\)"):
        write(x)


def test_untracked_values_are_written_to_numpys_arrays(device):
    if device.kind == "cuda":
        pytest.skip("NumPy does not read what is there")
    x, array = agrad.asarray([1.0, 2.0]), np.ones(2)
    array += x
    np.multiply(array, x, out=array)
    np.copyto(array[:1], x[:1])
    assert array.tolist() == [1.0, 6.0]


def test_where(device, x):
    mask = x > 2.5
    assert np.sum(x, where=mask).item() == 18.0
    assert_close(np.mean(x, axis=1, where=mask).detach(), [5.0, 13.0 / 3.0])
    assert_close(np.var(x, where=mask).detach(), np.var([5.0, 4.0, 3.0, 6.0]))
    assert np.max(x, where=~mask, initial=0.0).item() == 2.0
    out = np.square(x, where=mask, out=x * 1.0)
    assert_close(out.detach(), np.where(np.asarray(VALUES) > 2.5, np.square(VALUES), VALUES))
    assert_close(gradient(out, x), [[1.0, 10.0, 1.0], [8.0, 6.0, 12.0]])
    with pytest.raises(ValueError, match=r"where= without out="):
        np.square(x, where=mask)


def test_dtype_and_initial(device, x):
    if device.backend.supports_float64:
        assert np.add(x, 1.0, dtype=np.float64).dtype is np.sum(x, dtype=np.float64).dtype is agrad.float64
    assert np.sum(x, initial=10.0).item() == 31.0
    assert np.prod(x, initial=2.0).item() == 1440.0
    assert np.max(x, axis=0, initial=4.5, keepdims=True).shape == (1, 3)


def test_numpys_defaults_may_be_given(device, x):
    result = np.add(x, 1.0, casting="same_kind", order="K", subok=True)
    assert result.requires_grad
    assert np.std(x, axis=None, dtype=None, out=None, ddof=1).shape == ()
    assert np.zeros_like(x, order="K", subok=True).shape == x.shape
    assert np.sum(x, 1, None, None, True).shape == (2, 1)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda x: np.ravel(x, order="F").sum(), None),
        (lambda x: np.pad(x, 1, mode="linear_ramp"), "numpy.pad with mode='linear_ramp'"),
        (lambda x: np.quantile(x, 0.3, method="hazen"), "numpy.quantile with method='hazen'"),
        (lambda x: np.add(x, 1.0, casting="unsafe"), "numpy.add with casting="),
        (lambda x: np.unique(x, axis=0), "numpy.unique with axis=0"),
    ],
)
def test_settings_without_a_counterpart(device, x, call, named):
    if named is None:
        assert call(x).requires_grad
        return
    with pytest.raises(RuntimeError, match=f"{named} of a Tensor that requires gradients"):
        call(x)
    if device.kind != "cuda":
        assert_close(call(x.detach()), call(np.asarray(VALUES, dtype=np.float32)))


def test_arguments_go_by_name_and_by_place(device, x):
    assert_close(np.sum(a=x, axis=0), np.sum(x, 0))
    assert_close(np.clip(x, a_min=2.0, a_max=4.0), np.clip(x, 2.0, 4.0))
    assert_close(np.linalg.norm(x, ord=None, axis=1), np.linalg.norm(x, None, 1))
    assert_close(np.swapaxes(x, axis1=0, axis2=1), x.T)


# Methods of ufuncs

METHODS = {
    "add.reduce": lambda f, x: f.reduce(x, axis=1),
    "multiply.reduce": lambda f, x: f.reduce(x),
    "maximum.reduce": lambda f, x: f.reduce(x, axis=None),
    "minimum.reduce": lambda f, x: f.reduce(x, axis=1, keepdims=True),
    "logaddexp.reduce": lambda f, x: f.reduce(x, axis=1),
    "subtract.reduce": lambda f, x: f.reduce(x, axis=1, keepdims=True),
    "add.accumulate": lambda f, x: f.accumulate(x, axis=1),
    "multiply.accumulate": lambda f, x: f.accumulate(x),
    "maximum.accumulate": lambda f, x: f.accumulate(x, axis=1),
    "multiply.outer": lambda f, x: f.outer(x, x[0]),
    "subtract.outer": lambda f, x: f.outer(x[0], x),
    "add.reduceat": lambda f, x: f.reduceat(x, [0, 2, 1], axis=1),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_ufuncs(device, x, name):
    ufunc = getattr(np, name.partition(".")[0])
    found = METHODS[name](ufunc, x)
    assert_close(found.detach(), METHODS[name](ufunc, np.asarray(VALUES)), rtol=1e-6)
    assert agrad.any(gradient(found, x) != 0)


def test_at_counts_each_of_equal_indices(device):
    x, v = agrad.zeros(3), agrad.tensor([1.0, 2.0, 4.0], requires_grad=True)
    np.add.at(x, [0, 2, 2], v)
    np.subtract.at(x, [0], 1.0)
    assert_close(x.detach(), [0.0, 0.0, 6.0])
    assert_close(gradient(x * x, v), [0.0, 12.0, 12.0])
    with pytest.raises(TypeError, match="cannot write to an agrad Tensor"):
        np.multiply.at(x, [0], 2.0)


# What writes


def test_writers_write_to_the_tensor_itself(device):
    x = agrad.zeros((2, 2))
    np.fill_diagonal(x, 3.0)
    np.copyto(x, 7.0, where=np.asarray([[False, True], [False, False]]))
    assert_close(x, [[3.0, 7.0], [0.0, 3.0]])
    with pytest.raises(TypeError, match=r"numpy.put with mode='wrap' cannot write"):
        np.put(x, [9], 1.0, mode="wrap")
    with pytest.raises(RuntimeError, match="leaf"):
        np.fill_diagonal(agrad.zeros((2, 2), requires_grad=True), 1.0)


# Operands of all kinds


def test_numbers_lists_and_arrays_beside_a_tensor(device, x):
    assert np.multiply(np.float64(2.0), x).dtype is agrad.float32
    assert np.add([1.0, 2.0, 3.0], x).dtype is agrad.float32
    assert np.hypot(x, np.ones(3, dtype=np.float32)).dtype is agrad.float32
    assert np.sqrt(agrad.asarray([1, 4])).dtype.differentiable
    if device.backend.supports_float64:
        precise = agrad.tensor([0.5], dtype="float64")
        assert np.subtract([0.1], precise).item() == 0.1 - 0.5
        assert np.interp(precise, [0.1, 0.9], [0.3, 0.7]).item() == np.interp(0.5, [0.1, 0.9], [0.3, 0.7])


def test_other_classes_with_array_function_take_precedence(device, x):
    class Quantity:
        __array_ufunc__ = lambda self, *args, **kwargs: "quantity"
        __array_function__ = lambda self, *args, **kwargs: "quantity"

    assert np.multiply(x, Quantity()) == "quantity"
    assert np.concatenate([x, Quantity()]) == "quantity"
    with pytest.raises(TypeError):
        np.multiply(x, "text")


def test_masked_arrays_are_refused(device, x):
    with pytest.raises((TypeError, RuntimeError), match=r"mask|lose"):
        np.multiply(np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]), x)


def test_ufuncs_of_others(device):
    doubled = np.frompyfunc(lambda x: 2 * x, 1, 1)
    with pytest.raises(RuntimeError, match="would lose them"):
        doubled(agrad.ones(2, requires_grad=True))
    if device.kind != "cuda":
        assert doubled(agrad.ones(2)).tolist() == [2.0, 2.0]


def test_scipys_ufuncs_are_agrads(device):
    special = pytest.importorskip("scipy.special")
    x = agrad.tensor([0.3, 0.6], requires_grad=True)
    assert_close(gradient(special.entr(x), x), -np.log([0.3, 0.6]) - 1.0, rtol=1e-6)
    with pytest.raises(RuntimeError, match="would lose them"):
        special.spence(x)


# New arrays, and what NumPy reads


def test_new_arrays_like_a_tensor(device):
    like = agrad.ones(2)
    made = [
        np.zeros((2, 2), like=like), np.ones(3, like=like), np.full(2, 5.0, like=like), np.eye(2, like=like),
        np.arange(3, like=like), np.array([1.0, 2.0], like=like), np.asarray(VALUES, like=like), np.tri(2, like=like),
        np.identity(2, like=like), np.empty(2, like=like),
    ]  # fmt: skip
    assert all(isinstance(x, agrad.Tensor) and x.device is device for x in made)


def test_results_stay_on_the_tensors_device(device):
    x = agrad.ones((2, 2))
    with agrad.Device("cpu"):
        for y in (np.vander(x[0]), np.linspace(x[0], 2.0, 3), np.interp(x, [0.0, 2.0], [0.0, 1.0]), np.zeros_like(x)):
            assert y.device is device


def test_libraries_read_untracked_tensors(device):
    """np.atleast_1d is how SciPy reads what it is given: as with np.asarray, it goes on with NumPy's arrays."""
    x = agrad.ones(2, requires_grad=True)
    assert isinstance(np.atleast_1d(x), agrad.Tensor)
    kinds = {type(np.atleast_1d(x.detach())), type(np.atleast_2d(x.detach(), x.detach())[0])}
    assert kinds == {np.ndarray if device.kind == "cpu" else agrad.Tensor}


def test_earlier_behaviour_is_unchanged(device, x):
    plain = x.detach()
    assert "Tensor(" in np.array_repr(x) or "array(" in np.array_repr(x)
    assert isinstance(np.asarray(plain) if device.kind == "cpu" else plain.numpy(), np.ndarray)
    assert isinstance(x, agrad.Tensor)
    assert not isinstance(x, np.ndarray)
    assert_close(copy.deepcopy(plain), pickle.loads(pickle.dumps(plain)))
    if device.kind == "cpu":
        np.testing.assert_allclose(plain, VALUES)
        np.testing.assert_array_equal(plain, VALUES)
    with pytest.raises(RuntimeError, match="detach"):
        np.testing.assert_allclose(x, VALUES)


def test_higher_orders_go_through(device, x):
    (g,) = agrad.gradients(np.sum(np.sin(x) ** 2), x, create_graph=True)
    assert_close(gradient(g, x), 2.0 * np.cos(2.0 * np.asarray(VALUES)), rtol=1e-4, atol=1e-5)


# CuPy's ufuncs call a method of their own


class ufunc(SimpleNamespace):  # noqa: N801 - the name of CuPy's class
    """Stands for one of CuPy's, which asks its arguments before it computes; `test_cupy` has CuPy's own."""

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __call__(self, *args: Any, **settings: Any) -> Any:
        for x in args:
            if hasattr(x, "__cupy_override_elementwise_kernel__"):
                return x.__cupy_override_elementwise_kernel__(self, *args, **settings)
        return self.compute(*args, **settings)


def test_cupys_ufuncs_are_answered(device, x):
    multiply = ufunc(name="cupy_multiply", nin=2)
    assert_close(gradient(multiply(2.0, x), x), np.full((2, 3), 2.0))
    where = ufunc(name="cupy_where", nin=3)
    assert where(x > 2.0, x, 0.0).requires_grad
    assert ufunc(name="cupy_arcsin", nin=1)(x * 0.1).requires_grad


def test_cupys_other_kernels_take_what_is_not_tracked(device, x):
    strange = ufunc(name="strange", nin=1, compute=lambda raw: type(raw))
    assert strange(x.detach()) is type(x.data)
    with pytest.raises(RuntimeError, match=r"cupy.strange of a Tensor.*would lose them"):
        strange(x)
    with pytest.raises(RuntimeError, match="would lose them"):
        ufunc(name="cupy_add", nin=2)(x, x, x.data)  # the third is where to write
