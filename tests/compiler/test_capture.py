"""Programs on CUDA: each step is the launch of one graph, whose results are those of the step itself."""

import contextvars
import gc
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from tests.compiler.steps import arrays, compare, run_both
from tests.compiler.training import batch, mlp, sgd, trained, with_optimizer
from tests.cupy_on_cpu.trace import Trace, is_emulated

pytestmark = pytest.mark.cuda


@pytest.fixture(autouse=True)
def cuda():
    with agrad.Device("cuda") as device:
        yield device


@pytest.fixture
def launches(monkeypatch):
    """A list that grows with each launch of a graph."""
    from agrad.backends.cuda.graphs import Capturer

    found, capture = [], Capturer.capture

    def counting(capturer, function):
        launch, results = capture(capturer, function)
        return lambda: (found.append(launch), launch()), results

    monkeypatch.setattr(Capturer, "capture", counting)
    return found


@pytest.fixture
def emulated():
    if not is_emulated():
        pytest.skip("launches are counted on the emulator")


def compiled(make, **settings):
    """Return a compiled step and its state."""
    agrad.manual_seed(7)
    step, state = make()
    return agrad.compile(step, state=state, **settings), state


def launched(step, *arguments):
    """Call a step until its program is captured and its arguments have buffers; return what one more call does.

    That is the number of graphs and of copies, and the names of the other kernels.
    """
    for _ in range(5):
        step(*arguments)
    step(*(agrad.asarray(x, copy=True) for x in arguments))
    return counted(step, *arguments)


def counted(step, *arguments):
    with Trace() as trace:
        step(*arguments)
    assert trace.waits == []
    copies = [name for name in trace.kernels if name.startswith("cupy_copy")]
    others = [name for name in trace.kernels if name not in copies]
    return len(trace.graphs), len(copies) + len(trace.copies), others


def test_a_step_is_one_launch(emulated):
    step, _ = compiled(with_optimizer(sgd), keep_grads=False)
    assert launched(step, *batch(0)) == (1, 2 + 1, [])  # the arguments and the loss are copied


@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam])
def test_the_nodes_that_the_documentation_tells(emulated, optimizer):
    step, _ = compiled(with_optimizer(lambda p: optimizer(p, 0.1)), keep_grads=False)
    launched(step, *batch(0))
    with Trace() as trace:
        step(*batch(0))
    assert trace.graphs == [5 + 7]  # products and kernels


UPDATES = {
    "SGD": lambda p: optim.SGD(p, 0.1),
    "momentum": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda p: optim.Adam(p, 0.01),
    "AdamW": lambda p: optim.AdamW(p, 0.01, amsgrad=True),
}


@pytest.mark.parametrize("name", UPDATES)
def test_an_optimizer_is_one_kernel(emulated, name):
    step, _ = compiled(with_optimizer(UPDATES[name], model=lambda: nn.Linear(3, 4)), keep_grads=False)
    launched(step, *batch(0))
    with Trace() as trace:
        step(*batch(0))
    assert trace.graphs == [2 + 4 + 1]  # products; the bias, its gradient, the loss and its gradient; the update
    assert step.source.count("update_many(") == 1


@pytest.mark.parametrize("name", UPDATES)
def test_what_follows_the_update(name):
    def make():
        model = nn.Linear(3, 4)
        optimizer = UPDATES[name](model.parameters())
        train = trained(model, optimizer)

        def step(x, y):
            before = agrad.asarray(model.weight.detach(), copy=True)
            train(x, y)
            return model(x), model.weight - before, model.bias

        return step, [model, optimizer]

    run_both(make, batch)


def test_parameters_with_other_numbers_of_steps():
    def make():
        model, other = nn.Linear(3, 4), nn.Linear(3, 4)
        optimizer = optim.Adam([*model.parameters(), *other.parameters()], 0.01)

        def step(x, y, both):
            optimizer.zero_grad()
            scores = model(x) + other(x) if both else model(x)
            loss = nn.functional.cross_entropy(scores, y)
            loss.backward()
            optimizer.step()
            return loss

        return step, [model, other, optimizer]

    step = run_both(make, lambda i: (*batch(i), i % 4 > 1), most=6)
    assert step.source.count("update_many(") == 2


def test_parameters_of_16_bits():
    make = with_optimizer(
        lambda p: optim.Adam(p, 0.01),
        model=lambda: nn.Linear(3, 4).to(agrad.float16),
        loss=nn.functional.mse_loss,
    )
    x, y = (agrad.ones((6, n), dtype=agrad.float16) for n in (3, 4))
    step = run_both(make, lambda i: (0.1 * i * x, y))
    assert "update_many(" in step.source


def test_gradients_that_are_kept_are_copied(emulated):
    step, _ = compiled(with_optimizer(sgd))
    assert launched(step, *batch(0)) == (1, 2 + 1 + 4, [])


