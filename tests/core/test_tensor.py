"""Tensors as arrays: how they are made, what they show, how they are written to, and how they are left."""

import copy
import operator
import pickle
from array import array

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

# Making


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1.5, "float32", ()),
        (2, "int64", ()),
        (True, "bool", ()),
        (1j, "complex64", ()),
        ([1.0, 2.0], "float32", (2,)),
        ([1, 2.5], "float32", (2,)),
        ([[1, 2, 3], [4, 5, 6]], "int64", (2, 3)),
        (((1.0,), (2.0,)), "float32", (2, 1)),
        ([], "float32", (0,)),
        (np.float64(0.5), "float64", ()),
        (np.arange(3, dtype=np.int16), "int16", (3,)),
        (np.zeros((2, 0)), "float64", (2, 0)),
    ],
)
@pytest.mark.parametrize("make", [agrad.Tensor, agrad.tensor, agrad.asarray])
def test_numbers_and_lists_get_the_default_types_and_arrays_keep_theirs(make, data, dtype, shape):
    x = make(data)
    assert isinstance(x, agrad.Tensor)
    assert (x.dtype.name, x.shape) == (dtype, shape)
    assert x.tolist() == np.asarray(data).tolist()
    assert not x.requires_grad


def test_dtype_and_device_are_taken_by_keyword(device):
    x = agrad.Tensor([1, 2], dtype=agrad.float64 if device.backend.supports_float64 else agrad.float32, device=device)
    assert x.dtype.family == "real floating"
    assert x.device is device
    assert x.tolist() == [1.0, 2.0]


def test_data_is_copied():
    array = np.ones(3)
    x = agrad.Tensor(array)
    y = agrad.Tensor(x)
    array[0] = 7.0
    with agrad.no_grad():
        x[1] = 8.0
    assert x.tolist() == [1.0, 8.0, 1.0]
    assert y.tolist() == [1.0, 1.0, 1.0]


def test_a_list_of_tensors_becomes_one_tensor(device):
    x = agrad.asarray([agrad.asarray(1.0), agrad.asarray(2.0)])
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("data", ["text", None, object(), [1.0, "a"], {"a": 1}, {1.0}])
def test_what_is_no_number_is_refused(data):
    with pytest.raises(TypeError, match="Tensor"):
        agrad.Tensor(data)


def test_ragged_lists_are_refused():
    with pytest.raises(ValueError, match="equal lengths"):
        agrad.Tensor([[1.0, 2.0], [3.0]])


def test_requires_grad_can_be_asked_for_where_tensors_are_made():
    made = [
        agrad.Tensor(1.0, True),
        agrad.tensor([1.0], requires_grad=True),
        agrad.asarray([1.0], requires_grad=True),
        agrad.zeros(2, requires_grad=True),
        agrad.ones((2, 3), requires_grad=True),
        agrad.full(2, 1.5, requires_grad=True),
        agrad.eye(2, requires_grad=True),
        agrad.linspace(0, 1, 3, requires_grad=True),
        agrad.arange(3.0, requires_grad=True),
        agrad.zeros_like(agrad.ones(2), requires_grad=True),
        agrad.randn(3, requires_grad=True),
        agrad.rand(3, requires_grad=True),
        agrad.normal(0.0, 1.0, size=(2,), requires_grad=True),
    ]
    assert all(x.requires_grad and x.is_leaf for x in made)


@pytest.mark.parametrize("data", [1, [True], np.arange(3)])
def test_integers_and_booleans_cannot_require_gradients(data):
    with pytest.raises(TypeError, match=r"floating.*(int64|bool).*astype"):
        agrad.Tensor(data, requires_grad=True)
    x = agrad.Tensor(data)
    with pytest.raises(TypeError, match="floating"):
        x.requires_grad = True


# Attributes


