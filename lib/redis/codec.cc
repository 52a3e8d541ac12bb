#include "redis/codec.hh"

#include "config/duration.hh"
#include "redis/scripts.hh"
#include "redis/terms.hh"
#include "util/text.hh"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace redlock::redis {

namespace {

decltype(redisReplyObjectFunctions::createArray) standard_array;

// hiredis allocates an array when its length is announced, long before anything of it has come. The count
// is an int up to hiredis 0.14 and a size_t from 1.0 on.
template <typename Count> void *bounded_array(const redisReadTask *task, Count count) {
    if (task->parent != nullptr || static_cast<std::size_t>(count) > max_elements) return nullptr;
    return standard_array(task, count);
}

redisReader *make_reader() {
    redisReader *reader = redisReaderCreate();
    if (reader == nullptr) throw std::bad_alloc();
    static redisReplyObjectFunctions functions = [&] {
        redisReplyObjectFunctions copy = *reader->fn;
        standard_array = std::exchange(copy.createArray, bounded_array);
        return copy;
    }();
    reader->fn = &functions;
    return reader;
}

// The node's marker: what it knows of itself, in the data set (protocol 9.1).
constexpr std::string_view node_key = "redlock:{}:node";

std::string_view text_of(const redisReply &reply) { return {reply.str, static_cast<std::size_t>(reply.len)}; }

// A moment of a node's clock, not after `now`. The marker may have been written by anybody, and callers calculate with
// what comes out here.
std::optional<core::NodeTime> moment_of(std::string_view text, core::NodeTime now) {
    const auto moment = parse_number<core::NodeTime>(text);
    return moment && *moment >= 0 && *moment <= now ? moment : std::nullopt;
}

// Lines "COMMAND error".
std::vector<core::Probe::Failed> failed_in(std::string_view text) {
    std::vector<core::Probe::Failed> all;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        const std::size_t blank = std::min(line.find(' '), line.size());
        all.push_back({std::string(line.substr(0, blank)), std::string(line.substr(std::min(blank + 1, line.size())))});
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return all;
}

} // namespace

std::string encode(std::initializer_list<std::string_view> words) {
    std::vector<const char *> texts;
    std::vector<std::size_t> lengths;
    for (const std::string_view word : words) {
        texts.push_back(word.data());
        lengths.push_back(word.size());
    }
    char *command = nullptr;
    const auto length = redisFormatCommandArgv(&command, static_cast<int>(texts.size()), texts.data(), lengths.data());
    if (length < 0) throw std::bad_alloc();
    const std::unique_ptr<char, decltype(&redisFreeCommand)> owned(command, redisFreeCommand);
    return {command, static_cast<std::size_t>(length)};
}

// At most ten words: a server takes no longer command from who has not authenticated, and says something else than what
// is wrong.
std::string encode(const core::Request &request) {
    // Rounded up: the key must not end before the caller believes that it does.
    const std::string ttl = std::to_string(to_ms_up(request.ttl));
    const std::string fence = std::to_string(request.fence);
    const std::string_view key = request.key, token = request.token;
    const core::Agreement &agreement = request.agreement;
    const std::string terms = marker_text(agreement);
    const core::MarkerChange &change = request.change;
    const std::string all_agree = fmt::format("{} {}", terms, agreement.prefix.size());
    const std::string fence_key = "redlock:{" + request.key + "}:fence";
    switch (request.verb) {
    case core::Verb::acquire:
        return encode({"EVAL", acquire_script, "3", key, fence_key, node_key, token, ttl, fence, all_agree});
    case core::Verb::confirm: return encode({"EVAL", confirm_script, "2", key, fence_key, token, fence});
    case core::Verb::extend:
        return encode({"EVAL", extend_script, "3", key, fence_key, node_key, token, ttl, fence,
                       fmt::format("{} {}", std::max<core::NodeTime>(request.until, 0), all_agree)});
    case core::Verb::release:
    case core::Verb::abandon: return encode({"EVAL", release_script, "2", key, fence_key, token, fence});
    case core::Verb::inspect: return encode({"EVAL", inspect_script, "1", node_key, agreement.prefix});
    case core::Verb::probe:
        return encode({"EVAL", probe_script, "0", fmt::format("redlock:{{}}:try:{}", key),
                       agreement.prefix.empty() ? "" : agreement.prefix + request.key});
    case core::Verb::trust:
        return encode({"EVAL", trust_script, "1", node_key, change.run_id, std::to_string(change.joined)});
    case core::Verb::record:
        return encode({"EVAL", record_script, "1", node_key, agreement.prefix, change.run_id, change.expected,
                       change.record, change.provisional ? "1" : "0",
                       change.hold.empty() ? "" : change.hold + ' ' + change.used});
    case core::Verb::hold:
        return encode({"EVAL", hold_script, "1", node_key, agreement.prefix, change.run_id, change.expected,
                       change.hold, std::to_string(to_ms_up(change.length))});
    case core::Verb::status: break;
    }
    return encode({"EVAL", status_script, "2", key, fence_key});
}

