"""What cannot be compiled: the error names the line and what to write, and nothing has changed."""

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.compiler.snapshots import Bound
from tests.compiler.steps import arrays, compare, contents

OUTSIDE = np.ones(3, np.float32)
TENSOR = agrad.ones(3)


class Holder:
    def __init__(self, x):
        self.x = x


def seeded(x):
    agrad.manual_seed(0)
    return x + agrad.rand(3)


def concatenated_labels(x):
    """Compute the loss of labels that are cut apart at their lengths."""
    probabilities = agrad.log_softmax(agrad.reshape(x, (3, 1, 1)) + agrad.arange(4.0), axis=2)
    lengths = agrad.astype(x[:1], agrad.int64)
    return nn.functional.ctc_loss(probabilities, lengths, 3 * lengths, lengths)


def truth(x):
    return x if agrad.sum(x) > 0 else -x


REFUSED = {
    "item": (lambda x: x * agrad.sum(x).item(), "item"),
    "float": (lambda x: x * float(agrad.sum(x)), "float"),
    "int": (lambda x: x * int(agrad.sum(x)), "values"),
    "if": (truth, "agrad.where"),
    "mask": (lambda x: x[x > 0], "mask"),
    "nonzero": (lambda x: agrad.nonzero(x), "nonzero"),
    "unique": (lambda x: agrad.unique_values(x), "unique_values"),
    "numpy": (lambda x: x.numpy(), "numpy"),
    "tolist": (lambda x: x.tolist(), "tolist"),
    "captured array": (lambda x: x + OUTSIDE, "neither an argument"),
    "captured array, converted": (lambda x: x + agrad.asarray(OUTSIDE), "neither an argument"),
    "captured Tensor": (lambda x: x + TENSOR, "neither an argument"),
    "returned Tensor": (lambda x: TENSOR, "made outside"),
    "array returned": (lambda x: x.data, "return the Tensor"),
    "object returned": (lambda x: Holder(2 * x), "tuples, lists and dicts"),
    "returned generator": (lambda x: (row for row in x), "return a list"),
    "seed": (seeded, "seed before the call"),
    "labels one after the other": (concatenated_labels, "needs the values"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    f, message = REFUSED[name]
    with pytest.raises(RuntimeError, match=message) as caught:
        agrad.compile(f)(agrad.ones(3))
    assert "test_refusals.py, line" in str(caught.value) or "returned" in name


def test_an_error_names_the_line_of_the_function():
    with pytest.raises(RuntimeError, match=r"x if agrad.sum\(x\) > 0 else -x"):
        agrad.compile(truth)(agrad.ones(3))


def classifier(*extra):
    agrad.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), *extra, nn.Linear(5, 4))
    return model, optim.Adam(model.parameters())


def state_of(*items):
    copies = [arrays(contents(item)) for item in items]
    return [copies, agrad.random.get_state()["devices"]]


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_after_an_error_everything_is_as_it_was(device, calls):
    if device.backend.waits_on_read(device.native):
        pytest.skip("values are not checked where that waits for the device")
    model, optimizer = classifier()

    def step(x, y):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    compiled = agrad.compile(step, state=[model, optimizer])
    x, y = agrad.ones((6, 3)), agrad.asarray([0, 1, 2, 3, 0, 1])
    agrad.rand(1)
    for _ in range(calls):
        compiled(x, y)
    before = state_of(model, optimizer)
    with pytest.raises(IndexError, match="class index 4 is out of range"):
        compiled(x, y + 1)
    compare(state_of(model, optimizer), before)
    compiled(x, y)
    agrad.asarray(0.0) + model[0].weight  # it holds real arrays


def test_an_error_of_the_users(device):
    model, optimizer = classifier()
    before = state_of(model, optimizer)

    def step(x):
        optimizer.zero_grad()
        agrad.sum(model(x)).backward()
        optimizer.step()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        agrad.compile(step, state=[model, optimizer])(agrad.ones((6, 3)))
    compare(state_of(model, optimizer), before)
    assert not optimizer.has_stepped


