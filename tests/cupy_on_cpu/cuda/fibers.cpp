#include "fibers.h"

#include <ucontext.h>

#include <memory>
#include <vector>

#include "threads.h"

namespace emulator {

constexpr unsigned WARP = 32;
constexpr size_t STACK = 64 * 1024;

// Opens when all who have not left have arrived.
struct Barrier {
    unsigned members = 0, arrived = 0, openings = 0;

    void arrive();
    void leave();
    void open_if_complete();
};

struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack{new char[STACK]};
    bool done;
};

struct Warp {
    Barrier barrier;
    uint64_t values[WARP];  // what each lane gives to the others in emulator_exchange
};

static std::vector<std::unique_ptr<Fiber>> fibers;  // kept from launch to launch, with their stacks
static std::vector<Warp> warps;
static Barrier block;
static ucontext_t scheduler;
static unsigned running;
static const std::function<void()>* body;

static void let_others_run() { swapcontext(&fibers[running]->context, &scheduler); }

void Barrier::open_if_complete() {
    if (members > 0 && arrived == members) {
        arrived = 0;
        ++openings;
    }
}

void Barrier::arrive() {
    const unsigned seen = openings;
    ++arrived;
    open_if_complete();
    while (openings == seen) let_others_run();
}

void Barrier::leave() {
    --members;
    open_if_complete();
}

static Warp& own_warp() { return warps[running / WARP]; }

// What each fiber runs. It never returns: the scheduler drops it.
static void fiber_main() {
    (*body)();
    fibers[running]->done = true;
    block.leave();
    own_warp().barrier.leave();
    let_others_run();
}

static void prepare(Fiber& fiber) {
    fiber.done = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = &scheduler;
    makecontext(&fiber.context, fiber_main, 0);
}

void run_together(unsigned threads, const std::function<void()>& what, const std::function<void(unsigned)>& enter) {
    body = &what;
    block = {threads};
    warps.assign((threads + WARP - 1) / WARP, {});
    while (fibers.size() < threads) fibers.push_back(std::make_unique<Fiber>());
    for (unsigned i = 0; i < threads; ++i) {
        ++warps[i / WARP].barrier.members;
        prepare(*fibers[i]);
    }
    for (unsigned left = threads; left > 0;) {
        for (running = 0; running < threads; ++running) {
            if (fibers[running]->done) continue;
            enter(running);
            swapcontext(&scheduler, &fibers[running]->context);
            left -= fibers[running]->done;
        }
    }
}

}  // namespace emulator

using namespace emulator;

extern "C" {

void emulator_syncthreads() { block.arrive(); }
void emulator_syncwarp() { own_warp().barrier.arrive(); }
int emulator_lane() { return running % WARP; }

uint64_t emulator_exchange(uint64_t value, int lane) {
    Warp& warp = own_warp();
    warp.values[running % WARP] = value;
    warp.barrier.arrive();
    const uint64_t received = warp.values[lane % WARP];
    warp.barrier.arrive();  // nobody writes again before all have read
    return received;
}

}  // extern "C"
