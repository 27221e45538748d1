"""The transforms: values by hand and by differences, nests, composition, what flows outside, errors."""

from typing import NamedTuple

import numpy as np
import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close, check_grads


class Pair(NamedTuple):
    left: agrad.Tensor
    right: agrad.Tensor


@pytest.fixture
def double(device):
    """Skip where there is no double precision."""
    if not device.backend.supports_float64:
        pytest.skip(f"{device} does not compute in float64")
    return device


def tensor(values, **settings):
    return agrad.tensor(values, dtype=agrad.float64, **settings)


def numeric(f, x, v, eps=1e-5):
    """Return how a function of a NumPy array moves along `v`, by central differences."""
    return (np.asarray(f(x + eps * v)) - np.asarray(f(x - eps * v))) / (2 * eps)


X = np.asarray([[0.5, -1.2, 2.0], [1.5, 0.3, -0.7]])
V = np.asarray([[0.3, 1.0, -0.5], [-1.0, 0.2, 0.8]])

SCALAR = {
    "polynomial": lambda x: (x**3 - 2 * x * x).sum(),
    "indexing": lambda x: (x[0] * x[1, ::-1]).sum() + x[1, 2] ** 2,
    "reduction": lambda x: agrad.log(agrad.sum(agrad.exp(x), axis=1)).mean(),
    "matrix": lambda x: agrad.sum(agrad.tanh(x @ agrad.matrix_transpose(x))),
    "partly": lambda x: x[0, 0] ** 3 + agrad.stop_gradient(x[1, 1]),
    "constant": lambda x: agrad.ones((), dtype=x.dtype),
}
VECTOR = {
    "wide": lambda x: agrad.sum(x**3, axis=1),
    "square": lambda x: agrad.sin(x) * x[::-1],
    "tall": lambda x: agrad.stack([agrad.exp(x), x * x.sum(), 1 / (2 + x * x)]),
    "broadcast": lambda x: x[:, None, :] * x[None, :, :],
    "constant": lambda x: agrad.ones(3, dtype=x.dtype),
}
each_scalar = pytest.mark.parametrize("f", SCALAR.values(), ids=SCALAR)
each_vector = pytest.mark.parametrize("f", VECTOR.values(), ids=VECTOR)


def on_numpy(f):
    return lambda x: f(tensor(x)).numpy()


# Against differences


@each_scalar
def test_grad_and_value(double, f):
    value, slope = agrad.value_and_grad(f)(tensor(X))
    assert_close(value, f(tensor(X)))
    assert_close(agrad.grad(f)(tensor(X)), slope)
    if "stop_gradient" not in f.__code__.co_names:
        assert_close((slope * tensor(V)).sum(), numeric(on_numpy(f), X, V), rtol=1e-6, atol=1e-8)
    assert slope.shape == X.shape
    assert slope.device is double
    assert not any(x.requires_grad for x in (value, slope))


@each_vector
def test_jvp_and_vjp(double, f):
    value, moved = agrad.jvp(f, [tensor(X)], [tensor(V)])
    again, pull = agrad.vjp(f, tensor(X))
    assert_close(value, f(tensor(X)))
    assert_close(again, value)
    assert_close(moved, numeric(on_numpy(f), X, V), rtol=1e-6, atol=1e-8)
    weights = agrad.sin(agrad.reshape(agrad.arange(value.size, dtype=agrad.float64), value.shape))
    (pulled,) = pull(weights)
    assert_close((pulled * tensor(V)).sum(), (moved * weights).sum())
    assert_close(pull(weights)[0], pulled)
    assert not any(x.requires_grad for x in (value, moved, pulled))


@each_vector
def test_jacobian(double, f):
    found = agrad.jacobian(f)(tensor(X))
    assert found.shape == f(tensor(X)).shape + X.shape
    assert_close(agrad.tensordot(found, tensor(V)), numeric(on_numpy(f), X, V), rtol=1e-6, atol=1e-8)
    assert not found.requires_grad


