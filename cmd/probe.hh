// What doctor finds when it tries every command that a lock needs, on keys of its own: which of them a node refuses,
// and the one line that grants them. For servers that vote well today and fail at the first renewal.
#pragma once

#include "config/node_url.hh"
#include "core/message.hh"

#include <string>
#include <vector>

namespace redlock::cmd {

struct Shortcoming {
    std::string text;                               // safe to print
    core::Trouble trouble = core::Trouble::passing; // access: a right or a command is missing
    bool doubtful = false;                          // locks may work all the same
};

// A request key for Verb::probe: fresh, as nobody else's key may be touched.
std::string probe_key();

// What its answers to Verb::inspect and to Verb::probe say against `node` (nullopt: none came). Empty: all that is
// needed works, or the node has not answered at all, which the answer to Verb::inspect tells, too.
std::vector<Shortcoming> shortcomings(const std::string &prefix, const config::NodeUrl &node,
                                      const std::optional<core::Reply> &inspected,
                                      const std::optional<core::Reply> &reply);

} // namespace redlock::cmd
