// Error replies of a node in words: what kind of trouble each is, and what to do about it.
#pragma once

#include "core/message.hh"

#include <string>
#include <string_view>

namespace redlock::redis {

struct Fault {
    core::Trouble trouble = core::Trouble::passing;
    std::string text; // safe to print: the node's words (or, with a password, ours), then advice
};

// `error` is an error reply as the node wrote it, also one that was raised inside a script. A node may repeat what it
// was sent: with a `secret` none of its words are shown. `otherwise`: for errors that are not known here. `origin`:
// where user and password come from, for errors about them.
Fault explain(std::string_view error, std::string_view secret, core::Trouble otherwise = core::Trouble::passing,
              std::string_view origin = {});

} // namespace redlock::redis
