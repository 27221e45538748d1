"""The backward pass: what it computes, what it keeps, and what it refuses."""

import asyncio
import contextvars
import math
import threading
from collections.abc import Sequence
from typing import Any

import pytest

import agrad
from agrad.core.gradients import leading_to
from agrad.core.primitive import ArrayLike, primitive, registry
from agrad.testing import assert_close


def leaf(values=(1.0, 2.0, 3.0), **kwargs):
    return agrad.asarray(values if isinstance(values, (int, float, complex)) else list(values), requires_grad=True)


# Values


def test_chain_rule(device):
    x = leaf()
    (agrad.exp(x * 2) + x).sum().backward()
    assert_close(x.grad, 2 * agrad.exp(2 * x.detach()) + 1)
    assert x.grad.device is device
    assert not x.grad.requires_grad


def test_fan_out_sums_cotangents(device):
    x = leaf()
    y = x * 2
    (y * y + y + x).sum().backward()
    assert_close(x.grad, [8 * v + 2 + 1 for v in (1.0, 2.0, 3.0)])


def test_a_diamond_is_visited_once(device):
    """40 doublings reach 2**40 paths: only a pass that sums before it goes on ends at all."""
    x = y = leaf(1.0)
    for _ in range(40):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**40


@pytest.mark.parametrize("short_first", [True, False])
def test_a_node_waits_for_the_longest_way_to_it(short_first):
    visits = []
    x = leaf(1.0)
    y = 2 * x
    y.register_hook(lambda g: visits.append(g.item()))
    long = agrad.exp(0 * agrad.tanh(-y))  # 1, with a slope of 0
    (y * long if short_first else long * y).backward()
    assert visits == [1.0]
    assert x.grad.item() == 2.0


@pytest.fixture
def own_registry():
    """Forget the primitives that a test makes."""
    before = dict(registry)
    yield
    registry.clear()
    registry.update(before)


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("given", ["kept", "cotangent", "part of the cotangent", "another input's"])
def test_gradients_share_no_memory_with_what_a_rule_returns_as_it_is(device, given):
    @primitive
    def first(xp: Any, x: ArrayLike, y: ArrayLike, /) -> agrad.Tensor:
        return 1 * x

    @primitive
    def both(xp: Any, x: ArrayLike, /) -> tuple[agrad.Tensor, ...]:
        return 1 * x, 2 * x

    @primitive
    def total(xp: Any, xs: Sequence[ArrayLike], /) -> agrad.Tensor:
        return xs[0] + xs[1]

    first.vjp(x=lambda g, y: g if given == "cotangent" else y)
    both.vjp(x=lambda g: g[0])
    total.vjp(xs=lambda g: [h := 2 * g, h])
    x, y, seed = leaf((1.0, 2.0)), leaf((3.0, 4.0)), agrad.asarray([5.0, 6.0])
    if given == "another input's":
        total([x, y]).backward(seed)
    else:
        (both(x)[0] if given == "part of the cotangent" else first(x, y.detach())).backward(seed)
    others = [y, seed] if y.grad is None else [y, seed, y.grad]
    before = [z.tolist() for z in others]
    with agrad.no_grad():
        x.grad.fill_(-1.0)
    assert [z.tolist() for z in others] == before


def test_gradients_accumulate(device):
    x = leaf()
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0, 5.0]
    assert x.grad is first


def test_accumulation_under_create_graph_can_be_differentiated():
    x = leaf(2.0)
    for _ in range(2):
        (x**3).backward(create_graph=True)
    assert x.grad.item() == 24.0
    grad, x.grad = x.grad, None
    grad.backward()
    assert x.grad.item() == 2 * 6 * 2.0


def test_backward_without_graph_ends_the_history_of_grad():
    x = leaf(2.0)
    (x**2).backward()
    assert x.grad.is_leaf


def test_only_leaves_keep_their_gradient(device):
    x = leaf()
    y = x * 2
    y.sum().backward()
    assert y.grad is None
    assert x.grad is not None


