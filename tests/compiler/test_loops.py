"""Steps that numba compiles to loops give what the functions give, up to the order of sums."""

import os
import subprocess
import sys

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from tests.compiler.steps import compare, contents, run_both
from tests.compiler.training import batch, halve, with_layer, with_optimizer

pytest.importorskip("numba", reason="numba is not installed")
pytest.importorskip("scipy", reason="SciPy is not installed")
compiled = lambda f, **settings: agrad.compile(f, jit="numba", **settings)


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1),
    "momentum": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, 0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training(name):
    run_both(with_optimizer(OPTIMIZERS[name]), batch, between=halve, jit="numba")


def test_layers_with_buffers_and_random_numbers():
    layers = [lambda: nn.BatchNorm1d(5), lambda: nn.Dropout(0.3), lambda: nn.LayerNorm(5)]

    def between(state, i):
        state[0].train(i % 4 < 2)

    run_both(with_optimizer(OPTIMIZERS["SGD"], *layers), batch, between=between, jit="numba")


LAYERS = ["BatchNorm2d", "BatchNorm3d", "Bilinear", "GroupNorm", "LayerNorm", "MultiheadAttention", "RMSNorm"]


@pytest.mark.parametrize("layer", LAYERS)
def test_layers(layer):
    arguments = with_layer(layer, exact=False)[2]
    run_both(lambda: with_layer(layer, exact=False)[:2], lambda i: arguments, jit="numba")


def test_a_network_whose_products_blas_computes():
    def make():
        model = nn.Sequential(nn.Linear(30, 20), nn.Tanh(), nn.Linear(20, 10))
        optimizer = optim.SGD(model.parameters(), 0.1)

        def step(images, labels, rows):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            return loss, model[0].weight.grad

        return step, [model, optimizer]

    draw = np.random.default_rng(0)
    images = agrad.asarray(draw.standard_normal((100, 30), dtype=np.float32))
    labels = agrad.asarray(draw.integers(0, 10, 100))
    run_both(
        make,
        lambda i: (images, labels, agrad.asarray(np.random.default_rng(i).integers(-100, 100, 25))),
        jit="numba",
        steps=3,
    )


def test_gradients_that_accumulate_in_place():
    run_both(with_optimizer(OPTIMIZERS["SGD"], set_to_none=False), batch, jit="numba")


def test_an_embedding():
    def make():
        model = nn.Embedding(6, 3)
        optimizer = optim.SGD(model.parameters(), 0.1)

        def step(indices):
            optimizer.zero_grad()
            agrad.sum(model(indices) ** 2).backward()
            optimizer.step()

        return step, [model, optimizer]

    run_both(make, lambda i: (agrad.asarray([i % 6, 2, 2, 5]),), jit="numba")


