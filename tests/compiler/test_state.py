"""What a compiled step reads and changes: settings, modes, gradients, buffers, random numbers."""

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.testing import assert_close
from tests.compiler.steps import compare, run_both
from tests.compiler.training import batch, halve, mlp, sgd, trained, with_optimizer


def test_the_learning_rate_may_change(device):
    run_both(with_optimizer(sgd), batch, between=halve, most=2)


def test_the_learning_rate_may_be_a_numpy_scalar(device):
    def between(state, i):
        state[-1].param_groups[0]["lr"] = np.float64(0.1) / (i + 2)

    run_both(with_optimizer(sgd), batch, between=between, most=2)


def test_a_scheduler_steps_outside(device):
    schedulers = {}

    def step_scheduler(state, i):
        optimizer = state[-1]
        schedulers.setdefault(id(optimizer), optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=30)).step()

    run_both(with_optimizer(sgd), batch, between=step_scheduler, most=3)


def test_a_setting_that_chooses_a_branch_is_recorded_again(device):
    def between(state, i):
        state[-1].param_groups[0]["momentum"] = 0.9 if 5 <= i < 12 else 0.0

    step = run_both(with_optimizer(lambda p: optim.SGD(p, 0.1)), batch, between=between, most=6)
    assert len(step.explain().splitlines()) > 3


def test_a_flag_of_an_optimizer_may_change(device):
    def between(state, i):
        state[-1].param_groups[0]["maximize"] = i % 10 == 9

    step = run_both(with_optimizer(sgd), batch, between=between, most=4)
    assert "maximize of optimizer was False before" in step.explain()


@pytest.mark.parametrize("name", ["Adam", "Adagrad", "RAdam", "NAdam"])
def test_numbers_in_the_state_of_optimizers(device, name):
    make = getattr(optim, name)
    run_both(with_optimizer(lambda p: make(p, lr=0.01, weight_decay=0.1)), batch, between=halve, most=4)


def test_master_weights_of_16_bit_parameters(device):
    if device.kind in ("strict", "mlx"):
        pytest.skip("it has no float16, or computes in it otherwise")

    def trained_twice(compiled):
        agrad.manual_seed(0)
        model = nn.Linear(3, 4).to(agrad.float16)
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        step = trained(model, optimizer)
        step = agrad.compile(step, state=[model, optimizer]) if compiled else step
        for i in range(5):
            x, y = batch(i)
            step(x.astype("float16"), y)
        return optimizer.state_dict()["state"][0]["master"]

    assert_close(trained_twice(True), trained_twice(False), rtol=1e-3)


def test_training_and_evaluation_have_a_program_each(device):
    def between(state, i):
        state[0].train(i % 4 < 2)

    step = run_both(
        with_optimizer(sgd, lambda: nn.BatchNorm1d(5), lambda: nn.Dropout(0.3)), batch, between=between, most=3
    )
    assert "the attribute training of a module was True before" in step.explain()


def test_a_setting_of_a_layer_may_change(device):
    def between(state, i):
        state[0][2].p = 0.5 if i > 9 else 0.1

    run_both(with_optimizer(sgd, lambda: nn.Dropout(0.1)), batch, between=between, most=4)


def test_frozen_parameters(device):
    def between(state, i):
        state[0][0].weight.requires_grad_(i % 10 < 5)

    run_both(with_optimizer(sgd), batch, between=between, most=6)


@pytest.mark.parametrize("set_to_none", [True, False])
def test_gradients_accumulate(device, set_to_none):
    def make():
        model = mlp()
        optimizer = sgd(model.parameters())

        def step(xs, ys):
            optimizer.zero_grad(set_to_none)
            for x, y in zip(xs, ys, strict=True):
                nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()

        return step, [model, optimizer]

    run_both(make, lambda i: ([batch(i)[0], batch(i + 1)[0]], (batch(i)[1], batch(i + 1)[1])))


def test_gradients_accumulate_from_call_to_call(device):
    def between(state, i):
        if i % 3 == 2:
            state[-1].zero_grad()

    run_both(with_optimizer(sgd, zero=False), batch, between=between, most=4)


def test_two_optimizers_and_two_groups(device):
    def make():
        model = mlp()
        first = optim.Adam([{"params": [model[0].weight]}, {"params": [model[0].bias], "lr": 0.1}])
        second = optim.SGD(model[2].parameters(), 0.1)

        def step(x, y):
            first.zero_grad()
            second.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            second.step()
            first.step()

        return step, [model, first, second]

    run_both(make, batch)


@pytest.mark.parametrize("clip", [nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_])
def test_clipping(device, clip):
    run_both(with_optimizer(sgd, change=lambda parameters: clip(list(parameters), 0.05)), batch)


def test_hooks_of_parameters(device):
    def make():
        model = mlp()
        model[0].weight.register_hook(lambda g: 2 * g)
        optimizer = sgd(model.parameters())
        return trained(model, optimizer), [model, optimizer]

    run_both(make, batch)


