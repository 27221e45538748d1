"""checkpoint calls a function twice: what the second call changes must be as after the first."""

import gc
import weakref

import pytest

import agrad
from agrad import nn
from agrad.nn import functional as F
from agrad.testing import assert_close


def leaf(*shape, seed=0):
    with agrad.random.fork_rng():
        agrad.manual_seed(seed)
        return agrad.randn(*shape, requires_grad=True)


def state(module):
    return {name: x.tolist() for name, x in module.state_dict().items()}


def gradients(module, x):
    found = [x.grad.tolist(), *[p.grad.tolist() for p in module.parameters()]]
    x.grad = None
    module.zero_grad()
    return found


def net():
    with agrad.random.fork_rng():
        agrad.manual_seed(1)
        first, second = nn.Linear(3, 4), nn.BatchNorm1d(4, momentum=None)
        return nn.Sequential(nn.BatchNorm1d(3), first, second, nn.Dropout(0.5), nn.Tanh())


class InHalves(nn.Module):
    """Checkpoints within checkpoints."""

    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    def forward(self, x):
        half = len(self.parts) // 2
        inner = agrad.checkpoint(lambda x: self.parts[half:](x))
        return agrad.checkpoint(lambda x: inner(agrad.checkpoint(self.parts[:half])(x)))(x)


