// Settings: what was typed, then the environment, then the defaults, validated. Made once, before anything
// else happens; afterwards nobody looks at the command line or at the environment again.
//
// A mistake is a UsageError (64) when a typed value takes part in it, a ConfigError (78) when all of it
// comes from the environment or when something is missing there. Messages name the origin of the value.
#pragma once

#include "cmd/cli.hh"
#include "cmd/exit_code.hh"
#include "cmd/sources.hh"
#include "cmd/timing.hh"
#include "config/node_url.hh"
#include "core/message.hh"
#include "util/time.hh"

#include <csignal>
#include <optional>
#include <string>
#include <vector>

namespace redlock::cmd {

// What a command that was asked for a result prints to stdout.
enum class Format { nothing, token, env, json };

struct Settings {
    Command command = Command::exec;
    std::string name;               // NAME as typed; the first of `names`
    std::string key;                // PREFIX + NAME; bytes, never text
    std::vector<std::string> names; // status: all of them
    std::string prefix;
    std::string owner, why;         // for others to see; exec and acquire
    std::string held;               // REDLOCK_HELD as it was found (cmd/enclosing.hh)
    std::vector<std::string> words; // what to run, ready for execvp; empty for acquire and release
    bool users_shell = false;       // `words` is it, because lab was given no COMMAND
    std::string not_found_hint;     // to be added to the message when COMMAND does not exist; mostly empty

    std::vector<config::NodeUrl> nodes; // with their passwords; empty for lab
    std::string same_again;             // "with the same -S and --quorum": what init must be told again; mostly empty
    std::size_t quorum = 0;             // majority .. number of nodes
    Duration guard{};                   // 0: off
    [[nodiscard]] core::Agreement agreement() const { return {prefix, nodes.size(), quorum, guard}; }
    bool reconfigure = false, no_wait = false; // init
    Timing timing;                             // complete and, for exec and acquire, known to fit
    std::optional<Duration> wait;              // empty: for ever; zero: do not wait
    int conflict_exit_code = exit_code::busy;
    int signal = SIGTERM;
    std::string token;      // extend, release
    std::string token_file; // acquire; empty: none
    Format format = Format::token;

    int verbosity = 0; // -1 quiet, 1 -v
    std::size_t lab_nodes = 5;
    bool lab_tcp = false;

    std::vector<std::string> warnings; // to be shown unless quiet; one line each, without "redlock: "
};

// Throws UsageError and ConfigError.
Settings make_settings(const Invocation &invocation, const Environment &environment);

} // namespace redlock::cmd
