"""Autograd for any array API library."""

from .backends import devices
from .core.device import Device, get_device, set_device
from .core.dtypes import BY_NAME as _BY_NAME
from .core.dtypes import get_default_dtype, set_default_dtype
from .core.tape import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .core.transforms import gradients
from .core.tensor import Tensor
from .ops import *

globals().update(_BY_NAME)
__array_api_version__ = "2025.12"
