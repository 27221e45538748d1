// Special functions that CUDA has and C++ lacks, in 80 bits where 64 would round.
#pragma once

// exp(x * x) * erfc(x)
inline double erfcx(double x) {
    const long double wide = x;
    if (x < 50) return double(std::exp(wide * wide) * std::erfc(wide));
    const double s = 1 / (x * x);  // the first terms of its expansion at infinity
    return (1 - s * (0.5 - s * (0.75 - s * 1.875))) / (x * std::sqrt(M_PI));
}

// The normal distribution, and where it reaches a probability: by Newton's method on its logarithm.

inline double normcdf(double x) { return 0.5 * std::erfc(-x * M_SQRT1_2); }

inline double emulator_normal_quantile(long double p) {  // of p up to 1/2
    long double x = -std::sqrt(-2 * std::log(p));
    for (int i = 0; i < 30; ++i) {
        const long double probability = 0.5L * std::erfc(-x / std::sqrt(2.0L));
        const long double density = std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979323846264L);
        x -= std::log(probability / p) * probability / density;
    }
    return double(x);
}

inline double normcdfinv(double p) {
    if (std::isnan(p) || p < 0 || p > 1) return NAN;
    if (p == 0 || p == 1) return p == 0 ? -INFINITY : INFINITY;
    if (p == 0.5) return 0;
    return p <= 0.5 ? emulator_normal_quantile(p) : -emulator_normal_quantile(1 - (long double)p);
}

inline double erfcinv(double y) {
    if (std::isnan(y) || y < 0 || y > 2) return NAN;
    if (y == 0 || y == 2) return y == 0 ? INFINITY : -INFINITY;
    const long double half = y / 2.0L;
    return (y <= 1 ? -emulator_normal_quantile(half) : emulator_normal_quantile(1 - half)) * M_SQRT1_2;
}

inline double erfinv(double y) {
    if (std::isnan(y) || std::abs(y) > 1) return NAN;
    if (std::abs(y) == 1) return y * INFINITY;
    if (std::abs(y) < 1e-8) return y * std::sqrt(M_PI) / 2;
    return std::copysign(-emulator_normal_quantile((1 - (long double)std::abs(y)) / 2) * M_SQRT1_2, y);
}

// Modified Bessel functions

inline double emulator_bessel(double order, double x) {
    if (std::isnan(x)) return x;
    return x > 713 ? INFINITY : std::cyl_bessel_i(order, x);  // which C++ gives up on where it overflows
}
inline double cyl_bessel_i0(double x) { return emulator_bessel(0, std::abs(x)); }
inline double cyl_bessel_i1(double x) { return std::copysign(emulator_bessel(1, std::abs(x)), x); }

// The same in single precision

#define IN_SINGLE_PRECISION(NAME)                          \
    inline float NAME(float x) { return float(NAME(double(x))); } \
    inline float NAME##f(float x) { return NAME(x); }

IN_SINGLE_PRECISION(erfcx)
IN_SINGLE_PRECISION(normcdf)
IN_SINGLE_PRECISION(normcdfinv)
IN_SINGLE_PRECISION(erfcinv)
IN_SINGLE_PRECISION(erfinv)
IN_SINGLE_PRECISION(cyl_bessel_i0)
IN_SINGLE_PRECISION(cyl_bessel_i1)

#undef IN_SINGLE_PRECISION
