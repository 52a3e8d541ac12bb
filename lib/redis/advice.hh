// What the words of an explained error (redis/fault.hh) tell those who have only the text.
#pragma once

#include <string_view>

namespace redlock::redis {

// The end of the text where a right is missing, and which rights are needed: too long for every line of a table.
inline constexpr std::string_view missing_right = ": a right is missing";
extern const std::string_view needed_rights;

// Whether `text` is that of an error that a node itself wrote and that is known: it can be reached, and refuses.
bool is_known_error(std::string_view text);

} // namespace redlock::redis
