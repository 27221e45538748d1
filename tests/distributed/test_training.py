"""Training in several processes is that of one process with the whole batch."""

import itertools
import pickle
import re
import resource
from copy import deepcopy

import numpy as np
import pytest

import agrad
from agrad import distributed, nn, optim
from agrad.testing import assert_close
from tests.distributed.ranks import called, on_ranks, run
from tests.distributed.training import Training, check_equal, problem

pytestmark = pytest.mark.mpi

OPTIMIZERS = {
    "SGD": lambda params: optim.SGD(params, lr=0.05, momentum=0.9),
    "Adam": lambda params: optim.Adam(params, lr=0.01),
}
ELEMENTWISE = {
    "SGD": lambda params: optim.SGD(params, lr=0.05, momentum=0.9, nesterov=True),
    "Adam": lambda params: optim.Adam(params, lr=0.01, amsgrad=True),
    "AdamW": lambda params: optim.AdamW(params, lr=0.01),
    "RMSprop": lambda params: optim.RMSprop(params, lr=0.01, centered=True),
    "Lion": lambda params: optim.Lion(params, lr=0.001),
}


@on_ranks(2, 4)
def test_steps_are_those_of_one_process():
    for make, dtype, clip in itertools.product(OPTIMIZERS.values(), ("float32", "float64"), (None, 0.1)):
        expected = Training(True, make, dtype, clip=clip).run()
        for compiled in (False, True):
            check_equal(Training(False, make, dtype, compiled=compiled, clip=clip).run(), expected)


def normalizing():
    layers = [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(36, 5), nn.BatchNorm1d(5, momentum=0.3), nn.Linear(5, 3))


@on_ranks(2, 4)
def test_batch_norm_sees_the_batches_of_all():
    for dtype, compiled in itertools.product(("float32", "float64"), (False, True)):
        expected = Training(True, OPTIMIZERS["SGD"], dtype, normalizing).run(shape=(2, 5, 5))
        ours = Training(False, OPTIMIZERS["SGD"], dtype, normalizing, compiled).run(shape=(2, 5, 5))
        check_equal(ours, expected)
        x = agrad.asarray(problem(2, 5, 5)[0], dtype=dtype)
        assert_close(ours.model.eval()(x), expected.model.eval()(x), rtol=1e-5)


@on_ranks(2)
def test_batch_norm_of_parts_of_several_sizes():
    x = np.random.default_rng(0).standard_normal((5, 3))
    rows = x[:1] if distributed.get_rank() == 0 else x[1:]
    whole = agrad.asarray(x, requires_grad=True)
    expected = nn.functional.batch_norm(whole, None, None, training=True)
    (expected**3).sum().backward()
    own = agrad.asarray(rows, requires_grad=True)
    layer = distributed.SyncBatchNorm(3, affine=False, track_running_stats=False, dtype="float64")
    out = layer(own)
    (out**3).sum().backward()
    mine = slice(0, 1) if distributed.get_rank() == 0 else slice(1, 5)
    assert_close(out, expected[mine], rtol=1e-12)
    assert_close(own.grad, whole.grad[mine], rtol=1e-10, atol=1e-12)


@on_ranks(2)
def test_batch_norm_of_fewer_than_two_values_keeps_the_running_statistics():
    for rows in (0, 1):
        layer = distributed.SyncBatchNorm(3)
        x = agrad.ones((rows if distributed.get_rank() == 0 else 0, 3), requires_grad=True)
        layer(x).sum().backward()
        assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([0.0] * 3, [1.0] * 3)
        assert x.grad.tolist() == agrad.zeros_like(x).tolist()


@on_ranks(2)
def test_batch_norm_under_vmap():
    x = agrad.asarray(np.random.default_rng(distributed.get_rank()).standard_normal((3, 4, 2)))
    layer = distributed.SyncBatchNorm(2, track_running_stats=False, dtype="float64")
    assert_close(agrad.vmap(layer)(x), agrad.stack([layer(one) for one in x]))
    with pytest.raises(RuntimeError, match="cannot update running statistics under vmap"):
        agrad.vmap(distributed.SyncBatchNorm(2))(x)


@on_ranks(2)
def test_batch_norm_in_evaluation_exchanges_nothing():
    layer = distributed.SyncBatchNorm(3, track_running_stats=False).eval()
    if distributed.get_rank() == 0:  # alone, as in an evaluation by one process
        x = agrad.asarray([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]])
        assert_close(layer(x), [[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]], rtol=1e-5)


