// The table of commands. Parser, help, completions and the table of exit codes use it. To add a command, add one
// enumerator, one entry here, and its bit in the options that it takes (cmd/options.hh).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace redlock::cmd {

enum class Command : unsigned { exec, acquire, extend, release, status, init, doctor, lab };

// Sets of commands, for options and exit codes.
constexpr unsigned bit(Command command) { return 1U << static_cast<unsigned>(command); }
inline constexpr unsigned taking_a_lock = bit(Command::exec) | bit(Command::acquire);
inline constexpr unsigned proving_it = bit(Command::extend) | bit(Command::release);
inline constexpr unsigned on_nodes =
    taking_a_lock | proving_it | bit(Command::status) | bit(Command::init) | bit(Command::doctor);
inline constexpr unsigned running_a_command = bit(Command::exec) | bit(Command::lab);
inline constexpr unsigned everywhere = on_nodes | running_a_command;

// What follows the options.
enum class Operands {
    none,
    name,             // NAME
    names,            // NAME...
    name_and_command, // NAME [--] COMMAND [ARG...], or NAME with -c LINE
    maybe_command,    // [COMMAND [ARG...]]
};

struct CommandInfo {
    Command command;
    std::string_view name;
    Operands operands;
    std::string_view synopsis; // one form a line, without "redlock"
    std::string_view summary;  // one line, in the list of commands
    std::string_view about;    // a paragraph, in the command's own help
    std::string_view examples; // whole lines
};

inline constexpr std::array<CommandInfo, 8> all_commands{{
    {Command::exec, "exec", Operands::name_and_command,
     "exec [OPTIONS] NAME [--] COMMAND [ARG...]\n"
     "exec [OPTIONS] NAME -c 'SHELL LINE'\n",
     "run COMMAND while holding the lock",
     "Waits for the lock NAME, runs COMMAND while holding the lock, and releases it when COMMAND ends. "
     "If the lock is lost, redlock ends COMMAND before another client can have the lock.",
     "  redlock exec nightly-report -- ./report.sh    wait for the lock, then run\n"
     "  redlock exec -n db-backup pg_dump -f out db   do not wait (exit code 75)\n"
     "  redlock exec -w 10m deploy -c 'make && make install'\n"},
    {Command::acquire, "acquire", Operands::name, "acquire [OPTIONS] NAME\n",
     "take the lock, print its token, and exit",
     "Waits for the lock NAME, prints its token, and exits. The lock stays held until 'redlock release', or until the "
     "lease ends: no process renews it. Choose a suitable --ttl.",
     "  token=$(redlock acquire migration) || exit\n"
     "  ./migrate.sh\n"
     "  redlock release --token \"$token\" migration\n"
     "  lease=$(redlock acquire --format env migration) || exit; eval \"$lease\"\n"
     "  redlock release migration\n"},
    {Command::extend, "extend", Operands::name, "extend [OPTIONS] NAME\n",
     "extend the lease of a lock that acquire took",
     "Extends the lease of the lock NAME that 'redlock acquire' took. The new lease lasts for --ttl from now; it is "
     "never shorter than the old one. A lost lock stays lost. The lock of a 'redlock exec' around this command is "
     "refused, because that exec renews the lock.",
     "  redlock extend --token \"$token\" migration\n"},
    {Command::release, "release", Operands::name, "release [OPTIONS] NAME\n", "release a lock that acquire took",
     "Releases the lock NAME that 'redlock acquire' took. A lock with a different token is not touched. The lock of a "
     "'redlock exec' around this command is refused, because that exec releases the lock.",
     "  redlock release --token \"$token\" migration\n"},
    {Command::status, "status", Operands::names, "status [OPTIONS] NAME...\n",
     "show who holds a lock, since when, why and for how long",
     "Asks every node who holds the locks, and prints the answers. It changes no lock.",
     "  redlock status db-backup\n"
     "  redlock status -q db-backup && echo free\n"
     "  redlock status --json db-backup deploy\n"},
    {Command::init, "init", Operands::none, "init [OPTIONS]\n", "set up new nodes, or change their settings",
     "Records on every node the number of nodes, the quorum and the restart guard that all hosts must use. New nodes "
     "can be used at once. If a node may have forgotten a lock, init waits until its quarantine ends, at most for the "
     "time of the restart guard. A second run finds that the nodes are set up, and succeeds.",
     "  redlock init                                     once, from one host\n"
     "  redlock init --reconfigure --restart-guard 10m   after a change on all hosts\n"},
    {Command::doctor, "doctor", Operands::none, "doctor [OPTIONS]\n", "check whether the nodes can hold locks",
     "Checks every node for problems that endanger locks, and explains how to fix them. It changes no lock and no "
     "setting. To set up new nodes, use 'redlock init'.",
     "  redlock doctor\n"
     "  redlock doctor --json\n"},
    {Command::lab, "lab", Operands::maybe_command, "lab [OPTIONS] [--] [COMMAND [ARG...]]\n",
     "start temporary nodes on this machine",
     "Starts redis-server (or valkey-server) processes on this machine, and runs COMMAND (default: $SHELL) with their "
     "addresses in REDLOCK_NODES. When COMMAND ends, lab removes the servers and their files.",
     "  redlock lab                                   a shell with five nodes\n"
     "  redlock lab -- redlock exec demo echo hello\n"
     "  redlock lab --nodes 3 --tcp ./integration-test.sh\n"},
}};

constexpr const CommandInfo &info(Command command) { return all_commands[static_cast<std::size_t>(command)]; }

// Null when there is none of that name.
constexpr const CommandInfo *find_command(std::string_view name) {
    for (const CommandInfo &each : all_commands)
        if (each.name == name) return &each;
    return nullptr;
}

} // namespace redlock::cmd
