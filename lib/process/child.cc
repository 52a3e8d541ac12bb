#include "process/child.hh"

#include "util/error.hh"

#include <cerrno>
#include <csignal>
#include <string_view>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ; // NOLINT: POSIX's name

namespace redlock::process {

namespace {

std::vector<char *> pointers(const std::vector<std::string> &strings) {
    std::vector<char *> out;
    out.reserve(strings.size() + 1);
    for (const std::string &s : strings) out.push_back(const_cast<char *>(s.c_str())); // NOLINT: execve's type
    out.push_back(nullptr);
    return out;
}

// The environment of this process with `additions` (NAME=VALUE) put over it.
std::vector<std::string> environment_with(const std::vector<std::string> &additions) {
    std::vector<std::string> out;
    for (char **entry = environ; *entry != nullptr; ++entry) {
        const std::string_view old = *entry;
        bool replaced = false;
        for (const std::string &addition : additions)
            replaced = replaced || old.starts_with(std::string_view(addition).substr(0, addition.find('=') + 1));
        if (!replaced) out.emplace_back(old);
    }
    out.insert(out.end(), additions.begin(), additions.end());
    return out;
}

struct Plan {
    char *const *argv;
    char *const *envp;
    const event::Signals *signals;
    int terminal;
    pid_t parent;
    volatile int error; // written by the child, in our memory
};

// The child runs in our memory while we stand still: only system calls, nothing is allocated.
[[gnu::noinline]] pid_t spawn(Plan &plan) {
    const pid_t pid = ::vfork();
    if (pid != 0) return pid;
    ::setpgid(0, 0);
    // Before it runs, so that it never finds itself in the background. TTOU is still blocked here.
    if (plan.terminal >= 0) ::tcsetpgrp(plan.terminal, ::getpid());
    // Dies with redlock; where redlock died before the call took effect, nobody would tell us.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == plan.parent) {
        plan.signals->restore_in_child();
        ::execvpe(plan.argv[0], plan.argv, plan.envp);
    }
    plan.error = errno;
    ::_exit(127);
}

} // namespace

Child::Child(const Program &program, const event::Signals &signals, int terminal) {
    check(!program.argv.empty(), "a command has at least its name");
    const std::vector<std::string> environment = environment_with(program.environment);
    const std::vector<char *> envp = pointers(environment);
    const std::vector<char *> argv = pointers(program.argv);
    Plan plan{argv.data(), envp.data(), &signals, terminal, ::getpid(), 0};
    pid_ = spawn(plan);
    if (pid_ < 0) throw_errno("start a process for", program.argv[0]);
    if (plan.error != 0) exec_error_ = plan.error;
}

Child::~Child() {
    if (reaped_) return;
    signal_group(SIGKILL);
    ::waitpid(pid_, nullptr, 0); // all signals are blocked: nothing interrupts
}

bool Child::signal_group(int signal) const { return ::kill(-pid_, signal) == 0 || errno == ESRCH; }

std::optional<Status> Child::poll() {
    if (reaped_) return std::nullopt;
    int raw = 0;
    if (::waitpid(pid_, &raw, WNOHANG | WUNTRACED) != pid_) return std::nullopt;
    const Status status(raw);
    reaped_ = !status.stopped();
    return status;
}

} // namespace redlock::process
