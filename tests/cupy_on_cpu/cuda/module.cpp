// The driver's modules: what it loads is the path of a shared library, which NVRTC gave out as a compiled program.
#include "module.h"

#include <dlfcn.h>

#include <cstdio>

#include "status.h"

using emulator::Kernel;
using emulator::Threads;

struct Module {
    std::string path;
    void* library;
};

template <class Symbol>
static Symbol* find(void* library, const std::string& name) {
    return reinterpret_cast<Symbol*>(dlsym(library, name.c_str()));
}

extern "C" {

int cuModuleLoadData(Module** module, const char* path) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        std::fprintf(stderr, "CUDA emulator: %s\n", dlerror());
        return emulator::INVALID_IMAGE;
    }
    *module = new Module{path, library};
    return emulator::SUCCESS;
}

int cuModuleUnload(Module*) { return emulator::SUCCESS; }  // kernels may still hold on to it

int cuModuleGetFunction(Kernel** kernel, Module* module, const char* name) {
    auto* run = find<void(void**)>(module->library, "emulator_entry_" + std::string(name));
    if (!run) {
        std::fprintf(stderr, "CUDA emulator: there is no kernel %s in %s\n", name, module->path.c_str());
        return emulator::NOT_FOUND;
    }
    const int* threads = find<const int>(module->library, "emulator_threads");
    std::string source = module->path.substr(0, module->path.rfind('.')) + ".cu";
    std::vector<size_t> sizes;
    const auto* size = find<const size_t*()>(module->library, "emulator_sizes_" + std::string(name))();
    for (; *size; ++size) sizes.push_back(*size);
    *kernel = new Kernel{name, source, Threads(*threads), run, sizes};
    return emulator::SUCCESS;
}

int cuModuleGetGlobal(void** address, size_t* bytes, Module* module, const char* name) {
    *address = dlsym(module->library, name);
    *bytes = 0;
    return *address ? emulator::SUCCESS : emulator::NOT_FOUND;
}

int cuFuncGetAttribute(int* value, int, Kernel*) { *value = 1024; return emulator::SUCCESS; }
int cuFuncSetAttribute(Kernel*, int, int) { return emulator::SUCCESS; }

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Kernel*, int, size_t) {
    *blocks = 1;
    return emulator::SUCCESS;
}

int cuOccupancyMaxPotentialBlockSize(int* blocks, int* threads, Kernel*, void*, size_t, int) {
    *blocks = 132;
    *threads = 128;
    return emulator::SUCCESS;
}

}  // extern "C"
