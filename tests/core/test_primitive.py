"""@primitive: how ops are made, called, and how they complain."""

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

import agrad
from agrad.core import codegen
from agrad.core.codegen import call_text
from agrad.core.primitive import ArrayLike, primitive, registry
from agrad.testing import assert_close, check_grads


@pytest.fixture(autouse=True)
def own_registry():
    """Forget the primitives that a test makes."""
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)


def make_cube():
    @primitive
    def cube(xp: Any, x: ArrayLike, /) -> agrad.Tensor:
        """The third power."""
        return x * x * x

    cube.vjp(x=lambda g, x: 3 * x * x * g)
    return cube


def test_a_primitive_in_three_lines(device):
    cube = make_cube()
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    cube(x).sum().backward()
    assert x.grad.tolist() == [3.0, 12.0]
    assert cube(2.0).device is device
    if device.backend.supports_float64:
        check_grads(cube, [x], order=3)


def test_what_has_a_default_is_the_rules_own(device):
    rules = []
    for factor in (2.0, 3.0):
        cube = make_cube()
        cube.vjp(x=lambda g, x_shape, factor=factor: factor * g)
        x = agrad.asarray([1.0, 2.0], requires_grad=True)
        cube(x).sum().backward()
        rules.append(x.grad.tolist())
    assert rules == [[2.0, 2.0], [3.0, 3.0]]


def test_a_default_of_what_the_op_has_too_is_not_the_rules_own():
    @primitive
    def power(xp: Any, x: ArrayLike, /, n: int = 2) -> agrad.Tensor:
        return x**n

    def rule(g, x, n=2, xp=None, factor=1):
        return factor * g * n * xp.asarray(x) ** (n - 1)

    power.vjp(x=rule)
    x = agrad.tensor(2.0, requires_grad=True)
    power(x, 3).backward()
    assert x.grad.item() == 12.0
    with pytest.raises(TypeError, match=r"takes g, factor, x; .* and last parameters with defaults"):
        power.vjp(x=lambda g, factor=1, x=None: g)


def test_an_error_in_a_rule_with_parameters_of_its_own(device):
    def rule(g, x, scale=2.0):
        raise ValueError("odd")

    x = agrad.ones((2, 3), requires_grad=True)
    cube = make_cube()
    cube.vjp(x=rule)
    with pytest.raises(
        ValueError, match=r"given g=float32 of shape \(2, 3\), x=float32 of shape \(2, 3\): odd"
    ) as caught:
        cube(x).sum().backward()
    assert "scale" not in str(caught.value)


def test_sequences_of_any_length_leave_nothing_behind():
    def run(n):
        xs = [agrad.ones(1, requires_grad=i % 3 != n % 3) for i in range(n)]
        agrad.stack(xs).sum().backward()

    run(5)
    before = codegen._compiled.cache_info().currsize
    for n in range(6, 40):
        run(n)
    assert codegen._compiled.cache_info().currsize == before
    assert len(agrad.stack.definition.plans) == 1


@pytest.mark.parametrize("create_graph", [False, True])
def test_those_elements_of_a_sequence_that_need_no_gradient_are_passed_over(device, create_graph):
    a, b, c, d = (agrad.asarray([float(i)], requires_grad=i % 2 == 1) for i in range(4))
    for xs, expected in (([a, b, c, d], [2.0, 6.0]), ([d, a, b], [2.0, 6.0]), ([b, b, d, c], [4.0, 6.0])):
        y = agrad.sum(agrad.concat(xs) ** 2)
        assert [g.item() for g in agrad.gradients(y, [b, d], create_graph=create_graph)] == expected


def test_a_primitive_looks_like_its_forward():
    cube = make_cube()
    assert cube.__name__ == "cube"
    assert cube.__doc__ == "The third power."
    assert cube.__module__ == __name__
    assert list(inspect.signature(cube).parameters) == ["x"]
    assert registry[f"{__name__}.cube"] is cube.definition


