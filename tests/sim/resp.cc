#include "resp.hh"

#include "world.hh"

#include <charconv>

namespace redlock::sim {

namespace {

// MARK NUMBER CR LF
std::size_t take_number(std::string_view &bytes, char mark) {
    std::size_t number = 0;
    const std::size_t end = bytes.find("\r\n");
    if (end == bytes.npos || bytes[0] != mark) throw Violation{"a node was sent something that is no command"};
    const auto [rest, error] = std::from_chars(bytes.data() + 1, bytes.data() + end, number);
    if (error != std::errc() || rest != bytes.data() + end) throw Violation{"a node was sent a malformed number"};
    bytes.remove_prefix(end + 2);
    return number;
}

} // namespace

std::vector<std::string_view> take_command(std::string_view &bytes) {
    std::vector<std::string_view> words(take_number(bytes, '*'));
    for (std::string_view &word : words) {
        const std::size_t length = take_number(bytes, '$');
        if (bytes.size() < length + 2 || bytes.substr(length, 2) != "\r\n")
            throw Violation{"a node was sent a word of the wrong length"};
        word = bytes.substr(0, length);
        bytes.remove_prefix(length + 2);
    }
    return words;
}

std::string resp_of(const Value &value) {
    switch (value.kind) {
    case Value::Kind::nil: return "$-1\r\n";
    case Value::Kind::integer: return ':' + std::to_string(value.number) + "\r\n";
    case Value::Kind::string: return '$' + std::to_string(value.text.size()) + "\r\n" + value.text + "\r\n";
    case Value::Kind::status: return '+' + value.text + "\r\n";
    case Value::Kind::error: return '-' + value.text + "\r\n";
    case Value::Kind::array: break;
    }
    std::string all = '*' + std::to_string(value.items.size()) + "\r\n";
    for (const Value &item : value.items) all += resp_of(item);
    return all;
}

} // namespace redlock::sim