@on_ranks(2, 3, 4)
def test_a_sharded_optimizer_is_the_optimizer_itself():
    length = -(-35 // distributed.get_world_size())
    own = len(range(35)[distributed.get_rank() * length :][:length])  # of the 7x5 elements of a weight
    for make, dtype in itertools.product(ELEMENTWISE.values(), ("float32", "float64", "float16")):
        expected = Training(True, make, dtype).run(5)
        for compiled in (False, True):
            ours = Training(False, make, dtype, compiled=compiled, sharded=True).run(5)
            check_equal(ours, expected)
            kept = ours.optimizer.state[ours.model.module[0].weight].values()
            assert {x.shape for x in kept if isinstance(x, agrad.Tensor)} == {(own,)}


@on_ranks(2)
def test_sharded_complex_parameters():
    def make(sharded):
        agrad.manual_seed(0)
        w = nn.Parameter(agrad.asarray([1 + 2j, 3 - 1j, 0.5j], dtype="complex128"))
        optimizer = optim.Adam([w], lr=0.1)
        optimizer = optim.Sharded(optimizer) if sharded else optimizer
        for _ in range(3):
            optimizer.zero_grad()
            agrad.real(w * agrad.conj(w)).sum().backward()
            optimizer.step()
        return w, optimizer.state_dict()["state"][0]["exp_avg"]

    for mine, expected in zip(make(True), make(False), strict=True):
        assert_close(mine, expected, rtol=1e-12)


@on_ranks(2)
def test_no_sync_adds_up_without_an_exchange():
    expected = Training(True, OPTIMIZERS["SGD"])
    ours = Training(False, OPTIMIZERS["SGD"])
    for _ in range(3):
        expected.step(*expected.data(5))
        x, y = ours.data(5)
        half = len(x) // 2
        ours.optimizer.zero_grad()
        with ours.model.no_sync():
            ours.backward(x[:half], y[:half], 0.5)
        local = ours.model.module[0].bias.grad
        assert not np.allclose(local.numpy(), distributed.all_reduce(local, "mean").numpy())
        ours.backward(x[half:], y[half:], 0.5)
        ours.optimizer.step()
    check_equal(ours, expected)


@on_ranks(2)
def test_no_sync_in_compiled_steps():
    expected = Training(True, OPTIMIZERS["SGD"]).run(6)
    inside, across = (Training(False, OPTIMIZERS["SGD"]) for _ in range(2))

    def whole(x, y):
        inside.optimizer.zero_grad()
        with inside.model.no_sync():
            inside.backward(x[:6], y[:6], 0.5)
        inside.backward(x[6:], y[6:], 0.5)
        inside.optimizer.step()

    def half(x, y):
        return across.backward(x, y, 0.5)

    whole = agrad.compile(whole, state=[inside.model, inside.optimizer])
    half = agrad.compile(half, state=across.model)
    x, y = inside.data(5)
    for _ in range(6):
        whole(x, y)
        across.optimizer.zero_grad()
        with across.model.no_sync():
            half(x[:6], y[:6])
        half(x[6:], y[6:])
        across.optimizer.step()
    assert whole.source.count("= average([") == 1
    check_equal(inside, expected)
    check_equal(across, expected)


@on_ranks(2)
def test_gradients_with_a_history_are_averaged_too():
    x = nn.Parameter(agrad.asarray(1.0 + distributed.get_rank(), dtype="float64"))
    (x**3).backward(create_graph=True)
    distributed.average_gradients([x])
    assert_close(x.grad.detach(), 3 * (1.0 + 4.0) / 2)
    (slope,) = agrad.gradients(x.grad, x)
    assert_close(slope, 6 * (1.0 + distributed.get_rank()))  # the sum over the ranks of the mean


@on_ranks(2)
def test_what_is_no_tensor_has_no_gradient_to_average():
    with pytest.raises(TypeError, match=r"takes Tensors, such as model.parameters\(\), not \['weight', float32 of"):
        distributed.average_gradients(nn.Linear(2, 1).named_parameters())


@on_ranks(2)
def test_many_gradients_are_exchanged_in_few_arrays():
    world, exchanged = distributed.world.current(), []
    original = type(world).start_all_reduce
    type(world).start_all_reduce = lambda self, array, *args: (
        exchanged.append(array.shape) or original(self, array, *args)
    )
    params = [nn.Parameter(agrad.ones(n, dtype=t)) for n in (3, 5) for t in ("float32", "float64")]
    params += [nn.Parameter(agrad.ones(4_000_000)) for _ in range(2)]
    for p in params:
        p.grad = agrad.ones_like(p) * (distributed.get_rank() + 1)
    distributed.average_gradients(params)
    assert exchanged == [(4_000_009,), (4_000_001,), (9,)]  # each with a mark of what it holds
    assert all(agrad.all(p.grad == 1.5).item() for p in params)


@on_ranks(2, 3)
def test_rounding_is_not_taken_for_gradients_of_different_parameters():
    backend, world = agrad.zeros(1).device.backend, distributed.world.current()
    for dtype, tolerance in (("float16", 1e-3), ("float32", 1e-6), ("complex64", 1e-6)):
        x = np.ones((2, 3), dtype) * (world.rank + 1)
        for mark in range(0, 1001, 37):
            (mean,) = backend.average([x], mark, world)
            np.testing.assert_allclose(mean, np.full((2, 3), (world.size + 1) / 2), rtol=tolerance)
        with pytest.raises(RuntimeError, match="different parameters"):
            backend.average([x], 100 * bool(world.rank), world)


@on_ranks(4)
def test_the_smallest_float16_gradients_keep_their_mean():
    p = nn.Parameter(agrad.ones(2, dtype="float16"))
    p.grad = agrad.full(2, 2.0**-24, dtype="float16")  # of which a quarter is 0
    distributed.average_gradients([p])
    assert p.grad.tolist() == [2.0**-24] * 2


@on_ranks(2)
def test_copies_average_too():
    model = distributed.DataParallel(nn.Linear(2, 1))
    for copied in (deepcopy(model), pickle.loads(pickle.dumps(model))):
        copied(agrad.full((1, 2), 1.0 + distributed.get_rank())).sum().backward()
        assert copied.module.weight.grad.tolist() == [[1.5, 1.5]]
    assert model.module.weight.grad is None


@on_ranks(3)
def test_all_start_as_rank_0():
    agrad.manual_seed(distributed.get_rank())
    model = distributed.DataParallel(normalizing())
    theirs = distributed.broadcast(model.module[0].weight.detach())
    agrad.manual_seed(0)
    assert_close(model.module[0].weight, normalizing()[0].weight, rtol=0, atol=0)
    assert_close(model.module[0].weight, theirs, rtol=0, atol=0)
    agrad.manual_seed(distributed.get_rank())
    distributed.DataParallel(nn.Dropout())
    draw = agrad.rand(3)
    assert_close(draw, distributed.broadcast(draw), rtol=0, atol=0)


@on_ranks(2)
def test_a_compiled_step_exchanges_once():
    training = Training(False, OPTIMIZERS["SGD"], compiled=True).run(4)
    lines = [line.split("#")[0] for line in training.step.source.splitlines()]
    assert len([line for line in lines if "average([" in line]) == 1
    assert training.step.explain().startswith("recorded 2 times")


@on_ranks(2)
def test_collectives_of_a_compiled_function_whose_results_nobody_needs_stay():
    @agrad.compile
    def f(x):
        distributed.all_gather(x)
        return distributed.all_reduce(x, "max") + distributed.all_reduce(x, "max")

    for _ in range(3):
        x = agrad.asarray([1.0, 2.0]) * (1 + distributed.get_rank())
        assert_close(f(x), [4.0, 8.0])
    assert f.source.count("= all_gather(") == 1
    assert f.source.count("= all_reduce(") == 2


# What goes wrong


def another_model():
    distributed.DataParallel(nn.Linear(2, 1 + distributed.get_rank()))


def parameters_that_drift():
    model = distributed.DataParallel(nn.Linear(2, 1))
    for step in range(101):
        if step == 7 and distributed.get_rank() == 1:
            with agrad.no_grad():
                model.module.bias += 1e-6
        model(agrad.ones(2)).sum().backward()


def another_order():
    names = ("a", "b") if distributed.get_rank() == 0 else ("b", "a")  # as from a set of strings
    distributed.DataParallel(nn.ModuleDict({name: nn.Linear(1, 1, bias=False) for name in names}))


def frozen_in_one():
    distributed.DataParallel(nn.Linear(2, 1).requires_grad_(distributed.get_rank() == 0))


def left_out():
    rank, layers = distributed.get_rank(), nn.ModuleList([nn.Linear(2, 1, bias=False) for _ in range(2)])
    model = distributed.DataParallel(layers)
    try:
        layers[rank](agrad.ones(2)).sum().backward()
    except RuntimeError:
        assert layers[rank].weight.grad.tolist() == [[1.0, 1.0]], "the gradients are as they were"
        raise
    assert model is None, "an error is expected"


@pytest.mark.parametrize("debug", ["0", "1"])
def test_gradients_of_different_parameters_are_an_error(debug):
    ended = run(2, *called(left_out), AGRAD_DEBUG=debug)
    assert ended.status != 0
    assert "RuntimeError: the processes have gradients of different parameters" in ended.output, ended.output


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            another_model,
            r"ValueError: the model of rank 1 differs from that of rank 0:\n *bias: \(1,\) float32 there",
        ),
        (another_order, r"order: \['a.weight', 'b.weight'\] there, \['b.weight', 'a.weight'\] here"),
        (frozen_in_one, r"bias: \(1,\) float32 there, \(1,\) float32 without gradient here"),
        (parameters_that_drift, r"RuntimeError: parameters \['bias'\] of rank 1 differ from those of rank 0"),
    ],
)
def test_another_model_is_found(function, words):
    ended = run(2, *called(function), AGRAD_DEBUG="1")
    assert ended.status != 0
    assert re.search(words, ended.output), ended.output


