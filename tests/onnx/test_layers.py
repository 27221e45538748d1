"""Every layer and loss of nn as an ONNX graph, with the example's lengths and with a dynamic batch."""

import pytest

import agrad
from agrad import nn
from tests.backends.test_waits import LAYERS, classes, real

pytest.importorskip("ndonnx")
from tests.onnx.running import agree, exported

SEQUENCES_FIRST = {
    "GRU", "LSTM", "MultiheadAttention", "RNN", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
    "TransformerEncoderLayer",
}  # fmt: skip
OWN_TEST = {"CTCLoss"}  # its axes of the batch differ, and its lengths must be Tensors
SETTINGS = {
    "GELU tanh": lambda: (nn.GELU("tanh"), real(5, 4)),
    "GRU bidirectional": lambda: (nn.GRU(3, 4, 2, bidirectional=True, batch_first=True), real(2, 5, 3)),
    "LSTM bidirectional": lambda: (nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True), real(2, 5, 3)),
    "RNN relu": lambda: (nn.RNN(3, 4, nonlinearity="relu", bias=False, batch_first=True), real(2, 5, 3)),
    "AdaptiveAvgPool2d 1": lambda: (nn.AdaptiveAvgPool2d(1), real(2, 4, 9, 8)),
    "AvgPool2d ceil": lambda: (nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), real(2, 4, 8, 8)),
    "Conv1d groups": lambda: (nn.Conv1d(4, 6, 3, groups=2, bias=False, dilation=2), real(2, 4, 9)),
    "Conv2d stride": lambda: (nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0)), real(2, 4, 9, 8)),
    "Conv2d same": lambda: (nn.Conv2d(4, 6, 4, padding="same"), real(2, 4, 9, 8)),
    "Conv2d circular": lambda: (nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), real(2, 4, 9, 8)),
    "ConvTranspose2d padding": lambda: (
        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        real(2, 4, 5, 5),
    ),
    "CrossEntropyLoss sum": lambda: (nn.CrossEntropyLoss(reduction="sum"), real(5, 3), classes(5)),
    "Embedding": lambda: (nn.Embedding(3, 4), classes(5, 2)),
    "Flatten 2": lambda: (nn.Flatten(2), real(5, 4, 3, 2)),
    "GroupNorm images": lambda: (nn.GroupNorm(2, 4), real(5, 4, 3, 2)),
    "InstanceNorm2d running": lambda: (nn.InstanceNorm2d(4, track_running_stats=True, affine=True), real(2, 4, 5, 3)),
    "LayerNorm 2": lambda: (nn.LayerNorm((3, 4)), real(5, 3, 4)),
    "Linear sequences": lambda: (nn.Linear(4, 3, bias=False), real(5, 6, 4)),
    "MaxPool2d ceil": lambda: (nn.MaxPool2d(3, 2, 1, 1, ceil_mode=True), real(2, 4, 8, 8)),
    "MaxPool2d dilation": lambda: (nn.MaxPool2d(2, 1, dilation=2), real(2, 4, 9, 8)),
    "MultiheadAttention batch": lambda: (nn.MultiheadAttention(4, 2, batch_first=True), *[real(5, 3, 4)] * 3),
    "PReLU 1": lambda: (nn.PReLU(), real(5, 4)),
    "PairwiseDistance 1": lambda: (nn.PairwiseDistance(1.0), real(5, 3), real(5, 3)),
    "PairwiseDistance 3": lambda: (nn.PairwiseDistance(3.0), real(5, 3), real(5, 3)),
    "TransformerEncoderLayer first": lambda: (
        nn.TransformerEncoderLayer(4, 2, 8, activation="gelu", batch_first=True, norm_first=True),
        real(5, 3, 4),
    ),
    "Upsample nearest": lambda: (nn.Upsample(scale_factor=2), real(2, 3, 4, 5)),
    "Upsample bicubic": lambda: (nn.Upsample(size=(7, 9), mode="bicubic", align_corners=True), real(2, 3, 4, 5)),
}


@pytest.fixture(autouse=True)
def seeded():
    agrad.manual_seed(0)


@pytest.mark.parametrize("name", [*LAYERS, *SETTINGS])
def test_layers_agree(name, tmp_path):
    layer, *inputs = (LAYERS | SETTINGS)[name]()
    agree(layer, exported(layer, tuple(inputs), tmp_path), inputs)


@pytest.mark.parametrize("name", [*(name for name in LAYERS if name not in OWN_TEST), *SETTINGS])
def test_layers_with_a_dynamic_batch_agree(name, tmp_path):
    layer, *inputs = (LAYERS | SETTINGS)[name]()
    axis = 1 if name in SEQUENCES_FIRST else 0
    session = exported(layer, tuple(inputs), tmp_path, dynamic_axes={axis: "batch"})
    for count in (1, 3):
        agree(layer, session, [agrad.concat([x] * count, axis=axis) for x in inputs])
    alone = [x[:1] if axis == 0 else x[:, :1] for x in inputs]
    agree(layer, session, alone)


def ctc_inputs(*lengths):
    """Return log-probabilities, labels and lengths of sequences for the CTC loss."""
    log_probs = nn.functional.log_softmax(agrad.randn(6, len(lengths), 4), -1)
    return log_probs, 1 + agrad.randint(3, (len(lengths), 3)), *agrad.unstack(agrad.asarray(lengths), axis=1)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_the_ctc_loss_with_a_dynamic_batch_agrees(reduction, tmp_path):
    layer, axes = nn.CTCLoss(reduction=reduction), {0: "batch"}
    axes = {"log_probs": {1: "batch"}, "targets": axes, "input_lengths": axes, "target_lengths": axes}
    session = exported(layer, ctc_inputs((6, 3)), tmp_path, dynamic_axes=axes)
    for lengths in ([(5, 2)], [(6, 3), (4, 0), (3, 2), (6, 1)]):
        agree(layer, session, ctc_inputs(*lengths))


@pytest.mark.parametrize("name", LAYERS)
def test_layers_in_float64_agree(name, tmp_path):
    layer, *inputs = LAYERS[name]()
    layer.to(agrad.float64)
    inputs = [x.astype(agrad.float64) if getattr(x, "dtype", None) is agrad.float32 else x for x in inputs]
    agree(layer, exported(layer, tuple(inputs), tmp_path), inputs, 1e-12)
