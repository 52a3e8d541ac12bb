// Tokens of attempts that were given up, as long as a node may still hold the lock's key with one of them. A request
// that was under way when the network broke may arrive after the attempt was abandoned; the key then blocks its own
// client until its time to live is over, unless the client recognizes it.
#pragma once

#include "core/message.hh"

#include <string>
#include <string_view>
#include <vector>

namespace redlock::core {

class FormerTokens {
  public:
    // The attempt is over, and the node was sent an abandon with serial `abandon`. `answered`: the node had answered
    // all requests that may have set the key.
    void add(NodeIndex node, std::string token, Serial abandon, bool answered, Instant now);
    // Forgets a token once the node has answered its abandon and no request of it can arrive any more.
    void on_reply(const Reply &reply);
    // Forgets tokens that were added before `limit`: their keys have ended.
    void forget_before(Instant limit);
    // The node refuses because of one of these tokens: the serial of the latest abandon of it there. 0: it does not.
    [[nodiscard]] Serial named_by(const Reply &reply) const;
    // The token was abandoned there again, with this serial.
    void abandoned_again(const Reply &refusal, Serial abandon);

    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        NodeIndex node;
        std::string token;
        Serial abandon;
        bool answered;
        Instant added;
    };
    [[nodiscard]] const Entry *find(const Reply &refusal) const;

    std::vector<Entry> entries_; // the oldest first
};

} // namespace redlock::core