def test_numbers_that_change_are_written_before_it(emulated):
    step, _ = compiled(with_optimizer(lambda p: optim.Adam(p, 0.01)), keep_grads=False)
    assert launched(step, *batch(0)) == (1, 2 + 1, ["agrad_write_scalars"])  # the corrections of Adam
    step, [_, optimizer] = compiled(with_optimizer(sgd), keep_grads=False)
    launched(step, *batch(0))
    optimizer.param_groups[0]["lr"] = 0.01
    assert counted(step, *batch(0)) == (1, 2 + 1, ["agrad_write_scalars"])
    assert counted(step, *batch(0)) == (1, 2 + 1, [])


def test_draws_are_numbered_before_it(emulated):
    step, _ = compiled(with_optimizer(sgd, lambda: nn.Dropout(0.3)), keep_grads=False)
    assert launched(step, *batch(0)) == (1, 2 + 1, ["agrad_write_scalars"])


def test_an_argument_that_is_always_the_same_is_not_copied(emulated):
    model = mlp()
    optimizer = sgd(model.parameters())
    train = trained(model, optimizer)
    x, y = batch(0)
    step = agrad.compile(lambda x, y, rows: train(x[rows], y[rows]), state=[model, optimizer], keep_grads=False)
    for i in range(6):
        step(x, y, agrad.asarray([i % 6, 0, 1]))
    assert counted(step, x, y, agrad.arange(3)) == (1, 1 + 1, [])


def conv_net():
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())


def images(i, n=4):
    draw = np.random.default_rng(i)
    x = draw.standard_normal((n, 1, 6, 6), dtype=np.float32)
    return agrad.asarray(x), agrad.asarray(draw.integers(0, 4, n))


def with_conv_net():
    model = nn.Sequential(conv_net(), nn.Linear(18, 4))
    optimizer = sgd(model.parameters())
    return trained(model, optimizer), [model, optimizer]


def clip(parameters):
    nn.utils.clip_grad_norm_(list(parameters), 0.05)


STEPS = {
    "momentum": with_optimizer(sgd),
    "Adam": with_optimizer(lambda p: optim.Adam(p, 0.01, weight_decay=0.1)),
    "RMSprop": with_optimizer(lambda p: optim.RMSprop(p, 0.01)),
    "dropout": with_optimizer(sgd, lambda: nn.Dropout(0.3)),
    "batch norm": with_optimizer(sgd, lambda: nn.BatchNorm1d(5)),
    "layer norm": with_optimizer(sgd, lambda: nn.LayerNorm(5)),
    "clipping": with_optimizer(sgd, change=clip),
    "convolution": with_conv_net,
}


@pytest.mark.parametrize("name", STEPS)
def test_20_compiled_steps_equal_eager_ones(launches, name):
    schedulers = {}

    def between(state, i):  # another learning rate at each step
        scheduler = schedulers.setdefault(id(state), optim.lr_scheduler.ExponentialLR(state[-1], 0.95))
        scheduler.step()

    run_both(STEPS[name], images if name == "convolution" else batch, between=between)
    assert len(launches) > 10


