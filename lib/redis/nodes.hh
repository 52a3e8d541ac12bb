// All nodes, each behind one non-blocking connection: requests in, replies out. Knows addresses, AUTH and
// deadlines; knows nothing of quorums, retries or validity.
//
// Rules that the callers rely on:
//  - Every request is answered at least once: by the node's answer, by `error`, or by `silent` when its time is
//    over (Request::timeout and deadline). After `silent` the real answer may still follow, with the same serial.
//  - Requests to one node are written in the order given, on one connection; a later one never overtakes
//    an earlier one. When a connection has to be replaced, the old socket is aborted (RST) first.
//  - A request is stamped (Reply::sent) by the clock read just before its first byte is written.
//  - `abandon` for a token whose acquire has not left this process takes the acquire off the queue and
//    is answered `absent` at once: nothing is sent.
//  - Nothing here throws for what a node does or says. Single thread; a resolver thread of its own looks
//    up names that are not numeric.
#pragma once

#include "config/node_url.hh"
#include "core/message.hh"
#include "event/poll_set.hh"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace redlock::redis {

class Connection;

class Nodes {
  public:
    // Does not connect yet: a node is dialled by the first request for it. `patience`: a connection that has owed an
    // answer, or has not been established, for so long is replaced.
    explicit Nodes(std::vector<config::NodeUrl> urls, Duration patience = seconds{5});
    ~Nodes(); // aborts what finish() did not close
    Nodes(const Nodes &) = delete;
    Nodes &operator=(const Nodes &) = delete;

    [[nodiscard]] std::size_t size() const;

    // Takes the request; on a ready connection it is written at once. Never blocks. A failure is a reply.
    void send(core::Request request);

    void watch(event::PollSet &set);
    // Reads, writes, connects, expires; call after PollSet::wait().
    void handle(const event::PollSet &set);
    // When handle() wants to be called although nothing is ready.
    [[nodiscard]] std::optional<Instant> deadline() const;

    // All replies since the last call.
    std::vector<core::Reply> take_replies();

    // Some request waits to be written (for a connection, for a database). Over when its deadline has passed.
    [[nodiscard]] bool waiting() const;
    // Some node owes an answer, or has not been asked yet.
    [[nodiscard]] bool owed() const;
    // Some node has begun with what it was asked, and would not read the rest if we were gone.
    [[nodiscard]] bool at_work() const;

    // Before exit: for every connection, read what is there, shut down the sending side, close. What was
    // handed to the kernel is delivered; what was not yet written is dropped. Does not wait.
    void finish();

  private:
    std::vector<core::Reply> replies_; // the connections write to it
    std::vector<std::unique_ptr<Connection>> connections_;
};

} // namespace redlock::redis
