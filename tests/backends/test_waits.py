"""A training step on CUDA never waits for the GPU: nothing is copied to the host, counted on the emulated one."""

from functools import partial
from typing import Any

import pytest

import agrad
from agrad import nn, optim
from tests.cupy_on_cpu.trace import Trace, is_emulated

NO_LAYERS = {
    "Module", "ModuleDict", "ModuleList", "Parameter", "ParameterList", "Sequential", "functional", "init", "utils",
}  # fmt: skip


@pytest.fixture
def emulated():
    with agrad.Device("cuda"):
        if not is_emulated():
            pytest.skip('counts what the emulator notes: nox -s "tests(cuda-on-cpu)"')
        yield


def counted(test):
    """Mark a test that counts what happens on the emulated GPU."""
    return pytest.mark.cuda(pytest.mark.usefixtures("emulated")(test))


def real(*shape):
    return agrad.randn(*shape)


def shares(*shape):
    return agrad.softmax(agrad.randn(*shape), axis=-1)


def classes(*shape, n=3):
    return agrad.randint(n, shape)


def signs(n):
    return 2.0 * agrad.astype(agrad.randint(2, (n,)), agrad.float32) - 1.0


LAYERS: dict[str, Any] = {
    "ELU": lambda: (nn.ELU(), real(5, 4)),
    "GELU": lambda: (nn.GELU(), real(5, 4)),
    "GRU": lambda: (nn.GRU(3, 4), real(5, 2, 3)),
    "LSTM": lambda: (nn.LSTM(3, 4), real(5, 2, 3)),
    "RNN": lambda: (nn.RNN(3, 4), real(5, 2, 3)),
    "AdaptiveAvgPool2d": lambda: (nn.AdaptiveAvgPool2d((4, 3)), real(2, 4, 9, 8)),
    "AvgPool1d": lambda: (nn.AvgPool1d(2), real(2, 4, 9)),
    "AvgPool2d": lambda: (nn.AvgPool2d(3, 2, 1), real(2, 4, 9, 8)),
    "BatchNorm1d": lambda: (nn.BatchNorm1d(4), real(5, 4)),
    "BatchNorm2d": lambda: (nn.BatchNorm2d(4), real(5, 4, 3, 2)),
    "Bilinear": lambda: (nn.Bilinear(4, 3, 2), real(5, 4), real(5, 3)),
    "Conv1d": lambda: (nn.Conv1d(4, 6, 3), real(2, 4, 9)),
    "Conv2d": lambda: (nn.Conv2d(4, 6, 3, padding="same", padding_mode="reflect"), real(2, 4, 9, 8)),
    "ConvTranspose2d": lambda: (nn.ConvTranspose2d(4, 6, 3, stride=2), real(2, 4, 5, 5)),
    "Dropout": lambda: (nn.Dropout(), real(5, 4)),
    "Dropout2d": lambda: (nn.Dropout2d(), real(5, 4, 3, 2)),
    "Embedding": lambda: (nn.Embedding(3, 4, padding_idx=0), classes(5)),
    "Flatten": lambda: (nn.Flatten(), real(5, 4, 3)),
    "GroupNorm": lambda: (nn.GroupNorm(2, 4), real(5, 4, 3)),
    "Hardtanh": lambda: (nn.Hardtanh(), real(5, 4)),
    "Identity": lambda: (nn.Identity(), real(5, 4)),
    "LayerNorm": lambda: (nn.LayerNorm(4), real(5, 4)),
    "LeakyReLU": lambda: (nn.LeakyReLU(), real(5, 4)),
    "Linear": lambda: (nn.Linear(4, 3), real(5, 4)),
    "LogSoftmax": lambda: (nn.LogSoftmax(-1), real(5, 4)),
    "MaxPool1d": lambda: (nn.MaxPool1d(2), real(2, 4, 9)),
    "MaxPool2d": lambda: (nn.MaxPool2d(3, 2, 1), real(2, 4, 9, 8)),
    "MultiheadAttention": lambda: (nn.MultiheadAttention(4, 2), real(5, 2, 4), real(5, 2, 4), real(5, 2, 4)),
    "PReLU": lambda: (nn.PReLU(4), real(5, 4)),
    "RMSNorm": lambda: (nn.RMSNorm(4), real(5, 4)),
    "ReLU": lambda: (nn.ReLU(), real(5, 4)),
    "SiLU": lambda: (nn.SiLU(), real(5, 4)),
    "Sigmoid": lambda: (nn.Sigmoid(), real(5, 4)),
    "Softmax": lambda: (nn.Softmax(-1), real(5, 4)),
    "Softplus": lambda: (nn.Softplus(), real(5, 4)),
    "Tanh": lambda: (nn.Tanh(), real(5, 4)),
    "TransformerEncoderLayer": lambda: (nn.TransformerEncoderLayer(4, 2, 8), real(5, 2, 4)),
    "Unflatten": lambda: (nn.Unflatten(1, (2, 2)), real(5, 4)),
    "BCELoss": lambda: (nn.BCELoss(), shares(5, 3), shares(5, 3)),
    "BCEWithLogitsLoss": lambda: (nn.BCEWithLogitsLoss(), real(5, 3), shares(5, 3)),
    "CosineEmbeddingLoss": lambda: (nn.CosineEmbeddingLoss(), real(5, 3), real(5, 3), signs(5)),
    "CrossEntropyLoss": lambda: (nn.CrossEntropyLoss(label_smoothing=0.1), real(5, 3), classes(5)),
    "HuberLoss": lambda: (nn.HuberLoss(), real(5, 3), real(5, 3)),
    "KLDivLoss": lambda: (nn.KLDivLoss(), real(5, 3), shares(5, 3)),
    "L1Loss": lambda: (nn.L1Loss(), real(5, 3), real(5, 3)),
    "MSELoss": lambda: (nn.MSELoss(), real(5, 3), real(5, 3)),
    "NLLLoss": lambda: (nn.NLLLoss(), real(5, 3), classes(5)),
    "SmoothL1Loss": lambda: (nn.SmoothL1Loss(), real(5, 3), real(5, 3)),
    "BatchNorm3d": lambda: (nn.BatchNorm3d(4), real(2, 4, 3, 2, 2)),
    "CTCLoss": lambda: (nn.CTCLoss(), nn.functional.log_softmax(real(6, 2, 4), -1), 1 + classes(2, 3), [6, 6], [3, 2]),
    "Conv3d": lambda: (nn.Conv3d(2, 3, 2), real(2, 2, 4, 4, 4)),
    "ConvTranspose1d": lambda: (nn.ConvTranspose1d(4, 6, 3, stride=2), real(2, 4, 5)),
    "ConvTranspose3d": lambda: (nn.ConvTranspose3d(2, 3, 2), real(2, 2, 3, 3, 3)),
    "CosineSimilarity": lambda: (nn.CosineSimilarity(), real(5, 3), real(5, 3)),
    "GRUCell": lambda: (nn.GRUCell(3, 4), real(2, 3)),
    "InstanceNorm1d": lambda: (nn.InstanceNorm1d(4), real(2, 4, 5)),
    "InstanceNorm2d": lambda: (nn.InstanceNorm2d(4), real(2, 4, 5, 3)),
    "InstanceNorm3d": lambda: (nn.InstanceNorm3d(4), real(2, 4, 5, 3, 2)),
    "LSTMCell": lambda: (nn.LSTMCell(3, 4), real(2, 3)),
    "PairwiseDistance": lambda: (nn.PairwiseDistance(), real(5, 3), real(5, 3)),
    "RNNCell": lambda: (nn.RNNCell(3, 4), real(2, 3)),
    "TransformerDecoder": lambda: (
        nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8), 2),
        real(5, 2, 4),
        real(5, 2, 4),
    ),
    "TransformerDecoderLayer": lambda: (nn.TransformerDecoderLayer(4, 2, 8), real(5, 2, 4), real(5, 2, 4)),
    "TransformerEncoder": lambda: (nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2), real(5, 2, 4)),
    "Upsample": lambda: (nn.Upsample(scale_factor=2, mode="bilinear"), real(2, 3, 4, 5)),
    "TripletMarginLoss": lambda: (nn.TripletMarginLoss(), real(5, 3), real(5, 3), real(5, 3)),
}


