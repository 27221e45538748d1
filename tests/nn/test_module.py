"""Module: what it registers, how the tree is walked, state dicts, modes, moves, text, copies."""

import copy
import gc
import pickle
import weakref

import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close


class Net(nn.Module):
    """Two layers, a loose parameter and two buffers."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.scale = nn.Parameter([2.0])
        self.rest = nn.Sequential(nn.ReLU(), nn.Linear(3, 1, bias=False))
        self.register_buffer("mean", agrad.zeros(2))
        self.register_buffer("scratch", agrad.zeros(1), persistent=False)
        self.note = "no tensor"

    def forward(self, x):
        return self.scale * self.rest(self.first(x - self.mean))


NAMES = ["scale", "first.weight", "first.bias", "rest.1.weight"]


def test_attributes_of_the_right_type_are_registered(device):
    net = Net()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [name for name, _ in net.named_buffers()] == ["mean", "scratch"]
    assert [name for name, _ in net.named_children()] == ["first", "rest"]
    assert [name for name, _ in net.named_modules()] == ["", "first", "rest", "rest.0", "rest.1"]
    assert [type(m).__name__ for m in net.modules()] == ["Net", "Linear", "Sequential", "ReLU", "Linear"]
    assert all(isinstance(p, nn.Parameter) for p in net.parameters())
    assert [p is q for p, q in zip(net.parameters(recurse=False), [net.scale], strict=True)] == [True]
    assert net(agrad.ones((5, 2))).shape == (5, 1)


def test_reading_a_parameter_is_plain_attribute_access():
    layer = nn.Linear(2, 1)
    assert vars(layer)["weight"] is layer.weight
    assert "__getattr__" not in {name for cls in type(layer).__mro__ for name in vars(cls)}


def test_prefixes_are_put_before_names():
    assert next(iter(Net().named_parameters(prefix="net")))[0] == "net.scale"
    assert [name for name, _ in nn.Sequential(nn.ReLU()).named_modules("net")] == ["net", "net.0"]


def test_shared_parameters_are_yielded_once_and_saved_under_both_names():
    layer = nn.Linear(2, 2)
    twice = nn.Sequential(layer, layer)
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    assert len(list(twice.parameters())) == 2
    assert len(list(twice.modules())) == 2
    assert len(list(tied.parameters())) == 3
    assert list(twice.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_assigning_none_or_deleting_unregisters():
    net = Net()
    net.scale = None
    del net.first
    del net.mean
    assert [name for name, _ in net.named_parameters()] == ["rest.1.weight"]
    assert list(net.state_dict()) == ["rest.1.weight"]
    net.rest = nn.ReLU()
    assert list(net.parameters()) == []


def test_a_buffer_that_becomes_a_parameter_is_no_buffer_any_more():
    net = Net()
    net.mean = nn.Parameter([0.0, 0.0])
    assert [name for name, _ in net.named_buffers()] == ["scratch"]
    assert list(net.state_dict()).count("mean") == 1


@pytest.mark.parametrize(
    ("name", "value"), [("scale", 1.0), ("scale", agrad.zeros(1)), ("first", agrad.exp), ("mean", 3)]
)
def test_registered_names_are_not_silently_replaced(name, value):
    with pytest.raises(TypeError, match=name):
        setattr(Net(), name, value)


def test_registering_by_name(device):
    module = nn.Module()
    module.register_parameter("w", nn.Parameter([1.0]))
    module.register_parameter("b", None)
    module.add_module("0", nn.ReLU())
    module.add_module("none", None)
    assert module.b is None
    assert list(module.state_dict()) == ["w"]
    assert [name for name, _ in module.named_children()] == ["0"]


@pytest.mark.parametrize("name", ["", "a.b", "forward", "taken"])
def test_names_that_cannot_be_registered(name):
    module = nn.Module()
    module.taken = 1
    with pytest.raises(KeyError):
        module.register_parameter(name, nn.Parameter([1.0]))
    with pytest.raises(KeyError):
        module.register_buffer(name, agrad.zeros(1))
    with pytest.raises(KeyError):
        module.add_module(name, nn.ReLU())


def test_things_that_cannot_be_registered():
    module = nn.Module()
    with pytest.raises(TypeError, match="Parameter"):
        module.register_parameter("w", agrad.zeros(1))
    with pytest.raises(TypeError, match="Tensor"):
        module.register_buffer("b", [1.0])
    with pytest.raises(TypeError, match="Module"):
        module.add_module("m", agrad.exp)
    with pytest.raises(TypeError, match="string"):
        module.add_module(0, nn.ReLU())


def test_forgetting_super_init_is_explained():
    class Forgetful(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    class AlsoForgetful(nn.Module):
        def __init__(self):
            self.register_buffer("mean", agrad.zeros(1))

    for module in (Forgetful, AlsoForgetful):
        with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
            module()


def test_plain_attributes_may_come_before_super_init():
    class Early(nn.Module):
        def __init__(self):
            self.width, self.scale = 3, agrad.ones(1)
            del self.scale
            super().__init__()
            self.layer = nn.Linear(1, self.width)

    assert [name for name, _ in Early().named_parameters()] == ["layer.weight", "layer.bias"]


def test_a_module_without_super_init_works_until_it_owns_something():
    class Doubling(nn.Module):
        def __init__(self):
            self.factor = 2.0

        def forward(self, x):
            return self.factor * x if self.training else x

    doubling = Doubling()
    assert nn.Sequential(doubling)(3.0) == 6.0
    assert doubling.eval()(3.0) == 3.0
    assert (list(doubling.parameters()), doubling.state_dict()) == ([], {})
    for give in (
        lambda: setattr(doubling, "weight", nn.Parameter(1.0)),
        lambda: doubling.register_parameter("weight", nn.Parameter(1.0)),
        lambda: doubling.add_module("layer", nn.ReLU()),
        lambda: doubling.register_buffer("mean", None),
    ):
        with pytest.raises(AttributeError, match=r"write super\(\).__init__\(\) first in Doubling.__init__"):
            give()


def test_forgetting_forward_is_explained():
    class Shapeless(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Shapeless has no forward"):
        Shapeless()(1.0)


# State


def test_state_dict_holds_parameters_and_persistent_buffers(device):
    net = Net()
    state = net.state_dict()
    assert list(state) == ["scale", "mean", "first.weight", "first.bias", "rest.1.weight"]
    assert not any(value.requires_grad for value in state.values())


def test_a_state_dict_makes_two_nets_alike(device):
    a, b = Net(), Net()
    x = agrad.ones((4, 2))
    with agrad.no_grad():
        a.mean += 1.0
    before = list(b.parameters())
    answer = b.load_state_dict(a.state_dict())
    assert answer == ([], [])
    assert all(p is q for p, q in zip(b.parameters(), before, strict=True))
    assert_close(b(x), a(x))
    with agrad.no_grad():
        a.scale += 1.0
    assert b.scale.item() == 2.0


def test_loading_converts_dtypes_and_devices():
    net = nn.Linear(2, 1)
    source = nn.Linear(2, 1, dtype=agrad.float64, device="strict")
    net.load_state_dict(source.state_dict())
    assert net.weight.dtype is agrad.float32
    assert_close(net.weight.detach(), source.weight.detach().to("cpu", agrad.float32))


def test_loading_takes_numpy_arrays():
    net = nn.Linear(2, 1)
    net.load_state_dict({name: value.numpy() + 1 for name, value in net.state_dict().items()})
    assert net.bias.requires_grad


def test_everything_that_does_not_fit_is_listed_and_nothing_changes(device):
    net = Net()
    before = {name: value.tolist() for name, value in net.state_dict().items()}
    state = {name: value + 1.0 for name, value in Net().state_dict().items()}
    del state["scale"], state["first.bias"]
    state["first.weight"] = agrad.zeros((3, 5))
    state["rest.1.weight"] = agrad.zeros((3, 1))
    state["extra"] = state["more.extra"] = agrad.zeros(1)
    with pytest.raises(ValueError) as caught:
        net.load_state_dict(state)
    message = str(caught.value)
    for part in ("missing: scale", "missing: first.bias", "unexpected: extra", "unexpected: more.extra"):
        assert part in message
    assert "first.weight: shape (3, 5) where (3, 2) is expected" in message
    assert "rest.1.weight: shape (3, 1) where (1, 3) is expected" in message
    assert {name: value.tolist() for name, value in net.state_dict().items()} == before


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_a_state_dict_of_a_wrapped_model_of_pytorchs_is_explained(prefix):
    model = nn.Linear(2, 1)
    state = {prefix + name: value for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=rf'write {{k.removeprefix\("{prefix}"\): v for k, v in state.items\(\)}}$'):
        model.load_state_dict(state)
    with pytest.raises(ValueError, match=r"unexpected: another$"):
        model.load_state_dict({**state, "another": 1.0})
    model.load_state_dict({k.removeprefix(prefix): v for k, v in state.items()})


def test_strict_false_skips_keys_but_not_wrong_shapes(device):
    net = Net()
    answer = net.load_state_dict({"scale": agrad.zeros(1), "extra": agrad.zeros(1)}, strict=False)
    assert answer.missing_keys == ["mean", "first.weight", "first.bias", "rest.1.weight"]
    assert answer.unexpected_keys == ["extra"]
    assert net.scale.item() == 0.0
    with pytest.raises(ValueError, match="scale: shape"):
        net.load_state_dict({"scale": agrad.zeros(2)}, strict=False)


def test_complex_values_do_not_become_real(device):
    with pytest.raises(ValueError, match=r"complex64 where agrad.float32"):
        Net().load_state_dict({"scale": agrad.zeros(1, dtype=agrad.complex64)}, strict=False)


def test_fractions_do_not_become_integers(device):
    layer = nn.BatchNorm1d(2)
    state = layer.state_dict()
    with pytest.raises(ValueError, match=r"num_batches_tracked: agrad\.float32 with fractional values"):
        layer.load_state_dict(state | {"num_batches_tracked": agrad.asarray(2.5)})
    layer.load_state_dict(state | {"num_batches_tracked": agrad.asarray(3.0)})
    assert layer.num_batches_tracked.item() == 3


def test_the_name_of_a_dtype_is_no_device():
    with pytest.raises(ValueError, match=r"for a dtype write to\(agrad.float64\)"):
        nn.Linear(2, 1).to("float64")


def test_a_state_dict_must_be_a_mapping():
    with pytest.raises(TypeError, match="list"):
        Net().load_state_dict([1, 2])


def test_loading_between_forward_and_backward_is_noticed():
    net = nn.Linear(2, 1)
    out = net(agrad.ones((3, 2), requires_grad=True)).sum()
    net.load_state_dict(nn.Linear(2, 1).state_dict())
    with pytest.raises(RuntimeError, match="changed in place"):
        out.backward()


# Modes, gradients, moves


def test_train_and_eval_reach_all_modules():
    net = Net()
    assert all(module.training for module in net.modules())
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.train()
    assert net.rest[1].training
    with pytest.raises(ValueError, match="mode"):
        net.train("yes")


def test_zero_grad_and_freezing(device):
    net = Net()
    net(agrad.ones((1, 2))).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert net.scale.grad.tolist() == [0.0]
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert net.requires_grad_(False) is net
    assert not net(agrad.ones((1, 2))).requires_grad


def test_apply_goes_through_children_first():
    seen = []
    net = Net()
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Linear", "ReLU", "Linear", "Sequential", "Net"]


def test_to_a_dtype_casts_floating_tensors(device):
    net = Net()
    net.register_buffer("count", agrad.asarray([1, 2]))
    whole = net.count.dtype
    net(agrad.ones((1, 2))).sum().backward()
    parameters = list(net.parameters())
    assert net.to(agrad.float64) is net
    assert all(p is q for p, q in zip(net.parameters(), parameters, strict=True))
    assert {p.dtype for p in net.parameters()} == {agrad.float64}
    assert net.scale.grad.dtype is agrad.float64
    assert (net.mean.dtype, net.count.dtype) == (agrad.float64, whole)
    assert all(p.requires_grad and p.is_leaf for p in net.parameters())
    with pytest.raises(TypeError, match="int64"):
        net.to(agrad.int64)


def test_to_a_device_and_back():
    net = Net()
    x = agrad.ones((1, 2))
    expected = net(x)
    expected.sum().backward()
    net.to("strict:device1")
    moved = x.to("strict:device1")
    assert {t.device.name for t in (*net.parameters(), *net.buffers())} == {"strict:device1"}
    assert net.scale.grad.device.name == "strict:device1"
    net(moved).sum().backward()
    assert_close(net(moved).detach().cpu(), expected.detach())
    assert net.cpu().scale.device.name == "cpu"
    net.to(moved)
    assert net.mean.device.name == "strict:device1"
    net.to(device="cpu", dtype="float64")
    assert (net.scale.device.name, net.scale.dtype) == ("cpu", agrad.float64)


def test_a_missing_device_leaves_the_module_where_it_was():
    net = Net()
    with pytest.raises(ValueError, match="unknown device"):
        net.to("abacus")
    assert net.scale.device.name == "cpu"


# Text and copies


def test_repr_is_pytorchs():
    net = nn.Sequential(nn.Linear(2, 1), nn.Sequential(nn.ReLU(), nn.Flatten()), nn.Softmax(dim=1))
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Linear(in_features=2, out_features=1, bias=True)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): Flatten(start_dim=1, end_dim=-1)\n"
        "  )\n"
        "  (2): Softmax(dim=1)\n"
        ")"
    )
    assert repr(nn.Sequential(nn.Linear(2, 1))) == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=1, bias=True)\n)"
    )
    assert repr(nn.Sequential()) == "Sequential()"
    assert repr(nn.MSELoss(reduction="sum")) == "MSELoss()"


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_copies_are_equal_and_independent(device, again):
    net = Net()
    other = again(net)
    x = agrad.ones((1, 2))
    assert_close(other(x), net(x))
    assert [name for name, _ in other.named_parameters()] == NAMES
    assert list(other.state_dict()) == list(net.state_dict())
    with agrad.no_grad():
        other.scale += 1.0
    assert (net.scale.item(), other.scale.item()) == (2.0, 3.0)
    assert other.scale.requires_grad
    assert other.scale.device is device


def test_copies_keep_shared_parameters_shared():
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    other = copy.deepcopy(tied)
    assert other[1].weight is other[0].weight is not tied[0].weight


def test_dropped_modules_are_freed():

    gc.disable()
    try:
        net = Net()
        net(agrad.ones((1, 2))).sum().backward()
        gone = weakref.ref(net.first.weight)
        del net
        assert gone() is None
    finally:
        gc.enable()


# As a function of its parameters


def test_functional_call_uses_other_tensors_and_forgets_them(device):
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1))
    before = dict(model.named_parameters())
    x = agrad.asarray([1.0, 2.0])
    found = model.functional_call({"0.weight": agrad.asarray([[1.0, 0.0], [0.0, 1.0]]), "1.bias": agrad.ones(1)}, x)
    assert_close(found.detach(), (model[1].weight @ x + 1).detach())
    assert all(p is before[name] for name, p in model.named_parameters())
    with pytest.raises(ZeroDivisionError):
        Failing().functional_call({"w": agrad.asarray(0.0)})
    assert Failing.last.w.item() == 1.0


class Failing(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(1.0)
        Failing.last = self

    def forward(self):
        return 1 / int(self.w.item())


def test_functional_call_replaces_shared_parameters_everywhere(device):
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    model[1].weight = model[0].weight
    x = agrad.asarray([1.0])
    assert model.functional_call({"0.weight": agrad.asarray([[3.0]])}, x).item() == 9.0
    g = agrad.grad(lambda p: model.functional_call(p, x).sum())({"0.weight": agrad.asarray([[3.0]])})
    assert g["0.weight"].item() == 6.0


def test_functional_call_replaces_buffers(device):
    class Shift(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("by", agrad.zeros(()))

        def forward(self, x, scale=1):
            return scale * x + self.by

    assert Shift().functional_call({"by": agrad.asarray(2.0)}, agrad.asarray(1.0), scale=3).item() == 5.0


def test_functional_call_refuses_wrong_names_and_shapes():
    layer = nn.Linear(2, 1)
    with pytest.raises(ValueError, match=r"Linear has no parameter or buffer \['w'\]; it has \['weight', 'bias'\]"):
        layer.functional_call({"w": agrad.ones(1)}, agrad.ones(2))
    with pytest.raises(ValueError, match=r"weight has shape \(1, 2\).*\(2, 1\)"):
        layer.functional_call({"weight": agrad.ones((2, 1))}, agrad.ones(2))