def test_retain_grad(device):
    x = leaf()
    y = x * 2
    z = y * y
    y.retain_grad()
    z.retain_grad()
    x.retain_grad()
    z.sum().backward()
    assert y.grad.tolist() == [4.0, 8.0, 12.0]
    assert z.grad.tolist() == [1.0, 1.0, 1.0]
    assert x.grad.tolist() == [8.0, 16.0, 24.0]
    with pytest.raises(RuntimeError, match="require"):
        agrad.ones(2).retain_grad()


def test_retained_gradients_accumulate():
    x = leaf(3.0)
    y = x * x
    y.retain_grad()
    (2 * y).backward(retain_graph=True)
    (2 * y).backward()
    assert y.grad.item() == 4.0


def test_broadcasting_is_undone(device):
    x, y = leaf((1.0, 2.0)), leaf(3.0)
    z = agrad.ones((4, 2)) * x + y
    z.sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]
    assert y.grad.item() == 8.0
    assert y.grad.shape == ()


def test_cotangents_are_cast_to_their_inputs_dtype(device):
    if not device.backend.supports_float64:
        pytest.skip(f"{device} has no float64")
    x = leaf((1.0, 2.0))
    y = agrad.asarray([3.0, 4.0], dtype=agrad.float64, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.dtype is agrad.float32
    assert y.grad.dtype is agrad.float64


def test_complex_cotangents_of_real_inputs_lose_their_imaginary_part(device):
    x = leaf((1.0, 2.0))
    agrad.real((x * (3 + 4j)).sum()).backward()
    assert x.grad.dtype is agrad.float32
    assert x.grad.tolist() == [3.0, 3.0]


# backward(gradient)


def test_backward_from_several_elements_needs_a_gradient(device):
    with pytest.raises(RuntimeError, match=r"\(3,\).*backward\(gradient\)"):
        (leaf() * 2).backward()


def test_backward_from_a_complex_number_needs_a_gradient(device):
    z = agrad.asarray(1 + 2j, requires_grad=True)
    for differentiate in (agrad.Tensor.backward, lambda y: agrad.gradients(y, z)):
        with pytest.raises(RuntimeError, match=r"only a real number.*complex64; write agrad.real\(x\).backward\(\)"):
            differentiate(z * z)
    (z * z).backward(agrad.asarray(1 + 0j))
    assert z.grad.item() == 2 - 4j


def test_backward_with_a_gradient(device):
    x = leaf()
    (x * x).backward(agrad.asarray([1.0, 10.0, 100.0]))
    assert x.grad.tolist() == [2.0, 40.0, 600.0]


def test_backward_from_one_element_of_any_shape(device):
    x = leaf((3.0,))
    (x * x).reshape((1, 1)).backward()
    assert x.grad.tolist() == [6.0]


def test_the_gradient_must_fit():
    x = leaf()
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        (x * 2).backward(agrad.ones(2))


def test_backward_of_a_leaf_itself(device):
    x = leaf()
    weights = agrad.asarray([1.0, 2.0, 3.0])
    x.backward(weights)
    assert x.grad.tolist() == [1.0, 2.0, 3.0]
    if not device.backend.immutable:  # whose arrays do not change
        assert x.grad.data is not weights.data


def test_backward_needs_something_tracked():
    with pytest.raises(RuntimeError, match="requires_grad=True"):
        agrad.ones(()).backward()
    with agrad.no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match="no_grad"):
        y.backward()


# Aliasing


def test_a_gradient_may_be_changed_before_the_next_backward_pass(device):
    for _ in range(2):  # the number that a pass begins with may be kept for the next one
        x, seen = agrad.tensor(3.0, requires_grad=True), []
        y = x + 0.0
        y.register_hook(seen.append)
        y.retain_grad()
        y.backward()
        assert [g.item() for g in (x.grad, y.grad, *seen)] == [1.0, 1.0, 1.0]
        with agrad.no_grad():
            for g in (x.grad, y.grad, *seen):
                g += 4.0


