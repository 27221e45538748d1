#include "host_code.h"

#include <regex>
#include <sstream>

#include "module.h"

namespace emulator {

static bool contains(const std::string& source, const char* pattern) {
    return std::regex_search(source, std::regex(pattern));
}

static Threads threads_of(const std::string& source) {
    if (contains(source, "__sync|__shared__|__shfl|__ballot|cub/|thrust/|cooperative_groups")) return Threads::TOGETHER;
    // A thread of CuPy's elementwise kernels loops over elements: one thread for all of them would end at a `return`.
    return contains(source, "threadIdx|blockIdx|return\\s*;") ? Threads::INDEPENDENT : Threads::ONE;
}

// extern __shared__ T x[];  ->  T* x = (T*)emulator_shared_memory;
static std::string with_shared_memory(const std::string& source) {
    static const std::regex declaration(
        R"(extern\s+__shared__\s+(?:__align__\([^)]*\)\s+)?([\w<>: ]+?)\s+(\w+)\[\];)");
    return std::regex_replace(source, declaration, "$1* $2 = ($1*)emulator_shared_memory;");
}

static std::string entry(const std::string& name, const std::string& function) {
    return "extern \"C\" void emulator_entry_" + name + "(void** arguments) { emulator_call(&" + function +
           ", arguments); }\nextern \"C\" const size_t* emulator_sizes_" + name + "() { return emulator_sizes(&" +
           function + "); }\n";
}

// Whether what stands before a kernel makes it a template: those are reached by name expressions.
static bool ends_in_template(const std::string& before) {
    const size_t start = before.rfind("template");
    return start != std::string::npos && before.find_first_of(";}", start) == std::string::npos;
}

static std::vector<std::string> kernels_of(const std::string& source) {
    static const std::regex kernel(R"(__global__\s+(?:__launch_bounds__\([^)]*\)\s*)?void\s+)"
                                   R"((?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\()");
    std::vector<std::string> names;
    for (std::sregex_iterator found(source.begin(), source.end(), kernel), end; found != end; ++found) {
        if (!ends_in_template(source.substr(0, found->position()))) names.push_back((*found)[1]);
    }
    return names;
}

std::string host_code(const std::string& source, const std::vector<NameExpression>& expressions) {
    std::ostringstream code;
    code << "#include \"kernel.h\"\n" << with_shared_memory(source) << "\n";
    code << "extern \"C\" const int emulator_threads = " << static_cast<int>(threads_of(source)) << ";\n";
    for (const std::string& name : kernels_of(source)) code << entry(name, name);
    for (const NameExpression& known : expressions) code << entry(known.name, known.expression);
    return code.str();
}

}  // namespace emulator
