"""draw: which boxes and arrows there are, and how they are written."""

import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

import agrad
from agrad import nn
from agrad.inspection.graph import Graph

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")


def leaf(*values):
    return agrad.asarray(list(values), requires_grad=True)


def boxes(graph):
    return [(*box.lines, box.kind) for box in graph.boxes]


def arrows(graph):
    return [(graph.boxes[a].lines[0], graph.boxes[b].lines[0], text) for a, b, text in graph.arrows]


# The graph of Tensors


def test_the_tape_of_a_tensor(device):
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    graph = agrad.draw((x * w - 1.0).sum(), names={"x": x, "w": w})
    assert boxes(graph) == [
        ("x", "(2,) float32", "leaf"),
        ("w", "(2,) float32", "leaf"),
        ("multiply", "(2,) float32", "op"),
        ("subtract", "(2,) float32", "op"),
        ("sum", "() float32", "op"),
    ]
    assert arrows(graph) == [
        ("x", "multiply", "x1"),
        ("w", "multiply", "x2"),
        ("multiply", "subtract", "x1"),
        ("subtract", "sum", ""),
    ]


def test_a_tensor_used_twice_is_one_box():
    x = leaf(1.0)
    y = agrad.exp(x)
    graph = agrad.draw(y * y + x, names={"x": x, "y": y})
    assert [box.lines[0] for box in graph.boxes] == ["x", "y = exp", "multiply", "add"]
    assert len(graph.arrows) == 5


def test_outputs_of_one_op(device):
    first, second = agrad.unstack(agrad.ones((2, 3), requires_grad=True))
    graph = agrad.draw([first, second], names={"second": second})
    assert [box.lines for box in graph.boxes] == [
        ("Tensor", "(2, 3) float32"),
        ("unstack", "2 outputs"),
        ("unstack[0]", "(3,) float32"),
        ("second = unstack[1]", "(3,) float32"),
    ]
    assert graph.arrows == [(0, 1, ""), (1, 2, ""), (1, 3, "")]


def test_an_op_over_a_sequence():
    x, y = leaf(1.0), leaf(2.0)
    graph = agrad.draw(agrad.concat([x, y, agrad.ones(1)]), names={"x": x, "y": y})
    assert arrows(graph) == [("x", "concat", ""), ("y", "concat", "")]


def test_leaves_alone():
    assert boxes(agrad.draw(leaf(1.0))) == [("Tensor", "(1,) float32", "leaf")]
    assert boxes(agrad.draw(agrad.zeros((2, 2), dtype=agrad.int64))) == [("Tensor", "(2, 2) int64", "leaf")]


def test_a_graph_of_a_gradient():
    x = leaf(2.0)
    (slope,) = agrad.gradients(agrad.exp(x).sum(), x, create_graph=True)
    assert {"exp", "multiply"} <= {box.lines[0] for box in agrad.draw(slope).boxes}


def test_a_deep_graph():
    x = y = leaf(1.0)
    for _ in range(5000):
        y = y + x
    assert len(agrad.draw(y).boxes) == 5001


def test_drawing_frees_and_changes_nothing():
    x = leaf(2.0)
    y = agrad.exp(x).sum()
    agrad.draw(y)
    y.backward()
    assert x.grad is not None


# The graph of a module


def model():
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1, bias=False))


def test_the_layers_of_a_module(device):
    graph = agrad.draw(model())
    assert arrows(graph) == [
        ("Sequential", "(0): Linear", ""),
        ("(0): Linear", "0.weight", ""),
        ("(0): Linear", "0.bias", ""),
        ("Sequential", "(1): ReLU", ""),
        ("Sequential", "(2): Linear", ""),
        ("(2): Linear", "2.weight", ""),
    ]
    assert ("0.weight", "(3, 4) float32", "parameter") in boxes(graph)


def test_the_tape_of_a_call(device):
    net = model()
    graph = agrad.draw(net, input_shape=(5, 4))
    assert [(box.lines, box.kind) for box in graph.boxes if box.kind != "op"] == [
        (("input", "(5, 4) float32"), "leaf"),
        (("0.weight", "(3, 4) float32"), "parameter"),
        (("0.bias", "(3,) float32"), "parameter"),
        (("2.weight", "(1, 3) float32"), "parameter"),
    ]
    assert ("0.weight", "linear", "weight") in arrows(graph)
    assert net.training
    assert all(p.grad is None for p in net.parameters())


def test_names_from_a_module():
    net = model()
    graph = agrad.draw(net(agrad.ones((5, 4))), names=net)
    assert [box.lines[0] for box in graph.boxes if box.kind == "parameter"] == ["0.weight", "0.bias", "2.weight"]


def test_a_call_with_several_inputs_and_outputs():
    class Both(nn.Module):
        def forward(self, x, i):
            return {"sum": x + i, "parts": [agrad.exp(x), 3]}

    graph = agrad.draw(Both(), input_shape=[(2,), (2,)])
    assert [box.lines[0] for box in graph.boxes] == ["input 0", "input 1", "add", "exp"]


