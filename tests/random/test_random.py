"""Random numbers: their distributions, seeds and states, on each device."""

import json
import math
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial

import numpy as np
import pytest

import agrad
from agrad.backends.stream import Stream

N = 20_000


@pytest.fixture(autouse=True)
def seeded():
    """Each test draws the same numbers in each run, and leaves the state as it was."""
    before = agrad.random.get_state()
    agrad.manual_seed(1234)
    yield
    agrad.random.set_state(before)


DRAWS = {
    "rand": lambda **at: agrad.rand(5, **at),
    "randn": lambda **at: agrad.randn(2, 3, **at),
    "normal": lambda **at: agrad.normal(1.0, 2.0, (4,), **at),
    "uniform": lambda **at: agrad.uniform(-1, 1, size=6, **at),
    "bernoulli": lambda **at: agrad.bernoulli(0.5, 64, **at),
    "randint": lambda **at: agrad.randint(0, 1000, (7,), **at),
    "randperm": lambda **at: agrad.randperm(50, **at),
}


# Seeds and states


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_seed_starts_the_numbers_over(device, draw):
    agrad.manual_seed(7)
    first, second = draw(), draw()
    assert first.tolist() != second.tolist()
    agrad.manual_seed(7)
    assert draw().tolist() == first.tolist()
    agrad.manual_seed(8)
    assert draw().tolist() != first.tolist()


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 + 1, 2**63, 2**64 - 1])
def test_seeds_differ_in_all_their_bits(device, seed):
    agrad.manual_seed(seed)
    first = agrad.rand(4).tolist()
    agrad.manual_seed(seed ^ 2**33)
    assert agrad.rand(4).tolist() != first


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (2**64, ValueError), (1.5, TypeError), ("1", TypeError)])
def test_a_wrong_seed(seed, error):
    expected = agrad.random.get_state()
    with pytest.raises(error):
        agrad.manual_seed(seed)
    assert agrad.random.get_state() == expected


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_state_is_text_and_leads_back(device, draw):
    draw()
    text = json.dumps(agrad.random.get_state())
    first, second = draw().tolist(), draw().tolist()
    agrad.random.set_state(json.loads(text))
    assert [draw().tolist(), draw().tolist()] == [first, second]


def test_a_state_of_before_the_first_draw(device):
    state = agrad.random.get_state()
    first = agrad.rand(3).tolist()
    agrad.random.set_state(state)
    assert agrad.rand(3).tolist() == first


WRONG_SETTINGS = [
    {"seed": -5}, {"seed": 2**64}, {"devices": 3}, {"devices": {"cuda:9": "garbage"}}, {"devices": {3: {}}},
    {"spawned": -1}, {"spawned": 0.5},
]  # fmt: skip


@pytest.mark.parametrize("change", WRONG_SETTINGS, ids=str)
def test_a_state_with_wrong_settings_changes_nothing(change):
    state = agrad.random.get_state()
    with pytest.raises(ValueError, match="what get_state returned"):
        agrad.random.set_state({**state, **change})
    assert agrad.random.get_state() == state


@pytest.mark.parametrize("wrong", ["garbage", {"bogus": 1}, {}, None], ids=str)
def test_a_wrong_state_of_a_device_changes_nothing(device, wrong):
    agrad.rand(3)
    state = agrad.random.get_state()
    with pytest.raises(ValueError, match="what get_state returned"):
        agrad.random.set_state({**state, "devices": {device.name: wrong}})
    assert agrad.random.get_state() == state


@pytest.mark.parametrize("number", [-1, 2**64])
def test_numbers_of_a_state_are_in_range(device, number):
    agrad.rand(3)
    state = agrad.random.get_state()
    own = state["devices"][device.name]
    if "draws" not in own:
        pytest.skip("its generator's state is the library's own")
    for name in ("seed", "draws"):
        with pytest.raises(ValueError, match="what get_state returned"):
            agrad.random.set_state({**state, "devices": {device.name: {**own, name: number}}})


