"""Random numbers on CUDA as a function of seed, draw and position, so that every GPU draws the same numbers.

Philox4x32-10, from J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2,
3", SC 2011; normal numbers by Box and Muller's transform.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = """
typedef unsigned int uint;
typedef unsigned long long ulong64;

__device__ void philox(ulong64 seed, ulong64 draw, ulong64 position, uint* words) {
    uint c0 = (uint)position, c1 = (uint)(position >> 32), c2 = (uint)draw, c3 = (uint)(draw >> 32);
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        ulong64 p = 0xD2511F53ULL * c0, q = 0xCD9E8D57ULL * c2;
        c0 = (uint)(q >> 32) ^ c1 ^ k0;
        c1 = (uint)q;
        c2 = (uint)(p >> 32) ^ c3 ^ k1;
        c3 = (uint)p;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = c0; words[1] = c1; words[2] = c2; words[3] = c3;
}

__device__ ulong64 word64(const uint* words) {
    return (ulong64)words[0] << 32 | words[1];
}

// From [0, 1): the 24 or 53 leading bits, which the type holds exactly. The second argument selects the type.

__device__ float to_uniform(const uint* words, float) {
    return (words[0] >> 8) * 5.9604644775390625e-8f;
}

__device__ double to_uniform(const uint* words, double) {
    return (word64(words) >> 11) * 1.1102230246251565e-16;
}

__device__ float to_normal(const uint* words, float) {
    float u = (words[0] + 0.5f) * 2.3283064365386963e-10f;
    return sqrtf(-2.0f * logf(u)) * cosf(6.28318530717958647f * to_uniform(words + 1, 0.0f));
}

__device__ double to_normal(const uint* words, double) {
    double u = ((word64(words) >> 11) + 0.5) * 1.1102230246251565e-16;
    return sqrt(-2.0 * log(u)) * cos(6.28318530717958647 * to_uniform(words + 2, 0.0));
}
"""
