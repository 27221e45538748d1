// How the emulator calls a kernel: with the addresses of its arguments, as the driver gets them; and their sizes.
#pragma once

template <class... Arguments, size_t... Places>
void emulator_call(void (*kernel)(Arguments...), void** addresses, std::index_sequence<Places...>) {
    kernel(*static_cast<std::remove_cv_t<std::remove_reference_t<Arguments>>*>(addresses[Places])...);
}

template <class... Arguments>
void emulator_call(void (*kernel)(Arguments...), void** addresses) {
    emulator_call(kernel, addresses, std::index_sequence_for<Arguments...>());
}

// The bytes of each argument, and 0 at the end.
template <class... Arguments>
const size_t* emulator_sizes(void (*)(Arguments...)) {
    static const size_t sizes[] = {sizeof(std::remove_reference_t<Arguments>)..., 0};
    return sizes;
}
