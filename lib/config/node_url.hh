// One node's address as the user gave it. Text in, values out; nothing here resolves or connects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace redlock::config {

struct NodeUrl {
    std::string host; // name or numeric address without brackets; empty for a unix socket
    std::uint16_t port = 6379;
    std::string path;     // unix socket; empty for TCP
    std::string user;     // empty: the default user
    std::string password; // a secret: never printed
    unsigned db = 0;

    // Where user and password come from, for messages: "the address in REDLOCK_NODES". Empty without a password.
    std::string login_origin{};

    // How messages name this node: the URL without user and password. Safe to print.
    [[nodiscard]] std::string display() const;
    // The path alone, safe to print.
    [[nodiscard]] std::string show_path() const;
    bool operator==(const NodeUrl &) const = default;
};

// redis://[user[:password]@]host[:port][/db] | unix:///path[?db=N] | unix://user:password@/path[?db=N].
// IPv6 in brackets, with a zone as in RFC 6874
// (%25eth0) or plain (%eth0); percent-encoding in user, password and path. Throws ConfigError: what, where in the
// text, what to write instead; no password is ever in it (config/secret.hh), even of a malformed text.
NodeUrl parse_node_url(std::string_view text);

// A comma-separated list; blanks around an entry do not count. Throws ConfigError, which says which entry;
// empty entries are errors, and what check_node_list() refuses.
std::vector<NodeUrl> parse_node_list(std::string_view text);

// For a list put together from several options: throws ConfigError for the same server twice (whatever the
// database: it is no second node) and for more than 64 nodes. An empty list passes.
void check_node_list(const std::vector<NodeUrl> &nodes);

} // namespace redlock::config
