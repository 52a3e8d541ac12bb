// The servers of a lab: real redis-server (or valkey-server) processes that keep nothing on disk, on unix
// sockets in a private folder and, if wished, on loopback ports. They live exactly as long as this object:
//
//  - Its end, by return or by exception, kills them and removes the folder.
//  - If this process dies in any other way, KILL included, the kernel kills each server (parent-death
//    signal), and the janitor removes the folder: a process in a session of its own that waits on a
//    pipe, the lifeline, whose other end is held by us and by every server. End of file there means
//    that all of us are gone.
//
// Servers are no part of the terminal's foreground: Ctrl-C is for the command.
#pragma once

#include "cmd/settings.hh"
#include "event/signals.hh"
#include "util/fd.hh"

#include <stdexcept>
#include <string>
#include <sys/types.h>
#include <vector>

namespace redlock::cmd {

// There is no server program, or it does not start. The message is complete, and several lines long
// where it shows a server's log.
struct LabUnavailable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class LabServers {
  public:
    // Makes the folder. Throws LabUnavailable and SystemError; borrows both.
    LabServers(const LabSettings &settings, event::Signals &signals);
    ~LabServers();
    LabServers(const LabServers &) = delete;
    LabServers &operator=(const LabServers &) = delete;

    // Returns 0 when every server is ready, or the first signal that should end this process. Throws SystemError, and
    // LabUnavailable with the end of the log of a server that does not start.
    int start();

    // Buries servers that have ended (a command may kill them: that is what a lab is for).
    void reap();

    // For REDLOCK_NODES: URLs, comma-separated.
    [[nodiscard]] std::string node_list() const;
    // Holds node-1.log, node-1.pid, node-1.sock, and so on for each node.
    [[nodiscard]] const std::string &folder() const { return folder_; }
    // The server program's path.
    [[nodiscard]] const std::string &program() const { return program_; }

  private:
    struct Server {
        std::size_t number = 0; // from 1
        std::uint64_t port = 0; // 0: none
        pid_t pid = -1;         // -1: has ended
    };

    void start_janitor();
    void start_server(Server &server);
    [[nodiscard]] std::string file(const Server &server, const char *suffix) const;
    [[nodiscard]] std::string log_of(const Server &server) const;
    [[noreturn]] void complain(const Server &server, const char *what) const;

    const LabSettings &settings_;
    event::Signals &signals_;
    std::string program_;
    std::string folder_;
    UniqueFd lifeline_;
    pid_t janitor_ = -1;
    std::vector<Server> servers_;
};

} // namespace redlock::cmd
