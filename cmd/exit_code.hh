// The table of exit codes, for the program, its help and redlock(1).
#pragma once

#include "cmd/command.hh"

#include <array>
#include <string_view>

namespace redlock::cmd {

namespace exit_code {
inline constexpr int success = 0;
inline constexpr int usage = 64;
inline constexpr int unreachable = 69;
inline constexpr int internal = 70;
inline constexpr int busy = 75; // or what -E says
inline constexpr int access = 77;
inline constexpr int config = 78;
inline constexpr int lost = 79;
inline constexpr int not_executable = 126;
inline constexpr int not_found = 127;
inline constexpr int signal_base = 128; // plus the signal that ended the command
} // namespace exit_code

struct ExitCode {
    int code;
    std::string_view meaning;
    unsigned commands; // which of them can end so; a code has an entry for each of its meanings
};

inline constexpr std::array<ExitCode, 18> all_exit_codes{{
    {exit_code::success, "done", on_nodes & ~bit(Command::exec)},
    {exit_code::usage, "the command line is wrong", everywhere},
    {exit_code::usage, "the lock is held by the redlock exec around this command", proving_it},
    {exit_code::unreachable, "no majority of the nodes can be reached, or too many are in quarantine",
     on_nodes & ~bit(Command::init)},
    {exit_code::unreachable, "a node does not answer; with --no-wait: the nodes cannot be set up yet",
     bit(Command::init)},
    {exit_code::unreachable, "the nodes cannot be started", bit(Command::lab)},
    {exit_code::internal, "internal error, or an error of the operating system", everywhere},
    {exit_code::busy, "the lock is busy (-E sets a different code)", taking_a_lock},
    {exit_code::busy, "with --quiet: the lock is held (0: it is free)", bit(Command::status)},
    {exit_code::busy, "with --reconfigure: a lock is held, and nothing was changed", bit(Command::init)},
    {exit_code::access, "a node refuses: wrong password, missing right or renamed command", on_nodes},
    {exit_code::config, "a setting is wrong or missing", everywhere},
    {exit_code::config, "the nodes are not fit, or are configured differently on other hosts",
     on_nodes & ~bit(Command::init)},
    {exit_code::config, "a node is not fit, or has different settings on record", bit(Command::init)},
    {exit_code::lost, "the lock was lost; this replaces the code of COMMAND", bit(Command::exec)},
    {exit_code::lost, "the lock is not held with this token, or was lost", proving_it},
    {exit_code::not_executable, "COMMAND cannot be executed", running_a_command},
    {exit_code::not_found, "COMMAND was not found", running_a_command},
}};

} // namespace redlock::cmd
