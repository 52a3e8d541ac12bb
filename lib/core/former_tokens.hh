// Tokens of attempts that were given up, as long as a node may still hold the lock's key with one of them. A request
// that was under way when the network broke may arrive after the attempt was abandoned; the key then blocks its own
// client until its time to live is over, unless the client recognizes it (protocol 4.9).
#pragma once

#include "core/message.hh"

#include <string>
#include <vector>

namespace redlock::core {

class FormerTokens {
  public:
    // A node's part of an attempt that is over.
    struct Entry {
        NodeIndex node;
        std::string token;
        Serial acquire; // the request that may have set the key and has no answer yet; 0: it has been answered
        Serial abandon; // the latest abandon that the node was sent
        Instant added;
    };

    void add(Entry entry);
    // Forgets a token once the node has answered its abandon, and the acquire before it or none was sent.
    void on_reply(const Reply &reply);
    // Forgets tokens that were added before `limit`: their keys have ended.
    void forget_before(Instant limit);
    // The entry of the token because of which the node refuses, valid until the next call; null: it is none of these.
    [[nodiscard]] Entry *find(const Reply &refusal);

  private:
    std::vector<Entry> entries_; // the oldest first
};

} // namespace redlock::core
