#include "config/secret_file.hh"

#include "config/duration.hh"
#include "config/secret.hh"
#include "util/error.hh"
#include "util/fd.hh"
#include "util/text.hh"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace redlock::config {

namespace {

constexpr std::size_t longest_secret = 4096;

// /dev/stdin may be a socket, which cannot be opened once more.
UniqueFd duplicate(const std::string &file) {
    std::string_view name = file;
    if (name == "/dev/stdin") return UniqueFd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
    for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"})
        if (name.starts_with(folder))
            if (const auto number = parse_number<int>(name.substr(folder.size())))
                return UniqueFd(::fcntl(*number, F_DUPFD_CLOEXEC, 0));
    errno = ENXIO;
    return {};
}

// Not blocking, or a named pipe without a writer would stop us here for ever.
UniqueFd open_file(const std::string &file) {
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    return !fd && errno == ENXIO ? duplicate(file) : std::move(fd);
}

bool wait_readable(int fd, Duration patience) {
    for (;;) {
        pollfd ready{fd, POLLIN, 0};
        const int count = ::poll(&ready, 1, static_cast<int>(to_ms_up(patience)));
        if (count >= 0 || errno != EINTR) return count > 0;
    }
}

// The first line, or one byte more than a secret may have. From anything but a regular file byte by byte: what follows
// the line is not ours (COMMAND may read the same standard input).
std::string read_line(int fd, bool regular, Duration patience, auto &&refuse) {
    std::string text;
    while (text.size() <= longest_secret && text.find('\n') == text.npos) {
        if (!wait_readable(fd, patience))
            throw refuse(fmt::format("nothing more was written to it for {}; its writer must run, and must write one "
                                     "line or end",
                                     show_duration(patience)));
        std::array<char, longest_secret + 1> piece{};
        const ssize_t got = ::read(fd, piece.data(), regular ? piece.size() : 1);
        if (got == 0) break;
        if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
        else if (errno != EAGAIN && errno != EINTR) throw refuse(std::strerror(errno));
    }
    return text.substr(0, text.find_first_of("\r\n"));
}

} // namespace

Secret read_secret(const std::string &file, Duration patience) {
    const std::string name = show_word(file);
    const auto refuse = [&](std::string_view why) {
        return ConfigError(fmt::format("cannot read '{}': {}", name, why));
    };
    const UniqueFd fd = open_file(file);
    struct stat kind {};
    if (!fd || ::fstat(fd.get(), &kind) != 0) throw refuse(std::strerror(errno));
    if (S_ISDIR(kind.st_mode)) throw refuse(std::strerror(EISDIR));
    Secret secret;
    secret.text = read_line(fd.get(), S_ISREG(kind.st_mode), patience, refuse);
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (secret.text.starts_with(byte_order_mark)) secret.text.erase(0, byte_order_mark.size());
    if (secret.text.find('\0') != std::string::npos)
        throw refuse("a zero byte in its first line; it must be plain text (ASCII or UTF-8)");
    if (secret.text.size() > longest_secret) throw refuse("it is too long; the secret is expected in its first line");
    if (secret.text.empty()) throw refuse("its first line is empty");
    if (const unsigned mode = kind.st_mode & 0777U; S_ISREG(kind.st_mode) && (mode & 0004U) != 0)
        secret.warning = fmt::format("'{}' can be read by every user of this machine (mode {:04o}); chmod o-r takes "
                                     "that away",
                                     name, mode);
    return secret;
}

} // namespace redlock::config