# How it is written


def sample():
    graph = Graph()
    start = graph.add(['a "b" <c>', "(1,)"], "leaf")
    graph.arrows.append((start, graph.add(["op\\n"], "op"), "x1"))
    return graph


def test_dot():
    assert sample().dot.splitlines() == [
        "digraph agrad {",
        '  node [fontname="Helvetica", fontsize=11];',
        '  edge [fontname="Helvetica", fontsize=9];',
        '  n0 [label="a \\"b\\" <c>\\n(1,)", shape=box, style=filled, fillcolor="#dbe9f6"];',
        '  n1 [label="op\\\\n", shape=box, style=rounded, fillcolor="#ffffff"];',
        '  n0 -> n1 [label="x1"];',
        "}",
    ]
    assert str(sample()) == sample().dot


def test_mermaid():
    assert sample().mermaid.splitlines() == [
        "flowchart TD",
        '  n0["a #quot;b#quot; #lt;c><br/>(1,)"]',
        '  n1("op\\n")',
        "  n0 -->|x1| n1",
    ]


def test_text_files(tmp_path):
    x = leaf(1.0)
    graph = agrad.draw(x, tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text() == graph.dot + "\n"
    graph.save(str(tmp_path / "graph.mmd"))
    assert (tmp_path / "graph.mmd").read_text() == graph.mermaid + "\n"


@needs_dot
@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_pictures(tmp_path, suffix, start):
    agrad.draw(leaf(1.0), tmp_path / f"graph{suffix}")
    assert (tmp_path / f"graph{suffix}").read_bytes().startswith(start)


@needs_dot
def test_an_svg_shows_every_box():
    svg = ET.fromstring(sample()._repr_svg_())
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ['a "b" <c>', "(1,)", "op\\n", "x1"]


def test_a_notebook_gets_a_picture_through_graphviz(monkeypatch):
    def run(command, input, **settings):
        assert command == ["/bin/dot", "-Tsvg"]
        return subprocess.CompletedProcess(command, 0, b"<svg>" + input + b"</svg>")

    monkeypatch.setattr("shutil.which", lambda program: f"/bin/{program}")
    monkeypatch.setattr("subprocess.run", run)
    assert sample()._repr_svg_() == f"<svg>{sample().dot}</svg>"
    bundle = sample()._repr_mimebundle_()
    assert bundle == {"text/plain": sample().dot, "image/svg+xml": f"<svg>{sample().dot}</svg>"}


def test_a_notebook_gets_mermaid_without_graphviz(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda program: None)
    assert sample()._repr_svg_() is None
    bundle = sample()._repr_mimebundle_()
    assert bundle["text/markdown"] == f"```mermaid\n{sample().mermaid}\n```"
    with pytest.raises(RuntimeError, match=r"`dot`, which is not installed: `apt install graphviz`"):
        sample().save(tmp_path / "graph.svg")


def test_wrong_arguments_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.svg, \.png.*not to 'graph.jpg'"):
        agrad.draw(leaf(1.0), tmp_path / "graph.jpg")
    with pytest.raises(TypeError, match="Tensors, a module or a compiled function, not float"):
        agrad.draw(3.0)
    with pytest.raises(TypeError, match="Tensors, a module or a compiled function, not int"):
        agrad.draw([1, 2])


# The program of a compiled function


def test_a_compiled_program():
    w = nn.Parameter([2.0])
    optimizer = agrad.optim.SGD([w], lr=0.1)

    @agrad.compile(state=[optimizer], keep_grads=False)
    def step(x):
        optimizer.zero_grad()
        loss = agrad.sum(agrad.exp(x * w))
        loss.backward()
        optimizer.step()
        return loss

    with pytest.raises(RuntimeError, match="call the function first"):
        agrad.draw(step)
    step(agrad.ones(3))
    graph = agrad.draw(step)
    assert ("x", "(3,) float32", "leaf") in boxes(graph)
    assert ("optimizer_param_0_0", "(1,) float32", "parameter") in boxes(graph)
    assert ("lr", "leaf") in boxes(graph)
    assert ("result", "() float32", "module") in boxes(graph)
    assert ("new optimizer_param_0_0", "(1,) float32", "module") in boxes(graph)
    assert {("x", "multiply", ""), ("multiply", "exp", ""), ("exp", "sum", ""), ("sum", "result", "")} < set(
        arrows(graph)
    )
    assert ("lr", "negative", "") in arrows(graph)


def test_a_compiled_function_with_several_results():
    f = agrad.compile(lambda x: [agrad.exp(x), agrad.unstack(x)[1]])
    f(agrad.ones((2, 3)))
    graph = agrad.draw(f)
    assert [box.lines[0] for box in graph.boxes if box.kind == "module"] == ["result 0", "result 1"]
    assert any("2 outputs" in box.lines for box in graph.boxes)
