// The redlocks that this process runs under, as REDLOCK_HELD names them: "NAME:RANDOM" for each `redlock exec` around
// us, NAME percent-encoded, RANDOM the first part of its token. RANDOM alone decides: a name may be the same under
// another prefix, a token is never the same.
#pragma once

#include "cmd/settings.hh"
#include "event/signals.hh"

#include <string_view>

namespace redlock::cmd {

// The token is that of one of them.
bool is_enclosing(const Target &target, std::string_view token);

// The lock NAME is that of one of them, by its name alone: the token is not known.
bool encloses(const Target &target);

// "NAME ...": why extend or release (`command`) of such a lock is refused.
std::string_view why_not_inside(Command command);

// Answers extend and release whose token is that of one of them. Changes nothing on the nodes: such a lock is renewed
// and given back by its exec alone. Asks them whether that exec still holds it (REDLOCK_HELD may be older than its
// end). Returns the exit code.
int refuse_enclosing(const Settings &settings, event::Signals &signals);

} // namespace redlock::cmd
