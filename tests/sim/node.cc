#include "node.hh"

#include "link.hh"
#include "redis/scripts.hh"

#include <algorithm>
#include <sstream>

namespace redlock::sim {

using core::Answer;
using core::Refusal;
using core::Verb;

namespace {

constexpr std::string_view fence_key = "redlock:{job}:fence", node_key = "redlock:{}:node";

std::optional<core::Agreement> agreement_in(const std::string &terms) {
    core::Agreement found;
    std::int64_t guard = 0;
    if (!(std::istringstream(terms) >> found.nodes >> found.quorum >> guard)) return std::nullopt;
    found.guard = milliseconds{guard};
    return found;
}

} // namespace

const char *name_of(Verb verb) {
    static constexpr const char *names[] = {"acquire", "confirm", "extend", "release", "abandon", "status",
                                            "inspect", "probe",   "trust",  "record",  "hold"};
    return names[static_cast<int>(verb)];
}

// As lib/redis/terms.cc.
std::string Node::terms_of(const core::Agreement &agreement) {
    return text(agreement.nodes, ' ', agreement.quorum, ' ', to_ms_up(agreement.guard));
}

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

core::Reply Node::execute(const core::Request &request) {
    fence_before_ = fence();
    held_before_ = owner(request.key) == request.token;
    if (world_.now() < loading_until_)
        return answer_of(request, Value::error("LOADING Redis is loading the dataset in memory"));
    if (denies_) {
        core::Reply denied = answer_of(request, Value::error("NOPERM this user has no permissions to run the command"));
        denied.trouble = core::Trouble::access;
        return denied;
    }
    if (remembers_) before_last_write_ = store_;
    // As lib/redis/codec.cc.
    const std::string ttl = std::to_string(to_ms_up(request.ttl)), fence = std::to_string(request.fence);
    const std::string until = std::to_string(request.until);
    const std::string terms = terms_of(request.agreement);
    const std::string_view keys[] = {request.key, fence_key, node_key};
    const auto run = [&](std::string_view script, std::size_t count, std::initializer_list<std::string_view> words) {
        return answer_of(request, engine_.run(script, std::span(keys, count), std::span(words), store_, now_us()));
    };
    const core::MarkerChange &change = request.change;
    const auto run_on_marker = [&](std::string_view script, std::initializer_list<std::string> words) {
        const std::vector<std::string_view> views(words.begin(), words.end());
        return answer_of(request, engine_.run(script, std::span(&node_key, 1), views, store_, now_us()));
    };
    switch (request.verb) {
    case Verb::acquire: return run(redis::acquire_script, 3, {request.token, ttl, fence, terms + " 0"});
    case Verb::confirm: return run(redis::confirm_script, 2, {request.token, fence});
    case Verb::extend: return run(redis::extend_script, 3, {request.token, ttl, fence, until + ' ' + terms + " 0"});
    case Verb::release:
    case Verb::abandon: return run(redis::release_script, 2, {request.token, fence});
    case Verb::inspect: return run_on_marker(redis::inspect_script, {request.agreement.prefix});
    case Verb::trust: return run_on_marker(redis::trust_script, {change.run_id, std::to_string(change.joined)});
    case Verb::record:
        return run_on_marker(redis::record_script, {request.agreement.prefix, change.run_id, change.expected,
                                                    change.record, change.provisional ? "1" : "0",
                                                    change.hold.empty() ? "" : change.hold + ' ' + change.used});
    case Verb::hold:
        return run_on_marker(redis::hold_script, {request.agreement.prefix, change.run_id, change.expected, change.hold,
                                                  std::to_string(to_ms_up(change.length))});
    case Verb::probe:
    case Verb::status: break;
    }
    return run(redis::status_script, 2, {});
}

// The part of lib/redis/codec.cc that makes a reply of what a script said.
core::Reply Node::answer_of(const core::Request &request, const Value &value) const {
    core::Reply reply;
    reply.serial = request.serial;
    reply.verb = request.verb;
    reply.node = index_;
    const auto &items = value.items;
    if (value.kind == Value::Kind::error || items.empty()) {
        reply.answer = Answer::error;
        reply.text = value.kind == Value::Kind::error ? value.text : "unexpected reply";
        return reply;
    }
    const std::string &word = items[0].text;
    reply.answer = Answer::granted;
    if (word == "granted") {
        reply.fence = static_cast<core::Fence>(items[1].number);
        reply.node_time = items[2].number;
        reply.run_id = items[3].text;
        if (reply.fence == 0) throw Violation{"a node grants the lock without a fence"};
        return reply;
    }
    if (request.verb >= Verb::inspect) {
        take_answer_to_setup(reply, items);
        return reply;
    }
    if (word == "quarantined" || word == "contradiction") {
        reply.answer = Answer::error;
        reply.trouble = word == "contradiction" ? core::Trouble::disagrees : core::Trouble::quarantined;
        if (word == "contradiction") reply.others = agreement_in(items[1].text);
        else reply.quarantine = milliseconds{items[1].number};
        reply.text = word;
        return reply;
    }
    if (request.verb == Verb::extend && items.size() == 5) {
        reply.node_time = items[1].number;
        if (items[2].number > 0) reply.quarantine = milliseconds{items[2].number};
        reply.others = agreement_in(items[3].text);
        reply.run_id = items[4].text;
        if (word == "extended" && reply.quarantine) {
            reply.answer = Answer::error;
            reply.trouble = core::Trouble::quarantined;
            reply.text = "extended in quarantine";
            return reply;
        }
    }
    if (word == "confirmed") reply.fence = static_cast<core::Fence>(items[1].number);
    if (word == "extended" || word == "confirmed" || word == "deleted") return reply;
    reply.answer = Answer::refused;
    reply.refusal = word == "absent"     ? Refusal::absent
                    : word == "set anew" ? Refusal::set_anew
                    : word == "not ours" ? Refusal::not_ours
                                         : Refusal::held;
    if (!reply.names_holder()) return reply;
    if (items.size() > 1) reply.holder = items[1].text;
    if (items.size() > 2 && items[2].number != -1)
        reply.holder_ttl = milliseconds{std::max<std::int64_t>(items[2].number, 0)};
    return reply;
}

// The same for inspect, trust, record and hold.
void Node::take_answer_to_setup(core::Reply &reply, const std::vector<Value> &items) {
    const std::string &word = items[0].text;
    const auto note_record = [&](std::size_t i, std::size_t lapses) {
        reply.state.record = items[i].text;
        if (!items[i].text.empty()) reply.state.terms = agreement_in(items[i].text).value_or(core::Agreement{});
        if (items[lapses].number >= 0) reply.state.lapses = milliseconds{items[lapses].number};
    };
    if (word == "trusted" || word == "recorded" || word == "free") return;
    if (word == "on hold") {
        reply.state.prefix_used = items[1].text;
        reply.state.lock = items[2].text;
    } else if (word == "inspected") {
        reply.node_time = items[1].number;
        reply.run_id = items[2].text;
        if (!items[3].text.empty()) reply.state.joined = std::stoll(items[3].text);
        reply.state.unfit = items[5].text;
        note_record(4, 6);
        reply.state.used = !items[7].text.empty();
        reply.state.prefix_used = items[8].text;
        reply.state.lock = items[9].text;
        reply.state.hold = items[10].text;
    } else {
        reply.answer = Answer::refused;
        reply.refusal = word == "changed" ? Refusal::changed
                        : word == "used"  ? Refusal::used
                        : word == "busy"  ? Refusal::on_hold
                                          : Refusal::differs;
        if (reply.refusal == Refusal::differs) note_record(1, 2);
    }
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
