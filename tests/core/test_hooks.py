"""Hooks of Tensors: what they see, what they may return, when they run, and how they go."""

import gc
import weakref
from functools import partial

import pytest

import agrad
from agrad.core import hooks
from agrad.testing import assert_close


def leaf():
    return agrad.asarray([1.0, 2.0, 3.0], requires_grad=True)


def intermediate(x):
    return x * x


def both():
    """Yield a leaf, a Tensor made of it, and each of the two in turn."""
    for place in range(2):
        x = leaf()
        y = intermediate(x)
        yield x, y, (x, y)[place]


def test_a_hook_of_a_leaf_sees_the_whole_gradient_once(device):
    x, seen = leaf(), []
    x.register_hook(seen.append)
    (x * x + 2 * x).sum().backward()
    assert len(seen) == 1
    assert_close(seen[0], [4.0, 6.0, 8.0])
    assert seen[0].device is device
    assert not seen[0].requires_grad


def test_a_hook_of_an_intermediate_tensor_sees_the_whole_gradient_once(device):
    x, seen = leaf(), []
    y = intermediate(x)
    y.register_hook(seen.append)
    (y * y + 2 * y).sum().backward()
    assert len(seen) == 1
    assert_close(seen[0], 2 * y.detach() + 2)


def test_a_hook_may_replace_the_gradient(device):
    for x, y, target in both():
        target.register_hook(lambda g: -g)
        y.sum().backward()
        assert_close(x.grad, [-2.0, -4.0, -6.0])


def test_hooks_run_in_their_order_and_each_sees_what_the_last_returned(device):
    for x, y, target in both():
        target.register_hook(lambda g: g + 1)
        target.register_hook(lambda g: None)
        target.register_hook(lambda g: g * 10)
        y.sum().backward()
        twice = 2 * x.detach()
        assert_close(x.grad, 10 * (twice + 1) if target is x else 20 * twice)


def test_a_hook_registered_after_use_still_runs():
    """The Tensor's place on the tape holds it, as in PyTorch; nobody need keep the Tensor itself."""
    x, seen = leaf(), []
    y = intermediate(x)
    z = y.sum()
    y.register_hook(seen.append)
    del y
    z.backward()
    assert len(seen) == 1


def test_a_removed_hook_does_not_run():
    for x, y, target in both():
        handle = target.register_hook(lambda g: 10 * g)
        handle.remove()
        handle.remove()
        y.sum().backward()
        assert_close(x.grad, [2.0, 4.0, 6.0])


def test_one_of_two_equal_hooks_is_removed():
    x = leaf()

    def double(g):
        return 2 * g

    first = x.register_hook(double)
    x.register_hook(double)
    first.remove()
    x.sum().backward()
    assert_close(x.grad, [2.0, 2.0, 2.0])


def test_a_hook_may_remove_itself():
    x, seen = leaf(), []

    def once(g):
        seen.append(g)
        handle.remove()

    handle = x.register_hook(once)
    for _ in range(2):
        (2 * x).sum().backward()
    assert len(seen) == 1


def test_a_handle_is_a_context():
    x = leaf()
    with x.register_hook(lambda g: 10 * g):
        x.sum().backward()
    x.sum().backward()
    assert_close(x.grad, [11.0, 11.0, 11.0])


def test_hooks_run_under_gradients(device):
    x = leaf()
    y = intermediate(x)
    y.register_hook(lambda g: 10 * g)
    x.register_hook(lambda g: -g)
    of_y, of_x = agrad.gradients(y.sum(), [y, x])
    assert_close(of_y, [10.0, 10.0, 10.0])
    assert_close(of_x, [-20.0, -40.0, -60.0])


def test_hooks_leading_nowhere_do_not_run():
    x, seen = leaf(), []
    y, z = intermediate(x), x * 2
    y.register_hook(seen.append)
    agrad.gradients((y + z).sum(), z)
    assert not seen


def test_a_hook_under_create_graph_is_differentiated(device):
    x = leaf()
    y = intermediate(x)
    with y.register_hook(lambda g: g * y):
        (slope,) = agrad.gradients(y.sum(), x, create_graph=True)
    assert_close(slope, 2 * x.detach() ** 3)
    (curvature,) = agrad.gradients(slope.sum(), x)
    assert_close(curvature, 6 * x.detach() ** 2)


def test_without_create_graph_nothing_is_recorded_in_a_hook():
    states, x = [], leaf()
    for target in (x, y := intermediate(x)):
        target.register_hook(lambda g: states.append(agrad.is_grad_enabled()))
        target.register_hook(lambda g: x)
    y.sum().backward()
    assert states == [False, False]
    assert not x.grad.requires_grad


def test_what_a_hook_keeps_or_returns_shares_no_memory(device):
    """Neither with the gradient of anything else nor with the values."""
    x, kept = leaf(), []
    y = x + 0.0
    y.register_hook(kept.append)
    y.register_hook(lambda g: x)
    y.sum().backward()
    with agrad.no_grad():
        kept[0] += 100.0
        x.grad += 100.0
    assert_close(kept[0], [101.0, 101.0, 101.0])
    assert_close(x, [1.0, 2.0, 3.0])


