// The running thread's place, and its barriers.
#pragma once
#include "../cuda/threads.h"

#define threadIdx emulator_thread
#define blockIdx emulator_block
#define blockDim emulator_threads_of_block
#define gridDim emulator_blocks_of_grid

constexpr int warpSize = 32;

inline void __syncthreads() { emulator_syncthreads(); }
inline void __syncwarp(unsigned = ~0u) { emulator_syncwarp(); }
inline void __threadfence() {}
