// What is said when a lock was lost under a command: no more than is known. Pure functions.
#pragma once

#include "core/message.hh"
#include "core/round.hh"
#include "process/child.hh"
#include "util/time.hh"

#include <optional>
#include <string>
#include <vector>

namespace redlock::cmd {

struct Loss {
    // How long after its time the turn of the loop came in which the command had to be ended; zero: in time, or the
    // command had to be ended for what the nodes said.
    Duration overslept{};
    Duration tolerance{};    // a delay that is not worth a word
    bool failing = false;    // the latest renewal that was over before had failed
    core::Outcome outcome{}; // of the latest round
    core::Outcome proven{};  // by the nodes that spoke their mind
    bool counted = false;    // it prolonged the lease
};

// "NAME was lost: ...".
std::string why_lost(const Loss &loss);

// "the command ...". `sent`: the signals with which redlock wanted to end it. `overdue`: it was alive when KILL should
// have ended it. `status` is nullopt when it could not be executed.
std::string how_it_ended(std::optional<process::Status> status, const std::vector<int> &sent, bool overdue);

} // namespace redlock::cmd