def test_each_entry_of_the_state_of_a_device_is_looked_at(device):
    agrad.rand(3)
    state = agrad.random.get_state()
    for name in state["devices"][device.name]:
        changed = {**state["devices"][device.name], name: []}
        with suppress(ValueError):  # what a library takes, it must be able to draw with
            agrad.random.set_state({**state, "devices": {device.name: changed}})
            agrad.rand(3)


def test_a_state_from_a_machine_with_other_devices(device):
    agrad.rand(3)
    state = agrad.random.get_state()
    state["devices"]["cuda:9"] = {"seed": 1, "draws": 2}
    expected = agrad.rand(3).tolist()
    agrad.random.set_state(state)
    assert agrad.rand(3).tolist() == expected
    assert agrad.random.get_state()["devices"]["cuda:9"] == {"seed": 1, "draws": 2}


@pytest.mark.parametrize("state", [None, {}, {"seed": "x", "devices": {}}, {"seed": 1}, 3])
def test_wrong_states_are_refused(state):
    before = agrad.random.get_state()
    with pytest.raises(ValueError, match="get_state"):
        agrad.random.set_state(state)
    assert agrad.random.get_state() == before


def test_a_state_from_before_loaders_were_counted(device):
    state = agrad.random.get_state()
    del state["spawned"]
    agrad.random.set_state(state)
    assert agrad.random.get_state()["spawned"] == 0


def test_devices_do_not_disturb_each_other():
    first = agrad.rand(3, device="cpu")
    agrad.manual_seed(1234)
    agrad.rand(3, device="strict")
    assert agrad.rand(3, device="cpu").tolist() == first.tolist()


def test_runs_differ_until_they_are_seeded():
    import subprocess
    import sys

    code = "import agrad; print(agrad.rand(2).tolist())"
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 2


# Blocks and threads with numbers of their own


def test_a_block_has_numbers_of_its_own(device):
    agrad.rand(1)
    before = agrad.random.get_state()
    expected = agrad.rand(3).tolist()
    agrad.random.set_state(before)
    with agrad.random.fork_rng():
        assert agrad.rand(3).tolist() == expected
        agrad.manual_seed(0)
        inside = agrad.rand(3).tolist()
        with agrad.random.fork_rng():
            assert agrad.rand(3).tolist() != inside
        agrad.manual_seed(0)
        assert agrad.rand(3).tolist() == inside
    assert agrad.random.get_state() == before


def test_a_function_with_numbers_of_its_own(device):
    @agrad.random.fork_rng()
    def draw(stop=False):
        numbers = agrad.rand(3).tolist()
        return numbers[3] if stop else numbers

    with pytest.raises(IndexError):
        draw(stop=True)
    assert draw() == draw() == agrad.rand(3).tolist()


def test_a_generator_that_is_closed_elsewhere_takes_its_numbers_along(device):
    def numbers():
        with agrad.random.fork_rng():
            yield agrad.rand(1)

    steps = numbers()
    copy_context().run(next, steps)
    with agrad.random.fork_rng():
        agrad.manual_seed(0)
        before = agrad.random.get_state()
        steps.close()
        assert agrad.random.get_state() == before


def together(works):
    """Run functions in threads which all begin at once and take turns often; return what they return."""
    start, interval = threading.Barrier(len(works)), sys.getswitchinterval()

    def begin(work):
        start.wait()
        return work()

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(works)) as pool:
            waiting = [pool.submit(copy_context().run, begin, work) for work in works]
            return [future.result() for future in waiting]
    finally:
        sys.setswitchinterval(interval)


def test_threads_repeat_numbers_of_their_own(device):
    def numbers(seed):
        with agrad.random.fork_rng():
            agrad.manual_seed(seed)
            return [draw().tolist() for _ in range(3) for draw in DRAWS.values()]

    alone = [numbers(seed) for seed in range(8)]
    before = agrad.random.get_state()
    assert together([partial(numbers, seed) for seed in range(8)]) == alone
    assert agrad.random.get_state() == before


