// The help texts, made from the tables: what --help prints. Lines of at most 80 columns, ending in a
// newline.
#pragma once

#include "cmd/command.hh"

#include <string>

namespace redlock::cmd {

std::string overview_text();                       // redlock --help
std::string help_text(const CommandInfo &command); // redlock COMMAND --help
std::string version_text();

} // namespace redlock::cmd
