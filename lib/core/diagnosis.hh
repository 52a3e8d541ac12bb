// What the answers to Verb::inspect say about a fleet, and what would help. Pure functions.
#pragma once

#include "core/message.hh"

#include <optional>
#include <vector>

namespace redlock::core {

// One node that answered.
struct Diagnosis {
    bool contradicts = false;         // other clients use it with another configuration
    bool both_could_hold = false;     // those clients and we could hold a lock at once
    bool lapses = false;              // no init recorded the node's configuration
    bool used = false;                // by some client, since the node has its data
    Duration quarantine{};            // what is left of it
    Duration hold_left{};             // how long init --reconfigure still lets no client begin, at most
    std::optional<NodeIndex> same_as; // the node is the same server as this one before it

    // For so long no lock is granted.
    [[nodiscard]] Duration closed() const { return quarantine > hold_left ? quarantine : hold_left; }
};
// nullopt for a node that did not answer.
using Diagnoses = std::vector<std::optional<Diagnosis>>;

Diagnoses diagnose(const Answers &inspected, const Agreement &ours);

// What ends the contradictions:
enum class Settlement {
    none_needed,
    wait_for_lapse,         // init waits until the provisional records have lapsed
    correct_or_reconfigure, // the settings of this host, or init --reconfigure
};
Settlement settlement(const Diagnoses &nodes);

// What ends the quarantines:
enum class Opening {
    none_needed,
    when_init_ends, // an init --reconfigure is under way
    by_itself,      // some node may have forgotten a lock
    by_init,        // no client has used the nodes: init ends the quarantine at once
};
Opening opening(const Diagnoses &nodes);

} // namespace redlock::core
