"""The array API standard's extension for linear algebra, with gradients.

Matrices are the last two axes of an array; the axes before them are a stack of matrices. `matmul`, `matrix_transpose`,
`tensordot` and `vecdot` are those of `agrad` itself.

Gradients follow PyTorch's conventions. Parts of a decomposition that are not unique have none: the eigenvectors or
singular vectors of equal values, the phase of complex vectors, the vectors that `svd` and `qr` add to complete a basis.
A result that depends on such a choice gets a gradient of NaN or infinity, never a wrong one; a result that does not (a
projection, for instance) gets its gradient unless eigenvalues or singular values are equal. `eigvalsh` and `svdvals`
always have gradients of the first order.
"""

from ..ops import matmul, matrix_transpose, tensordot, vecdot
from ..spellings import answer_in_module
from .determinants import det, slogdet
from .diagonals import diagonal, trace
from .eigen import eig, eigh, eigvals, eigvalsh
from .factorizations import cholesky, qr
from .inverses import inv, pinv, solve
from .least_squares import lstsq
from .norms import matrix_norm, vector_norm
from .products import cross, matrix_power, outer
from .singular import matrix_rank, svd, svdvals
from .triangular import solve_triangular

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "lstsq", "matmul",
    "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve",
    "solve_triangular", "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm",
]  # fmt: skip

answer_in_module(__name__)
