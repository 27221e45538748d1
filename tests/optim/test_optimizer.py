"""Optimizer: groups, state, saving and loading, and what it refuses."""

import copy
import math
import pickle

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.testing import assert_close


def train(net, optimizer, steps=3):
    for i in range(steps):
        optimizer.zero_grad()
        net(agrad.asarray([[1.0, 2.0], [0.5, i]])).sum().backward()
        optimizer.step()


def test_nothing_to_optimize_is_explained():
    with pytest.raises(ValueError, match=r"no parameters.*used up"):
        optim.SGD([], lr=0.1)
    with pytest.raises(ValueError, match="no parameters"):
        optim.SGD(nn.ReLU().parameters(), lr=0.1)
    parameters = nn.Linear(1, 1).parameters()
    optim.SGD(parameters, lr=0.1)
    with pytest.raises(ValueError, match=r"model.parameters"):
        optim.SGD(parameters, lr=0.1)
    with pytest.raises(ValueError, match=r"group has no parameters.*used up"):
        optim.SGD([{"params": parameters}], lr=0.1)


@pytest.mark.parametrize(
    ("params", "remedy"),
    [
        (lambda: nn.Linear(1, 1), r"write model.parameters\(\)"),
        (lambda: nn.Sequential(nn.Linear(1, 1)), r"write model.parameters\(\)"),
        (lambda: list(nn.Sequential(nn.Linear(1, 1)).named_children()), r"write model.parameters\(\)"),
        (lambda: nn.Parameter([1.0]), r"write \[...\]"),
        (lambda: {"params": [nn.Parameter([1.0])]}, r"write \[...\]"),
        (lambda: [1.0], "float"),
        (lambda: None, r"a list of Tensors or of dicts, not None; write model.parameters\(\)"),
        (lambda: 1.0, r"a list of Tensors or of dicts, not 1\.0"),
        (lambda: [{"params": None}], r"a list of Tensors.*, not None"),
        (lambda: [{"params": nn.Linear(1, 1)}], r"write model.parameters\(\)"),
        (lambda: [{"lr": 0.1}], "'params'"),
        (lambda: [{"params": {nn.Parameter([1.0])}}], "order"),
        (lambda: {nn.Parameter([1.0])}, "order"),
    ],
)
def test_parameters_must_be_a_list_of_tensors(params, remedy):
    with pytest.raises(TypeError, match=remedy):
        optim.SGD(params(), lr=0.1)


def test_tensors_that_cannot_be_optimized():
    x = agrad.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="leaves"):
        optim.SGD([x * 2.0], lr=0.1)
    with pytest.raises(ValueError, match="requires_grad_"):
        optim.SGD([agrad.ones(2)], lr=0.1)
    with pytest.raises(ValueError, match="twice"):
        optim.SGD([x, x], lr=0.1)
    with pytest.raises(ValueError, match="twice"):
        optim.SGD([{"params": x}, {"params": [x]}], lr=0.1)


def test_memory_that_is_shared_or_read_only_is_refused(device):
    x = agrad.broadcast_to(agrad.asarray(0.0), (3,)).detach()
    if device.backend.is_writable(x.data):
        pytest.skip(f"{device} writes into new arrays")
    for kind in (optim.SGD, optim.LBFGS):
        with pytest.raises(ValueError, match=r"shape \(3,\) .*read-only.*write agrad\.tensor\(x, requires_grad=True\)"):
            kind([x.requires_grad_()], lr=0.1)
    optim.SGD([agrad.tensor(x, requires_grad=True)], lr=0.1)


def test_read_only_memory_is_refused():
    array = np.zeros(3)
    array.flags.writeable = False
    with pytest.raises(ValueError, match=r"write agrad\.tensor\(x, requires_grad=True\)"):
        optim.SGD([agrad.asarray(array).requires_grad_()], lr=0.1)


def test_a_refused_group_changes_nothing():
    optimizer = optim.SGD([agrad.ones(2, requires_grad=True)], lr=0.1)
    with pytest.raises(ValueError, match="requires_grad_"):
        optimizer.add_param_group({"params": [agrad.ones(1, requires_grad=True), agrad.ones(1)]})
    assert len(optimizer.param_groups) == 1


