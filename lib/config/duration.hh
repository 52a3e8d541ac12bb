// Lengths of time as people type them, and as messages show them. Pure functions.
#pragma once

#include "util/time.hh"

#include <string>
#include <string_view>

namespace redlock::config {

// "2h", "1h30m", "500ms", "1.5" (seconds), "90s", "1d", "0". Units d h m s ms us, descending, each at most
// once, also by longer names ("5min", "2hours"); a fraction on the last number only; only a lone number may lack the
// unit. Throws ConfigError whose message says what is wrong with the text and shows the accepted forms (it does not
// name the option: the caller does). Never negative, at most ten years.
Duration parse_duration(std::string_view text);

// For people: "25 s", "1.5 s", "300 ms", "2 h 5 min", "3 d 4 h". Rounded to two figures' worth of units.
std::string show_duration(Duration d);

} // namespace redlock::config
