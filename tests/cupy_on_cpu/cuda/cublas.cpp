// cuBLAS: products of vectors and matrices, and LU decompositions of stacks of matrices.
#include <string>

#include "graph.h"
#include "lapack.h"
#include "status.h"
#include "trace.h"

using namespace emulator;

namespace {

struct Handle {
    void* stream = nullptr;
    void* workspace = nullptr;  // the caller's; without one, cuBLAS would allocate memory while it is captured
};

char op_of(int operation) { return "NTC"[operation]; }  // cublasOperation_t

void note_product(int m, int n, int k) {
    note("product " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k));
}

template <class T>
int product(int op_a, int op_b, int m, int n, int k, const void* alpha, const void* a, int lda, const void* b, int ldb,
            const void* beta, void* c, int ldc) {
    gemm<T>(op_of(op_a), op_of(op_b), m, n, k, *static_cast<const T*>(alpha), static_cast<const T*>(a), lda,
            static_cast<const T*>(b), ldb, *static_cast<const T*>(beta), static_cast<T*>(c), ldc);
    return SUCCESS;
}

// Of 16-bit numbers, summed in 32 bits.
int product_of_halves(int op_a, int op_b, int m, int n, int k, float alpha, const float16* a, int lda,
                      const float16* b, int ldb, float beta, float16* c, int ldc) {
    for (int column = 0; column < n; ++column) {
        for (int row = 0; row < m; ++row) {
            float sum = 0;
            for (int i = 0; i < k; ++i) {
                const float left = op_a ? a[i + size_t(row) * lda] : a[row + size_t(i) * lda];
                const float right = op_b ? b[column + size_t(i) * ldb] : b[i + size_t(column) * ldb];
                sum += left * right;
            }
            float16& out = c[row + size_t(column) * ldc];
            out = beta == 0 ? alpha * sum : alpha * sum + beta * out;
        }
    }
    return SUCCESS;
}

// Whether alpha and beta are 16-bit numbers too: cublasComputeType_t, or cudaDataType_t in older calls.
bool computes_in_half(int compute_type) { return compute_type == R_16F || compute_type == 64 || compute_type == 65; }

float scalar(const void* address, bool half) {
    return half ? float(*static_cast<const float16*>(address)) : *static_cast<const float*>(address);
}

int product_of_type(int op_a, int op_b, int m, int n, int k, const void* alpha, const void* a, int type_a, int lda,
                    const void* b, int type_b, int ldb, const void* beta, void* c, int type_c, int ldc,
                    int compute_type) {
    if (type_a != type_b || type_a != type_c) return NOT_SUPPORTED;
    if (type_a == R_16F) {
        const bool half = computes_in_half(compute_type);
        return product_of_halves(op_a, op_b, m, n, k, scalar(alpha, half), static_cast<const float16*>(a), lda,
                                 static_cast<const float16*>(b), ldb, scalar(beta, half), static_cast<float16*>(c),
                                 ldc);
    }
    return by_type(type_a, NOT_SUPPORTED, [&](auto zero) {
        return product<decltype(zero)>(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    });
}

size_t bytes_of(int type) {
    switch (type) {
        case R_16F: return 2;
        case R_32F: return 4;
        case C_64F: return 16;
        default: return 8;
    }
}

// A factor that is on the host, which a captured call must keep.
struct Scalar {
    char bytes[16] = {};
    Scalar(const void* address, int type, int compute_type) {
        const size_t wide = type == R_16F ? sizeof(float) : bytes_of(type);
        std::memcpy(bytes, address, computes_in_half(compute_type) ? sizeof(float16) : wide);
    }
};

void* offset(void* start, long long bytes) { return static_cast<char*>(start) + bytes; }

}  // namespace

