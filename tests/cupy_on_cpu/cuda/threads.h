// What a kernel sees of the thread that runs it: CUDA's threadIdx, blockIdx, blockDim and gridDim, and its barriers.
//
// The emulator runs one thread at a time and sets these before it does; kernel/threads.h gives them CUDA's names.
#pragma once
#include <cstdint>

struct emulator_dim3 {
    unsigned x, y, z;
};

extern "C" {

extern emulator_dim3 emulator_thread, emulator_block, emulator_threads_of_block, emulator_blocks_of_grid;
extern char* emulator_shared_memory;  // as much as the launch asked for

void emulator_syncthreads();
void emulator_syncwarp();

// The place of the running thread in its warp, and what another thread of the warp gives in the same call.
int emulator_lane();
uint64_t emulator_exchange(uint64_t value, int lane);

}  // extern "C"
