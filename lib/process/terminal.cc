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

int Terminal::to_lend() const { return both_ends_ && ::tcgetpgrp(fd_) == ::getpgrp() ? fd_ : -1; }

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

void Terminal::follow_stop(pid_t group, int stop_signal) {
    const bool wants_terminal = stop_signal == SIGTTIN || stop_signal == SIGTTOU;
    if (wants_terminal && give(group)) {
        ::kill(-group, SIGCONT);
        return;
    }
    if (fd_ < 0) return; // nobody does job control here: the command stays as it is
    had_it_before_stop_ = take_back();
    ::kill(-group, SIGSTOP); // its leader may have stopped alone
    ::kill(0, SIGTSTP);      // as Ctrl-Z would have done: a script around us stops, too
    stop_self();
    sigset_t pending;
    ::sigpending(&pending);
    if (::sigismember(&pending, SIGCONT) == 1 || wants_terminal) return;
    // We were not stopped, so nobody will continue us: an orphaned group ignores Ctrl-Z, and so does its command.
    continued(group);
    ::kill(-group, SIGCONT);
}

void Terminal::continued(pid_t group) {
    if (had_it_before_stop_) give(group);
    had_it_before_stop_ = false;
}

void stop_self() {
    ::raise(SIGTSTP); // stays pending, or is already
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, SIGTSTP);
    sigset_t before;
    ::sigprocmask(SIG_UNBLOCK, &only, &before); // stops here
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

} // namespace redlock::process
