// A model of the few Redis commands that the scripts use, over one small data set. Compared with a real
// redis-server by model_test.py. Time is handed in: whole milliseconds of the node's own clock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace redlock::sim {

// A reply, before the wire makes bytes of it.
struct Value {
    enum class Kind { nil, integer, string, status, error, array };
    Kind kind = Kind::nil;
    std::int64_t number = 0;
    std::string text{};
    std::vector<Value> items{};

    static Value integer(std::int64_t number) { return {.kind = Kind::integer, .number = number}; }
    static Value string(std::string text) { return {.kind = Kind::string, .text = std::move(text)}; }
    static Value status(std::string text) { return {.kind = Kind::status, .text = std::move(text)}; }
    static Value error(std::string text) { return {.kind = Kind::error, .text = std::move(text)}; }
};

class Store {
  public:
    struct Entry {
        std::string key;
        std::string value;
        std::optional<std::int64_t> expires_ms; // of the node's clock
        bool list = false;                      // not a string; `value` has a character for each item
    };

    Value call(std::span<const std::string_view> words, std::int64_t now_ms);

    // What is there at this time of the node's clock; nullptr: nothing.
    [[nodiscard]] const Entry *find(std::string_view key, std::int64_t now_ms) const;
    [[nodiscard]] const std::vector<Entry> &entries() const { return entries_; }
    void clear() { entries_.clear(); }

    // Commands that need memory are refused, as they are beyond `maxmemory`.
    bool full = false;

  private:
    Entry *live(std::string_view key, std::int64_t now_ms);
    void remove(std::string_view key);
    Value set(std::span<const std::string_view> words, std::int64_t now_ms);

    std::vector<Entry> entries_; // one or two: a search is faster than a hash
};

} // namespace redlock::sim
