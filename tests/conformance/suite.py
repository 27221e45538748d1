"""Runs the array API standard's own test suite, data-apis/array-api-tests, on agrad.

    ARRAY_API_TESTS=path/to/array-api-tests python tests/conformance/suite.py torch

What the array library of the device fails by itself is left out: <device>.txt lists it, with reasons. With
``--compare`` the suite runs without that list, on agrad and on the library, and what both or only one of them fail is
printed. Further arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

VERSION = "2025.12"
LIBRARIES = {"cpu": "array_api_compat.numpy", "strict": "array_api_strict", "torch": "array_api_compat.torch"}
# PyTorch can store these, but not compute with them: every other test would be a known failure.
SKIPPED_DTYPES = {"torch": "uint16,uint32,uint64"}
HERE = Path(__file__).parent


def known_failures(device: str) -> Path:
    """Return the list of what the array library fails by itself."""
    return HERE / f"{device}.txt"


def run(module: str, device: str, arguments: list[str]) -> int:
    """Run the suite on a module; return pytest's exit status."""
    environment = os.environ | {
        "AGRAD_DEVICE": device,
        "ARRAY_API_TESTS_MODULE": module,
        "ARRAY_API_TESTS_SKIP_DTYPES": SKIPPED_DTYPES.get(device, ""),
        "ARRAY_API_TESTS_VERSION": VERSION,
    }
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--disable-deadline",
        "--derandomize",
        "--max-examples",
        "100",
        "--disable-warnings",
    ]
    command = [sys.executable, "-m", "pytest", "array_api_tests", *options, *arguments]
    return subprocess.run(command, cwd=os.environ["ARRAY_API_TESTS"], env=environment, check=False).returncode


def failures(module: str, device: str, arguments: list[str]) -> set[str]:
    """Run the suite on a module; return the ids of the tests that fail."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        run(module, device, ["--tb=no", f"--junitxml={report}", *arguments])
        cases = ET.parse(report).getroot().iter("testcase")
        return {name_of(case) for case in cases if case.find("failure") is not None or case.find("error") is not None}


def name_of(case: ET.Element) -> str:
    """Return pytest's id of a test in a report: the file, then classes, then the name."""
    parts = case.attrib["classname"].split(".")
    file = next(i for i, part in enumerate(parts) if part.startswith("test_"))
    return "::".join(["/".join(parts[: file + 1]) + ".py", *parts[file + 1 :], case.attrib["name"]])


def compare(device: str, arguments: list[str]) -> int:
    """Print what agrad and the library fail; return how many tests only agrad fails."""
    own, agrad = failures(LIBRARIES[device], device, arguments), failures("agrad", device, arguments)
    for title, names in (("both", own & agrad), (LIBRARIES[device], own - agrad), ("agrad", agrad - own)):
        print(f"\n{len(names)} failed by {title}{' alone' if title != 'both' else ''}")
        print("\n".join(sorted(names)))
    return len(agrad - own)


def main(device: str, *arguments: str) -> int:
    """Run or compare; return the exit status."""
    if "--compare" in arguments:
        return min(1, compare(device, [argument for argument in arguments if argument != "--compare"]))
    return run("agrad", device, ["--skips-file", str(known_failures(device)), *arguments])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
