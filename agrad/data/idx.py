"""IDX, the file format of MNIST: a magic number, the lengths of the axes, the bytes.

Two zeros, the type of the numbers (8: unsigned bytes), the number of axes; one big-endian 32-bit integer per axis;
then the numbers, last axis fastest. Described at https://yann.lecun.com/exdb/mnist/.
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
    """Read an IDX file of unsigned bytes, gzipped or not, that must have a certain shape.

    Parameters
    ----------
    path : Path
    shape : tuple of int

    Returns
    -------
    memoryview, str
        The bytes, of that shape and writable, and the SHA-256 of the whole file without its gzip packing.

    Raises
    ------
    ValueError
        If the file is damaged, truncated, too long, or another than expected; the message names it.
    """
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)
    size = len(header) + prod(shape)
    content = _unpack(path, size)
    if not content.startswith(header):
        raise ValueError(
            f"{path} is no IDX file of {shape} bytes: it begins with {content[: len(header)].hex()}, "
            f"not with {header.hex()}"
        )
    if len(content) != size:
        length = f"only {len(content):,}" if len(content) < size else "more"
        raise ValueError(f"{path} is damaged: it holds {length} bytes where {size:,} were expected")
    return memoryview(content)[len(header) :].cast("B", shape), hashlib.sha256(content).hexdigest()


def _unpack(path: Path, size: int) -> bytearray:
    """Read a file to its end, or until there is more than `size`."""
    content = bytearray()
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            while len(content) <= size and (chunk := file.read(_CHUNK)):
                content += chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    return content
