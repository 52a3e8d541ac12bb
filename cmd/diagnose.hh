// Messages for words that make no sense, with a guess at what was meant. All of it is usage errors; no
// message repeats what may be a password.
#pragma once

#include "cmd/options.hh"
#include "util/error.hh"

#include <string>
#include <string_view>

namespace redlock::cmd {

// A word from the command line in quotes, safe to show.
std::string in_quotes(std::string_view word);

// COMMAND's first word. Where it has blanks, what follows the first of them is not shown: arguments may be secrets.
std::string command_in_quotes(std::string_view word);

// "see 'redlock exec --help'"
std::string see_help(const CommandInfo &command);

// `spelling` is "--long" (without "=value") or "-s"; `word` the whole word that it stood in.
[[noreturn]] void refuse_unknown_option(const CommandInfo &command, std::string_view spelling, std::string_view word);
[[noreturn]] void refuse_missing_value(const Option &option, std::string_view spelling);
[[noreturn]] void refuse_value_of_flag(std::string_view spelling, std::string_view value);
[[noreturn]] void refuse_unknown_command(std::string_view word);

// For `-n 5`; see Split::number_hint.
std::string number_after_nonblock(std::string_view number);

} // namespace redlock::cmd
