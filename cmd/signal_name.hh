// Signals by name and number. A pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace redlock::cmd {

// "TERM", "SIGTERM", "term" or "15"; empty for what is none. A number need not have a name (real-time
// signals), but is from 1 to 64.
std::optional<int> parse_signal(std::string_view text);

// "TERM"; "signal 40" for one that has no name.
std::string signal_name(int signal);

} // namespace redlock::cmd
