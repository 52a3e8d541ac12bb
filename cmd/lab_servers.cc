#include "cmd/lab_servers.hh"

#include "event/clock.hh"
#include "process/terminal.hh"
#include "util/error.hh"
#include "util/text.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <netinet/in.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace redlock::cmd {

namespace {

constexpr Duration start_limit = seconds{30};
constexpr unsigned most_starts = 5; // of one server, each on another port

// The program's full path, looked up once: five servers must be five of the same.
std::string find_server() {
    const char *path = std::getenv("PATH");
    for (const char *name : {"redis-server", "valkey-server"}) {
        std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
        while (!rest.empty()) {
            const std::string_view folder = rest.substr(0, rest.find(':'));
            rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
            std::string file = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
            struct stat info {};
            if (::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(file.c_str(), X_OK) == 0)
                return file;
        }
    }
    throw LabUnavailable("lab: neither redis-server nor valkey-server is in PATH; install one of them, for "
                         "example with: apt-get install redis-server");
}

// A socket's path may have 107 bytes, and a URL takes these characters as they are.
bool fits_a_url(std::string_view folder) {
    return folder.starts_with('/') && folder.size() <= 107 - std::strlen("/redlock-lab.XXXXXX/node-64.sock") &&
           std::all_of(folder.begin(), folder.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::strchr("/._-", c) != nullptr;
           });
}

std::string make_folder() {
    const char *wanted = std::getenv("TMPDIR");
    std::string folder = wanted != nullptr && fits_a_url(wanted) ? wanted : "/tmp";
    folder += "/redlock-lab.XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) throw_errno("create the folder", folder);
    return folder;
}

void remove_folder(const std::string &folder) {
    std::error_code ignored; // what somebody else put there under another name stays with them
    std::filesystem::remove_all(folder, ignored);
}

// Leaves `kept` as descriptor 3, nothing of ours or of the user's beyond, and null at 0, 1 and 2: whoever
// reads our output to its end must not wait for a server or for the janitor.
void keep_only(int kept) {
    ::dup2(kept, 3);
    ::fcntl(3, F_SETFD, 0);
    const int null = ::open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) ::dup2(null, fd);
#ifdef SYS_close_range
    if (::syscall(SYS_close_range, 4U, ~0U, 0U) == 0) return;
#endif
    for (int fd = 4; fd < 1024; ++fd) ::close(fd);
}

unsigned free_port() {
    const UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto *generic = reinterpret_cast<sockaddr *>(&address); // NOLINT: the interface of sockets
    if (!probe || ::bind(probe.get(), generic, size) < 0 || ::getsockname(probe.get(), generic, &size) < 0)
        throw_errno("find a free port on", "127.0.0.1");
    return ntohs(address.sin_port);
}

void write_file(const std::string &name, const std::string &text) {
    const UniqueFd fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd || ::write(fd.get(), text.data(), text.size()) < 0) throw_errno("write", name);
}

std::string end_of_log(const std::string &name) {
    const UniqueFd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 2000> buffer{};
    const off_t size = ::lseek(fd.get(), 0, SEEK_END);
    const ssize_t got =
        ::pread(fd.get(), buffer.data(), buffer.size(), std::max<off_t>(0, size - off_t{buffer.size()}));
    std::string shown;
    std::string_view rest(buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        shown += "\n    " + printable(line);
    }
    return shown.empty() ? " (it is empty)" : shown;
}

} // namespace

LabServers::LabServers(const event::Signals &signals)
    : signals_(signals), program_(find_server()), folder_(make_folder()) {}

LabServers::LabServers(unsigned count, bool tcp, const event::Signals &signals) : LabServers(signals) {
    check(count >= 1, "a lab has a node");
    start_janitor();
    for (unsigned number = 1; number <= count; ++number) {
        Server &server = servers_.emplace_back();
        server.number = number;
        if (!tcp) server.socket = file(server, "sock");
        start(server);
    }
}

