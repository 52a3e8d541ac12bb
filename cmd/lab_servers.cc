#include "cmd/lab_servers.hh"

#include "cmd/job.hh"
#include "event/clock.hh"
#include "process/interruption.hh"
#include "util/error.hh"
#include "util/random.hh"
#include "util/text.hh"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace redlock::cmd {

namespace {

constexpr Duration start_limit = seconds{30};
constexpr int most_starts = 5; // of one server, each on another port

// The program's full path, looked up once: five servers must be five of the same.
std::string find_server() {
    const char *path = std::getenv("PATH");
    for (const char *name : {"redis-server", "valkey-server"}) {
        std::istringstream folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
        for (std::string folder; std::getline(folders, folder, ':');) {
            std::string file = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
            std::error_code unreadable;
            if (std::filesystem::is_regular_file(file, unreadable) && ::access(file.c_str(), X_OK) == 0) return file;
        }
    }
    throw LabUnavailable("lab: neither redis-server nor valkey-server is in PATH; install one of them, for "
                         "example with: apt-get install redis-server");
}

std::string make_folder() {
    const char *wanted = std::getenv("TMPDIR");
    std::string folder = wanted != nullptr ? wanted : "";
    // A socket's path may have 107 bytes, and a URL takes these characters as they are (in the C locale).
    if (!folder.starts_with('/') || folder.size() > 107 - std::strlen("/redlock-lab.XXXXXX/node-64.sock") ||
        !std::all_of(folder.begin(), folder.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || std::strchr("/._-", c) != nullptr; }))
        folder = "/tmp";
    folder += "/redlock-lab.XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) throw_errno("create the folder", folder);
    return folder;
}

void remove_folder(const std::string &folder) {
    std::error_code ignored; // what somebody else put there under another name stays with them
    std::filesystem::remove_all(folder, ignored);
}

// Leaves `kept` as descriptor 3, null as input, `output` as 1 and 2, and nothing of ours or of the user's beyond:
// whoever reads our output to its end must not wait for a server or for the janitor.
void keep_only(int kept, const char *output) {
    ::dup2(kept, 3);
    ::fcntl(3, F_SETFD, 0);
    const int out = ::open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(::open("/dev/null", O_RDONLY), 0);
    for (const int fd : {1, 2}) ::dup2(out, fd);
    ::closefrom(4);
}

} // namespace

LabServers::LabServers(const LabSettings &settings, event::Signals &signals)
    : settings_(settings), signals_(signals), program_(find_server()), folder_(make_folder()) {}

LabServers::~LabServers() {
    for (const Server &server : servers_) {
        if (server.pid <= 0) continue;
        ::kill(server.pid, SIGKILL);
        ::waitpid(server.pid, nullptr, 0);
    }
    lifeline_.reset();
    if (janitor_ > 0) ::waitpid(janitor_, nullptr, 0);
    remove_folder(folder_); // in case somebody killed the janitor
}

void LabServers::start_janitor() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) throw_errno("create a pipe");
    const UniqueFd reader(ends[0]);
    lifeline_.reset(ends[1]);
    janitor_ = ::fork();
    if (janitor_ < 0) throw_errno("start a process to clean up after", folder_);
    if (janitor_ > 0) return;

    // No terminal, no group and no signal (all are blocked) reaches it: it has nothing to do but to outlive the rest.
    ::setsid();
    keep_only(reader.get(), "/dev/null");
    char nothing = 0; // is ever written: only the end of file counts
    while (::read(3, &nothing, 1) > 0) {
    }
    remove_folder(folder_);
    ::_exit(0);
}

void LabServers::start_server(Server &server) {
    // A guess, below the ports that the kernel gives to clients: where it is taken the server ends at once.
    if (settings_.tcp) server.port = 20'000 + random_seed() % 12'000;
    const pid_t parent = ::getpid();
    server.pid = ::fork();
    if (server.pid < 0) throw_errno("start a process for", program_);
    if (server.pid == 0) {
        ::setpgid(0, 0); // Ctrl-C is for the command
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1); // we died before the kernel knew
        keep_only(lifeline_.get(), file(server, "log").c_str());
        signals_.restore_in_child();
        ::execl(program_.c_str(), program_.c_str(), "--port", std::to_string(server.port).c_str(), "--bind",
                "127.0.0.1", "--unixsocket", file(server, "sock").c_str(), "--unixsocketperm", "700", "--dir",
                folder_.c_str(), "--save", "", "--appendonly", "no", static_cast<char *>(nullptr));
        std::perror(program_.c_str());
        ::_exit(127);
    }
    if (!(std::ofstream(file(server, "pid")) << server.pid << std::endl)) throw_errno("write", file(server, "pid"));
}

int LabServers::start() {
    start_janitor();
    for (std::size_t number = 1; number <= settings_.nodes; ++number)
        start_server(servers_.emplace_back(Server{.number = number}));
    const Instant deadline = event::now() + start_limit;
    process::Interruption interruption;
    for (Server &server : servers_) {
        // What it says once it listens ("Ready ..." or "The server is now ready ...").
        for (int starts = 1; log_of(server).find("eady to accept connections") == std::string::npos;) {
            interruption.note(wait_for_signals(signals_, event::now() + milliseconds{3}));
            if (interruption.signal() != 0) return interruption.signal();
            reap();
            if (server.pid > 0 && event::now() >= deadline) complain(server, "does not answer");
            if (server.pid > 0) continue;
            // On a port, most likely somebody else was faster to take it.
            if (!settings_.tcp || ++starts > most_starts) complain(server, "ended at once");
            start_server(server);
        }
    }
    return 0;
}

void LabServers::reap() {
    for (Server &server : servers_)
        if (server.pid > 0 && ::waitpid(server.pid, nullptr, WNOHANG) == server.pid) server.pid = -1;
}

std::string LabServers::node_list() const {
    std::string list;
    for (const Server &server : servers_) {
        if (!list.empty()) list += ',';
        list += settings_.tcp ? fmt::format("redis://127.0.0.1:{}", server.port) : "unix://" + file(server, "sock");
    }
    return list;
}

std::string LabServers::file(const Server &server, const char *suffix) const {
    return fmt::format("{}/node-{}.{}", folder_, server.number, suffix);
}

std::string LabServers::log_of(const Server &server) const {
    std::ifstream log(file(server, "log"));
    return {std::istreambuf_iterator<char>(log), {}};
}

void LabServers::complain(const Server &server, const char *what) const {
    constexpr std::size_t most = 2000;
    const std::string log = log_of(server);
    std::istringstream lines(log.substr(log.size() - std::min(log.size(), most)));
    std::string shown;
    for (std::string line; std::getline(lines, line);) shown += "\n    " + printable(line);
    throw LabUnavailable(fmt::format("lab: {} for node {} {}; the end of its log:{}", program_, server.number, what,
                                     shown.empty() ? " (it is empty)" : shown));
}

} // namespace redlock::cmd