@each_scalar
def test_hessian_and_hvp(double, f):
    found = agrad.hessian(f)(tensor(X))
    (product,) = agrad.hvp(f, [tensor(X)], [tensor(V)])
    assert found.shape == X.shape * 2
    assert_close(agrad.tensordot(found, tensor(V)), product, atol=1e-9)
    slope = agrad.grad(f)
    assert_close(product, numeric(on_numpy(slope), X, V), rtol=1e-6, atol=1e-7)
    assert not any(x.requires_grad for x in (found, product))


@each_scalar
def test_transforms_can_be_differentiated(double, f):
    """Each is itself a function whose gradients agree with differences, to the second order."""
    if "stop_gradient" in f.__code__.co_names:
        pytest.skip("stop_gradient differs from differences, as it should")
    x, v = tensor(X[:, :3]), tensor(V)
    check_grads(lambda x: agrad.grad(f)(x), [x])
    check_grads(lambda x, v: agrad.jvp(f, [x], [v])[1], [x, v])
    check_grads(lambda x, v: agrad.hvp(f, [x], [v])[0], [x, v], order=1)


def test_jacobians_can_be_differentiated(double):
    x = tensor([0.5, -1.0])
    check_grads(agrad.jacobian(lambda x: agrad.sin(x).sum()), [x])
    check_grads(agrad.jacobian(lambda x: agrad.concat([agrad.sin(x), x * x[::-1]])), [x])
    check_grads(agrad.hessian(lambda x: (x**4).sum() * x[0]), [x], order=1)


# Which way a Jacobian goes


def test_a_jacobian_takes_as_few_passes_as_its_shape_allows(monkeypatch):
    passes = []
    cls = agrad.transforms.linearized.Linearized
    for way in ("pull", "push"):
        one = getattr(cls, way)
        monkeypatch.setattr(cls, way, lambda self, *a, way=way, one=one, **k: passes.append(way) or one(self, *a, **k))
    agrad.jacobian(lambda x: x.sum())(agrad.ones(50))
    assert passes == ["pull"]
    passes.clear()
    agrad.jacobian(lambda x: x * agrad.ones(50))(agrad.asarray(1.0))
    assert passes == ["push", "pull"], "the pull is what a push goes through"


@pytest.mark.parametrize("n", [0, 1, 3])
def test_jacobians_of_any_shape(device, n):
    for f, m in ((lambda x: x[:0], 0), (lambda x: x.sum(), 1), (lambda x: agrad.concat([x, 2 * x, x]), 3 * n)):
        found = agrad.jacobian(f)(agrad.ones(n))
        assert found.size == m * n
        assert found.dtype is agrad.float32


# Nests


def test_nests_of_all_kinds(device):
    def f(tree, factor):
        (a, [b]), c, pair = tree["ab"], tree["c"], tree["pair"]
        return factor * (a * b).sum() + c**2 + pair.left * pair.right

    tree = {
        "ab": (agrad.asarray([1.0, 2.0]), [np.asarray([3.0, 4.0], dtype=np.float32)]),
        "c": 5.0,
        "pair": Pair(agrad.asarray(6.0), 7.0),
        "nothing": None,
    }
    g = agrad.grad(f)(tree, 2.0)
    assert list(g) == list(tree)
    assert g["ab"][0].tolist() == [6.0, 8.0]
    assert g["ab"][1][0].tolist() == [2.0, 4.0]
    assert g["c"].item() == 10.0
    assert isinstance(g["pair"], Pair)
    assert (g["pair"].left.item(), g["pair"].right.item()) == (7.0, 6.0)
    assert g["nothing"] is None


