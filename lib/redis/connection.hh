// One node: one stream, the requests that wait for it and those in flight on it. Keeps the rules of nodes.hh
// for its node. Owned by Nodes; never throws for what the node does.
//
// Life of a channel: none -> opening (nothing written yet) -> open -> none. A write is tried as soon
// as the stream opens: on a near network that saves a turn of the loop. AUTH and SELECT are exchanges
// like any other, in front of the first request and in the same write; only where a database has to be
// selected, requests are held back until the node has said OK: a script that runs in the wrong database
// could not be told from one in the right. CLIENT SETNAME, a courtesy that may be forbidden, comes behind
// them: what a node says to everybody at its door ("max number of clients") must answer a request.
#pragma once

#include "core/message.hh"
#include "redis/codec.hh"
#include "redis/dialer.hh"
#include "redis/fault.hh"

#include <algorithm>
#include <deque>
#include <memory>

namespace redlock::redis {

class Connection {
  public:
    // `patience`: see Nodes. Replies are appended to `replies`, which is borrowed. `open`: see Dialer.
    Connection(config::NodeUrl url, Duration patience, std::vector<core::Reply> &replies,
               OpenStream open = open_socket);
    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    void send(core::Request request, Instant now);
    void watch(event::PollSet &set);
    void handle(const event::PollSet &set, Instant now);
    // The same when the bits that poll(2) has found for the stream are known; 0: none.
    void handle(int events, Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;
    // Some request is not written yet. CLIENT SETNAME, which goes with them, does not count: it has no deadline.
    [[nodiscard]] bool waiting() const {
        return std::any_of(waiting_.begin(), waiting_.end(), [](const Exchange &each) { return each.owes_reply(); });
    }
    // Some request was written and is not answered yet.
    [[nodiscard]] bool owed() const { return channel_ && !in_flight_.empty(); }
    // The node has read a part of what is in flight, and not yet the rest. If this process ended now, the node would
    // notice it when it answers, and would not read the rest. Unix sockets only: over TCP the node reads everything
    // that has arrived before it notices.
    [[nodiscard]] bool at_work() const;
    void finish();

  private:
    // One command, from send() to its answer.
    struct Exchange {
        enum class Kind { auth, select, name, request, cleanup, server };
        Kind kind = Kind::request;
        std::string bytes{};
        core::Request request{}; // request, cleanup, server: the one that got `fault`
        Instant given{};
        std::optional<Instant> sent{};
        bool reported = false; // `silent` has been said
        // When `silent` is due. A request that waited for the connection gets its full time from when it was written.
        [[nodiscard]] Instant due() const {
            const bool full = sent && request.timeout > Duration{};
            return full ? std::min(request.deadline, *sent + request.timeout) : request.deadline;
        }
        Fault fault{}; // server: what is reported unless its INFO explains it
        int kept = 0;  // memory that the kernel needs for what was written up to here, until the node reads it
        [[nodiscard]] bool owes_reply() const { return kind == Kind::request || kind == Kind::server; }
    };
    // A stream, and everything that lasts as long as the stream.
    struct Channel {
        std::unique_ptr<Stream> stream;
        std::optional<std::size_t> slot{}; // in the poll set of this turn
        bool blocked = false;              // the stream takes no more for now
        bool proven = false;               // the node has answered something
        bool heard = false;                // a byte has come
        bool selected = false;             // the node has said OK to AUTH and SELECT
        std::string half{};                // rest of an exchange that was written in part
        ReplyReader reader{};
        // The node has refused AUTH or SELECT: no answer counts; closed when everything is answered.
        std::optional<Fault> condemned{};
    };

    // connection.cc: what is asked and answered
    bool take_back(const core::Request &abandon);
    [[nodiscard]] bool take_value(const Value &value);
    [[nodiscard]] bool take_preamble(Exchange::Kind kind, const Value &value);
    [[nodiscard]] bool take_server(const Exchange &asked, const Value &value);
    [[nodiscard]] bool take_answer(const Exchange &asked, const Value &value);
    void expire(Instant now);
    [[nodiscard]] static core::Reply reply_to(const Exchange &asked);
    void report(const Exchange &asked, core::Answer answer, Fault fault = {});
    void report_silent(const Exchange &asked, std::string_view what);
    void refuse_waiting(const Fault &fault);
    [[nodiscard]] bool opening() const { return channel_ && channel_->stream->opening(); }
    [[nodiscard]] bool held_back() const { return url_.db != 0 && !channel_->selected; }

    // connection_life.cc: the stream below
    void dial(Instant now);
    void give_up_address(int error, Instant now);
    [[nodiscard]] int flush(Instant now);
    void read_in(Instant now);
    void lose(std::string_view why, Instant now);
    void drop_channel(bool abort);
    [[nodiscard]] std::string excerpt(std::string_view text) const;
    [[nodiscard]] std::string unheard(std::string_view why) const;

    const config::NodeUrl url_;
    const Duration patience_;
    std::vector<core::Reply> &replies_;
    Dialer dialer_;
    std::optional<Channel> channel_;
    std::deque<Exchange> waiting_;   // not a byte written
    std::deque<Exchange> in_flight_; // written, not answered
    std::string set_token_;          // of the last request written that may create the key
};

} // namespace redlock::redis
