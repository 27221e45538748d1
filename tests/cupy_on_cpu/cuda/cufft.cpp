// cuFFT: the sums of the discrete Fourier transform as they are written, axis by axis, in double precision.
#include <cmath>
#include <map>
#include <vector>

#include "numbers.h"
#include "graph.h"
#include "status.h"

using namespace emulator;

namespace {

using Numbers = std::vector<complex128>;

// cufftType: from real to half of the complex numbers, from those back, and between complex ones
enum Type { R2C = 0x2a, C2R = 0x2c, C2C = 0x29, D2Z = 0x6a, Z2D = 0x6c, Z2Z = 0x69 };

bool from_real(int type) { return type == R2C || type == D2Z; }
bool to_real(int type) { return type == C2R || type == Z2D; }

// How the transforms of a batch lie in memory.
struct Layout {
    std::vector<int> lengths;  // of what memory holds along each axis
    int step;                  // between neighbours along the last axis
    long distance;             // between transforms

    long place(long transform, const std::vector<int>& index) const {
        long place = 0;
        for (size_t axis = 0; axis < index.size(); ++axis) place = place * lengths[axis] + index[axis];
        return transform * distance + place * step;
    }
};

struct Plan {
    std::vector<int> lengths;
    Layout input, output;
    int type, batch;

    long size() const {
        long size = 1;
        for (int length : lengths) size *= length;
        return size;
    }

    std::vector<int> index(long number) const {
        std::vector<int> index(lengths.size());
        for (size_t axis = lengths.size(); axis-- > 0; number /= lengths[axis]) index[axis] = number % lengths[axis];
        return index;
    }

    // Whether an element lies in the half of the last axis that is kept where the other side is real.
    bool is_kept(const std::vector<int>& index) const { return index.back() <= lengths.back() / 2; }

    std::vector<int> opposite(std::vector<int> index) const {
        for (size_t axis = 0; axis < index.size(); ++axis) index[axis] = (lengths[axis] - index[axis]) % lengths[axis];
        return index;
    }
};

std::map<int, Plan> plans;

// Returns how one side of a transform lies in memory: as `embed` says, or densely where it is null.
Layout layout(const std::vector<int>& lengths, bool halved, const int* embed, int step, long distance) {
    if (embed) return {std::vector<int>(embed, embed + lengths.size()), step, distance};
    std::vector<int> dense = lengths;
    if (halved) dense.back() = dense.back() / 2 + 1;
    distance = 1;
    for (int length : dense) distance *= length;
    return {dense, 1, distance};
}

template <class T>
Numbers read(const Plan& plan, long transform, const void* memory) {
    const T* real = static_cast<const T*>(memory);
    const auto* complex = static_cast<const std::complex<T>*>(memory);
    Numbers x(plan.size());
    for (long i = 0; i < plan.size(); ++i) {
        const auto index = plan.index(i);
        if (from_real(plan.type)) x[i] = real[plan.input.place(transform, index)];
        else if (!to_real(plan.type) || plan.is_kept(index)) x[i] = complex[plan.input.place(transform, index)];
        else x[i] = std::conj(complex[plan.input.place(transform, plan.opposite(index))]);
    }
    return x;
}

template <class T>
void write(const Plan& plan, long transform, const Numbers& x, void* memory) {
    T* real = static_cast<T*>(memory);
    auto* complex = static_cast<std::complex<T>*>(memory);
    for (long i = 0; i < plan.size(); ++i) {
        const auto index = plan.index(i);
        if (to_real(plan.type)) real[plan.output.place(transform, index)] = T(x[i].real());
        else if (!from_real(plan.type) || plan.is_kept(index))
            complex[plan.output.place(transform, index)] = std::complex<T>(x[i]);
    }
}

// Transforms all lines along an axis of this length, whose elements lie `step` apart.
Numbers along_axis(const Numbers& x, long length, long step, int sign) {
    Numbers turns(length), y(x.size());
    for (long i = 0; i < length; ++i) turns[i] = std::polar(1.0, sign * 2 * M_PI * i / length);
    for (long start = 0; start < long(x.size()); ++start) {
        if (start / step % length != 0) continue;
        for (long k = 0; k < length; ++k)
            for (long i = 0; i < length; ++i) y[start + k * step] += x[start + i * step] * turns[i * k % length];
    }
    return y;
}

template <class T>
int transform(int handle, const void* input, void* output, int sign) {
    if (refuse_in_any_capture()) return EXECUTION_FAILED;  // CUDA would capture it
    const Plan& plan = plans[handle];
    for (long i = 0; i < plan.batch; ++i) {
        Numbers x = read<T>(plan, i, input);
        long step = 1;
        for (size_t axis = plan.lengths.size(); axis-- > 0; step *= plan.lengths[axis])
            x = along_axis(x, plan.lengths[axis], step, sign);
        write<T>(plan, i, x, output);
    }
    return SUCCESS;
}

constexpr int FORWARD = -1, BACKWARD = 1;

}  // namespace

extern "C" {

int cufftCreate(int* handle) {
    static int last = 0;
    *handle = ++last;
    return SUCCESS;
}

int cufftMakePlanMany(int handle, int rank, int* n, int* in_embed, int in_step, int in_distance, int* out_embed,
                      int out_step, int out_distance, int type, int batch, size_t* workspace) {
    const std::vector<int> lengths(n, n + rank);
    plans[handle] = {lengths, layout(lengths, to_real(type), in_embed, in_step, in_distance),
                     layout(lengths, from_real(type), out_embed, out_step, out_distance), type, batch};
    *workspace = 64;
    return SUCCESS;
}

int cufftMakePlan1d(int handle, int n, int type, int batch, size_t* workspace) {
    return cufftMakePlanMany(handle, 1, &n, nullptr, 1, 0, nullptr, 1, 0, type, batch, workspace);
}

int cufftExecC2C(int plan, void* in, void* out, int sign) { return transform<float>(plan, in, out, sign); }
int cufftExecZ2Z(int plan, void* in, void* out, int sign) { return transform<double>(plan, in, out, sign); }
int cufftExecR2C(int plan, void* in, void* out) { return transform<float>(plan, in, out, FORWARD); }
int cufftExecD2Z(int plan, void* in, void* out) { return transform<double>(plan, in, out, FORWARD); }
int cufftExecC2R(int plan, void* in, void* out) { return transform<float>(plan, in, out, BACKWARD); }
int cufftExecZ2D(int plan, void* in, void* out) { return transform<double>(plan, in, out, BACKWARD); }

int cufftDestroy(int handle) { plans.erase(handle); return SUCCESS; }
int cufftGetVersion(int* version) { *version = 11400; return SUCCESS; }
int cufftSetAutoAllocation(int, int) { return SUCCESS; }
int cufftSetWorkArea(int, void*) { return SUCCESS; }
int cufftSetStream(int, void*) { return SUCCESS; }

}  // extern "C"
