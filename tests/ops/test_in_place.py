"""Writing in place: new data while recording, the buffer itself under no_grad, and never a wrong gradient."""

import operator

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close

OPERATORS = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
    "/=": operator.itruediv,
    "//=": operator.ifloordiv,
    "%=": operator.imod,
    "**=": operator.ipow,
}
BIT_OPERATORS = {
    "&=": operator.iand,
    "|=": operator.ior,
    "^=": operator.ixor,
    "<<=": operator.ilshift,
    ">>=": operator.irshift,
}


def add_one(x):
    x += 1


def subtract_a_tensor(x):
    x -= agrad.ones_like(x)


def subtract_another_dtype(x):
    x -= agrad.ones((), dtype=agrad.float64)


def write_an_element(x):
    x[0] = 7.0


def write_rows(x):
    x[agrad.asarray([2, 0])] = 7.0


def write_a_mask(x):
    x[x > 1.5] = 7.0


def write_through_a_view(x):
    x[1:][0] = 7.0


def write_through_another_view(x):
    x.detach().reshape((3, 1)).fill_(7.0)


def zero(x):
    x.zero_()


def fill(x):
    x.fill_(7.0)


WRITERS = [
    add_one,
    subtract_a_tensor,
    subtract_another_dtype,
    write_an_element,
    write_rows,
    write_a_mask,
    zero,
    fill,
]
VIEW_WRITERS = [write_through_a_view, write_through_another_view]


def name(function):
    return function.__name__


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("other", [2, np.asarray([1.0, 2.0, 3.0], dtype=np.float32)], ids=["number", "array"])
@pytest.mark.parametrize("sign", OPERATORS)
def test_operators_are_numpys(device, sign, other, recorded):
    x = np.asarray([1.5, 2.5, 4.0], dtype=np.float32)
    tensor = agrad.asarray(x.copy())
    with agrad.set_grad_enabled(recorded):
        result = OPERATORS[sign](tensor, agrad.asarray(other) if isinstance(other, np.ndarray) else other)
    assert result is tensor
    assert_close(tensor, agrad.asarray(OPERATORS[sign](x, other)), rtol=1e-6)


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("sign", BIT_OPERATORS)
def test_bit_operators_are_numpys(device, sign, recorded):
    x = np.asarray([5, 6, 12])
    tensor = agrad.asarray(x.copy())
    with agrad.set_grad_enabled(recorded):
        result = BIT_OPERATORS[sign](tensor, 3)
    assert result is tensor
    assert_close(tensor, agrad.asarray(BIT_OPERATORS[sign](x, 3)))


@pytest.mark.parametrize("recorded", [True, False])
def test_matrices_multiply_in_place(device, recorded):
    x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]])
    with agrad.set_grad_enabled(recorded):
        x @= agrad.asarray([[0.0, 1.0], [1.0, 0.0]])
    assert x.tolist() == [[2.0, 1.0], [4.0, 3.0]]


@pytest.mark.parametrize("writer", WRITERS, ids=name)
def test_while_recording_nothing_else_changes(device, writer):
    leaf = agrad.asarray([1.0, 2.0, 3.0], requires_grad=True)
    x = leaf * 1
    other = x.detach()
    y = x * x
    writer(x)
    assert x.tolist() != [1.0, 2.0, 3.0]
    assert other.tolist() == [1.0, 2.0, 3.0]
    y.sum().backward()
    assert leaf.grad.tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize("writer", WRITERS, ids=name)
