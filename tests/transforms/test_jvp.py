"""Forward mode against the transposed reverse mode, on every row of tests/cases.py; what it keeps and drops."""

import tracemalloc

import numpy as np
import pytest

import agrad
from agrad import nn
from agrad.core.primitive import registry
from agrad.testing import assert_close
from agrad.transforms import jvp as forward_mode
from agrad.transforms.linearized import Linearized
from tests.ops.test_cases import arrays_of, each_row, find, make, outputs, prepared, tensors
from tests.virtual.test_cases import precise, refill_tensors


def transposed(f, primals, tangents):
    """Return the Jacobian-vector product by two passes of reverse mode."""
    at = Linearized(f, primals, {}, range(len(primals)))
    return at.push([t.astype(x.dtype) for t, x in zip(tangents, at.inputs, strict=True)])


def pushed(f, primals, tangents):
    return agrad.jvp(f, primals, tangents)[1]


def differentiable_row(case, is_complex, device):
    """Return a row as a function of its floating arguments with floating results; these arguments, and tangents."""
    _, precision = prepared(case, is_complex, device)
    random = np.random.default_rng(1)
    args, op = tensors([make(spec, random, is_complex) for spec in case.args], precision), find(case)
    xs = arrays_of(args)
    places = [i for i, x in enumerate(xs) if x.dtype.differentiable]

    def function(*floating):
        filled = list(xs)
        for i, x in zip(places, floating, strict=True):
            filled[i] = x
        return [y for y in outputs(case.run(op, refill_tensors(args, filled))) if y.dtype.differentiable]

    primals = [xs[i] for i in places]
    if not case.order or not primals or not function(*primals):
        pytest.skip(f"{case} has no gradients")
    draw = lambda x: agrad.asarray(random.uniform(0.5, 1.5, x.shape), dtype=precise(precision)).astype(x.dtype)
    return function, primals, [draw(x) for x in primals], precision


@pytest.mark.property
@each_row
def test_tangents_of_a_row_are_those_of_transposed_reverse_mode(device, case, is_complex):
    function, primals, tangents, precision = differentiable_row(case, is_complex, device)
    tolerance = max(case.tolerance, 1e-8) if precision == "double" else 2e-3

    def compare(found, expected):
        for a, e in zip(found, expected, strict=True):
            assert_close(a, e, rtol=tolerance, atol=tolerance)

    compare(pushed(function, primals, tangents), transposed(function, primals, tangents))
    if case.op != "ops.data_type.move":  # which leaves the vmap
        batch = [agrad.stack([t, -2 * t]) for t in tangents]
        several = agrad.vmap(lambda *ts: pushed(function, primals, ts))(*batch)
        compare([y[1, ...] for y in several], [-2 * y for y in pushed(function, primals, tangents)])
    if case.order < 2:
        return
    of_primals = lambda push: lambda *xs: push(function, xs, tangents)
    compare(*[push(of_primals(push), primals, tangents) for push in (pushed, transposed)])
    number = lambda push: lambda *xs: sum(agrad.sum(agrad.real(y)) for y in push(function, xs, tangents))
    every = range(len(primals))
    compare(*[agrad.grad(number(push), every)(*primals) for push in (pushed, transposed)])
    slope = lambda *xs: agrad.grad(lambda *xs: sum(agrad.sum(agrad.real(y)) for y in function(*xs)), every)(*xs)
    compare(pushed(lambda *xs: list(slope(*xs)), primals, tangents), transposed(slope, primals, tangents))


def sines(x):
    for _ in range(100):
        x = agrad.sin(x)
    return x


def test_memory_does_not_grow_with_the_number_of_ops():
    x = agrad.full(100_000, 0.5, device="cpu")
    peaks = []
    for run in (lambda: sines(x), lambda: agrad.jvp(sines, [x], [x])):
        run()
        tracemalloc.start()
        run()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.2 * peaks[0]


