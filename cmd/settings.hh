// Settings: what was typed, then the environment, then the defaults, validated. Made once, before anything else
// happens. Afterwards nothing reads the command line or the environment again. Each group goes to those parts of cmd
// that need it.
//
// A mistake is a UsageError (64) if a typed value takes part in it. It is a ConfigError (78) if all of it comes from
// the environment, or if something is missing there. Messages name the origin of the value (cmd/origin.hh).
#pragma once

#include "cmd/cli.hh"
#include "cmd/exit_code.hh"
#include "cmd/sources.hh"
#include "cmd/timing.hh"
#include "config/node_url.hh"
#include "core/message.hh"

#include <csignal>
#include <optional>
#include <string>
#include <vector>

namespace redlock::cmd {

// The nodes, and what all their users must have in common. Empty for lab.
struct Cluster {
    std::vector<config::NodeUrl> nodes{}; // with their passwords
    std::size_t quorum = 0;               // a majority, at most the number of nodes (protocol 3.1)
    Duration guard{};                     // 0: off
    std::string prefix{};
    std::string same_again{}; // "with the same -S and --quorum", for messages about `init`; mostly empty

    [[nodiscard]] core::Agreement agreement() const { return {prefix, nodes.size(), quorum, guard}; }
    // The key of a lock on each node (protocol 3.2): bytes, never text.
    [[nodiscard]] std::string key(const std::string &name) const { return prefix + name; }
};

// The lock that the command is about.
struct Target {
    std::string name{};               // as typed; the first of `names`
    std::vector<std::string> names{}; // status: all of them; lab, init and doctor: none
    std::string token{};              // extend, release
    std::string held{};               // REDLOCK_HELD as it was found (cmd/enclosing.hh)
};

// How exec and acquire ask for the lock.
struct Claim {
    std::string owner{}, why{};     // for other people to see
    std::optional<Duration> wait{}; // nullopt: forever; zero: do not wait
    int conflict_exit_code = exit_code::busy;
};

// The command that exec and lab run.
struct JobSettings {
    std::vector<std::string> words{}; // ready for execvp
    bool users_shell = false;         // `words` is the user's shell, because lab was given no COMMAND
    std::string not_found_hint{};     // added to the message if COMMAND does not exist; mostly empty
    int signal = SIGTERM;             // the first signal to a COMMAND that must end
};

// The result on stdout.
enum class Format { nothing, token, env, json };

struct Output {
    int verbosity = 0; // -1 quiet, 1 -v
    Format format = Format::nothing;
    std::string token_file{}; // acquire; empty: none
};

struct InitSettings {
    bool reconfigure = false, no_wait = false;
};

struct LabSettings {
    std::size_t nodes = 5;
    bool tcp = false;
};

struct Settings {
    Command command = Command::exec;
    Cluster cluster{};
    Target target{};
    Claim claim{};
    Timing timing{}; // complete; for a command that takes --ttl, known to fit
    JobSettings job{};
    Output output{};
    InitSettings init{};
    LabSettings lab{};
    std::vector<std::string> warnings{}; // to be shown unless quiet; one line each, without "redlock: "

    [[nodiscard]] std::string key() const { return cluster.key(target.name); }
};

// Throws UsageError and ConfigError.
Settings make_settings(const Invocation &invocation, const Environment &environment);

} // namespace redlock::cmd
