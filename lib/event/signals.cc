#include "event/signals.hh"

#include "util/error.hh"

#include <array>
#include <cerrno>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace redlock::event {

Signals::Signals() {
    sigset_t caught;
    ::sigfillset(&caught); // without the C library's own, and the kernel leaves out what nobody can catch
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) ::sigdelset(&caught, fault);
    // An ignored SIGCHLD would reap our children behind our back.
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &standard, &original_child_);
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) ::sigdelset(&caught, signal);
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
    ::sigaction(SIGCHLD, &original_child_, nullptr);
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