CHANGES = {
    "group": lambda model, optimizer: optimizer.add_param_group({"params": [nn.Parameter([1.0])]}),
    "groups": lambda model, optimizer: setattr(optimizer, "param_groups", [dict(optimizer.param_groups[0])]),
    "parameters": lambda model, optimizer: optimizer.param_groups[0]["params"].pop(),
    "buffer": lambda model, optimizer: model.register_buffer("extra", agrad.ones(3)),
    "module": lambda model, optimizer: model.append(nn.Linear(4, 4)),
    "hook": lambda model, optimizer: model.register_forward_hook(lambda module, arguments, output: 2 * output),
    "hook of a parameter": lambda model, optimizer: model[0].weight.register_hook(lambda g: 2 * g),
    "attribute": lambda model, optimizer: setattr(model[2], "p", 0.1),
    "parameter": lambda model, optimizer: setattr(model[0], "bias", None),
    "mode": lambda model, optimizer: model.eval(),
    "frozen": lambda model, optimizer: model[0].weight.requires_grad_(False),
}


def parts_of(model, optimizer):
    hooks = [len(p._hooks or ()) for p in model.parameters()]
    parameters = [len(group["params"]) for group in optimizer.param_groups]
    return [state_of(model, optimizer), repr(model), list(vars(model)), hooks, parameters, model.training]


@pytest.mark.parametrize("calls", [0, 3])
@pytest.mark.parametrize("name", CHANGES)
def test_after_an_error_models_and_optimizers_have_their_parts_again(name, calls):
    model, optimizer = classifier()

    @agrad.compile(state=[model, optimizer])
    def step(x, fail=False):
        optimizer.zero_grad()
        agrad.sum(model(x)).backward()
        optimizer.step()
        if fail:
            CHANGES[name](model, optimizer)
            raise KeyError("mine")

    x = agrad.ones((6, 3))
    for _ in range(calls):
        step(x)
    before = parts_of(model, optimizer)
    with pytest.raises(KeyError, match="mine"):
        step(x, True)
    after = parts_of(model, optimizer)
    compare(after[0], before[0])
    assert after[1:] == before[1:]
    step(x)
    model(x)


@pytest.mark.parametrize(
    ("name", "message"),
    [("group", "groups of optimizer were changed"), ("groups", "groups of optimizer were changed"),
     ("frozen", "requires_grad of model_0_weight was changed")],
)  # fmt: skip
def test_changes_that_a_program_cannot_repeat(name, message):
    model, optimizer = classifier()
    step = agrad.compile(lambda x: (CHANGES[name](model, optimizer), model(x))[1], state=[model, optimizer])
    with pytest.raises(RuntimeError, match=message):
        step(agrad.ones((6, 3)))
    assert len(optimizer.param_groups) == 1


def test_another_dtype():
    model, _ = classifier()
    with pytest.raises(RuntimeError, match=r"model_0_weight was \(5, 3\) float32 and became \(5, 3\) float64"):
        agrad.compile(lambda x: model.to(agrad.float64) and x, state=model)(agrad.ones(3))


def test_a_setting_that_is_invalid_at_the_first_call():
    model, optimizer = classifier()
    optimizer.param_groups[0]["lr"] = -1.0
    with pytest.raises(ValueError, match="lr must be 0 or more"):
        agrad.compile(lambda: optimizer.step(), state=[model, optimizer])()


def test_a_setting_that_became_invalid(device):
    model, optimizer = classifier()

    @agrad.compile(state=[model, optimizer])
    def step(x):
        optimizer.zero_grad()
        agrad.sum(model(x)).backward()
        optimizer.step()

    for _ in range(3):
        step(agrad.ones((6, 3)))
    optimizer.param_groups[0]["lr"] = -1.0
    before = state_of(model, optimizer)
    with pytest.raises(ValueError, match="lr must be 0 or more"):
        step(agrad.ones((6, 3)))
    compare(state_of(model, optimizer), before)


