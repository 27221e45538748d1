// cuSOLVER: decompositions of matrices, by LAPACK. No workspace is needed, and so a small one is asked for.
#include <algorithm>
#include <vector>

#include "lapack.h"
#include "status.h"

using namespace emulator;

namespace {

constexpr int NO_VECTORS = 0;  // cusolverEigMode_t: 1 is with vectors

char job_of(int mode) { return mode == NO_VECTORS ? 'N' : 'V'; }
char triangle_of(int fill) { return fill == 0 ? 'L' : 'U'; }  // cublasFillMode_t

int small(int* size) {
    *size = 16;
    return SUCCESS;
}

int small(size_t* on_device, size_t* on_host) {
    *on_device = *on_host = 64;
    return SUCCESS;
}

// Jacobi's method, which gives V and not its adjoint. `economy`: only as many vectors as singular values.
template <class T>
int jacobi_svd(int mode, bool economy, Integer m, Integer n, T* a, Integer lda, Real<T>* s, T* u, Integer ldu, T* v,
               Integer ldv) {
    const Integer rows = economy ? std::min(m, n) : n;
    const char job = mode == NO_VECTORS ? 'N' : economy ? 'S' : 'A';
    std::vector<T> copy(a, a + lda * n), vh(rows * n + 1);
    const int info = svd(job, job, m, n, copy.data(), lda, s, u, ldu, vh.data(), std::max<Integer>(1, rows));
    if (mode == NO_VECTORS) return info;
    for (Integer row = 0; row < rows; ++row)
        for (Integer column = 0; column < n; ++column) v[column + row * ldv] = conjugate(vh[row + column * rows]);
    return info;
}

}  // namespace

extern "C" {

int cusolverDnCreate(void** handle) { *handle = handle; return SUCCESS; }
int cusolverDnDestroy(void*) { return SUCCESS; }
int cusolverDnCreateParams(void** params) { *params = params; return SUCCESS; }
int cusolverDnDestroyParams(void*) { return SUCCESS; }
int cusolverDnCreateSyevjInfo(void** info) { *info = info; return SUCCESS; }
int cusolverDnDestroySyevjInfo(void*) { return SUCCESS; }
int cusolverDnCreateGesvdjInfo(void** info) { *info = info; return SUCCESS; }
int cusolverDnDestroyGesvdjInfo(void*) { return SUCCESS; }
int cusolverGetVersion(int* version) { *version = 11705; return SUCCESS; }
int cusolverGetProperty(int part, int* number) { *number = part == 0 ? 11 : part == 1 ? 7 : 5; return SUCCESS; }
int cusparseCreate(void** handle) { *handle = handle; return SUCCESS; }  // CuPy makes one beside it
int cusparseDestroy(void*) { return SUCCESS; }

#define LU(LETTER, T)                                                                                             \
    int cusolverDn##LETTER##getrf_bufferSize(void*, int, int, T*, int, int* size) { return small(size); }         \
    int cusolverDn##LETTER##getrf(void*, int m, int n, T* a, int lda, T*, int* pivots, int* info) {               \
        *info = lu(m, n, a, lda, pivots);                                                                         \
        return SUCCESS;                                                                                           \
    }                                                                                                             \
    int cusolverDn##LETTER##getrs(void*, int op, int n, int k, T* a, int lda, int* pivots, T* b, int ldb,         \
                                  int* info) {                                                                    \
        *info = lu_solve("NTC"[op], n, k, a, lda, pivots, b, ldb);                                                \
        return SUCCESS;                                                                                           \
    }

FOR_EACH_TYPE(LU)

#define CHOLESKY(LETTER, T)                                                                                       \
    int cusolverDn##LETTER##potrf_bufferSize(void*, int, int, T*, int, int* size) { return small(size); }         \
    int cusolverDn##LETTER##potrf(void*, int fill, int n, T* a, int lda, T*, int, int* info) {                    \
        *info = cholesky(triangle_of(fill), n, a, lda);                                                           \
        return SUCCESS;                                                                                           \
    }                                                                                                             \
    int cusolverDn##LETTER##potrfBatched(void*, int fill, int n, T** a, int lda, int* info, int count) {          \
        for (int i = 0; i < count; ++i) info[i] = cholesky(triangle_of(fill), n, a[i], lda);                      \
        return SUCCESS;                                                                                           \
    }

