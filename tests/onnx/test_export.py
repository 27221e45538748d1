"""`agrad.onnx.export`: names, modes, files, what is refused and what the message says."""

import os

import numpy as np
import pytest

import agrad
from agrad import nn
from agrad.backends import UnknownValueError

onnx = pytest.importorskip("onnx")
pytest.importorskip("ndonnx")
from tests.onnx.running import agree, exported, onnxruntime  # noqa: E402 - needs onnxruntime


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.onnx"


def operators(file):
    return [node.op_type for node in onnx.load(file).graph.node if node.op_type not in ("Constant", "Identity")]


def module(forward):
    """Return a module with a forward, of a class called Own."""
    return type("Own", (nn.Module,), {"forward": forward})()


def test_the_graph_is_what_an_engineer_expects(file):
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3), nn.Sigmoid(), nn.Softmax(-1)
    )
    agrad.onnx.export(model, agrad.ones((2, 1, 8, 8)), file, dynamic_axes={0: "batch"})
    expected = ["Conv", "Relu", "MaxPool", "Reshape", "Transpose", "MatMul", "Add", "Sigmoid", "Softmax"]
    assert operators(file) == expected
    loaded = onnx.load(file)
    onnx.checker.check_model(loaded, full_check=True)
    assert [x.name for x in loaded.graph.initializer] == ["0.weight", "0.bias", "4.weight", "4.bias"]
    assert [x.name for x in loaded.graph.input] == ["input"]
    assert loaded.producer_name == "agrad"


def test_the_model_stays_as_it_is(file):
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(), nn.Linear(3, 2))
    model[3].eval()
    before = {name: x.tolist() for name, x in model.state_dict().items()}
    state = agrad.random.get_state()
    agrad.onnx.export(model, agrad.ones((4, 3)), file)
    assert [x.training for x in model.modules()] == [True, True, True, True, False]
    assert {name: x.tolist() for name, x in model.state_dict().items()} == before
    assert agrad.random.get_state() == state
    assert all(x.requires_grad and x.device == agrad.Device("cpu") for x in model.parameters())
    assert not any(x._forward_hooks or x._forward_pre_hooks for x in model.modules())


def test_the_mode_is_restored_after_an_error(file):
    model = nn.Sequential(nn.Linear(3, 3), module(lambda self, x: x + agrad.randn(3)))
    with pytest.raises(NotImplementedError):
        agrad.onnx.export(model, agrad.ones((4, 3)), file)
    assert all(x.training for x in model.modules())
    assert not any(x._forward_hooks or x._forward_pre_hooks for x in model.modules())
    assert not file.exists()


def test_the_file_is_replaced_once_the_new_one_is_complete(file, monkeypatch):
    file.write_bytes(b"old")
    with pytest.raises(ValueError, match="must have shape"):
        agrad.onnx.export(nn.Linear(3, 2), agrad.ones((2, 4)), file)
    assert file.read_bytes() == b"old"
    agrad.onnx.export(nn.Linear(3, 2), agrad.ones((2, 3)), str(file))
    assert operators(file) == ["Transpose", "MatMul", "Add"]
    assert os.listdir(file.parent) == [file.name]
    with pytest.raises(FileNotFoundError):
        agrad.onnx.export(nn.Linear(3, 2), agrad.ones((2, 3)), file.parent / "missing" / "model.onnx")


def test_inputs_may_be_arrays_tuples_or_keywords(tmp_path):
    layer, x = nn.Bilinear(3, 2, 4), agrad.ones((5, 3))
    other = np.ones((5, 2), np.float32)
    for inputs in ((x, other), [x, other], {"input1": x, "input2": other}):
        session = exported(layer, inputs, tmp_path)
        assert [y.name for y in session.get_inputs()] == ["input1", "input2"]


def test_nested_inputs_and_outputs_have_names(tmp_path):
    x, state = agrad.ones((5, 2, 3)), (agrad.ones((1, 2, 4)), agrad.ones((1, 2, 4)))
    session = exported(nn.LSTM(3, 4), (x, state), tmp_path)
    assert [y.name for y in session.get_inputs()] == ["input", "hx_0", "hx_1"]
    assert [y.name for y in session.get_outputs()] == ["output_0", "output_1_0", "output_1_1"]
    named = module(lambda self, *values: {"total": values[0] + values[1], "first": values[0]})
    session = exported(named, (agrad.ones(3), agrad.ones(3)), tmp_path)
    assert [y.name for y in session.get_inputs()] == ["values_0", "values_1"]
    assert [y.name for y in session.get_outputs()] == ["total", "first"]


