// The help texts, made from the tables of options, commands and exit codes. Each line has less than 80 columns and ends
// with a newline.
#pragma once

#include "cmd/command.hh"

#include <string>

namespace redlock::cmd {

std::string overview_text();                             // redlock --help
std::string help_text(const CommandInfo &command);       // redlock COMMAND --help
std::string short_help_text(const CommandInfo &command); // redlock COMMAND -h: at most 24 lines
std::string version_text();

} // namespace redlock::cmd
