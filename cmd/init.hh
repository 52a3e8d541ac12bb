// What init, lab and the messages of other commands share about setting up nodes.
#pragma once

#include "cmd/settings.hh"
#include "core/setup.hh"
#include "event/signals.hh"
#include "redis/nodes.hh"

#include <functional>
#include <string>
#include <string_view>

namespace redlock::cmd {

// For these nodes: a record of what their users must agree upon, and a fresh ID.
core::Setup::Plan setup_plan(const Cluster &cluster, const Timing &timing, const InitSettings &settings);

// Returns when `setup` has ended; calls `tell` after each turn. A signal that should end this process makes it give up,
// and is returned; 0: none came. Closes the connections in good order.
int run_setup(core::Setup &setup, redis::Nodes &nodes, event::Signals &signals, const std::function<void()> &tell);

// `command` as it must be typed for these nodes.
std::string again(const Cluster &cluster, std::string_view command);

// What to type about nodes that no client has used yet, as half a sentence.
std::string set_up_hint(const Cluster &cluster);

} // namespace redlock::cmd
