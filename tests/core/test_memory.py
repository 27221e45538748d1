"""What the tape costs: depth, memory, cycles."""

import gc
import subprocess
import sys
import tracemalloc
import weakref

import numpy as np
import pytest

import agrad


@pytest.fixture
def no_collector():
    """Run without the garbage collector: only reference counts free anything."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def traced():
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()


DEEP = """
import sys
import agrad

assert sys.getrecursionlimit() == 1000
x = y = agrad.asarray(1.0, requires_grad=True)
for _ in range({n}):
    y = {step}
y.backward()
print(x.grad.item())
del y
"""


@pytest.mark.parametrize(("step", "n", "expected"), [("y + 1", 1_000_000, 1.0), ("y * 1 + x", 100_000, 100_001.0)])
def test_a_deep_graph_goes_backward_and_is_freed_with_a_flat_stack(step, n, expected):
    """In a process of its own: where the stack is used up, Python dies without an exception."""
    answer = subprocess.run(
        [sys.executable, "-c", DEEP.format(step=step, n=n)], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert float(answer.stdout) == expected


def test_a_deep_graph_is_freed_without_backward():
    code = DEEP.format(step="y * 1", n=200_000).replace("y.backward()\nprint(x.grad.item())", "print('made')")
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "made"


def test_a_deep_graph_is_recorded_under_create_graph():
    x = y = agrad.asarray(1.0, requires_grad=True)
    for _ in range(3000):
        y = y * x
    (slope,) = agrad.gradients(y, x, create_graph=True)
    assert slope.item() == 3001.0
    (curvature,) = agrad.gradients(slope, x)
    assert curvature.item() == 3001.0 * 3000.0


MEGABYTE = 1_000_000


def test_dropped_tensors_are_freed_at_once(no_collector, traced):
    """300 leaves and 300 intermediates of 1 MB never live together."""
    start = traced()
    for _ in range(300):
        x = agrad.zeros(MEGABYTE // 4, requires_grad=True)
        y = agrad.exp(x) * x
        y.sum().backward()
        assert traced() - start < 10 * MEGABYTE
    del x, y
    assert traced() - start < MEGABYTE


def test_leaves_kept_together_are_freed_together(no_collector, traced):
    start = traced()
    leaves = [agrad.zeros(MEGABYTE // 4, requires_grad=True) for _ in range(300)]
    total = leaves[0]
    for x in leaves[1:]:
        total = total + x * 2
    total.sum().backward()
    assert traced() - start > 600 * MEGABYTE
    del leaves, total, x
    assert traced() - start < MEGABYTE


def test_a_graph_that_never_goes_backward_is_freed(no_collector):
    x = agrad.ones(10, requires_grad=True)
    arrays = []
    for _ in range(5):
        y = agrad.exp(x)
        arrays.append(weakref.ref(y.data))
        z = (y * y).sum()
        assert z.requires_grad
    del y, z
    assert [array() for array in arrays] == [None] * 5


def test_what_no_rule_asks_for_is_freed_before_backward(no_collector):
    x = agrad.ones(10, requires_grad=True)
    y = x * 2
    array = weakref.ref(y.data)
    z = (y + 1).sum()
    del y
    assert array() is None, "add and sum keep no array"
    z.backward()


def test_kept_values_are_freed_by_the_pass(no_collector):
    x = agrad.ones(10, requires_grad=True)
    y = agrad.exp(x)
    array = weakref.ref(y.data)
    z = y.sum()
    del y
    assert array() is not None, "the rule of exp asks for its output"
    z.backward()
    assert array() is None


def test_values_of_constants_are_not_kept(no_collector):
    """In x @ w the rule of x needs w, the rule of w needs x; where w is constant, x is not kept."""
    x = agrad.ones((3, 3), requires_grad=True) * 2
    array = weakref.ref(x.data)
    y = x @ agrad.ones((3, 3))
    del x
    assert array() is None
    y.sum().backward()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: agrad.exp(x) * x + x.sum(),
        lambda x: agrad.stack(agrad.unstack(x * x)),
        lambda x: agrad.concat([x, x * x])[1:4],
        lambda x: x.reshape((2, 2)) @ x.reshape((2, 2)),
        lambda x: agrad.sort(x) * agrad.max(x) / agrad.std(x),
    ],
)
@pytest.mark.parametrize("order", [1, 2])
def test_the_tape_has_no_reference_cycles(no_collector, f, order):
    x = agrad.asarray([0.5, 1.0, 2.0, 3.0], requires_grad=True)
    f(x).sum().backward()  # fills caches
    x.grad = None
    gc.collect()
    y = f(x).sum()
    if order == 2:
        (slope,) = agrad.gradients(y, x, create_graph=True)
        y = slope.sum()
        del slope
    y.backward()
    del y
    x.grad = None
    assert gc.collect() == 0


def test_training_grows_memory_by_nothing(no_collector):
    """20,000 steps leave no object behind that the first hundreds did not."""
    x = agrad.asarray(np.ones((7, 1), dtype=np.float32))
    w = agrad.zeros((1, 1), requires_grad=True)

    def train(steps):
        nonlocal w
        for _ in range(steps):
            error = x @ w - 1.0
            (error * error).mean().backward()
            with agrad.no_grad():
                w -= 0.1 * w.grad
            w.grad = None

    train(500)
    before = sys.getallocatedblocks()
    train(20_000)
    assert sys.getallocatedblocks() - before < 100


def test_failed_ops_leave_nothing_behind(no_collector, traced):
    x = agrad.zeros(MEGABYTE // 4, requires_grad=True)
    start = traced()
    for _ in range(20):
        with pytest.raises(ValueError, match="shape"):
            agrad.exp(x) + agrad.zeros(3)
    gc.collect()
    assert traced() - start < MEGABYTE


def test_sequences_of_changing_lengths_keep_memory_flat(no_collector, traced):
    x = agrad.ones(4, requires_grad=True)

    def run(rounds):
        for n in range(rounds):
            agrad.stack([x, agrad.ones(4), *[x] * (n % 7)]).sum().backward()
            x.grad = None

    run(3000)  # until Python's own lists of free tuples are full; collecting would empty them
    before = traced()
    run(1000)
    assert traced() - before < 20_000
    assert gc.collect() == 0


def test_backward_keeps_no_array_of_a_node_that_it_has_passed(traced):
    x = agrad.asarray(np.ones(1_000_000, np.float32), requires_grad=True)
    w = agrad.asarray(np.ones((), np.float32), requires_grad=True)
    y = x
    for _ in range(8):
        y = agrad.exp(y * w) * 0.1
    total = agrad.sum(y)
    del y
    before = traced()
    tracemalloc.reset_peak()
    total.backward()
    grown = tracemalloc.get_traced_memory()[1] - before
    assert grown < 9_000_000, "beside the saved values, two arrays of 4 MB: a cotangent and the next one"
