// Text from elsewhere, made safe to show, to send and to paste into a shell.
#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace redlock {

// For people: control characters (C0, DEL, C1), marks that reorder text or cannot be seen, and bytes that are not valid
// UTF-8 become \xNN, a backslash \\.
// Nothing that a node or another client wrote reaches a terminal without this. At most `limit` bytes of
// input are shown; what is cut is marked with "...".
std::string printable(std::string_view text, std::size_t limit = 256);

// "1 node", "3 nodes". `noun`: one that only takes an s.
std::string counted(std::size_t count, std::string_view noun);

// Percent-encoding of one byte: all but [A-Za-z0-9_-] become %NN.
std::string percent_encode(char c);
// The inverse, for a text; a malformed escape stays as it is.
std::string percent_decode(std::string_view text);

// All of `text` as a decimal number; nullopt for anything else, and for what T cannot hold.
template <class T> std::optional<T> parse_number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

} // namespace redlock
