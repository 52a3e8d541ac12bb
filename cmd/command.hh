// The commands: one table entry each. Parser, help and the exit code table read it; adding a command is
// one enumerator, one entry here, and its bit in the options that it takes (cmd/options.hh).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace redlock::cmd {

enum class Command : unsigned { exec, acquire, extend, release, status, init, doctor, lab };

// A set of commands, as options and exit codes name it.
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
     "hold the lock while COMMAND runs",
     "Runs COMMAND while holding the lock NAME, and gives the lock back when it ends. "
     "Should the lock be lost meanwhile, COMMAND is ended before anybody else can have it.",
     "  redlock exec nightly-report -- ./report.sh    wait for the lock, then run\n"
     "  redlock exec -n db-backup pg_dump -f out db   run now or not at all (exit 75)\n"
     "  redlock exec -w 10m deploy -c 'make && make install'\n"},
    {Command::acquire, "acquire", Operands::name, "acquire [OPTIONS] NAME\n",
     "take the lock, print its token, leave it held",
     "Takes the lock NAME, prints the token that proves it, and leaves the lock held. Nobody renews it: "
     "it frees itself when the lease (--ttl) ends.",
     "  token=$(redlock acquire migration) || exit\n"
     "  ./migrate.sh\n"
     "  redlock release --token \"$token\" migration\n"
     "  lease=$(redlock acquire --format env migration) || exit; eval \"$lease\"\n"
     "  redlock release migration\n"},
    {Command::extend, "extend", Operands::name, "extend [OPTIONS] NAME\n", "prolong a lock that acquire took",
     "Prolongs the lock NAME that 'redlock acquire' took: from now it lasts for another --ttl, never less than "
     "what was left. A lock that is gone stays gone. The lock of a 'redlock exec' around this command is refused: that "
     "one renews it itself.",
     "  redlock extend --token \"$token\" migration\n"},
    {Command::release, "release", Operands::name, "release [OPTIONS] NAME\n", "give back a lock that acquire took",
     "Gives back the lock NAME that 'redlock acquire' took, if the token still is the holder's. The lock of a 'redlock "
     "exec' around this command is refused: that one gives it back itself.",
     "  redlock release --token \"$token\" migration\n"},
    {Command::status, "status", Operands::names, "status [OPTIONS] NAME...\n",
     "who holds a lock, since when, why, on which nodes, for how long",
     "Asks every node who holds the locks NAME..., and changes no lock. With --quiet the exit code alone answers.",
     "  redlock status db-backup\n"
     "  redlock status -q db-backup && echo free\n"
     "  redlock status --json db-backup deploy\n"},
    {Command::init, "init", Operands::none, "init [OPTIONS]\n", "set up new nodes, or change their settings",
     "Tells every node the number of nodes, the quorum and the restart guard that all hosts must use. New nodes can be "
     "used at once. Nodes that may have forgotten a lock stay in quarantine: init waits, at most for the time of the "
     "restart guard. It can be run again, and then finds that all is set up.",
     "  redlock init                                     once, from one host\n"
     "  redlock init --reconfigure --restart-guard 10m   after a change on all hosts\n"},
    {Command::doctor, "doctor", Operands::none, "doctor [OPTIONS]\n",
     "are these servers fit to hold locks, and may they vote?",
     "Asks every node what could endanger locks there, and explains how to fix it. It changes no lock and no setting. "
     "New nodes are set up with 'redlock init'.",
     "  redlock doctor\n"
     "  redlock doctor --json\n"},
    {Command::lab, "lab", Operands::maybe_command, "lab [OPTIONS] [--] [COMMAND [ARG...]]\n",
     "throwaway nodes on this machine, to try things out",
     "Starts redis-server (or valkey-server) processes on this machine, runs COMMAND (default: $SHELL) "
     "with REDLOCK_NODES naming them, and removes every trace of them when it ends.",
     "  redlock lab                                   a shell to play in\n"
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
