// NVRTC: kernels are compiled by the host's compiler into shared libraries, kept in a folder by a hash of their source.
//
// A "compiled program" is the path of its library; module.cpp loads it.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "config.h"  // COMPILE, the compiler's command, and KERNELS, the folder: build.py writes it
#include "host_code.h"
#include "status.h"

namespace emulator {

struct Program {
    std::string source, log, image;
    std::vector<NameExpression> expressions;
};

// Fowler, Noll and Vo's FNV-1a
static std::string hash(const std::string& text) {
    uint64_t sum = 14695981039346656037u;
    for (unsigned char byte : text) sum = (sum ^ byte) * 1099511628211u;
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(sum));
    return digits;
}

static bool exists(const std::string& path) { return access(path.c_str(), R_OK) == 0; }

static std::string read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

static void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// Several processes may compile the same source: each does so under a name of its own, and the last one to finish wins.
static int compile(Program& program, const std::string& stem, const std::string& macros) {
    const std::string own = stem + "." + std::to_string(getpid());
    write(own + ".cpp", host_code(program.source, program.expressions));
    const std::string command = COMPILE + macros + " -o " + own + ".so " + own + ".cpp > " + own + ".log 2>&1";
    const int status = std::system(command.c_str());
    program.log = read(own + ".log");
    std::remove((own + ".log").c_str());
    if (status != 0) {
        std::fprintf(stderr, "CUDA emulator: %s.cpp does not compile\n%.2000s\n", own.c_str(), program.log.c_str());
        return COMPILATION_FAILED;
    }
    std::remove((own + ".cpp").c_str());
    std::rename((own + ".so").c_str(), program.image.c_str());
    return SUCCESS;
}

static int size_of(const std::string& text, size_t* bytes) {
    *bytes = text.size() + 1;
    return SUCCESS;
}

static int give(const std::string& text, char* to) {
    std::memcpy(to, text.c_str(), text.size() + 1);
    return SUCCESS;
}

}  // namespace emulator

using namespace emulator;

extern "C" {

const char* nvrtcGetErrorString(int status) {
    return status == COMPILATION_FAILED ? "NVRTC_ERROR_COMPILATION" : "not emulated";
}

int nvrtcVersion(int* major, int* minor) { *major = 12; *minor = 9; return SUCCESS; }
int nvrtcGetNumSupportedArchs(int* count) { *count = 1; return SUCCESS; }
int nvrtcGetSupportedArchs(int* architectures) { architectures[0] = 90; return SUCCESS; }

int nvrtcCreateProgram(Program** program, const char* source, const char*, int, const char**, const char**) {
    *program = new Program{source, "", "", {}};
    return SUCCESS;
}

int nvrtcDestroyProgram(Program** program) { delete *program; return SUCCESS; }

int nvrtcAddNameExpression(Program* program, const char* expression) {
    program->expressions.push_back({expression, "named_" + hash(expression)});
    return SUCCESS;
}

int nvrtcGetLoweredName(Program* program, const char* expression, const char** name) {
    for (const NameExpression& known : program->expressions) {
        if (known.expression == expression) *name = known.name.c_str();
    }
    return SUCCESS;
}

int nvrtcCompileProgram(Program* program, int count, const char** given) {
    std::string options, macros;
    for (int i = 0; i < count; ++i) {
        const std::string option = given[i];
        options += option + "\n";
        if (option.rfind("-D", 0) == 0) macros += " '" + option + "'";  // the others mean nothing to the host's compiler
    }
    std::string identity = program->source + macros;
    for (const NameExpression& known : program->expressions) identity += known.expression + "\n";
    const std::string stem = KERNELS "/" + hash(identity);
    program->image = stem + ".so";
    if (exists(program->image)) return SUCCESS;
    mkdir(KERNELS, 0777);
    write(stem + ".cu", program->source);
    write(stem + ".options", options);
    return compile(*program, stem, macros);
}

int nvrtcGetPTXSize(Program* program, size_t* bytes) { return size_of(program->image, bytes); }
int nvrtcGetPTX(Program* program, char* to) { return give(program->image, to); }
int nvrtcGetCUBINSize(Program* program, size_t* bytes) { return size_of(program->image, bytes); }
int nvrtcGetCUBIN(Program* program, char* to) { return give(program->image, to); }
int nvrtcGetProgramLogSize(Program* program, size_t* bytes) { return size_of(program->log, bytes); }
int nvrtcGetProgramLog(Program* program, char* to) { return give(program->log, to); }

}  // extern "C"
