"""Forward hooks of modules, beside PyTorch's where it is installed."""

import copy

import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close


class Sum(nn.Module):
    def forward(self, x, y=0.0):
        return x + y


def test_a_forward_hook_sees_module_arguments_and_output(device):
    layer, seen = Sum(), []
    layer.register_forward_hook(lambda *given: seen.append(given))
    x = agrad.ones(2)
    out = layer(x, y=1.0)
    assert len(seen) == 1
    module, args, output = seen[0]
    assert module is layer
    assert [arg is x for arg in args] == [True]
    assert output is out


def test_a_forward_hook_may_replace_the_output(device):
    layer = Sum()
    layer.register_forward_hook(lambda module, args, output: output * 2)
    layer.register_forward_hook(lambda module, args, output: None)
    layer.register_forward_hook(lambda module, args, output: output + 1)
    assert_close(layer(agrad.ones(2)), [3.0, 3.0])


def test_a_pre_hook_may_replace_the_arguments(device):
    layer = Sum()
    with layer.register_forward_pre_hook(lambda module, args: args[0] * 3):
        assert_close(layer(agrad.ones(2)), [3.0, 3.0])
    with layer.register_forward_pre_hook(lambda module, args: (args[0], 10.0)):
        assert_close(layer(agrad.ones(2)), [11.0, 11.0])
    with layer.register_forward_pre_hook(lambda module, args: None):
        assert_close(layer(agrad.ones(2)), [1.0, 1.0])


def test_hooks_with_keywords():
    layer, seen = Sum(), []
    layer.register_forward_pre_hook(lambda m, args, kwargs: (args, {"y": kwargs["y"] + 1}), with_kwargs=True)
    layer.register_forward_pre_hook(lambda m, args, kwargs: None, with_kwargs=True)
    layer.register_forward_hook(lambda m, args, kwargs, output: seen.append(kwargs), with_kwargs=True)
    assert_close(layer(agrad.ones(2), y=1.0), [3.0, 3.0])
    assert seen == [{"y": 2.0}]


@pytest.mark.parametrize("wrong", [5, (1,), [(), {}]])
def test_a_pre_hook_with_keywords_returns_both(wrong):
    layer = Sum()
    layer.register_forward_pre_hook(lambda m, args, kwargs: wrong, with_kwargs=True)
    with pytest.raises(TypeError, match=r"None or \(args, kwargs\)"):
        layer(1.0)


def test_prepended_hooks_run_first():
    layer, order = Sum(), []
    for register in (layer.register_forward_hook, layer.register_forward_pre_hook):
        register(lambda *_: order.append("first"))
        register(lambda *_: order.append("before it"), prepend=True)
        register(lambda *_: order.append("last"))
        layer(1.0)
        assert order[-3:] == ["before it", "first", "last"]


def test_removed_hooks_do_not_run():
    layer, seen = Sum(), []
    before = layer.register_forward_pre_hook(lambda *_: seen.append(1))
    after = layer.register_forward_hook(lambda *_: seen.append(2))
    before.remove()
    after.remove()
    layer(1.0)
    assert not seen


def test_hooks_are_of_one_module_and_run_inside_a_tree():
    model, seen = nn.Sequential(nn.ReLU(), nn.ReLU()), []
    model[1].register_forward_hook(lambda *_: seen.append("second"))
    model(agrad.ones(2))
    nn.ReLU()(agrad.ones(2))
    assert seen == ["second"]


def test_hooks_are_no_state_and_copies_have_their_own():
    layer, seen = nn.Linear(2, 1), []
    handle = layer.register_forward_hook(lambda *_: seen.append(1))
    assert list(layer.state_dict()) == ["weight", "bias"]
    other = copy.deepcopy(layer)
    handle.remove()
    layer(agrad.ones(2))
    assert not seen
    other(agrad.ones(2))
    assert seen == [1]


def test_gradients_flow_through_a_hook(device):
    layer = nn.Linear(2, 1, bias=False)
    layer.register_forward_hook(lambda module, args, output: output * 3)
    layer(agrad.ones((1, 2))).sum().backward()
    assert_close(layer.weight.grad, [[3.0, 3.0]])


@pytest.mark.peers
def test_hooks_are_called_as_pytorchs():
    torch = pytest.importorskip("torch")

    def trace(library, ones):
        class Layer(library.nn.Module):
            def forward(self, x, y=0.0):
                return x + y

        layer, log = Layer(), []
        layer.register_forward_pre_hook(lambda m, args: log.append(("pre", len(args))))
        layer.register_forward_pre_hook(lambda m, a, k: log.append(("pre", len(a), sorted(k))), with_kwargs=True)
        layer.register_forward_hook(lambda m, args, out: log.append(("post", len(args), out.tolist())))
        layer.register_forward_hook(lambda m, args, out: (log.append("first"), out + 1)[1], prepend=True)
        layer.register_forward_hook(lambda m, a, k, out: log.append((len(a), sorted(k))), with_kwargs=True)
        log.append(layer(ones, y=2.0).tolist())
        return log

    assert trace(agrad, agrad.ones(2)) == trace(torch, torch.ones(2))
