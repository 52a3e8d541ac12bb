#include "redis/codec.hh"

#include "redis/scripts.hh"

#include <algorithm>
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

std::string_view text_of(const redisReply &reply) { return {reply.str, static_cast<std::size_t>(reply.len)}; }

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

std::string encode(const core::Request &request) {
    // Rounded up: the key must not end before the caller believes that it does.
    const auto ttl = std::to_string(to_ms_up(request.ttl));
    switch (request.verb) {
    case core::Verb::acquire: return encode({"EVAL", acquire_script, "1", request.key, request.token, ttl});
    case core::Verb::extend: return encode({"EVAL", extend_script, "1", request.key, request.token, ttl});
    case core::Verb::release:
    case core::Verb::abandon: return encode({"EVAL", release_script, "1", request.key, request.token});
    case core::Verb::status: break;
    }
    return encode({"EVAL", status_script, "1", request.key});
}

Value::Value(redisReply *owned) : reply_(owned, freeReplyObject) {}

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

    const Verb verb = into.verb;
    const std::string_view won = verb == Verb::acquire ? "granted" : verb == Verb::extend ? "extended" : "deleted";
    if (word == won && verb != Verb::status) {
        into.answer = Answer::granted;
        return true;
    }
    const bool by_token = verb != Verb::acquire && verb != Verb::status;
    const bool held = !by_token && word == (verb == Verb::acquire ? "refused" : "held");
    if (held && is(1, REDIS_REPLY_STRING) && is(2, REDIS_REPLY_INTEGER)) {
        into.refusal = Refusal::held;
        into.holder = text_of(*fields[1]);
        // What is left as PTTL says it; -1: for ever.
        if (const long long ms = fields[2]->integer; ms != -1)
            into.holder_ttl = milliseconds{std::clamp<long long>(ms, 0, to_ms(longest_duration))};
    } else if (word == "absent" && verb != Verb::acquire) {
        into.refusal = Refusal::absent;
    } else if (word == "not ours" && by_token && is(1, REDIS_REPLY_STRING)) {
        into.refusal = Refusal::not_ours;
        into.holder = text_of(*fields[1]);
    } else {
        return false;
    }
    into.answer = Answer::refused;
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
