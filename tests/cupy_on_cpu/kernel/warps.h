// What the threads of a warp tell each other. All of them must take part: masks are not looked at.
#pragma once

template <class T>
T emulator_receive(T value, int lane) {
    static_assert(sizeof(T) <= sizeof(uint64_t));
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    bits = emulator_exchange(bits, lane);
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <class T>
T __shfl_sync(unsigned, T value, int lane, int = 32) { return emulator_receive(value, lane); }

template <class T>
T __shfl_xor_sync(unsigned, T value, int mask, int = 32) { return emulator_receive(value, emulator_lane() ^ mask); }

// From the lane that many places above or below; where there is none, a thread keeps its own value.

template <class T>
T __shfl_down_sync(unsigned, T value, unsigned distance, int = 32) {
    const int own = emulator_lane(), lane = own + int(distance);
    return emulator_receive(value, lane < warpSize ? lane : own);
}

template <class T>
T __shfl_up_sync(unsigned, T value, unsigned distance, int = 32) {
    const int own = emulator_lane(), lane = own - int(distance);
    return emulator_receive(value, lane >= 0 ? lane : own);
}
