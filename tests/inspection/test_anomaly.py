"""detect_anomaly: what is born where, and what an error says of it."""

import threading
from typing import Any

import pytest

import agrad
from agrad import nn
from agrad.core.observing import observers
from agrad.core.primitive import ArrayLike, primitive, registry
from agrad.testing import assert_close


@pytest.fixture(autouse=True)
def own_registry():
    """Forget the primitives that a test makes."""
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)


loud = pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")  # NumPy tells of what is not to raise


def leaf(*values, **settings):
    return agrad.asarray(list(values), requires_grad=True, **settings)


def fails(expected):
    return pytest.raises(FloatingPointError, match=expected)


# Forward


def test_an_infinity_born_in_forward(device):
    x = leaf(4.0, 0.0)
    with agrad.detect_anomaly(), fails(r"^divide made inf\n") as error:
        1.0 / x  # the line
    text = str(error.value)
    assert "x2: float32 of shape (2,), from 0 to 4\n" in text
    assert "result: float32 of shape (2,), from 0.25 to 0.25, 1 inf\n" in text
    assert f"called at {__file__}, line " in text
    assert text.endswith("1.0 / x  # the line")


def test_a_nan_born_in_forward(device):
    with agrad.detect_anomaly(), fails(r"^sqrt made NaN\n  x: float32 of shape \(3,\), from -1 to 2"):
        agrad.sqrt(agrad.asarray([-1.0, 1.0, 2.0]))


def test_recorded_or_not(device):
    with agrad.detect_anomaly():
        with agrad.no_grad(), fails("log made inf"):
            agrad.log(leaf(0.0))
        with fails("log made inf"):
            agrad.log(agrad.zeros(2))


def test_nan_in_the_inputs_is_not_an_anomaly(device):
    bad = agrad.asarray([agrad.nan, agrad.inf, 1.0])
    x = leaf(1.0, 2.0, 3.0)
    with agrad.detect_anomaly():
        y = x * bad + agrad.inf
        agrad.concat([x, bad])
        agrad.where(bad > 0, x, -agrad.inf)
        y.sum().backward()
    assert_close(x.grad, bad)


def test_a_nan_made_of_infinities_is_born(device):
    with agrad.detect_anomaly(), fails("subtract made NaN"):
        agrad.asarray([agrad.inf]) - agrad.asarray([agrad.inf])


def test_one_of_several_outputs(device):
    x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    with agrad.detect_anomaly():
        first, second = agrad.unstack(x)
        (first * second).sum().backward()
    assert_close(x.grad, [[3.0, 4.0], [1.0, 2.0]])


def test_integers_booleans_and_empty_arrays_are_never_anomalous(device):
    with agrad.detect_anomaly():
        assert (agrad.arange(3) + 1).tolist() == [1, 2, 3]
        assert agrad.isnan(agrad.asarray([agrad.nan])).tolist() == [True]
        assert (agrad.zeros(0) + 1).shape == (0,)


def test_complex_values_are_shown_by_their_size(device):
    with agrad.detect_anomaly(), fails(r"x1: complex64 of shape \(1,\), absolute values from 5 to 5"):
        agrad.asarray([3.0 + 4.0j]) / agrad.asarray([0.0j])


def test_the_line_is_the_users_also_through_layers(device):
    layer = nn.Linear(2, 1)
    x = agrad.asarray([[1e38, 1e38]])
    with agrad.no_grad():
        layer.weight.fill_(1e5)
    with agrad.detect_anomaly(), fails(r"made inf") as error:
        layer(x)  # here
    assert str(error.value).endswith("layer(x)  # here")


# Backward


def test_an_infinity_born_in_a_rule(device):
    x = leaf(4.0, 0.0)
    with agrad.detect_anomaly(), fails("^the gradient rule of sqrt for 'x' made inf\n") as error:
        y = agrad.sqrt(x)  # forward
        y.sum().backward()
    text = str(error.value)
    assert "g: float32 of shape (2,), from 1 to 1" in text
    assert "out: float32 of shape (2,), from 0 to 2" in text
    assert text.endswith("y = agrad.sqrt(x)  # forward")


def test_a_rule_under_create_graph(device):
    x = leaf(0.0)
    with agrad.detect_anomaly(), fails("the gradient rule of sqrt for 'x'.*divide made inf") as error:
        y = agrad.sqrt(x)  # forward
        y.sum().backward(create_graph=True)
    assert str(error.value).endswith("y = agrad.sqrt(x)  # forward")


def test_a_forward_outside_has_no_line():
    y = agrad.sqrt(leaf(0.0)).sum()
    with agrad.detect_anomaly(), fails(r"made inf(.|\n)*not known: run it under detect_anomaly\(\) too"):
        y.backward()


def test_lines_are_remembered_from_one_block_to_the_next():
    with agrad.detect_anomaly():
        y = agrad.sqrt(leaf(0.0))  # forward
    with agrad.detect_anomaly(), fails("# forward"):
        y.sum().backward()


