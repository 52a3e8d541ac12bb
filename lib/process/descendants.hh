// Everybody below us, whatever group or session they made for themselves: for the moment when all that the
// command started must go (protocol 13.4).
#pragma once

#include <sys/types.h>
#include <vector>

namespace redlock::process {

// From now on orphans below us become our children, so that none of them can slip away.
void adopt_orphans();

// Our children, their children, and so on, as far as /proc tells. A snapshot: they may be forking.
std::vector<pid_t> descendants();

// Reaps children that have ended, `keep` excepted (its owner reaps it). False when there are no children left.
bool reap_orphans(pid_t keep);

} // namespace redlock::process
