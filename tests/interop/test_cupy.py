"""CuPy's arrays, scalars and functions beside Tensors, on CuPy's own code: a GPU, or the emulator of one."""

import operator

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

pytestmark = pytest.mark.cuda
VALUES = np.asarray([1.0, 2.0, 3.0], dtype=np.float32)
OTHERS = np.asarray([2.0, 3.0, 4.0], dtype=np.float32)


@pytest.fixture
def cupy():
    return pytest.importorskip("cupy")


@pytest.fixture
def x(cupy):
    return agrad.tensor(VALUES, device="cuda", requires_grad=True)


def compare(f, x, expected):
    """Compare a function of a Tensor with what it is in agrad, gradients included."""
    found, expected = f(x), expected(x)
    assert isinstance(found, agrad.Tensor)
    assert found.device == x.device
    assert_close(found.detach(), expected.detach())
    assert found.requires_grad == expected.requires_grad
    if found.requires_grad:
        (one,), (other,) = (agrad.gradients(agrad.sum(y), x) for y in (found, expected))
        assert_close(one, other)


ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod, operator.matmul]
COMPARISONS = [operator.lt, operator.le, operator.eq, operator.ne, operator.ge, operator.gt]


@pytest.mark.parametrize("op", ARITHMETIC + COMPARISONS + [operator.floordiv], ids=lambda op: op.__name__)
def test_an_array_of_cupys_on_the_left(cupy, x, op):
    array = cupy.asarray(OTHERS)
    compare(lambda x: op(array, x), x, lambda x: op(agrad.asarray(OTHERS, device="cuda"), x))
    assert isinstance(array, cupy.ndarray)


@pytest.mark.parametrize("op", [op for op in ARITHMETIC if op is not operator.matmul], ids=lambda op: op.__name__)
@pytest.mark.parametrize("kind", ["cupy 0-d", "cupy scalar", "numpy scalar", "numpy float64", "numpy integer", "numpy"])
def test_scalars_and_arrays_of_the_host_on_the_left(cupy, x, op, kind):
    number = {
        "cupy 0-d": cupy.asarray(np.float32(2.0)),
        "cupy scalar": cupy.float32(2.0),
        "numpy scalar": np.float32(2.0),
        "numpy float64": np.float64(2.0),
        "numpy integer": np.int64(2),
        "numpy": np.full(3, 2.0, dtype=np.float32),
    }[kind]
    compare(lambda x: op(number, x), x, lambda x: op(2.0, x))


UNARY = {
    "absolute": "abs", "arcsin": "asin", "arctan": "atan", "arcsinh": "asinh", "cos": "cos", "cosh": "cosh",
    "exp": "exp", "expm1": "expm1", "log": "log", "log10": "log10", "log1p": "log1p", "log2": "log2",
    "negative": "negative",
    "reciprocal": "reciprocal", "sign": "sign", "sin": "sin", "sinh": "sinh", "sqrt": "sqrt", "square": "square",
    "tan": "tan", "tanh": "tanh", "isnan": "isnan", "floor": "floor", "rint": "round",
}  # fmt: skip
BINARY = {
    "add": "add", "arctan2": "atan2", "divide": "divide", "true_divide": "divide", "floor_divide": "floor_divide",
    "hypot": "hypot", "logaddexp": "logaddexp", "maximum": "maximum", "minimum": "minimum", "multiply": "multiply",
    "power": "pow", "remainder": "remainder", "subtract": "subtract",
}  # fmt: skip


@pytest.mark.parametrize(("theirs", "ours"), UNARY.items(), ids=UNARY)
def test_a_function_of_one_argument(cupy, x, theirs, ours):
    compare(lambda x: getattr(cupy, theirs)(x * 0.25), x, lambda x: getattr(agrad, ours)(x * 0.25))


@pytest.mark.parametrize(("theirs", "ours"), BINARY.items(), ids=BINARY)
def test_a_function_of_two_arguments(cupy, x, theirs, ours):
    array, tensor = cupy.asarray(OTHERS), agrad.asarray(OTHERS, device="cuda")
    compare(lambda x: getattr(cupy, theirs)(array, x), x, lambda x: getattr(agrad, ours)(tensor, x))
    compare(lambda x: getattr(cupy, theirs)(x, array), x, lambda x: getattr(agrad, ours)(x, tensor))


@pytest.mark.parametrize("name", ["digamma", "erf", "erfc", "erfinv", "gamma", "gammaln", "i0", "j0", "ndtr"])
def test_special_functions(cupy, x, name):
    special = pytest.importorskip("cupyx.scipy.special")
    compare(lambda x: getattr(special, name)(x * 0.25), x, lambda x: getattr(agrad.special, name)(x * 0.25))


def test_where_dtype_and_out(cupy, x):
    array = cupy.asarray(OTHERS)
    tensor = agrad.asarray(OTHERS, device="cuda")
    compare(lambda x: cupy.where(array > 2.0, x, array), x, lambda x: agrad.where(tensor > 2.0, x, tensor))
    assert cupy.add(array, x, dtype="float64").dtype is agrad.float64
    out = agrad.zeros(3, device="cuda")
    assert cupy.multiply(array, x, out=out) is out
    assert out.requires_grad


def test_numpys_functions_of_both(cupy, x):
    array, tensor = cupy.asarray(OTHERS), agrad.asarray(OTHERS, device="cuda")
    compare(lambda x: np.multiply(array, x), x, lambda x: tensor * x)
    compare(lambda x: np.concatenate([array, x]), x, lambda x: agrad.concat([tensor, x]))
    compare(lambda x: np.dot(array, x), x, lambda x: tensor @ x)


def test_what_would_lose_a_gradient_is_refused(cupy, x):
    array = cupy.asarray(OTHERS)
    for lost in (
        lambda: cupy.frexp(x),
        lambda: cupy.add(array, x, out=array),
        lambda: operator.iadd(array, x),
        lambda: cupy.asarray(x),
        lambda: operator.setitem(array, 0, x[0]),
    ):
        with pytest.raises(RuntimeError, match="would lose them"):
            lost()
    assert_close(cupy.asnumpy(array), OTHERS)


def test_what_is_not_tracked_may_be_written_to_cupys_arrays(cupy, x):
    array = cupy.asarray(OTHERS)
    array *= x.detach()
    assert_close(cupy.asnumpy(array), OTHERS * VALUES)
    assert_close(cupy.asnumpy(cupy.from_dlpack(x.detach())), VALUES)
    with pytest.raises(TypeError, match=r"or x\.data for CuPy"):
        cupy.asarray(x.detach())
    assert_close(cupy.asnumpy(cupy.asarray(x.detach().data)), VALUES)
    mantissas, _ = cupy.frexp(x.detach())
    assert isinstance(mantissas, cupy.ndarray)