def test_no_two_threads_get_the_same_numbers(device):
    def numbers():
        return [tuple(agrad.rand(4).tolist()) for _ in range(25)]

    for seed in range(5):
        agrad.manual_seed(seed)  # the first draw makes the generator: all threads want to
        drawn = [x for of_one in together([numbers] * 8) for x in of_one]
        assert len(set(drawn)) == len(drawn) == 200
        agrad.manual_seed(seed)
        assert sorted(numbers() + [x for _ in range(7) for x in numbers()]) == sorted(drawn)


def test_one_generator_is_made_for_all_threads(device, monkeypatch):
    made, make = [], device.backend.generator

    def slowly(seed, native):
        time.sleep(0.01)
        made.append(seed)
        return make(seed, native)

    monkeypatch.setattr(device.backend, "generator", slowly)
    agrad.manual_seed(3)
    together([lambda: agrad.rand(2)] * 8)
    assert made == [3]


def test_a_state_is_read_while_another_thread_draws_for_the_first_time(device, monkeypatch):
    reading, drawn, read = threading.Event(), threading.Event(), device.backend.get_state

    def slowly(generator):
        reading.set()
        drawn.wait(0.1)
        return read(generator)

    def draw():
        assert reading.wait(5)
        agrad.rand(2, device="strict:device1")
        drawn.set()

    agrad.rand(2)
    monkeypatch.setattr(device.backend, "get_state", slowly)
    state, _ = together([agrad.random.get_state, draw])
    assert list(state["devices"]) == [device.name]


def test_draws_are_counted_once():
    stream = Stream(7)
    drawn = together([lambda: [stream.draw() for _ in range(2000)]] * 4)
    assert sorted(x for of_one in drawn for x in of_one) == [(7, i + 1) for i in range(8000)]


# Distributions


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform_numbers(device, dtype):
    if not hasattr(device.xp, dtype):
        with pytest.raises(TypeError, match=f"has no dtype {dtype}"):
            agrad.rand(3, dtype=dtype)
        return
    values = agrad.rand(N, dtype=dtype).numpy().astype(np.float64)
    assert values.min() >= 0
    assert values.max() < 1
    np.testing.assert_allclose(np.histogram(values, 8, (0, 1))[0] / N, 1 / 8, atol=0.015)
    x = agrad.uniform(-3, 5, size=(N,), dtype=dtype)
    assert x.dtype.name == dtype
    assert -3 <= agrad.min(x).item() < -2.9
    assert 4.9 < agrad.max(x).item() <= 5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal_numbers(device, dtype):
    if not hasattr(device.xp, dtype):
        pytest.skip(f"no {dtype}")
    values = agrad.randn(N, dtype=dtype).numpy().astype(np.float64)
    moments = [np.mean(values**k) for k in (1, 2, 3, 4)]
    np.testing.assert_allclose(moments, [0, 1, 0, 3], atol=0.15)
    assert math.isclose(np.mean(values < 1), 0.8413, abs_tol=0.02)
    values = agrad.normal(3, 0.5, N, dtype=dtype).numpy()
    assert values.dtype == dtype
    assert math.isclose(values.mean(), 3, abs_tol=0.03)
    assert math.isclose(values.std(), 0.5, abs_tol=0.02)


def test_ones_with_their_probability(device):
    values = agrad.bernoulli(0.3, N)
    assert set(values.tolist()) == {0.0, 1.0}
    assert math.isclose(agrad.mean(values).item(), 0.3, abs_tol=0.02)
    p = agrad.asarray([[0.0, 1.0]] * 50)
    assert agrad.bernoulli(p).tolist() == p.tolist()
    assert agrad.bernoulli(1, 3, dtype=agrad.int32).dtype == agrad.int32


def test_integers(device):
    values = agrad.randint(-2, 4, (N,))
    counts = np.bincount(values.numpy() + 2, minlength=6)
    np.testing.assert_allclose(counts / N, 1 / 6, atol=0.02)
    assert values.dtype.family == "signed integer"
    assert agrad.randint(5, (2, 3)).shape == (2, 3)
    assert agrad.randint(1).item() == 0
    assert agrad.randint(1, 2, 3).tolist() == [1, 1, 1]
    for dtype in ("uint8", "int8", "int32"):
        x = agrad.randint(0, 128, (1000,), dtype=dtype)
        assert x.dtype.name == dtype
        assert 100 < agrad.max(x).item() < 128


