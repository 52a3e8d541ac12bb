// Requests to bytes, bytes to replies: RESP, parsed by hiredis, bounded. Neither sockets nor clocks. A node may
// send what it likes: nothing here throws for it, and no reply makes us buffer more than `max_reply`.
#pragma once

#include "core/message.hh"

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct redisReader;
struct redisReply;

namespace redlock::redis {

// Bytes that may be buffered before a reply is complete, and elements of an array. What our scripts
// answer is far below both.
inline constexpr std::size_t max_reply = std::size_t{64} * 1024;
inline constexpr std::size_t max_elements = 16;

// One command as a node wants it.
std::string encode(std::initializer_list<std::string_view> words);
// The script of the request's verb with its arguments.
std::string encode(const core::Request &request);

// One reply of a node, of any shape.
class Value {
  public:
    explicit Value(redisReply *owned);

    [[nodiscard]] bool is_ok() const; // "+OK"
    // The text of an error reply, code word first; nullopt when it is none. As the node wrote it.
    [[nodiscard]] std::optional<std::string_view> error() const;
    // The text of a bulk string; nullopt when it is none.
    [[nodiscard]] std::optional<std::string_view> text() const;
    // Fills answer, refusal and what goes with them into a reply whose verb is set. False: the value is no
    // answer to this verb, and `into` is as it was.
    [[nodiscard]] bool decode(core::Reply &into) const;

  private:
    std::unique_ptr<redisReply, void (*)(void *)> reply_;
};

// Cuts the byte stream of one connection into values.
class Reader {
  public:
    Reader();

    void feed(std::string_view bytes);
    // The next complete value; nullopt: more bytes are needed, or the stream is broken().
    std::optional<Value> next();
    // The stream is not RESP, or exceeds the bounds: for good.
    [[nodiscard]] bool broken() const { return broken_; }

  private:
    std::unique_ptr<redisReader, void (*)(redisReader *)> reader_;
    std::size_t buffered_ = 0; // fed since the last complete value
    bool broken_ = false;
};

} // namespace redlock::redis