def test_hooks_of_complex_tensors_see_pytorchs_convention(device):
    z, seen = agrad.asarray([1.0 + 2.0j], requires_grad=True), []
    y = z * 1.0
    for target in (z, y):
        target.register_hook(seen.append)
        target.register_hook(lambda g: g * 1j)
    agrad.real(y * (3.0 - 4.0j)).sum().backward()
    assert_close(seen[0], [3.0 + 4.0j])
    assert_close(seen[1], [(3.0 + 4.0j) * 1j])
    assert_close(z.grad, [-(3.0 + 4.0j)])


def test_a_hook_of_one_output_among_several(device):
    x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = agrad.unstack(x)
    second.register_hook(lambda g: 10 * g)
    (first + second).sum().backward()
    assert_close(x.grad, [[1.0, 1.0], [10.0, 10.0]])


def test_retain_grad_keeps_what_the_hooks_return():
    """Also those that are registered later, and once however often it is asked for."""
    x = leaf()
    y = intermediate(x)
    y.retain_grad()
    y.register_hook(lambda g: 10 * g)
    y.retain_grad()
    y.sum().backward()
    assert_close(y.grad, [10.0, 10.0, 10.0])


def test_a_hook_that_returns_nonsense_raises(device):
    for _, y, target in both():
        with target.register_hook(lambda g: 3.0), pytest.raises(TypeError, match=r"<lambda> returned float"):
            y.sum().backward(retain_graph=True)
        with target.register_hook(lambda g: g[:1]), pytest.raises(ValueError, match=r"shape \(1,\)"):
            y.sum().backward(retain_graph=True)
        with target.register_hook(lambda g: agrad.astype(g, "complex64")), pytest.raises(ValueError, match="complex64"):
            y.sum().backward(retain_graph=True)


def test_only_tensors_with_gradients_take_hooks():
    with pytest.raises(RuntimeError, match=r"register_hook\(\).*requires_grad=True"):
        agrad.ones(2).register_hook(print)


def test_an_error_in_a_hook_is_the_users_own():
    class MineError(Exception):
        pass

    def fail(g):
        raise MineError

    for _, y, target in both():
        target.register_hook(fail)
        with pytest.raises(MineError):
            y.sum().backward()


def test_a_hook_that_holds_its_tensor_can_be_collected():
    x = leaf()
    y = intermediate(x)
    y.register_hook(partial(agrad.multiply, y))
    place = weakref.ref(y)
    del y
    gc.collect()
    assert place() is None


@pytest.mark.peers
def test_hooks_do_what_pytorchs_do():
    torch = pytest.importorskip("torch")

    def run(library, leaf):
        x, log = leaf([1.0, 2.0, 3.0]), []

        def note(name, factor):
            return lambda g: (log.append((name, g.tolist())), g * factor)[1]

        y = x * x
        z = library.exp(-y)
        for name, tensor in (("x", x), ("y", y), ("z", z)):
            tensor.register_hook(note(name, 2.0))
            handle = tensor.register_hook(note(f"{name}, removed", 3.0))
            tensor.register_hook(note(f"{name} again", 5.0))
            handle.remove()
        y.retain_grad()
        (z + y * z).sum().backward()
        return log, x.grad.tolist(), y.grad.tolist()

    log, *grads = run(agrad, lambda values: agrad.tensor(values, requires_grad=True))
    expected, *theirs = run(torch, lambda values: torch.tensor(values, requires_grad=True))
    assert [name for name, _ in log] == [name for name, _ in expected]
    for ours, other in zip([*(g for _, g in log), *grads], [*(g for _, g in expected), *theirs], strict=True):
        assert_close(ours, other, rtol=1e-5)


def multiply(y):
    y *= 3


def write_an_element(y):
    y[0] = 5.0


def write_everything(y):
    y[agrad.asarray([True, True])] = agrad.asarray([7.0, 8.0])


@pytest.mark.parametrize("write", [multiply, write_an_element])
def test_a_retained_gradient_is_that_of_the_last_value(device, write):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    write(y)
    write(y)
    expected = (2 * y).tolist()
    (y * y).sum().backward()
    assert y.grad.tolist() == expected


def test_hooks_at_the_end_of_a_backward_pass_see_all_gradients(device):
    x, y, seen = leaf(), leaf(), []
    with hooks.attach(hooks.after_backward, lambda reached: seen.append((set(reached), x.grad.tolist()))):
        (x * y).sum().backward()
        (2 * x).sum().backward()
        agrad.gradients((x * y).sum(), x)  # leaves no gradient anywhere, and so calls none
    (x * y).sum().backward()
    assert seen == [({x, y}, [1.0, 2.0, 3.0]), ({x}, [3.0, 4.0, 5.0])]


def test_other_hooks_stay_with_the_value_that_they_were_registered_for(device):
    seen = []
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    y[0] = 5.0
    (y * y).sum().backward()
    assert seen == [[0.0, 8.0]]


def test_a_retained_gradient_of_what_was_written_over_is_none(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    write_everything(y)
    (y.sum() + x.sum()).backward()
    assert y.grad is None