@pytest.mark.parametrize("name", ["strict:no_x64", "jax", "cpu", "torch"])
def test_integers_are_the_devices_own_by_default(name):
    try:
        device = agrad.Device(name)
    except RuntimeError as error:
        pytest.skip(str(error))
    with device:
        own = agrad.arange(2).dtype
        assert agrad.randint(0, 5, (3,)).dtype is agrad.randint(3, (2,)).dtype is own
        assert agrad.randperm(4).dtype is own
        assert sorted(agrad.randperm(4).tolist()) == [0, 1, 2, 3]
        assert agrad.asarray([1, 2]).dtype is agrad.asarray(1).dtype is own
        assert agrad.ones(3)[agrad.randperm(3)].tolist() == [1.0] * 3


def test_integers_that_the_device_is_too_narrow_for():
    with pytest.raises(OverflowError, match=r"4294967296.*int32"):
        agrad.asarray([2**32], device="strict:no_x64")
    with pytest.raises(ValueError, match="int32"):
        agrad.randint(2**32, (2,), device="strict:no_x64")


def test_permutations(device):
    first = agrad.randperm(100).tolist()
    assert sorted(first) == list(range(100))
    assert first != list(range(100))
    assert agrad.randperm(0).shape == (0,)
    assert agrad.randperm(1).tolist() == [0]
    assert agrad.randperm(9, dtype=agrad.int32).dtype == agrad.int32
    places = np.asarray([agrad.randperm(3).tolist().index(0) for _ in range(120)])
    assert all(20 < np.sum(places == k) < 60 for k in range(3))


# Shapes, types, devices

SHAPED = {
    "rand": agrad.rand,
    "randn": agrad.randn,
    "normal": lambda *size, **kwargs: agrad.normal(0, 1, size, **kwargs),
    "uniform": lambda *size, **kwargs: agrad.uniform(0, 1, size, **kwargs),
    "bernoulli": lambda *size, **kwargs: agrad.bernoulli(0.5, size, **kwargs),
}


@pytest.mark.parametrize("draw", SHAPED.values(), ids=SHAPED)
@pytest.mark.parametrize("shape", [(), (3,), (1, 1), (2, 0), (2, 3, 4)])
def test_shapes(device, draw, shape):
    x = draw(*shape)
    assert x.shape == shape
    assert x.dtype == agrad.get_default_dtype()
    assert x.device is device
    assert x.is_leaf
    assert not x.requires_grad
    assert draw(*shape, requires_grad=True).requires_grad


@pytest.mark.parametrize("size", [(2, 3), [2, 3]])
def test_a_shape_may_come_as_one(device, size):
    assert agrad.rand(size).shape == (2, 3)
    assert agrad.randn(size).shape == (2, 3)
    assert agrad.normal(0, 1, size=size).shape == (2, 3)
    assert agrad.randint(3, size).shape == (2, 3)


@pytest.mark.parametrize("name", ["cpu", "strict:device1"])
def test_the_device_by_keyword(name):
    for draw in DRAWS.values():
        assert draw(device=name).device.name == name
    p = agrad.asarray([0.5, 1.0], device=name)
    assert agrad.bernoulli(p).device.name == name
    assert agrad.normal(p, 1.0).device.name == name


def test_the_tutorials_calls():
    w = agrad.normal(0, 0.01, size=(2, 1), requires_grad=True)
    (w * 2).sum().backward()
    assert w.grad.tolist() == [[2.0], [2.0]]
    assert agrad.randn(1, 1).shape == (1, 1)
    assert agrad.rand(3).shape == (3,)


def test_numpys_numbers_count_as_pythons(device):
    x = agrad.normal(np.float64(1.0), np.float32(0.0), size=np.int64(3))
    assert x.dtype == agrad.float32
    assert x.tolist() == [1.0, 1.0, 1.0]
    assert agrad.randint(np.int64(1), np.int64(2), (2,)).tolist() == [1, 1]


