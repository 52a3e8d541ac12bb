#include "redis/codec.hh"

#include <hiredis/hiredis.h>
#include <new>
#include <utility>

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

std::string encode(std::span<const std::string_view> words) {
    constexpr std::size_t most_around = 32; // a mark, a length, and two ends of line
    std::size_t size = most_around;
    for (const std::string_view word : words) size += word.size() + most_around;
    std::string bytes;
    bytes.reserve(size);
    const auto announce = [&](char mark, std::size_t count) { (bytes += mark).append(std::to_string(count) + "\r\n"); };
    announce('*', words.size());
    for (const std::string_view word : words) {
        announce('$', word.size());
        bytes.append(word).append("\r\n");
    }
    return bytes;
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

const redisReply *Value::element(std::size_t index, int type) const {
    if (reply_->type != REDIS_REPLY_ARRAY || index >= reply_->elements) return nullptr;
    const redisReply *const found = reply_->element[index];
    return found->type == type ? found : nullptr;
}

std::optional<std::string_view> Value::text(std::size_t index) const {
    const redisReply *const found = element(index, REDIS_REPLY_STRING);
    return found != nullptr ? std::optional(text_of(*found)) : std::nullopt;
}

std::optional<long long> Value::integer(std::size_t index) const {
    const redisReply *const found = element(index, REDIS_REPLY_INTEGER);
    return found != nullptr ? std::optional(found->integer) : std::nullopt;
}

ReplyReader::ReplyReader() : reader_(make_reader(), redisReaderFree) {}

void ReplyReader::feed(std::string_view bytes) {
    buffered_ += bytes.size();
    broken_ = broken_ || redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK;
}

std::optional<Value> ReplyReader::next() {
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