def test_a_last_batch_of_another_size(device):
    run_both(with_optimizer(sgd), lambda i: batch(i, 6 if i % 5 else 2), most=4)


def test_arrays_of_the_library_are_arguments(device):
    make = with_optimizer(sgd)
    run_both(make, lambda i: tuple(x.data for x in batch(i)))


def test_numpy_arrays_are_arguments(device):
    def make():
        model = mlp()
        optimizer = sgd(model.parameters())
        step = trained(model, optimizer)
        return (lambda x, y, j: step(agrad.asarray(x)[j], agrad.asarray(y)[j])), [model, optimizer]

    x, y = (a.numpy() for a in batch(0))
    run_both(make, lambda i: (x, y, agrad.randint(6, (3,))))


def test_bound_arrays_may_be_replaced(device):
    def between(state, i):
        model, optimizer = state
        if i == 4:
            model.load_state_dict({name: 2 * x for name, x in model.state_dict().items()})
        if i == 9:
            optimizer.load_state_dict(optimizer.state_dict())
        if i == 14:
            model[0].weight.data = agrad.asarray(0.5 * model[0].weight.detach()).data

    run_both(with_optimizer(sgd), batch, between=between, most=4)


def test_a_parameter_may_be_replaced(device):
    def make():
        model = mlp()
        optimizer = optim.SGD(model.parameters(), 0.1)
        return trained(model, optimizer), [model, optimizer]

    def between(state, i):
        if i == 5:
            state[0][2].bias = nn.Parameter(agrad.ones(4))

    run_both(make, batch, between=between, most=5)


def test_a_parameter_of_an_optimizer_may_be_replaced(device):
    def between(state, i):
        model, optimizer = state
        if i == 5:
            model[2].bias = nn.Parameter(agrad.ones(4))
        if i == 9:
            optimizer.param_groups[0]["params"][3] = model[2].bias
        if i == 14:
            optimizer.param_groups[0] = optimizer.param_groups[0] | {"lr": 0.5}

    def make():
        model = mlp()
        optimizer = optim.SGD(model.parameters(), 0.1)
        return trained(model, optimizer), [model, optimizer]

    step = run_both(make, batch, between=between, most=6)
    assert "the parameters of" in step.explain()


def test_modules_made_inside_are_real_afterwards(device):
    model = nn.Sequential(nn.Linear(3, 3))

    def grow(x):
        if len(model) < 3:
            model.append(nn.Linear(3, 3))
            model[0].bias = nn.Parameter(agrad.ones(3))
        agrad.sum(model(x)).backward()
        return model(x)

    grown = agrad.compile(grow, state=model)
    x = agrad.ones((2, 3))
    for _ in range(4):
        compare(grown(x), model(x))
    assert all(np.isfinite(p.grad.numpy()).all() for p in model.parameters())
    assert len(model) == 3


def test_a_counter_in_a_module_is_incremented_each_time():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return x * self.calls

    model = Counting()
    f = agrad.compile(model)
    assert [f(agrad.ones(())).item() for _ in range(4)] == [1.0, 2.0, 3.0, 4.0]
    assert "the attribute calls of a module was 0 before" in f.explain()


def test_lists_and_dicts_of_a_module_may_change_in_place(device):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.settings, self.factors = {"scale": 2.0}, [2.0, 3]

        def forward(self, x):
            return x * self.settings["scale"] * self.factors[1]

    model, x = Scaled(), agrad.ones(3)
    f = agrad.compile(model)
    for i in range(6):
        compare(f(x), model(x))
        if i % 2:
            model.settings["scale"] += 1.0
            model.factors[1] -= 1
    assert "a list or dict of a module" in f.explain()
    assert "recorded 3 times" in f.explain()


def test_a_hook_of_a_module_may_be_replaced(device):
    model, x = nn.Linear(3, 3), agrad.ones(3)
    f = agrad.compile(model)
    for factor in (2, 3):
        with model.register_forward_hook(lambda module, arguments, y, factor=factor: factor * y):
            compare(f(x), model(x))
            compare(f(x), model(x))
    assert "the hooks of a module" in f.explain()


def test_random_numbers_come_from_the_stream_of_the_call(device):
    f = agrad.compile(lambda x: x + agrad.rand(3, device=x.device))
    x = agrad.zeros(3)
    f(x)
    agrad.manual_seed(3)
    first = f(x)
    agrad.manual_seed(3)
    compare(first, agrad.rand(3))
    with agrad.random.fork_rng():
        agrad.manual_seed(3)
        compare(f(x), first)
    assert "recorded 1 time\n" in f.explain()