def test_gradients_flow_to_the_parameters_of_a_normal_distribution(device):
    mean = agrad.asarray([1.0, 2.0], requires_grad=True)
    std = agrad.asarray([[0.5], [0.0], [2.0]], requires_grad=True)
    x = agrad.normal(mean, std)
    assert x.shape == (3, 2)
    assert x[1].tolist() == [1.0, 2.0]
    x.sum().backward()
    assert mean.grad.tolist() == [3.0, 3.0]
    noise = (x[2] - mean).detach() / 2
    np.testing.assert_allclose(std.grad[2].item(), noise.sum().item(), rtol=1e-4)
    assert agrad.normal(mean, 1.0, size=(4, 2)).shape == (4, 2)


WRONG = {
    "a negative length": (lambda: agrad.rand(2, -1), ValueError, "0 or more, not"),
    "a fraction of a length": (lambda: agrad.rand(2.5), TypeError, "integer"),
    "an integer dtype": (lambda: agrad.randn(2, dtype=agrad.int32), TypeError, "floating"),
    "a complex dtype": (lambda: agrad.rand(2, dtype="complex64"), TypeError, "floating"),
    "a negative deviation": (lambda: agrad.normal(0, -1, 2), ValueError, "-1"),
    "low above high": (lambda: agrad.uniform(2, 1, 2), ValueError, "at least low, not high=1"),
    "a deviation of nan": (lambda: agrad.normal(0, math.nan, 2), ValueError, "0 or more, not nan"),
    "a probability of 2": (lambda: agrad.bernoulli(2, 2), ValueError, "from 0 to 1, not 2"),
    "a probability of nan": (lambda: agrad.bernoulli(math.nan, 2), ValueError, "from 0 to 1, not nan"),
    "integer probabilities": (lambda: agrad.bernoulli(agrad.asarray([1, 0])), TypeError, "floating"),
    "no integer": (lambda: agrad.randint(3, 3, (2,)), ValueError, "greater than low, not high=3"),
    "integers that do not fit": (lambda: agrad.randint(0, 257, (2,), dtype="uint8"), ValueError, "do not fit"),
    "floating integers": (lambda: agrad.randint(0, 9, (2,), dtype="float32"), TypeError, "integer dtype"),
    "fractional bounds": (lambda: agrad.randint(0.5, 9, (2,)), TypeError, "integer"),
    "gradients of integers": (lambda: agrad.randint(0, 9, (2,), requires_grad=True), TypeError, "1.0 instead of 1"),
    "gradients of an order": (lambda: agrad.randperm(3, requires_grad=True), TypeError, "1.0 instead of 1"),
    "a negative number of them": (lambda: agrad.randperm(-1), ValueError, "0 or more, not -1"),
    "a size that is too small": (lambda: agrad.normal(agrad.ones(3), 1.0, size=(1,)), ValueError, r"\(3,\)"),
}


@pytest.mark.parametrize(("draw", "error", "message"), WRONG.values(), ids=WRONG)
def test_bad_input(device, draw, error, message):
    with pytest.raises(error, match=message):
        draw()


WRONG_VALUES = {
    "negative deviations": (lambda: agrad.normal(0, agrad.asarray([1.0, -1.0])), ValueError, "0 or more, not -1"),
    "a probability of 1.5": (lambda: agrad.bernoulli(agrad.asarray([0.0, 1.5])), ValueError, "from 0 to 1, not 1.5"),
    "a probability below 0": (lambda: agrad.bernoulli(agrad.asarray([-0.5, 1.0])), ValueError, "from 0 to 1, not -0.5"),
    "no probability": (lambda: agrad.bernoulli(agrad.asarray([math.nan, 1.0])), ValueError, "from 0 to 1, not nan"),
}


@pytest.mark.parametrize(("draw", "error", "message"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_bad_values_in_tensors(device, draw, error, message):
    if device.backend.waits_on_read(device.native):
        draw()  # nobody looks where that would mean to wait
        return
    with pytest.raises(error, match=message):
        draw()


@pytest.mark.parametrize("name", ["randint", "randperm"])
def test_integers_take_requires_grad_false(device, name):
    assert not getattr(agrad, name)(3, requires_grad=False).requires_grad
