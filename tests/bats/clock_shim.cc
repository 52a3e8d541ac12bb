// Preloaded into a server, moves its wall clock while it runs. $CLOCK_FILE holds three 64-bit numbers: an offset in
// microseconds, a rate in millionths, and since when that rate, by the true clock in microseconds. Only what a server
// asks for wall time is overridden, by system calls of our own: nothing is allocated or looked up, for an allocator may
// ask what time it is.
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

struct Setting {
    std::int64_t offset_us, millionths, since_us;
};

const volatile Setting *setting = nullptr;

__attribute__((constructor)) void map_setting() {
    const char *const path = std::getenv("CLOCK_FILE");
    const int file = path != nullptr ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *const memory = ::mmap(nullptr, sizeof(Setting), PROT_READ, MAP_SHARED, file, 0);
    ::close(file);
    if (memory != MAP_FAILED) setting = static_cast<const Setting *>(memory);
}

std::int64_t moved_ns() {
    timespec now{};
    ::syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    const std::int64_t ns = now.tv_sec * 1'000'000'000 + now.tv_nsec;
    if (setting == nullptr) return ns;
    return ns + setting->offset_us * 1000 + (ns / 1000 - setting->since_us) * setting->millionths / 1000;
}

} // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec *into) noexcept {
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return static_cast<int>(::syscall(SYS_clock_gettime, clock, into));
    const std::int64_t ns = moved_ns();
    *into = {ns / 1'000'000'000, ns % 1'000'000'000};
    return 0;
}

int gettimeofday(timeval *__restrict into, void *__restrict) noexcept {
    const std::int64_t us = moved_ns() / 1000;
    *into = {us / 1'000'000, us % 1'000'000};
    return 0;
}

time_t time(time_t *into) noexcept {
    const time_t seconds = moved_ns() / 1'000'000'000;
    if (into != nullptr) *into = seconds;
    return seconds;
}
}
