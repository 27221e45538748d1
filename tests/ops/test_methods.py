"""Operators and methods of Tensor: what they take beside their functions."""

import inspect

import numpy as np
import pytest

import agrad
from agrad.core.declarations import ArrayMethods
from agrad.testing import assert_close


@pytest.fixture
def x(device):
    return agrad.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
BIT_OPERATORS = {
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
}


@pytest.mark.parametrize("sign", OPERATORS)
def test_operators_take_numbers_and_arrays_on_either_side(device, sign):
    a, b = np.asarray([1.5, 2.0, 7.0], dtype=np.float32), np.asarray([2.0, 2.0, 3.0], dtype=np.float32)
    op, x, y = OPERATORS[sign], agrad.asarray(a), agrad.asarray(b)
    for found, expected in [
        (op(x, y), op(a, b)),
        (op(x, b), op(a, b)),
        (op(a, y), op(a, b)),
        (op(x, 2), op(a, 2)),
        (op(x, 2.0), op(a, 2)),
        (op(2, y), op(2, b)),
        (op(x, np.float32(2.0)), op(a, 2)),
        (op(np.float64(2.0), y), op(2, b)),
    ]:
        assert isinstance(found, agrad.Tensor)
        assert_close(found, agrad.asarray(expected), rtol=1e-6)


@pytest.mark.parametrize("sign", BIT_OPERATORS)
def test_bit_operators_take_integers_on_either_side(device, sign):
    a, b = np.asarray([5, 6, 12]), np.asarray([1, 2, 3])
    op, x, y = BIT_OPERATORS[sign], agrad.asarray(a), agrad.asarray(b)
    for found, expected in [(op(x, y), op(a, b)), (op(x, b), op(a, b)), (op(a, y), op(a, b)), (op(x, 2), op(a, 2))]:
        assert_close(found, agrad.asarray(expected))
    assert_close(op(2, y), agrad.asarray(op(2, b)))
    assert (~x).tolist() == (~a).tolist()


def test_matrix_products_take_arrays_on_either_side(x):
    other = np.ones((3, 2), dtype=np.float32)
    assert (x @ other).tolist() == [[6.0, 6.0], [15.0, 15.0]]
    assert (other @ x).tolist() == [[5.0, 7.0, 9.0]] * 3


def test_signs(x):
    assert_close(-x, 0 - x)
    assert_close(abs(-x), +x)


def test_gradients_flow_through_reflected_operators(device):
    x = agrad.asarray([2.0, 4.0], requires_grad=True)
    (8 / x + 2**x - (3 - x) + np.ones(2, dtype=np.float32) * x).sum().backward()
    expected = -8 / np.asarray([2.0, 4.0]) ** 2 + np.log(2) * 2 ** np.asarray([2.0, 4.0]) + 1 + 1
    assert_close(x.grad, expected.astype(np.float32), rtol=1e-6)


@pytest.mark.parametrize("stranger", [object(), "text", {}, None])
def test_strangers_are_refused(x, stranger):
    for op in (OPERATORS["+"], OPERATORS["*"], OPERATORS["<"]):
        with pytest.raises(TypeError):
            op(x, stranger)
        with pytest.raises(TypeError):
            op(stranger, x)


def test_nothing_that_is_no_array_equals_a_tensor(x):
    assert (x == None) is False  # noqa: E711
    assert (x != "text") is True
    assert x in [None, x]
    assert (x == [1.0, 2.0, 3.0]).tolist() == [[True] * 3, [False] * 3]


def test_tensors_are_keys_by_identity(x):
    other = x + 0
    names = {x: "x", other: "other"}
    assert (names[x], names[other]) == ("x", "other")


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "std", "var", "argmax", "argmin"])
def test_reductions_take_the_axis_by_position(x, name):
    reference = getattr(np, name)
    array = x.numpy()
    assert_close(getattr(x, name)().tolist(), reference(array), rtol=1e-6)
    assert_close(getattr(x, name)(1).tolist(), reference(array, 1), rtol=1e-6)
    assert getattr(x, name)(axis=0, keepdims=True).shape == (1, 3)


def test_truth_along_an_axis(x):
    assert (x > 3).any(1).tolist() == [False, True]
    assert (x > 3).all(axis=1).tolist() == [False, True]
    assert x.all().item() is True


def test_shapes(x):
    assert x.reshape(3, 2).shape == x.reshape((3, 2)).shape == x.reshape([3, -1]).shape == (3, 2)
    assert x.reshape(-1).shape == x.reshape(6).shape == x.flatten().shape == (6,)
    assert x.reshape(1, 6).squeeze().shape == (6,)
    assert x.reshape(1, 6, 1).squeeze(0).shape == (6, 1)
    assert x.sum().reshape(()).shape == ()
    assert x.expand_dims(0).shape == x.unsqueeze(0).shape == (1, 2, 3)
    assert x[0].expand_as(x).shape == (2, 3)
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        x.reshape(4, 2)


