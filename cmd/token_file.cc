#include "cmd/token_file.hh"

#include "util/error.hh"
#include "util/text.hh"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace redlock::cmd {

namespace {

std::string_view kind_of(mode_t mode) {
    if (S_ISLNK(mode)) return "a symbolic link";
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a named pipe";
    return S_ISSOCK(mode) ? "a socket" : "a device";
}

// In a sticky folder (/tmp) only the owner of a file or of the folder may replace it.
bool is_protected(const std::string &path, const struct stat &file) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    struct stat around {};
    if (::stat(folder.c_str(), &around) != 0 || (around.st_mode & S_ISVTX) == 0) return false;
    const uid_t self = ::geteuid();
    return self != 0 && self != file.st_uid && self != around.st_uid;
}

// Only a regular file is replaced. A link may lead to an open descriptor (/dev/stdout, /proc/self/fd/1), and rename()
// would replace the link, for everybody.
void check_place(const std::string &path) {
    struct stat there {};
    if (::lstat(path.c_str(), &there) != 0) return; // it is free; if it is not, nothing can be made beside it either
    if (!S_ISREG(there.st_mode))
        throw UsageError(fmt::format("--token-file: '{}' is {}, which is left as it is; name a file that may be "
                                     "replaced (without --token-file the token goes to standard output)",
                                     printable(path), kind_of(there.st_mode)));
    if (is_protected(path, there)) throw SystemError("put the token into", printable(path), EPERM);
}

} // namespace

TokenFile::TokenFile(std::string path) : path_(std::move(path)) {
    if (path_.empty()) return;
    check_place(path_);
    temporary_ = path_ + ".XXXXXX";
    fd_.reset(::mkostemp(temporary_.data(), O_CLOEXEC));
    if (!fd_) throw_errno("create the token file beside", printable(path_));
}

TokenFile::~TokenFile() {
    if (fd_) ::unlink(temporary_.c_str());
}

void TokenFile::keep(std::string_view token) {
    if (!fd_) return;
    check_place(path_); // the lock may have come hours later
    const std::string line = std::string(token) + '\n';
    if (::write(fd_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        throw_errno("write the token file", printable(path_));
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw_errno("put the token into", printable(path_));
    fd_.reset();
}

} // namespace redlock::cmd
