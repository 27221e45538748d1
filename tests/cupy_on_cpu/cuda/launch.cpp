// Launches: a kernel is called once for each thread of each block, at once, in the order of their numbers.
#include <mutex>
#include <vector>

#include "fibers.h"
#include "graph.h"
#include "module.h"
#include "status.h"
#include "threads.h"
#include "trace.h"

emulator_dim3 emulator_thread, emulator_block, emulator_threads_of_block, emulator_blocks_of_grid;
char* emulator_shared_memory;

using emulator::Kernel;
using emulator::Threads;

static emulator_dim3 place(unsigned number, emulator_dim3 sizes) {
    return {number % sizes.x, number / sizes.x % sizes.y, number / sizes.x / sizes.y};
}

static void run_block(const Kernel& kernel, void** arguments) {
    const emulator_dim3 sizes = emulator_threads_of_block;
    const unsigned threads = sizes.x * sizes.y * sizes.z;
    const auto enter = [&](unsigned number) { emulator_thread = place(number, sizes); };
    const auto run = [&] { kernel.run(arguments); };
    if (kernel.threads == Threads::TOGETHER) {
        emulator::run_together(threads, run, enter);
        return;
    }
    for (unsigned number = 0; number < threads; ++number) {
        enter(number);
        run();
    }
}

static void run_grid(const Kernel& kernel, emulator_dim3 grid, emulator_dim3 block, void** arguments) {
    emulator_blocks_of_grid = grid;
    emulator_threads_of_block = block;
    for (unsigned number = 0; number < grid.x * grid.y * grid.z; ++number) {
        emulator_block = place(number, grid);
        run_block(kernel, arguments);
    }
}

// The values of a launch's arguments, for when the caller's are gone.
class Arguments {
public:
    Arguments(const Kernel& kernel, void** addresses) {
        for (size_t i = 0; i < kernel.sizes.size(); ++i) {
            const char* start = static_cast<const char*>(addresses[i]);
            values_.emplace_back(start, start + kernel.sizes[i]);
        }
    }

    std::vector<void*> addresses() {
        std::vector<void*> found;
        for (auto& value : values_) found.push_back(value.data());
        return found;
    }

private:
    std::vector<std::vector<char>> values_;
};

static void launch(const Kernel& kernel, emulator_dim3 grid, emulator_dim3 block, unsigned shared_bytes,
                   void** arguments) {
    static std::mutex mutex;  // there is one emulator_thread for all threads of the host
    std::lock_guard<std::mutex> lock(mutex);
    std::vector<char> shared(shared_bytes + 1);
    emulator_shared_memory = shared.data();
    const bool one = kernel.threads == Threads::ONE;
    const emulator_dim3 single = {1, 1, 1};
    run_grid(kernel, one ? single : grid, one ? single : block, arguments);
}

extern "C" {

int cuLaunchKernel(Kernel* kernel, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                   unsigned block_y, unsigned block_z, unsigned shared_bytes, void* stream, void** arguments, void**) {
    const emulator_dim3 grid = {grid_x, grid_y, grid_z}, block = {block_x, block_y, block_z};
    if (emulator::is_captured(stream)) {
        Arguments kept(*kernel, arguments);
        return emulator::submit(stream, [=]() mutable {
            launch(*kernel, grid, block, shared_bytes, kept.addresses().data());
        });
    }
    emulator::note("kernel " + kernel->name + " " + kernel->source);
    launch(*kernel, grid, block, shared_bytes, arguments);
    return emulator::SUCCESS;
}

int cuLaunchCooperativeKernel(Kernel* kernel, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                              unsigned block_y, unsigned block_z, unsigned shared_bytes, void* stream,
                              void** arguments) {
    return cuLaunchKernel(kernel, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream, arguments,
                          nullptr);
}

}  // extern "C"