def test_equal_names_are_told_apart(tmp_path):
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.output = nn.Parameter(agrad.asarray([2.0, 3.0]))

        def forward(self, output):
            return self.output * output

    model = Scale()
    agree(model, exported(model, agrad.ones(2), tmp_path), [agrad.ones(2)])


def test_shared_and_unused_weights_are_stored_once_or_not_at_all(file):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.BatchNorm1d(3))
    model[1].weight = model[0].weight
    agrad.onnx.export(model, agrad.ones((2, 3)), file)
    names = [x.name for x in onnx.load(file).graph.initializer]
    assert names == ["0.weight", "0.bias", "1.bias", "2.weight", "2.bias", "2.running_mean", "2.running_var"]


def test_buffers_outside_of_the_state_dict_are_weights_too(tmp_path):
    model = module(lambda self, x: x + self.offset)
    model.register_buffer("offset", agrad.asarray([1.0, 2.0]), persistent=False)
    agree(model, exported(model, agrad.ones(2), tmp_path), [agrad.ones(2)])


def test_settings_among_the_inputs_are_constants(tmp_path):
    x = agrad.randn(2, 5, 4)
    inputs = {"query": x, "key": x, "value": x, "need_weights": False}
    session = exported(nn.MultiheadAttention(4, 2, batch_first=True), inputs, tmp_path)
    assert len(session.get_inputs()) == 3
    assert len(session.get_outputs()) == 1


def test_integers_16_bits_and_other_functions(tmp_path):
    def forward(self, x, index):
        ordered = agrad.sort(x, axis=-1)
        return ordered[:, ::-1], agrad.argmax(x, axis=-1), x.astype(agrad.float16) * 2, index // 2, x[:, 1:][..., None]

    inputs = agrad.randn(3, 4), agrad.asarray([3, 5])
    model = module(forward)
    agree(model, exported(model, inputs, tmp_path), inputs)


def test_writing_in_place(tmp_path):
    def forward(self, x):
        y = x * 1
        y[:, 1:3] = 0.0
        y[0] += 1.0
        return y

    model, x = module(forward), agrad.randn(3, 4)
    agree(model, exported(model, x, tmp_path), [x])


def test_a_size_in_the_graph_may_be_a_product_plus_a_number(tmp_path):
    def forward(self, x):
        rows = agrad.reshape(x, (x.shape[0] * x.shape[1], 3))
        return agrad.reshape(rows, (x.shape[1], x.shape[0], 3)), agrad.arange(2 * x.shape[0] + 1), agrad.sum(x) / x.size

    model = module(forward)
    session = exported(model, agrad.ones((2, 5, 3)), tmp_path, dynamic_axes={"x": {0: "batch", -2: "time"}})
    assert [x.shape[:2] for x in session.get_outputs()] == [["time", "batch"], ["output_1_0"], []]
    agree(model, session, [agrad.randn(4, 3, 3)])


def test_axes_of_one_name_have_one_length(tmp_path):
    layer, inputs = nn.CosineSimilarity(), (agrad.randn(5, 3), agrad.randn(5, 3))
    session = exported(layer, inputs, tmp_path, dynamic_axes={0: "batch"})
    assert [x.shape for x in session.get_inputs()] == [["batch", 3]] * 2
    with pytest.raises(ValueError, match=r"'batch' must have one length: 'x1' has 5, 'x2' has 1"):
        exported(layer, (inputs[0], inputs[1][:1]), tmp_path, dynamic_axes={0: "batch"})


