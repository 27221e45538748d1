// CUDA graphs: what is submitted to a stream between the begin and the end of a capture, to be done at each launch.
//
// As CuPy does, captures are begun in the relaxed mode, in which memory may be allocated meanwhile.
#include "graph.h"

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "status.h"
#include "trace.h"

namespace emulator {

constexpr int NOT_CAPTURING = 0, CAPTURING = 1, LOST = 2;  // cudaStreamCaptureStatus

struct Graph {
    std::vector<std::function<void()>> nodes;
};

struct Capture {
    Graph* graph;
    int status;
};

static std::mutex mutex;
static std::map<void*, Capture> captures;  // by the stream

static int lose(Capture& capture) {
    capture.status = LOST;
    return CAPTURE_UNSUPPORTED;
}

int submit(void* stream, std::function<void()> work) {
    {
        std::lock_guard<std::mutex> lock(mutex);
        if (const auto found = captures.find(stream); found != captures.end()) {
            if (found->second.status == LOST) return CAPTURE_LOST;
            found->second.graph->nodes.push_back(std::move(work));
            return SUCCESS;
        }
    }
    work();
    return SUCCESS;
}

bool is_captured(void* stream) {
    std::lock_guard<std::mutex> lock(mutex);
    return captures.count(stream) != 0;
}

int refuse_in_capture(void* stream) {
    std::lock_guard<std::mutex> lock(mutex);
    const auto found = captures.find(stream);
    return found == captures.end() ? SUCCESS : lose(found->second);
}

int refuse_in_any_capture() {
    std::lock_guard<std::mutex> lock(mutex);
    for (auto& [stream, capture] : captures) lose(capture);
    return captures.empty() ? SUCCESS : CAPTURE_UNSUPPORTED;
}

}  // namespace emulator

using namespace emulator;

extern "C" {

int cudaStreamBeginCapture(void* stream, int) {
    if (!stream || is_captured(stream)) return CAPTURE_UNSUPPORTED;  // the default stream cannot be captured
    std::lock_guard<std::mutex> lock(mutex);
    captures[stream] = {new Graph, CAPTURING};
    return SUCCESS;
}

int cudaStreamEndCapture(void* stream, Graph** graph) {
    std::lock_guard<std::mutex> lock(mutex);
    const auto found = captures.find(stream);
    if (found == captures.end()) return NOT_CAPTURED;
    const Capture capture = found->second;
    captures.erase(found);
    *graph = capture.status == LOST ? nullptr : capture.graph;
    if (capture.status == LOST) delete capture.graph;
    return capture.status == LOST ? CAPTURE_LOST : SUCCESS;
}

int cudaStreamIsCapturing(void* stream, int* status) {
    std::lock_guard<std::mutex> lock(mutex);
    const auto found = captures.find(stream);
    *status = found == captures.end() ? NOT_CAPTURING : found->second.status;
    return SUCCESS;
}

int cudaGraphInstantiate(Graph** executable, Graph* graph, unsigned long long) {
    *executable = new Graph(*graph);
    return SUCCESS;
}

int cudaGraphLaunch(Graph* executable, void* stream) {
    if (const int status = refuse_in_capture(stream)) return status;  // CUDA would nest the graphs
    note("graph " + std::to_string(executable->nodes.size()));
    for (const auto& node : executable->nodes) node();
    return SUCCESS;
}

int cudaGraphDestroy(Graph* graph) { delete graph; return SUCCESS; }
int cudaGraphExecDestroy(Graph* executable) { delete executable; return SUCCESS; }
int cudaGraphUpload(Graph*, void*) { return SUCCESS; }

}  // extern "C"
