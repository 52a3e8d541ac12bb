// One function per subcommand; each returns the exit code, or dies of a signal. What ends a run early is
// thrown (util/error.hh) and printed by main.
#pragma once

#include "cmd/settings.hh"
#include "event/signals.hh"

namespace redlock::cmd {

// `not_found_hint`: what may be wrong when the command does not exist; mostly empty.
int run_exec(const Settings &settings, event::Signals &signals, const std::string &not_found_hint);
int run_acquire(const Settings &settings, event::Signals &signals);
int run_release(const Settings &settings, event::Signals &signals);

} // namespace redlock::cmd