def test_groups_have_settings_of_their_own(device):
    a, b, c = (nn.Parameter([1.0]) for _ in range(3))
    optimizer = optim.SGD([{"params": a}, {"params": [b], "lr": 1.0}], lr=0.5)
    optimizer.add_param_group({"params": [c], "lr": 0.25})
    (a + b + c).sum().backward()
    optimizer.step()
    assert [p.item() for p in (a, b, c)] == [0.5, 0.0, 0.75]
    optimizer.param_groups[0]["lr"] = 0.0
    optimizer.step()
    assert [p.item() for p in (a, b, c)] == [0.5, -1.0, 0.5]


def test_parameters_without_gradients_are_not_updated(device):
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[0].requires_grad_(False)
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    before = net[0].weight.tolist(), net[1].weight.tolist()
    train(net, optimizer)
    assert net[0].weight.tolist() == before[0]
    assert net[1].weight.tolist() != before[1]
    assert list(optimizer.state_dict()["state"]) == [2, 3]


def test_zero_grad(device):
    p = nn.Parameter([1.0])
    optimizer = optim.SGD([p], lr=0.1)
    p.sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_step_takes_a_closure(device):
    p = nn.Parameter([1.0])
    optimizer = optim.SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with agrad.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert p.item() == 0.5
    assert optimizer.step() is None


def test_gradients_are_left_as_they_are(device):
    p = nn.Parameter([1.0, 2.0])
    optimizer = optim.SGD([p], lr=0.1, momentum=0.5, weight_decay=0.1, nesterov=True)
    (p * p).sum().backward()
    for _ in range(3):
        optimizer.step()
        assert p.grad.tolist() == [2.0, 4.0]


def test_the_array_changes_in_place():
    p = nn.Parameter([1.0, 2.0])
    array, view = p.data, p.detach()
    optimizer = optim.SGD([p], lr=0.5, momentum=0.9)
    p.sum().backward()
    optimizer.step()
    assert p.data is array
    assert view.tolist() == [0.5, 1.5]


def test_a_step_between_forward_and_backward_is_noticed():
    p = nn.Parameter([1.0, 2.0])
    optimizer = optim.SGD([p], lr=0.5)
    p.sum().backward()
    out = (p * p).sum()
    optimizer.step()
    with pytest.raises(RuntimeError, match="changed in place"):
        out.backward()


def test_training_is_flat_in_memory():
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    train(net, optimizer, 1)
    buffers = [optimizer.state[p]["momentum_buffer"].data for p in net.parameters()]
    train(net, optimizer, 3)
    assert all(optimizer.state[p]["momentum_buffer"].data is b for p, b in zip(net.parameters(), buffers, strict=True))


# Saving and loading


def test_a_state_of_another_kind_of_optimizer():
    net = nn.Linear(2, 1)
    sgd, adam = optim.SGD(net.parameters(), lr=0.1), optim.Adam(net.parameters())
    with pytest.raises(ValueError, match=r"lacks .*'betas'"):
        adam.load_state_dict(sgd.state_dict())
    train(net, adam)


def test_state_dict_is_pytorchs(device):
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    assert optimizer.state_dict()["state"] == {}
    train(net, optimizer)
    state = optimizer.state_dict()
    assert list(state) == ["state", "param_groups"]
    assert list(state["state"]) == [0, 1]
    assert state["state"][0]["momentum_buffer"].shape == (1, 2)
    assert state["param_groups"] == [
        {
            "lr": 0.1, "momentum": 0.9, "dampening": 0, "weight_decay": 0, "nesterov": False, "maximize": False,
            "params": [0, 1],
        }
    ]  # fmt: skip


def test_training_goes_on_where_it_was(device):
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    train(net, optimizer)
    other = copy.deepcopy(net)
    resumed = optim.SGD(other.parameters(), lr=123.0)
    resumed.load_state_dict(optimizer.state_dict())
    assert resumed.param_groups[0]["lr"] == 0.1
    assert resumed.param_groups[0]["params"][0] is other.weight
    train(net, optimizer)
    train(other, resumed)
    assert_close(other.weight, net.weight, rtol=0, atol=0)
    mine, theirs = (o.state_dict()["state"][0]["momentum_buffer"] for o in (resumed, optimizer))
    assert mine is not theirs
    assert_close(mine, theirs, rtol=0, atol=0)


