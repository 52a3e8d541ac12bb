// A connection on streams that the test plays by hand, in invented time.
#pragma once

#include "redis/connection.hh"
#include "redis/verbs.hh"

#include <deque>
#include <poll.h>
#include <utility>

namespace redlock::redis {

// One stream as the node and the kernel see it.
struct Played {
    bool open = false;                    // the connect has succeeded
    std::size_t room = std::string::npos; // write() takes so many bytes more
    std::string written{}, answer{};      // by the connection; for it
    int error = 0;                        // of the next read
    bool ended = false;                   // read() says that the node has closed
    bool shut = false, aborted = false, closed = false;
};

class PlayedStream : public Stream {
  public:
    explicit PlayedStream(Played &played) : played_(played) {}
    PlayedStream(const PlayedStream &) = delete;
    PlayedStream &operator=(const PlayedStream &) = delete;
    ~PlayedStream() override { played_.closed = true; }
    [[nodiscard]] bool opening() const override { return opening_; }
    Result write(std::string_view bytes) override {
        const std::size_t taken = std::min(bytes.size(), played_.room);
        if (!played_.open || taken == 0) return {.error = played_.error != 0 ? played_.error : EAGAIN};
        opening_ = false;
        played_.written += bytes.substr(0, taken);
        if (played_.room != std::string::npos) played_.room -= taken;
        return {.bytes = taken};
    }
    Result read(std::span<char> buffer) override {
        const std::size_t got = played_.answer.copy(buffer.data(), buffer.size());
        played_.answer.erase(0, got);
        if (got != 0) return {.bytes = got, .more = !played_.answer.empty()};
        return {.error = played_.error != 0 ? played_.error : played_.ended ? 0 : EAGAIN};
    }
    [[nodiscard]] int descriptor() const override { return -1; }
    [[nodiscard]] short wants(bool) const override { return 0; }
    [[nodiscard]] int unread() const override { return 0; }
    void shut_down() override { played_.shut = true; }
    void abort() override { played_.aborted = true; }

  private:
    Played &played_;
    bool opening_ = true;
};

inline config::NodeUrl some_url(unsigned db = 0, const char *password = "") {
    config::NodeUrl url;
    url.host = "127.0.0.1"; // nobody dials it
    url.db = db;
    url.password = password;
    return url;
}

struct Driver {
    explicit Driver(const config::NodeUrl &url = some_url(), bool reachable = true)
        : connection(url, patience, replies, [this, reachable](const Address &, Duration) {
              return std::make_unique<PlayedStream>(streams.emplace_back(Played{.open = reachable}));
          }) {}

    static constexpr Duration patience = seconds{5};
    std::deque<Played> streams;
    std::vector<core::Reply> replies;
    Connection connection;
    Instant now{seconds{1000}};

    core::Serial send(core::Verb verb, const char *token = "mine", Duration within = seconds{60},
                      Duration timeout = {}) {
        core::Request request;
        request.serial = ++serial;
        request.verb = verb;
        request.key = "lock";
        request.token = token;
        request.deadline = now + within;
        request.timeout = timeout;
        connection.send(std::move(request), now);
        return serial;
    }
    void answer(std::string_view bytes) {
        streams.back().answer = bytes;
        connection.handle(POLLIN, now);
    }
    void end() {
        streams.back().ended = true;
        connection.handle(POLLIN, now);
    }
    void pass(Duration time) {
        now += time;
        connection.handle(0, now);
    }
    // The oldest reply that was not taken; a default one when there is none.
    core::Reply reply() {
        if (replies.empty()) return {};
        core::Reply first = replies.front();
        replies.erase(replies.begin());
        return first;
    }
    // The first words of the commands on the latest stream since the last call, and the verbs of scripts.
    std::string written() {
        ReplyReader reader;
        reader.feed(std::exchange(streams.back().written, {}));
        std::string all;
        while (const auto command = reader.next()) {
            std::string_view name = command->text(0).value_or("?");
            for (const VerbRow &row : verb_rows())
                if (name == "EVAL" && row.script == command->text(1)) name = row.name;
            all += (all.empty() ? "" : " ") + std::string(name);
        }
        return all;
    }
    core::Serial serial = 0;
};

} // namespace redlock::redis
