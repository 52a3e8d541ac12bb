#include "node.hh"

#include "link.hh"
#include "redis/scripts.hh"

#include <algorithm>

namespace redlock::sim {

using core::Answer;
using core::Refusal;
using core::Verb;

namespace {

std::string_view script_for(Verb verb) {
    switch (verb) {
    case Verb::acquire: return redis::acquire_script;
    case Verb::extend: return redis::extend_script;
    case Verb::release:
    case Verb::abandon: return redis::release_script;
    case Verb::status: break;
    }
    return redis::status_script;
}

} // namespace

core::Reply Node::execute(const core::Request &request) {
    if (world_.now() < loading_until_)
        return answer_of(request, Value::error("LOADING Redis is loading the dataset in memory"));
    if (denies_) {
        core::Reply denied = answer_of(request, Value::error("NOPERM this user has no permissions to run the command"));
        denied.trouble = core::Trouble::access;
        return denied;
    }
    const std::string ttl = std::to_string(to_ms_up(request.ttl));
    const std::string_view words[] = {request.token, ttl};
    if (remembers_) before_last_write_ = store_;
    return answer_of(request, engine_.run(script_for(request.verb), request.key, words, store_, now_ms()));
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
    if (word == "granted" || word == "extended" || word == "deleted") {
        reply.answer = Answer::granted;
        return reply;
    }
    reply.answer = Answer::refused;
    reply.refusal = word == "absent" ? Refusal::absent : word == "not ours" ? Refusal::not_ours : Refusal::held;
    if (items.size() > 1) reply.holder = items[1].text;
    if (items.size() > 2 && items[2].number != -1)
        reply.holder_ttl = milliseconds{std::max<std::int64_t>(items[2].number, 0)};
    return reply;
}

std::optional<Moment> Node::end_of(std::string_view key) const {
    const Store::Entry *const entry = store_.find(key, now_ms());
    if (entry == nullptr) return std::nullopt;
    if (!entry->expires_ms) return never;
    return clock_.when(milliseconds{*entry->expires_ms + 1});
}

std::optional<Moment> Node::holds(std::string_view key, std::string_view token) const {
    const Store::Entry *const entry = store_.find(key, now_ms());
    return entry != nullptr && entry->value == token ? end_of(key) : std::nullopt;
}

std::string_view Node::owner(std::string_view key) const {
    const Store::Entry *const entry = store_.find(key, now_ms());
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

void Node::restart(Kept kept, Duration loading) {
    up_ = true;
    loading_until_ = world_.now() + loading;
    if (kept == Kept::nothing) store_.clear();
    if (kept == Kept::all_but_the_last_write) store_ = before_last_write_;
}

} // namespace redlock::sim
