// What the nodes hold for us: one record per node, and the lease that follows from their answers (protocol 5.3).
#pragma once

#include "core/node_record.hh"

#include <utility>
#include <vector>

namespace redlock::core {

class Possession {
  public:
    // Keeps a reference to `terms`.
    explicit Possession(const Terms &terms);

    // A new attempt begins: no node holds a key of it yet.
    void begin();

    // Takes in what `reply` says of the server itself, and whether the request may have reached it.
    // REQUIRES: the reply belongs to the present attempt or lease. `held`: the lock is won.
    void note_server(const Reply &reply, bool held);
    // Takes in what `reply` (acquire, confirm, extend; others change nothing) says about our key on its node.
    // REQUIRES: as above, and the lease has not been found lost. Returns true if the reply counts as a grant although
    // its answer is another one: the node is in quarantine, and our part of the lease there has not ended.
    bool apply(Instant now, const Reply &reply);

    [[nodiscard]] Lease &lease() { return lease_; }
    [[nodiscard]] const Lease &lease() const { return lease_; }
    [[nodiscard]] NodeRecord &node(NodeIndex node) { return records_[node]; }
    [[nodiscard]] const std::vector<NodeRecord> &nodes() const { return records_; }

    // The node is the same server as one before it, and counts once (protocol 10.6).
    [[nodiscard]] bool repeated(NodeIndex node) const;
    [[nodiscard]] bool any_repeated() const;
    // When our key may be set anew on the node at the latest, in the node's own time (protocol 7.3); 0: never.
    [[nodiscard]] NodeTime until(NodeIndex node) const;

    void notify(Notice notice) { notices_.push_back(std::move(notice)); }
    [[nodiscard]] std::vector<Notice> take_notices() { return std::exchange(notices_, {}); }

  private:
    bool apply_in_quarantine(Instant now, const Reply &reply);
    bool in_time(Instant now, const Reply &reply);

    const Terms &terms_;
    Lease lease_;
    std::vector<NodeRecord> records_;
    std::vector<Notice> notices_;
};

} // namespace redlock::core
