// CUDA C as C++ that the host's compiler takes.
#pragma once
#include <string>
#include <vector>

namespace emulator {

// A kernel that is an instance of a template, and the name that NVRTC gives it.
struct NameExpression {
    std::string expression, name;
};

// Returns C++ that holds the kernels of a CUDA source, and for each a function by which module.cpp calls it.
std::string host_code(const std::string& source, const std::vector<NameExpression>& expressions);

}  // namespace emulator
