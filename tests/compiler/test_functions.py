"""Functions other than training steps: models, transforms, other instruments around, threads, memory."""

import copy
import gc
import pickle
import re
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from enum import Enum

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from tests.compiler.steps import compare


def test_inference(device):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh()).eval()
    f = agrad.compile(model)
    for i in range(3):
        x = agrad.randn(2 + i % 2, 3)
        compare(f(x), model(x))
    assert not f(x).requires_grad
    assert "recorded 2 times" in f.explain()


def test_transforms(device):
    f = lambda x: agrad.sum(agrad.sin(x) ** 2)
    x = agrad.randn(5, 3)
    slope, slopes = agrad.compile(agrad.grad(f)), agrad.compile(agrad.vmap(agrad.grad(f)))
    hessian = agrad.compile(agrad.hessian(f))
    for _ in range(3):
        compare(slope(x), agrad.grad(f)(x))
        compare(slopes(x), agrad.vmap(agrad.grad(f))(x))
        compare(hessian(x[0]), agrad.hessian(f)(x[0]))
    assert "recorded 1 time\n" in slopes.explain()


def test_under_a_transform_the_function_itself_runs():
    f = agrad.compile(lambda x: agrad.sum(x * x))
    x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]])
    compare(agrad.vmap(f)(x), np.asarray([5.0, 25.0], np.float32))
    g = agrad.compile(lambda x: f(x) + 1)
    compare(g(x), np.float32(31.0) + np.zeros((), np.float32))


def test_observers_see_the_ops():
    f = agrad.compile(lambda x: x * x)
    x = agrad.ones(3)
    f(x)
    with agrad.autocast("float16"):
        assert f(agrad.ones((2, 2)) @ agrad.ones((2, 2))).dtype == agrad.float16


def test_constants_and_structures():
    f = agrad.compile(lambda x, n=1, how="sum", **more: {"y": n * x, "how": how, "more": [*more.values()]})
    x = agrad.ones(3)
    compare(f(x, 2)["y"], 2 * x)
    compare(f(x, 3)["y"], 3 * x)
    compare(f(x, 3.0)["y"], 3 * x)
    compare(f(x, n=-0.0)["y"], -0.0 * x)
    assert f(x, how="mean")["how"] == "mean"
    assert len(f(x, z=x, w=(x, [x]))["more"]) == 2
    compare(f(x, 2)["y"], 2 * x)


class Part(Enum):
    LEFT = 1
    RIGHT = 2


@pytest.mark.parametrize("key", [Part.LEFT, np.int64(1), 1.5, float("inf"), (1, "a"), None, object(), "x-y'"])
def test_keys_of_dicts(key):
    f = agrad.compile(lambda parts: {key: 2 * parts[key], "other": parts["other"]})
    for i in range(3):
        found = f({key: agrad.full((3,), 1.0 * i), "other": agrad.ones(2)})
        compare(found[key], np.full(3, 2.0 * i, np.float32))
    assert "recorded 1 time\n" in f.explain()
    f({"other": agrad.ones(2), key: agrad.ones(3)})
    assert "2: the keys of parts" in f.explain()


def test_numpy_scalars_are_numbers():
    f = lambda x, n: (x * n, agrad.asarray(n), x[int(n)])
    compiled = agrad.compile(f)
    x = agrad.ones(3)
    for n in (np.float32(2), np.float64(2), np.float64(1), np.int64(1), np.float64(1)):
        compare(compiled(x, n), f(x, n))
    assert "n was np.float64(2.0) before" in compiled.explain() or "n was 2.0 before" in compiled.explain()


def test_explain_tells_what_is_different():
    f = agrad.compile(lambda x, n=None, parts=(), more=None: x)
    for arguments in (
        [agrad.ones(3)], [agrad.ones(3), None, [], {"a": 1}], [agrad.ones(3), 2, [], {"a": 1}],
        [agrad.ones(3), 3, [], {"a": 1}], [agrad.ones(3), 3, [1], {"a": 1}], [agrad.ones(3), 3, [1], {"b": 1}],
        [agrad.ones(4), 3, [1], {"b": 1}],
    ):  # fmt: skip
        f(*arguments)
    assert [line.partition(": ")[2] for line in f.explain().splitlines()[1:]] == [
        "the first call", "the number of arguments", "n was None before", "n was 2 before",
        "the length of parts, or its class", "the keys of more, or its class", "x was (3,) float32 before",
    ]  # fmt: skip


def test_empty_arrays(device):
    f = agrad.grad(lambda x: agrad.sum(agrad.exp(x) * x))
    compiled = agrad.compile(f)
    for _ in range(2):
        compare(compiled(agrad.ones((0, 3))), f(agrad.ones((0, 3))))


def test_results_without_arrays_are_new_each_time():
    f = agrad.compile(lambda x: [1, {"a": 2}])
    for _ in range(3):
        result = f(agrad.ones(3))
        assert result == [1, {"a": 2}]
        result.append(3)


