#include "process/child.hh"

#include "util/check.hh"
#include "util/error.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ; // NOLINT: POSIX's name

namespace redlock::process {

namespace {

constexpr std::size_t most_late_environment = 3072; // below PIPE_BUF: one write, whole or not at all
constexpr std::size_t most_late_variables = 16;

struct Pipe {
    UniqueFd read, write;
    Pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) < 0) throw_errno("create a pipe");
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
};

std::vector<char *> pointers(const std::vector<std::string> &strings) {
    std::vector<char *> out;
    out.reserve(strings.size() + most_late_variables + 1);
    for (const std::string &s : strings) out.push_back(const_cast<char *>(s.c_str())); // NOLINT: execve's type
    out.push_back(nullptr);
    return out;
}

// Everything below runs in the child between fork and exec: only async-signal-safe calls, no memory.

struct Gatekeeper {
    int gate;
    int report;
    pid_t parent;
    char **argv;
    char **envp;           // with room for the late variables
    std::size_t env_count; // without the final null
    const event::Signals *signals;
    int highest; // no descriptor of ours lies above
};

[[noreturn]] void fail(int report, int code) {
    // The parent learns it from the pipe; the exit code is only for who does not look.
    [[maybe_unused]] const ssize_t written = ::write(report, &code, sizeof code);
    ::_exit(code == ENOENT ? 127 : 126);
}

[[noreturn]] void wait_and_execute(const Gatekeeper &keeper) {
    ::setpgid(0, 0);
    // Dies with redlock; where redlock died before the call took effect, nobody would tell us.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != keeper.parent) ::_exit(0);

    // Copies of redlock's own descriptors would keep its connections open behind its back for as long as
    // this process waits. Descriptors that the user handed down are not close-on-exec, and stay.
    for (int fd = 3; fd <= keeper.highest; ++fd) {
        if (fd == keeper.gate || fd == keeper.report) continue;
        const int flags = ::fcntl(fd, F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) != 0) ::close(fd);
    }

    static std::array<char, most_late_environment> late;
    ssize_t got = 0;
    do got = ::read(keeper.gate, late.data(), late.size());
    while (got < 0 && errno == EINTR);
    if (got <= 0) ::_exit(0); // the gate was closed, not opened

    // NUL-terminated strings; one that is there already is replaced.
    std::size_t count = keeper.env_count;
    const char *end = late.data() + got;
    for (char *entry = late.data() + 1; entry < end; entry += std::strlen(entry) + 1) {
        const char *equals = std::strchr(entry, '=');
        const std::size_t name = static_cast<std::size_t>(equals - entry) + 1;
        std::size_t place = 0;
        while (place < count && std::strncmp(keeper.envp[place], entry, name) != 0) ++place;
        keeper.envp[place] = entry;
        if (place == count) ++count;
    }
    keeper.envp[count] = nullptr;

    keeper.signals->restore_in_child();
    ::execvpe(keeper.argv[0], keeper.argv, keeper.envp);
    fail(keeper.report, errno);
}

} // namespace

Child::Child(const Command &command, const event::Signals &signals) {
    check(!command.argv.empty(), "a command has at least its name");
    Pipe gate;
    Pipe report;
    const std::vector<std::string> environment = environment_with(command.environment);
    std::vector<char *> envp = pointers(environment);
    envp.resize(environment.size() + most_late_variables + 1);
    std::vector<char *> argv = pointers(command.argv);
    // New descriptors take the lowest free number, so those of the gate lie above all of ours, but for a
    // few whose makers left a number free below them meanwhile.
    const int highest = std::max(gate.write.get(), report.write.get()) + 16;
    const Gatekeeper keeper{gate.read.get(), report.write.get(), ::getpid(), argv.data(),
                            envp.data(),     environment.size(), &signals,   highest};
    pid_ = ::fork();
    if (pid_ < 0) throw_errno("start a process for", command.argv[0]);
    if (pid_ == 0) {
        // Our own copy of the writing end would keep the gate open for ever.
        gate.write.reset();
        wait_and_execute(keeper);
    }
    ::setpgid(pid_, pid_); // in both, so that neither has to wait for the other
    gate_ = std::move(gate.write);
    exec_report_ = std::move(report.read);
}

Child::~Child() {
    if (reaped_) return;
    if (gate_) {
        gate_.reset();
    } else {
        signal_group(SIGKILL); // only on the way out of an internal error
    }
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

bool Child::open(const std::vector<std::string> &more_environment) {
    check(gate_ && more_environment.size() <= most_late_variables, "the gate is opened once");
    // The first byte opens; the variables follow it.
    std::string message(1, '!');
    for (const std::string &entry : more_environment) {
        check(entry.find('=') != std::string::npos, "an environment entry has a name");
        message += entry;
        message += '\0';
    }
    check(message.size() <= most_late_environment, "the late environment is small");
    ssize_t written = 0;
    do written = ::write(gate_.get(), message.data(), message.size());
    while (written < 0 && errno == EINTR);
    gate_.reset();
    return written == static_cast<ssize_t>(message.size());
}

void Child::signal_group(int signal) const { ::kill(-pid_, signal); }

bool Child::group_exists() const { return ::kill(-pid_, 0) == 0 || errno == EPERM; }

bool Child::has_ended() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
}

std::optional<Status> Child::reap() {
    if (reaped_) return std::nullopt;
    int raw = 0;
    const pid_t got = ::waitpid(pid_, &raw, WNOHANG | WUNTRACED);
    if (got != pid_) return std::nullopt;
    const Status status(raw);
    if (!status.stopped()) {
        reaped_ = true;
        int code = 0;
        if (::read(exec_report_.get(), &code, sizeof code) == sizeof code) exec_error_ = code;
    }
    return status;
}

void reap_orphans(const std::vector<pid_t> &keep) {
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
        for (const pid_t kept : keep) {
            if (info.si_pid == kept) return; // its owner reaps it, then we are called again
        }
        ::waitpid(info.si_pid, nullptr, WNOHANG);
    }
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

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

} // namespace redlock::process
