// What redlock says to people: lines on stderr that begin with "redlock: ".
#pragma once

#include <fmt/format.h>
#include <string>
#include <string_view>

namespace redlock::cmd {

// One write for the whole text, however many lines it has; each gets the prefix. A stderr that cannot be
// written to is not an error: the job matters more than the note.
void say(std::string_view text);

template <class... Args> void say(fmt::format_string<Args...> format, Args &&...args) {
    say(std::string_view(fmt::format(format, std::forward<Args>(args)...)));
}

// The same at once or not at all: while a command runs, nothing may wait for a reader that has stopped reading.
void remark(std::string_view text);

// One line on the terminal that is written over by the next one, by any other output, and by an empty `text`,
// which leaves nothing. Cut to the terminal's width. For a stderr that is a terminal only.
void show_progress(std::string_view text);

// Text for stdout, which was asked for: throws SystemError when it cannot be written (a full disk).
void print(std::string_view text);

} // namespace redlock::cmd