def test_a_gradient_that_was_given_is_not_born(device):
    x = leaf(1.0, 2.0)
    with agrad.detect_anomaly():
        (x * 2).backward(agrad.asarray([agrad.nan, agrad.inf]))
    assert_close(x.grad, [agrad.nan, agrad.inf])


@loud
def test_a_sum_of_gradients_that_overflows(device):
    x = leaf(1e-30)
    with agrad.detect_anomaly(), fails("arrive at the output of multiply sum up to inf") as error:
        y = x * 1.0  # forward
        (y * 3e38 + y * 3e38).sum().backward()
    assert "# forward" in str(error.value)


def test_a_cast_that_overflows_in_the_gradient(device):
    if not device.backend.supports_float64:
        pytest.skip("needs two precisions")
    x, big = leaf(1e-30), agrad.asarray([1e300], dtype=agrad.float64)
    with agrad.detect_anomaly(), fails("the gradient rule of multiply for 'x1' made inf"):
        (x * big).sum().backward()


def test_a_gradient_that_comes_back_from_another_device(device):
    x = leaf(4.0, 0.0)
    other = "cpu" if device.kind != "cpu" else "strict"
    with agrad.detect_anomaly():
        moved = agrad.to_device(x, other)
        (moved * 2.0).sum().backward()
        assert_close(x.grad, [2.0, 2.0])
        with fails("the gradient rule of sqrt for 'x' made inf"):
            agrad.sqrt(agrad.to_device(x, other)).sum().backward()


def test_an_op_over_a_sequence(device):
    x, y = leaf(1.0), leaf(2.0)
    with agrad.detect_anomaly():
        agrad.concat([x * 1, y * 1]).backward(agrad.asarray([agrad.inf, 1.0]))
    assert_close(x.grad, [agrad.inf])
    assert_close(y.grad, [1.0])


def test_other_errors_of_backward_name_the_line_of_the_forward(device):
    @primitive
    def broken(xp: Any, x: ArrayLike, /) -> agrad.Tensor:
        return x * 1

    broken.vjp(x=lambda g, x: g.there_is_no_such_thing)
    x = leaf(1.0, 2.0)
    given = r"given g=float32 of shape \(2,\), x=float32 of shape \(2,\)"
    with agrad.detect_anomaly():
        y = broken(x)  # forward
        with pytest.raises(RuntimeError, match=rf"rule of broken for 'x', {given}(.|\n)*broken\(x\)  # forward$"):
            y.sum().backward()


def test_a_freed_or_changed_value_names_the_line_of_the_forward():
    x = leaf(1.0, 2.0)
    with agrad.detect_anomaly():
        y = agrad.exp(x)  # forward
        y.sum().backward()
        with pytest.raises(RuntimeError, match=r"exp saved were freed(.|\n)*# forward"):
            y.sum().backward()
        y = agrad.exp(x)  # forward
        with agrad.no_grad():
            y += 1
        with pytest.raises(RuntimeError, match=r"exp needs was changed(.|\n)*# forward"):
            y.sum().backward()


@loud
def test_check_nan_false_only_names_lines():
    x = leaf(0.0)
    with agrad.detect_anomaly(check_nan=False):
        y = agrad.sqrt(x)  # forward
        y.sum().backward(retain_graph=False)
        assert x.grad.tolist() == [agrad.inf]
        with pytest.raises(RuntimeError, match="# forward"):
            y.sum().backward()


# Where it reaches


def test_a_healthy_step_is_the_same_as_without(device):
    x = leaf(1.0, 2.0)
    with agrad.detect_anomaly():
        (agrad.tanh(x) * x).sum().backward()
    inside, x.grad = x.grad, None
    (agrad.tanh(x) * x).sum().backward()
    assert_close(inside, x.grad)


@loud
def test_it_ends_with_its_block_also_by_an_error():
    with fails("log made inf"), agrad.detect_anomaly():
        agrad.log(agrad.zeros(1))
    agrad.log(agrad.zeros(1))
    assert not observers


@loud
def test_it_is_of_its_own_context():
    done = []

    def elsewhere():
        done.append(agrad.log(agrad.zeros(1)).item())

    with agrad.detect_anomaly():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert done == [-agrad.inf]


@pytest.mark.cuda
def test_a_matrix_that_has_no_decomposition_is_an_error_on_cuda():
    """CuPy looks at what its solvers report only when it is told to: it would wait for the GPU."""
    with agrad.Device("cuda"):
        x = agrad.asarray([[-1.0, 0.0], [0.0, -1.0]])
        assert agrad.linalg.cholesky(x).shape == (2, 2)  # and wrong
        with agrad.detect_anomaly(), pytest.raises(ValueError, match=r"cholesky\(float32 of shape \(2, 2\)"):
            agrad.linalg.cholesky(x)
