// The owner value that is stored under the lock's key: random bits that nobody else can have, then who
// took the lock, where and when, so that any node can answer "held by whom" without a second key
// (protocol 3.3).
//
//   <32 hex digits>.<since, ms since 1970>.<owner>@<host>.<pid>.<why>
//
// Owner, host and why are percent-encoded, '.' included; one shell word of at most 256 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace redlock::core {

// The token's beginning, which alone tells it from all others.
inline constexpr std::size_t random_digits = 32;

struct HolderInfo {
    std::int64_t since_ms = 0; // wall clock of the holder's host: for people only
    std::string owner, host;
    std::int64_t pid = 0;
    std::string why; // may be empty
};

// `random`: 128 bits as hex, fresh for every attempt. Long fields are cut, never in an escape.
std::string make_token(std::string_view random, const HolderInfo &holder);

// Who a token names; nullopt for the tokens of other libraries. The fields are unescaped: any bytes.
std::optional<HolderInfo> parse_token(std::string_view token);

} // namespace redlock::core