def test_loaded_state_comes_to_the_parameters(device):
    source = nn.Linear(2, 1, dtype=agrad.float64, device="cpu")
    optimizer = optim.SGD(source.parameters(), lr=0.1, momentum=0.9)
    with agrad.Device("cpu"):
        (source.weight.sum() + source.bias.sum()).backward()
    optimizer.step()
    net = nn.Linear(2, 1)
    other = optim.SGD(net.parameters(), lr=0.1)
    other.load_state_dict(optimizer.state_dict())
    buffer = other.state[net.weight]["momentum_buffer"]
    assert (buffer.device, buffer.dtype) == (device, agrad.float32)


def test_loaded_state_of_complex_parameters_stays_real(device):
    a, b = (nn.Parameter(agrad.asarray([1.0 + 2.0j], dtype=agrad.complex64)) for _ in range(2))
    optimizer, other = optim.Adam([a], lr=0.1), optim.Adam([b], lr=0.1)
    a.grad = agrad.asarray([1.0 - 1.0j], dtype=agrad.complex64)
    optimizer.step()
    other.load_state_dict(optimizer.state_dict())
    mine, theirs = (o.state_dict()["state"][0]["exp_avg"] for o in (optimizer, other))
    assert theirs.dtype == agrad.float32
    assert_close(mine, theirs, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (lambda s: s["param_groups"].append(s["param_groups"][0]), r"\[2, 2\].*\[2\]"),
        (lambda s: s["param_groups"][0]["params"].append(2), r"\[3\].*\[2\]"),
        (lambda s: s["state"].update({7: {}}), r"\[7\]"),
        (lambda s: s.pop("state"), "'state' and 'param_groups'"),
        (lambda s: s.update(param_groups=None), "param_groups"),
        (lambda s: s.update(state=[1]), "state"),
        (lambda s: s["state"].update({0: None}), "state"),
        (lambda s: s["param_groups"][0].pop("momentum"), r"lacks \['momentum'\]"),
        (lambda s: s["state"][0].update(momentum_buffer=agrad.ones(7)), r"momentum_buffer.*\(7,\).*\(1, 2\)"),
        (lambda s: s["state"][0].update(momentum_buffer=np.ones((1, 2))), "momentum_buffer.*ndarray"),
    ],
)
def test_a_state_dict_that_does_not_fit_changes_nothing(change, shown):
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    train(net, optimizer)
    state = copy.deepcopy(optimizer.state_dict())
    state["param_groups"][0]["lr"] = 5.0
    change(state)
    with pytest.raises(ValueError, match=shown):
        optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert list(optimizer.state_dict()["state"]) == [0, 1]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_model_and_optimizer_are_copied_together(again):
    net = nn.Linear(2, 1)
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    train(net, optimizer)
    other, copied = again((net, optimizer))
    train(net, optimizer)
    train(other, copied)
    assert_close(other.weight, net.weight, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("kind", "settings", "error", "shown"),
    [
        (optim.SGD, {"lr": -5.0}, ValueError, "lr must be 0 or more"),
        (optim.SGD, {"lr": math.nan}, ValueError, "lr must be finite and 0 or more"),
        (optim.SGD, {"lr": "0.1"}, TypeError, "lr must be a number, not '0.1'"),
        (optim.SGD, {"lr": None}, TypeError, "lr must be a number, not None"),
        (optim.SGD, {"lr": agrad.asarray(0.1)}, TypeError, r"lr must be a number, not a Tensor.*item\(\)"),
        (optim.SGD, {"dampening": "a"}, TypeError, "dampening must be a number, not 'a'"),
        (optim.SGD, {"nesterov": True}, ValueError, "Nesterov"),
        (optim.Adam, {"betas": 0.9}, TypeError, "betas must be two numbers"),
        (optim.Adam, {"betas": (0.9, 1.0)}, ValueError, "betas must be from 0 to below 1, not 1.0"),
        (optim.AdamW, {"eps": -1.0}, ValueError, "eps"),
        (optim.Lion, {"betas": "ab"}, TypeError, "betas must be two numbers"),
        (optim.RMSprop, {"alpha": 1.0}, ValueError, "alpha"),
        (optim.RMSprop, {"alpha": "a"}, TypeError, "alpha must be a number"),
        (optim.Adadelta, {"rho": 2.0}, ValueError, "rho"),
        (optim.Adadelta, {"rho": None}, TypeError, "rho must be a number"),
        (optim.Adagrad, {"lr_decay": -1.0}, ValueError, "lr_decay"),
        (optim.NAdam, {"momentum_decay": -1.0}, ValueError, "momentum_decay must be 0 or more"),
        (optim.RAdam, {"betas": (0.9, 1.0)}, ValueError, "betas must be from 0 to below 1"),
        (optim.Adamax, {"eps": "a"}, TypeError, "eps must be a number, not 'a'"),
        (optim.LBFGS, {"history_size": -1}, ValueError, "history_size"),
        (optim.LBFGS, {"max_iter": "a"}, TypeError, "max_iter must be an integer, not 'a'"),
        (optim.LBFGS, {"max_iter": 2.5}, TypeError, "max_iter must be an integer"),
        (optim.LBFGS, {"max_eval": 2.5}, TypeError, "max_eval must be an integer"),
        (optim.LBFGS, {"max_eval": -1}, ValueError, "max_eval must be 0 or more"),
    ],
)
def test_settings_are_checked_in_groups_too(kind, settings, error, shown):
    with pytest.raises(error, match=shown):
        kind([nn.Parameter([1.0])], **settings)
    with pytest.raises(error, match=shown):
        kind([{"params": nn.Parameter([1.0]), **settings}])
    optimizer = kind([nn.Parameter([1.0])])
    state = copy.deepcopy(optimizer.state_dict())
    state["param_groups"][0] |= settings
    before = optimizer.state_dict()
    with pytest.raises(error, match=shown):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == before


