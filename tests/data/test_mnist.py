"""MNIST: found where it lies, judged by its contents, downloaded whole or not at all."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest

import agrad
from agrad.data import MNIST, DataLoader, FashionMNIST

from .conftest import FILES, LABELS, PACKED, N


def put(folder: Path, files: dict[str, bytes] = PACKED) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def load(root=None, download=False) -> MNIST:
    return MNIST(root, train=False, download=download)


# What it gives


def test_pictures_and_labels(stand_ins, tmp_path):
    data = load(put(tmp_path / "mnist"))
    assert len(data) == N
    assert (data.images.shape, data.images.dtype) == ((N, 28, 28), agrad.uint8)
    assert (data.labels.shape, data.labels.dtype) == ((N,), agrad.int64)
    assert data.images[0, 0, :4].tolist() == [0, 3, 6, 9]
    assert data.labels[:3].tolist() == [0, 1, 2]


def test_an_item_and_a_batch_are_floats_from_0_to_1(stand_ins, tmp_path):
    data = load(put(tmp_path / "mnist"))
    image, label = data[1]
    assert (image.shape, image.dtype, label.item()) == ((1, 28, 28), agrad.float32, 1)
    images, labels = next(iter(DataLoader(data, batch_size=4)))
    assert images.shape == (4, 1, 28, 28)
    assert labels.tolist() == [0, 1, 2, 3]
    assert images[1].tolist() == image.tolist()
    assert images[0, 0, 0, 1].item() == pytest.approx(3 / 255)
    assert float(images.max()) <= 1.0


def test_it_lands_on_the_current_device(stand_ins, tmp_path, device):
    data = load(put(tmp_path / "mnist"))
    images, labels = next(iter(DataLoader(data, batch_size=3, shuffle=True, seed=0)))
    assert data.images.device == images.device == labels.device == device


def test_writing_into_the_pictures_is_allowed(stand_ins, tmp_path):
    data = load(put(tmp_path / "mnist"))
    data.images[0, 0, 0] = 7
    assert data.images[0, 0, 0].item() == 7


# Where it is found


@pytest.mark.parametrize("files", [FILES, PACKED], ids=["plain", "gzipped"])
@pytest.mark.parametrize("under", [".", "mnist", "MNIST/raw"])
def test_under_root(stand_ins, tmp_path, under, files):
    put(tmp_path / "here" / under, files)
    assert len(load(tmp_path / "here")) == N
    assert len(load(str(tmp_path / "here"))) == N


def test_under_other_names(stand_ins, tmp_path):
    put(tmp_path / "mnist", {name.replace("-idx", ".idx"): content for name, content in FILES.items()})
    assert len(load(tmp_path)) == N


def test_under_agrad_data(stand_ins, tmp_path, monkeypatch):
    put(tmp_path / "shared" / "mnist")
    monkeypatch.setenv("AGRAD_DATA", str(tmp_path / "shared"))
    assert len(load()) == N
    assert len(load(tmp_path / "elsewhere")) == N


def test_in_the_cache(stand_ins, nowhere):
    put(nowhere / "mnist")
    assert len(load()) == N


def test_root_comes_first(stand_ins, tmp_path, monkeypatch, nowhere):
    put(nowhere / "mnist")
    put(tmp_path / "mnist", dict.fromkeys(PACKED, b""))
    with pytest.raises(ValueError, match=str(tmp_path / "mnist")):
        load(tmp_path)


def test_gzipped_by_another_hand(stand_ins, tmp_path):
    put(tmp_path / "mnist", {f"{name}.gz": gzip.compress(content, 9, mtime=1) for name, content in FILES.items()})
    assert len(load(tmp_path)) == N


def test_nowhere(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("AGRAD_DATA", str(tmp_path / "shared"))
    with pytest.raises(FileNotFoundError, match="t10k-images-idx3-ubyte") as caught:
        load(tmp_path / "root")
    for place in (tmp_path / "root", tmp_path / "root/mnist", tmp_path / "shared/mnist", nowhere / "mnist"):
        assert str(place) in str(caught.value)
    assert "AGRAD_DATA" in str(caught.value)


# What is refused


def test_a_truncated_file(stand_ins, tmp_path):
    put(tmp_path / "mnist", PACKED | {"t10k-labels-idx1-ubyte.gz": PACKED["t10k-labels-idx1-ubyte.gz"][:-20]})
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte\.gz is damaged"):
        load(tmp_path)


def test_a_changed_byte(stand_ins, tmp_path):
    put(tmp_path / "mnist", FILES | {"t10k-labels-idx1-ubyte": LABELS[:-1] + b"\xff"})
    with pytest.raises(ValueError, match="t10k-labels-idx1-ubyte is not"):
        load(tmp_path)


def test_images_in_the_place_of_labels(stand_ins, tmp_path):
    put(tmp_path / "mnist", FILES | {"t10k-labels-idx1-ubyte": FILES["t10k-images-idx3-ubyte"]})
    with pytest.raises(ValueError, match="t10k-labels-idx1-ubyte is not an IDX file"):
        load(tmp_path)


# FashionMNIST


def test_fashion_is_judged_by_its_shape(tmp_path):
    for folder in ("fashion-mnist", "fashion_mnist"):
        put(tmp_path / folder / folder)
        data = FashionMNIST(tmp_path / folder, train=False, download=False)
        assert data.images.shape == (N, 28, 28)
        assert len(data.classes) == 10


def test_mnist_under_the_name_of_fashion(stand_ins, tmp_path):
    put(tmp_path / "fashion-mnist")
    with pytest.raises(ValueError, match="is not the t10k-images-idx3-ubyte of FashionMNIST"):
        FashionMNIST(tmp_path, train=False, download=False)


# Downloads


def test_download_to_the_cache(mirrors, nowhere):
    assert load(download=True).labels[:3].tolist() == [0, 1, 2]
    assert left_in(nowhere) == {*PACKED}
    assert {path.name for path in (nowhere / "mnist").iterdir()} == {*PACKED}
    asked = len(mirrors.asked)
    load(download=True)
    assert len(mirrors.asked) == asked


def test_download_under_root(mirrors, tmp_path, nowhere):
    load(tmp_path / "root", download=True)
    assert {path.name for path in (tmp_path / "root" / "mnist").iterdir()} == {*PACKED}
    assert not nowhere.exists()


def test_only_missing_files_are_downloaded(mirrors, tmp_path):
    put(tmp_path / "mnist", {"t10k-labels-idx1-ubyte": LABELS})
    load(tmp_path, download=True)
    assert mirrors.asked == ["/a/t10k-images-idx3-ubyte.gz"]


@pytest.mark.parametrize("fault", ["missing", "corrupt", "truncated"])
def test_the_next_mirror_helps_out(mirrors, nowhere, fault):
    path = "/a/t10k-images-idx3-ubyte.gz"
    if fault == "missing":
        del mirrors.bodies[path]
    elif fault == "corrupt":
        mirrors.bodies[path] = b"<html>please log in</html>"
    else:
        mirrors.cut.add(path)
    assert len(load(download=True)) == N
    assert mirrors.asked == [path, path.replace("a", "b", 1), "/a/t10k-labels-idx1-ubyte.gz"]
    assert left_in(nowhere) == {*PACKED}


def test_no_mirror_helps(mirrors, nowhere):
    mirrors.cut.add("/a/t10k-images-idx3-ubyte.gz")
    mirrors.bodies["/b/t10k-images-idx3-ubyte.gz"] = PACKED["t10k-labels-idx1-ubyte.gz"]
    with pytest.raises(ConnectionError, match="every download failed") as caught:
        load(download=True)
    for told in (f"{mirrors.url}a/", f"{mirrors.url}b/", "hash", str(nowhere / "mnist"), "AGRAD_DATA"):
        assert told in str(caught.value)
    assert left_in(nowhere) == set()


def test_no_network(stand_ins, nowhere, monkeypatch):
    monkeypatch.setattr(MNIST, "mirrors", ("http://127.0.0.1:9/",))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1:9"):
        load(download=True)
    assert left_in(nowhere) == set()


def test_without_pooch(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r'pip install "agrad\[data\]"') as caught:
        load(tmp_path, download=True)
    assert str(tmp_path / "mnist") in str(caught.value)
    with pytest.raises(FileNotFoundError):
        load(tmp_path)


def test_without_tqdm(mirrors, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert len(load(download=True)) == N


# The real files


def test_the_real_mnist(data_root):
    test, train = MNIST(data_root, train=False, download=False), MNIST(data_root, download=False)
    assert (len(train), len(test)) == (60_000, 10_000)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert train.images[0, 5, 12:18].tolist() == [3, 18, 18, 18, 126, 136]
    counts = [int((test.labels == digit).astype(agrad.int64).sum()) for digit in range(10)]
    assert counts == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
