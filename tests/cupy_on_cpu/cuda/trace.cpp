#include "trace.h"

#include <mutex>

namespace emulator {

static std::mutex mutex;
static bool tracing = false;
static std::string events;

void note(const std::string& event) {
    std::lock_guard<std::mutex> lock(mutex);
    if (tracing) events += event + "\n";
}

}  // namespace emulator

// Forgets all events, and begins (1) or ends (0) to note them.
extern "C" void emulator_start_trace(int on) {
    std::lock_guard<std::mutex> lock(emulator::mutex);
    emulator::tracing = on != 0;
    emulator::events.clear();
}

// Returns the events since then, one a line.
extern "C" const char* emulator_trace() { return emulator::events.c_str(); }
