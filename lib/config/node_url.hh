// One node's address as the user gave it.
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

    // How messages name this node: the URL without user and password. Safe to print.
    [[nodiscard]] std::string display() const;
    bool operator==(const NodeUrl &) const = default;
};

// redis://[user[:password]@]host[:port][/db] | unix:///path[?db=N] | unix://user:password@/path[?db=N].
// IPv6 in brackets; percent-encoding in user, password and path. Throws ConfigError: what, where in the
// text, what to write instead; a password in the text is shown as stars.
NodeUrl parse_node_url(std::string_view text);

// A comma-separated list. Empty entries, the same node twice and more than 64 nodes are errors.
std::vector<NodeUrl> parse_node_list(std::string_view text);

// The same check for a list put together from several options.
void check_node_list(const std::vector<NodeUrl> &nodes);

} // namespace redlock::config
