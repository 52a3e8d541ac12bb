// Nodes that have lost a key: what they say about it is no answer as long as their quarantine lasts. Until then such a
// node votes for nobody, so no other client can have taken the lock there since the key was lost (protocol 9.8).
#pragma once

#include "core/message.hh"

namespace redlock::cmd {

// `told` with an error in place of each "no such key" of a node that is in quarantine. `inspected`: what the nodes
// answered to Verb::inspect afterwards; empty: nothing, only what `told` says itself counts (Verb::extend). `guard`: 0,
// off, changes nothing: a node votes at once, whatever it has lost.
core::Answers without_forgotten(core::Answers told, const core::Answers &inspected, Duration guard);

// How many nodes said yes or no.
std::size_t heard(const core::Answers &answers);

// By the answers to a release, adjusted as above: so many nodes say that the lock was not ours any more that it was no
// quorum's.
bool proves_loss(const core::Answers &answers, std::size_t quorum);

} // namespace redlock::cmd