def test_attributes(device):
    x = agrad.zeros((2, 3, 4))
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3, 4), 3, 24, 2)
    assert type(x.size) is int
    assert x.dtype is agrad.float32
    assert x.device is device
    assert x.mT.shape == (2, 4, 3)
    assert agrad.zeros((2, 3)).T.shape == (3, 2)
    assert [row.shape for row in x] == [(3, 4), (3, 4)]
    assert x.is_leaf
    assert x.grad is None


def test_data_is_always_the_librarys_array(device):
    x = agrad.asarray([1.0, 2.0])
    for y in (x, x.sum(), x[0], x * 2, agrad.asarray(3.0), x.detach()):
        assert type(y.data) is device.array_type, "a bare scalar is no array"
    assert agrad.asarray(x.data).device is device


def test_data_can_be_replaced():
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    x.data = np.asarray([3.0, 4.0], dtype=np.float32)
    assert x.tolist() == [3.0, 4.0]
    assert x.requires_grad


def test_data_that_replaces_other_may_have_another_shape():
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    x.data = np.asarray([3.0, 4.0, 5.0], dtype=np.float32)
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("data", [np.asarray([1, 2]), np.asarray([True, False])])
@pytest.mark.parametrize("make", [lambda x: x, lambda x: x * 1])
def test_data_that_gradients_flow_to_stays_floating(data, make):
    x = make(agrad.asarray([1.0, 2.0], requires_grad=True))
    with pytest.raises(TypeError, match="can require gradients, not"):
        x.data = data
    assert x.tolist() == [1.0, 2.0]
    x.detach().data = data


@pytest.mark.parametrize("nest", [lambda w: [w, w], lambda w: [[w], [w]], lambda w: [1.0, w[0]], lambda w: (w[0], 2.0)])
def test_a_list_of_tracked_tensors_is_refused_with_the_remedy(device, nest):
    w = agrad.asarray([1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"that require gradients would lose the gradients; write agrad.stack"):
        agrad.tensor(nest(w))
    with agrad.no_grad():
        assert agrad.tensor([w.detach(), w.detach()]).shape == (2, 1)


@pytest.mark.parametrize("data", [np.ones(1), np.ones(3), np.ones((2, 1))])
def test_data_must_fit_the_gradient_that_is_there(data):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    x.sum().backward()
    with pytest.raises(ValueError, match=r"x.grad has shape \(2,\), .*; write x.grad = None before"):
        x.data = data
    x.grad = None
    x.data = data
    x.sum().backward()
    assert x.grad.shape == data.shape


def test_0d_tensors_have_no_length():
    x = agrad.asarray(1.0)
    with pytest.raises(TypeError, match="0-d"):
        len(x)
    with pytest.raises(TypeError, match="0-d"):
        iter(x)


def test_requires_grad_is_settable_on_leaves_only():
    x = agrad.asarray(1.0)
    x.requires_grad = True
    y = x * 2
    assert not y.is_leaf
    assert y.requires_grad_() is y
    with pytest.raises(RuntimeError, match=r"leaf.*detach"):
        y.requires_grad = False
    x.requires_grad = False
    assert not x.requires_grad
    assert x.requires_grad_() is x
    assert x.requires_grad


def test_grad_is_settable_and_checked(device):
    x = agrad.ones((2, 3), requires_grad=True)
    x.grad = agrad.zeros((2, 3))
    assert x.grad.tolist() == [[0.0] * 3] * 2
    with pytest.raises(ValueError, match=r"\(3, 2\).*\(2, 3\)"):
        x.grad = agrad.zeros((3, 2))
    with pytest.raises(ValueError, match=r"int64.*float32"):
        x.grad = agrad.zeros((2, 3), dtype=agrad.int64)
    with pytest.raises(TypeError, match="Tensor or None, not float"):
        x.grad = 1.0
    x.grad = None
    assert x.grad is None


def test_zero_grad(device):
    x = agrad.ones(2, requires_grad=True)
    x.zero_grad()
    (x * 3).sum().backward()
    before = x.grad
    x.zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0.0, 0.0]
    if not device.backend.immutable:  # whose arrays do not change
        assert before.tolist() == [0.0, 0.0]
    x.zero_grad()
    assert x.grad is None


