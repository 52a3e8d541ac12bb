// Nodes that have lost a key: what they say about it is no answer as long as their quarantine lasts. Until then such a
// node votes for no client, so no other client can have taken the lock there since the key was lost (protocol 9.8).
#pragma once

#include "core/message.hh"

namespace redlock::core {

// What is left of the quarantine of a node that answered `inspected` to Verb::inspect, with our guard; zero: nothing,
// or it is not known.
Duration quarantine_left(const std::optional<Reply> &inspected, Duration guard);

// `told` with an error (Trouble::quarantined, without text) in place of each "no such key" of a node in quarantine.
// `inspected`: what the nodes answered to Verb::inspect afterwards; empty: nothing, only what `told` says itself counts
// (Verb::extend). `guard`: 0, off, changes nothing: a node votes at once, whatever it has lost.
Answers without_forgotten(Answers told, const Answers &inspected, Duration guard);

// How many nodes said yes or no.
std::size_t heard(const Answers &answers);

// By the answers to a release, adjusted as above: so many nodes say that the lock was not ours any more that it was no
// quorum's.
bool proves_loss(const Answers &answers, std::size_t quorum);

} // namespace redlock::core
