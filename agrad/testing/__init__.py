"""Checks of gradients against finite differences, and comparison of Tensors: for your tests and for agrad's own."""

from .comparison import assert_close
from .finite_differences import check_grads
from .gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "assert_close", "check_grads", "gradcheck", "gradgradcheck"]