LabServers::~LabServers() {
    for (const Server &server : servers_) {
        if (server.pid <= 0) continue;
        ::kill(server.pid, SIGKILL);
        while (::waitpid(server.pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    lifeline_.reset();
    if (janitor_ > 0) {
        while (::waitpid(janitor_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
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

    // No terminal, no group and no signal reaches it: it has nothing to do but to outlive the rest.
    ::setsid();
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    keep_only(reader.get());
    char nothing = 0; // is ever written: only the end of file counts
    while (::read(3, &nothing, 1) < 0 && errno == EINTR) {
    }
    remove_folder(folder_);
    ::_exit(0);
}

void LabServers::start(Server &server) {
    if (server.socket.empty()) server.port = free_port();
    const std::string port = std::to_string(server.port);
    const std::string log = file(server, "log");
    std::vector<const char *> argv = {program_.c_str(), "--port", port.c_str(), "--bind",       "127.0.0.1", "--dir",
                                      folder_.c_str(),  "--save", "",           "--appendonly", "no"};
    if (!server.socket.empty())
        argv.insert(argv.end(), {"--unixsocket", server.socket.c_str(), "--unixsocketperm", "700"});
    argv.push_back(nullptr);

    ++server.starts;
    const pid_t parent = ::getpid();
    server.pid = ::fork();
    if (server.pid < 0) throw_errno("start a process for", program_);
    if (server.pid == 0) {
        ::setpgid(0, 0); // Ctrl-C is for the command
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1); // we died before the kernel knew
        keep_only(lifeline_.get());
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(out, STDOUT_FILENO);
        ::dup2(out, STDERR_FILENO);
        ::close(out);
        signals_.restore_in_child();
        ::execv(argv[0], const_cast<char **>(argv.data())); // NOLINT: execv's type
        const char *reason = ::strerror(errno);
        [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, reason, std::strlen(reason));
        ::_exit(127);
    }
    write_file(file(server, "pid"), fmt::format("{}\n", server.pid));
}

void LabServers::reap() {
    for (Server &server : servers_)
        if (server.pid > 0 && ::waitpid(server.pid, nullptr, WNOHANG) == server.pid) server.pid = -1;
}

std::string LabServers::file(const Server &server, const char *suffix) const {
    return fmt::format("{}/node-{}.{}", folder_, server.number, suffix);
}

std::string LabServers::node_list() const {
    std::string list;
    for (const Server &server : servers_) {
        if (!list.empty()) list += ',';
        list += server.socket.empty() ? fmt::format("redis://127.0.0.1:{}", server.port) : "unix://" + server.socket;
    }
    return list;
}

UniqueFd LabServers::dial(const Server &server) const {
    sockaddr_un local{};
    sockaddr_in loopback{};
    local.sun_family = AF_UNIX;
    loopback.sin_family = AF_INET;
    server.socket.copy(local.sun_path, sizeof local.sun_path - 1);
    loopback.sin_port = htons(static_cast<std::uint16_t>(server.port));
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool tcp = server.socket.empty();
    UniqueFd fd(::socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const void *address = tcp ? static_cast<const void *>(&loopback) : &local;
    // Blocking: both kinds answer at once, with a connection or a refusal.
    if (fd && ::connect(fd.get(), static_cast<const sockaddr *>(address), tcp ? sizeof loopback : sizeof local) < 0)
        fd.reset();
    return fd;
}

bool LabServers::answers(const Server &server, event::Signals &signals, Duration patience,
                         std::optional<int> &ending) const {
    // Not PING: on a port that our server lost to another one, that one would say PONG.
    constexpr std::string_view question = "INFO server\r\n";
    const std::string proof = fmt::format("\nprocess_id:{}\r\n", server.pid);
    std::string heard;
    const UniqueFd fd = dial(server);
    const bool asked = fd && ::send(fd.get(), question.data(), question.size(), MSG_NOSIGNAL) > 0;
    const Instant deadline = event::now() + patience;
    event::PollSet set;
    while (heard.find(proof) == std::string::npos) {
        if (event::now() >= deadline || ending) return false;
        set.clear();
        signals.watch(set);
        const std::size_t slot = asked ? set.add(fd.get(), POLLIN) : 0;
        set.wait(deadline);
        for (const int signal : signals.take(set)) {
            const event::DefaultAction action = event::default_action(signal);
            if (action == event::DefaultAction::terminate) ending = signal;
            if (action == event::DefaultAction::stop) process::stop_self();
        }
        if (!asked || set.ready(slot) == 0) continue;
        std::array<char, 4096> buffer{};
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got <= 0) return false;
        heard.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return true;
}

std::optional<int> LabServers::wait_until_ready(event::Signals &signals) {
    const Instant deadline = event::now() + start_limit;
    std::optional<int> ending;
    for (Server &server : servers_) {
        // A server that is not there yet is asked again at once, one that took the question has longer.
        while (!answers(server, signals, milliseconds{10}, ending)) {
            if (ending) return ending;
            reap();
            if (server.pid < 0) {
                // On a port, most likely somebody else was faster to take it.
                if (!server.socket.empty() || server.starts >= most_starts) complain(server, "ended at once");
                start(server);
            } else if (event::now() >= deadline) {
                complain(server, "does not answer");
            }
        }
    }
    return std::nullopt;
}

void LabServers::complain(const Server &server, const char *what) const {
    throw LabUnavailable(fmt::format("lab: {} for node {} {}; the end of its log:{}", program_, server.number, what,
                                     end_of_log(file(server, "log"))));
}

} // namespace redlock::cmd
