"""IDX, the file format of MNIST: a magic number, the shape, the data.

The magic number is two zero bytes, the data type (8: unsigned bytes) and the number of axes. The shape follows, as one
big-endian 32-bit integer per axis, then the data in C order. Described at https://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from math import prod
from pathlib import Path

__all__ = ["read_idx"]

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20


def read_idx(path: Path, shape: tuple[int, ...]) -> tuple[memoryview, str]:
    """Read an IDX file of unsigned bytes, gzipped or not, of a given shape.

    Parameters
    ----------
    path : Path
        The path of the file.
    shape : tuple of int
        The shape that the data must have.

    Returns
    -------
    memoryview, str
        The bytes, writable and of that shape, and the SHA-256 of the uncompressed file.

    Raises
    ------
    ValueError
        If the file is damaged, truncated, too long, or has another type or shape; the message has its path.
    """
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)
    size = len(header) + prod(shape)
    content = _uncompressed(path, size)
    if not content.startswith(header):
        raise ValueError(
            f"{path} is not an IDX file of bytes of shape {shape}: it begins with {content[: len(header)].hex()}, "
            f"not with {header.hex()}"
        )
    if len(content) != size:
        length = f"only {len(content):,}" if len(content) < size else "more"
        raise ValueError(f"{path} is damaged: it has {length} bytes, expected {size:,}")
    return memoryview(content)[len(header) :].cast("B", shape), hashlib.sha256(content).hexdigest()


def _uncompressed(path: Path, size: int) -> bytearray:
    """Return the uncompressed content of a file, read to its end or to a little more than `size` bytes."""
    content = bytearray()
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if gzipped else raw
            while len(content) <= size and (chunk := file.read(_CHUNK)):
                content += chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    return content
