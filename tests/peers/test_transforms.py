"""The transforms beside torch.func's and JAX's, on the same functions. JAX's complex gradients are our conjugates."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close
from agrad.transforms import pytrees

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning"),  # by torch.func itself
    pytest.mark.peers,
    pytest.mark.skipif(jnp.ones(1, dtype=float).dtype != "float64", reason="set JAX_ENABLE_X64=1 to compare with JAX"),
]

RANDOM = np.random.default_rng(0)
X, V = RANDOM.standard_normal((3, 4)), RANDOM.standard_normal((3, 4))
Z, W = X + 1j * RANDOM.standard_normal((3, 4)), V + 1j * RANDOM.standard_normal((3, 4))
NEST = {"w": RANDOM.standard_normal((4, 3)), "b": [RANDOM.standard_normal(4), (RANDOM.standard_normal(()),)]}
ALONG = {"w": RANDOM.standard_normal((4, 3)), "b": [RANDOM.standard_normal(4), (RANDOM.standard_normal(()),)]}

# Each takes the library first.
SCALAR = {
    "polynomial": lambda L, x: L.sum(x**3 - 2 * x * x),
    "entropy": lambda L, x: L.sum(L.log(L.sum(L.exp(x), axis=1))),
    "product": lambda L, x: L.sum(L.tanh(x @ x.T)) * x[0, 1] + L.prod(x[1]),
    "norm": lambda L, x: L.sqrt(L.sum(x * x)) + L.max(x),
}
VECTOR = {
    "wide": lambda L, x: L.sum(L.sin(x), axis=0),
    "tall": lambda L, x: L.stack([L.exp(x), x * x, x * L.sum(x)]),
    "outer": lambda L, x: x[:, None, :2] * x[None, :, 2:],
}
REAL_OF_COMPLEX = {
    "energy": lambda L, z: L.sum(L.real(z * L.conj(z)) ** 2),
    "modulus": lambda L, z: L.sum(L.abs(L.sin(z))),
    "cubed": lambda L, z: L.sum(L.real(z**3) * L.imag(z)),
}
COMPLEX = {
    "holomorphic": lambda L, z: L.exp(z) * z,
    "mixed": lambda L, z: L.conj(z) * L.sum(z) + L.abs(z),
}


def rows(table):
    return pytest.mark.parametrize("f", table.values(), ids=table)


def on(library, f):
    return lambda *args: f(library, *args)


def ours(tree):
    return pytrees.unflatten(tree, [agrad.asarray(x) for x in pytrees.flatten(tree)])


def torchs(tree):
    return pytrees.unflatten(tree, [torch.asarray(x) for x in pytrees.flatten(tree)])


def compare(found, *others, tolerance=1e-9):
    """Compare nests, leaf by leaf; JAX sorts the keys of a dict, so its nests are taken in our order."""
    for other in others:
        expected = pytrees.flatten_like(other, found, "the peer's results")
        for x, y in zip(pytrees.flatten(found), expected, strict=True):
            assert_close(x, np.asarray(y), rtol=tolerance, atol=tolerance)


@rows(SCALAR)
def test_grad(f):
    found = agrad.value_and_grad(on(agrad, f))(ours(X))
    gradient, value = torch.func.grad_and_value(on(torch, f))(torchs(X))
    compare(list(found), list(jax.value_and_grad(on(jnp, f))(X)), [value, gradient])
    compare(agrad.grad(on(agrad, f))(ours(X)), gradient)


@rows(SCALAR)
def test_gradients_of_gradients(f):
    second = lambda grad, library: grad(lambda x: (grad(on(library, f))(x) ** 2).sum())
    compare(second(agrad.grad, agrad)(ours(X)), second(jax.grad, jnp)(X), second(torch.func.grad, torch)(torchs(X)))


@rows(SCALAR | VECTOR)
def test_vjp_and_jvp(f):
    value, pull = agrad.vjp(on(agrad, f), ours(X))
    cotangent = np.cos(np.arange(value.size, dtype=np.float64)).reshape(value.shape)
    theirs = [jax.vjp(on(jnp, f), X), torch.func.vjp(on(torch, f), torchs(X))]
    compare(value, *(v for v, _ in theirs))
    compare(pull(ours(cotangent)), theirs[0][1](cotangent), theirs[1][1](torchs(cotangent)))
    theirs = [jax.jvp(on(jnp, f), (X,), (V,)), torch.func.jvp(on(torch, f), (torchs(X),), (torchs(V),))]
    compare(agrad.jvp(on(agrad, f), (ours(X),), (ours(V),)), *theirs)


@rows(SCALAR | VECTOR)
def test_jacobian(f):
    compare(
        agrad.jacobian(on(agrad, f))(ours(X)), jax.jacrev(on(jnp, f))(X), jax.jacfwd(on(jnp, f))(X),
        torch.func.jacrev(on(torch, f))(torchs(X)), torch.func.jacfwd(on(torch, f))(torchs(X)),
    )  # fmt: skip


@rows(SCALAR)
def test_hessian_and_hvp(f):
    compare(
        agrad.hessian(on(agrad, f))(ours(X)), jax.hessian(on(jnp, f))(X), torch.func.hessian(on(torch, f))(torchs(X))
    )
    _, moved = torch.func.jvp(torch.func.grad(on(torch, f)), (torchs(X),), (torchs(V),))
    compare(agrad.hvp(on(agrad, f), [ours(X)], [ours(V)])[0], jax.jvp(jax.grad(on(jnp, f)), (X,), (V,))[1], moved)


def network(L, nest, x):
    hidden = L.tanh(nest["w"] @ x[:, 0] + nest["b"][0])
    return L.sum(hidden * hidden) * nest["b"][1][0]


def test_nests():
    f = lambda L: lambda nest: network(L, nest, {agrad: ours, torch: torchs, jnp: jnp.asarray}[L](X))
    compare(agrad.grad(f(agrad))(ours(NEST)), jax.grad(f(jnp))(NEST), torch.func.grad(f(torch))(torchs(NEST)))
    compare(agrad.hessian(f(agrad))(ours(NEST)), jax.hessian(f(jnp))(NEST), torch.func.hessian(f(torch))(torchs(NEST)))
    expected = jax.jvp(jax.grad(f(jnp)), (NEST,), (ALONG,))[1]
    compare(agrad.hvp(f(agrad), [ours(NEST)], [ours(ALONG)])[0], expected)


def test_several_arguments():
    f = lambda L: lambda x, y: L.sum(L.sin(x) * y**2)
    both = agrad.grad(f(agrad), argnums=(0, 1))(ours(X), ours(V))
    compare(list(both), list(jax.grad(f(jnp), (0, 1))(X, V)))
    compare(list(both), list(torch.func.grad(f(torch), (0, 1))(torchs(X), torchs(V))))
    compare(agrad.hessian(f(agrad), (0, 1))(ours(X), ours(V)), jax.hessian(f(jnp), (0, 1))(X, V))


def test_elementwise_grad():
    f = lambda L: lambda x: L.exp(L.sin(x)) / (2 + L.cos(x))
    expected = jax.vmap(jax.grad(f(jnp)))(X.ravel()).reshape(X.shape)
    compare(agrad.elementwise_grad(f(agrad))(ours(X)), expected)


def test_stop_gradient():
    f = lambda L, stop: lambda x: L.sum(x * stop(x * x))
    found = agrad.grad(f(agrad, agrad.stop_gradient))(ours(X))
    compare(found, jax.grad(f(jnp, jax.lax.stop_gradient))(X))
    compare(found, torch.func.grad(f(torch, torch.Tensor.detach))(torchs(X)))


def test_checkpoint():
    f = lambda L, checkpoint: lambda x: L.sum(checkpoint(lambda y: L.sin(L.exp(y)) * y)(x))
    found = agrad.grad(f(agrad, agrad.checkpoint))(ours(X))
    compare(found, jax.grad(f(jnp, jax.checkpoint))(X))
    compare(agrad.hessian(f(agrad, agrad.checkpoint))(ours(X)), jax.hessian(f(jnp, jax.checkpoint))(X))


# Complex numbers


@rows(REAL_OF_COMPLEX)
def test_complex_gradients(f):
    found = agrad.grad(on(agrad, f))(ours(Z))
    compare(found, np.conj(jax.grad(on(jnp, f))(Z)), torch.func.grad(on(torch, f))(torchs(Z)))
    compare(agrad.jacobian(on(agrad, f))(ours(Z)), torch.autograd.functional.jacobian(on(torch, f), torchs(Z)))
    moved = agrad.jvp(on(agrad, f), [ours(Z)], [ours(W)])[1]
    compare(moved, jax.jvp(on(jnp, f), (Z,), (W,))[1], torch.func.jvp(on(torch, f), (torchs(Z),), (torchs(W),))[1])
    _, second = torch.func.jvp(torch.func.grad(on(torch, f)), (torchs(Z),), (torchs(W),))
    product = agrad.hvp(on(agrad, f), [ours(Z)], [ours(W)])[0]
    compare(product, second, np.conj(jax.jvp(jax.grad(on(jnp, f)), (Z,), (W,))[1]))


@rows(COMPLEX)
def test_complex_outputs(f):
    _, pull = agrad.vjp(on(agrad, f), ours(Z))
    _, torch_pull = torch.func.vjp(on(torch, f), torchs(Z))
    _, jax_pull = jax.vjp(on(jnp, f), Z)
    compare(pull(ours(W))[0], torch_pull(torchs(W))[0], np.conj(jax_pull(np.conj(W))[0]))
    moved = agrad.jvp(on(agrad, f), [ours(Z)], [ours(W)])[1]
    compare(moved, jax.jvp(on(jnp, f), (Z,), (W,))[1], torch.func.jvp(on(torch, f), (torchs(Z),), (torchs(W),))[1])


# Models


def test_functional_call():
    mine, theirs = (
        library.nn.Sequential(library.nn.Linear(4, 3), library.nn.Tanh(), library.nn.Linear(3, 1))
        for library in (agrad, torch)
    )
    mine, theirs = mine.to(agrad.float64), theirs.double()
    mine.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    loss = lambda params: (mine.functional_call(params, ours(X)) ** 2).sum()
    other = lambda params: (torch.func.functional_call(theirs, params, torchs(X)) ** 2).sum()
    params, torch_params = mine.state_dict(), dict(theirs.state_dict())
    compare(agrad.grad(loss)(params), torch.func.grad(other)(torch_params))
    compare(agrad.hessian(loss)(params), torch.func.hessian(other)(torch_params))


# Checks


@pytest.mark.parametrize("check", ["gradcheck", "gradgradcheck"])
def test_gradcheck_takes_what_pytorchs_takes(check):
    mine, theirs = getattr(agrad.testing, check), getattr(torch.autograd, check)
    settings = {"eps": 1e-5, "atol": 1e-4, "rtol": 1e-3, "raise_exception": False, "nondet_tol": 1e-9}
    values = np.asarray([0.5, 2.0])
    for f, right in ((lambda x: x**3, True), (lambda x: x**3 - 2 * (x - x.detach()) * x, False)):
        x, y = agrad.asarray(values, requires_grad=True), torch.tensor(values, requires_grad=True)
        assert mine(f, x, **settings) == theirs(f, y, **settings) == right
