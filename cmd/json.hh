// JSON as text for stdout.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace redlock::cmd {

// One line. Names and owners may be any bytes and other clients write them: bytes that are not UTF-8 become U+FFFD, and
// everything but printable ASCII is escaped, so that no text moves a cursor or reorders a line on a terminal.
template <class Json> std::string json_line(const Json &json) {
    std::string line;
    for (const char c : json.dump(-1, ' ', true, Json::error_handler_t::replace)) {
        if (c == '\x7f') line += "\\u007f";
        else line += c;
    }
    return line + '\n';
}

} // namespace redlock::cmd
