// The process's end of a link: what redis::Connection writes to and reads from.
#include "link.hh"

#include "redis/verbs.hh"
#include "resp.hh"

#include <algorithm>
#include <cerrno>
#include <poll.h>

namespace redlock::sim {

class Link::End : public redis::Stream {
  public:
    explicit End(Link &link) : link_(link) {}
    End(const End &) = delete;
    End &operator=(const End &) = delete;
    ~End() override { link_.close(); }

    [[nodiscard]] bool opening() const override { return link_.state_ == State::connecting; }
    Result write(std::string_view bytes) override { return link_.write(bytes); }
    Result read(std::span<char> buffer) override { return link_.read(buffer); }
    [[nodiscard]] int descriptor() const override { return -1; }
    [[nodiscard]] short wants(bool writing) const override { return static_cast<short>(writing ? POLLOUT : POLLIN); }
    [[nodiscard]] int unread() const override { return 0; }
    void shut_down() override {}
    void abort() override { link_.disturbed_ = true; }

  private:
    Link &link_;
};

std::unique_ptr<redis::Stream> Link::open() {
    state_ = State::connecting;
    const std::uint32_t socket = ++socket_;
    world_.after(travel(), [this, socket] { knock(socket); });
    return std::make_unique<End>(*this);
}

int Link::events() const {
    if (arrived_.empty()) return 0;
    return state_ == State::connecting ? POLLOUT : POLLIN;
}

redis::Stream::Result Link::write(std::string_view bytes) {
    if (state_ == State::connecting) {
        if (arrived_.empty()) return {.error = EAGAIN};
        const News news = std::move(arrived_.front());
        arrived_.pop_front();
        if (news.kind == News::Kind::refused) return {.error = ECONNREFUSED};
        state_ = State::open;
    }
    const std::size_t size = bytes.size();
    bool first = true;
    while (!bytes.empty()) {
        const std::string_view rest = bytes;
        const auto words = take_command(bytes);
        const std::string_view command = rest.substr(0, rest.size() - bytes.size());
        if (words[0] == "CLIENT") { // travels with the request in front of it, and takes no time of its own
            if (first) arrived_.push_back({.socket = socket_, .bytes = "+OK\r\n"});
            else there_.back().bytes += command;
            continue;
        }
        first = false;
        if (expected_.empty() || redis::row_of(expected_.front().verb).script != words[1])
            throw Violation{"a connection writes what it was not given, or in another order"};
        const core::Request request = std::move(expected_.front());
        expected_.pop_front();
        owner_.sending(request);
        const Moment floor = there_.empty() ? world_.now() : there_.back().arrives;
        there_.push_back({.arrives = std::max(floor, world_.now() + travel()),
                          .socket = socket_,
                          .incarnation = node_.incarnation(),
                          .repeated = path_.repeats > 0 && world_.random.chance(path_.repeats),
                          .request = request,
                          .bytes = std::string(command)});
    }
    pump_there();
    return {.bytes = size};
}

redis::Stream::Result Link::read(std::span<char> buffer) {
    std::size_t got = 0;
    while (!arrived_.empty() && arrived_.front().kind == News::Kind::reply &&
           arrived_.front().bytes.size() <= buffer.size() - got) {
        got += arrived_.front().bytes.copy(buffer.data() + got, buffer.size() - got);
        arrived_.pop_front();
    }
    if (got != 0) return {.bytes = got, .more = !arrived_.empty()};
    return {.error = arrived_.empty() ? EAGAIN : ECONNRESET};
}

void Link::close() {
    if (gone_) return;
    if (state_ == State::open) abandon_socket();
    state_ = State::none;
}

// The socket is aborted: see Path for what becomes of the requests under way.
void Link::abandon_socket() {
    state_ = State::none;
    ++socket_;
    arrived_.clear();
    std::deque<Packet> kept;
    for (Packet &packet : there_) {
        if (path_.strays > 0 && world_.random.chance(path_.strays)) {
            const std::size_t stray = strays_.size();
            strays_.push_back(std::move(packet));
            world_.after(world_.random.between(Duration{}, path_.stray_time), [this, stray] {
                const Packet &late = strays_[stray];
                if (node_.up() && late.incarnation == node_.incarnation()) node_.deliver(*this, late);
            });
        } else if (world_.random.chance(0.5)) {
            kept.push_back(std::move(packet));
        }
    }
    there_ = std::move(kept);
    if (world_.random.chance(0.5)) node_.forget_waiting(*this);
}

void Link::finish() {
    gone_ = true;
    check_drained();
}

void Link::die() {
    gone_ = true;
    disturbed_ = true;
    if (state_ == State::open && world_.random.chance(0.5)) abandon_socket();
}

} // namespace redlock::sim