def test_several_arguments(device):
    f = lambda x, y, power=1: (x * y**power).sum()
    x, y = agrad.asarray([1.0, 2.0]), agrad.asarray([3.0, 4.0])
    gx, gy = agrad.grad(f, argnums=(0, 1))(x, y, power=2)
    assert (gx.tolist(), gy.tolist()) == ([9.0, 16.0], [6.0, 16.0])
    assert agrad.grad(f, argnums=1)(x, y).tolist() == [1.0, 2.0]
    assert agrad.grad(f, argnums=-1)(x, y).tolist() == [1.0, 2.0]
    hessian = agrad.hessian(f, argnums=(0, 1))(x, y)
    assert [[block.tolist() for block in row] for row in hessian] == [
        [[[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]],
        [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]],
    ]


def test_the_jacobian_of_a_nest_is_a_nest(device):
    f = lambda x: {"square": x["a"] ** 2, "sum": x["a"].sum() + 3 * x["b"]}
    found = agrad.jacobian(f)({"a": agrad.asarray([1.0, 2.0]), "b": agrad.asarray(1.0)})
    assert found["square"]["a"].tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert found["square"]["b"].tolist() == [0.0, 0.0]
    assert found["sum"]["a"].tolist() == [1.0, 1.0]
    assert found["sum"]["b"].item() == 3.0


def test_vjp_and_jvp_of_nests(device):
    f = lambda d, y: (d["x"] * y, [d["x"].sum()])
    d, y = {"x": agrad.asarray([1.0, 2.0])}, agrad.asarray([3.0, 4.0])
    (product, [total]), pull = agrad.vjp(f, d, y)
    assert (product.tolist(), total.item()) == ([3.0, 8.0], 3.0)
    gd, gy = pull((agrad.ones(2), [10.0]))
    assert (gd["x"].tolist(), gy.tolist()) == ([13.0, 14.0], [1.0, 2.0])
    _, (moved, [shift]) = agrad.jvp(f, [d, y], [{"x": agrad.ones(2)}, agrad.zeros(2)])
    assert (moved.tolist(), shift.item()) == ([3.0, 4.0], 2.0)


def test_auxiliary_values_come_along(device):
    f = lambda x: ((x * x).sum(), {"x": x * 2, "name": "f"})
    (value, aux), g = agrad.value_and_grad(f, has_aux=True)(agrad.asarray([1.0, 2.0]))
    assert (value.item(), aux["x"].tolist(), aux["name"], g.tolist()) == (5.0, [2.0, 4.0], "f", [2.0, 4.0])
    assert not aux["x"].requires_grad
    g, aux = agrad.grad(f, has_aux=True)(agrad.asarray([1.0, 2.0]))
    assert (g.tolist(), aux["name"]) == ([2.0, 4.0], "f")
    _, _, aux = agrad.vjp(f, agrad.asarray([1.0, 2.0]), has_aux=True)
    assert aux["name"] == "f"
    _, moved, aux = agrad.jvp(f, [agrad.asarray([1.0, 2.0])], [agrad.ones(2)], has_aux=True)
    assert (moved.item(), aux["name"]) == (6.0, "f")


# Composition, and what flows outside


def test_derivatives_of_derivatives(device):
    f = lambda x: x**5
    slopes = [f]
    for _ in range(5):
        slopes.append(agrad.grad(slopes[-1]))
    assert [slope(agrad.asarray(1.0)).item() for slope in slopes] == [1, 5, 20, 60, 120, 120]
    assert agrad.jvp(agrad.grad(f), [2.0], [1.0])[1].item() == 160.0
    assert agrad.grad(lambda x: agrad.jvp(f, [x], [1.0])[1])(2.0).item() == 160.0
    assert agrad.jvp(lambda x: agrad.jvp(f, [x], [1.0])[1], [2.0], [1.0])[1].item() == 160.0


def test_an_inner_derivative_does_not_confuse_its_variable_with_the_outer(device):
    """The classical trap: d/dx (x * d/dy (x + y)) is 1."""
    assert agrad.grad(lambda x: x * agrad.grad(lambda y: x + y)(1.0))(1.0).item() == 1.0
    assert agrad.jvp(lambda x: x * agrad.jvp(lambda y: x + y, [1.0], [1.0])[1], [1.0], [1.0])[1].item() == 1.0
    assert agrad.grad(lambda x: agrad.grad(lambda y: x * y * y)(x))(3.0).item() == 12.0