extern "C" {

int cublasCreate(Handle** handle) { *handle = new Handle; return SUCCESS; }
int cublasDestroy(Handle* handle) { delete handle; return SUCCESS; }

int cublasSetStream(Handle* handle, void* stream) {
    *handle = {stream, nullptr};  // which forgets the workspace
    return SUCCESS;
}

int cublasSetWorkspace(Handle* handle, void* workspace, size_t) {
    handle->workspace = workspace;
    return SUCCESS;
}

int cublasGetVersion(void*, int* version) { *version = 120902; return SUCCESS; }
int cublasGetPointerMode(void*, int* mode) { *mode = 0; return SUCCESS; }
int cublasGetMathMode(void*, int* mode) { *mode = 0; return SUCCESS; }

// Products of matrices, of any type

int cublasGemmStridedBatchedEx(Handle* handle, int op_a, int op_b, int m, int n, int k, void* alpha, void* a,
                               int type_a, int lda, long long step_a, void* b, int type_b, int ldb, long long step_b,
                               void* beta, void* c, int type_c, int ldc, long long step_c, int count,
                               int compute_type, int) {
    const Scalar by(alpha, type_c, compute_type), plus(beta, type_c, compute_type);
    const auto products = [=] {
        int status = SUCCESS;
        for (int i = 0; i < count && !status; ++i) {
            status = product_of_type(
                op_a, op_b, m, n, k, by.bytes, offset(a, i * step_a * bytes_of(type_a)), type_a, lda,
                offset(b, i * step_b * bytes_of(type_b)), type_b, ldb, plus.bytes,
                offset(c, i * step_c * bytes_of(type_c)), type_c, ldc, compute_type);
        }
        return status;
    };
    if (is_captured(handle->stream)) {
        return handle->workspace ? submit(handle->stream, [=] { products(); }) : NOT_SUPPORTED;
    }
    note_product(m, n, k);
    return products();
}

int cublasGemmEx(Handle* handle, int op_a, int op_b, int m, int n, int k, void* alpha, void* a, int type_a, int lda,
                 void* b, int type_b, int ldb, void* beta, void* c, int type_c, int ldc, int compute_type,
                 int algorithm) {
    return cublasGemmStridedBatchedEx(handle, op_a, op_b, m, n, k, alpha, a, type_a, lda, 0, b, type_b, ldb, 0, beta, c,
                                      type_c, ldc, 0, 1, compute_type, algorithm);
}

int cublasGemmEx_v11(Handle* handle, int op_a, int op_b, int m, int n, int k, void* alpha, void* a, int type_a, int lda,
                     void* b, int type_b, int ldb, void* beta, void* c, int type_c, int ldc, int compute_type,
                     int algorithm) {
    return cublasGemmEx(handle, op_a, op_b, m, n, k, alpha, a, type_a, lda, b, type_b, ldb, beta, c, type_c, ldc,
                        compute_type, algorithm);
}

int cublasSgemmEx(Handle* handle, int op_a, int op_b, int m, int n, int k, float* alpha, void* a, int type_a, int lda,
                  void* b, int type_b, int ldb, float* beta, void* c, int type_c, int ldc) {
    return cublasGemmEx(handle, op_a, op_b, m, n, k, alpha, a, type_a, lda, b, type_b, ldb, beta, c, type_c, ldc,
                        R_32F, 0);
}

int cublasGemmStridedBatchedEx_v11(Handle* handle, int op_a, int op_b, int m, int n, int k, void* alpha, void* a,
                                   int type_a, int lda, long long step_a, void* b, int type_b, int ldb,
                                   long long step_b, void* beta, void* c, int type_c, int ldc, long long step_c,
                                   int count, int compute_type, int algorithm) {
    return cublasGemmStridedBatchedEx(handle, op_a, op_b, m, n, k, alpha, a, type_a, lda, step_a, b, type_b, ldb,
                                      step_b, beta, c, type_c, ldc, step_c, count, compute_type, algorithm);
}

// Products of matrices, and of a matrix and a vector, of one type

#define PRODUCTS(LETTER, T)                                                                                         \
    int cublas##LETTER##gemm(void*, int op_a, int op_b, int m, int n, int k, T* alpha, T* a, int lda, T* b,         \
                             int ldb, T* beta, T* c, int ldc) {                                                     \
        note_product(m, n, k);                                                                                      \
        return product<T>(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                                \
    }                                                                                                               \
    int cublas##LETTER##gemmBatched(void*, int op_a, int op_b, int m, int n, int k, T* alpha, T** a, int lda,       \
                                    T** b, int ldb, T* beta, T** c, int ldc, int count) {                           \
        note_product(m, n, k);                                                                                      \
        for (int i = 0; i < count; ++i)                                                                             \
            product<T>(op_a, op_b, m, n, k, alpha, a[i], lda, b[i], ldb, beta, c[i], ldc);                          \
        return SUCCESS;                                                                                             \
    }                                                                                                               \
    int cublas##LETTER##gemmStridedBatched(void*, int op_a, int op_b, int m, int n, int k, T* alpha, T* a, int lda, \
                                           long long step_a, T* b, int ldb, long long step_b, T* beta, T* c,        \
                                           int ldc, long long step_c, int count) {                                  \
        note_product(m, n, k);                                                                                      \
        for (int i = 0; i < count; ++i)                                                                             \
            product<T>(op_a, op_b, m, n, k, alpha, a + i * step_a, lda, b + i * step_b, ldb, beta,                  \
                       c + i * step_c, ldc);                                                                        \
        return SUCCESS;                                                                                             \
    }                                                                                                               \
    int cublas##LETTER##gemv(void*, int op, int m, int n, T* alpha, T* a, int lda, T* x, int step_x, T* beta, T* y, \
                             int step_y) {                                                                          \
        note_product(m, 1, n);                                                                                      \
        char letter = op_of(op);                                                                                    \
        Integer rows = m, columns = n, ld = lda, stride_x = step_x, stride_y = step_y;                              \
        call<T>("gemv", &letter, &rows, &columns, alpha, a, &ld, x, &stride_x, beta, y, &stride_y);                 \
        return SUCCESS;                                                                                             \
    }

