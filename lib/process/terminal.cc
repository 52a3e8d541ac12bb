#include "process/terminal.hh"

#include <csignal>
#include <initializer_list>
#include <unistd.h>

namespace redlock::process {

Terminal::Terminal() {
    for (const int fd : {STDIN_FILENO, STDERR_FILENO, STDOUT_FILENO}) {
        if (::tcgetpgrp(fd) < 0) continue; // not a terminal, or not ours
        fd_ = fd;
        break;
    }
    both_ends_ = fd_ >= 0 && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

bool Terminal::give(pid_t group) {
    if (fd_ < 0) return false;
    if (::tcgetpgrp(fd_) == ::getpgrp() && ::tcsetpgrp(fd_, group) == 0) lent_to_ = group;
    return lent_to_ == group;
}

bool Terminal::take_back() {
    if (lent_to_ == 0) return false;
    // TTOU is blocked here (event/signals), so a background group may do this.
    const bool still_there = ::tcgetpgrp(fd_) == lent_to_;
    if (still_there) ::tcsetpgrp(fd_, ::getpgrp());
    lent_to_ = 0;
    return still_there;
}

void stop_own_group() {
    // The default action of TSTP, not STOP: the kernel refuses to stop an orphaned group, which nobody
    // could continue. Ours is blocked until the whole group has been sent it.
    ::kill(0, SIGTSTP);
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, SIGTSTP);
    sigset_t before;
    ::sigprocmask(SIG_UNBLOCK, &only, &before); // stops here
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

} // namespace redlock::process