def test_gradients_flow_to_closed_over_tensors(device):
    w = agrad.asarray([2.0, 3.0], requires_grad=True)
    g = agrad.grad(lambda x: (w * x**3).sum())(agrad.asarray([1.0, 2.0]))
    g.sum().backward()
    assert g.tolist() == [6.0, 36.0]
    assert w.grad.tolist() == [3.0, 12.0]
    value, pull = agrad.vjp(lambda x: w * x, agrad.asarray([1.0, 2.0]))
    w.grad = None
    (value * value).sum().backward(retain_graph=True)
    assert w.grad.tolist() == [4.0, 24.0]
    assert agrad.gradients(pull(agrad.ones(2))[0].sum(), w)[0].tolist() == [1.0, 1.0]


def test_gradients_flow_to_tracked_arguments(device):
    x = agrad.asarray(3.0, requires_grad=True)
    penalty = agrad.grad(lambda y: y**3)(2 * x) ** 2  # (3 (2x)²)², of slope 4 · 144 x³
    penalty.backward()
    assert x.grad.item() == 4 * 144 * 27
    assert agrad.gradients(agrad.jvp(agrad.square, [1.0], [x])[1], x)[0].item() == 2.0


def test_tracked_arguments_outside_of_recording(device):
    x = agrad.asarray(3.0, requires_grad=True)
    with agrad.no_grad():
        assert not agrad.grad(agrad.square)(x).requires_grad
        assert not agrad.jvp(agrad.square, [x], [x])[1].requires_grad
        assert agrad.hessian(agrad.square)(x).item() == 2.0
    assert x.grad is None


def test_no_grad_inside_holds(device):
    @agrad.no_grad()
    def frozen(x):
        return x * x

    assert agrad.grad(lambda x: frozen(x) * x)(3.0).item() == 9.0


def test_functions_may_write_into_their_arguments(device):
    def f(x):
        x[0] = 5.0
        x *= 2
        return (x * x).sum()

    x = agrad.asarray([1.0, 2.0])
    assert agrad.grad(f)(x).tolist() == [0.0, 16.0]
    assert x.tolist() == [1.0, 2.0]


def test_dtypes_and_devices_are_kept(device):
    x = agrad.asarray([1.0, 2.0])
    widest = agrad.float64 if device.backend.supports_float64 else agrad.float32
    for result in (
        agrad.grad(lambda x: x.sum())(x), agrad.jvp(agrad.exp, [x], [x])[1], agrad.jacobian(agrad.exp)(x),
        agrad.jacobian(lambda x: agrad.astype(agrad.concat([x, x]), widest))(x),
        agrad.elementwise_grad(agrad.exp)(x),
    ):  # fmt: skip
        assert result.dtype is agrad.float32
        assert result.device is device


def test_a_model_as_a_function_of_its_parameters(double):
    agrad.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).to(agrad.float64)
    x, y = tensor([[0.5, -1.0], [1.0, 2.0]]), tensor([[1.0], [0.0]])
    loss = lambda params: nn.functional.mse_loss(model.functional_call(params, x), y)
    params = model.state_dict()
    loss(dict(model.named_parameters())).backward()
    for name, g in agrad.grad(loss)(params).items():
        assert_close(g, dict(model.named_parameters())[name].grad)
    hessian = agrad.hessian(loss)(params)
    v = {name: agrad.sin(agrad.ones_like(p) * 3 + p) for name, p in params.items()}
    (product,) = agrad.hvp(loss, [params], [v])
    for row in params:
        total = sum(agrad.tensordot(hessian[row][col], v[col], axes=v[col].ndim) for col in params)
        assert_close(total, product[row])


# Complex numbers


