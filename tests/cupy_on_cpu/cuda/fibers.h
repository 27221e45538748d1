// The threads of a block, taking turns on one thread of the host: each has a stack, and runs until it must wait.
#pragma once
#include <functional>

namespace emulator {

// Runs `body` once for each number below `threads`, as fibers; a fiber that waits at a barrier lets the others run.
void run_together(unsigned threads, const std::function<void()>& body, const std::function<void(unsigned)>& enter);

}  // namespace emulator