def test_outputs_are_not_overwritten(device):
    w = agrad.asarray([1.0, 2.0])

    @agrad.compile(state=w)
    def step(x):
        with agrad.no_grad():
            w.__iadd__(x)
        return w, {"double": 2 * w, "same": w, "constant": agrad.ones(2)}

    x = agrad.ones(2)
    results = [step(x) for _ in range(4)]
    for i, (now, others) in enumerate(results):
        compare(now, np.asarray([2.0 + i, 3.0 + i], np.float32))
        compare(others["double"], 2 * now)
        compare(others["same"], now)
        with agrad.no_grad():
            others["constant"][...] = 7.0
            now[...] = 0.0
    compare(w, np.asarray([5.0, 6.0], np.float32))


def test_an_argument_that_shares_memory_with_the_state(device):
    def make():
        w = agrad.asarray([1.0, 2.0])

        def step(x):
            with agrad.no_grad():
                y = 3 * x
                w.__iadd__(y)
            return y

        return step, [w]

    sides = []
    for compiled in (False, True):
        step, [w] = make()
        step = agrad.compile(step, state=w) if compiled else step
        sides.append([step(agrad.ones(2)), step(w.detach()), step(w.detach()), step(agrad.ones(2)), w])
    compare(*sides)


def test_a_tensor_of_the_state_as_an_argument(device):
    sides = []
    for compiled in (False, True):
        w = agrad.asarray([1.0, 2.0])
        step = lambda x, w=w: (3 * x, w * x)
        step = agrad.compile(step, state=w) if compiled else step
        sides.append([step(agrad.ones(2)), step(w), step(w), step(agrad.ones(2))])
    compare(*sides)


def test_an_argument_that_is_read_after_the_state_in_its_memory_was_written(device):
    w = agrad.asarray([1.0, 2.0])

    @agrad.compile(state=w)
    def step(x):
        with agrad.no_grad():
            w.__imul__(0.5)
        return x + 1

    step(agrad.ones(2))
    if device.backend.immutable:
        pytest.skip("its arrays do not change")
    with pytest.raises(RuntimeError, match="written in place"):
        step(w.detach())
    compare(w, np.asarray([0.5, 1.0], np.float32))


def test_swapped_state(device):
    def make():
        a, b = agrad.asarray([1.0, 2.0]), agrad.asarray([3.0, 4.0])

        def step():
            with agrad.no_grad():
                old = agrad.asarray(a, copy=True)
                a[...] = b
                b[...] = old

        return step, [a, b]

    run_both(make, lambda i: (), 5)


def test_a_flag_set_inside_is_refused(device):
    w = nn.Parameter([1.0])
    optimizer = optim.SGD([w], 0.1)

    @agrad.compile(state=[optimizer])
    def step():
        optimizer.param_groups[0]["maximize"] = True

    with pytest.raises(RuntimeError, match="maximize of group 0 of optimizer was set to True"):
        step()
    assert optimizer.param_groups[0]["maximize"] is False


def test_another_hook_of_a_parameter(device):
    def between(state, i):
        if i == 5:
            state[0][0].weight.register_hook(lambda g: 2 * g)
        if i == 9:
            state[0][0].weight.register_hook(lambda g: 0.1 * g)

    run_both(with_optimizer(sgd), batch, between=between, most=4)


def test_arguments_of_another_memory_layout(device):
    def inputs(i):
        x, y = batch(i)
        columns = agrad.asarray(np.asfortranarray(x.numpy())) if device.kind == "cpu" else x
        return (columns, y) if i % 2 else (x, y)

    run_both(with_optimizer(sgd), inputs, most=4)


def test_without_gradients(device):
    model = mlp()
    optimizer = sgd(model.parameters())
    step = agrad.compile(trained(model, optimizer), state=[model, optimizer], keep_grads=False)
    other = mlp()
    other.load_state_dict(model.state_dict())
    eager = trained(other, sgd(other.parameters()))
    for i in range(20):
        compare(step(*batch(i)), eager(*batch(i)))
        assert all(p.grad is None for p in model.parameters())
    compare(dict(model.state_dict()), dict(other.state_dict()))


def test_a_model_with_parameters_replaced_by_functional_call(device):
    model = nn.Linear(3, 2)
    f = agrad.compile(lambda x: model(x), state=model)
    x = agrad.ones((1, 3))
    compare(f(x), model(x))
    other = {name: 2 * p.detach() for name, p in model.state_dict().items()}
    compare(agrad.compile(lambda params, x: model.functional_call(params, x), state=model)(other, x), 2 * model(x))


def test_the_mode_of_a_model_that_only_the_optimizer_names(device):
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5))
    optimizer = optim.SGD(model.parameters(), 0.0)
    step = agrad.compile(lambda x: (optimizer.step(), model(x))[1], state=optimizer)
    x = agrad.ones((2, 3))
    for mode in (True, False, True, False):
        model.train(mode)
        agrad.manual_seed(0)
        found = step(x)
        agrad.manual_seed(0)
        compare(found, model(x))
    assert "recorded 2 times" in step.explain()
