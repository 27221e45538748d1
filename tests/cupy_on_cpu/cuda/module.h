// Compiled kernels: shared libraries that nvrtc.cpp makes.
#pragma once
#include <string>
#include <vector>

namespace emulator {

// How the threads of a launch are run; host_code.cpp writes these numbers into each library.
enum class Threads {
    ONE,          // a loop over all elements by the size of the grid: a grid of one thread does the same
    INDEPENDENT,  // one after the other
    TOGETHER,     // those of a block wait for each other: each runs on a stack of its own
};

struct Kernel {
    std::string name, source;
    Threads threads;
    void (*run)(void** arguments);
    std::vector<size_t> sizes;  // of its arguments, in bytes
};

}  // namespace emulator