WAYS = {
    "as a whole": lambda model: agrad.checkpoint(model),
    "in parts": lambda model: lambda x: agrad.checkpoint(model[2:])(agrad.checkpoint(model[:2])(x)),
    "nested": lambda model: agrad.checkpoint(agrad.checkpoint(model)),
    "in halves": InHalves,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_batch_norm_ends_as_without_checkpoint(device, way):
    def train(wrapped):
        model, x = net(), leaf(5, 3)
        call = way(model) if wrapped else model
        agrad.manual_seed(2)
        found = []
        for _ in range(2):
            y = call(x)
            after = state(model)
            (y * y).sum().backward()
            assert state(model) == after
            found.append((y.tolist(), gradients(model, x), after))
        return found

    with agrad.random.fork_rng():
        for (y, g, after), (expected_y, expected_g, expected) in zip(train(True), train(False), strict=True):
            assert (y, after) == (expected_y, expected)
            for one, other in zip(g, expected_g, strict=True):
                assert_close(agrad.asarray(one), agrad.asarray(other))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_gradients_of_gradients_leave_the_statistics_alone(device, way):
    def penalised(wrapped):
        model, x = net().eval(), leaf(5, 3)
        model[0].train(), model[2].train()
        y = (way(model) if wrapped else model)(x)
        after = state(model)
        (g,) = agrad.gradients((y**3).sum(), x, create_graph=True)
        assert state(model) == after
        (g * g).sum().backward()
        assert state(model) == after
        return gradients(model, x), after

    (found, after), (expected, before) = penalised(True), penalised(False)
    assert after == before
    for one, other in zip(found, expected, strict=True):
        assert_close(agrad.asarray(one), agrad.asarray(other), rtol=1e-3)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_graph_that_is_kept_may_be_gone_through_again(device, way):
    model, x = net(), leaf(5, 3)
    y = way(model)(x)
    after = state(model)
    (y * y).sum().backward(retain_graph=True)
    first = gradients(model, x)
    (y * y).sum().backward()
    assert gradients(model, x) == first
    assert state(model) == after


def test_batches_that_are_all_computed_before_the_first_backward(device):
    """As where gradients are accumulated: the statistics that later batches move are no reason to refuse."""
    model, plain = net().eval(), net().eval()
    for layer in (model[0], model[2], plain[0], plain[2]):
        layer.train()
    inputs = [leaf(5, 3, seed=seed) for seed in range(3)]

    def accumulated(call):
        outputs = [call(x) for x in inputs]
        for y in outputs:
            (y * y).sum().backward()
        found, inputs[0].grad, inputs[1].grad, inputs[2].grad = [x.grad for x in inputs], None, None, None
        return found

    for one, other in zip(accumulated(agrad.checkpoint(model)), accumulated(plain), strict=True):
        assert_close(one, other)
    assert state(model) == state(plain)


def test_statistics_may_be_arguments(device):
    def run(call):
        x, mean, var = leaf(5, 3), agrad.zeros(3), agrad.ones(3)
        outputs = [call(x * k, mean, var, training=True) for k in (1, 2)]
        after = mean.tolist(), var.tolist()
        for y in outputs:
            (y**3).sum().backward()
        assert (mean.tolist(), var.tolist()) == after
        return x.grad, after

    (g, after), (expected, before) = run(agrad.checkpoint(F.batch_norm)), run(F.batch_norm)
    assert_close(g, expected, atol=1e-4)
    assert after == before


def test_a_list_that_is_added_to_is_the_users(device):
    def f(x, seen):
        seen.append(x * 2)
        return x * seen[0]

    x, seen = leaf(3), []
    y = agrad.checkpoint(f)(x, seen)
    assert len(seen) == 1
    y.sum().backward()
    assert_close(x.grad, 4 * x.detach())
    assert len(seen) == 1


# Modules of users'


class Scaled(nn.Module):
    """Divides by a running maximum, which it moves in the way it is told; counts in several ways."""

    def __init__(self, move):
        super().__init__()
        self.move = move
        self.register_buffer("scale", agrad.ones((2,)))
        self.register_buffer("count", agrad.zeros((), dtype=int))
        self.calls, self.last = 0, None

    def forward(self, x):
        self.move(self, agrad.max(agrad.abs(x.detach()), axis=0))
        self.count += 1
        self.calls += 1
        self.last = x.detach()
        return x / (self.scale + 0.0)


def in_place(self, largest):
    with agrad.no_grad():
        self.scale *= 0.5
        self.scale += 0.5 * largest


def by_parts(self, largest):
    with agrad.no_grad():
        for i in range(2):
            row = self.scale[i : i + 1]
            row *= 0.5
            self.scale[i] += 0.5 * largest[i]


def by_mask(self, largest):
    with agrad.no_grad():
        self.scale[largest > 0] = 0.5 * self.scale + 0.5 * largest


def by_filling(self, largest):
    with agrad.no_grad():
        self.scale.fill_(0.5 * self.scale[0].item() + 0.5 * largest[0].item())


def while_recording(self, largest):
    self.scale *= 0.5
    self.scale += 0.5 * largest


def by_assignment(self, largest):
    self.scale = 0.5 * self.scale + 0.5 * largest


MOVES = [in_place, by_parts, by_mask, by_filling, while_recording, by_assignment]


@pytest.mark.parametrize("move", MOVES)
def test_buffers_and_attributes_of_a_module_change_once(device, move):
    def run(wrapped):
        module, x = Scaled(move), leaf(4, 2)
        call = agrad.checkpoint(module) if wrapped else module
        outputs = [call(x * k) for k in (1.0, 2.0)]
        for y in outputs:
            (y * y).sum().backward(retain_graph=True)
        return x.grad.tolist(), module.scale.tolist(), module.count.item(), module.calls, module.last.tolist()

    if move is by_parts and device.kind == "jax":
        pytest.skip("a view of a JAX array has memory of its own")
    (g, *found), (expected, *plain) = run(True), run(False)
    assert found == plain
    assert_close(agrad.asarray(g), agrad.asarray(expected))


def test_attributes_that_the_first_call_makes(device):
    class Lazy(nn.Module):
        def forward(self, x):
            if not hasattr(self, "weight"):
                self.weight = nn.Parameter(agrad.ones(2) * 3)
                self.seen = 0
            self.seen += 1
            return x * self.weight

    module, x = Lazy(), leaf(2)
    agrad.checkpoint(module)(x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert_close(module.weight.grad, x.detach())
    assert module.seen == 1


def test_attributes_that_go_again(device):
    class Passing(nn.Module):
        def __init__(self):
            super().__init__()
            self.mode = "slow"

        def forward(self, x):
            self.inside = x
            y = self.inside * self.inside
            del self.inside, self.mode
            self.mode = "fast"
            return y

    module, x = Passing(), leaf(2)
    agrad.checkpoint(module)(x).sum().backward()
    assert_close(x.grad, 2 * x.detach())
    assert not hasattr(module, "inside")
    assert module.mode == "fast"

    def ends(x):
        y = module(x)
        if agrad.is_recomputing():
            del module.mode
        return y

    agrad.checkpoint(ends)(x).sum().backward()
    assert module.mode == "fast"


def test_a_module_that_is_made_inside(device):
    made, x = [], leaf(4, 2)

    def f(x):
        made.append(nn.BatchNorm1d(2))
        return made[-1](x)

    y = agrad.checkpoint(f)(x)
    after = state(made[0])
    (y**3).sum().backward()
    assert state(made[0]) == after
    again = made[1](x)
    assert_close(again.detach(), y.detach())
    assert state(made[1]) == after


def test_a_leaf_that_is_made_inside(device):
    def slope(x):
        inner = (x.detach() * 2).requires_grad_()
        (g,) = agrad.gradients((x * inner**3).sum(), inner, create_graph=True)
        return g

    x, y = leaf(3), leaf(3)
    slope(x).sum().backward()
    agrad.checkpoint(slope)(y).sum().backward()
    assert_close(y.grad, x.grad)


def test_a_parameter_created_in_each_call_is_refused(device):
    """Its gradient would be lost: the parameter of the first call is not that of the second."""

    class Starting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", agrad.zeros((), dtype=int))

        def forward(self, x):
            if not self.calls.item():
                self.weight = nn.Parameter(agrad.ones(2) * 3)
            with agrad.no_grad():
                self.calls += 1
            return x * self.weight

    y = agrad.checkpoint(Starting())(leaf(2))
    with pytest.raises(RuntimeError, match="create parameters before it is called"):
        y.sum().backward()


def test_a_failing_second_call_puts_everything_back(device):
    module, x, calls = nn.BatchNorm1d(2), leaf(4, 2), []

    def fails(x):
        y = module(x)
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError
        return y

    y = agrad.checkpoint(fails)(x)
    after = state(module)
    with pytest.raises(ZeroDivisionError):
        y.sum().backward()
    assert state(module) == after


def test_results_computed_between_the_two_calls_can_still_be_differentiated(device):
    """Being put back is no change."""
    module, x, w = Scaled(in_place), leaf(4, 2), leaf(4, 2, seed=1)
    y = agrad.checkpoint(module)(x)
    other = w * module.scale
    y.sum().backward()
    other.sum().backward()
    assert_close(w.grad, agrad.broadcast_to(module.scale, (4, 2)))


def test_changes_of_the_first_call_stay(device):
    if device.backend.immutable:
        pytest.skip("JAX never writes into an array")
    module, x, w = Scaled(in_place), leaf(4, 2), leaf(4, 2, seed=1)
    other = w * module.scale
    agrad.checkpoint(module)(x).sum().backward()
    with pytest.raises(RuntimeError, match="changed in place"):
        other.sum().backward()


def test_a_buffer_that_was_moved_in_between_is_refused(device):
    scale, x = agrad.ones(2), leaf(4, 2)

    @agrad.checkpoint
    def f(x):
        with agrad.no_grad():
            scale.__imul__(2.0)
        return x * scale.tolist()[0]

    y = f(x)
    moved = scale.to("strict:device1")
    scale._data, scale._device = moved._data, moved._device  # as Module.to does
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


def test_second_order_through_restored_values_is_refused(device):
    if device.backend.immutable:
        pytest.skip("JAX never writes into an array")
    scale, x = agrad.ones(2), leaf(4, 2)

    @agrad.checkpoint
    def f(x):
        with agrad.no_grad():
            scale.__imul__(2.0)
        return x / scale

    y = f(x)
    assert_close(agrad.gradients(y.sum(), x, retain_graph=True)[0], agrad.ones((4, 2)) / 2)
    (g,) = agrad.gradients((y**3).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="changed in place"):
        (g * g).sum().backward()


def test_gradients_that_are_retained_are_those_of_the_value_outside(device):
    x, h = leaf(3), None

    def f(x):
        nonlocal h
        y = x * h
        h += 1
        return y

    h = x * 2
    h.retain_grad()
    y = agrad.checkpoint(f)(x) + h
    y.sum().backward()
    assert_close(x.grad, 4 * x.detach() + 2)
    assert h.grad.tolist() == [1.0] * 3


def test_temporaries_are_not_kept(device):
    seen = []

    def f(x):
        with agrad.no_grad():
            mask = agrad.ones(3)
            mask[1] = 0.0
        recorded = agrad.zeros(3)
        recorded[0] = x[0]
        seen.extend(weakref.ref(y) for y in (mask, mask.data, recorded))
        return x * mask + recorded * recorded

    x = leaf(3)
    gc.disable()
    try:
        y = agrad.checkpoint(f)(x)
        assert [ref() for ref in seen] == [None] * 3
        y.sum().backward()
        assert [ref() for ref in seen] == [None] * 6
    finally:
        gc.enable()
    assert_close(x.grad, [1 + 2 * x[0].item(), 0.0, 1.0])


def test_nothing_is_left_behind(device):
    module, x = net(), leaf(5, 3)
    gc.collect()
    gc.disable()
    try:
        y = agrad.checkpoint(module)(x).sum()
        node = weakref.ref(y._node)
        y.backward()
        del y
        assert node() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_function_can_ask(device):
    asked = []

    @agrad.checkpoint
    def f(x):
        asked.append(agrad.is_recomputing())
        inner = agrad.checkpoint(lambda x: (asked.append(agrad.is_recomputing()), x * x)[1])
        return inner(x)

    y = f(leaf(2)).sum()
    assert asked == [False, False]
    y.backward()
    assert asked == [False, False, True, True, True]
    assert not agrad.is_recomputing()


def test_a_hook_that_counts_in_a_tensor(device):
    layer, x, count = nn.Linear(2, 2), leaf(3, 2), agrad.zeros((), dtype=int)

    def hook(module, args, output):
        with agrad.no_grad():
            count.__iadd__(1)

    layer.register_forward_hook(hook)
    agrad.checkpoint(layer)(x).sum().backward()
    assert count.item() == 1
