"""summary: its figures, its table, and that it leaves no trace."""

from xml.etree import ElementTree

import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close


class Net(nn.Module):
    """A tree with a buffer that counts calls, a frozen and an unused layer, and two outputs."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        self.frozen = nn.Linear(3, 1, bias=False).requires_grad_(False)
        self.unused = nn.ReLU()
        self.register_buffer("calls", agrad.zeros(1))
        self.last = None

    def forward(self, x):
        self.last = self.body(x)
        with agrad.no_grad():
            self.calls += 1
        self.modes = [self.training, agrad.is_grad_enabled()]
        return self.last, {"score": self.frozen(self.last)}


def test_figures(device):
    found = agrad.summary(Net(), (5, 2))
    assert [(x.name, x.kind, x.output, x.parameters, x.bytes) for x in found.layers] == [
        ("", "Net", "[(5, 3), {score: (5, 1)}]", 0, 4),
        ("body", "Sequential", "(5, 3)", 0, 0),
        ("body.0", "Linear", "(5, 3)", 9, 36),
        ("body.1", "ReLU", "(5, 3)", 0, 0),
        ("frozen", "Linear", "(5, 1)", 3, 12),
        ("unused", "ReLU", "-", 0, 0),
    ]
    assert (found.parameters, found.trainable, found.bytes) == (12, 9, 52)


def test_the_table_is_printed():
    lines = str(agrad.summary(Net(), (5, 2))).splitlines()
    assert lines[0].split("  ")[0] == "layer"
    assert lines[4].startswith("    (0): Linear ")
    assert lines[-2].split() == ["total", "12", "52", "B"]
    assert lines[-1] == "trainable parameters: 9"
    assert len({len(line) for line in lines[:-1]}) == 1


def test_the_module_is_as_before():
    net, seen = Net(), []
    net.eval()
    net.body.train()
    net.body[0].register_forward_hook(lambda *_: seen.append(1))
    attributes = {name: set(vars(part)) for name, part in net.named_modules()}
    agrad.summary(net, (5, 2))
    assert [part.training for part in net.modules()] == [False, True, True, True, False, False]
    assert net.last is None
    assert net.calls.item() == 0.0
    assert {name: set(vars(part)) for name, part in net.named_modules()} == attributes
    net(agrad.ones((1, 2)))
    assert seen == [1, 1], "the user's own hook is there, and ran in the summary too"


def test_it_evaluates_unrecorded():
    modes = []
    net = Net()
    net.register_forward_hook(lambda module, args, output: modes.append(module.modes))
    agrad.summary(net, (5, 2))
    assert modes == [[False, False]]


def test_the_module_is_as_before_also_after_an_error():
    net = Net()
    with pytest.raises(ValueError, match="linear"):
        agrad.summary(net, (5, 7))
    assert net.training
    assert not any("_forward_hooks" in vars(part) for part in net.modules())


def test_shared_parameters_count_once_in_the_total():
    layer = nn.Linear(2, 2)
    tied = nn.Sequential(layer, layer)
    assert agrad.summary(tied, (1, 2)).parameters == 6


def test_several_inputs_and_dtypes(device):
    class Pick(nn.Module):
        def forward(self, x, i):
            return agrad.take(agrad.astype(x, agrad.float32), i, axis=0)

    found = agrad.summary(Pick(), [(4, 3), (2,)], dtype=agrad.int64)
    assert found.layers[0].output == "(2, 3)"


def test_inputs_follow_the_parameters(device):
    class Look(nn.Linear):
        def forward(self, x):
            seen.append((x.dtype, x.device))
            return super().forward(x)

    seen = []
    layer = Look(2, 1, dtype=agrad.float64 if device.backend.supports_float64 else agrad.float32)
    agrad.summary(layer, (3, 2))
    assert seen == [(layer.weight.dtype, device)]


def test_an_input_without_axes():
    class Double(nn.Module):
        def forward(self, x):
            return 2 * x

    assert agrad.summary(Double(), ()).layers[0].output == "()"


def test_wrong_arguments_are_refused():
    with pytest.raises(TypeError, match=r"a module is needed.*not function"):
        agrad.summary(lambda x: x, (2,))
    with pytest.raises(TypeError, match=r"tuple of integers.*'2'"):
        agrad.summary(nn.ReLU(), ("2",))
    with pytest.raises(TypeError, match=r"tuple of integers.*784"):
        agrad.summary(nn.ReLU(), 784)


def test_gradients_are_left_alone():
    net = nn.Linear(2, 1)
    net(agrad.ones((1, 2))).sum().backward()
    before = net.weight.grad
    agrad.summary(net, (3, 2))
    assert net.weight.grad is before
    assert_close(before, [[1.0, 1.0]])


def test_notebooks_show_tables():
    model = nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.ReLU(), nn.LayerNorm(2)))
    shown = model._repr_html_()
    rows = [[cell.text for cell in row] for row in ElementTree.fromstring(shown.replace("&emsp;", "  "))]
    assert rows == [
        ["layer", "settings", "parameters"],
        ["Sequential", None, "0"],
        ["  (0): Linear", "in_features=3, out_features=2, bias=True", "8"],
        ["  (1): Sequential", None, "0"],
        ["    (0): ReLU", None, "0"],
        ["    (1): LayerNorm", model[1][1].extra_repr(), "4"],
        ["total", None, "12"],
    ]
    assert '<td style="text-align: left">(4, 2)</td>' in agrad.summary(model, (4, 3))._repr_html_()


def test_text_in_tables_is_escaped():
    class Odd(nn.Module):
        def extra_repr(self):
            return "<script>"

    assert "&lt;script&gt;" in Odd()._repr_html_()


def test_a_shared_layer_counts_once_in_the_total():
    layer = nn.Linear(3, 3)
    assert ">12</th></tr></table>" in nn.Sequential(layer, layer)._repr_html_()


def test_ipython_shows_them():
    formatters = pytest.importorskip("IPython.core.formatters")
    shown, _ = formatters.DisplayFormatter().format(nn.Linear(1, 1))
    assert {"text/plain", "text/html"} <= shown.keys()
