// The commands that our scripts call, and EVAL, which runs them: what a user with an access list needs. The manual, the
// redlock-nodes(7) and the advice in fault.cc list the same; tests/check/rights.py compares them with the scripts.
#pragma once

#include <array>
#include <string_view>

namespace redlock::redis {

inline constexpr std::array<std::string_view, 12> needed_commands{"EVAL",  "TIME", "INFO", "TYPE", "GET",     "SET",
                                                                  "HMGET", "HSET", "HDEL", "PTTL", "PEXPIRE", "DEL"};

} // namespace redlock::redis