def spoil(capturer):
    """Fill all memory of a capture that no array holds with NaN."""
    import cupy

    pool, stream = capturer._pool, capturer._stream
    with stream, cupy.cuda.using_allocator(pool.malloc):
        held, size = [], 1 << 20
        while size >= 512:
            before = pool.total_bytes()
            held.append(cupy.full(size // 4, np.nan, np.float32))
            size = size // 2 if pool.total_bytes() > before else size


@pytest.mark.parametrize("name", STEPS)
def test_launches_need_nothing_of_the_ones_before(monkeypatch, emulated, name):
    from agrad.backends.cuda.graphs import Capturer

    capture = Capturer.capture

    def spoiling(capturer, function):
        launch, results = capture(capturer, function)
        return lambda: (spoil(capturer), launch()), results

    monkeypatch.setattr(Capturer, "capture", spoiling)
    run_both(STEPS[name], images if name == "convolution" else batch, steps=8)


def test_arrays_of_the_state_may_be_replaced(launches):
    def between(state, i):
        if i in (6, 12):
            state[0].load_state_dict({name: 0.9 * x for name, x in state[0].state_dict().items()})
        if i == 9:
            state[0][0].weight.data = agrad.asarray(0.5 * state[0][0].weight.detach()).data

    run_both(with_optimizer(sgd), batch, between=between)
    assert len(launches) > 10


def test_arrays_of_the_state_that_are_replaced_at_each_call():
    def between(state, i):
        state[0][0].weight.data = agrad.asarray(state[0][0].weight.detach(), copy=True).data

    make = with_optimizer(sgd, lambda: nn.Dropout(0.3))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run_both(make, batch, between=between)
    assert {str(x.message).rpartition(": ")[2] for x in caught} == {"arrays of its state are replaced too often"}


def test_each_shape_has_a_graph(launches):
    run_both(with_optimizer(sgd), lambda i: batch(i, 6 if i % 2 else 2), most=4)
    assert len(launches) > 10


def test_two_models_at_once():
    make = with_optimizer(sgd, lambda: nn.Dropout(0.3))
    sides = []
    for wrap in (lambda step, state: step, lambda step, state: agrad.compile(step, state=state)):
        agrad.manual_seed(7)
        both = [make(), make()]
        steps = [wrap(*made) for made in both]
        sides.append([arrays(step(*batch(i))) for i in range(8) for step in steps])
    compare(*sides)


def test_results_are_not_overwritten():
    step, [model, _] = compiled(with_optimizer(sgd))
    losses, grads, copies = [], [], []
    for i in range(8):
        losses.append(step(*batch(i)))
        grads.append(model[0].weight.grad)
        copies.append([losses[-1].numpy(), grads[-1].numpy()])
    compare([[x.numpy(), g.numpy()] for x, g in zip(losses, grads, strict=True)], copies)


def test_models_without_an_optimizer(launches):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh()).eval()
    predict = agrad.compile(model)
    for i in range(6):
        x = batch(i)[0]
        compare(predict(x), model(x))
    assert len(launches) > 2


def test_a_call_that_fails_leaves_the_graph_as_it_is(launches):
    step, [model, _] = compiled(with_optimizer(sgd))
    for i in range(6):
        step(*batch(i))
    before = model[0].weight.tolist()
    with pytest.raises(ValueError, match="shape"):
        step(agrad.ones((2, 7)), batch(0)[1])
    assert model[0].weight.tolist() == before
    before = len(launches)
    step(*batch(0))
    assert len(launches) == before + 1


def test_programs_that_cannot_be_captured_run_call_by_call():
    def shuffled(x):
        return x[agrad.randperm(6)] * agrad.rand(6)

    step, x = agrad.compile(shuffled), agrad.arange(6, dtype=agrad.float32)
    sides = []
    for function in (shuffled, step):
        agrad.manual_seed(3)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sides.append([arrays(function(x)) for _ in range(6)])
    compare(*sides)
    assert [x.category for x in caught] == [RuntimeWarning]
    assert caught[0].filename == __file__
    assert "permutation(generator(), 6, device)" in str(caught[0].message)


def test_each_fused_method_of_the_backend_is_recorded_as_one_call():
    from agrad.backends.cupy import BACKEND
    from agrad.virtual.traced.fused import FusedBackend

    assert BACKEND.fused == {name for name, method in vars(FusedBackend).items() if callable(method) and name[0] != "_"}


def test_without_cublas(monkeypatch):
    from agrad.backends.cuda import graphs

    def missing(stream):
        raise OSError("libcublas.so.12: cannot open shared object file")

    monkeypatch.setattr(graphs, "Products", missing)
    f, x = agrad.compile(lambda x: 2 * x), agrad.ones(3)
    with pytest.warns(RuntimeWarning, match=r"libcublas.so.12"):
        f(x)
    compare(f(x), 2 * x)


def test_an_argument_in_place_may_be_written_to():
    f, x = agrad.compile(lambda x: 2 * x), agrad.zeros(3)
    for i in range(6):
        with agrad.no_grad():
            x += 1
        compare(f(x), np.full(3, 2.0 * (i + 1), np.float32))


def test_arguments_that_alternate_or_have_gaps(launches):
    f = agrad.compile(lambda x, y: x * y)
    for i in range(20):
        x = agrad.arange(12, dtype=agrad.float32)[i % 2 :: 2 - i % 2][:6]
        y = agrad.arange(12, dtype=agrad.float32)[::2] if i % 3 else x
        compare(f(x, y), x.numpy() * y.numpy())
    assert len(launches) > 6


def test_streams_and_threads_of_the_caller(launches):
    import cupy

    step, state = compiled(with_optimizer(sgd, lambda: nn.Dropout(0.3)))
    other, eager = compiled(with_optimizer(sgd, lambda: nn.Dropout(0.3)))
    results = []
    agrad.manual_seed(1)
    with ThreadPoolExecutor(1) as thread:
        for i in range(9):
            with cupy.cuda.Stream() as stream:
                call = lambda i=i: step(*batch(i)).numpy()
                results.append(thread.submit(contextvars.copy_context().run, call).result() if i % 3 == 2 else call())
                stream.synchronize()
    agrad.manual_seed(1)
    compare(results, [other._f(*batch(i)).detach().numpy() for i in range(9)])
    compare(dict(state[0].state_dict()), dict(eager[0].state_dict()))
    assert len(launches) > 4


def test_arrays_of_numpy_are_arguments(launches):
    f = agrad.compile(lambda x: 2 * x)
    for i in range(6):
        x = np.full(3, i, np.float32)
        compare(f(x), 2 * x)
    assert len(launches) > 2


def test_a_program_takes_its_memory_with_it(monkeypatch):
    from agrad.backends.cuda.graphs import Capturer

    made, init = [], Capturer.__init__

    def noting(capturer, native):
        made.append(weakref.ref(capturer))
        init(capturer, native)

    monkeypatch.setattr(Capturer, "__init__", noting)
    step, _ = compiled(with_optimizer(sgd))
    for i in range(6):
        step(*batch(i))
    assert any(x() is not None for x in made)
    del step
    gc.collect()
    assert all(x() is None for x in made)


def test_memory_stays_flat():
    step, _ = compiled(with_optimizer(sgd))
    used = []
    for i in range(60):
        step(*batch(i))
        used.append(agrad.cuda.memory_allocated())
    assert len(set(used[20:])) == 1