def test_dampening_may_be_negative(device):
    p = nn.Parameter([0.0])
    optimizer = optim.SGD([p], lr=1.0, momentum=1.0, dampening=-1.0)
    for _ in range(2):
        p.grad = agrad.asarray([1.0])
        optimizer.step()
    assert p.item() == -4.0


def test_unknown_settings_of_a_group():
    with pytest.raises(ValueError, match=r"no setting 'momentumm'; they are .*'momentum'"):
        optim.SGD([{"params": nn.Parameter([1.0]), "momentumm": 0.9}])
    groups = [{"params": nn.Parameter([1.0]), "initial_lr": 0.1, "name": "head"}]
    assert optim.SGD(groups).param_groups[0]["name"] == "head"


def test_the_groups_of_a_scheduled_optimizer_make_another():
    optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.1, momentum=0.9)
    optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=5)
    assert optim.SGD(optimizer.param_groups).param_groups[0]["max_lr"] == 1.0


# Models that move

STATEFUL = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "Adadelta": lambda p: optim.Adadelta(p),
    "Lion": lambda p: optim.Lion(p, lr=0.1),
    "NAdam": lambda p: optim.NAdam(p, lr=0.1),
    "RAdam": lambda p: optim.RAdam(p, lr=0.1),
    "Adamax": lambda p: optim.Adamax(p, lr=0.1),
    "LBFGS": lambda p: optim.LBFGS(p, lr=0.1, max_iter=3),
}


def steps_with(net, optimizer, device, dtype, steps=2):
    x = agrad.asarray([[1.0, 2.0], [0.5, -1.0]], dtype=dtype, device=device)

    def closure():
        optimizer.zero_grad()
        loss = (net(x) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)


