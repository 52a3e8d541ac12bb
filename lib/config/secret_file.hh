// Secrets that are read from files: a password, a token.
#pragma once

#include "util/time.hh"

#include <string>

namespace redlock::config {

// How long a writer may be silent.
inline constexpr Duration writer_patience = seconds{30};

struct Secret {
    std::string text;
    std::string warning; // when other users of the machine can read the file: what to do; else empty
};

// The first line of `file`, without its end (LF or CRLF) and without a UTF-8 byte order mark. `file` may also be a
// pipe, a terminal or a socket: it is read up to the end of the line or of the input, however many pieces that takes. A
// writer that stays silent for `patience`, or a named pipe that nobody writes to for so long, is an error.
// Throws ConfigError: what is wrong with the file, and what to do.
Secret read_secret(const std::string &file, Duration patience = writer_patience);

} // namespace redlock::config
