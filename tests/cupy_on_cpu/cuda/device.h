// The emulated GPUs.
#pragma once

namespace emulator {

int current_device();

}  // namespace emulator
