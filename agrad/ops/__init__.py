"""The array API standard, chapter by chapter, and what agrad adds to it."""

from ..core import tape as _tape
import sys as _sys
from .creation import *
from .manipulation import *
from .data_type import *
from .indexing import *
from .elementwise import *
try:
    from .statistical import *
except ImportError:
    pass
try:
    from .linear_algebra import *
except ImportError:
    pass
try:
    from .activations import *
except ImportError:
    pass

_tape.namespace = _sys.modules[__name__]
from . import methods
