#include "node.hh"

#include "link.hh"
#include "resp.hh"

#include <algorithm>

namespace redlock::sim {

namespace {

constexpr std::string_view fence_key = "redlock:{job}:fence", node_key = "redlock:{}:node";

} // namespace

void Node::prepare(std::optional<core::NodeTime> floor, core::Fence fence, std::string_view terms) {
    const auto play = [&](std::initializer_list<std::string_view> words) { store_.call(std::span(words), now_us()); };
    started();
    if (!terms.empty()) play({"HSET", node_key, "terms:", terms});
    play({"HSET", node_key, "run_id", store_.run_id, "joined", "0", "checked", "0"});
    if (floor) play({"HSET", node_key, "floor", std::to_string(*floor)});
    if (fence != 0) play({"SET", fence_key, std::to_string(fence), "EX", "2592000"});
}

core::Fence Node::fence() const {
    const Store::Entry *const entry = store_.find(fence_key, now_us());
    return entry == nullptr ? 0 : std::stoull(entry->value);
}

bool Node::used() const {
    const Store::Entry *const marker = store_.find(node_key, now_us());
    return marker != nullptr && std::any_of(marker->fields.begin(), marker->fields.end(),
                                            [](const auto &field) { return field.first == "used"; });
}

std::string Node::execute(std::string_view commands) {
    std::string replies;
    while (!commands.empty()) replies += resp_of(execute_one(take_command(commands)));
    return replies;
}

Value Node::execute_one(std::span<const std::string_view> words) {
    if (words.front() != "EVAL") return Value::status("OK");
    fence_before_ = fence();
    holder_before_ = owner(scenario_key);
    if (world_.now() < loading_until_) return Value::error("LOADING Redis is loading the dataset in memory");
    if (denies_) return Value::error("NOPERM this user has no permissions to run the command");
    if (remembers_) before_last_write_ = store_;
    const std::size_t keys = std::stoul(std::string(words[2]));
    return engine_.run(words[1], words.subspan(3, keys), words.subspan(3 + keys), store_, now_us());
}

std::optional<Moment> Node::end_of(std::string_view key) const {
    const Store::Entry *const entry = store_.find(key, now_us());
    if (entry == nullptr) return std::nullopt;
    if (!entry->expires_ms) return never;
    return clock_.when(milliseconds{*entry->expires_ms + 1});
}

std::optional<Moment> Node::holds(std::string_view key, std::string_view token) const {
    const Store::Entry *const entry = store_.find(key, now_us());
    return entry != nullptr && entry->value == token ? end_of(key) : std::nullopt;
}

std::string_view Node::owner(std::string_view key) const {
    const Store::Entry *const entry = store_.find(key, now_us());
    return entry == nullptr ? std::string_view() : std::string_view(entry->value);
}

void Node::deliver(Link &link, const Packet &packet) {
    if (pauses_ > 0) waiting_.emplace_back(&link, packet);
    else link.serve(packet);
}

bool Node::has_waiting(const Link &link) const {
    return std::any_of(waiting_.begin(), waiting_.end(), [&](const auto &entry) { return entry.first == &link; });
}

void Node::forget_waiting(const Link &link) {
    std::erase_if(waiting_, [&](const auto &entry) { return entry.first == &link; });
}

void Node::resume() {
    if (--pauses_ > 0) return;
    while (!waiting_.empty() && pauses_ == 0) {
        const auto [link, packet] = std::move(waiting_.front());
        waiting_.pop_front();
        link->serve(packet);
    }
}

void Node::crash(bool quiet) {
    up_ = false;
    quiet_ = quiet;
    ++incarnation_;
    waiting_.clear();
}

void Node::started() {
    store_.run_id = std::to_string(index_) + std::to_string(100 + incarnation_);
    store_.followed = 0;
}

// As REPLICAOF another, and then nobody's any more: the other is a neighbour, or has followed us up to the last write.
void Node::take_data(const Node &other) {
    store_.take_data(&other == this ? before_last_write_ : other.store_);
    ++store_.followed;
}

void Node::restart(Kept kept, Duration loading) {
    up_ = true;
    started();
    loading_until_ = world_.now() + loading;
    if (kept == Kept::nothing) store_.clear();
    if (kept == Kept::all_but_the_last_write) store_.take_data(before_last_write_);
}

} // namespace redlock::sim
