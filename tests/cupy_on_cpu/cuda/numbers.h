// The types of numbers that CUDA's libraries compute with.
#pragma once
#include <complex>
#include <cstdint>
#include <cstring>

namespace emulator {

using complex64 = std::complex<float>;
using complex128 = std::complex<double>;

// A 16-bit float as it lies in memory.
struct float16 {
    uint16_t bits = 0;

    float16() = default;
    float16(float x) {
        const _Float16 rounded = static_cast<_Float16>(x);
        std::memcpy(&bits, &rounded, sizeof bits);
    }
    operator float() const {
        _Float16 x;
        std::memcpy(&x, &bits, sizeof bits);
        return static_cast<float>(x);
    }
};

// The real type of a type, and whether that is another one.
template <class T> struct RealOf { using type = T; };
template <class T> struct RealOf<std::complex<T>> { using type = T; };
template <class T> using Real = typename RealOf<T>::type;
template <class T> constexpr bool is_complex = !std::is_same_v<T, Real<T>>;

template <class T> T conjugate(T x) {
    if constexpr (is_complex<T>) return std::conj(x);
    else return x;
}

// The letter by which BLAS and LAPACK tell a type.
template <class T> constexpr char letter = '?';
template <> constexpr char letter<float> = 's';
template <> constexpr char letter<double> = 'd';
template <> constexpr char letter<complex64> = 'c';
template <> constexpr char letter<complex128> = 'z';

// cudaDataType_t
enum DataType { R_32F = 0, R_64F = 1, R_16F = 2, C_32F = 4, C_64F = 5 };

// Calls `work` with a number of the type that a DataType names, 16 bits aside; returns `otherwise` if there is none.
template <class Work>
int by_type(int type, int otherwise, Work work) {
    switch (type) {
        case R_32F: return work(float());
        case R_64F: return work(double());
        case C_32F: return work(complex64());
        case C_64F: return work(complex128());
        default: return otherwise;
    }
}

}  // namespace emulator

// Defines something for each of the four types, whose functions have the letters S, D, C and Z in their names.
#define FOR_EACH_TYPE(DEFINE) \
    DEFINE(S, float)          \
    DEFINE(D, double)         \
    DEFINE(C, complex64)      \
    DEFINE(Z, complex128)
