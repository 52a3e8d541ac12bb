// One node: one non-blocking connection, the requests that wait for it and those in flight on it. Keeps
// the rules of nodes.hh for its node. Owned by Nodes; never throws for what the node does.
//
// Life of the socket: none -> connecting (nothing written yet) -> open -> none. A write is tried as soon
// as connect() has been called: on a near network that saves a turn of the loop. AUTH and SELECT are asks
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
    // `patience`: see Nodes. Replies are appended to `replies`, which is borrowed.
    Connection(config::NodeUrl url, Duration patience, std::vector<core::Reply> &replies);
    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    void send(core::Request request, Instant now);
    void watch(event::PollSet &set);
    void handle(const event::PollSet &set, Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;
    // Requests alone: what goes with them (CLIENT SETNAME) has no deadline, and nobody waits for it.
    [[nodiscard]] bool waiting() const {
        return std::any_of(waiting_.begin(), waiting_.end(), [](const Ask &ask) { return ask.owes_reply(); });
    }
    // Something was asked that is not answered yet, in time or late.
    [[nodiscard]] bool owed() const { return socket_ && !in_flight_.empty(); }
    // The node has read part of what is in flight, and not yet what was written behind that: finding that we have gone
    // when it answers, it would read no more. Unix sockets alone: over TCP it reads what has come before it hears of
    // that.
    [[nodiscard]] bool at_work() const;
    void finish();

  private:
    // One command, from send() to its answer.
    struct Ask {
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

    // connection.cc: what is asked and answered
    bool take_back(const core::Request &abandon);
    [[nodiscard]] bool take_value(const Value &value);
    [[nodiscard]] bool take_preamble(Ask::Kind kind, const Value &value);
    [[nodiscard]] bool take_server(const Ask &ask, const Value &value);
    [[nodiscard]] bool take_answer(const Ask &ask, const Value &value);
    void expire(Instant now);
    [[nodiscard]] static core::Reply reply_to(const Ask &ask);
    void report(const Ask &ask, core::Answer answer, Fault fault = {});
    void report_silent(const Ask &ask, std::string_view what);
    void refuse_waiting(const Fault &fault);
    [[nodiscard]] bool held_back() const { return url_.db != 0 && !selected_; }

    // stream.cc: the socket below
    void dial(Instant now);
    void give_up_address(int error, Instant now);
    [[nodiscard]] int flush(Instant now);
    [[nodiscard]] int unread() const;
    void read_in(Instant now);
    void lose(std::string_view why, Instant now);
    void drop_socket(bool abort);
    [[nodiscard]] std::string excerpt(std::string_view text) const;
    [[nodiscard]] std::string unheard(std::string_view why) const;

    const config::NodeUrl url_;
    const Duration patience_;
    std::vector<core::Reply> &replies_;
    Dialer dialer_;

    UniqueFd socket_;
    std::optional<std::size_t> slot_; // of socket_, in this turn
    bool connecting_ = false;         // no byte has been written yet
    bool blocked_ = false;            // the kernel takes no more for now
    bool proven_ = false;             // the node has answered something on this socket
    bool heard_ = false;              // a byte has come on this socket
    bool selected_ = false;           // the node has said OK to AUTH and SELECT
    std::string half_;                // rest of an ask that was written in part
    std::unique_ptr<Reader> reader_;

    std::deque<Ask> waiting_;   // not a byte written
    std::deque<Ask> in_flight_; // written, not answered
    // The node has refused AUTH or SELECT: nothing on this socket counts; closed when all has been answered.
    std::optional<Fault> condemned_;
    std::string set_token_; // of the last request written that may create the key
};

} // namespace redlock::redis