def test_detach_shares_the_array_but_not_the_history(device):
    x = agrad.ones(3, requires_grad=True) * 2
    y = x.detach()
    assert not y.requires_grad
    assert y.is_leaf
    assert y.data is x.data


# Operators


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
VALUES = np.asarray([0.5, 2.0, 3.0], dtype=np.float32)


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("other", [2, 2.0, np.float32(2.0), np.int64(2), VALUES[::-1].copy()], ids=repr)
def test_operators_take_numbers_and_numpy_on_either_side(device, sign, other):
    function, x = OPERATORS[sign], agrad.asarray(VALUES)
    number = other.item() if isinstance(other, np.generic) else other
    for result, expected in [
        (function(x, other), function(VALUES, number)),
        (function(other, x), function(number, VALUES)),
        (function(x, x), function(VALUES, VALUES)),
    ]:
        assert isinstance(result, agrad.Tensor)
        assert result.device is device
        assert result.dtype.name == expected.dtype.name
        assert_close(result, expected)


@pytest.mark.parametrize(
    ("function", "dtype"),
    [
        (lambda a, b: a & b, "bool"),
        (lambda a, b: a | b, "bool"),
        (lambda a, b: a ^ b, "bool"),
        (lambda a, b: ~a ^ b, "bool"),
        (lambda a, b: a & b, "int64"),
        (lambda a, b: a << b, "int64"),
        (lambda a, b: a >> b, "int64"),
        (lambda a, b: ~a | b, "int64"),
    ],
)
def test_bitwise_operators(device, function, dtype):
    a, b = np.asarray([1, 0, 1, 6]).astype(dtype), np.asarray([1, 1, 0, 2]).astype(dtype)
    assert_close(function(agrad.asarray(a), agrad.asarray(b)), function(a, b))


def test_unary_operators(device):
    x = agrad.asarray([-1.0, 2.0])
    assert (-x).tolist() == [1.0, -2.0]
    assert (+x).tolist() == [-1.0, 2.0]
    assert abs(x).tolist() == [1.0, 2.0]


def test_matmul_operator(device):
    a, b = np.arange(6.0, dtype=np.float32).reshape(2, 3), np.arange(3.0, dtype=np.float32)
    assert_close(agrad.asarray(a) @ agrad.asarray(b), a @ b)
    assert_close(agrad.asarray(a) @ b, a @ b)
    assert isinstance(a @ agrad.asarray(b), agrad.Tensor)
    assert_close(a @ agrad.asarray(b), a @ b)


def test_numpy_times_tensor_is_a_tensor(device):
    x = agrad.asarray([1.0, 2.0, 3.0], requires_grad=True)
    y = np.ones(3, dtype=np.float32) * x
    assert isinstance(y, agrad.Tensor)
    assert y.requires_grad
    assert isinstance(np.float64(2.0) * x, agrad.Tensor)
    assert (np.float64(2.0) * x).dtype is agrad.float32


def test_comparison_with_none_and_strangers():
    x = agrad.asarray(1.0)
    for stranger in (object(), "text"):
        with pytest.raises(TypeError):
            x + stranger


class Stranger:
    """Something that agrad cannot read as an array, and that knows Tensors."""

    def answer(self, other):
        assert isinstance(other, agrad.Tensor)
        return "the stranger's answer"

    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rmatmul__ = answer
    __rand__ = __ror__ = __rxor__ = __rlshift__ = __rrshift__ = answer
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = answer
    __hash__ = None  # type: ignore[assignment]


