// The way between one redlock process and one node: the process's end, which is the stream of a redis::Connection,
// the network in both directions, and the node's end.
//
// Order: what is written to one connection arrives in order. When a connection has gone, what was under way on
// it is lost, or still arrives before anything of the next; only where something on the way keeps data of its
// own (Path::strays) may it arrive later.
#pragma once

#include "node.hh"
#include "redis/codec.hh"
#include "redis/stream.hh"

#include <deque>
#include <memory>

namespace redlock::sim {

// The network between a machine and a node, whoever uses it.
struct Path {
    Duration delay{};  // usual, one way
    Duration spread{}; // on top, at random
    Moment there_blocked_until{}, back_blocked_until{};
    double strays = 0; // share of what is under way on a lost connection that arrives any time later
    Duration stray_time{};
    double repeats = 0;    // share of requests that are sent twice on the way
    double stragglers = 0; // share of packets that take much longer, as long as faults last
    Duration straggling{};
    Moment straggle_until{};
};

// The owner of the process's end.
class LinkOwner {
  public:
    virtual ~LinkOwner() = default;
    virtual void wake() = 0;
    // A request has left; it will arrive, or not.
    virtual void sending(const core::Request &request) = 0;
    // The node has executed it.
    virtual void executed(Node &node, const core::Request &request, const core::Reply &reply) = 0;
    // Everything that this process ever sent to the node has been executed, and nothing was lost.
    virtual void drained(Node &node) = 0;
};

class Link {
  public:
    Link(World &world, Path &path, Node &node, LinkOwner &owner)
        : world_(world), path_(path), node_(node), owner_(owner), incarnation_(node.incarnation()) {}
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;

    // The process's end. One stream at a time.
    std::unique_ptr<redis::Stream> open();
    // The bits that poll(2) would find for it.
    [[nodiscard]] int events() const;
    // The connection is given this request, and has answered that one unsent: what it writes must be the others in this
    // order.
    void expect(const core::Request &request) { expected_.push_back(request); }
    void forget(core::Serial serial) {
        std::erase_if(expected_, [&](const core::Request &each) { return each.serial == serial; });
    }
    void finish(); // in good order: what is under way arrives
    void die();    // the process is gone

    // The node's end, and the network.
    void serve(const Packet &packet);
    // The connection breaks: the process is told, or finds out never (`quiet`: only the way there and back is lost).
    void cut(bool quiet);
    // The node crashed and its kernel says so.
    void reset_by_node();

  private:
    class End;
    struct News {
        enum class Kind { connected, refused, reply, reset };
        Kind kind = Kind::reply;
        Moment arrives{};
        std::uint32_t socket = 0;
        std::string bytes{};
    };
    enum class State { none, connecting, open };

    redis::Stream::Result write(std::string_view bytes);
    redis::Stream::Result read(std::span<char> buffer);
    void close();
    core::Reply reply_in(std::string_view answer, const core::Request &request);
    void abandon_socket();

    void knock(std::uint32_t socket);
    void pump_there();
    void pump_back();
    void tell(News::Kind kind, std::uint32_t socket, std::string bytes = {});
    void check_drained();
    [[nodiscard]] Duration travel();

    World &world_;
    Path &path_;
    Node &node_;
    LinkOwner &owner_;

    State state_ = State::none;
    bool gone_ = false; // finished or dead: nobody reads any more
    std::uint32_t socket_ = 0;
    std::deque<core::Request> expected_; // not yet written
    std::deque<News> arrived_;           // in this machine's kernel

    std::uint32_t accepted_ = 0;    // the socket that the node knows
    std::uint32_t accepted_by_ = 0; // and which life of the node
    std::deque<Packet> there_;
    std::deque<News> back_;
    bool there_planned_ = false, back_planned_ = false;
    std::deque<Packet> strays_; // all that there ever were
    std::uint32_t incarnation_; // of the node when the process began
    bool disturbed_ = false;    // something was lost here, or may have been
    redis::ReplyReader reader_; // for the checker
};

} // namespace redlock::sim
