// A model of the few Redis commands that the scripts use, over one small data set. Compared with a real
// redis-server by model_test.py. Time is handed in: microseconds of the node's own clock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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
    enum class Kind { string, list, hash };
    struct Entry {
        std::string key;
        std::string value;                        // of a list: a character for each item
        std::optional<std::int64_t> expires_ms{}; // of the node's clock
        Kind kind = Kind::string;
        std::vector<std::pair<std::string, std::string>> fields{};
    };

    // `wrote`: a command that may write has been executed in this script; set here. nullptr: no script.
    Value call(std::span<const std::string_view> words, std::int64_t now_us, bool *wrote = nullptr);

    // What is there at this time of the node's clock; nullptr: nothing.
    [[nodiscard]] const Entry *find(std::string_view key, std::int64_t now_us) const;
    void remove(std::string_view key);
    void clear() { entries_.clear(); }
    // The data of another server, or of another time.
    void take_data(const Store &other) { entries_ = other.entries_; }

    // Commands that need memory are refused, as they are beyond `maxmemory`: in a script only until it has written, for
    // it cannot be stopped in the middle.
    bool full = false;

    // What INFO tells of the server.
    std::string run_id = "0";
    int followed = 0; // how often it was a replica

  private:
    Entry *live(std::string_view key, std::int64_t now_ms);
    Value set(std::span<const std::string_view> words, std::int64_t now_ms);

    std::vector<Entry> entries_; // two or three: a search is faster than a hash
};

} // namespace redlock::sim
