#include "store.hh"

#include <algorithm>
#include <charconv>

namespace redlock::sim {

namespace {

std::optional<std::int64_t> whole(std::string_view word) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return number;
}

const Value not_an_integer = Value::error("ERR value is not an integer or out of range");
const Value wrong_type = Value::error("WRONGTYPE Operation against a key holding the wrong kind of value");

// Valid to the end of its millisecond.
bool over(const Store::Entry &entry, std::int64_t now_ms) { return entry.expires_ms && now_ms > *entry.expires_ms; }

} // namespace

const Store::Entry *Store::find(std::string_view key, std::int64_t now_us) const {
    for (const Entry &entry : entries_)
        if (entry.key == key) return over(entry, now_us / 1000) ? nullptr : &entry;
    return nullptr;
}

Store::Entry *Store::live(std::string_view key, std::int64_t now_ms) {
    std::erase_if(entries_, [now_ms](const Entry &entry) { return over(entry, now_ms); });
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry &e) { return e.key == key; });
    return found == entries_.end() ? nullptr : &*found;
}

void Store::remove(std::string_view key) {
    std::erase_if(entries_, [&](const Entry &entry) { return entry.key == key; });
}

Value Store::set(std::span<const std::string_view> words, std::int64_t now_ms) {
    const std::string_view key = words[1];
    bool only_new = false;
    std::optional<std::int64_t> expires_ms;
    for (std::size_t i = 3; i < words.size(); ++i) {
        if (words[i] == "NX") {
            only_new = true;
        } else if ((words[i] == "PX" || words[i] == "EX") && i + 1 < words.size()) {
            const std::int64_t unit = words[i] == "PX" ? 1 : 1000;
            const auto ttl = whole(words[++i]);
            if (!ttl) return not_an_integer;
            if (*ttl <= 0) return Value::error("ERR invalid expire time in 'set' command");
            expires_ms = now_ms + *ttl * unit;
        } else {
            return Value::error("ERR syntax error");
        }
    }
    Entry *entry = live(key, now_ms);
    if (only_new && entry != nullptr) return {};
    if (entry == nullptr) entry = &entries_.emplace_back(Entry{.key = std::string(key), .value = {}});
    entry->value = words[2];
    entry->expires_ms = expires_ms;
    entry->kind = Kind::string;
    entry->fields.clear();
    return Value::status("OK");
}

Value Store::call(std::span<const std::string_view> words, std::int64_t now_us, bool *wrote) {
    const std::int64_t now_ms = now_us / 1000;
    if (words.empty()) return Value::error("ERR Please specify at least one argument for this redis.call() call");
    const std::string_view name = words[0];
    const auto with = [&](std::size_t count) { return words.size() == count; };
    if (name == "TIME" && with(1)) {
        Value time{.kind = Value::Kind::array};
        time.items.push_back(Value::string(std::to_string(now_us / 1'000'000)));
        time.items.push_back(Value::string(std::to_string(now_us % 1'000'000)));
        return time;
    }
    if (words.size() < 2) return Value::error("ERR wrong number of arguments");
    if (name == "INFO" && with(2)) {
        if (words[1] == "server") return Value::string("run_id:" + run_id + "\r\n");
        if (words[1] == "replication")
            return Value::string("role:master\r\nmaster_replid2:" + std::to_string(followed) + "\r\n");
        if (words[1] == "memory") return Value::string("maxmemory:0\r\nmaxmemory_policy:noeviction\r\n");
        if (words[1] == "cluster") return Value::string("cluster_enabled:0\r\n");
    }
    const bool needs_memory = name == "SET" || name == "LPUSH" || name == "HSET" || name == "HSETNX";
    if (full && needs_memory && (wrote == nullptr || !*wrote))
        return Value::error("OOM command not allowed when used memory > 'maxmemory'.");
    if (wrote != nullptr) *wrote = *wrote || needs_memory || name == "PEXPIRE" || name == "DEL" || name == "HDEL";
    if (name == "SET" && words.size() >= 3) return set(words, now_ms);

    const std::string_view key = words[1];
    Entry *entry = live(key, now_ms);
    // An entry of this kind, new if there was none; nullptr: it has another.
    const auto make = [&](Kind kind) {
        if (entry == nullptr) entry = &entries_.emplace_back(Entry{.key = std::string(key), .value = {}, .kind = kind});
        return entry->kind == kind ? entry : nullptr;
    };
    if (name == "TYPE" && with(2)) {
        static constexpr const char *kinds[] = {"string", "list", "hash"};
        return Value::status(entry == nullptr ? "none" : kinds[static_cast<int>(entry->kind)]);
    }
    if (name == "GET" && with(2)) {
        if (entry == nullptr) return {};
        return entry->kind == Kind::string ? Value::string(entry->value) : wrong_type;
    }
    if (name == "HGET" && with(3)) {
        if (entry == nullptr) return {};
        if (entry->kind != Kind::hash) return wrong_type;
        for (const auto &[field, value] : entry->fields)
            if (field == words[2]) return Value::string(value);
        return {};
    }
    if (name == "HMGET" && words.size() > 2) {
        if (entry != nullptr && entry->kind != Kind::hash) return wrong_type;
        Value all{.kind = Value::Kind::array};
        for (std::size_t i = 2; i < words.size(); ++i) {
            Value &found = all.items.emplace_back();
            if (entry == nullptr) continue;
            for (const auto &[field, value] : entry->fields)
                if (field == words[i]) found = Value::string(value);
        }
        return all;
    }
    if ((name == "HSET" && words.size() >= 4 && words.size() % 2 == 0) || (name == "HSETNX" && with(4))) {
        if (make(Kind::hash) == nullptr) return wrong_type;
        std::int64_t added = 0;
        for (std::size_t i = 2; i < words.size(); i += 2) {
            const auto known = std::find_if(entry->fields.begin(), entry->fields.end(),
                                            [&](const auto &field) { return field.first == words[i]; });
            if (known == entry->fields.end()) {
                entry->fields.emplace_back(words[i], words[i + 1]);
                ++added;
            } else if (name == "HSET") {
                known->second = words[i + 1];
            }
        }
        return Value::integer(added);
    }
    if (name == "HDEL" && words.size() > 2) {
        if (entry == nullptr) return Value::integer(0);
        if (entry->kind != Kind::hash) return wrong_type;
        const auto gone = std::erase_if(entry->fields, [&](const auto &field) {
            return std::find(words.begin() + 2, words.end(), field.first) != words.end();
        });
        if (entry->fields.empty()) remove(key);
        return Value::integer(static_cast<std::int64_t>(gone));
    }
    if (name == "PTTL" && with(2)) {
        if (entry == nullptr) return Value::integer(-2);
        return Value::integer(entry->expires_ms ? *entry->expires_ms - now_ms : -1);
    }
    if (name == "PEXPIRE" && with(3)) {
        const auto ttl = whole(words[2]);
        if (!ttl) return not_an_integer;
        if (entry == nullptr) return Value::integer(0);
        if (*ttl <= 0) remove(key);
        else entry->expires_ms = now_ms + *ttl;
        return Value::integer(1);
    }
    if (name == "DEL" && with(2)) {
        if (entry == nullptr) return Value::integer(0);
        remove(key);
        return Value::integer(1);
    }
    if (name == "LPUSH" && with(3)) {
        if (make(Kind::list) == nullptr) return wrong_type;
        entry->value += '-';
        return Value::integer(static_cast<std::int64_t>(entry->value.size()));
    }
    return Value::error("ERR not in the model: " + std::string(name));
}

} // namespace redlock::sim
