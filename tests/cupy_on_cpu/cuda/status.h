// The status codes that the emulator returns, under names of its own: CUDA's libraries number theirs each from 0.
#pragma once

namespace emulator {

enum Status {
    SUCCESS = 0,

    // Driver and runtime
    OUT_OF_MEMORY = 2,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    NOT_FOUND = 500,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_LOST = 901,
    NOT_CAPTURED = 903,

    // NVRTC
    COMPILATION_FAILED = 6,

    // cuFFT
    EXECUTION_FAILED = 6,

    // cuBLAS and cuSOLVER
    NOT_SUPPORTED = 15,
    INVALID_VALUE = 3,
    TYPE_NOT_SUPPORTED = 9,
};

}  // namespace emulator
