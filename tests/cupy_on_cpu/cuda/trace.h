// What happened on the emulated GPUs, for tests that count it. tests/cupy_on_cpu/trace.py reads it.
#pragma once
#include <string>

namespace emulator {

// Adds an event to the trace: "kernel NAME SOURCE", "product ROWSxCOLUMNSxTERMS", "copy to host BYTES", "wait" ...
void note(const std::string& event);

}  // namespace emulator
