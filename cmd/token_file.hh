// The file that acquire leaves its token in: mode 0600, there as a whole or not at all. Made beside its place
// before the lock is taken, so that a place that cannot be written to is found out in time. It replaces a regular
// file, and nothing else.
#pragma once

#include "util/fd.hh"

#include <string>
#include <string_view>

namespace redlock::cmd {

class TokenFile {
  public:
    // An empty path: no file is wanted, and all does nothing. Throws SystemError, and UsageError when
    // something else than a regular file is there.
    explicit TokenFile(std::string path);
    // Removes what was not kept.
    ~TokenFile();
    TokenFile(const TokenFile &) = delete;
    TokenFile &operator=(const TokenFile &) = delete;

    // Writes the token and puts the file in its place, over an older one. Throws as above.
    void keep(std::string_view token);

  private:
    std::string path_, temporary_;
    UniqueFd fd_; // while there is a temporary file
};

} // namespace redlock::cmd