def test_leaves_are_refused_while_recording(device, writer):
    leaf = agrad.asarray([1.0, 2.0, 3.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"leaf.*no_grad"):
        writer(leaf)
    assert leaf.tolist() == [1.0, 2.0, 3.0]
    assert leaf.is_leaf


@pytest.mark.parametrize("writer", WRITERS + VIEW_WRITERS, ids=name)
def test_under_no_grad_the_buffer_changes(device, writer):
    if device.backend.immutable:
        pytest.skip("its arrays never change")
    leaf = agrad.asarray([1.0, 2.0, 3.0], requires_grad=True)
    buffer, shared = leaf.data, leaf.detach()
    with agrad.no_grad():
        writer(leaf)
    assert leaf.data is buffer
    assert leaf.is_leaf
    assert leaf.requires_grad
    assert leaf.tolist() != [1.0, 2.0, 3.0]
    assert shared.tolist() == leaf.tolist()


@pytest.mark.parametrize("writer", WRITERS + VIEW_WRITERS, ids=name)
def test_a_value_that_a_gradient_needs_is_missed_when_it_was_changed(device, writer):
    if device.backend.immutable:
        pytest.skip("its arrays never change")
    leaf = agrad.asarray([1.0, 2.0, 3.0], requires_grad=True)
    y = leaf * leaf
    with agrad.no_grad():
        writer(leaf)
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


@pytest.mark.parametrize("writer", WRITERS, ids=name)
def test_a_value_that_no_gradient_needs_may_change(device, writer):
    leaf = agrad.asarray([1.0, 2.0, 3.0], requires_grad=True)
    y = leaf + leaf
    with agrad.no_grad():
        writer(leaf)
    y.sum().backward()
    assert leaf.grad.tolist() == [2.0, 2.0, 2.0]


def test_gradients_flow_through_operators_in_place(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    scale = agrad.asarray(3.0, requires_grad=True)
    y = x * 1
    y *= scale
    y += y
    y **= 2
    y.sum().backward()
    assert x.grad.tolist() == [72.0, 144.0]
    assert scale.grad.item() == 120.0


def test_gradients_flow_through_elements_changed_in_place(device):
    x = agrad.asarray([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    for i in range(1, 3):
        y[i] *= y[i - 1]
    assert y.tolist() == [1.0, 2.0, 6.0]
    y[2].backward()
    assert x.grad.tolist() == [6.0, 3.0, 2.0]


def test_overwritten_values_get_no_gradient(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    y = x * 1
    y.zero_()
    (y + x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_writing_a_tracked_value_makes_a_tensor_tracked(device):
    v = agrad.asarray(2.0, requires_grad=True)
    x = agrad.zeros(3)
    x[1] = v
    x += v
    assert not x.is_leaf
    x.sum().backward()
    assert v.grad.item() == 4.0


def test_two_names_of_one_tensor_see_the_same(device):
    x = agrad.zeros(2)
    y = x
    x += 1
    assert y.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("recorded", [True, False])
def test_the_dtype_stays(device, recorded):
    with agrad.set_grad_enabled(recorded):
        x = agrad.ones(2, dtype=agrad.float32)
        x += agrad.ones(2, dtype=agrad.float64)
        assert x.dtype is agrad.float32
        x *= np.float64(3.0)
        assert (x.dtype, x.tolist()) == (agrad.float32, [6.0, 6.0])
        with pytest.raises(TypeError, match="complex"):
            x *= agrad.asarray(1j)
        i = agrad.asarray([4, 6])
        for change, other in [
            (operator.iadd, 1.5),
            (operator.iadd, agrad.asarray([0.5, 1.5])),
            (operator.itruediv, 2),
        ]:
            with pytest.raises(TypeError):
                change(i, other)
        with pytest.raises(TypeError, match="int64"):
            i.fill_(0.5)
        assert (i.dtype, i.tolist()) == (agrad.int64, [4, 6])


@pytest.mark.parametrize("recorded", [True, False])
def test_the_shape_stays(device, recorded):
    x = agrad.ones(3)
    with agrad.set_grad_enabled(recorded), pytest.raises(ValueError, match=r"\(3,\)(.|\n)*\(2, 3\)"):
        x += agrad.ones((2, 3))
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_a_part_of_itself_can_be_added(device):
    x = agrad.asarray([1.0, 2.0, 3.0])
    with agrad.no_grad():
        x += x[0]
    assert x.tolist() == [2.0, 3.0, 4.0]
    x[1:] = x[:-1]
    assert x.tolist() == [2.0, 2.0, 3.0]


def test_values_overwritten_by_a_full_mask_get_no_gradient(device):
    x = agrad.tensor([1.0, 2.0], requires_grad=True)
    roots = agrad.sqrt(0 * x)  # their slopes are infinite
    roots[agrad.asarray([True, True])] = 3 * x
    roots.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