def test_gradients_share_no_memory(device):
    if device.backend.immutable:
        pytest.skip("its arrays do not change")
    a, b = leaf(), leaf()
    z = a + b
    seed = agrad.ones(3)
    z.backward(seed)
    with agrad.no_grad():
        a.grad[0] = 100.0
    assert b.grad.tolist() == [1.0, 1.0, 1.0]
    assert seed.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a + b,
        lambda a, b: a.reshape((3, 1)) + b.reshape((3, 1)),
        lambda a, b: (a - (-b)) + 0,
        lambda a, b: agrad.stack([a, b]),
        lambda a, b: agrad.concat([a, b]),
        lambda a, b: agrad.broadcast_to(a, (2, 3)) + b,
    ],
)
def test_accumulating_into_one_leaf_leaves_the_others_alone(device, f):
    a, b = leaf(), leaf()
    f(a, b).sum().backward()
    before = b.grad.tolist()
    (a * 5).sum().backward()
    assert b.grad.tolist() == before


def test_gradients_do_not_share_memory_with_values(device):
    x, y = leaf(), leaf()
    (x * y).sum().backward()
    (x * 5).sum().backward()
    assert y.tolist() == [1.0, 2.0, 3.0]


def test_gradients_returned_twice_share_no_memory(device):
    if device.backend.immutable:
        pytest.skip("its arrays do not change")
    x = leaf()
    y = x + 0
    first, second = agrad.gradients(y.sum(), [x, x])
    with agrad.no_grad():
        first[0] = 9.0
    assert second.tolist() == [1.0, 1.0, 1.0]


# A second pass


def test_a_second_backward_through_freed_values_raises(device):
    x = leaf()
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"multiply.*freed.*retain_graph=True"):
        y.backward()


def test_retain_graph_allows_it(device):
    x = leaf()
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0, 12.0]
    with pytest.raises(RuntimeError, match="freed"):
        y.backward()


def test_create_graph_retains_unless_told_otherwise():
    x = leaf(2.0)
    y = x**3
    y.backward(create_graph=True)
    y.backward()
    assert x.grad.item() == 24.0
    z = x**3
    z.backward(create_graph=True, retain_graph=False)
    with pytest.raises(RuntimeError, match="freed"):
        z.backward()


def test_sharing_a_freed_part_raises(device):
    x = leaf()
    y = agrad.exp(x)
    y.sum().backward()
    with pytest.raises(RuntimeError, match=r"exp.*freed"):
        (y * 2).sum().backward()


def test_ops_that_keep_nothing_can_be_passed_twice(device):
    x = leaf()
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


# Higher orders


def test_derivatives_to_the_fifth_order(device):
    x = y = leaf(2.0)
    y = x**5
    for expected in (80.0, 160.0, 240.0, 240.0, 120.0):
        (y,) = agrad.gradients(y, x, create_graph=True)
        assert y.item() == expected


def test_outputs_that_a_rule_asks_for_add_to_those_that_are_used(device):
    @primitive
    def sine_and_cosine(xp, x: ArrayLike, /):
        return xp.sin(x), xp.cos(x)

    sine_and_cosine.vjp(x=lambda g, out: g[0] * out[1] - g[1] * out[0])
    x = agrad.tensor(0.5, requires_grad=True)
    sine, cosine = sine_and_cosine(x)
    (slope,) = agrad.gradients(sine * cosine, x, create_graph=True)
    (curvature,) = agrad.gradients(slope, x)
    assert math.isclose(curvature.item(), -2 * math.sin(1.0), rel_tol=1e-5)


def test_a_gradient_in_a_loss(device):
    """A gradient penalty: the gradient of |dy/dx|² with respect to a weight."""
    w, x = leaf(3.0), leaf((1.0, 2.0))
    (slope,) = agrad.gradients((w * x * x).sum(), x, create_graph=True)
    (slope * slope).sum().backward()
    assert_close(w.grad.item(), 2 * 3.0 * 4 * (1.0 + 4.0))


def test_a_first_order_pass_records_nothing():
    x = leaf()
    (grad,) = agrad.gradients((x * x).sum(), x)
    assert not grad.requires_grad


