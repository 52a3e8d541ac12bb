#include "event/signals.hh"

#include "util/error.hh"

#include <array>
#include <cerrno>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace redlock::event {

namespace {
// Left to act in their default way: our own faults, and what nobody can catch.
bool is_left_alone(int signal) {
    switch (signal) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGSYS: return true;
    default: return signal > 31 && signal < SIGRTMIN; // the C library's own
    }
}
} // namespace

Signals::Signals() {
    sigset_t caught;
    ::sigemptyset(&caught);
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        if (is_left_alone(signal)) continue;
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) < 0) continue;
        if (signal == SIGCHLD) {
            // An ignored SIGCHLD would reap our children behind our back.
            child_was_ignored_ = action.sa_handler == SIG_IGN;
            struct sigaction standard {};
            standard.sa_handler = SIG_DFL;
            ::sigaction(SIGCHLD, &standard, nullptr);
        } else if (action.sa_handler == SIG_IGN) {
            continue;
        }
        ::sigaddset(&caught, signal);
    }
    if (::sigprocmask(SIG_BLOCK, &caught, &original_mask_) < 0) throw_errno("block signals");
    // SIGPIPE stays blocked but is not reported: writing to a closed pipe is an error that the writer
    // sees, neither a death with the lock held nor news for the command.
    ::sigdelset(&caught, SIGPIPE);
    fd_.reset(::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd_) throw_errno("open a descriptor for signals");
}

std::vector<int> Signals::take(const PollSet &set) { return set.ready(slot_) != 0 ? take_now() : std::vector<int>{}; }

std::vector<int> Signals::take_now() {
    std::vector<int> taken;
    std::array<signalfd_siginfo, 16> infos{};
    for (;;) {
        const ssize_t got = ::read(fd_.get(), infos.data(), sizeof infos);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return taken;
        const auto count = static_cast<std::size_t>(got) / sizeof(signalfd_siginfo);
        for (std::size_t i = 0; i < count; ++i) taken.push_back(static_cast<int>(infos[i].ssi_signo));
        if (count < infos.size()) return taken;
    }
}

void Signals::restore_in_child() const {
    if (child_was_ignored_) {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGCHLD, &ignore, nullptr);
    }
    ::sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
}

DefaultAction default_action(int signal) {
    switch (signal) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH: return DefaultAction::none;
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU: return DefaultAction::stop;
    default: return DefaultAction::terminate;
    }
}

void die_of(int signal) {
    const rlimit no_core{};
    ::setrlimit(RLIMIT_CORE, &no_core);
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, signal);
    ::raise(signal);
    ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
    ::_exit(128 + signal);
}

} // namespace redlock::event