ELEMENTWISE = {
    "arithmetic": lambda x, y: [x + y, x - y, x * y, x / y, -x, abs(x), x**2, y**0.5, 1 / y, 2 - x, x // y, x % y],
    "functions": lambda x, y: [
        agrad.exp(x), agrad.log(y), agrad.sqrt(y), agrad.tanh(x), agrad.sin(x), agrad.expm1(x), agrad.log1p(y),
        agrad.sinh(x), agrad.atan2(x, y), agrad.log2(y), agrad.floor(x), agrad.round(x), agrad.sign(x),
        agrad.hypot(x, y), agrad.special.erf(x), agrad.square(x), agrad.reciprocal(y),
    ],
    "choices": lambda x, y: [
        agrad.where(x > 0, x, y), agrad.maximum(x, y), agrad.minimum(x, 0.5), agrad.clip(x, -0.5, 0.5),
        agrad.clip(x, max=0.1), x < y, x == x, ~(x < y), (x < y) & (x > 0), agrad.logical_or(x < 0, y < 1),
        agrad.isnan(x), agrad.isfinite(x), agrad.logical_not(x > 0),
    ],
    "dtypes": lambda x, y: [
        agrad.astype(x, agrad.int32), agrad.astype(y, agrad.float64) + x, agrad.astype(x > 0, agrad.float32),
        agrad.astype(3 * x, agrad.int64) + 1, agrad.astype(5 * y, agrad.uint8) * 200,
    ],
}  # fmt: skip
OTHERS = {
    "reductions": lambda x, y: [
        part
        for f in (agrad.sum, agrad.mean, agrad.max, agrad.min, agrad.prod, agrad.var)
        for part in (f(x), f(x, axis=0), f(x, axis=1, keepdims=True), f(x, axis=(0, 2)), f(x, axis=-1))
    ] + [agrad.any(x > 0, axis=1), agrad.all(x > -9), agrad.sum(x > 0), agrad.linalg.vector_norm(x)],
    "views": lambda x, y: [
        x.mT + 1, agrad.permute_dims(x, (2, 0, 1)) * 2, x[:, None, 1] + 1, x[..., ::-1] * 2, x[1:, :2, -1] + 1,
        agrad.reshape(x, (-1,)) + 1, agrad.reshape(x.mT, (3, -1)) * 2, agrad.flip(x) - 1, agrad.moveaxis(x, 0, 2),
        agrad.broadcast_to(x[0, :1], (3, 4)) + 1, agrad.squeeze(x[:1], 0), agrad.expand_dims(x, axis=1),
        agrad.unstack(x, axis=1)[1] + 0, x,
    ],
    "made of several": lambda x, y: [
        agrad.stack([x, y], axis=1), agrad.concat([x, y, x], axis=2), agrad.concat([x, y + 1]), agrad.zeros_like(x),
    ],
    "products": lambda x, y: [
        x @ y.mT, x[0] @ y[0].mT, x @ y[0].mT, x[0, 0] @ y[0, 0], x[0] @ y[0, 0], y[0, 0] @ x[0].mT, x[:, :1] @ y.mT,
        agrad.reshape(x, (-1, 1)) @ agrad.reshape(y, (1, -1)), agrad.reshape(x, (-1, 4)) @ agrad.reshape(y, (4, -1)),
    ],
}  # fmt: skip


def pair(*shape):
    draw = np.random.default_rng(0)
    return tuple(agrad.asarray(draw.uniform(low, 2, shape).astype(np.float32)) for low in (-2, 0.1))


@pytest.mark.parametrize("name", [*ELEMENTWISE, *OTHERS])
def test_functions(name):
    f, given = (ELEMENTWISE | OTHERS)[name], pair(2, 3, 4)
    compare(compiled(f)(*given), f(*given), "numba")
    g = compiled(lambda x, y: f(2 * x / 2, y + 0))  # of what was computed
    for _ in range(2):
        compare(g(*given), f(*given), "numba")


def test_empty_arrays():
    model = nn.Linear(3, 4)

    def f(x, y):
        model.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        return loss, agrad.sum(x * x)

    step = agrad.compile(f, state=model, jit="numba")
    for _ in range(3):
        loss, total = step(agrad.ones((0, 3)), agrad.ones(0, dtype=agrad.int64))
        assert np.isnan(loss.item())
        assert total.item() == 0.0
    assert "raised" not in step.explain()
    compare(agrad.compile(agrad.grad(lambda x: agrad.mean(x * x)), jit="numba")(agrad.ones((0, 3))), agrad.ones((0, 3)))


def test_constants_that_were_broadcast():
    x, w = agrad.randn(6, 5), agrad.randn(5, 1)
    f = agrad.grad(lambda w: agrad.sum(x @ w))  # the gradient of the sum is ones, all in the memory of one
    step = agrad.compile(agrad.grad(lambda w, x: agrad.sum(x @ w)), jit="numba")
    for _ in range(2):
        compare(step(w, x), f(w), "numba")


def test_nan_and_infinity():
    f = lambda x: [
        agrad.max(x),
        agrad.min(x, axis=0),
        agrad.maximum(x, 0.0),
        agrad.clip(x, 0.0, 1.0),
        agrad.sum(x),
        1 / x,
    ]
    for values in ([[np.nan, 1.0], [0.0, 2.0]], [[np.inf, 1.0], [-np.inf, 2.0]], [[0.0, -0.0], [1.0, np.inf]]):
        x = agrad.asarray(values)
        compare(compiled(f)(x), f(x), "numba")


def test_large_stacks_of_matrices():
    f = lambda x, y: [x @ y.mT, x @ y[0].mT]
    x, y = pair(3, 20, 30)
    for _ in range(2):
        compare(compiled(f)(x, y), f(x, y), "numba")


def test_few_rows_by_a_large_transposed_matrix():
    f = lambda x, w: (x @ w.mT, agrad.tanh(x @ w.mT + w[:, 0]), agrad.sum(x @ w.mT, axis=1) @ (x @ w.mT))
    x, w = (agrad.asarray(np.random.default_rng(n).standard_normal((n, 40)).astype(np.float32)) for n in (8, 64))
    g = compiled(f)
    for _ in range(2):
        compare(g(x, w), f(x, w), "numba")
    assert "np.dot(w, x.T, t0)" in g.source


def test_numbers_written_at_indices():
    def make():
        w = agrad.zeros((4, 3))

        def step(x, y):
            loss = nn.functional.cross_entropy(w, y, reduction="sum")
            return loss, agrad.grad(lambda w: nn.functional.cross_entropy(w, y))(x)

        return step, [w]

    run_both(make, lambda i: (agrad.randn(4, 3), agrad.asarray([i % 3, 1, 1, 2])), 3, jit="numba")


def test_arguments_with_gaps_in_memory():
    f = lambda x, y: [agrad.sum(x, axis=0), x @ y.mT, x[:, 0] * y[0, 0]]
    g = compiled(f)
    x, y = pair(30, 60)
    for given in ((x, y), (x[:, ::2], y[:, ::2]), (x.mT, y.mT)):
        compare(g(*given), f(*given), "numba")
    compare(compiled(lambda x: 2 * x)(agrad.arange(6.0)[::2]), 2 * agrad.arange(6.0)[::2])


def test_writes_to_parts():
    def make():
        w = agrad.asarray([[1.0, 2.0], [3.0, 4.0]])

        def step(x):
            with agrad.no_grad():
                before = 2 * w
                w[0] = x
                w[:, 1] = w[:, 1] + before[:, 0]
                total = agrad.sum(w)
                w.__imul__(0.5)
            return total, before

        return step, [w]

    run_both(make, lambda i: (agrad.asarray([i, 1.0]),), 5, jit="numba")


def test_a_part_that_is_written_to_another_part_of_the_same_memory():
    def shift(x):
        y = x + 0
        with agrad.no_grad():
            y[1:] = y[:-1]
            y[:, :2] = y[:, 1:]
        return y

    (x, _), f = pair(4, 3), compiled(shift)
    for _ in range(2):
        compare(f(x), shift(x), "numba")


def test_swapped_state():
    def make():
        a, b = agrad.asarray([1.0, 2.0]), agrad.asarray([3.0, 4.0])

        def step():
            with agrad.no_grad():
                old = agrad.asarray(a, copy=True)
                a[...] = b
                b[...] = old

        return step, [a, b]

    run_both(make, lambda i: (), 5, jit="numba")


def test_state_that_is_updated_from_its_transpose_and_returned():
    def make():
        w = agrad.asarray([[1.0, 2.0], [3.0, 4.0]])

        def step(x):
            with agrad.no_grad():
                w.__imul__(w.mT * 0.1)
            return w, x

        return step, [w]

    run_both(make, lambda i: (agrad.ones(2),), 5, jit="numba")


def test_an_argument_that_shares_memory_with_the_state():
    w = agrad.asarray([1.0, 2.0])

    @agrad.compile(state=w, jit="numba")
    def step(x):
        with agrad.no_grad():
            w.__imul__(0.5)
        return x + 1

    step(agrad.ones(2))
    with pytest.raises(RuntimeError, match="written in place"):
        step(w.detach())
    compare(w, np.asarray([0.5, 1.0], np.float32))


def test_state_that_became_read_only():
    first, second = nn.Parameter([1.0]), nn.Parameter([2.0])
    optimizer = optim.SGD([first, second], 0.1)

    def step():
        optimizer.zero_grad(set_to_none=False)
        (first * second).sum().backward()
        optimizer.step()

    step = compiled(step, state=optimizer)
    for _ in range(3):
        step()
    values = contents(optimizer), first.tolist(), second.tolist(), second.grad.tolist()
    for x, name in ((second, "optimizer_param_0_1"), (second.grad, "optimizer_param_0_1_grad")):
        x.data.flags.writeable = False
        with pytest.raises(ValueError, match=f"{name} cannot be updated: its memory is read-only"):
            step()
        assert (contents(optimizer), first.tolist(), second.tolist(), second.grad.tolist()) == values
        x.data.flags.writeable = True
    step()
    assert second.tolist() != values[2]


# What raises


def test_an_op_without_loops():
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2))
    before = contents(model)

    def step(x):
        features = model(x)
        return features

    with pytest.raises(NotImplementedError, match=r"no loops for convolve, in the line `features = model\(x\)`; leave"):
        compiled(step, state=model)(agrad.ones((2, 1, 8)))
    compare(contents(model), before)