FOREIGN = OPERATORS | {
    "@": lambda a, b: a @ b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
    "/=": operator.itruediv,
    "//=": operator.ifloordiv,
    "%=": operator.imod,
    "**=": operator.ipow,
    "@=": operator.imatmul,
    "&=": operator.iand,
    "|=": operator.ior,
    "^=": operator.ixor,
    "<<=": operator.ilshift,
    ">>=": operator.irshift,
}


@pytest.mark.parametrize("sign", FOREIGN)
def test_operators_leave_what_is_no_array_to_the_other_operand(device, sign):
    for x in (agrad.ones(2), agrad.ones(2, requires_grad=True) * 2):
        assert FOREIGN[sign](x, Stranger()) == "the stranger's answer"
        with agrad.no_grad():
            assert FOREIGN[sign](x, Stranger()) == "the stranger's answer"


def test_functions_refuse_what_is_no_array(device):
    with pytest.raises(TypeError, match="Stranger"):
        agrad.add(agrad.ones(2), Stranger())


@pytest.mark.parametrize("other", [[1.0, 2.0], (1.0, 2.0), array("f", [1, 2]), np.float32([1, 2])], ids=repr)
def test_operators_read_what_is_an_array(device, other):
    x = agrad.asarray([1.0, 1.0])
    expected = [float(number) for number in other]
    assert (x * other).tolist() == (other * x).tolist() == expected
    assert (x == other).tolist() == [number == 1.0 for number in expected]


def test_an_operator_still_says_what_is_wrong_with_an_array(device):
    with pytest.raises(ValueError, match=r"add\(.*\(2,\).*\(3,\)"):
        agrad.ones(2) + agrad.ones(3)
    with pytest.raises(ValueError, match="equal lengths"):
        operator.add(agrad.ones(2), [[1.0], [1.0, 2.0]])


def test_in_place_operators_on_plain_tensors(device):
    x = same = agrad.asarray([1.0, 2.0])
    x += 1
    x *= agrad.asarray([2.0, 3.0])
    x -= 1.0
    x /= 2.0
    x **= 2
    assert x is same
    assert_close(x, [2.25, 16.0])


# Writing


def test_items_can_be_set(device):
    x = agrad.zeros((2, 3))
    x[0, 1] = 5.0
    x[1] = agrad.asarray([1.0, 2.0, 3.0])
    x[:, 2] = np.asarray([7.0, 8.0], dtype=np.float32)
    assert x.tolist() == [[0.0, 5.0, 7.0], [1.0, 2.0, 8.0]]


def test_a_leaf_cannot_be_written_while_recording(device):
    x = agrad.ones(3, requires_grad=True)

    def write():
        x[0] = 2.0

    def add():
        nonlocal x
        x += 1

    for change in (write, add, x.zero_):
        with pytest.raises(RuntimeError, match=r"leaf.*no_grad"):
            change()
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_a_leaf_is_written_in_place_under_no_grad(device):
    x = same = agrad.ones(3, requires_grad=True)
    with agrad.no_grad():
        x -= 0.5
        x[0] = 2.0
    assert x is same
    assert x.is_leaf
    assert x.requires_grad
    assert x.tolist() == [2.0, 0.5, 0.5]
    with agrad.no_grad():
        assert x.zero_() is x
    assert x.tolist() == [0.0, 0.0, 0.0]


def test_writing_while_recording_leaves_views_alone(device):
    """Copy-on-write: the same Tensor object gets new data, and what shared the old keeps it."""
    x = agrad.ones(3)
    before = x.detach()
    x += 1
    x[0] = 9.0
    assert x.tolist() == [9.0, 2.0, 2.0]
    assert before.tolist() == [1.0, 1.0, 1.0]


def test_writing_under_no_grad_is_seen_through_detach(device):
    if device.backend.immutable:
        pytest.skip("its arrays do not change: writing rebinds")
    x = agrad.ones(3, requires_grad=True)
    with agrad.no_grad():
        x.detach()[1] = 5.0
    assert x.tolist() == [1.0, 5.0, 1.0]


