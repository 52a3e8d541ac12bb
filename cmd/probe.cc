#include "cmd/probe.hh"

#include "redis/fault.hh"
#include "redis/rights.hh"
#include "util/random.hh"
#include "util/text.hh"

#include <algorithm>
#include <fmt/format.h>

namespace redlock::cmd {

namespace {

using core::Trouble;
using Words = std::vector<std::string>;

bool has(std::string_view text, std::string_view words) { return text.find(words) != std::string_view::npos; }
bool contains(const auto &words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// In the words of Redis 6, 7.0 and 7.2, or in our own (redis::explain).
bool about_keys(std::string_view error) {
    return has(error, "access at least one of the keys") || has(error, "access one of the keys") ||
           has(error, "permissions to access") || has(error, "(keys)");
}
bool unknown(std::string_view error) {
    return has(error, "Unknown Redis command") || has(error, "This Redis command is not allowed");
}

// "GET", "GET and SET", "GET, SET and DEL".
std::string list_of(const Words &words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
    return text;
}

std::string user_of(const config::NodeUrl &node) { return node.user.empty() ? "default" : printable(node.user); }

// `ACL SETUSER app +get ~redlock:*`.
std::string acl_line(const config::NodeUrl &node, const Words &rights) {
    std::string line = "ACL SETUSER " + user_of(node);
    for (const std::string &right : rights) line += ' ' + right;
    return line;
}

std::string command_right(std::string_view command) {
    std::string right = "+";
    for (const char c : command) right += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return right;
}

// The server has not even executed the script.
std::vector<Shortcoming> all_denied(const config::NodeUrl &node) {
    Words rights;
    for (const std::string_view command : redis::needed_commands) rights.push_back(command_right(command));
    if (node.db != 0) rights.emplace_back("+select");
    rights.emplace_back("~redlock:*");
    return {{.text = fmt::format("the user {} may run no script; redlock needs, beside the keys of the locks: {}",
                                 user_of(node), acl_line(node, rights)),
             .trouble = Trouble::access}};
}

// `denied`: commands. `keys`: the user may not use redlock's own keys.
Shortcoming missing_rights(const config::NodeUrl &node, const Words &denied, bool keys) {
    Words rights;
    for (const std::string &command : denied) rights.push_back(command_right(command));
    if (keys) rights.emplace_back("~redlock:*");
    // Without these a hash could not be removed again, so nothing was tried that makes one.
    if (contains(denied, "PEXPIRE") && contains(denied, "DEL") && contains(denied, "HDEL"))
        rights.emplace_back("+hset");
    return {.text = fmt::format("the user {} may not {}{}{}: {}", user_of(node),
                                denied.empty() ? "" : "run " + list_of(denied), keys && !denied.empty() ? " or " : "",
                                keys ? "use keys that begin with redlock:" : "", acl_line(node, rights)),
            .trouble = Trouble::access};
}

} // namespace

std::string probe_key() { return random_hex128(); }

std::vector<Shortcoming> shortcomings(const std::string &prefix, const config::NodeUrl &node,
                                      const std::optional<core::Reply> &inspected,
                                      const std::optional<core::Reply> &reply) {
    if (!reply) return {};
    if (reply->answer != core::Answer::granted) {
        // Where there is a password, only the code word of the node's error is shown.
        const bool no_right = has(reply->text, "permissions") || has(reply->text, "NOPERM");
        if (reply->trouble == Trouble::access && no_right) return all_denied(node);
        if (!inspected || inspected->answer != core::Answer::granted) return {};
        return {{.text = "the commands that a lock needs could not be tried: " + reply->text,
                 .trouble = reply->trouble,
                 .doubtful = true}};
    }
    Words denied, gone;
    std::vector<Shortcoming> found;
    // Where no command is permitted, the keys of none have been looked at; inspect names one to the server.
    bool keys = inspected && inspected->answer == core::Answer::error && about_keys(inspected->text);
    for (const auto &[command, error] : reply->probe.failed) {
        // Whatever else a node names here is no command of ours, and might be a secret.
        if (!contains(redis::needed_commands, command)) continue;
        const redis::Fault fault = redis::explain(error, node.password);
        if (about_keys(error)) {
            keys = true;
        } else if (unknown(error)) {
            gone.push_back(command);
        } else if (fault.trouble == Trouble::access) {
            denied.push_back(command);
        } else if (std::none_of(found.begin(), found.end(),
                                [&](const auto &other) { return other.text == fault.text; })) {
            found.push_back({.text = fault.text, .trouble = fault.trouble});
        }
    }
    if (keys || !denied.empty()) found.push_back(missing_rights(node, denied, keys));
    if (!gone.empty())
        found.push_back({.text = fmt::format("the server has {} renamed or switched off (rename-command in its "
                                             "configuration), and redlock needs {}",
                                             list_of(gone), gone.size() == 1 ? "it" : "them"),
                         .trouble = Trouble::access});
    if (!reply->probe.barred.empty())
        found.push_back(
            {.text = fmt::format("the user {} may not use every key that begins with the prefix {}; a lock "
                                 "needs its own: {}",
                                 user_of(node), printable(prefix), acl_line(node, {"~" + printable(prefix) + "*"})),
             .trouble = Trouble::access,
             .doubtful = true});
    return found;
}

} // namespace redlock::cmd