def test_other_dtypes_and_devices():
    with pytest.raises(NotImplementedError, match="takes no arrays of float16, as x is"):
        compiled(lambda x: 2 * x)(agrad.ones(3, dtype="float16"))
    with pytest.raises(NotImplementedError, match=r"complex"):
        compiled(lambda x: agrad.fft.fft(x))(agrad.ones(3))
    with pytest.raises(NotImplementedError, match='is for the device "cpu", not for strict'):
        compiled(lambda x: 2 * x)(agrad.ones(3, device="strict"))
    with pytest.raises(ValueError, match="jit is None or \"numba\", not 'llvm'"):
        agrad.compile(lambda x: x, jit="llvm")


def test_indices_out_of_range():
    w = agrad.zeros(3)

    @agrad.compile(state=w, jit="numba")
    def step(x, indices):
        with agrad.no_grad():
            w.__iadd__(1)
        return x[indices]

    x = agrad.asarray([1.0, 2.0, 3.0])
    compare(step(x, agrad.asarray([0, -1])), np.asarray([1.0, 3.0], np.float32))
    for wrong in ([0, 3], [-4, 1]):
        with pytest.raises(IndexError):
            step(x, agrad.asarray(wrong))
    compare(w, np.ones(3, np.float32))


def test_without_numba(monkeypatch):
    monkeypatch.delitem(sys.modules, "agrad.backends.fast.loops", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError, match=r'needs numba and SciPy: pip install "agrad\[fast\]"'):
        compiled(lambda x: 2 * x)(agrad.ones(3))