FOR_EACH_TYPE(CHOLESKY)

#define QR(LETTER, T)                                                                                             \
    int cusolverDn##LETTER##geqrf_bufferSize(void*, int, int, T*, int, int* size) { return small(size); }         \
    int cusolverDn##LETTER##geqrf(void*, int m, int n, T* a, int lda, T* tau, T*, int, int* info) {               \
        *info = qr(m, n, a, lda, tau);                                                                            \
        return SUCCESS;                                                                                           \
    }

FOR_EACH_TYPE(QR)

#define Q_OF_QR(LETTER, T, ORTHOGONAL)                                                                            \
    int cusolverDn##LETTER##ORTHOGONAL##gqr_bufferSize(void*, int, int, int, T*, int, T*, int* size) {            \
        return small(size);                                                                                       \
    }                                                                                                             \
    int cusolverDn##LETTER##ORTHOGONAL##gqr(void*, int m, int n, int k, T* a, int lda, T* tau, T*, int,           \
                                            int* info) {                                                          \
        *info = q_of_qr(m, n, k, a, lda, tau);                                                                    \
        return SUCCESS;                                                                                           \
    }

Q_OF_QR(S, float, or)
Q_OF_QR(D, double, or)
Q_OF_QR(C, complex64, un)
Q_OF_QR(Z, complex128, un)

#define SVD(LETTER, T)                                                                                            \
    int cusolverDn##LETTER##gesvd_bufferSize(void*, int, int, int* size) { return small(size); }                  \
    int cusolverDn##LETTER##gesvd(void*, char job_u, char job_v, int m, int n, T* a, int lda, Real<T>* s, T* u,   \
                                  int ldu, T* vh, int ldv, T*, int, Real<T>*, int* info) {                        \
        if (m < n) return INVALID_VALUE; /* cuSOLVER's own limit */                                               \
        *info = svd(job_u, job_v, m, n, a, lda, s, u, ldu, vh, ldv);                                              \
        return SUCCESS;                                                                                           \
    }                                                                                                             \
    int cusolverDn##LETTER##gesvdj_bufferSize(void*, int, int, int, int, T*, int, Real<T>*, T*, int, T*, int,     \
                                              int* size, void*) {                                                 \
        return small(size);                                                                                       \
    }                                                                                                             \
    int cusolverDn##LETTER##gesvdj(void*, int mode, int economy, int m, int n, T* a, int lda, Real<T>* s, T* u,   \
                                   int ldu, T* v, int ldv, T*, int, int* info, void*) {                           \
        *info = jacobi_svd(mode, economy != 0, m, n, a, lda, s, u, ldu, v, ldv);                                  \
        return SUCCESS;                                                                                           \
    }                                                                                                             \
    int cusolverDn##LETTER##gesvdjBatched_bufferSize(void*, int, int, int, T*, int, Real<T>*, T*, int, T*, int,   \
                                                     int* size, void*, int) {                                     \
        return small(size);                                                                                       \
    }                                                                                                             \
    int cusolverDn##LETTER##gesvdjBatched(void*, int mode, int m, int n, T* a, int lda, Real<T>* s, T* u,         \
                                          int ldu, T* v, int ldv, T*, int, int* info, void*, int count) {         \
        for (Integer i = 0; i < count; ++i)                                                                       \
            info[i] = jacobi_svd(mode, false, m, n, a + i * lda * n, lda, s + i * std::min(m, n),                 \
                                 u + i * ldu * m, ldu, v + i * ldv * n, ldv);                                     \
        return SUCCESS;                                                                                           \
    }

FOR_EACH_TYPE(SVD)

