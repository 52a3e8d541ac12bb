#include "cmd/say.hh"

#include "util/error.hh"

#include <algorithm>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace redlock::cmd {

namespace {
// A reader that has stopped reading (a full pipe, a terminal after Ctrl-S) loses the note: it must not keep us from
// renewing, killing or going. poll() promises a page to the writer of a pipe, and less to that of a terminal.
void write_note(std::string_view text, int patience_ms) {
    const std::size_t piece = ::isatty(STDERR_FILENO) == 1 ? 256 : 4096;
    while (!text.empty()) {
        pollfd ready{STDERR_FILENO, POLLOUT, 0};
        if (::poll(&ready, 1, patience_ms) != 1) return;
        const ssize_t written = ::write(STDERR_FILENO, text.data(), std::min(piece, text.size()));
        if (written < 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

bool progress_shown = false;
constexpr std::string_view wipe_line = "\r\033[K";

// Not more than one line of the terminal, or there would be nothing to write over. A longer text ends behind a word,
// and in "...".
std::string fitting(std::string_view text) {
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
    if (length == text.size()) return std::string(text);
    constexpr std::string_view more = " ...";
    if (length <= more.size()) return std::string(text.substr(0, length));
    const std::size_t blank = text.rfind(' ', length - more.size());
    // One long word fills the line as far as it goes.
    if (blank == text.npos || 2 * blank < length) return std::string(text.substr(0, length));
    return std::string(text.substr(0, blank)) + std::string(more);
}

void write_lines(std::string_view text, int patience_ms) {
    show_progress("");
    std::string lines = "redlock: ";
    for (const char c : text) {
        lines += c;
        if (c == '\n') lines += "redlock: ";
    }
    lines += '\n';
    write_note(lines, patience_ms);
}

} // namespace

void show_progress(std::string_view text) {
    if (text.empty() && !progress_shown) return;
    std::string line(wipe_line);
    const std::string whole = fmt::format("redlock: {}", text);
    if (!text.empty()) line += fitting(whole);
    progress_shown = !text.empty();
    write_note(line, 0);
}

void say(std::string_view text) { write_lines(text, 3000); }

void remark(std::string_view text) { write_lines(text, 0); }

void print(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0) throw_errno("write to", "standard output");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace redlock::cmd