def padding(name, axes):
    value = (0.5,) if name.startswith("Constant") else ()
    return getattr(nn, name)(1, *value), real(2, 3, *[4] * axes)


KINDS = ("ReflectionPad", "ReplicationPad", "CircularPad", "ZeroPad", "ConstantPad")
LAYERS |= {f"{kind}{axes}d": partial(padding, f"{kind}{axes}d", axes) for kind in KINDS for axes in (1, 2, 3)}
OPTIMIZERS = {
    "Adamax": lambda parameters: optim.Adamax(parameters, weight_decay=0.1),
    "NAdam": lambda parameters: optim.NAdam(parameters, weight_decay=0.1),
    "RAdam": lambda parameters: optim.RAdam(parameters, weight_decay=0.1),
    "SGD": lambda parameters: optim.SGD(parameters, 0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
    "Adadelta": lambda parameters: optim.Adadelta(parameters, weight_decay=0.1),
    "Adagrad": lambda parameters: optim.Adagrad(parameters, weight_decay=0.1),
    "Adam": lambda parameters: optim.Adam(parameters, weight_decay=0.1, amsgrad=True),
    "AdamW": lambda parameters: optim.AdamW(parameters, weight_decay=0.1),
    "Lion": lambda parameters: optim.Lion(parameters, weight_decay=0.1),
    "RMSprop": lambda parameters: optim.RMSprop(parameters, momentum=0.9, centered=True),
    "Sharded": lambda parameters: optim.Sharded(optim.Adam(parameters)),
}
NO_OPTIMIZERS = {
    "Optimizer", "lr_scheduler", "swa_utils",
    "LBFGS",  # waits, as it must: whether its line search goes on depends on the loss
}  # fmt: skip


def test_the_tables_are_complete():
    assert LAYERS.keys() == set(nn.__all__) - NO_LAYERS
    assert OPTIMIZERS.keys() == set(optim.__all__) - NO_OPTIMIZERS


def tensors(outputs):
    """Return the Tensors of an output: layers that remember or attend give more than one."""
    if isinstance(outputs, agrad.Tensor):
        return [outputs]
    return [x for output in outputs if output is not None for x in tensors(output)]


@counted
@pytest.mark.parametrize("name", LAYERS)
def test_layers_and_losses(name):
    layer, *inputs = LAYERS[name]()
    for x in inputs:
        if isinstance(x, agrad.Tensor):
            x.requires_grad = x.dtype is agrad.float32 and x.is_leaf
    with Trace() as trace:
        total = sum(agrad.sum(x) for x in tensors(layer(*inputs)))
        total.backward()
    assert trace.kernels
    assert trace.waits == []


@counted
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    optimizer = OPTIMIZERS[name](model.parameters())
    x, y = real(5, 4), classes(5, n=2)
    with Trace() as trace:
        for _ in range(2):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(x), y).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    assert len(trace.products) == 2 * 5
    assert trace.waits == []


@counted
def test_what_reads_a_value_waits():
    with Trace() as trace:
        agrad.ones(3).sum().item()
    assert trace.waits == ["copy to host 4", "wait"]
    with Trace() as trace:
        agrad.cuda.synchronize()
    assert trace.waits == ["wait"]
