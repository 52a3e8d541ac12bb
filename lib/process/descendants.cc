#include "process/descendants.hh"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace redlock::process {

namespace {
// The children of each of a process's threads: the kernel keeps them apart.
void append_children(pid_t parent, std::vector<pid_t> &out) {
    std::error_code gone;
    for (const auto &task : std::filesystem::directory_iterator("/proc/" + std::to_string(parent) + "/task", gone)) {
        std::ifstream list(task.path() / "children");
        for (pid_t pid = 0; list >> pid;) out.push_back(pid);
    }
}
} // namespace

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

std::vector<pid_t> descendants() {
    std::vector<pid_t> found;
    append_children(::getpid(), found);
    for (std::size_t i = 0; i < found.size(); ++i) append_children(found[i], found);
    return found;
}

bool reap_orphans(pid_t keep) {
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return false;
        if (info.si_pid == 0 || info.si_pid == keep) return true;
        ::waitpid(info.si_pid, nullptr, WNOHANG);
    }
}

} // namespace redlock::process