def test_standard_ops_do_what_their_forwards_say():
    """They call the namespace's function without their forward: so that must do the same."""

    class Probe:
        def __getattr__(self, name):
            return lambda *args, **kwargs: (name, args, kwargs)

    ops = {name: op for name, op in vars(agrad).items() if hasattr(op, "definition") and op.definition.standard}
    assert len(ops) > 50
    for name, op in ops.items():
        args = tuple(op.definition.arrays)
        assert "_device.xp.OP(" in call_text(op.definition, standard=True)
        assert not op.definition.settings
        assert op.forward(Probe(), *args) == (name, args, {})


def test_rules_ask_by_name():
    asked = {}

    @primitive
    def scaled(xp: Any, x: ArrayLike, y: ArrayLike, /, factor: float, *, power: int = 1) -> agrad.Tensor:
        return x * y * factor**power

    def rule(g, out, xp, x, y, factor, power, x_shape, y_dtype):
        asked.update(locals())
        return g * y * factor**power

    scaled.vjp(x=rule)
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    scaled(x, 3.0, 2.0, power=2).sum().backward()
    assert x.grad.tolist() == [12.0, 12.0]
    assert (asked["factor"], asked["power"], asked["x_shape"]) == (2.0, 2, (2,))
    scaled(x, agrad.ones(2), 2.0).sum().backward()
    assert asked["power"] == 1
    assert asked["y_dtype"] == np.float32
    scaled(x, agrad.ones(2), factor=5.0).sum().backward()
    assert asked["factor"] == 5.0


def test_a_rule_runs_on_raw_arrays_first_and_on_tensors_for_higher_orders(device):
    seen = []

    @primitive
    def square(xp: Any, x: ArrayLike, /) -> agrad.Tensor:
        return x * x

    square.vjp(x=lambda g, x: seen.append(type(x)) or 2 * x * g)
    x = agrad.asarray(3.0, requires_grad=True)
    square(x).backward()
    (slope,) = agrad.gradients(square(x), x, create_graph=True)
    assert seen == [device.array_type, agrad.Tensor]
    assert agrad.gradients(slope, x)[0].item() == 2.0


def test_an_argument_without_a_rule_is_constant():
    @primitive
    def weigh(xp: Any, x: ArrayLike, weights: ArrayLike, /) -> agrad.Tensor:
        return x * weights

    weigh.vjp(x=lambda g, weights: g * weights)
    x, w = agrad.ones(2, requires_grad=True), agrad.ones(2, requires_grad=True)
    weigh(x, w).sum().backward()
    assert x.grad is not None
    assert w.grad is None
    assert not weigh(x.detach(), w).requires_grad


def test_rules_of_inputs_that_need_no_gradient_are_not_run():
    ran = []

    @primitive
    def product(xp: Any, x1: ArrayLike, x2: ArrayLike, /) -> agrad.Tensor:
        return x1 * x2

    product.vjp(x1=lambda g, x2: ran.append(1) or g * x2, x2=lambda g, x1: ran.append(2) or g * x1)
    x, y = agrad.ones(2, requires_grad=True), agrad.ones(2, requires_grad=True)
    product(x, agrad.ones(2)).sum().backward()
    assert ran == [1]
    agrad.gradients(product(x, y).sum(), y)
    assert ran == [1, 2], "gradients() runs only the rules on the way to what is asked for"


def test_rules_that_cannot_be_are_refused_where_they_are_written():
    cube = make_cube()
    with pytest.raises(TypeError, match=r"cube has no array argument 'y'.*\['x'\]"):
        cube.vjp(y=lambda g: g)
    with pytest.raises(TypeError, match=r"cube for 'x' takes g, mask; it must take g first, then any of out, x"):
        cube.vjp(x=lambda g, mask: g)