REFUSED = {
    "values": (lambda self, x: x if x.sum() > 0 else -x, UnknownValueError, r"write agrad\.where\(condition, a, b\)"),
    "numpy": (lambda self, x: agrad.asarray(x.numpy()), UnknownValueError, "shape \\(2, 3\\) are needed"),
    "random": (lambda self, x: x + agrad.randn(3), NotImplementedError, "make them an input of the model"),
    "fft": (lambda self, x: agrad.real(agrad.fft.fft(x)), NotImplementedError, "'fft'; ONNX has no operator"),
    "special": (lambda self, x: agrad.special.gammaln(x), NotImplementedError, "has no gammaln: ONNX has no operator"),
    "inv": (lambda self, x: agrad.linalg.inv(x.mT @ x + agrad.eye(3)), NotImplementedError, "'inv'; ONNX has"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_layer_that_cannot_be_exported_is_named(name, file):
    forward, kind, text = REFUSED[name]
    model = nn.ModuleDict({"body": nn.Sequential(nn.ReLU(), module(forward))})
    type(model).forward = None
    whole = module(lambda self, x: self.body(x))
    whole.body = model["body"]
    with pytest.raises(kind, match=rf"^layer body\.1, Own\(\), cannot be exported to ONNX: .*{text}"):
        agrad.onnx.export(whole, agrad.ones((2, 3)), file)
    assert not file.exists()


def test_a_tensor_that_is_not_registered(file):
    model = module(lambda self, x: x + self.offset)
    model.offset = agrad.ones(3)
    with pytest.raises(ValueError, match=r"Own cannot be .* ndonnx and cpu.*write self\.register_buffer\('offset', "):
        agrad.onnx.export(model, agrad.ones((2, 3)), file)


@pytest.mark.parametrize(
    ("model", "inputs", "axes", "kind", "text"),
    [
        (lambda x: x, agrad.ones(3), None, TypeError, "export takes a Module, not function"),
        (nn.ReLU(), (), None, ValueError, "example_inputs hold no array"),
        (nn.Linear(3, 2), agrad.ones(4), None, ValueError, r"^linear\(.* input must have shape \(\.\.\., 3\)"),
        (nn.Linear(3, 2), {"x": agrad.ones(3)}, None, TypeError, "unexpected keyword argument 'x'"),
        (
            nn.Identity(),
            agrad.ones(3, dtype=agrad.complex64),
            None,
            TypeError,
            "input is agrad.complex64, which ONNX's",
        ),
        (module(lambda self, x: "text"), agrad.ones(3), None, TypeError, "the model returns str as 'output'"),
        (nn.ReLU(), agrad.ones(3), {"x": {0: "n"}}, ValueError, r"names 'x', which is no input; they are \['input'\]"),
        (nn.ReLU(), agrad.ones(3), {1: "n"}, ValueError, r"axis 1 of 'input', which has shape \(3,\)"),
        (nn.ReLU(), agrad.ones(3), {"input": [0]}, TypeError, r"\['input'\] must be a dict such as \{0: \"batch\"\}"),
        (nn.ReLU(), agrad.ones(3), [0], TypeError, r"dynamic_axes is a dict such as"),
        (nn.ReLU(), agrad.ones(3), {0: 3}, ValueError, "write a name such as 'batch'"),
        (nn.LSTM(3, 4), agrad.ones((5, 2, 3)), {0: "time"}, ValueError, "the model calls .* length of 'time': is"),
        (
            nn.Sequential(nn.ReLU(), module(lambda self, x: agrad.stack([2 * row for row in x]))),
            agrad.ones((5, 2)),
            {0: "n"},
            ValueError,
            "^layer 1 calls .* otherwise, or more often, for another length of 'n'",
        ),
        (
            module(lambda self, x, rows: agrad.reshape(x, (rows, 2)) + 1),
            (agrad.ones((8, 2)), 8),
            {"x": {0: "n"}},
            ValueError,
            "^Own cannot be exported .* another length of 'n': .* a constant of the graph, to be a Tensor",
        ),
        (
            module(lambda self, x: x[: x.shape[0] // 2] + 1),
            agrad.ones((8, 2)),
            {0: "n"},
            ValueError,
            "no multiple of their product plus a constant",
        ),
        (
            module(lambda self, x: x * (1 / x.shape[0])),
            agrad.ones((8, 2)),
            {0: "n"},
            ValueError,
            "depends on the length of 'n', and is no integer or shape",
        ),
    ],
)
def test_wrong_calls(model, inputs, axes, kind, text, file):
    with pytest.raises(kind, match=text):
        agrad.onnx.export(model, inputs, file, dynamic_axes=axes)
    assert not file.exists()


def test_a_missing_package_is_an_error_that_says_what_to_install(file, monkeypatch):
    from agrad.core import device

    monkeypatch.delitem(agrad.backends._by_kind, "ndonnx", raising=False)
    monkeypatch.delitem(device._known, "ndonnx", raising=False)
    monkeypatch.setitem(agrad.backends.KINDS, "ndonnx", "nothing")

    def missing(name, package):
        raise ModuleNotFoundError("No module named 'ndonnx'", name="ndonnx")

    monkeypatch.setattr(agrad.backends, "import_module", missing)
    with pytest.raises(RuntimeError, match=r'needs ndonnx, which is not installed; run pip install "agrad\[onnx\]"'):
        agrad.onnx.export(nn.ReLU(), agrad.ones(3), file)


def test_constants_on_the_device_have_values():
    x = agrad.ones((2, 3), device="ndonnx")
    assert (x + 1).tolist() == [[2.0] * 3] * 2
    assert str(x.device) == "ndonnx"


def test_a_session_runs_on_another_machine(file):
    """The file needs nothing but onnxruntime's own operators."""
    agrad.onnx.export(nn.GELU(), agrad.ones(3), file)
    assert {entry.domain for entry in onnx.load(file).opset_import} == {""}
    assert onnxruntime.InferenceSession(file.read_bytes()).run(None, {"input": np.zeros(3, np.float32)})[0].sum() == 0
