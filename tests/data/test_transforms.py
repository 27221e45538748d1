"""Transforms of images: what they do to each image, on every device the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import agrad
from agrad.data import transforms
from agrad.testing import assert_close


def pictures(n=6, channels=2, height=4, width=5):
    """Images in which every pixel has a number of its own, none of them 0."""
    return agrad.reshape(agrad.arange(n * channels * height * width) + 1, (n, channels, height, width)).astype(
        agrad.float32
    )


def test_normalize(device):
    images = pictures()
    normal = transforms.Normalize([1.0, 2.0], [2.0, 4.0])(images)
    assert_close(normal[:, 0], (images[:, 0] - 1) / 2)
    assert_close(normal[:, 1], (images[:, 1] - 2) / 4)
    assert_close(transforms.Normalize(0.5, 0.25)(images), (images - 0.5) * 4)


@pytest.mark.parametrize(("size", "padding"), [((2, 3), 0), ((4, 5), 2), (3, 1), ((4, 5), 0), ((1, 9), 2)])
def test_crops_are_windows_of_the_padded_image(device, size, padding):
    images = pictures()
    crops = transforms.RandomCrop(size, padding, seed=0)(images)
    height, width = (size, size) if isinstance(size, int) else size
    assert crops.shape == (6, 2, height, width)
    assert (crops.device, crops.dtype) == (device, images.dtype)
    padded = agrad.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    for i in range(6):
        windows = [
            (y, x)
            for y in range(4 + 2 * padding - height + 1)
            for x in range(5 + 2 * padding - width + 1)
            if padded[i, :, y : y + height, x : x + width].tolist() == crops[i].tolist()
        ]
        assert windows, i


def test_every_window_comes(device):
    crop = transforms.RandomCrop(2, seed=0)
    image = agrad.reshape(agrad.arange(9), (1, 1, 3, 3))
    corners = {crop(image)[0, 0, 0, 0].item() for _ in range(60)}
    assert corners == {0, 1, 3, 4}


def test_shifts(device):
    images = pictures(n=40)
    shifted = transforms.RandomShift(1, seed=0)(images)
    assert shifted.shape == images.shape
    padded = agrad.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    seen = set()
    for i in range(40):
        where = [
            (y, x)
            for y in range(3)
            for x in range(3)
            if padded[i, :, y : y + 4, x : x + 5].tolist() == shifted[i].tolist()
        ]
        assert len(where) == 1
        seen.update(where)
    assert len(seen) == 9


@pytest.mark.parametrize(("flip", "axis"), [(transforms.RandomHorizontalFlip, -1), (transforms.RandomVerticalFlip, -2)])
def test_flips(device, flip, axis):
    images = pictures(n=40)
    assert_close(flip(p=1.0)(images), agrad.flip(images, axis=axis))
    assert_close(flip(p=0.0)(images), images)
    mixed = flip(seed=0)(images)
    flipped = agrad.flip(images, axis=axis)
    chosen = [mixed[i].tolist() == flipped[i].tolist() for i in range(40)]
    assert all(chosen[i] or mixed[i].tolist() == images[i].tolist() for i in range(40))
    assert 8 < sum(chosen) < 32


RANDOM = [
    lambda seed: transforms.RandomCrop(2, 1, seed),
    lambda seed: transforms.RandomShift(2, seed),
    lambda seed: transforms.RandomHorizontalFlip(0.5, seed),
]


@pytest.mark.parametrize("make", RANDOM)
def test_a_seed_repeats_the_sequence_on_every_device(device, make):
    one, two, host = make(3), make(3), make(3)
    images = pictures(n=20)
    results = [one(images).tolist() for _ in range(3)]
    assert [two(images).tolist() for _ in range(3)] == results
    assert [host(images.to("cpu")).tolist() for _ in range(3)] == results
    assert results[0] != results[1]
    assert make(4)(images).tolist() != results[0]
    two.calls = 1
    assert two(images).tolist() == results[1]


@pytest.mark.parametrize("make", RANDOM)
def test_without_a_seed_manual_seed_rules(device, make):
    transform, images = make(None), pictures(n=20)
    agrad.manual_seed(0)
    first = transform(images).tolist()
    agrad.manual_seed(0)
    assert transform(images).tolist() == first
    assert transform(images).tolist() != first


@pytest.mark.parametrize("kind", [np.asarray, agrad.asarray, tuple])
def test_normalize_takes_arrays(device, kind):
    images = pictures()
    normal = transforms.Normalize(kind([1.0, 2.0]), kind([2.0, 4.0]))
    assert_close(normal(images), transforms.Normalize([1.0, 2.0], [2.0, 4.0])(images))
    assert repr(normal) == "Normalize(mean=[1.0, 2.0], std=[2.0, 4.0])"


@pytest.mark.parametrize(("mean", "std"), [([0.1, 0.2, 0.3], 1.0), (0.0, [1.0, 1.0, 1.0]), ([0.1] * 3, [1.0] * 3)])
def test_normalize_keeps_the_channels(mean, std):
    for channels in (1, 2):
        with pytest.raises(ValueError, match=f"of 3 channels.*{channels}"):
            transforms.Normalize(mean, std)(agrad.ones((2, channels, 4, 4)))


@pytest.mark.parametrize("size", [0, -2, (3, 0)])
def test_no_window_is_that_small(size):
    with pytest.raises(ValueError, match=r"size must be at least 1"):
        transforms.RandomCrop(size)


@pytest.mark.parametrize("size", [2.5, (1.5, 2), (1, 2, 3), "ab"])
def test_sizes_are_integers(size):
    with pytest.raises(TypeError, match="size must be an integer or two"):
        transforms.RandomCrop(size)


def test_compose(device):
    both = transforms.Compose([transforms.RandomVerticalFlip(1.0), transforms.Normalize(1.0, 2.0)])
    images = pictures()
    assert_close(both(images), (agrad.flip(images, axis=-2) - 1) / 2)
    assert repr(both).startswith("Compose([RandomVerticalFlip(p=1.0, seed=None), Normalize(")


def test_gradients_flow_through(device):
    images = pictures().requires_grad_()
    transforms.Compose([transforms.RandomCrop(2, 1, seed=0), transforms.RandomHorizontalFlip(seed=0)])(
        images
    ).sum().backward()
    assert set(images.grad.reshape(-1).tolist()) == {0.0, 1.0}


def test_an_empty_batch(device):
    images = agrad.zeros((0, 1, 4, 4))
    assert transforms.RandomCrop(2, 1)(images).shape == (0, 1, 2, 2)
    assert transforms.RandomHorizontalFlip()(images).shape == (0, 1, 4, 4)


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match=r"\(n, channels, height, width\), not shape \(28, 28\)"):
        transforms.RandomHorizontalFlip()(agrad.ones((28, 28)))
    with pytest.raises(ValueError, match="not list"):
        transforms.Normalize(0.5, 0.5)([1.0])
    with pytest.raises(TypeError, match="astype"):
        transforms.Normalize(0.5, 0.5)(agrad.ones((1, 1, 2, 2), dtype="uint8"))
    with pytest.raises(ValueError, match="std must not be 0"):
        transforms.Normalize(0.5, 0)
    with pytest.raises(ValueError, match="a crop of 5×5 is larger than images of 2×2 with a padding of 1"):
        transforms.RandomCrop(5, 1)(agrad.ones((1, 1, 2, 2)))
    with pytest.raises(ValueError, match="probability"):
        transforms.RandomHorizontalFlip(p=1.5)


@pytest.mark.property
@given(data=st.data())
def test_crops_of_any_size(device, data):
    n, channels, height, width = (data.draw(st.integers(1, 5)) for _ in range(4))
    padding = data.draw(st.integers(0, 3))
    size = tuple(data.draw(st.integers(1, length + 2 * padding)) for length in (height, width))
    images = pictures(n, channels, height, width)
    crops = transforms.RandomCrop(size, padding)(images)
    assert crops.shape == (n, channels, *size)
    for image, crop in zip(images.tolist(), crops.tolist(), strict=True):
        for before, after in zip(image, crop, strict=True):
            kept = [x for row in after for x in row if x]
            assert sorted(kept) == kept  # in the order of before, each at most once, with zeros around
            assert set(kept) <= {x for row in before for x in row}
