// RESP as a server speaks it: commands in, replies out. Written for the simulated nodes alone, so that it is no copy of
// lib/redis/codec.cc, which speaks the client's half.
#pragma once

#include "store.hh"

#include <string>
#include <string_view>
#include <vector>

namespace redlock::sim {

// Takes the first command off `bytes`: its words, which lie in `bytes`. Throws Violation for what is no command.
std::vector<std::string_view> take_command(std::string_view &bytes);

// The reply as bytes.
std::string resp_of(const Value &value);

} // namespace redlock::sim
