// RESP: words to bytes, bytes to values. hiredis parses; what it buffers is bounded. Knows neither sockets nor verbs
// (redis/verbs.hh). A node may send anything: nothing here throws for it.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct redisReader;
struct redisReply;

namespace redlock::redis {

// Bytes that may be buffered before a reply is complete, and elements of an array. What our scripts
// answer is far below both.
inline constexpr std::size_t max_reply = std::size_t{64} * 1024;
inline constexpr std::size_t max_elements = 16;

// One command: an array of bulk strings.
std::string encode(std::span<const std::string_view> words);
inline std::string encode(std::initializer_list<std::string_view> words) {
    return encode(std::span(words.begin(), words.size()));
}

// One reply of a node, of any shape. Texts are as the node wrote them, and live as long as the value.
class Value {
  public:
    // Takes ownership.
    explicit Value(redisReply *owned);

    [[nodiscard]] bool is_ok() const; // "+OK"
    // The text of an error reply, code word first; nullopt when it is none.
    [[nodiscard]] std::optional<std::string_view> error() const;
    // The text of a bulk string; nullopt when it is none.
    [[nodiscard]] std::optional<std::string_view> text() const;
    // An element of an array: a bulk string, an integer; nullopt: the element or the array is another thing, or
    // missing.
    [[nodiscard]] std::optional<std::string_view> text(std::size_t index) const;
    [[nodiscard]] std::optional<long long> integer(std::size_t index) const;

  private:
    [[nodiscard]] const redisReply *element(std::size_t index, int type) const;

    std::unique_ptr<redisReply, void (*)(void *)> reply_;
};

// Cuts the byte stream of one connection into values.
class ReplyReader {
  public:
    ReplyReader();

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
