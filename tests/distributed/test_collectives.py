"""Each collective against NumPy, in one, two and four processes, and its gradients against finite differences."""

import numpy as np
import pytest

import agrad
from agrad import distributed
from agrad.testing import assert_close
from tests.distributed.ranks import on_ranks

pytestmark = pytest.mark.mpi

REDUCTIONS = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min}
SHAPES = [(4, 3), (8,), (), (0, 3), (4, 1, 2)]


def arrays(shape, dtype="float64"):
    """Return the arrays of all processes, the same in each of them."""
    draws = [np.random.default_rng(rank).integers(0, 5, shape) for rank in range(distributed.get_world_size())]
    return [(x + 1j * x[..., ::-1] if dtype.startswith("complex") and x.ndim else x).astype(dtype) for x in draws]


def parts(array, axis):
    """Return the part of this process."""
    return np.split(array, distributed.get_world_size(), axis)[distributed.get_rank()]


def check_values(shape, dtype):
    """Compare all collectives with NumPy for arrays of a shape and dtype, also for a transposed view."""
    everyone = arrays(shape, dtype)
    own = agrad.asarray(everyone[distributed.get_rank()])
    before = own.numpy().copy()
    for of in (lambda x: x, lambda x: x.transpose()):
        given, stacked = of(own), [of(x) for x in everyone]
        for op in allowed(dtype):
            expected = REDUCTIONS[op](stacked, axis=0).astype(dtype)
            assert_close(distributed.all_reduce(given, op), expected)
            for axis in range(own.ndim):
                if op in ("sum", "mean") and expected.shape[axis] % distributed.get_world_size() == 0:
                    assert_close(distributed.reduce_scatter(given, op, axis), parts(expected, axis))
        for axis in range(-own.ndim, own.ndim):
            assert_close(distributed.all_gather(given, axis), np.concatenate(stacked, axis))
        last = distributed.get_world_size() - 1
        assert_close(distributed.broadcast(given, last), stacked[last])
    assert (own.numpy() == before).all()


def allowed(dtype):
    if dtype == "bool":
        return ["max", "min"]
    if dtype.startswith("complex"):
        return ["sum", "mean"]
    return ["sum", "mean", "max", "min"] if dtype.startswith("float") else ["sum", "max", "min"]


@on_ranks(1, 2, 4)
def test_values_are_numpys():
    for shape in SHAPES:
        for dtype in ("float64", "float32", "float16", "int32", "uint8", "bool", "complex64"):
            check_values(shape, dtype)


@on_ranks(2)
def test_values_on_other_libraries():
    for name in ("strict", "torch", "jax"):
        if agrad.devices().get(name) == "":
            with agrad.Device(name):
                for dtype in ("float32", "int32", "bool", "complex64"):
                    check_values((4, 2), dtype)
    if agrad.devices().get("torch") == "":
        half = agrad.ones(3, dtype="bfloat16", device="torch")
        total = distributed.all_reduce(half)
        assert total.dtype == agrad.bfloat16
        assert_close(total.astype("float32"), np.full(3, 2.0, "float32"))


def differences(function, x, step=1e-5):
    """Return the gradient by finite differences of the sum of what all processes compute of their Tensors."""
    gradient = np.zeros(x.shape)
    for rank in range(distributed.get_world_size()):
        for place in np.ndindex(x.shape):
            ends = []
            for sign in (1, -1):
                moved = x.copy()
                if rank == distributed.get_rank():
                    moved[place] += sign * step
                value = function(agrad.asarray(moved)).detach()
                ends.append(distributed.all_reduce(value).item())
            if rank == distributed.get_rank():
                gradient[place] = (ends[0] - ends[1]) / (2 * step)
    return gradient


def losses():
    """Return functions of a 4×2 Tensor, each with one collective, and nonlinear so that second derivatives count."""
    rank = distributed.get_rank()
    weight = agrad.asarray(np.random.default_rng(10 + rank).uniform(0.5, 1.5, (4, 2)))

    def loss(collective):
        def function(x):
            y = collective(agrad.sin(x))
            key = tuple(slice(min(a, b)) for a, b in zip(y.shape, weight.shape, strict=True))
            return (y[key] ** 3 * weight[key]).sum()

        return function

    settings = [("all_reduce", op) for op in REDUCTIONS] + [("all_gather", 0), ("all_gather", 1)]
    settings += [("reduce_scatter", "sum", 0), ("reduce_scatter", "mean"), ("broadcast", 0)]
    settings += [("broadcast", distributed.get_world_size() - 1)]
    return {
        str(called): loss(lambda x, called=called: getattr(distributed, called[0])(x, *called[1:]))
        for called in settings
    }


@on_ranks(1, 2, 4)
def test_gradients_are_finite_differences():
    own = np.random.default_rng(distributed.get_rank()).uniform(-1, 1, (4, 2))
    for name, function in losses().items():
        x = agrad.tensor(own, requires_grad=True)
        (found,) = agrad.gradients(function(x), [x])
        np.testing.assert_allclose(found.numpy(), differences(function, own), rtol=1e-6, atol=1e-8, err_msg=name)


@on_ranks(2)
def test_second_derivatives_are_finite_differences():
    own = np.random.default_rng(distributed.get_rank()).uniform(-1, 1, (4, 2))
    for name, function in losses().items():

        def size(x, function=function):
            x = agrad.tensor(x, requires_grad=True)
            (found,) = agrad.gradients(function(x), [x], create_graph=True)
            return (found * found).sum(), x

        value, x = size(own)
        (found,) = agrad.gradients(value, [x])
        expected = differences(lambda x: size(x.numpy())[0], own)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-7, err_msg=name)


