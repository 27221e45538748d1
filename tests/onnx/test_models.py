"""Whole models as ONNX graphs: the MNIST CNN, a transformer, an LSTM and the decoder of a VAE."""

from importlib import import_module
from pathlib import Path

import pytest

import agrad
from agrad import nn

pytest.importorskip("ndonnx")
from tests.onnx.running import agree, exported, onnxruntime

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def examples(monkeypatch, tmp_path):
    """The examples can be imported, and write to a folder of their own."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.chdir(tmp_path)


def test_the_example_exports_its_network(examples):
    trained = import_module("mnist_cnn").main(["--dataset", "digits", "--epochs", "2", "--export", "cnn.onnx"])
    session = onnxruntime.InferenceSession("cnn.onnx")
    assert [x.shape for x in session.get_inputs()] == [["batch", 1, 8, 8]]
    _, test, _ = import_module("common").pictures("digits")
    agree(trained.model, session, [test.tensors[0]])


def test_the_cnn_trained_on_mnist(examples, data_root, tmp_path):
    data, test, _ = import_module("common").pictures("mnist")
    settings = {"dataset": "mnist", "seed": 0, "lr": 0.05, "batch_size": 128}
    run = import_module("mnist_cnn").Convolutional(settings, data[0][0])
    for start in range(0, 100 * 128, 128):
        run.step(*data[start : start + 128])
    images, labels = test[:500]
    session = exported(run.model, images[:1], tmp_path, dynamic_axes={0: "batch"})
    agree(run.model, session, [images])
    right = agrad.argmax(run.model(images), axis=1) == labels
    assert right.astype(int).sum().item() > 400


def test_the_decoder_of_a_vae(examples, tmp_path):
    agrad.manual_seed(0)
    model = import_module("vae").VAE(784, 16)
    codes = agrad.randn(3, 16)
    session = exported(model.decoder, codes[:1], tmp_path, dynamic_axes={0: "batch"})
    agree(model.decoder, session, [codes])


class Classifier(nn.Module):
    """A transformer over tokens with positions."""

    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(20, 16), nn.Embedding(12, 16)
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 3)

    def forward(self, tokens):
        places = agrad.arange(tokens.shape[1], device=tokens.device)
        later = agrad.triu(agrad.ones((tokens.shape[1],) * 2, dtype=bool), k=1)
        return self.head(agrad.mean(self.encoder(self.tokens(tokens) + self.positions(places), later), axis=1))


@pytest.mark.parametrize("length", [6, 12])
def test_a_transformer_of_any_batch_and_length(tmp_path, length):
    agrad.manual_seed(0)
    model = Classifier()
    example = agrad.randint(20, (2, length))  # of 12 positions there is no longer one to record
    session = exported(model, example, tmp_path, dynamic_axes={"tokens": {0: "batch", 1: "length"}})
    for shape in ((1, 12), (5, 3), (2, 1)):
        agree(model, session, [agrad.randint(20, shape)])


class Reader(nn.Module):
    """An LSTM of two layers, whose last output is classified."""

    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(5, 8, num_layers=2, batch_first=True), nn.Linear(8, 3)

    def forward(self, x):
        outputs, (last, _) = self.lstm(x)
        return self.head(outputs[:, -1]), last


def test_an_lstm_of_any_batch(tmp_path):
    agrad.manual_seed(0)
    model = Reader()
    session = exported(model, agrad.randn(1, 7, 5), tmp_path, dynamic_axes={0: "batch"})
    agree(model, session, [agrad.randn(4, 7, 5)])
