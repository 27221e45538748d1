// BLAS and LAPACK of the OpenBLAS that NumPy brings along. Matrices lie in columns, as in Fortran and cuBLAS.
#pragma once
#include <cstddef>
#include <string>

#include "numbers.h"

namespace emulator {

using Integer = long long;  // NumPy's OpenBLAS has 64-bit ones

// Returns a function of OpenBLAS by its name, as "dgetrf".
void* openblas(const std::string& name);

// Calls a function of BLAS or LAPACK: everything by address, and 1 as the length of each character at the end.
template <class T, class... Arguments>
void call(const std::string& name, Arguments... arguments) {
    using Function = void (*)(std::decay_t<Arguments>..., size_t, size_t);
    reinterpret_cast<Function>(openblas(letter<T> + name))(arguments..., 1, 1);
}

// op(a) @ op(b) scaled by alpha, plus c scaled by beta; op is 'N', 'T' or 'C'.
template <class T>
void gemm(char op_a, char op_b, Integer m, Integer n, Integer k, T alpha, const T* a, Integer lda, const T* b,
          Integer ldb, T beta, T* c, Integer ldc) {
    call<T>("gemm", &op_a, &op_b, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
}

// Each of these returns LAPACK's `info`: 0, or above 0 where the matrix has no such decomposition.

template <class T> int lu(Integer m, Integer n, T* a, Integer lda, int* pivots);
template <class T> int lu_solve(char op, Integer n, Integer k, T* a, Integer lda, const int* pivots, T* b, Integer ldb);
template <class T> int cholesky(char triangle, Integer n, T* a, Integer lda);
template <class T> int qr(Integer m, Integer n, T* a, Integer lda, T* tau);
template <class T> int q_of_qr(Integer m, Integer n, Integer k, T* a, Integer lda, T* tau);
template <class T> int svd(char job_u, char job_v, Integer m, Integer n, T* a, Integer lda, Real<T>* s, T* u,
                           Integer ldu, T* vh, Integer ldv);
template <class T> int symmetric_eigen(char job, char triangle, Integer n, T* a, Integer lda, Real<T>* values);
template <class T> int eigen(char job, Integer n, T* a, Integer lda, std::complex<Real<T>>* values, T* vectors,
                             Integer ldv);

}  // namespace emulator
