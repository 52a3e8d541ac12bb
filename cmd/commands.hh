// One function per subcommand; each returns the exit code, or dies of a signal. What ends a run early is
// thrown (util/error.hh) and printed by main.
#pragma once

#include "cmd/settings.hh"
#include "event/signals.hh"

namespace redlock::cmd {

int run_exec(const Settings &settings, event::Signals &signals);
int run_acquire(const Settings &settings, event::Signals &signals);
int run_extend(const Settings &settings, event::Signals &signals);
int run_release(const Settings &settings, event::Signals &signals);
int run_status(const Settings &settings, event::Signals &signals);
int run_init(const Settings &settings, event::Signals &signals);
int run_doctor(const Settings &settings, event::Signals &signals);
int run_lab(const Settings &settings, event::Signals &signals);

} // namespace redlock::cmd
