"""Data files: found on this machine, or downloaded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["obtain"]

_TIMEOUT = 15  # seconds without an answer before the next mirror is tried


def obtain(
    name: str,
    *,
    root: str | os.PathLike[str] | None,
    folders: Sequence[str],
    download: bool,
    mirrors: Sequence[str],
    md5: str,
) -> Path:
    """Return the path of a data file, gzipped or not; download it if it is missing.

    Parameters
    ----------
    name : str
        The file name, without ``.gz``.
    root : path, optional
        The folder searched first; then the folder in the environment variable ``AGRAD_DATA`` and the user's cache are
        searched. The file is downloaded to `root` if it is given, otherwise to the cache.
    folders : sequence of str
        The subfolders to search; the file is downloaded to the first.
    download : bool
        Whether to download a missing file.
    mirrors : sequence of str
        The URLs to try in order, without the file name.
    md5 : str
        The MD5 checksum of the gzipped file on the mirrors.

    Returns
    -------
    Path
        The path of the file.

    Raises
    ------
    FileNotFoundError
        If the file is not on this machine and `download` is False.
    ConnectionError, ImportError
        If the download fails from every mirror, or if pooch is not installed.
    """
    roots = _roots(root)
    searched = [*roots[: root is not None], *(base / folder for base in roots for folder in folders)]
    for folder in searched:
        for spelling in (name, f"{name}.gz", name.replace("-idx", ".idx")):
            if (folder / spelling).is_file():
                return folder / spelling
    missing = f"{name}(.gz) is not in {', '.join(map(str, searched)) or 'any known folder'}"
    remedy = f"put it there, or set AGRAD_DATA to a folder that contains {folders[0]}/"
    if not download:
        raise FileNotFoundError(f"{missing}; {remedy}, or write download=True")
    try:
        import pooch
    except ImportError:
        raise ImportError(f'{missing}; {remedy}, or install pooch to download it: pip install "agrad[data]"') from None
    target = (Path(root).expanduser() if root is not None else _cache(pooch)) / folders[0]
    failures = []
    for mirror in mirrors:
        try:
            return _fetch(pooch, f"{mirror}{name}.gz", md5, target)
        except (OSError, ValueError) as error:
            failures.append(f"\n  {mirror}{name}.gz: {error}")
    raise ConnectionError(f"{missing}, and every download failed; {remedy}. The errors were:{''.join(failures)}")


def _roots(root: str | os.PathLike[str] | None) -> list[Path]:
    given = [root, os.environ.get("AGRAD_DATA")]
    found = [Path(folder).expanduser() for folder in given if folder]
    try:
        import pooch
    except ImportError:
        return found
    return [*found, _cache(pooch)]


def _cache(pooch: Any) -> Path:
    return Path(pooch.os_cache("agrad"))


def _fetch(pooch: Any, url: str, md5: str, folder: Path) -> Path:
    """Download to a temporary file, which is renamed once it is complete and its checksum is correct."""
    try:
        import tqdm  # noqa: F401 - pooch draws its progress bar with it
    except ImportError:
        bar = False
    else:
        bar = True
    downloader = pooch.HTTPDownloader(progressbar=bar, timeout=_TIMEOUT)
    name = url.rpartition("/")[2]
    return Path(pooch.retrieve(url, f"md5:{md5}", fname=name, path=folder, downloader=downloader))