@on_ranks(2)
def test_tied_extremes_share_the_gradient_and_nan_wins():
    x = agrad.tensor([1.0, float(distributed.get_rank()), 2.0], requires_grad=True)
    distributed.all_reduce(x, "max").sum().backward()
    assert x.grad.tolist() == [1.0, 2.0 * distributed.get_rank(), 1.0]
    one = agrad.asarray([1.0, float("nan") if distributed.get_rank() else 5.0])
    for op in ("max", "min"):
        assert np.isnan(distributed.all_reduce(one, op).tolist()).tolist() == [False, True]
        assert np.isnan(distributed.all_reduce(one.astype("float16"), op).tolist()).tolist() == [False, True]


@on_ranks(2)
def test_float16_is_added_in_float32():
    x = agrad.full(3, 40_000.0 if distributed.get_rank() else -20_000.0, dtype="float16")
    assert distributed.all_reduce(x).tolist() == [20_000.0] * 3
    assert distributed.all_reduce(agrad.full(3, 60_000.0, dtype="float16"), "mean").tolist() == [60_000.0] * 3


@on_ranks(2)
def test_under_vmap_and_no_grad():
    rank = distributed.get_rank()
    x = agrad.asarray(np.arange(12.0).reshape(2, 3, 2) + rank)
    for function in (
        distributed.all_reduce,
        lambda x: distributed.all_gather(x, 1),
        lambda x: distributed.reduce_scatter(x, "sum", -1),
        lambda x: distributed.broadcast(x, 1),
    ):
        expected = np.stack([function(row).numpy() for row in x])
        assert_close(agrad.vmap(function)(x), expected)
    with agrad.no_grad():
        assert not distributed.all_reduce(agrad.tensor(1.0, requires_grad=True)).requires_grad
    gradient = agrad.vmap(agrad.grad(lambda row: (distributed.all_reduce(row) ** 2).sum()))(x)
    assert_close(gradient, 4 * (2 * np.arange(12.0).reshape(2, 3, 2) + 1))


@on_ranks(2)
def test_jvp_and_checkpoint():
    x, tangent = agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 0.0]) * (distributed.get_rank() + 1)
    _, out = agrad.jvp(distributed.all_reduce, (x,), (tangent,))
    assert out.tolist() == [3.0, 0.0]
    x.requires_grad_()
    agrad.checkpoint(lambda x: (distributed.all_reduce(x) ** 2).sum())(x).backward()
    assert x.grad.tolist() == [8.0, 16.0]


@on_ranks(2)
def test_reductions_begun_before_they_are_waited_for():
    from agrad.distributed.world import current

    world, rank = current(), distributed.get_rank()
    names = [name for name in ("cpu", "strict", "torch", "jax") if agrad.devices().get(name) == ""]
    for name in names:
        backend = agrad.Device(name).backend
        for dtype in ("float32", "float64", "float16")[: 2 if name == "strict" else 3]:
            if name == "jax" and dtype == "float64":
                continue
            x = agrad.asarray(np.arange(3) + rank, dtype=dtype, device=name)._data
            requests = [backend.start_all_reduce(x, "mean", world)]
            requests.append(backend.start_all_reduce(agrad.ones((), device=name)._data, "sum", world))
            first, second = [request.wait() for request in requests]
            assert backend.to_numpy(first).tolist() == [0.5, 1.5, 2.5]
            assert float(second) == 2.0
            assert first is x or backend.immutable
    view = np.arange(6.0).reshape(2, 3).T
    agrad.Device("cpu").backend.start_all_reduce(view, "sum", world).wait()
    assert view.base.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


@on_ranks(2)
def test_what_is_refused():
    whole, truth = agrad.arange(3), agrad.asarray([True])
    refused = [
        (TypeError, "astype", lambda: distributed.all_reduce(truth)),
        (TypeError, "astype", lambda: distributed.all_reduce(whole, "mean")),
        (TypeError, "agrad.abs", lambda: distributed.all_reduce(agrad.asarray([1j]), "max")),
        (ValueError, "op must be", lambda: distributed.all_reduce(whole, "prod")),
        (ValueError, "op must be", lambda: distributed.reduce_scatter(whole, "max")),
        (ValueError, "agrad.pad", lambda: distributed.reduce_scatter(whole)),
        (IndexError, "x\\[None\\]", lambda: distributed.all_gather(agrad.asarray(1.0))),
        (IndexError, "no axis 1", lambda: distributed.all_gather(whole, 1)),
        (ValueError, "from 0 to 1", lambda: distributed.broadcast(whole, 2)),
    ]
    for kind, words, call in refused:
        with pytest.raises(kind, match=words):
            call()


@on_ranks(1, 2)
def test_who_is_who():
    assert distributed.is_initialized()
    distributed.init()  # a second call does nothing
    ranks = distributed.all_gather(agrad.asarray([distributed.get_rank()])).tolist()
    assert ranks == list(range(distributed.get_world_size()))
    assert distributed.get_local_rank() == distributed.get_rank()
    distributed.barrier()


@on_ranks(2)
def test_a_sampler_takes_its_share():
    own = list(agrad.data.DistributedSampler(range(6), shuffle=False))
    assert own == list(range(distributed.get_rank(), 6, 2))
