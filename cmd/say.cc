#include "cmd/say.hh"

#include "util/error.hh"

#include <poll.h>
#include <string>
#include <sys/ioctl.h>
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

bool progress_shown = false;
constexpr std::string_view wipe_line = "\r\033[K";

// Not more than one line of the terminal, or there would be nothing to write over.
std::string_view fitting(std::string_view text) {
    winsize size{};
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    std::size_t columns = known ? size.ws_col : 80;
    std::size_t length = 0;
    while (length < text.size() && columns > 1) {
        ++length;
        // Bytes that go on with a character of UTF-8 take no column.
        while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80U) ++length;
        --columns;
    }
    return text.substr(0, length);
}
} // namespace

void show_progress(std::string_view text) {
    if (text.empty() && !progress_shown) return;
    std::string line(wipe_line);
    const std::string whole = fmt::format("redlock: {}", text);
    if (!text.empty()) line += fitting(whole);
    progress_shown = !text.empty();
    write_all(STDERR_FILENO, line);
}

void say(std::string_view text) {
    show_progress("");
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
