#include "event/signals.hh"

#include "util/error.hh"

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

std::vector<int> Signals::take(const PollSet &set) {
    std::vector<int> taken;
    signalfd_siginfo info{};
    while (set.ready(slot_) != 0 && ::read(fd_.get(), &info, sizeof info) == sizeof info)
        taken.push_back(static_cast<int>(info.ssi_signo));
    return taken;
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
