// "Did you mean ...?": the nearest of a few known words to what was typed.
#pragma once

#include <span>
#include <string_view>

namespace redlock {

// The candidate that `word` abbreviates (three letters or more) or misses by a typing error or two;
// empty when none is near enough to be worth a guess. Points into `candidates`.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

} // namespace redlock