def test_a_rule_that_returns_a_wrong_shape_is_named(device):
    @primitive
    def total(xp: Any, x: ArrayLike, /) -> agrad.Tensor:
        return xp.sum(x)

    total.vjp(x=lambda g: g)
    with pytest.raises(ValueError, match=r"rule of total for 'x', .* returned shape \(\) for an input of shape \(3,\)"):
        total(agrad.ones(3, requires_grad=True)).backward()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda g, x: None, "must return .*, not None; compute it from g"),
        (lambda g, x: 1.0, "must return .*, not builtins.float; compute it from g"),
        (lambda g, x: x > 0, r"returned \S*bool; a gradient is floating"),
        (lambda g, x, xp: xp.astype(g, xp.int64), r"returned \S*int\d\d; a gradient is floating"),
        (
            lambda g, x: agrad.asarray(x) if not isinstance(x, agrad.Tensor) else x.data,
            "must return .*; compute it from g with op",
        ),
    ],
)
def test_what_a_rule_returns_is_checked_at_first_use(device, rule, message):
    @primitive
    def double(xp: Any, x: ArrayLike, /) -> agrad.Tensor:
        return 2 * x

    double.vjp(x=rule)
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match=f"rule of double for 'x', .*: it {message}"):
        double(x).sum().backward()
    with pytest.raises(TypeError, match=f"rule of double for 'x', .*: it {message}"):
        agrad.gradients(double(x).sum(), x, create_graph=True)


def test_what_the_rule_of_a_sequence_returns_is_checked(device):
    @primitive
    def total(xp: Any, arrays: Sequence[ArrayLike], /) -> agrad.Tensor:
        return sum(arrays)

    x, y = agrad.ones(2, requires_grad=True), agrad.ones(2, requires_grad=True)
    total.vjp(arrays=lambda g: g)
    with pytest.raises(TypeError, match="it must return a list of 2 arrays, one per element, not"):
        total([x, y]).sum().backward()
    total.vjp(arrays=lambda g: [g, None])
    with pytest.raises(TypeError, match="at 1 it must return"):
        total([x, y]).sum().backward()
    total.vjp(arrays=lambda g, arrays: [g for _ in arrays])
    total([x, y]).sum().backward()
    assert y.grad.tolist() == [1.0, 1.0]


def test_rules_of_agrads_own_ops_run_unchecked():
    assert not hasattr(agrad.multiply.definition.rules["x1"][0], "__wrapped__")


def test_primitive_is_public():
    assert inspect.unwrap(agrad.primitive) is primitive
    assert agrad.ArrayLike is ArrayLike


def test_several_outputs(device):
    class Both(NamedTuple):
        double: Any
        square: Any

    @primitive
    def both(xp: Any, x: ArrayLike, /) -> Both:
        return Both(x * 2, x * x)

    both.vjp(x=lambda g, x: 2 * g[0] + 2 * x * g[1])
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    result = both(x)
    assert isinstance(result, Both)
    result.square.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [2.0, 4.0]
    x.grad = None
    (result.square + result.double).sum().backward()
    assert x.grad.tolist() == [4.0, 6.0]
    if device.backend.supports_float64:
        check_grads(lambda x: both(x), [x], order=3)
        check_grads(lambda x: both(x).double, [x], order=3)


def test_outputs_that_are_integers_are_not_tracked(device):
    @primitive
    def largest(xp: Any, x: ArrayLike, /) -> tuple[Any, Any]:
        return xp.max(x), xp.argmax(x)

    largest.vjp(x=lambda g, out, xp, x: g[0] * xp.astype(x == out[0], x.dtype))
    x = agrad.asarray([1.0, 3.0, 2.0], requires_grad=True)
    value, index = largest(x)
    assert value.requires_grad
    assert not index.requires_grad
    assert index.item() == 1
    value.backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