// Eigenvalues of symmetric and Hermitian matrices

#define SYMMETRIC_EIGEN(LETTER, T, SYMMETRIC)                                                                     \
    int cusolverDn##LETTER##SYMMETRIC##evd_bufferSize(void*, int, int, int, T*, int, Real<T>*, int* size) {       \
        return small(size);                                                                                       \
    }                                                                                                             \
    int cusolverDn##LETTER##SYMMETRIC##evd(void*, int mode, int fill, int n, T* a, int lda, Real<T>* values, T*,  \
                                           int, int* info) {                                                      \
        *info = symmetric_eigen(job_of(mode), triangle_of(fill), n, a, lda, values);                              \
        return SUCCESS;                                                                                           \
    }                                                                                                             \
    int cusolverDn##LETTER##SYMMETRIC##evj_bufferSize(void*, int, int, int, T*, int, Real<T>*, int* size,         \
                                                      void*) {                                                    \
        return small(size);                                                                                       \
    }                                                                                                             \
    int cusolverDn##LETTER##SYMMETRIC##evj(void*, int mode, int fill, int n, T* a, int lda, Real<T>* values, T*,  \
                                           int, int* info, void*) {                                               \
        *info = symmetric_eigen(job_of(mode), triangle_of(fill), n, a, lda, values);                              \
        return SUCCESS;                                                                                           \
    }                                                                                                             \
    int cusolverDn##LETTER##SYMMETRIC##evjBatched_bufferSize(void*, int, int, int, T*, int, Real<T>*, int* size,  \
                                                             void*, int) {                                        \
        return small(size);                                                                                       \
    }                                                                                                             \
    int cusolverDn##LETTER##SYMMETRIC##evjBatched(void*, int mode, int fill, int n, T* a, int lda,                \
                                                  Real<T>* values, T*, int, int* info, void*, int count) {        \
        for (Integer i = 0; i < count; ++i)                                                                       \
            info[i] = symmetric_eigen(job_of(mode), triangle_of(fill), n, a + i * lda * n, lda, values + i * n);  \
        return SUCCESS;                                                                                           \
    }

SYMMETRIC_EIGEN(S, float, sy)
SYMMETRIC_EIGEN(D, double, sy)
SYMMETRIC_EIGEN(C, complex64, he)
SYMMETRIC_EIGEN(Z, complex128, he)

int cusolverDnXsyevd_bufferSize(void*, void*, int, int, Integer, int, void*, Integer, int, void*, int,
                                size_t* on_device, size_t* on_host) {
    return small(on_device, on_host);
}

int cusolverDnXsyevd(void*, void*, int mode, int fill, Integer n, int type, void* a, Integer lda, int, void* values,
                     int, void*, size_t, void*, size_t, int* info) {
    return by_type(type, TYPE_NOT_SUPPORTED, [&](auto zero) {
        using T = decltype(zero);
        *info = symmetric_eigen(job_of(mode), triangle_of(fill), n, static_cast<T*>(a), lda,
                                static_cast<Real<T>*>(values));
        return SUCCESS;
    });
}

// Eigenvalues of any square matrix

int cusolverDnXgeev_bufferSize(void*, void*, int, int, Integer, int, void*, Integer, int, void*, int, void*, Integer,
                               int, void*, Integer, int, size_t* on_device, size_t* on_host) {
    return small(on_device, on_host);
}

int cusolverDnXgeev(void*, void*, int, int mode, Integer n, int type, void* a, Integer lda, int, void* values, int,
                    void*, Integer, int, void* vectors, Integer ldv, int, void*, size_t, void*, size_t, int* info) {
    return by_type(type, TYPE_NOT_SUPPORTED, [&](auto zero) {
        using T = decltype(zero);
        *info = eigen(job_of(mode), n, static_cast<T*>(a), lda, static_cast<std::complex<Real<T>>*>(values),
                      static_cast<T*>(vectors), ldv);
        return SUCCESS;
    });
}

}  // extern "C"
