// The functions of <cmath> without std::, as CUDA has them, and those that it has beside them.
#pragma once

using std::abs, std::isfinite, std::isinf, std::isnan, std::signbit;
using std::ceil, std::floor, std::nearbyint, std::rint, std::round, std::trunc;
using std::cbrt, std::exp, std::exp2, std::expm1, std::log, std::log10, std::log1p, std::log2, std::pow, std::sqrt;
using std::acos, std::asin, std::atan, std::atan2, std::cos, std::sin, std::tan;
using std::acosh, std::asinh, std::atanh, std::cosh, std::sinh, std::tanh;
using std::copysign, std::fdim, std::fma, std::fmax, std::fmin, std::fmod, std::hypot, std::nextafter, std::remainder;
using std::frexp, std::ilogb, std::ldexp, std::logb, std::modf;
using std::erf, std::erfc, std::lgamma, std::tgamma;

// min and max of two numbers of any types; of a NaN and a number, the number.

template <class A, class B>
using Both = std::enable_if_t<std::is_arithmetic_v<A> && std::is_arithmetic_v<B>, std::common_type_t<A, B>>;

template <class A, class B>
Both<A, B> min(A a, B b) {
    using T = Both<A, B>;
    if constexpr (std::is_floating_point_v<T>) return std::fmin(T(a), T(b));
    else return T(b) < T(a) ? T(b) : T(a);
}

template <class A, class B>
Both<A, B> max(A a, B b) {
    using T = Both<A, B>;
    if constexpr (std::is_floating_point_v<T>) return std::fmax(T(a), T(b));
    else return T(a) < T(b) ? T(b) : T(a);
}

inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline float rsqrt(float x) { return 1 / std::sqrt(x); }
inline float rsqrtf(float x) { return rsqrt(x); }

inline double sinpi(double x) { return std::sin(M_PI * std::fmod(x, 2.0)); }
inline double cospi(double x) { return std::cos(M_PI * std::fmod(x, 2.0)); }
inline float sinpi(float x) { return float(sinpi(double(x))); }
inline float cospi(float x) { return float(cospi(double(x))); }
inline void sincospi(double x, double* sine, double* cosine) {
    *sine = sinpi(x);
    *cosine = cospi(x);
}
