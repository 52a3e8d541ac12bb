// Passwords and tokens from files and from the environment.
#pragma once

#include "cmd/setting_readers.hh"

#include <string>
#include <vector>

namespace redlock::cmd {

// The secret in a file, as config/secret_file.hh reads it. Adds a warning about the file to `warnings`. Throws
// UsageError and ConfigError; the message names the origin of the file's name.
Value<std::string> read_secret(const Value<std::string> &file, Warnings &warnings);

// Gives a login to the nodes whose addresses have none, and tells each where its login comes from. `addresses`: the
// origin of the nodes.
void add_logins(std::vector<config::NodeUrl> &nodes, const Origin &addresses, const Sources &sources,
                Warnings &warnings);

} // namespace redlock::cmd