def without_init():
    distributed.world._connected.clear()
    distributed.DataParallel(nn.Linear(2, 1))


def test_init_must_come_first():
    ended = run(2, *called(without_init))
    assert ended.status != 0
    assert "call agrad.distributed.init() first" in ended.output


# Checkpoints


def train_and_save(file, start, stop, sharded):
    """Train from one step to another, from the checkpoint in the file if there is one, and write the next."""
    training = Training(False, OPTIMIZERS["Adam"], sharded=sharded == "True")
    if int(start):
        state = agrad.load(file)
        training.model.load_state_dict(state["model"])
        training.optimizer.load_state_dict(state["optimizer"])
    training.run(int(stop) - int(start))
    state = {"model": training.model.state_dict(), "optimizer": training.optimizer.state_dict()}
    if distributed.get_rank() == 0:
        agrad.save(state, file)


@pytest.mark.parametrize("sharded", [False, True])
def test_training_resumes_with_another_number_of_processes(tmp_path, sharded):
    file = str(tmp_path / "checkpoint.safetensors")
    for ranks, start, stop in ((2, 0, 4), (3, 4, 7), (1, 7, 9), (4, 9, 12)):
        ended = run(ranks, *called(train_and_save), file, str(start), str(stop), str(sharded))
        assert ended.status == 0, ended.output
    state, expected = agrad.load(file), Training(True, OPTIMIZERS["Adam"]).run(12)
    for name, value in expected.model.state_dict().items():
        assert_close(state["model"][name], value, rtol=1e-12, atol=1e-12)
    plain = OPTIMIZERS["Adam"](expected.model.parameters())
    plain.load_state_dict(state["optimizer"])
    assert_close(plain.state_dict()["state"][0]["exp_avg"], expected.optimizer.state_dict()["state"][0]["exp_avg"])


# Memory


@on_ranks(2, timeout=250)
def test_memory_stays_flat():
    training = Training(False, OPTIMIZERS["Adam"], "float32", sharded=True)
    x, y = training.data(5)

    def rise(steps):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(steps):
            training.step(x, y)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    rise(500)
    assert rise(10_000) < 2_000  # kB: 0.2 bytes a step


@on_ranks(2)
def test_a_model_that_is_gone_leaves_no_hook():
    from agrad.core.hooks import after_backward

    model = distributed.DataParallel(nn.Linear(2, 1))
    assert len(after_backward) == 1
    del model
    assert not after_backward


def small():
    return nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3))


@on_ranks(2, timeout=200, JAX_ENABLE_X64="1")
def test_on_other_libraries():
    for name in ("strict", "torch", "jax"):
        if agrad.devices().get(name) == "":
            with agrad.Device(name):
                expected = Training(True, OPTIMIZERS["SGD"], "float32", small).run(4)
                for compiled, sharded in ((False, False), (True, True)):
                    ours = Training(False, OPTIMIZERS["SGD"], "float32", small, compiled, sharded=sharded)
                    check_equal(ours.run(4), expected)
