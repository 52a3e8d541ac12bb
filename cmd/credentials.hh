// Passwords and tokens from files and from the environment.
#pragma once

#include "cmd/reader.hh"

#include <string>

namespace redlock::cmd {

// The secret in a file, as config/secret_file.hh reads it. A warning about the file is added to `settings`. Throws
// UsageError and ConfigError; the message names the origin of the file's name.
std::string read_secret(const Found<std::string> &file, Settings &settings);

// Gives a login to the nodes whose addresses have none, and tells each where its login comes from. `origin`: of the
// addresses.
void read_credentials(Settings &settings, const std::string &origin, const Reader &reader);

} // namespace redlock::cmd