def test_a_function_that_asks_the_tape_for_gradients_of_its_arguments(device):
    def slope(x):
        y = agrad.sin(x) * x
        return agrad.gradients(y, x, create_graph=True)[0]

    x = agrad.asarray(0.5)
    assert_close(agrad.jvp(slope, [x], [x])[1], agrad.jvp(agrad.grad(lambda x: agrad.sin(x) * x), [x], [x])[1])
    between = lambda x: agrad.gradients((z := x * 2) * z, z, create_graph=True)[0]
    assert agrad.jvp(between, [x], [1.0])[1].item() == 4.0


def test_gradients_flow_to_what_the_function_uses_and_to_the_tangents(device):
    w, x, t = (agrad.asarray(v, requires_grad=True) for v in (2.0, 3.0, 5.0))
    y, tangent = agrad.jvp(lambda x: w * x**3 + w**2, [x], [t])
    assert y.item() == 58.0
    assert tangent.item() == 270.0
    (y + tangent).backward()
    assert w.grad.item() == 3.0**3 + 2 * 2.0 + 3 * 3.0**2 * 5.0
    assert x.grad.item() == 3 * 2.0 * 3.0**2 + 6 * 2.0 * 3.0 * 5.0
    assert t.grad.item() == 3 * 2.0 * 3.0**2
    assert not agrad.jvp(lambda x: x**3, [x.detach()], [1.0])[1].requires_grad


def test_tangents_pass_writes_and_stop_where_gradients_do(device):
    def f(x):
        y = x * 1
        y[0] = x[1] * x[1]
        y *= 2
        with agrad.no_grad():
            constant = x * x
        return y + constant + agrad.stop_gradient(x) + x.detach()

    x = agrad.asarray([2.0, 3.0])
    assert_close(agrad.jvp(f, [x], [agrad.asarray([1.0, 10.0])])[1], agrad.asarray([120.0, 20.0]))


def test_tangents_pass_other_transforms(device):
    x, t = agrad.asarray([0.5, 1.5]), agrad.asarray([1.0, -2.0])
    cube = lambda x: x**3
    cases = {
        "checkpoint": agrad.checkpoint(cube),
        "vmap": agrad.vmap(cube),
        "root": lambda a: agrad.root(lambda x, a: x - a**3, agrad.ones(2), a),
        "a gradient of a closure": lambda x: agrad.grad(lambda z: agrad.sum(z * x**3))(agrad.ones(2)),
        "a checkpointed gradient": lambda x: agrad.grad(agrad.checkpoint(lambda z: agrad.sum(z * x**3)))(agrad.ones(2)),
        "jvp of a closure": lambda x: agrad.jvp(lambda z: z * x**3, [agrad.ones(2)], [agrad.ones(2)])[1],
    }
    for name, f in cases.items():
        y, tangent = agrad.jvp(f, [x], [t])
        assert_close(y, x**3, rtol=1e-5, atol=1e-5), name
        assert_close(tangent, 3 * x**2 * t, rtol=1e-5, atol=1e-5), name


def test_tangents_of_parameters(device):
    agrad.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.LayerNorm(4), nn.Linear(4, 2))
    params = {name: x.detach() for name, x in model.state_dict().items()}
    x, y = agrad.randn(5, 3), agrad.asarray([0, 1, 1, 0, 1])
    loss = lambda params: nn.functional.cross_entropy(model.functional_call(params, x), y)
    directions = {name: agrad.randn(p.shape) for name, p in params.items()}
    slope = agrad.grad(loss)(params)
    expected = sum(agrad.sum(slope[name] * directions[name]) for name in params)
    assert_close(agrad.jvp(loss, [params], [directions])[1], expected, rtol=1e-4, atol=1e-5)
    assert all(p.requires_grad for p in model.parameters())


def test_what_a_tangent_must_be(device):
    with pytest.raises(ValueError, match=r"of shape \(3,\)"):
        agrad.jvp(agrad.sin, [agrad.ones(2)], [agrad.ones(3)])


def test_the_ops_named_in_the_tables_exist():
    ops = {definition.name for definition in registry.values()}
    assert ops >= forward_mode._LINEAR | forward_mode._ALSO_ELEMENTWISE
