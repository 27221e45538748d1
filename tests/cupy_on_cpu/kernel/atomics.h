// Atomic operations: one thread runs at a time, so that none needs to be. Each returns the value before it.
//
// Overloads for the types that CUDA has, as atomics.cuh adds more of them.
#pragma once

#define ATOMIC(NAME, T, NEW)                   \
    inline T NAME(T* address, T value) {       \
        const T old = *address;                \
        *address = NEW;                        \
        return old;                            \
    }
#define ADD(T) ATOMIC(atomicAdd, T, old + value)
#define SUB(T) ATOMIC(atomicSub, T, old - value)
#define EXCHANGE(T) ATOMIC(atomicExch, T, value)
#define EXTREMES(T)                                        \
    ATOMIC(atomicMax, T, old < value ? value : old)        \
    ATOMIC(atomicMin, T, value < old ? value : old)
#define LOGIC(T)                          \
    ATOMIC(atomicAnd, T, old & value)     \
    ATOMIC(atomicOr, T, old | value)      \
    ATOMIC(atomicXor, T, old ^ value)
#define COMPARE_AND_SWAP(T)                              \
    inline T atomicCAS(T* address, T expected, T value) { \
        const T old = *address;                           \
        if (old == expected) *address = value;            \
        return old;                                       \
    }

ADD(int) ADD(unsigned) ADD(unsigned long long) ADD(float) ADD(double)
SUB(int) SUB(unsigned)
EXCHANGE(int) EXCHANGE(unsigned) EXCHANGE(unsigned long long) EXCHANGE(float)
EXTREMES(int) EXTREMES(unsigned) EXTREMES(long long) EXTREMES(unsigned long long)
LOGIC(int) LOGIC(unsigned) LOGIC(unsigned long long)
COMPARE_AND_SWAP(int) COMPARE_AND_SWAP(unsigned) COMPARE_AND_SWAP(unsigned long long)
COMPARE_AND_SWAP(unsigned short)

#undef ATOMIC
#undef ADD
#undef SUB
#undef EXCHANGE
#undef EXTREMES
#undef LOGIC
#undef COMPARE_AND_SWAP