# gradients()


def test_gradients_leaves_grad_alone(device):
    x, y = leaf(2.0), leaf(3.0)
    gx, gy = agrad.gradients(x * y, [x, y])
    assert (gx.item(), gy.item()) == (3.0, 2.0)
    assert x.grad is None


def test_gradients_with_respect_to_intermediates(device):
    x = leaf(2.0)
    y = x * x
    z = y * y
    gy, gx, gz = agrad.gradients(z, [y, x, z])
    assert (gy.item(), gx.item(), gz.item()) == (8.0, 32.0, 1.0)


def test_the_pass_ends_where_gradients_are_asked_for(device):
    x = leaf(2.0)
    y = x * x
    (gy,) = agrad.gradients(y * y, y)
    assert gy.item() == 8.0
    y.backward()  # what y kept was not freed
    assert x.grad.item() == 4.0


def test_gradients_of_several_outputs(device):
    x = leaf()
    (g,) = agrad.gradients([x * 2, x.sum()], x, grad_outputs=[agrad.asarray([1.0, 10.0, 100.0]), None])
    assert g.tolist() == [3.0, 21.0, 201.0]
    (g,) = agrad.gradients([x.sum(), x.sum()], [x])
    assert g.tolist() == [2.0, 2.0, 2.0]


def test_an_output_given_twice_counts_twice():
    x = leaf(2.0)
    y = x * x
    (g,) = agrad.gradients([y, y], x)
    assert g.item() == 8.0


def test_an_unused_input_raises_unless_allowed():
    x, y = leaf(1.0), leaf(1.0)
    with pytest.raises(RuntimeError, match=r"\[1\].*allow_unused=True"):
        agrad.gradients(x * 2, [x, y])
    g, none = agrad.gradients(x * 2, [x, y], allow_unused=True)
    assert g.item() == 2.0
    assert none is None


def test_gradients_with_respect_to_outputs_of_one_op(device):
    x = leaf()
    a, b, _ = agrad.unstack(x * x)
    ga, gb, gx = agrad.gradients(a * 2 + b * b, [a, b, x])
    assert (ga.item(), gb.item(), gx.tolist()) == (2.0, 8.0, [4.0, 32.0, 0.0])


def test_gradients_stops_where_nobody_asks():
    """What is needed for the input asked for is freed; the other branch is not even looked at."""
    x, y = leaf(2.0), leaf(3.0)
    shared = x * x
    other = y * y
    z = shared * other
    agrad.gradients(z, y, retain_graph=False)
    (g,) = agrad.gradients(shared, x)
    assert g.item() == 4.0