def test_a_scheduler_inside():
    model, optimizer = classifier()
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)

    @agrad.compile(state=[model, optimizer])
    def step(x):
        agrad.sum(model(x)).backward()
        optimizer.step()
        scheduler.step()

    with pytest.raises(RuntimeError, match=r"scheduler.step\(\)"):
        step(agrad.ones((6, 3)))
    assert scheduler.last_epoch == 0
    assert optimizer.param_groups[0]["lr"] == 0.001


def test_a_setting_set_inside():
    model, optimizer = classifier()

    @agrad.compile(state=[model, optimizer])
    def step(x):
        optimizer.param_groups[0]["lr"] = 0.5

    with pytest.raises(RuntimeError, match=r"lr was set to 0\.5"):
        step(agrad.ones((6, 3)))


NUMBERS = {
    "beside a Tensor": lambda lr, x: lr * x,
    "after a Tensor": lambda lr, x: x - lr,
    "float": lambda lr, x: x * float(lr),
    "round": lambda lr, x: round(lr, 2),
    "format": lambda lr, x: f"{lr:.2f}",
    "asarray": lambda lr, x: agrad.asarray(lr),
    "full": lambda lr, x: agrad.full(3, lr),
    "clip": lambda lr, x: agrad.clip(x, 0.0, lr),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_of_an_optimizer_whose_value_is_read(name):
    model, optimizer = classifier()
    step = agrad.compile(lambda x: NUMBERS[name](optimizer.param_groups[0]["lr"], x), state=[model, optimizer])
    with pytest.raises(RuntimeError, match=r"the number lr .* argument(.|\n)*test_refusals.py, line"):
        step(agrad.ones(3))


def test_an_attempt_to_read_values_that_the_function_hides():
    def f(x):
        try:
            return x if x[0] > 0 else -x
        except RuntimeError:
            return 2 * x

    with pytest.raises(RuntimeError, match=r"`if`, float\(\)(.|\n)*return x if x\[0\] > 0 else -x"):
        agrad.compile(f)(agrad.ones(3))


def test_a_model_that_is_not_in_the_state():
    model, _ = classifier()
    with pytest.raises(RuntimeError, match=r"state=\[...\]"):
        agrad.compile(lambda x: model(x))(agrad.ones((6, 3)))


def test_an_argument_that_requires_gradients():
    with pytest.raises(ValueError, match="the argument x requires gradients"):
        agrad.compile(lambda x: 2 * x)(agrad.tensor(1.0, requires_grad=True))


def test_a_write_to_an_argument():
    def write(x):
        with agrad.no_grad():
            x[0] = 1.0

    with pytest.raises(RuntimeError, match="writes into one of its arguments"):
        agrad.compile(write)(agrad.zeros(3))


def test_memory_read_after_a_write_through_another_view():
    w = agrad.ones(3)

    def step():
        view = w[:2]
        with agrad.no_grad():
            w[0] = 5.0
        return 2 * view

    with pytest.raises(RuntimeError, match="written in place"):
        agrad.compile(step, state=w)()
    compare(w, np.ones(3, np.float32))


def test_a_tensor_kept_from_inside():
    kept = []
    agrad.compile(lambda x: kept.append(2 * x))(agrad.ones(3))
    with pytest.raises(RuntimeError, match=r"kept from a function under agrad\.compile"):
        kept[0] + 1
    assert "recorded" in repr(kept[0])


def test_other_devices():
    with pytest.raises(ValueError, match="on strict"):
        agrad.compile(lambda x, y: x + y)(agrad.ones(3), agrad.ones(3, device="strict"))


def test_state_that_is_none():
    scheduler = optim.lr_scheduler.ExponentialLR(classifier()[1], 0.9)
    with pytest.raises(TypeError, match=r"state=\["):
        agrad.compile(lambda x: x, state=[scheduler])
    for state in ({"model": 3}, "model", [[nn.Linear(1, 1)]]):
        with pytest.raises(TypeError, match=r"takes modules, optimizers and Tensors"):
            agrad.compile(lambda x: x, state=state)
    with pytest.raises(TypeError, match=r"agrad\.compile"):
        agrad.compile(3)


def test_a_failure_while_the_state_is_written_says_so():
    first, second = nn.Parameter([1.0]), nn.Parameter([2.0])
    optimizer = optim.SGD([first, second], 0.1)

    @agrad.compile(state=[optimizer])
    def step():
        optimizer.zero_grad()
        (first * second).sum().backward()
        optimizer.step()

    for _ in range(3):
        step()
    second.data.flags.writeable = False
    with pytest.raises(RuntimeError, match="which now holds old and new values"):
        step()


def test_read_only_state_when_it_is_recorded():
    model = nn.Linear(3, 4)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    step = agrad.compile(lambda x: (model(x).sum().backward(), optimizer.step()), state=[model, optimizer])
    model.bias.data.flags.writeable = False
    before = model.weight.tolist(), model.bias.tolist()
    for _ in range(2):
        with pytest.raises(ValueError, match="model_bias cannot be updated: its memory is read-only"):
            step(agrad.ones((6, 3)))
        assert (model.weight.tolist(), model.bias.tolist()) == before
        assert model.weight.grad is None


def test_state_that_is_replaced_by_read_only_memory():
    model = nn.Linear(3, 4)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    step = agrad.compile(lambda x: (model(x).sum().backward(), optimizer.step()), state=[model, optimizer])
    for _ in range(3):
        step(agrad.ones((6, 3)))
    stored = np.zeros(4, np.float32)
    stored.flags.writeable = False
    model.bias.data = stored
    before = state_of(model, optimizer)
    for _ in range(2):
        with pytest.raises(ValueError, match="model_bias cannot be updated: its memory is read-only"):
            step(agrad.ones((6, 3)))
        compare(state_of(model, optimizer), before)
    model.bias.data = stored.copy()
    step(agrad.ones((6, 3)))


def test_state_whose_parts_come_to_share_memory(device):
    a, b = agrad.asarray([1.0, 2.0]), agrad.asarray([3.0, 4.0])
    bound = Bound([a, b], device, [], [])
    b.data = a.data
    assert bound.again() is (device.backend.buffer_of(a.data) != device.backend.buffer_of(b.data))
    assert bound.again() is bound.again()
    b.data = agrad.asarray([3.0, 4.0]).data
    assert bound.again()


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1), optim.Adam], ids=["SGD", "Adam"])
def test_an_optimizer_that_the_state_does_not_name(make):
    model = nn.Linear(3, 4)
    optimizer, before = make(model.parameters()), model.weight.tolist()

    def step(x):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()

    with pytest.raises(RuntimeError, match=r"state=\[model, optimizer\]"):
        agrad.compile(step, state=model)(agrad.ones((2, 3)))
    assert model.weight.tolist() == before
    assert not optimizer.state
    step(agrad.ones((2, 3)))
    assert model.weight.tolist() != before


def test_the_scale_of_a_scaler():
    model, scaler = nn.Linear(3, 4), agrad.amp.GradScaler()

    def step(x):
        scaler.scale(model(x).sum()).backward()

    with pytest.raises(RuntimeError, match="pass the scale as an argument"):
        agrad.compile(step, state=model)(agrad.ones((2, 3)))


def test_a_compiled_model_has_no_attributes_of_the_model():
    compiled = agrad.compile(nn.Linear(3, 4))
    with pytest.raises(AttributeError, match="read it from the model"):
        compiled.train()
    assert not hasattr(compiled, "state_dict")
