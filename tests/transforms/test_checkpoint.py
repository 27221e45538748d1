"""checkpoint: the same gradients, of any order, from less memory."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close, check_grads


def leaf(values=(0.5, -1.0), **settings):
    return agrad.asarray(list(values), requires_grad=True, **settings)


def block(x):
    return agrad.sin(x) * agrad.exp(x[::-1])


def test_values_and_gradients_are_the_same(device):
    x, y = leaf(), leaf()
    plain, saved = block(x), agrad.checkpoint(block)(y)
    assert_close(saved.detach(), plain.detach())
    plain.sum().backward()
    saved.sum().backward()
    assert_close(y.grad, x.grad)
    assert y.grad.device is device


def test_gradients_of_any_order(device):
    if not device.backend.supports_float64:
        pytest.skip(f"{device} does not compute in float64")
    x = agrad.asarray([0.5, -1.0])
    check_grads(agrad.checkpoint(block), [x], order=3)
    check_grads(agrad.checkpoint(lambda z: z * agrad.conj(z) ** 2), [agrad.asarray([1 + 2j, 0.5j])])
    check_grads(agrad.checkpoint(lambda x: agrad.checkpoint(block)(agrad.checkpoint(block)(x))), [x])


def test_gradients_flow_to_parameters_that_are_not_arguments(device):
    agrad.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    x = leaf()
    model(x).sum().backward()
    expected = [p.grad for p in model.parameters()]
    model.zero_grad()
    agrad.checkpoint(model)(x).sum().backward()
    for parameter, g in zip(model.parameters(), expected, strict=True):
        assert_close(parameter.grad, g)


def test_nests_settings_and_several_outputs(device):
    @agrad.checkpoint
    def f(d, n, *, flip):
        x, y = d["pair"]
        return {"a": x**n, "b": [y * 2 if flip else y, n], "c": x.detach()}

    x, y = leaf(), leaf()
    found = f({"pair": (x, 3 * y)}, 2, flip=True)
    assert found["b"][1] == 2
    assert not found["c"].requires_grad
    (found["a"].sum() + found["b"][0].sum()).backward(retain_graph=True)
    assert (x.grad.tolist(), y.grad.tolist()) == ([1.0, -2.0], [6.0, 6.0])
    x.grad = y.grad = None
    found["b"][0].sum().backward()
    assert y.grad.tolist() == [6.0, 6.0]


def test_an_argument_computed_from_another(device):
    x = leaf()
    y = x * x
    z = agrad.checkpoint(lambda x, y: x * y)(x, y)
    (g,) = agrad.gradients(z.sum(), x, create_graph=True)
    assert_close(g.detach(), [3 * 0.5**2, 3.0])
    assert_close(agrad.gradients(g.sum(), x)[0], [3.0, -6.0])


def test_gradients_share_no_memory(device):
    x, y = leaf(), leaf()
    agrad.checkpoint(lambda x, y: x + y)(x, y).backward(agrad.ones(2))
    with agrad.no_grad():
        x.grad *= 5
    assert y.grad.tolist() == [1.0, 1.0]


def test_random_numbers_are_drawn_again(device):
    agrad.manual_seed(0)
    x = agrad.ones(100, requires_grad=True)
    y = agrad.checkpoint(lambda x: x * agrad.rand(100))(x)
    after = agrad.random.get_state()
    y.sum().backward()
    assert_close(x.grad, y.detach())
    assert agrad.random.get_state() == after


def test_the_second_call_leaves_the_numbers_of_other_threads_alone(device):
    seen = []

    def f(x):
        if agrad.is_recomputing():
            with ThreadPoolExecutor(1) as pool:
                seen.append(pool.submit(agrad.rand, 3, device=device).result().tolist())
        return x * agrad.rand(3)

    agrad.manual_seed(0)
    x = agrad.ones(3, requires_grad=True)
    y = agrad.checkpoint(f)(x)
    with agrad.random.fork_rng():
        expected = agrad.rand(3).tolist()
    y.sum().backward()
    assert seen == [expected]
    assert_close(x.grad, y.detach())


def test_the_function_runs_once_more_and_only_for_gradients(device):
    calls = []

    @agrad.checkpoint
    def f(x):
        calls.append(agrad.is_grad_enabled())
        return x * x

    x = leaf()
    with agrad.no_grad():
        assert not f(x).requires_grad
    assert not f(x.detach()).requires_grad
    assert calls == [False, True]
    y = f(x)
    assert calls == [False, True, True]
    y.sum().backward()
    assert calls == [False, True, True, True]
    with pytest.raises(RuntimeError, match="checkpoint saved were freed"):
        y.sum().backward()


def test_values_inside_are_not_kept(device):
    inside = []

    def f(x):
        y = agrad.exp(x)
        inside.append(weakref.ref(y))
        inside.append(weakref.ref(y._node))
        return y * y

    gc.disable()
    try:
        result = agrad.checkpoint(f)(leaf())
        assert [ref() for ref in inside] == [None, None]
    finally:
        gc.enable()
    assert result.requires_grad


def test_arguments_may_be_written_into_afterwards(device):
    x = leaf()
    y = x * 1
    z = agrad.checkpoint(lambda y: y * y)(y)
    y += 10
    z.sum().backward()
    assert x.grad.tolist() == [1.0, -2.0]

    def writes(y):
        y[0] = 3.0
        return y * y

    x.grad = None
    y = x * 1
    agrad.checkpoint(writes)(y).sum().backward()
    assert x.grad.tolist() == [0.0, -2.0]


def test_values_changed_before_backward_are_refused(device):
    x = leaf()
    y = agrad.checkpoint(lambda y: y * y)(x)
    with agrad.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="checkpoint needs was changed in place"):
        y.sum().backward()


def test_a_function_that_computes_something_else_is_refused(device):
    sizes = iter([2, 1])
    y = agrad.checkpoint(lambda x: x[: next(sizes)])(leaf())
    with pytest.raises(RuntimeError, match=r"\[\(1,\)\] the second time, \[\(2,\)\] the first"):
        y.sum().backward()


def test_memory_grows_as_it_should():
    from benchmarks.checkpointing import in_halves, in_segments, peak, whole

    growth = {way.__name__: peak(way, 256) / peak(way, 16) for way in (whole, in_segments, in_halves)}
    assert growth["whole"] > 10  # of 16
    assert growth["in_segments"] < 5  # of √16 = 4
    assert growth["in_halves"] < 2.5  # of log 256 / log 16 = 2


def test_inside_of_transforms(device):
    f = agrad.checkpoint(lambda x: x**3)
    assert agrad.grad(agrad.grad(f))(2.0).item() == 12.0
    assert agrad.jvp(f, [2.0], [1.0])[1].item() == 12.0
    assert agrad.hessian(lambda x: f(x).sum())(agrad.asarray([1.0, 2.0])).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    w = leaf()
    g = agrad.grad(agrad.checkpoint(lambda x: (w * x**2).sum()))(agrad.asarray([3.0, 4.0]))
    g.sum().backward()
    assert w.grad.tolist() == [6.0, 8.0]


def test_under_observation(device):
    """Transforms, checkpoints and solutions go through what profile, draw and detect_anomaly look at."""
    f = agrad.checkpoint(lambda x: x**3)
    solution = lambda a: agrad.root(lambda x, a: x * x - a, 1.0, a)
    with agrad.detect_anomaly():
        assert agrad.grad(agrad.grad(f))(2.0).item() == 12.0
        assert agrad.jvp(f, [2.0], [1.0])[1].item() == 12.0
        assert agrad.grad(solution)(4.0).item() == pytest.approx(0.25)
        assert agrad.grad(agrad.grad(solution))(4.0).item() == pytest.approx(-1 / 32)
    a = agrad.asarray(4.0, requires_grad=True)
    with agrad.profile() as seen:
        y = agrad.grad(lambda x: solution(x * f(a)))(1.0)
        y.backward()
    assert "checkpoint" in str(agrad.draw(y))
    assert "multiply" in {row.op for row in seen.rows}
