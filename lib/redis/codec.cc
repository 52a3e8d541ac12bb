#include "redis/codec.hh"

#include "redis/scripts.hh"
#include "util/error.hh"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <new>
#include <span>
#include <utility>

namespace redlock::redis {

namespace {

std::string format(std::span<const std::string_view> words) {
    std::array<const char *, 8> texts{};
    std::array<std::size_t, 8> lengths{};
    check(words.size() <= texts.size(), "a command has at most eight words");
    for (std::size_t i = 0; i < words.size(); ++i) {
        texts[i] = words[i].data();
        lengths[i] = words[i].size();
    }
    char *command = nullptr;
    const auto length = redisFormatCommandArgv(&command, static_cast<int>(words.size()), texts.data(), lengths.data());
    if (length < 0) throw std::bad_alloc();
    std::string bytes(command, static_cast<std::size_t>(length));
    std::free(command);
    return bytes;
}

std::string_view script_of(core::Verb verb) {
    switch (verb) {
    case core::Verb::acquire: return acquire_script;
    case core::Verb::extend: return extend_script;
    case core::Verb::release:
    case core::Verb::abandon: return release_script;
    }
    check(false, "every verb has a script");
    return {};
}

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

std::string_view text_of(const redisReply &reply) { return {reply.str, static_cast<std::size_t>(reply.len)}; }

// What is left of a key as PTTL says it; nullopt: for ever.
std::optional<Duration> time_left(long long ms) {
    if (ms == -1) return std::nullopt;
    return milliseconds{std::clamp<long long>(ms, 0, to_ms(longest_duration))};
}

} // namespace

std::string encode(std::initializer_list<std::string_view> words) { return format({words.begin(), words.size()}); }

std::string encode(const core::Request &request) {
    const std::string_view script = script_of(request.verb);
    if (script == release_script) return encode({"EVAL", script, "1", request.key, request.token});
    // Rounded up: the key must not end before the caller believes that it does.
    const fmt::format_int ttl(to_ms_up(request.ttl));
    return encode({"EVAL", script, "1", request.key, request.token, {ttl.data(), ttl.size()}});
}

void Value::Free::operator()(redisReply *reply) const { freeReplyObject(reply); }

bool Value::is_ok() const { return reply_->type == REDIS_REPLY_STATUS && text_of(*reply_) == "OK"; }

std::optional<std::string_view> Value::error() const {
    if (reply_->type != REDIS_REPLY_ERROR) return std::nullopt;
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

    const std::string_view won = into.verb == Verb::acquire  ? "granted"
                                 : into.verb == Verb::extend ? "extended"
                                                             : "deleted";
    if (word == won) {
        into.answer = Answer::granted;
        return true;
    }
    if (into.verb == Verb::acquire) {
        if (word != "refused" || !is(1, REDIS_REPLY_STRING) || !is(2, REDIS_REPLY_INTEGER)) return false;
        into.refusal = Refusal::held;
        into.holder = text_of(*fields[1]);
        into.holder_ttl = time_left(fields[2]->integer);
    } else if (word == "absent") {
        into.refusal = Refusal::absent;
    } else if (word == "not ours" && is(1, REDIS_REPLY_STRING)) {
        into.refusal = Refusal::not_ours;
        into.holder = text_of(*fields[1]);
    } else {
        return false;
    }
    into.answer = Answer::refused;
    return true;
}

std::string Value::describe() const {
    switch (reply_->type) {
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_ERROR: return fmt::format("\"{}\"", text_of(*reply_));
    case REDIS_REPLY_INTEGER: return fmt::format("the number {}", reply_->integer);
    case REDIS_REPLY_NIL: return "nil";
    case REDIS_REPLY_ARRAY: return fmt::format("an array of {}", reply_->elements);
    default: return fmt::format("a value of type {}", reply_->type);
    }
}

void Reader::Free::operator()(redisReader *reader) const { redisReaderFree(reader); }

Reader::Reader() : reader_(make_reader()) {}

void Reader::feed(std::string_view bytes) {
    if (broken_) return;
    buffered_ += bytes.size();
    if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) broken_ = true;
}

std::optional<Value> Reader::next() {
    if (broken_) return std::nullopt;
    void *reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
        broken_ = true;
        return std::nullopt;
    }
    if (reply == nullptr) {
        if (buffered_ > max_reply) broken_ = true;
        return std::nullopt;
    }
    buffered_ = reader_->len - reader_->pos;
    return Value(static_cast<redisReply *>(reply));
}

} // namespace redlock::redis
