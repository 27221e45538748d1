// Devices, contexts, streams and events. Everything runs at once, in the thread that asks for it, so that a stream is
// only a number and there is never anything to wait for.
#include "device.h"

#include <cstdint>
#include <cstdlib>

#include "graph.h"
#include "status.h"
#include "trace.h"

namespace emulator {

static thread_local int device = 0;

int current_device() { return device; }

static int device_count() {
    const char* count = std::getenv("CUPY_ON_CPU_GPUS");
    return count ? std::atoi(count) : 1;
}

static int wait(void* stream) {
    if (const int status = refuse_in_capture(stream)) return status;
    note("wait");
    return SUCCESS;
}

static int wait_for_all() {
    if (const int status = refuse_in_any_capture()) return status;
    note("wait");
    return SUCCESS;
}

static int new_handle(void** handle) {
    static intptr_t last = 1000;
    *handle = reinterpret_cast<void*>(++last);
    return SUCCESS;
}

}  // namespace emulator

using namespace emulator;

extern "C" {

// What kind of device this is: one of compute capability 9.0

int cudaDriverGetVersion(int* version) { *version = 12090; return SUCCESS; }
int cudaRuntimeGetVersion(int* version) { *version = 12090; return SUCCESS; }
int cudaGetDeviceCount(int* count) { *count = device_count(); return SUCCESS; }

int cudaDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
        case 1: *value = 1024; break;   // threads of a block
        case 8: *value = 49152; break;  // bytes of shared memory of a block
        case 10: *value = 32; break;    // threads of a warp
        case 16: *value = 132; break;   // multiprocessors
        case 39: *value = 2048; break;  // threads of a multiprocessor
        case 75: *value = 9; break;     // compute capability, major and minor
        case 76: *value = 0; break;
        default: *value = 1;
    }
    return SUCCESS;
}

const char* cudaGetErrorName(int status) {
    switch (status) {
        case OUT_OF_MEMORY: return "cudaErrorMemoryAllocation";
        case INVALID_DEVICE: return "cudaErrorInvalidDevice";
        case CAPTURE_UNSUPPORTED: return "cudaErrorStreamCaptureUnsupported";
        case CAPTURE_LOST: return "cudaErrorStreamCaptureInvalidated";
        case NOT_CAPTURED: return "cudaErrorIllegalState";
        default: return "cudaErrorNotEmulated";
    }
}

const char* cudaGetErrorString(int status) {
    switch (status) {
        case OUT_OF_MEMORY: return "out of memory";
        case INVALID_DEVICE: return "invalid device ordinal";
        case CAPTURE_UNSUPPORTED: return "operation not permitted when stream is capturing";
        case CAPTURE_LOST: return "operation failed due to a previous error during capture";
        case NOT_CAPTURED: return "the stream is not being captured";
        default: return "not emulated";
    }
}

int cudaGetLastError() { return SUCCESS; }
int cuGetErrorName(int, const char** name) { *name = "CUDA_ERROR_NOT_EMULATED"; return SUCCESS; }
int cuGetErrorString(int, const char** text) { *text = "not emulated"; return SUCCESS; }

// Which device this thread works on

int cudaGetDevice(int* index) { *index = device; return SUCCESS; }

int cudaSetDevice(int index) {
    if (index < 0 || index >= device_count()) return INVALID_DEVICE;
    device = index;
    return SUCCESS;
}

int cudaDeviceSynchronize() { return wait_for_all(); }
int cudaDeviceCanAccessPeer(int* yes, int, int) { *yes = 1; return SUCCESS; }
int cuCtxGetDevice(int* index) { return cudaGetDevice(index); }
int cuCtxGetCurrent(void** context) { *context = reinterpret_cast<void*>(intptr_t(device) + 1); return SUCCESS; }
int cuCtxSetCurrent(void*) { return SUCCESS; }
int cuDevicePrimaryCtxRelease(int) { return SUCCESS; }
int cuStreamGetCtx(void*, void** context) { return cuCtxGetCurrent(context); }

// Streams and events

int cudaStreamCreate(void** stream) { return new_handle(stream); }
int cudaStreamCreateWithFlags(void** stream, unsigned) { return new_handle(stream); }
int cudaStreamCreateWithPriority(void** stream, unsigned, int) { return new_handle(stream); }
int cudaStreamSynchronize(void* stream) { return wait(stream); }
int cudaStreamGetFlags(void*, unsigned* flags) { *flags = 0; return SUCCESS; }
int cudaStreamGetPriority(void*, int* priority) { *priority = 0; return SUCCESS; }
int cudaEventCreate(void** event) { return new_handle(event); }
int cudaEventCreateWithFlags(void** event, unsigned) { return new_handle(event); }
int cudaEventSynchronize(void*) { return wait_for_all(); }
int cudaEventElapsedTime(float* milliseconds, void*, void*) { *milliseconds = 1; return SUCCESS; }

}  // extern "C"