@pytest.mark.parametrize("places", [[0], [1], [0, 1], [2], [0, 2], [1, 3], [0, 1, 2, 3]])
def test_rules_run_only_where_they_lead_to_the_inputs(device, places):
    x, y = (agrad.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    product = x * y
    sine = agrad.sin(x)
    out = sine + product * product + agrad.exp(y)
    asked = {id(entry): entry for entry in ([x, y, product._node, sine._node][i] for i in places)}

    def leads_there(entry):
        return any(id(parent) in asked or leads_there(parent) for parent, _ in getattr(entry, "edges", ()))

    reached, stack = dict(asked), [out._node]
    while stack:
        entry = stack.pop()
        reached[id(entry)] = entry
        stack += [parent for parent, _ in getattr(entry, "edges", ())]
    expected = {i: leads_there(entry) for i, entry in reached.items() if i in asked or leads_there(entry)}
    found = leading_to(list(asked.values()), [out._node])
    assert {id(entry): runs for entry, runs in found.items()} == expected


def test_gradients_checks_what_it_gets():
    x = leaf(1.0)
    with pytest.raises(TypeError, match="outputs must be a Tensor or a list of Tensors, not float"):
        agrad.gradients(1.0, x)
    with pytest.raises(TypeError, match="inputs must be a Tensor or a list of Tensors, not int"):
        agrad.gradients(x * 2, 1)
    with pytest.raises(TypeError, match="needs Tensors, not float"):
        agrad.gradients([1.0], [x])
    with pytest.raises(RuntimeError, match=r"requires_grad_\(\)"):
        agrad.gradients(x * 2, agrad.ones(()))
    with pytest.raises(ValueError, match=r"2 outputs.*not 1"):
        agrad.gradients([x * 2, x * 3], x, grad_outputs=[agrad.ones(())])


# Recording


def test_no_grad_as_context_and_decorator():
    x = leaf(1.0)

    @agrad.no_grad()
    def double(x):
        assert not agrad.is_grad_enabled()
        return x * 2

    assert not double(x).requires_grad
    assert double.__name__ == "double"
    with agrad.no_grad():
        assert not (x * 2).requires_grad
        with agrad.enable_grad():
            assert (x * 2).requires_grad
        assert not agrad.is_grad_enabled()
    assert (x * 2).requires_grad

    @agrad.enable_grad()
    def triple(x):
        return x * 3

    with agrad.no_grad():
        assert triple(x).requires_grad


def test_no_grad_is_left_by_errors():
    with pytest.raises(KeyError), agrad.no_grad():
        raise KeyError
    assert agrad.is_grad_enabled()


def test_one_no_grad_object_can_be_entered_again():
    block = agrad.no_grad()
    with block, block:
        assert not agrad.is_grad_enabled()
    assert agrad.is_grad_enabled()


@pytest.mark.parametrize(("mode", "recorded"), [(agrad.no_grad, False), (agrad.enable_grad, True)])
def test_a_mode_decorates_without_parentheses(mode, recorded):
    @mode
    def recording(x):
        """What it was."""
        return agrad.is_grad_enabled(), x

    class Holder:
        @mode
        def method(self):
            return agrad.is_grad_enabled()

    with agrad.set_grad_enabled(not recorded):
        assert recording(1) == (recorded, 1)
        assert Holder().method() is recorded
        assert agrad.is_grad_enabled() is not recorded
    assert recording.__doc__ == "What it was."


@pytest.mark.parametrize("mode", [agrad.no_grad, agrad.enable_grad, agrad.no_grad(), agrad.set_grad_enabled(True)])
@pytest.mark.parametrize("thing", [int, False, "f"])
def test_a_mode_refuses_to_decorate_what_is_no_function(mode, thing):
    with pytest.raises(TypeError, match=r"decorates functions, and the methods of a class, not "):
        mode(thing)


def test_one_no_grad_object_in_two_threads():
    block, both_in, errors = agrad.no_grad(), threading.Barrier(2), []

    def work():
        try:
            with block:
                both_in.wait(10)
                assert not agrad.is_grad_enabled()
                both_in.wait(10)
            assert agrad.is_grad_enabled()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_each_thread_goes_back_to_its_own_mode():
    block, inside, done = agrad.no_grad(), threading.Event(), threading.Event()

    def work():
        with agrad.no_grad(), block:
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    with block:
        inside.wait(10)
    assert agrad.is_grad_enabled()
    done.set()
    thread.join()


def test_what_is_set_inside_of_a_block_ends_with_it():
    with agrad.no_grad():
        with agrad.no_grad():
            agrad.set_grad_enabled(True)
            assert agrad.is_grad_enabled()
        assert not agrad.is_grad_enabled()
    assert agrad.is_grad_enabled()


def test_a_mode_refuses_to_decorate_a_coroutine():
    async def work():
        pass

    with pytest.raises(TypeError, match=r"write `with agrad.no_grad\(\):` inside"):
        agrad.no_grad(work)


def test_another_task_may_close_what_one_entered():
    async def values():
        with agrad.no_grad():
            yield agrad.is_grad_enabled()

    async def work():
        steps = values()
        assert await asyncio.create_task(anext(steps)) is False
        await steps.aclose()
        return agrad.is_grad_enabled()

    assert asyncio.run(work())


def test_set_grad_enabled_in_its_three_uses():
    with agrad.set_grad_enabled(False):
        assert not agrad.is_grad_enabled()
        with agrad.set_grad_enabled(True):
            assert agrad.is_grad_enabled()
    assert agrad.is_grad_enabled()

    @agrad.set_grad_enabled(False)
    def off():
        return agrad.is_grad_enabled()

    assert off() is False
    assert agrad.is_grad_enabled()
    agrad.set_grad_enabled(False)
    assert not agrad.is_grad_enabled()
    agrad.set_grad_enabled(True)
    assert agrad.is_grad_enabled()


def test_backward_works_inside_no_grad():
    x = leaf(2.0)
    y = x * x
    with agrad.no_grad():
        y.backward()
    assert x.grad.item() == 4.0


def test_leaves_made_under_no_grad_still_are_leaves():
    with agrad.no_grad():
        x = leaf(2.0)
    (x * x).backward()
    assert x.grad.item() == 4.0


def test_recording_is_per_context():
    seen = {}

    def look(name):
        seen[name] = agrad.is_grad_enabled()

    with agrad.no_grad():
        thread = threading.Thread(target=look, args=("thread",))
        thread.start()
        thread.join()
        contextvars.copy_context().run(look, "copy")
    assert seen == {"thread": True, "copy": False}


def test_threads_record_and_go_backward_on_their_own():
    results = []

    def work(k):
        x = agrad.asarray([float(k)] * 10, requires_grad=True)
        for _ in range(50):
            with agrad.no_grad():
                assert not (x * 2).requires_grad
            y = x
            for _ in range(10):
                y = y * 1.0 + x
            x.grad = None
            y.sum().backward()
        results.append(x.grad.tolist() == [11.0] * 10)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4


# Changes between forward and backward


def change_by_item(x):
    x[0] = 9.0


def change_by_operator(x):
    x += 1


def change_through_detach(x):
    x.detach()[0] = 9.0


def change_by_zero(x):
    x.zero_()


def change_through_a_view(x):
    view = x[:2]
    view *= 2


def change_through_a_reshaped_view(x):
    view = x.reshape((3, 1))
    view[0, 0] = 9.0


CHANGES = [
    change_by_item,
    change_by_operator,
    change_through_detach,
    change_by_zero,
    change_through_a_view,
    change_through_a_reshaped_view,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_value_changed_before_backward_raises(device, change):
    if device.backend.immutable:
        pytest.skip("its arrays do not change")
    x = leaf()
    y = (x * x).sum()
    with agrad.no_grad():
        change(x)
    with pytest.raises(RuntimeError, match=r"multiply.*changed in place"):
        y.backward()


@pytest.mark.parametrize("change", CHANGES[:4])
def test_an_output_changed_before_backward_raises(device, change):
    if device.backend.immutable:
        pytest.skip("its arrays do not change")
    y = agrad.exp(leaf())
    z = y.sum()
    with agrad.no_grad():
        change(y)
    with pytest.raises(RuntimeError, match=r"exp.*changed in place"):
        z.backward()


def test_a_change_that_no_rule_cares_about_is_fine(device):
    x = leaf()
    y = (x + 1).sum()
    with agrad.no_grad():
        x[0] = 9.0
    y.backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


def test_a_change_before_the_op_is_fine(device):
    x = leaf()
    with agrad.no_grad():
        x[0] = 9.0
        x += 1
    (x * x).sum().backward()
    assert x.grad.tolist() == [20.0, 6.0, 8.0]


def test_a_change_after_backward_is_fine(device):
    x = leaf()
    for _ in range(3):
        x.grad = None
        (x * x).sum().backward()
        with agrad.no_grad():
            x -= 0.25 * x.grad
    assert_close(x.detach(), [v / 8 for v in (1.0, 2.0, 3.0)])


def test_a_changed_view_of_the_data_raises(device):
    """The batch is a view of the data set; the data set is changed before the pass."""
    if device.backend.immutable:
        pytest.skip("its arrays do not change")
    data, w = agrad.ones((4, 3)), leaf()
    batch = data[1:3]
    y = (batch * w).sum()
    with agrad.no_grad():
        data[2, 0] = 7.0
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


def test_zeroing_grad_changes_no_value_of_the_graph(device):
    """x.grad of the first pass takes part in the second graph; adding to it in place there is noticed."""
    if device.backend.immutable:
        pytest.skip("its arrays do not change")
    x = leaf()
    (x * x).sum().backward()
    w = leaf()
    y = (w * x.grad).sum()
    (x * x).sum().backward()
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


def test_writing_while_recording_is_differentiable(device):
    x, v = leaf(), leaf(5.0)
    y = x * 2
    before = y
    y[1] = v * 3
    assert y is before
    (y * agrad.asarray([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 200.0]
    assert v.grad.item() == 30.0


def test_writing_a_tracked_value_into_a_plain_tensor_tracks_it(device):
    v = leaf(5.0)
    y = agrad.zeros(3)
    y[1] = v * 3
    assert y.requires_grad
    (y * y).sum().backward()
    assert v.grad.item() == 2 * 15.0 * 3


def test_in_place_operators_are_recorded(device):
    x = leaf()
    y = x * 1
    y *= x
    y += x
    y.sum().backward()
    assert_close(x.grad, [2 * v + 1 for v in (1.0, 2.0, 3.0)])


def test_what_was_kept_survives_copy_on_write(device):
    x = leaf()
    y = x * 1
    z = (y * y).sum()
    y[0] = 100.0
    z.backward()
    assert x.grad.tolist() == [2.0, 4.0, 6.0]


# Complex numbers: PyTorch's convention


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda z: agrad.real(z * agrad.conj(z)), lambda z: 2 * z),
        (lambda z: agrad.abs(z), lambda z: z / abs(z)),
        (lambda z: agrad.real(z), lambda z: 1),
        (lambda z: agrad.imag(z), lambda z: 1j),
        (lambda z: agrad.real(z * z), lambda z: 2 * z.conjugate()),
        (lambda z: agrad.imag(agrad.exp(z)), lambda z: 1j * complex(*_exp(z)).conjugate()),
        (lambda z: agrad.real((2 + 1j) * z), lambda z: 2 - 1j),
    ],
    ids=["|z|^2", "|z|", "Re z", "Im z", "Re z^2", "Im exp z", "Re az"],
)
def test_complex_gradients_of_real_losses_follow_pytorch(device, f, expected):
    """The gradient is dL/dRe + i dL/dIm: the direction of steepest ascent."""
    values = [1 + 2j, -0.5 + 0.3j]
    z = leaf(values)
    f(z).sum().backward()
    assert z.grad.dtype is agrad.complex64
    assert_close(z.grad, agrad.asarray([complex(expected(v)) for v in values]))


def _exp(z):
    import cmath

    w = cmath.exp(z)
    return w.real, w.imag


def test_complex_gradient_of_a_complex_output(device):
    """PyTorch gives conj(f'(z)) * g for a holomorphic f."""
    z = leaf((1 + 2j, -0.5 + 0.3j))
    g = agrad.asarray([1j, 2 - 1j])
    (z * z).backward(g)
    assert_close(z.grad, agrad.conj(2 * z.detach()) * g)


def test_real_weights_of_a_complex_product(device):
    w = leaf((1.0, 2.0))
    agrad.real((w * agrad.asarray([1 + 1j, 3 - 2j])).sum()).backward()
    assert w.grad.tolist() == [1.0, 3.0]


@pytest.mark.peers
def test_complex_gradients_equal_pytorchs():
    torch = pytest.importorskip("torch")
    values, weights = [1 + 2j, -0.5 + 0.3j], [1j, 2 - 1j]

    def f(xp, z):
        return xp.exp(z) * z / (z + 2) + xp.abs(z) * xp.conj(z)

    z, t = leaf(values), torch.tensor(values, requires_grad=True)
    f(agrad, z).backward(agrad.asarray(weights))
    f(torch, t).backward(torch.tensor(weights))
    assert_close(z.grad, t.grad.numpy())
