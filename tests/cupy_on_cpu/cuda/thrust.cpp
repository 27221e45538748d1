// What CuPy compiles of Thrust into itself: sorting along the last axis, NaN last, equal elements in their order.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "graph.h"
#include "numbers.h"

using namespace emulator;

namespace {

using Shape = std::vector<ptrdiff_t>;

// Thrust waits for its sorts, which a captured stream does not allow.
void refuse(intptr_t stream) {
    if (refuse_in_capture(reinterpret_cast<void*>(stream))) throw std::runtime_error("a sort cannot be captured");
}

template <class T> bool less(T a, T b) {
    if constexpr (is_complex<T>) {
        const bool real_parts_decide = a.real() != b.real() || std::isnan(a.real());
        return real_parts_decide ? less(a.real(), b.real()) : less(a.imag(), b.imag());
    } else if constexpr (std::is_integral_v<T>) {
        return a < b;
    } else {
        const double x = a, y = b;
        return !std::isnan(x) && (std::isnan(y) || x < y);
    }
}

// Calls `work` with a number of the type that CuPy numbers so, in cupy/cuda/common.pxi.
template <class Work>
void by_cupys_type(int type, Work work) {
    switch (type) {
        case 0: return work(int8_t());
        case 1: return work(uint8_t());
        case 2: return work(int16_t());
        case 3: return work(uint16_t());
        case 4: return work(int32_t());
        case 5: return work(uint32_t());
        case 6: return work(int64_t());
        case 7: return work(uint64_t());
        case 8: return work(float16());
        case 9: return work(float());
        case 10: return work(double());
        case 11: return work(complex64());
        case 12: return work(complex128());
        case 13: return work(uint8_t());  // bool
    }
    std::fprintf(stderr, "CUDA emulator: Thrust sorts no numbers of type %d\n", type);
    std::abort();
}

size_t product(const Shape& shape) { return std::accumulate(shape.begin(), shape.end(), size_t(1), std::multiplies<>()); }

}  // namespace

void thrust_sort(int type, void* data, size_t*, const Shape& shape, intptr_t stream, void*) {
    refuse(stream);
    by_cupys_type(type, [&](auto zero) {
        using T = decltype(zero);
        T* numbers = static_cast<T*>(data);
        const size_t length = shape.back(), size = product(shape);
        for (size_t row = 0; row < size; row += length)
            std::stable_sort(numbers + row, numbers + row + length, less<T>);
    });
}

void thrust_argsort(int type, size_t* indices, void* data, void*, const Shape& shape, intptr_t stream, void*) {
    refuse(stream);
    by_cupys_type(type, [&](auto zero) {
        using T = decltype(zero);
        const T* numbers = static_cast<const T*>(data);
        const size_t length = shape.back(), size = product(shape);
        for (size_t row = 0; row < size; row += length) {
            std::iota(indices + row, indices + row + length, size_t(0));
            std::stable_sort(indices + row, indices + row + length,
                             [&](size_t a, size_t b) { return less(numbers[row + a], numbers[row + b]); });
        }
    });
}

// By the last row of keys first.
void thrust_lexsort(int type, size_t* indices, void* data, size_t rows, size_t length, intptr_t stream, void*) {
    refuse(stream);
    std::iota(indices, indices + length, size_t(0));
    by_cupys_type(type, [&](auto zero) {
        using T = decltype(zero);
        const T* keys = static_cast<const T*>(data);
        for (size_t row = 0; row < rows; ++row)
            std::stable_sort(indices, indices + length, [&](size_t a, size_t b) {
                return less(keys[row * length + a], keys[row * length + b]);
            });
    });
}
