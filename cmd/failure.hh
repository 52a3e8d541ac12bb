// Why a lock could not be had: the words and the exit code.
#pragma once

#include "cmd/settings.hh"
#include "core/lock.hh"

#include <string>

namespace redlock::cmd {

// Says why the attempts on `lock` ended without it, and returns the exit code. `by_ourselves`: the redlock that this
// command runs under holds it.
int explain_failure(const Settings &settings, const core::Lock &lock, bool by_ourselves);

// "the nodes ...": a quorum is in quarantine, for `left` at most.
std::string quarantined(const Settings &settings, Duration left, const core::Answers &answers);

} // namespace redlock::cmd
