"""Graphs for any length of an axis: what depends on a length is found by recording the model with several.

The graphs are equal but for constants, such as the shapes that arrays are reshaped to. Those that differ are computed
in the graph from the lengths of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np  # placeholder
