// Passwords and tokens from files and from the environment.
#pragma once

#include "cmd/settings.hh"
#include "cmd/sources.hh"

#include <string>

namespace redlock::cmd {

// The secret in a file, as config/secret_file.hh reads it. Adds a warning about the file to `settings`. Throws
// UsageError and ConfigError; the message names the origin of the file's name.
Value<std::string> read_secret(const Value<std::string> &file, Settings &settings);

// Gives a login to the nodes whose addresses have none, and tells each where its login comes from. `addresses`: the
// origin of the nodes.
void read_credentials(Settings &settings, const Origin &addresses, const Sources &sources);

} // namespace redlock::cmd
