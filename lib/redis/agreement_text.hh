// An agreement of all users of some nodes (protocol 10.1) as text: as a node's marker keeps it, and as people read it.
#pragma once

#include "core/message.hh"

#include <string>
#include <string_view>

namespace redlock::redis {

// "5 3 30000": nodes, quorum and restart guard in ms. Equal texts are equal terms; the scripts compare them.
std::string marker_text(const core::Agreement &agreement);

// The other way round; anybody may have written it. Without a prefix; without nodes if it is not as above.
core::Agreement parse_marker_text(std::string_view marker_text);

// "5 nodes, a quorum of 3 and a restart guard of 30 s".
std::string in_words(const core::Agreement &agreement);

} // namespace redlock::redis
