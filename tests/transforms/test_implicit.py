"""fixed_point and root: solutions, their derivatives to the second order, and what goes wrong."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close, check_grads
from agrad.transforms import krylov


@pytest.fixture(autouse=True)
def double(device):
    """Skip where there is no double precision."""
    if not device.backend.supports_float64:
        pytest.skip(f"{device} does not compute in float64")


def tensor(values, **settings):
    return agrad.tensor(values, dtype=agrad.float64, **settings)


MATRIX = [[0.3, -0.2, 0.1], [0.1, 0.4, -0.3], [-0.2, 0.1, 0.2]]
heron = lambda x, a: (x + a / x) / 2
kepler = lambda x, m, e: x - e * agrad.sin(x) - m
layer = lambda x, w, b: agrad.tanh(w @ x + b)


def test_solutions(device):
    x = agrad.fixed_point(heron, tensor([1.0, 1.0]), tensor([2.0, 9.0]))
    assert_close(x, np.sqrt([2.0, 9.0]))
    assert x.device is device
    x = agrad.root(kepler, tensor(1.0), 0.5, 0.8)
    assert_close(kepler(x, 0.5, 0.8), 0.0, atol=1e-12)
    single = agrad.root(lambda x, a: x * x - a, 1.0, 2.0)
    assert single.dtype is agrad.float32
    assert_close(single, np.sqrt(2.0), rtol=1e-6)
    assert not any(y.requires_grad for y in (x, single))


def test_derivatives_agree_with_differences():
    w, b = tensor(MATRIX), tensor([0.5, -1.0, 0.3])
    check_grads(lambda a: agrad.fixed_point(heron, agrad.ones_like(a), a), [tensor([2.0, 9.0])])
    check_grads(lambda w, b: agrad.fixed_point(layer, agrad.zeros_like(b), w, b), [w, b], rtol=1e-5)
    check_grads(lambda m, e: agrad.root(kepler, tensor(1.0), m, e), [tensor(0.5), tensor(0.4)], order=3)
    balance = lambda x, w, b: x + layer(x, w, b) * 0.5 - b
    check_grads(lambda w, b: agrad.root(balance, agrad.zeros_like(b), w, b), [w, b])


def test_a_linear_equation_has_known_derivatives():
    a, b = tensor(MATRIX) + agrad.eye(3, dtype=agrad.float64), tensor([1.0, 2.0, 3.0])
    solution = lambda b: agrad.root(lambda x, b: a @ x - b, agrad.zeros_like(b), b)
    inverse = np.linalg.inv(a.numpy())
    assert_close(solution(b), inverse @ b.numpy())
    assert_close(agrad.jacobian(solution)(b), inverse)


def test_nests_and_closures():
    shift = tensor(0.5, requires_grad=True)

    def f(state, d):
        return {"x": agrad.cos(state["y"]) / 2 + d["a"] + shift, "y": [state["x"] / 3][0]}

    def solution(a):
        return agrad.fixed_point(f, {"x": tensor(0.0), "y": tensor(0.0)}, {"a": a})["y"]

    check_grads(solution, [tensor(0.2)])
    y = solution(tensor(0.2))
    y.backward()
    assert_close(shift.grad, agrad.grad(solution)(tensor(0.2)).detach())


def test_complex_numbers():
    check_grads(lambda a: agrad.root(lambda z, a: z * z - a, agrad.ones_like(a) + 1j, a), [tensor([1.0]) + 2j])
    turn = lambda z, a: agrad.conj(z) * 0.3 + a * agrad.abs(z) * 0.1 + a
    check_grads(lambda a: agrad.fixed_point(turn, agrad.ones_like(a), a), [tensor([1.0, 2.0]) + 1j], rtol=1e-5)


def test_the_backward_pass_does_not_repeat_the_iterations():
    calls = []

    def f(x, a):
        calls.append(1)
        return x - (x - a) / 50

    a = tensor(1.0, requires_grad=True)
    x = agrad.fixed_point(f, tensor(0.0), a)
    assert len(calls) > 500
    calls.clear()
    x.backward()
    assert len(calls) == 1
    assert_close(a.grad, 1.0, rtol=1e-8)


def test_the_start_has_no_gradient():
    g = agrad.grad(lambda x0: agrad.fixed_point(heron, x0, tensor(2.0)))(tensor(1.0))
    assert g.item() == 0.0


def test_nothing_is_recorded_where_nothing_is_tracked():
    a = tensor(2.0, requires_grad=True)
    with agrad.no_grad():
        assert not agrad.fixed_point(heron, tensor(1.0), a).requires_grad
    assert not agrad.fixed_point(heron, tensor(1.0), a.detach()).requires_grad
    assert agrad.fixed_point(heron, tensor(1.0), a).requires_grad


def test_failure_to_converge_is_said():
    with pytest.raises(RuntimeError, match=r"did not converge in 100 iterations.*root\("):
        agrad.fixed_point(lambda x: -x, tensor(1.0), max_iterations=100)
    with pytest.raises(RuntimeError, match="diverged"):
        agrad.fixed_point(lambda x: x * np.inf, tensor(3.0))
    with pytest.raises(RuntimeError, match=r"root (is stuck|did not converge)|Jacobian.*singular"):
        agrad.root(lambda x: x * x + 1, tensor(1.0))
    with pytest.raises(RuntimeError, match=r"did not converge in 1 iterations.*start closer"):
        agrad.root(lambda x: agrad.exp(x) - 5, tensor(0.0), max_iterations=1)


def test_a_singular_derivative_is_said():
    a = tensor([0.0, 0.0], requires_grad=True)
    x = agrad.fixed_point(lambda x, a: agrad.stack([x[0], x[1] / 2]) + 0 * a, tensor([1.0, 1.0]), a)
    with pytest.raises(RuntimeError, match="Jacobian at the solution of fixed_point is singular"):
        x.sum().backward()
    b = tensor(1.0, requires_grad=True)
    y = agrad.fixed_point(lambda x: {"a": b / 2 + x["a"] / 2, "b": tensor(2.0)}, {"a": tensor(0.0), "b": tensor(0.0)})
    (y["a"] * y["b"]).backward()
    assert_close(b.grad, 2.0)


def test_values_changed_before_backward_are_refused():
    a = tensor(2.0, requires_grad=True)
    x = agrad.fixed_point(heron, tensor(1.0), a)
    with agrad.no_grad():
        a += 1
    with pytest.raises(RuntimeError, match="fixed_point needs was changed in place"):
        x.backward()


def test_functions_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"must return Tensors like x0.*float64 of shape \(2,\).*of shape \(\)"):
        agrad.fixed_point(lambda x: x.sum(), tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"must return Tensors like x0.*float64.*a float"):
        agrad.fixed_point(lambda x: 1.0, tensor(1.0))
    with pytest.raises(TypeError, match="must return Tensors, not float"):
        agrad.root(lambda x: 1.0, tensor(1.0))
    with pytest.raises(TypeError, match="int64"):
        agrad.fixed_point(lambda x: x, 1)


@pytest.mark.parametrize("n", [1, 5, 60])
def test_linear_equations(n):
    random = np.random.default_rng(n)
    matrix, b = random.standard_normal((n, n)) / n + np.eye(n), random.standard_normal(n)
    (x,) = krylov.solve(lambda v: [tensor(matrix) @ v[0]], [tensor(b)], "it")
    assert_close(x, np.linalg.solve(matrix, b), rtol=1e-9, atol=1e-9)


def test_the_dtype_of_a_start_that_is_a_number(device):
    if device.kind == "jax":
        pytest.skip("its float64 needs a setting")
    with pytest.raises(ValueError, match=r"write agrad\.asarray\(x0, dtype=agrad\.float64\) for x0"):
        agrad.root(
            lambda x, a: x * x - a, agrad.asarray(1.0), agrad.asarray(2.0, dtype=agrad.float64, requires_grad=True)
        )


# Under vmap


def looped(f):
    return lambda *xs: agrad.stack([f(*[x[i, ...] for x in xs]) for i in range(xs[0].shape[0])])


def cube_root(a):
    """Take from 4 to 12 steps, by the number."""
    return agrad.root(lambda x, a: x**3 - a, tensor(1.0), a)


def square_root(a):
    return agrad.fixed_point(heron, tensor(1.0), a)


def equations(w, b):
    return agrad.root(lambda x, w, b: w @ x + agrad.sin(x) - b, agrad.zeros_like(b), w, b)


def states(w, b):
    return agrad.fixed_point(layer, agrad.zeros_like(b), w, b)


def nested(b):
    f = lambda state, b: {"x": agrad.cos(state["y"]) / 2 + b[0], "y": [state["x"] / 3 + b][0]}
    return agrad.fixed_point(f, {"x": agrad.zeros_like(b), "y": agrad.zeros_like(b)}, b)["y"]


NUMBERS = [2.0, 30.0, 1.0, 1e4]
MATRICES = [[[2.0, 0.1, 0.3], [-0.4, 3.0, 0.2], [0.1, 0.5, 1.5]], np.eye(3), np.diag([1.0, 2.0, 5.0]) + 0.3]
VECTORS = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [-1.0, 0.5, 2.0]]  # the second is solved before the first step
SOLVED = {
    "root": (cube_root, [NUMBERS]),
    "fixed point": (square_root, [NUMBERS]),
    "root of a system": (equations, [MATRICES, VECTORS]),
    "fixed point of a system": (states, [0.3 * np.asarray(MATRICES), VECTORS]),
    "nested state": (nested, [VECTORS]),
}


@pytest.mark.parametrize("name", SOLVED)
def test_vmap_of_a_solution_is_a_loop(device, name):
    f, xs = SOLVED[name][0], [tensor(x) for x in SOLVED[name][1]]
    number = lambda *xs: agrad.sum(f(*xs) ** 2)
    slopes = lambda *xs: agrad.sum(agrad.grad(number)(*xs) ** 2)
    tangent = lambda *xs: agrad.jvp(f, xs, xs)[1]
    for each in (f, agrad.grad(number), agrad.grad(slopes), agrad.jacobian(f), tangent):
        assert_close(agrad.vmap(each)(*xs), looped(each)(*xs), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", SOLVED)
def test_transforms_of_vmap_of_a_solution(device, name):
    f, xs = SOLVED[name][0], [tensor(x) for x in SOLVED[name][1]]
    found, expected = [lambda *xs, each=each: agrad.sum(each(f)(*xs) ** 2) for each in (agrad.vmap, looped)]
    for transform in (agrad.grad, lambda g: agrad.grad(lambda *xs: agrad.sum(agrad.grad(g)(*xs) ** 2))):
        assert_close(transform(found)(*xs), transform(expected)(*xs), rtol=1e-7, atol=1e-9)
    assert_close(agrad.jvp(found, xs, xs)[1], agrad.jvp(expected, xs, xs)[1], rtol=1e-7)
    assert_close(agrad.vmap(agrad.vmap(f))(*[x[None, ...] for x in xs])[0, ...], looped(f)(*xs), rtol=1e-9)


def test_vmap_over_some_of_the_arguments(device):
    w, b = tensor(MATRICES), tensor(VECTORS)
    assert_close(agrad.vmap(equations, in_axes=(None, 0))(w[0, ...], b), looped(lambda b: equations(w[0, ...], b))(b))
    closing = lambda b: agrad.root(lambda x: w[0, ...] @ x - b, agrad.zeros_like(b))
    assert_close(agrad.vmap(closing)(b), looped(closing)(b))
    slope = lambda a: agrad.grad(lambda a: agrad.root(lambda x, a: x * a, tensor(0.0), a) * 3 + a)(a)
    assert_close(agrad.vmap(slope)(b[0]), agrad.ones(3, dtype=agrad.float64))  # solved at the start, which is the same


def test_one_example_that_fails_is_said(device):
    with pytest.raises(RuntimeError, match=r"did not converge in 60 iterations"):
        agrad.vmap(lambda a: agrad.fixed_point(lambda x: a * x, tensor(1.0), max_iterations=60))(tensor([0.1, -1.0]))
    with pytest.raises(RuntimeError, match="diverged"):
        agrad.vmap(lambda a: agrad.fixed_point(lambda x: a * x, tensor(1.0)))(tensor([0.1, 1e200]))
    with pytest.raises(RuntimeError, match=r"root (is stuck|did not converge)|Jacobian.*singular"):
        agrad.vmap(lambda a: agrad.root(lambda x: x * x - a, tensor(1.0)))(tensor([4.0, -1.0]))
    with pytest.raises(RuntimeError, match=r"Jacobian.*singular"):
        agrad.vmap(lambda a: agrad.root(lambda x: a * x - 1, tensor(1.0)))(tensor([4.0, 0.0]))
