#include "cmd/token_file.hh"

#include "util/error.hh"
#include "util/text.hh"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace redlock::cmd {

TokenFile::TokenFile(std::string path) : path_(std::move(path)) {
    if (path_.empty()) return;
    struct stat there {};
    if (::stat(path_.c_str(), &there) == 0 && !S_ISREG(there.st_mode))
        throw SystemError("put the token into", printable(path_), S_ISDIR(there.st_mode) ? EISDIR : EEXIST);
    temporary_ = path_ + ".XXXXXX";
    fd_.reset(::mkostemp(temporary_.data(), O_CLOEXEC));
    if (!fd_) throw_errno("create the token file beside", printable(path_));
}

TokenFile::~TokenFile() {
    if (fd_) ::unlink(temporary_.c_str());
}

void TokenFile::keep(std::string_view token) {
    if (!fd_) return;
    const std::string line = std::string(token) + '\n';
    if (::write(fd_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        throw_errno("write the token file", printable(path_));
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw_errno("put the token into", printable(path_));
    fd_.reset();
}

} // namespace redlock::cmd