def test_a_sequence_of_arrays(device):
    @primitive
    def add_up(xp: Any, arrays: Sequence[ArrayLike], /, *, scale: float = 1.0) -> agrad.Tensor:
        total = arrays[0]
        for array in arrays[1:]:
            total = total + array
        return total * scale

    add_up.vjp(arrays=lambda g, arrays_shape, scale: [g * scale for _ in arrays_shape])
    xs = [agrad.asarray([1.0, 2.0], requires_grad=True) for _ in range(3)]
    y = add_up([xs[0], agrad.ones(2), xs[1], xs[2]], scale=2.0)
    assert y.tolist() == [8.0, 14.0]
    y.sum().backward()
    assert [x.grad.tolist() for x in xs] == [[2.0, 2.0]] * 3
    add_up((xs[0], xs[0])).sum().backward()
    assert xs[0].grad.tolist() == [4.0, 4.0]


def test_optional_arrays(device):
    @primitive
    def affine(xp: Any, x: ArrayLike, shift: ArrayLike | None = None, /) -> agrad.Tensor:
        return x * 2 if shift is None else x * 2 + shift

    affine.vjp(x=lambda g: 2 * g, shift=lambda g: g)
    x, b = agrad.ones(2, requires_grad=True), agrad.ones((), requires_grad=True)
    affine(x).sum().backward()
    affine(x, b).sum().backward()
    affine(agrad.ones(2), b).sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]
    assert b.grad.item() == 4.0


def test_arguments_by_keyword():
    @primitive
    def scale(xp: Any, x: ArrayLike, by: ArrayLike) -> agrad.Tensor:
        return x * by

    scale.vjp(x=lambda g, by: g * by, by=lambda g, x: g * x)
    x, by = agrad.ones(2, requires_grad=True), agrad.asarray(3.0, requires_grad=True)
    scale(x, by=by).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert by.grad.item() == 2.0
    scale(x=x, by=3.0).sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


# Errors


def test_shapes_that_do_not_broadcast_are_both_named(device):
    for combine in (lambda a, b: a + b, agrad.multiply, lambda a, b: a == b, agrad.atan2):
        with pytest.raises(ValueError, match=r"(?=.*\(2, 3\))(?=.*\(4,\))"):
            combine(agrad.ones((2, 3)), agrad.ones(4))


def test_shapes_that_do_not_multiply_are_both_named(device):
    with pytest.raises(ValueError, match=r"matmul(?=.*\(2, 3\))(?=.*\(2, 4\))"):
        agrad.ones((2, 3)) @ agrad.ones((2, 4))


def test_errors_name_the_op_and_its_arguments(device):
    with pytest.raises(ValueError, match=r"reshape\(float32 of shape \(2, 3\), shape=\(4,\)"):
        agrad.reshape(agrad.ones((2, 3)), (4,))
    with pytest.raises(ValueError, match=r"concat\(.*\(2,\).*\(2, 2\)"):
        agrad.concat([agrad.ones(2), agrad.ones((2, 2))])


def test_the_librarys_error_stays_the_cause(device):
    with pytest.raises(ValueError, match="reshape") as error:
        agrad.reshape(agrad.ones((2, 3)), (4,))
    assert error.value.__cause__ is not None


def test_wrong_types_are_type_errors(device):
    with pytest.raises(TypeError):
        agrad.ones(2) + "text"
    with pytest.raises(TypeError):
        agrad.exp("text")
    with pytest.raises(TypeError):
        agrad.exp()
    with pytest.raises(TypeError):
        agrad.exp(agrad.ones(2), agrad.ones(2))
    with pytest.raises(TypeError, match=r"at least one|Tensor"):
        agrad.add(None, None)


# Plain numbers


def test_numbers_take_the_tensors_dtype(device):
    x = agrad.ones(2, requires_grad=True)
    for y in (x * 2, x * 2.5, 2 * x, np.float64(2.0) * x, np.int32(2) * x):
        assert y.dtype is agrad.float32
        assert y.requires_grad


def test_two_numbers_make_a_tensor(device):
    assert agrad.add(1.0, 2.0).item() == 3.0
    assert agrad.add(1, 2).dtype is agrad.int64
    assert agrad.exp(0.0).device is device