FOR_EACH_TYPE(PRODUCTS)

// Vectors

#define DOT(NAME, T, FIRST)                                                                           \
    int cublas##NAME(void*, int n, T* x, int step_x, T* y, int step_y, T* out) {                      \
        T sum(0);                                                                                     \
        for (int i = 0; i < n; ++i) sum += FIRST(x[size_t(i) * step_x]) * y[size_t(i) * step_y];      \
        *out = sum;                                                                                   \
        return SUCCESS;                                                                               \
    }

DOT(Sdot, float, )
DOT(Ddot, double, )
DOT(Cdotu, complex64, )
DOT(Zdotu, complex128, )
DOT(Cdotc, complex64, std::conj)
DOT(Zdotc, complex128, std::conj)

#define OUTER(NAME, T)                                                                                           \
    int cublas##NAME(void*, int m, int n, T* alpha, T* x, int step_x, T* y, int step_y, T* a, int lda) {         \
        for (int column = 0; column < n; ++column)                                                               \
            for (int row = 0; row < m; ++row)                                                                    \
                a[row + size_t(column) * lda] += *alpha * x[size_t(row) * step_x] * y[size_t(column) * step_y];  \
        return SUCCESS;                                                                                          \
    }

OUTER(Sger, float)
OUTER(Dger, double)

// LU decompositions of stacks: an array of pointers to square matrices

#define LU_OF_STACKS(LETTER, T)                                                                                     \
    int cublas##LETTER##getrfBatched(void*, int n, T** a, int lda, int* pivots, int* info, int count) {             \
        for (int i = 0; i < count; ++i) info[i] = lu(n, n, a[i], lda, pivots ? pivots + i * n : nullptr);           \
        return SUCCESS;                                                                                             \
    }                                                                                                               \
    int cublas##LETTER##getrsBatched(void*, int op, int n, int k, T** a, int lda, int* pivots, T** b, int ldb,      \
                                     int* info, int count) {                                                        \
        for (int i = 0; i < count; ++i) lu_solve(op_of(op), n, k, a[i], lda, pivots + i * n, b[i], ldb);            \
        *info = 0;                                                                                                  \
        return SUCCESS;                                                                                             \
    }                                                                                                               \
    int cublas##LETTER##getriBatched(void*, int n, T** a, int lda, int* pivots, T** inverse, int ldi, int* info,    \
                                     int count) {                                                                   \
        for (int i = 0; i < count; ++i) {                                                                           \
            for (int column = 0; column < n; ++column)                                                              \
                for (int row = 0; row < n; ++row) inverse[i][row + size_t(column) * ldi] = T(row == column);        \
            info[i] = lu_solve('N', n, n, a[i], lda, pivots + i * n, inverse[i], ldi);                              \
        }                                                                                                           \
        return SUCCESS;                                                                                             \
    }

FOR_EACH_TYPE(LU_OF_STACKS)

// The names in cuBLAS's library, which its header gives to those above: for calls past CuPy.

int cublasCreate_v2(Handle** handle) { return cublasCreate(handle); }
int cublasDestroy_v2(Handle* handle) { return cublasDestroy(handle); }
int cublasSetStream_v2(Handle* handle, void* stream) { return cublasSetStream(handle, stream); }
int cublasSetWorkspace_v2(Handle* handle, void* workspace, size_t bytes) {
    return cublasSetWorkspace(handle, workspace, bytes);
}

}  // extern "C"
