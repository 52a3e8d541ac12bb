#include "cmd/say.hh"

#include "util/error.hh"

#include <poll.h>
#include <string>
#include <unistd.h>

namespace redlock::cmd {

namespace {
// False with errno set when something was left unwritten.
bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}
} // namespace

void say(std::string_view text) {
    std::string lines = "redlock: ";
    for (const char c : text) {
        lines += c;
        if (c == '\n') lines += "redlock: ";
    }
    lines += '\n';
    // A reader that has stopped reading (a full pipe) loses the note; it must not keep us from going.
    constexpr int patience_ms = 3000;
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&ready, 1, patience_ms) == 1) write_all(STDERR_FILENO, lines);
}

void print(std::string_view text) {
    if (!write_all(STDOUT_FILENO, text)) throw_errno("write to", "standard output");
}

} // namespace redlock::cmd
