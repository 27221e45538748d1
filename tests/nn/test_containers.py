"""Sequential, ModuleList, ModuleDict, ParameterList: order, names, indexing."""

from collections import OrderedDict

import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close


def layers():
    return nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)


def test_modules_are_called_in_order(device):
    a, b, c = layers()
    x = agrad.ones((4, 2))
    assert_close(nn.Sequential(a, b, c)(x), c(b(a(x))))
    assert nn.Sequential()(x) is x


def test_indexing_and_iteration():
    a, b, c = layers()
    net = nn.Sequential(a, b, c)
    assert (net[0], net[-1], len(net)) == (a, c, 3)
    assert list(net) == [a, b, c]
    part = net[1:]
    assert isinstance(part, nn.Sequential)
    assert list(part) == [b, c]
    assert list(part.state_dict()) == ["2.weight", "2.bias"]
    for i in (3, -4):
        with pytest.raises(IndexError, match="3 modules"):
            net[i]


def test_changing_it():
    a, b, c = layers()
    net = nn.Sequential(a)
    assert net.append(b) is net
    net[0] = c
    assert list(net) == [c, b]
    assert [name for name, _ in net.named_children()] == ["0", "1"]
    with pytest.raises(TypeError):
        net[0] = agrad.exp


def test_appended_modules_get_a_free_name():
    part = nn.Sequential(*layers())[1:]
    part.append(nn.ReLU()).append(nn.ReLU())
    assert [name for name, _ in part.named_children()] == ["1", "2", "3", "4"]
    named = nn.Sequential(OrderedDict(hidden=layers()[0]))
    assert [name for name, _ in named.append(nn.ReLU()).named_children()] == ["hidden", "1"]


def test_names_from_a_mapping():
    a, b, _ = layers()
    net = nn.Sequential(OrderedDict(hidden=a, relu=b))
    assert net.hidden is net[0]
    assert [name for name, _ in net.named_children()] == ["hidden", "relu"]
    assert list(net[:1].state_dict()) == ["hidden.weight", "hidden.bias"]


@pytest.mark.parametrize("wrong", [agrad.exp, nn.ReLU, None])
def test_only_modules_are_taken(wrong):
    with pytest.raises(TypeError, match="Sequential takes modules"):
        nn.Sequential(nn.ReLU(), wrong)
    with pytest.raises(TypeError, match="Sequential takes modules"):
        nn.Sequential().append(wrong)


def test_module_list():
    layers = nn.ModuleList([nn.Linear(1, 2), nn.ReLU()])
    layers.insert(0, nn.Tanh())
    layers[1] = nn.Linear(2, 2)
    assert [type(layer).__name__ for layer in layers] == ["Tanh", "Linear", "ReLU"]
    assert list(layers.state_dict()) == ["1.weight", "1.bias"]
    del layers[0]
    assert list(layers.state_dict()) == ["0.weight", "0.bias"]
    assert len(layers[1:]) == 1
    assert isinstance(layers[-1], nn.ReLU)
    with pytest.raises(IndexError):
        layers[2]
    with pytest.raises(TypeError, match="holds modules"):
        layers.append(3)


def test_module_dict():
    heads = nn.ModuleDict({"a": nn.ReLU()})
    heads.update([("b", nn.Tanh()), ("a", nn.Sigmoid())])
    assert heads.keys() == ["a", "b"]
    assert "b" in heads
    assert isinstance(heads.pop("a"), nn.Sigmoid)
    assert [name for name, _ in heads.items()] == list(heads) == ["b"]
    assert len(heads.values()) == len(heads) == 1
    for call in (lambda: heads["a"], lambda: heads.pop("a"), lambda: heads["training"]):
        with pytest.raises(KeyError):
            call()
    with pytest.raises(KeyError, match="training"):
        heads["training"] = nn.ReLU()
    with pytest.raises(TypeError, match="holds modules"):
        heads["c"] = 3


def test_parameter_list():
    weights = nn.ParameterList([agrad.ones(2)])
    weights.append(nn.Parameter([3.0]))
    assert list(weights.state_dict()) == ["0", "1"]
    assert weights[-1].tolist() == [3.0]
    weights[0] = agrad.zeros(3)
    assert [p.shape for p in weights.parameters()] == [(3,), (1,)]
    assert all(isinstance(p, nn.Parameter) for p in weights)
    assert len(weights[1:]) == 1
    assert "(1): Parameter of shape (1,)" in repr(weights)


def test_a_sequential_changes_like_a_list():
    a, b, c = layers()
    net = nn.Sequential(OrderedDict(first=a, second=b))
    assert net.insert(1, c) is net
    assert list(net) == [a, c, b]
    assert net.pop(0) is a
    assert [name for name, _ in net.named_children()] == ["0", "1"]
    assert list(net + nn.Sequential(a)) == [c, b, a]
    assert list(net) == [c, b]
    same = net
    net += [a]
    assert net is same
    doubled = nn.Sequential(nn.ReLU())
    doubled += doubled
    assert len(doubled) == 2
    del net[:2]
    assert list(net.state_dict()) == ["0.weight", "0.bias"]
    with pytest.raises(TypeError, match="Sequential takes modules"):
        net.insert(0, agrad.exp)
    for wrong in (lambda: net.pop(1), lambda: net.pop(-2)):
        with pytest.raises(IndexError, match="1 modules"):
            wrong()


def test_a_module_list_changes_like_a_list():
    a, b, c = layers()
    modules = nn.ModuleList([a, b])
    assert list(modules + nn.ModuleList([c])) == [a, b, c]
    same = modules
    modules += [c]
    assert modules is same
    assert len(nn.ModuleList([a]).extend(nn.ModuleList([b]))) == 2
    assert modules.pop(0) is a
    assert list(modules.state_dict()) == ["1.weight", "1.bias"]
    with pytest.raises(IndexError):
        modules.pop(2)


def test_a_module_dict_is_cleared_and_a_parameter_list_grows():
    modules, weights = nn.ModuleDict({"a": nn.ReLU()}), nn.ParameterList([agrad.ones(2)])
    modules.clear()
    assert len(modules) == 0
    weights += [agrad.zeros(3)]
    assert [p.shape for p in weights.parameters()] == [(2,), (3,)]


def test_a_module_list_shows_equal_modules_once():
    same = [nn.Sequential(nn.ReLU()) for _ in range(2)]
    modules = nn.ModuleList([nn.Linear(2, 2), *same, nn.Linear(2, 2), nn.Linear(2, 2)])
    assert repr(modules) == (
        "ModuleList(\n"
        "  (0): Linear(in_features=2, out_features=2, bias=True)\n"
        "  (1-2): 2 x Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        "  (3-4): 2 x Linear(in_features=2, out_features=2, bias=True)\n"
        ")"
    )
    assert repr(nn.ModuleList()) == "ModuleList()"