def test_lists_beside_tensors(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    assert_close(agrad.add(x, [10.0, 20.0]), agrad.asarray([11.0, 22.0]))
    numbers = [10.0, 20.0]
    assert_close(numbers + x, agrad.asarray([11.0, 22.0]))


def test_several_outputs_that_a_rule_asks_for_reach_the_second_order(device):
    """The same output is then used by the caller and by the rule, and what comes back from both counts."""
    if not device.backend.supports_float64:
        pytest.skip(f"{device} does not compute in float64")

    @primitive
    def powers(xp: Any, x: ArrayLike, /) -> tuple[agrad.Tensor, agrad.Tensor]:
        e = xp.exp(x)
        return e, e * e

    powers.vjp(x=lambda g, out: g[0] * out[0] + 2 * g[1] * out[0] * out[0])
    check_grads(powers, [agrad.asarray([0.5, -1.0])], order=3)

    def composed(x):
        first, second = powers(x)
        return first**2 * second

    check_grads(composed, [agrad.asarray([0.5, -1.0])], order=3)


# Errors in rules


def broken(rule):
    @primitive
    def fragile(xp: Any, x: ArrayLike, y: ArrayLike, /, power: int = 1) -> agrad.Tensor:
        return x * y

    fragile.vjp(y=rule)
    return fragile


@pytest.mark.parametrize(
    ("error", "raised"),
    [(ValueError("odd"), ValueError), (TypeError("odd"), TypeError), (KeyError("odd"), RuntimeError)],
)
def test_an_error_in_a_rule_names_op_argument_and_what_it_was_given(device, error, raised):
    def rule(g, x, y_shape, xp, power):
        raise error

    x, y = agrad.ones((2, 3)), agrad.ones(3, requires_grad=True)
    expected = (
        r"rule of fragile for 'y', given g=float32 of shape \(2, 3\), x=float32 of shape \(2, 3\), "
        r"y_shape=\(3,\), power=2: '?odd"
    )
    with pytest.raises(raised, match=expected) as caught:
        broken(rule)(x, y, power=2).sum().backward()
    assert caught.value.__cause__ is error


def test_an_error_in_a_recorded_rule_names_the_op_and_the_rule(device):
    x, y = agrad.ones((2, 3)), agrad.ones(3, requires_grad=True)
    z = broken(lambda g, x: agrad.reshape(g, (7,)) * x)(x, y).sum()
    expected = r"rule of fragile for 'y'.*: reshape\(float32 of shape \(2, 3\), shape=\(7,\)"
    with pytest.raises(ValueError, match=expected):
        z.backward(create_graph=True)


def test_an_error_in_the_rule_of_an_op_over_a_sequence(device):
    @primitive
    def both(xp: Any, arrays: Sequence[ArrayLike], /) -> agrad.Tensor:
        return xp.concat(arrays)

    def rule(g, arrays):
        raise ValueError("odd")

    both.vjp(arrays=rule)
    x = agrad.ones(2, requires_grad=True)
    given = r"arrays=\[float32 of shape \(2,\), float32 of shape \(1,\)\]: odd"
    with pytest.raises(ValueError, match=rf"rule of both for 'arrays', given g=float32 of shape \(3,\), {given}"):
        both([x, agrad.ones(1)]).sum().backward()


@pytest.mark.parametrize(
    "forward",
    [lambda: None, lambda x: x, lambda xp, x: x],
    ids=["of nothing", "without a namespace", "without an annotation"],
)
def test_a_forward_without_a_namespace_or_an_array_is_refused(forward):
    with pytest.raises(TypeError, match=r"write def <lambda>\(xp, x: ArrayLike\): \.\.\., not <lambda>\("):
        primitive(forward)


def test_a_forward_that_begins_with_an_array_is_refused():
    def doubled(x: ArrayLike):
        return 2 * x

    with pytest.raises(TypeError, match=r"write def doubled\(xp, x: ArrayLike\)"):
        primitive(doubled)