# The cache

PROGRAM = """
import agrad
f = agrad.compile(lambda x: agrad.exp(x) + 1, jit="numba")
print(f(agrad.zeros(3)).tolist(), f(agrad.zeros(3)).tolist())
"""


def run_with_cache(folder):
    names = {"linux": "XDG_CACHE_HOME", "darwin": "HOME", "win32": "LOCALAPPDATA"}
    env = {**os.environ, names[sys.platform]: str(folder)}
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=env)
    assert found.stdout.strip() == "[2.0, 2.0, 2.0] [2.0, 2.0, 2.0]"
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_compiled_loops_are_cached(tmp_path):
    first = run_with_cache(tmp_path)
    assert sorted(path.suffix for path in first) == [".nbc", ".nbi", ".py"]
    assert run_with_cache(tmp_path) == first


def test_a_broken_cache_is_ignored(tmp_path):
    for path in run_with_cache(tmp_path):
        if path.suffix == ".nbc":
            path.write_bytes(b"broken")
    run_with_cache(tmp_path)


def test_no_folder_for_the_cache(tmp_path):
    (tmp_path / "agrad").write_text("a file")
    run_with_cache(tmp_path)


def test_the_source_shows_the_loops():
    model = nn.Linear(2, 1)
    f = compiled(model)
    f(agrad.ones((3, 2)))
    assert "for i0 in range(3):" in f.source
    assert "input[i0, 0] * linear_weight[0, 0]" in f.source
