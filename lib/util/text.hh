// Text from elsewhere, made safe to show, to send and to paste into a shell.
#pragma once

#include <string>
#include <string_view>

namespace redlock {

// For people: control characters, DEL and bytes that are not valid UTF-8 become \xNN, a backslash \\.
// Nothing that a node or another client wrote reaches a terminal without this. At most `limit` bytes of
// input are shown; what is cut is marked with "...".
std::string printable(std::string_view text, std::size_t limit = 256);

// Percent-encoding of one byte: all but [A-Za-z0-9_-] become %NN.
std::string percent_encode(char c);
// The inverse, for a text; a malformed escape stays as it is.
std::string percent_decode(std::string_view text);

} // namespace redlock
