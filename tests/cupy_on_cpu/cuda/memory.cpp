// Device memory is the host's own, filled with garbage when it is allocated: whoever reads what nobody wrote sees it.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "device.h"
#include "graph.h"
#include "status.h"
#include "trace.h"

namespace emulator {

constexpr size_t ALIGNMENT = 512;
constexpr size_t LARGEST = size_t(6) << 30;  // what is larger is out of memory
constexpr int GARBAGE = 0xA5;
constexpr int TO_DEVICE = 1, TO_HOST = 2;

struct Block {
    size_t bytes;
    int device;
};

static std::mutex mutex;
static std::map<const char*, Block> blocks;

static size_t rounded_up(size_t bytes) { return (bytes / ALIGNMENT + 1) * ALIGNMENT; }

// The block of device memory that an address is in; nullptr for memory of the host.
static const Block* block_of(const void* address) {
    auto next = blocks.upper_bound(static_cast<const char*>(address));
    if (next == blocks.begin()) return nullptr;
    const auto& [start, block] = *std::prev(next);
    return address < start + rounded_up(block.bytes) ? &block : nullptr;
}

// The device that a block of memory was allocated on; the current one for memory of the host.
static int device_of(const void* address) {
    std::lock_guard<std::mutex> lock(mutex);
    const Block* block = block_of(address);
    return block ? block->device : current_device();
}

static bool are_on_device(const void* one, const void* other) {
    std::lock_guard<std::mutex> lock(mutex);
    return block_of(one) && block_of(other);
}

static int copy(void* to, const void* from, size_t bytes) {
    std::memmove(to, from, bytes);
    return SUCCESS;
}

}  // namespace emulator

using namespace emulator;

extern "C" {

int cudaMalloc(void** address, size_t bytes) {
    if (bytes > LARGEST) return OUT_OF_MEMORY;
    *address = std::aligned_alloc(ALIGNMENT, rounded_up(bytes));
    std::memset(*address, GARBAGE, bytes);
    std::lock_guard<std::mutex> lock(mutex);
    blocks[static_cast<const char*>(*address)] = {bytes, current_device()};
    return SUCCESS;
}

int cudaFree(void* address) {
    std::lock_guard<std::mutex> lock(mutex);
    blocks.erase(static_cast<const char*>(address));
    std::free(address);
    return SUCCESS;
}

int cudaMallocAsync(void** address, size_t bytes, void*) { return cudaMalloc(address, bytes); }
int cudaFreeAsync(void* address, void*) { return cudaFree(address); }

int cudaHostAlloc(void** address, size_t bytes, unsigned) {
    *address = std::aligned_alloc(ALIGNMENT, rounded_up(bytes));
    return SUCCESS;
}

int cudaFreeHost(void* address) { std::free(address); return SUCCESS; }

int cudaMemGetInfo(size_t* free, size_t* total) {
    *free = size_t(70) << 30;
    *total = size_t(80) << 30;
    return SUCCESS;
}

int cudaMemcpy(void* to, const void* from, size_t bytes, int kind) {
    if (kind == TO_DEVICE) note("copy to device " + std::to_string(bytes));
    if (kind == TO_HOST) note("copy to host " + std::to_string(bytes));
    return copy(to, from, bytes);
}

int cudaMemcpyAsync(void* to, const void* from, size_t bytes, int kind, void* stream) {
    if (!are_on_device(to, from)) {
        // CUDA would keep the address, whose contents may be others when the graph is launched.
        const int status = refuse_in_capture(stream);
        return status ? status : cudaMemcpy(to, from, bytes, kind);
    }
    if (!is_captured(stream)) note("copy on device " + std::to_string(bytes));
    return submit(stream, [=] { copy(to, from, bytes); });
}

int cudaMemcpyPeer(void* to, int, const void* from, int, size_t bytes) { return copy(to, from, bytes); }
int cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t bytes, void*) { return copy(to, from, bytes); }
int cudaMemset(void* to, int value, size_t bytes) { std::memset(to, value, bytes); return SUCCESS; }
int cudaMemsetAsync(void* to, int value, size_t bytes, void* stream) {
    return submit(stream, [=] { std::memset(to, value, bytes); });
}

// As CuPy's stub of the header declares cudaPointerAttributes.
struct PointerAttributes {
    int device;
    void* device_pointer;
    void* host_pointer;
};

int cudaPointerGetAttributes(PointerAttributes* attributes, const void* address) {
    *attributes = {device_of(address), const_cast<void*>(address), nullptr};
    return SUCCESS;
}

}  // extern "C"