@pytest.mark.parametrize("make", STATEFUL.values(), ids=STATEFUL.keys())
def test_the_state_follows_a_model_that_moves(device, make):
    elsewhere = "strict" if device.name == "cpu" else "cpu"
    still = nn.Linear(2, 2, dtype=agrad.float64)
    moving = copy.deepcopy(still)
    ours, theirs = make(moving.parameters()), make(still.parameters())
    steps_with(moving, ours, device, agrad.float64)
    moving.to(elsewhere)
    steps_with(moving, ours, elsewhere, agrad.float64)
    steps_with(still, theirs, device, agrad.float64, steps=4)
    assert moving.weight.device.name == elsewhere
    assert_close(moving.weight.detach().to(device), still.weight.detach(), rtol=1e-9)


@pytest.mark.parametrize("make", STATEFUL.values(), ids=STATEFUL.keys())
def test_the_state_follows_a_model_that_is_cast(device, make):
    net = nn.Linear(2, 2)
    optimizer = make(net.parameters())
    steps_with(net, optimizer, device, agrad.float32)
    net.to(agrad.float64)
    steps_with(net, optimizer, device, agrad.float64)
    held = [x for entry in optimizer.state.values() for x in entry.values() if isinstance(x, agrad.Tensor)]
    assert held
    assert {x.dtype for x in [*held, net.weight]} == {agrad.float64}


def test_the_state_of_complex_parameters_follows(device):
    p = nn.Parameter(agrad.asarray([1.0 + 2.0j], dtype=agrad.complex64))
    optimizer = optim.Adam([p], lr=0.1)
    for dtype in (agrad.complex64, agrad.complex128):
        p.data = agrad.asarray(p.detach(), dtype=dtype).data
        p.grad = agrad.asarray([1.0 - 1.0j], dtype=dtype)
        optimizer.step()
    assert optimizer.state[p]["exp_avg"].dtype == agrad.float64
    assert p.dtype == agrad.complex128


def test_a_state_in_a_precision_of_its_own_keeps_it(device):
    class Precise(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {})

        def update(self, x, g, state, group, device):
            state.setdefault("sum", agrad.zeros(x.shape, dtype=agrad.float64))
            return x - g

    p = nn.Parameter([8.0])
    optimizer = Precise([p])
    p.sum().backward()
    optimizer.step()
    optimizer.step()
    assert optimizer.state[p]["sum"].dtype == agrad.float64


def test_a_subclass_is_its_formula(device):
    class Halve(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {})

        def update(self, x, g, state, group, device):
            state["steps"] = state.get("steps", 0) + 1
            return device.backend.add_scaled(x, x, -0.5)

    p = nn.Parameter([8.0])
    optimizer = Halve([p])
    p.sum().backward()
    optimizer.step()
    optimizer.step()
    assert p.item() == 2.0
    assert optimizer.state_dict()["state"] == {0: {"steps": 2}}


def test_a_subclass_without_formula_says_so():
    p = nn.Parameter([8.0])
    optimizer = optim.Optimizer([p], {})
    p.sum().backward()
    with pytest.raises(NotImplementedError, match="update"):
        optimizer.step()


def test_repr_shows_the_settings():
    text = repr(optim.SGD([nn.Parameter([1.0])], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0")
    assert "\n    lr: 0.1\n" in text


def test_names_of_parameters_stay_where_a_state_has_none():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    optimizer.load_state_dict(optim.SGD(model.parameters(), lr=0.2).state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["lr"] == 0.2


def test_parameters_may_come_with_their_names():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    optimizer.add_param_group({"params": [("scale", nn.Parameter(1.0))]})
    first, second = optimizer.param_groups
    assert [id(p) for p in first["params"]] == [id(p) for p in model.parameters()]
    assert (first["param_names"], second["param_names"]) == (["weight", "bias"], ["scale"])
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(TypeError, match="updates Tensors, not tuple"):
        optim.SGD([nn.Parameter(1.0), ("x", nn.Parameter(1.0))], lr=0.1)


def test_a_state_dict_shares_its_arrays_and_a_copy_of_it_does_not():
    p = nn.Parameter([1.0])
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
    (2 * p).sum().backward()
    optimizer.step()
    live, snapshot = optimizer.state_dict(), copy.deepcopy(optimizer.state_dict())
    optimizer.step()
    assert live["state"][0]["momentum_buffer"].item() == pytest.approx(3.8)
    assert snapshot["state"][0]["momentum_buffer"].item() == 2.0
