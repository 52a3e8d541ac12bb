// Passwords and tokens, kept out of messages that repeat what the user typed.
#pragma once

#include <string>
#include <string_view>

namespace redlock::config {

// For a text that should be a node address but may be malformed, so that nobody can tell where the password ends.
// Shows what cannot be part of a password: a scheme, then, behind the last '@' if there is one, a host with port and
// database or a path. Everything else becomes stars, from the first doubtful character to the end.
std::string hide_password(std::string_view address);

// For the path of a socket: whatever stands between a ':' and an '@' becomes stars. The result is not printable() yet.
std::string hide_login(std::string_view path);

// For any other word: as it is (printable), unless it could be a node address or a token.
std::string show_word(std::string_view word);

} // namespace redlock::config
