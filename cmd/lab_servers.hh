// The servers of a lab: real redis-server (or valkey-server) processes that keep nothing on disk, on unix
// sockets in a private folder or on loopback ports. They live exactly as long as this object:
//
//  - Its end, by return or by exception, kills them and removes the folder.
//  - If this process dies in any other way, KILL included, the kernel kills each server (parent-death
//    signal), and the janitor removes the folder: a process in a session of its own that waits on a
//    pipe, the lifeline, whose other end is held by us and by every server. End of file there means
//    that all of us are gone.
//
// Servers are no part of the terminal's foreground: Ctrl-C is for the command.
#pragma once

#include "event/signals.hh"
#include "util/fd.hh"
#include "util/time.hh"

#include <optional>
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
    // Makes the folder, starts the janitor and the servers. Throws LabUnavailable and SystemError.
    LabServers(unsigned count, bool tcp, const event::Signals &signals);
    ~LabServers();
    LabServers(const LabServers &) = delete;
    LabServers &operator=(const LabServers &) = delete;

    // Returns when every server answers, or with the first signal that should end this process.
    // Throws LabUnavailable with the end of the log of a server that does not start.
    std::optional<int> wait_until_ready(event::Signals &signals);

    // Buries servers that have ended (a command may kill them: that is what a lab is for).
    void reap();

    // For REDLOCK_NODES: URLs, comma-separated.
    [[nodiscard]] std::string node_list() const;
    // Holds node-1.log, node-1.pid, for unix sockets node-1.sock, and so on for each node.
    [[nodiscard]] const std::string &folder() const { return folder_; }
    // The server program's path.
    [[nodiscard]] const std::string &program() const { return program_; }

  private:
    struct Server {
        unsigned number = 0; // from 1
        pid_t pid = -1;      // -1: has ended
        std::string socket;  // unix; empty for TCP
        unsigned port = 0;   // TCP
        unsigned starts = 0;
    };

    explicit LabServers(const event::Signals &signals);
    void start_janitor();
    void start(Server &server);
    [[nodiscard]] std::string file(const Server &server, const char *suffix) const;
    [[nodiscard]] UniqueFd dial(const Server &server) const;
    // Does the server that we started, and no other one on a port that it lost, answer within `patience`?
    // A signal that should end this process ends the wait, too, and is put into `ending`.
    [[nodiscard]] bool answers(const Server &server, event::Signals &signals, Duration patience,
                               std::optional<int> &ending) const;
    [[noreturn]] void complain(const Server &server, const char *what) const;

    const event::Signals &signals_;
    std::string program_;
    std::string folder_;
    UniqueFd lifeline_;
    pid_t janitor_ = -1;
    std::vector<Server> servers_;
};

} // namespace redlock::cmd
