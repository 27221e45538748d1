"""The IDX reader takes whole files of the expected shape, and names the others."""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import pytest

from agrad.data.idx import read_idx

CONTENT = struct.pack(">BBBB2I", 0, 0, 8, 2, 2, 3) + bytes(range(6))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_bytes_shape_and_digest(tmp_path, pack):
    view, digest = read_idx(written(tmp_path / "x", pack(CONTENT)), (2, 3))
    assert view.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert digest == hashlib.sha256(CONTENT).hexdigest()
    assert not view.readonly


def test_a_file_of_no_rows_is_a_file(tmp_path):
    empty = struct.pack(">BBBBI", 0, 0, 8, 1, 1) + b"\x07"
    assert read_idx(written(tmp_path / "x", empty), (1,))[0].tolist() == [7]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CONTENT[:-1], "only 17 bytes, expected 18"),
        (CONTENT + b"\0", "more bytes, expected 18"),
        (CONTENT[:5], "not an IDX file"),
        (b"", "not an IDX file"),
        (b"<html>not found</html>", "not an IDX file"),
        (CONTENT[:2] + b"\x0d" + CONTENT[3:], "begins with 00000d02"),
        (CONTENT[:7] + b"\x03" + CONTENT[8:], "begins with 0000080200000003"),
        (gzip.compress(CONTENT)[:-12], "damaged"),
        (gzip.compress(CONTENT)[:-6] + b"\0\0" + gzip.compress(CONTENT)[-4:], "CRC"),
        (gzip.compress(CONTENT)[:10] + b"\xff" * 20, "damaged"),
        (b"\x1f\x8b\x09", "damaged"),
        (gzip.compress(CONTENT) + b"more", "damaged"),
    ],
    ids=[
        "short", "long", "header only in part", "empty", "a web page", "floats", "other shape", "truncated gzip",
        "wrong checksum", "garbage inside", "unknown packing", "garbage behind",
    ],
)  # fmt: skip
def test_anything_else_is_one_error_that_names_the_file(tmp_path, content, message):
    path = written(tmp_path / "train-images", content)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path, (2, 3))
    assert str(path) in str(caught.value)


def test_reading_stops_where_the_expected_size_is_passed(tmp_path):
    bomb = gzip.compress(CONTENT + bytes(100_000_000), 1)
    with pytest.raises(ValueError, match="more bytes"):
        read_idx(written(tmp_path / "x", bomb), (2, 3))


def test_a_missing_file_is_not_dressed_up(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "x", (2, 3))
