// Secrets: read from files, and kept out of messages that repeat what the user typed.
#pragma once

#include <string>
#include <string_view>

namespace redlock::config {

// For something that is meant to be a node address but may be malformed, so that nobody can say where the
// password ends. Shows the scheme and what follows the last '@'; without an '@', stars for whatever
// follows a colon and is no port, and for a query other than ?db=N.
std::string hide_password(std::string_view address);

// For any other word: as it is (printable), unless it could be a node address.
std::string show_word(std::string_view word);

// The first line of a file that holds a password or a token. Throws ConfigError: what is wrong with the file.
std::string read_secret(const std::string &file);

} // namespace redlock::config