def test_backward_of_a_result():
    model = nn.Linear(3, 1)
    with pytest.raises(RuntimeError, match=r"outside of .* agrad\.compile"):
        agrad.compile(model)(agrad.ones(3)).backward()


def test_default_dtype():
    f = agrad.compile(lambda x: x + agrad.asarray([0.5]))
    x = agrad.ones(1)
    assert f(x).dtype == agrad.float32
    agrad.set_default_dtype("float64")
    try:
        assert f(x).dtype == agrad.float64
    finally:
        agrad.set_default_dtype("float32")
    assert f(x).dtype == agrad.float32


def test_checkpoint_inside(device):
    block = agrad.checkpoint(lambda x: agrad.sin(agrad.exp(agrad.sin(x))))
    f = agrad.grad(lambda x: agrad.sum(block(x)))
    x = agrad.randn(4)
    g = agrad.compile(f)
    for _ in range(3):
        compare(g(x), f(x))


def test_linear_algebra(device):
    f = agrad.grad(lambda a: agrad.sum(agrad.linalg.inv(agrad.eye(3) + a @ a.mT)))
    a = agrad.randn(3, 3)
    g = agrad.compile(f)
    for _ in range(3):
        compare(g(a), f(a))


def test_the_source_shows_names_and_shapes():
    model = nn.Linear(2, 1)
    f = agrad.compile(model)
    with pytest.raises(RuntimeError, match="call the function first"):
        f.source  # noqa: B018
    f(agrad.ones((3, 2)))
    assert "linear_weight: (1, 2) float32" in f.source
    assert "input: (3, 2) float32" in f.source


def test_the_source_tells_what_each_constant_is(device):
    f = agrad.compile(agrad.grad(lambda x: agrad.mean(x * x) + agrad.sum(agrad.arange(3.0) * x)))
    f(agrad.ones(3))
    names = set(re.findall(r"\bc\d+\b", f.source))
    assert names
    assert names == set(re.findall(r"# (c\d+)(?: = |: )", f.source))


def test_threads():
    f = agrad.compile(lambda x: agrad.sum(agrad.exp(x) * x))
    xs = [agrad.asarray(np.full(50, i, np.float32)) for i in range(8)]
    f(xs[0])
    expected = [f(x).item() for x in xs]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            assert [y.item() for y in pool.map(f, xs)] == expected


def test_a_decorated_function_keeps_its_name():
    @agrad.compile(state=[])
    def double(x):
        """Return twice x."""
        return 2 * x

    assert double.__name__ == "double"
    assert double.__doc__ == "Return twice x."
    assert "double" in repr(double)


def test_a_method_that_is_compiled():
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        @agrad.compile
        def __call__(self, x):
            return self.factor * x

    x = agrad.ones(3)
    for factor in (2.0, 3.0, 2.0):
        compare(Scale(factor)(x), factor * x)
    assert "recorded 3 times" in vars(Scale)["__call__"].explain()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_copy_is_refused(duplicate):
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        duplicate(agrad.compile(agrad.sin))


def test_explain_shows_the_last_reasons():
    f = agrad.compile(lambda x, n: n * x)
    for n in range(30):
        f(agrad.ones(()), n)
    lines = f.explain().splitlines()
    assert lines[0] == "recorded 30 times"
    assert lines[1:] == [f"  {i}: n was {i - 2} before" for i in range(11, 31)]


@pytest.mark.parametrize("name", ["exp", "multiply", "numbers", "class", "<lambda>", "GuardFailed", "t0", "x"])
def test_names_of_functions(device, name):
    f = lambda x: agrad.exp(x) * x + 2 * agrad.mean(x)
    f.__name__ = name
    compiled = agrad.compile(f)
    for _ in range(3):
        compare(compiled(agrad.ones(3)), f(agrad.ones(3)))
    assert "recorded 1 time\n" in compiled.explain()


def test_few_programs_are_kept():
    f = agrad.compile(lambda x: x + 1)
    for n in range(20):
        f(agrad.ones(n))
    assert "8 programs" in repr(f)
    f(agrad.ones(19))
    assert "recorded 20 times" in f.explain()
    f(agrad.ones(0))
    assert "recorded 21 times" in f.explain()


def test_the_arrays_of_the_recorded_call_are_freed():
    def f(x):
        for _ in range(20):
            x = agrad.sin(x)
        return x

    x = agrad.ones(1_000_000)
    gc.disable()
    try:
        tracemalloc.start()
        compiled = agrad.compile(f)
        y = compiled(x)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert y.shape == x.shape
    assert taken < 3 * x.data.nbytes  # the result, a buffer, and the program itself
    assert agrad.draw(compiled)


def test_memory_is_flat_without_the_collector():
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    optimizer = optim.Adam(model.parameters())

    @agrad.compile(state=[model, optimizer])
    def step(x):
        optimizer.zero_grad()
        loss = agrad.mean(model(x) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    x = agrad.ones((5, 3))
    for _ in range(100):
        step(x)
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        for _ in range(200):
            step(x)
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(20_000):
            step(x)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert after - before < 10_000  # half a byte for each step