Value::Value(redisReply *owned) : reply_(owned, freeReplyObject) {}

bool Value::is_ok() const { return reply_->type == REDIS_REPLY_STATUS && text_of(*reply_) == "OK"; }

std::optional<std::string_view> Value::error() const {
    if (reply_->type != REDIS_REPLY_ERROR) return std::nullopt;
    return text_of(*reply_);
}

std::optional<std::string_view> Value::text() const {
    if (reply_->type != REDIS_REPLY_STRING) return std::nullopt;
    return text_of(*reply_);
}

bool Value::decode(core::Reply &into) const {
    using core::Answer;
    using core::Refusal;
    using core::Verb;
    if (reply_->type != REDIS_REPLY_ARRAY) return false;
    // Later versions of a script may append fields: what follows the ones known here is ignored.
    const std::span<redisReply *> fields{reply_->element, reply_->elements};
    const auto is = [&](std::size_t i, int type) { return i < fields.size() && fields[i]->type == type; };
    if (!is(0, REDIS_REPLY_STRING)) return false;
    const std::string_view word = text_of(*fields[0]);

    // A whole number that a Lua script can hold.
    const auto number = [&](std::size_t i) -> std::optional<long long> {
        if (!is(i, REDIS_REPLY_INTEGER)) return std::nullopt;
        const long long found = fields[i]->integer;
        return found >= 0 && static_cast<core::Fence>(found) < core::fence_limit ? std::optional(found) : std::nullopt;
    };

    core::Reply read = into;
    read.answer = Answer::granted;
    const Verb verb = into.verb;
    const bool by_token = verb != Verb::acquire && verb < Verb::status;
    const auto text = [&](std::size_t i) {
        return is(i, REDIS_REPLY_STRING) ? std::string(text_of(*fields[i])) : std::string();
    };
    const auto note_record = [&](std::size_t i, std::size_t lapses) {
        read.state.record = text(i);
        if (!text(i).empty()) read.state.terms = parse_terms(text(i));
        if (number(lapses))
            read.state.lapses = milliseconds{std::min<long long>(*number(lapses), to_ms(longest_duration))};
    };
    const auto in_quarantine = [&](std::size_t i) {
        read.answer = Answer::error;
        read.trouble = core::Trouble::quarantined;
        read.quarantine = milliseconds{std::clamp<long long>(*number(i), 0, to_ms(longest_duration))};
        read.text = fmt::format("in quarantine for {} more", config::show_duration(*read.quarantine));
    };
    const auto take_fence = [&](std::size_t i) {
        read.fence = static_cast<core::Fence>(*number(i));
        if (read.fence <= core::highest_fence) return;
        read.answer = Answer::error;
        read.text = fmt::format("its fence {} is too high to be sound, and does not count; look at the key "
                                "redlock:{{KEY}}:fence there, and DEL it if redlock did not write it",
                                std::exchange(read.fence, 0));
    };
    if (verb == Verb::acquire && word == "granted" && number(1) > 0 && number(2)) {
        take_fence(1);
        read.node_time = number(2);
        read.run_id = text(3);
    } else if (verb == Verb::acquire && word == "quarantined" && number(1)) {
        in_quarantine(1);
        read.unused = number(2) == 0;
        read.on_hold = number(2) == 2;
        if (read.on_hold)
            read.text = fmt::format("'redlock init --reconfigure' is at work: no lock is granted here for {} more",
                                    config::show_duration(*read.quarantine));
    } else if (verb == Verb::acquire && word == "contradiction" && is(1, REDIS_REPLY_STRING)) {
        read.answer = Answer::error;
        read.trouble = core::Trouble::disagrees;
        read.others = parse_terms(text_of(*fields[1]));
        read.text = "others use it with " + in_words(*read.others);
        if (const auto lapses = number(2))
            read.text +=
                fmt::format("; no 'redlock init' recorded that, and the node forgets it after {} without use",
                            config::show_duration(milliseconds{std::min<long long>(*lapses, to_ms(longest_duration))}));
    } else if (verb == Verb::extend && (word == "extended" || word == "set anew" || word == "absent") && number(1)) {
        read.node_time = number(1);
        if (is(2, REDIS_REPLY_INTEGER) && !number(2)) return false;
        if (number(2).value_or(0) > 0) in_quarantine(2);
        if (!text(3).empty()) read.others = parse_terms(text(3));
        if (read.others && read.answer == Answer::error) read.text += "; others use it with " + in_words(*read.others);
        read.run_id = text(4);
        if (word != "extended") {
            read.answer = Answer::refused;
            read.refusal = word == "absent" ? Refusal::absent : Refusal::set_anew;
        }
    } else if (verb == Verb::confirm && word == "confirmed" && number(1) > 0) {
        take_fence(1);
    } else if (((verb == Verb::release || verb == Verb::abandon) && word == "deleted") ||
               (verb == Verb::trust && word == "trusted") || (verb == Verb::record && word == "recorded") ||
               (verb == Verb::hold && word == "free")) {
        // granted, and that is all
    } else if (verb == Verb::probe && word == "probed" && is(1, REDIS_REPLY_STRING)) {
        read.probe = {.failed = failed_in(text(1)), .barred = text(2)};
    } else if (verb == Verb::hold && word == "on hold") {
        read.state.prefix_used = text(1);
        read.state.lock = text(2);
    } else if (verb == Verb::inspect && word == "inspected" && number(1)) {
        const auto joined = moment_of(text(3), *number(1));
        if (!joined && !text(3).empty()) return false;
        read.node_time = number(1);
        read.run_id = text(2);
        read.state.joined = joined;
        read.state.unfit = text(5);
        note_record(4, 6);
        read.state.used = !text(7).empty();
        read.state.prefix_used = text(8);
        read.state.lock = text(9);
        read.state.hold = text(10);
        read.state.hold_left = milliseconds{std::clamp<long long>(number(11).value_or(0), 0, to_ms(longest_duration))};
    } else if (word == "changed" && verb >= Verb::trust) {
        read.answer = Answer::refused;
        read.refusal = Refusal::changed;
    } else if (word == "used" && verb == Verb::trust) {
        read.answer = Answer::refused;
        read.refusal = Refusal::used;
    } else if (word == "busy" && verb == Verb::hold && number(1)) {
        read.answer = Answer::refused;
        read.refusal = Refusal::on_hold;
    } else if (word == "different" && (verb == Verb::record || verb == Verb::hold)) {
        read.answer = Answer::refused;
        read.refusal = Refusal::differs;
        note_record(1, 2);
    } else {
        read.answer = Answer::refused;
        if (!by_token && word == (verb == Verb::acquire ? "refused" : "held") && is(1, REDIS_REPLY_STRING) &&
            is(2, REDIS_REPLY_INTEGER)) {
            read.refusal = Refusal::held;
            read.holder = text_of(*fields[1]);
            // What is left as PTTL says it; -1: for ever.
            if (const long long ms = fields[2]->integer; ms != -1)
                read.holder_ttl = milliseconds{std::clamp<long long>(ms, 0, to_ms(longest_duration))};
            if (verb == Verb::status) read.fence = static_cast<core::Fence>(number(3).value_or(0));
        } else if (word == "absent" && verb != Verb::acquire) {
            read.refusal = Refusal::absent;
        } else if (word == "not ours" && by_token && is(1, REDIS_REPLY_STRING)) {
            read.refusal = Refusal::not_ours;
            read.holder = text_of(*fields[1]);
        } else {
            return false;
        }
    }
    into = std::move(read);
    return true;
}

Reader::Reader() : reader_(make_reader(), redisReaderFree) {}

void Reader::feed(std::string_view bytes) {
    buffered_ += bytes.size();
    broken_ = broken_ || redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK;
}

std::optional<Value> Reader::next() {
    void *reply = nullptr;
    broken_ = broken_ || redisReaderGetReply(reader_.get(), &reply) != REDIS_OK;
    if (reply == nullptr) {
        broken_ = broken_ || buffered_ > max_reply;
        return std::nullopt;
    }
    buffered_ = reader_->len - reader_->pos;
    return Value(static_cast<redisReply *>(reply));
}

} // namespace redlock::redis
