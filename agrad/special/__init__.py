"""Special functions with gradients, named and called as in `scipy.special`.

Most are the array library's own: SciPy's on NumPy (``pip install "agrad[special]"``), and those of CuPy, PyTorch and
JAX. Integers become the default dtype; complex numbers raise TypeError.
"""

from ..spellings import answer_in_module
from .bessel import i0, i0e, i1, i1e, j0, j1, sinc
from .entropy import entr, kl_div, rel_entr, xlog1py, xlogy
from .error_functions import erf, erfc, erfcx, erfinv, log_ndtr, ndtr, ndtri
from .gamma_functions import (
    beta,
    betainc,
    betaln,
    digamma,
    gamma,
    gammainc,
    gammaincc,
    gammaln,
    polygamma,
    psi,
    zeta,
)
from .logistic import expit, log_softmax, logit, logsumexp, softmax

__all__ = [
    "beta", "betainc", "betaln", "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "expit", "gamma", "gammainc",
    "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e", "j0", "j1", "kl_div", "log_ndtr", "log_softmax", "logit",
    "logsumexp", "ndtr", "ndtri", "polygamma", "psi", "rel_entr", "sinc", "softmax", "xlog1py", "xlogy", "zeta",
]  # fmt: skip

answer_in_module(__name__)