# Ways out


def test_item_and_tolist(device):
    assert agrad.asarray([[2.5]]).item() == 2.5
    assert type(agrad.asarray(2).item()) is int
    assert agrad.asarray([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert agrad.asarray(1.5).tolist() == 1.5
    with pytest.raises(ValueError, match=r"one element.*\(2,\)"):
        agrad.zeros(2).item()
    with pytest.raises(ValueError, match=r"one element.*\(0,\)"):
        agrad.zeros(0).item()


def test_numpy_copies_to_the_host(device):
    x = agrad.asarray([1.0, 2.0])
    array = x.numpy()
    assert type(array) is np.ndarray
    array[0] = 9.0
    assert x.tolist() == [1.0, 2.0]


def tracked():
    return agrad.asarray([1.0, 2.0], requires_grad=True) * 1


# Showing


def test_repr(device):
    x = agrad.asarray([1.0, 2.5])
    assert repr(x) == f"Tensor([1. , 2.5], dtype=float32, device='{device}')"
    assert "requires_grad=True" in repr(agrad.asarray(1.0, requires_grad=True))
    assert "grad_fn=<multiply>" in repr(tracked())
    assert "int64" in repr(agrad.asarray(1))
    assert repr(agrad.zeros((0, 3))) == f"Tensor([], shape=(0, 3), dtype=float32, device='{device}')"


@pytest.mark.parametrize(
    "shape", [(1_000_000,), (1000, 1000), (100,) * 3, (10,) * 6, (2,) * 12, (3000, 1), (1, 3000), (50, 0)]
)
def test_repr_is_never_more_than_a_screen(shape):
    lines = repr(agrad.zeros(shape)).split("\n")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 120


def test_format():
    assert f"{agrad.asarray(1.23456):.2f}" == "1.23"
    assert f"{agrad.asarray([1.0])}" == str(agrad.asarray([1.0]))


# Copies


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_leaves_can_be_copied_and_pickled(device, duplicate):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    x.note = "kept"
    y = duplicate(x)
    assert type(y) is agrad.Tensor
    assert y.requires_grad
    assert y.is_leaf
    assert y.device is device
    assert y.note == "kept"
    assert_close(y.detach(), x.detach())
    assert_close(y.grad, x.grad)
    with agrad.no_grad():
        y[0] = 9.0
    assert x.tolist() == [1.0, 2.0]
    assert not duplicate(agrad.asarray(1)).requires_grad


def test_tensors_can_be_dictionary_keys():
    x, y = agrad.asarray(1.0), agrad.asarray(1.0)
    assert len({x: 1, y: 2}) == 2


# Moving


def test_to_moves_and_casts(device):
    x = agrad.asarray([1, 2], device="cpu")
    moved = x.to(device)
    assert moved.device is device
    assert moved.cpu().device is agrad.Device("cpu")
    assert moved.to(agrad.float32).dtype is agrad.float32
    assert moved.to(device) is moved
    assert moved.tolist() == [1, 2]


def test_gradients_flow_through_to(device):
    x = agrad.asarray([1.0, 2.0], device="cpu", requires_grad=True)
    (x.to(device) * 3).sum().backward()
    assert x.grad.device is agrad.Device("cpu")
    assert x.grad.tolist() == [3.0, 3.0]


def test_array_namespace_makes_arrays_on_the_tensors_device(device):
    x = agrad.zeros(2)
    with agrad.Device("cpu"):
        namespace = x.__array_namespace__()
        assert namespace.ones(2).device is device
        assert namespace.sum(x).device is device
        assert namespace.fft.rfftfreq(2).device is device
        assert namespace.linalg.inv is agrad.linalg.inv
    assert namespace.fft is x.__array_namespace__().fft
    assert namespace.__array_api_version__ == "2025.12"
    with pytest.raises(ValueError, match="1999"):
        x.__array_namespace__(api_version="1999.01")