def test_transposes(x):
    deep = x.reshape(1, 2, 3)
    assert x.T.shape == x.mT.shape == x.transpose().shape == (3, 2)
    assert deep.transpose().shape == deep.transpose(None).shape == (3, 2, 1)
    assert deep.transpose(1, 0, 2).shape == deep.transpose((1, 0, 2)).shape == (2, 1, 3)
    assert deep.mT.shape == (1, 3, 2)
    with pytest.raises(ValueError, match=r"\(1, 2, 3\).*mT"):
        _ = deep.T


def test_methods_are_their_functions(x):
    for name in ("exp", "log", "sqrt", "abs", "sin", "cos", "tanh", "sigmoid", "relu", "softmax", "log_softmax"):
        assert_close(getattr(x, name)(), getattr(agrad, name)(x))
    assert_close(x.pow(2), x * x)
    assert_close(x.clip(2, 5), agrad.clip(x, 2, 5))
    assert_close(x.clip(max=5), agrad.clip(x, max=5))
    assert_close(x.matmul(x.T), x.mm(x.T))
    assert_close(x.sort(axis=0, descending=True)[0], x.max(0))
    assert_close(x.take(agrad.asarray([1]), axis=0), x[1:])


def test_to(x):
    assert x.to(x.device) is x
    assert x.to(agrad.float32) is x
    assert x.to("float64").dtype is agrad.float64
    moved = x.to("cpu", agrad.float64)
    assert (moved.device.name, moved.dtype) == ("cpu", agrad.float64)
    assert x.to(dtype=agrad.int32, device="cpu").dtype is agrad.int32
    assert x.cpu().device is agrad.Device("cpu")
    with pytest.raises(TypeError, match="one device"):
        x.to("cpu", "strict")
    with pytest.raises(TypeError, match="one dtype"):
        x.to(agrad.float32, dtype=agrad.float64)


def test_astype_and_gradients(device):
    x = agrad.asarray([1.5, 2.5], requires_grad=True)
    (x.astype(agrad.float64) ** 2).sum().backward()
    assert x.grad.dtype is agrad.float32
    assert x.grad.tolist() == [3.0, 5.0]
    assert x.astype(agrad.int64).requires_grad is False
    assert x.astype(agrad.float32, copy=False) is x
    assert x.astype(agrad.float32) is not x
    with pytest.raises(TypeError, match="real"):
        agrad.asarray([1j]).astype(agrad.float32)


def test_second_order_through_devices(device):
    x = agrad.asarray([1.0, 2.0], device="cpu", requires_grad=True)
    y = (x.to(device) ** 3).sum()
    (slope,) = agrad.gradients(y, x, create_graph=True)
    (curve,) = agrad.gradients(slope.sum(), x)
    assert curve.tolist() == [6.0, 12.0]
    assert curve.device is agrad.Device("cpu")


def test_retained_gradients(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]


# What `help`, IPython's `x.sum?` and type checkers say of them

DECLARED = {name: method for name, method in vars(ArrayMethods).items() if inspect.isfunction(method)}
NAMED = {name: method for name, method in DECLARED.items() if not name.startswith("__")}


def accepted(function):
    """Return what a function takes behind the Tensor: each parameter's kind, its name, and whether it has a default."""
    _, *parameters = inspect.signature(function).parameters.values()
    return [
        (p.kind, "" if p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL) else p.name, p.default is not p.empty)
        for p in parameters
    ]


@pytest.mark.parametrize("name", NAMED)
def test_methods_have_the_signatures_that_are_declared(name):
    method = getattr(agrad.Tensor, name)
    assert accepted(method) == accepted(NAMED[name])
    assert method.__doc__.strip()
    assert method.__name__ == ("expand_dims" if name == "unsqueeze" else name)
    assert method.__qualname__ in (f"Tensor.{method.__name__}", method.__name__)


@pytest.mark.parametrize("name", sorted(DECLARED.keys() - NAMED.keys()))
def test_special_methods_take_what_is_declared(name):
    method = getattr(agrad.Tensor, name)
    assert len(accepted(method)) == len(accepted(DECLARED[name]))


def test_a_reduction_shows_its_settings():
    shown = inspect.signature(agrad.ones(2).sum)
    assert list(shown.parameters) == ["axis", "dtype", "keepdims"]
    assert agrad.Tensor.sum.__doc__ == agrad.sum.__doc__
    assert agrad.Tensor.sum.__qualname__ == "Tensor.sum"