def test_complex_gradients_follow_pytorch(double):
    z = agrad.asarray([1 + 2j, 3 - 1j])
    assert_close(agrad.grad(lambda z: agrad.real(z * agrad.conj(z)).sum())(z), 2 * z)
    holomorphic = lambda z: z**3
    (pulled,) = agrad.vjp(holomorphic, z)[1](agrad.ones_like(z))
    assert_close(pulled, agrad.conj(3 * z * z))
    v = agrad.asarray([0.5 - 1j, 2 + 1j])
    assert_close(agrad.jvp(holomorphic, [z], [v])[1], 3 * z * z * v)
    assert_close(agrad.jvp(agrad.conj, [z], [v])[1], agrad.conj(v))


def test_complex_jacobians_are_the_same_both_ways(double):
    z = agrad.asarray([1 + 2j, 3 - 1j])
    f = lambda z: agrad.stack([agrad.real(z[0] * z[1]), agrad.abs(z[0]) ** 2])
    wide = agrad.jacobian(f)(z)
    assert_close(wide, [[3 + 1j, 1 - 2j], [2 + 4j, 0]])
    tall = agrad.jacobian(lambda z: agrad.concat([f(z), f(z)]))(z)
    assert_close(tall, agrad.concat([wide, wide]))


def test_complex_outputs_have_no_jacobian(device):
    with pytest.raises(TypeError, match=r"Jacobian of a complex output.*agrad\.real.*agrad\.jvp"):
        agrad.jacobian(lambda z: z * z)(agrad.asarray([1j]))
    with pytest.raises(TypeError, match=r"for a Hessian, agrad\.hvp"):
        agrad.hessian(lambda z: agrad.abs(z))(agrad.asarray(1j))


# Errors


def test_functions_without_a_gradient_are_refused(device):
    with pytest.raises(TypeError, match="int64"):
        agrad.grad(lambda x: x.sum())(agrad.asarray([1, 2]))
    with pytest.raises(TypeError, match=r"one real number.*float32 of shape \(2,\).*jacobian"):
        agrad.grad(lambda x: x)(agrad.ones(2))
    with pytest.raises(TypeError, match=r"one real number.*complex64"):
        agrad.grad(lambda x: x)(agrad.asarray(1j))
    with pytest.raises(TypeError, match=r"one real number.*a tuple"):
        agrad.grad(lambda x: (x, x))(agrad.asarray(1.0))
    with pytest.raises(TypeError, match="must return Tensors, not float"):
        agrad.grad(lambda x: 1.0)(agrad.asarray(1.0))
    with pytest.raises(TypeError, match="bool"):
        agrad.vjp(lambda x: x > 0, agrad.asarray(1.0))
    with pytest.raises(ValueError, match=r"argument 1.*1 positional"):
        agrad.grad(lambda x: x, argnums=1)(agrad.asarray(1.0))
    with pytest.raises(TypeError, match=r"has_aux=True.*a pair, not Tensor"):
        agrad.grad(lambda x: x, has_aux=True)(agrad.asarray(1.0))


def test_directions_must_fit(device):
    x = agrad.ones(2)
    with pytest.raises(ValueError, match=r"tangents.*at \[0\] there is a list of length 1 where a Tensor"):
        agrad.jvp(agrad.exp, [x], [[x]])
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        agrad.jvp(agrad.exp, [x], [agrad.ones(3)])
    with pytest.raises(ValueError, match=r"cotangents.*a dict of \['a'\] where a Tensor"):
        agrad.vjp(agrad.exp, x)[1]({"a": x})
    with pytest.raises(ValueError, match="a list of length 2 where a list of length 1"):
        agrad.hvp(lambda x: x.sum(), [x], [x, x])


def test_transforms_look_like_their_functions():
    def loss(x, y=1):
        """Tell the loss."""

    for transform in (agrad.grad, agrad.value_and_grad, agrad.elementwise_grad, agrad.jacobian, agrad.hessian):
        made = transform(loss)
        assert made.__name__ == f"{transform.__name__}(loss)"
        assert made.__doc__ == "Tell the loss."
    assert agrad.grad(nn.ReLU()).__name__ == "grad(ReLU)"
