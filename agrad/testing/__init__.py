"""Comparing gradients with finite differences, and Tensors with what is expected: for agrad's tests and for yours."""

from .comparison import assert_close
from .finite_differences import check_grads
from .gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "assert_close", "check_grads", "gradcheck", "gradgradcheck"]
