#include "cmd/cli.hh"

#include "cmd/diagnose.hh"
#include "cmd/help.hh"

#include <algorithm>
#include <fmt/format.h>

namespace redlock::cmd {

namespace {

constexpr std::size_t longest_name = 4096;

void check_name(const CommandInfo &command, const std::string &name) {
    if (name.empty())
        throw UsageError(
            fmt::format("{}: the NAME of the lock is empty (an unset variable?); give it a name", command.name));
    if (name.find("://") != name.npos)
        throw UsageError(
            fmt::format("{}: {} looks like the address of a node where the NAME of the lock belongs; nodes "
                        "are given with -S URL",
                        command.name, in_quotes(name)));
    if (name.size() > longest_name)
        throw UsageError(fmt::format("{}: the NAME of the lock has {} bytes; at most {} are accepted", command.name,
                                     name.size(), longest_name));
}

void check_operands(const CommandInfo &command, const Arguments &given) {
    const bool shell_line = given.options.has(option("-c"));
    const std::string_view synopsis = command.synopsis.substr(0, command.synopsis.find('\n'));
    if (command.operands == Operands::maybe_command) return;
    if (command.operands == Operands::none) {
        if (given.operands.empty()) return;
        throw UsageError(fmt::format("{}: {} is one word too many: this command takes no NAME; usage: redlock {}",
                                     command.name, in_quotes(given.operands[0]), synopsis));
    }
    if (given.operands.empty())
        throw UsageError(fmt::format("{}: no NAME for the lock was given; usage: redlock {}", command.name, synopsis));
    for (const std::string &name : given.operands) check_name(command, name);
    if (command.operands == Operands::names) return;
    if (given.operands.size() > 1)
        throw UsageError(fmt::format("{}: one NAME is expected, {} is one word too many{}; to run a command under the "
                                     "lock: redlock exec NAME COMMAND",
                                     command.name, command_in_quotes(given.operands[1]), given.number_hint));
    if (command.operands == Operands::name) return;
    if (shell_line && !given.command.empty())
        throw UsageError(fmt::format("{}: both -c and the command {} were given; leave out one of them (options for "
                                     "redlock stand before COMMAND)",
                                     command.name, command_in_quotes(given.command[0])));
    if (!shell_line && given.command.empty())
        throw UsageError(
            fmt::format("{}: no COMMAND after the lock's name {}{}; usage: redlock {}; to take the lock and "
                        "leave it held: redlock acquire NAME",
                        command.name, in_quotes(given.operands[0]), given.number_hint, synopsis));
    if (!given.command.empty() && given.command[0].empty())
        throw UsageError(fmt::format("{}: COMMAND is an empty word (an unset variable?)", command.name));
    // Without this check, other users could read a password in the default of --why. A whole line in one word is
    // harmless: the default is its first word.
    if (!given.command.empty() && given.command[0].find("://") != std::string::npos &&
        given.command[0].find_first_of(" \t\n") == std::string::npos)
        throw UsageError(
            fmt::format("{}: {} looks like the address of a node where COMMAND belongs; nodes are given with "
                        "-S URL before NAME",
                        command.name, in_quotes(given.command[0])));
}

Invocation to_print(std::string text) {
    Invocation invocation;
    invocation.text = std::move(text);
    return invocation;
}

Invocation help_on(std::span<const std::string> words) {
    if (words.empty() || words[0].starts_with("-")) return to_print(overview_text());
    const CommandInfo *command = find_command(words[0]);
    if (command == nullptr) refuse_unknown_command(words[0]);
    return to_print(help_text(*command));
}

} // namespace

Invocation parse_command_line(std::span<const std::string> arguments) {
    if (arguments.empty())
        throw UsageError("no command was given; to run something under a lock: redlock exec NAME COMMAND; see "
                         "'redlock --help'");
    const std::string &first = arguments[0];
    const auto rest = arguments.subspan(1);
    if (first == "help") return help_on(rest);
    if (const Option *found = find_option(first)) {
        if (found == &option("--version")) return to_print(version_text());
        if (asks_for_text(*found)) return to_print(overview_text());
    }
    const CommandInfo *command = find_command(first);
    if (command == nullptr) refuse_unknown_command(first);

    Arguments given = read_arguments(*command, rest);
    if (given.options.has(option("-h"))) return to_print(short_help_text(*command));
    if (given.options.has(option("--help"))) return to_print(help_text(*command));
    if (given.options.has(option("--version"))) return to_print(version_text());
    check_operands(*command, given);
    Invocation invocation;
    invocation.command = command->command;
    invocation.typed = std::move(given.options);
    invocation.names = std::move(given.operands);
    invocation.words = std::move(given.command);
    invocation.not_found_hint = std::move(given.number_hint);
    return invocation;
}

} // namespace redlock::cmd
