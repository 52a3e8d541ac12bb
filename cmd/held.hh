// REDLOCK_HELD: the locks that enclosing redlocks hold, so that a job that asks for one of them again is
// told at once, and does not wait for itself. Pure functions over the variable's text.
//
// Entries <nodes>:<key> separated by spaces: a hash of the set of nodes, and prefix and name percent-encoded.
// No secret, nothing that could be turned back into an address.
#pragma once

#include "cmd/settings.hh"

#include <string>
#include <string_view>

namespace redlock::cmd {

// Is this very lock among `held`, the variable's value?
bool is_held_already(std::string_view held, const Settings &settings);

// The variable's value for the command: `held` and this lock.
std::string with_this_lock(std::string_view held, const Settings &settings);

} // namespace redlock::cmd
