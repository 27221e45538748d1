// Streams that record: while one is captured, work on it is kept in a graph instead of being done.
#pragma once
#include <functional>

namespace emulator {

// Does a piece of work now, or keeps it if its stream is being captured. Returns a status.
int submit(void* stream, std::function<void()> work);

// Whether a stream is being captured.
bool is_captured(void* stream);

// For a call that a captured stream must not get: if it is being captured, the capture is lost. Returns a status.
int refuse_in_capture(void* stream);

// The same for a call that waits for all streams, or whose stream is not known here.
int refuse_in_any_capture();

}  // namespace emulator
