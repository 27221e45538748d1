#include "lapack.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace emulator {

// NumPy, which CuPy imports first, has loaded it: its name is found among the libraries of this process.
static void* loaded_openblas() {
    std::string path;
    dl_iterate_phdr(
        [](dl_phdr_info* library, size_t, void* found) {
            if (std::string(library->dlpi_name).find("openblas") == std::string::npos) return 0;
            *static_cast<std::string*>(found) = library->dlpi_name;
            return 1;
        },
        &path);
    return path.empty() ? nullptr : dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
}

void* openblas(const std::string& name) {
    static void* library = loaded_openblas();
    void* function = library ? dlsym(library, ("scipy_" + name + "_64_").c_str()) : nullptr;
    if (!function) {
        std::fprintf(stderr, "CUDA emulator: NumPy's OpenBLAS has no %s\n", name.c_str());
        std::abort();
    }
    return function;
}

// A workspace as large as any of the functions below asks for.
template <class T>
static std::vector<T> workspace(Integer m, Integer n) {
    const Integer most = std::max(m, n);
    return std::vector<T>(2 * most * most + 256 * most + 64);
}

template <class T>
int lu(Integer m, Integer n, T* a, Integer lda, int* pivots) {
    std::vector<Integer> rows(std::min(m, n) + 1);
    Integer info = 0;
    call<T>("getrf", &m, &n, a, &lda, rows.data(), &info);
    if (pivots) std::copy_n(rows.begin(), std::min(m, n), pivots);
    return int(info);
}

template <class T>
int lu_solve(char op, Integer n, Integer k, T* a, Integer lda, const int* pivots, T* b, Integer ldb) {
    std::vector<Integer> rows(pivots, pivots + n);
    Integer info = 0;
    call<T>("getrs", &op, &n, &k, a, &lda, rows.data(), b, &ldb, &info);
    return int(info);
}

template <class T>
int cholesky(char triangle, Integer n, T* a, Integer lda) {
    Integer info = 0;
    call<T>("potrf", &triangle, &n, a, &lda, &info);
    return int(info);
}

template <class T>
int qr(Integer m, Integer n, T* a, Integer lda, T* tau) {
    auto work = workspace<T>(m, n);
    Integer size = work.size(), info = 0;
    call<T>("geqrf", &m, &n, a, &lda, tau, work.data(), &size, &info);
    return int(info);
}

template <class T>
int q_of_qr(Integer m, Integer n, Integer k, T* a, Integer lda, T* tau) {
    auto work = workspace<T>(m, n);
    Integer size = work.size(), info = 0;
    call<T>(is_complex<T> ? "ungqr" : "orgqr", &m, &n, &k, a, &lda, tau, work.data(), &size, &info);
    return int(info);
}

template <class T>
int svd(char job_u, char job_v, Integer m, Integer n, T* a, Integer lda, Real<T>* s, T* u, Integer ldu, T* vh,
        Integer ldv) {
    auto work = workspace<T>(m, n);
    Integer size = work.size(), info = 0;
    if constexpr (is_complex<T>) {
        auto real_work = workspace<Real<T>>(m, n);
        call<T>("gesvd", &job_u, &job_v, &m, &n, a, &lda, s, u, &ldu, vh, &ldv, work.data(), &size, real_work.data(),
                &info);
    } else {
        call<T>("gesvd", &job_u, &job_v, &m, &n, a, &lda, s, u, &ldu, vh, &ldv, work.data(), &size, &info);
    }
    return int(info);
}

template <class T>
int symmetric_eigen(char job, char triangle, Integer n, T* a, Integer lda, Real<T>* values) {
    auto work = workspace<T>(n, n);
    auto integer_work = workspace<Integer>(n, 1);
    Integer size = work.size(), integer_size = integer_work.size(), info = 0;
    if constexpr (is_complex<T>) {
        auto real_work = workspace<Real<T>>(n, n);
        Integer real_size = real_work.size();
        call<T>("heevd", &job, &triangle, &n, a, &lda, values, work.data(), &size, real_work.data(), &real_size,
                integer_work.data(), &integer_size, &info);
    } else {
        call<T>("syevd", &job, &triangle, &n, a, &lda, values, work.data(), &size, integer_work.data(), &integer_size,
                &info);
    }
    return int(info);
}

template <class T>
int eigen(char job, Integer n, T* a, Integer lda, std::complex<Real<T>>* values, T* vectors, Integer ldv) {
    char no_left = 'N';
    auto work = workspace<T>(n, n);
    auto real_work = workspace<Real<T>>(n, 1);
    Integer size = work.size(), info = 0, one = 1;
    T* left = nullptr;
    if constexpr (is_complex<T>) {
        call<T>("geev", &no_left, &job, &n, a, &lda, values, left, &one, vectors, &ldv, work.data(), &size,
                real_work.data(), &info);
    } else {
        Real<T>*real = real_work.data(), *imaginary = real + n;
        call<T>("geev", &no_left, &job, &n, a, &lda, real, imaginary, left, &one, vectors, &ldv, work.data(), &size,
                &info);
        for (Integer i = 0; i < n; ++i) values[i] = {real[i], imaginary[i]};
    }
    return int(info);
}

#define INSTANTIATE(LETTER, T)                                                                              \
    template int lu(Integer, Integer, T*, Integer, int*);                                                   \
    template int lu_solve(char, Integer, Integer, T*, Integer, const int*, T*, Integer);                    \
    template int cholesky(char, Integer, T*, Integer);                                                      \
    template int qr(Integer, Integer, T*, Integer, T*);                                                     \
    template int q_of_qr(Integer, Integer, Integer, T*, Integer, T*);                                       \
    template int svd(char, char, Integer, Integer, T*, Integer, Real<T>*, T*, Integer, T*, Integer);        \
    template int symmetric_eigen(char, char, Integer, T*, Integer, Real<T>*);                               \
    template int eigen(char, Integer, T*, Integer, std::complex<Real<T>>*, T*, Integer);

FOR_EACH_TYPE(INSTANTIATE)

}  // namespace emulator
