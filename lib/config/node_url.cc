#include "config/node_url.hh"

#include "config/secret.hh"
#include "util/error.hh"
#include "util/similar.hh"
#include "util/text.hh"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace redlock::config {

namespace {

constexpr std::size_t most_nodes = 64;
constexpr std::size_t longest_socket_path = 107; // sun_path, less its final zero
constexpr unsigned highest_db = 1'000'000;

// Here and below `shown` is the address as messages may show it.
[[noreturn]] void refuse_url(std::string_view shown, std::string_view why) {
    throw ConfigError(fmt::format("bad node address '{}': {}", shown, why));
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char &c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool has_space_or_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c <= ' ') || c == '\x7f'; });
}

[[noreturn]] void refuse_without_scheme(std::string_view text, std::string_view shown) {
    const std::string start = lower(text.substr(0, text.find(':')));
    if (start == "redis" || start == "rediss" || start == "unix" || start == "valkey")
        refuse_url(shown, "'://' is missing after the scheme; write redis://host:6379 or unix:///path");
    if (text.starts_with('/')) refuse_url(shown, "the scheme is missing; write unix:// in front of the path");
    refuse_url(shown, "the scheme is missing; write redis:// in front of it");
}

[[noreturn]] void refuse_scheme(std::string_view shown, std::string_view scheme) {
    if (scheme == "rediss" || scheme == "valkeys")
        refuse_url(shown, "this version of redlock has no TLS yet; use redis:// (through a tunnel where the network "
                          "is not trusted) or unix://");
    if (scheme == "valkey") refuse_url(shown, "write redis:// for Valkey too");
    if (scheme.find("unix") != scheme.npos || scheme.find("socket") != scheme.npos)
        refuse_url(shown, "for a unix socket write unix:///path");
    constexpr std::array<std::string_view, 2> known{"redis", "unix"};
    const std::string_view guess = closest(scheme, known);
    if (guess.empty()) refuse_url(shown, "unknown scheme; write redis://host:6379 or unix:///path");
    refuse_url(shown, fmt::format("unknown scheme; did you mean {}://?", guess));
}

// "?password=": a query in front of an '@' that belongs to it.
bool has_query(std::string_view login) {
    for (std::size_t at = 0; (at = login.find_first_of("?&#", at)) != login.npos;) {
        const std::size_t begin = ++at;
        while (at < login.size() && ((login[at] >= 'a' && login[at] <= 'z') || login[at] == '_')) ++at;
        if (at > begin && at < login.size() && login[at] == '=') return true;
    }
    return false;
}

void take_login(std::string_view shown, std::string_view login, NodeUrl &url) {
    const std::size_t colon = login.find(':');
    const auto is_control = [](char c) { return c >= 0 && c < ' '; };
    if (std::any_of(login.begin(), login.end(), is_control))
        refuse_url(shown,
                   "a control character before the '@' (in a password, written %0A and so on); several nodes are "
                   "separated by commas");
    if (login.substr(0, colon).find_first_of("/?#; ") != login.npos || has_query(login))
        refuse_url(shown,
                   "user and password stand before the host, as in redis://user:password@host:6379 (inside them, "
                   "write %2F for '/', %3F for '?' and %23 for '#')");
    url.user = percent_decode(login.substr(0, colon));
    if (colon == login.npos) return;
    url.password = percent_decode(login.substr(colon + 1));
    if (url.password.empty())
        refuse_url(shown, "the password before the '@' is empty (an unset variable?); leave out the ':' to have none");
}

void take_db(std::string_view shown, std::string_view db, std::string_view example, NodeUrl &url) {
    const auto value = parse_number<unsigned>(db);
    if (!value || *value > highest_db)
        refuse_url(shown, fmt::format("a database number must stand there, as in {}", example));
    url.db = *value;
}

// The zone of an IPv6 address, as it stands behind the '%': "eth0", or "25eth0" as RFC 6874 wants it in a URL. "25"
// alone is the interface of that number.
std::string read_zone(std::string_view shown, std::string_view text) {
    std::string zone = text.size() > 2 && text.starts_with("25") ? percent_decode(text.substr(2)) : std::string(text);
    if (zone.empty() || has_space_or_control(zone) || zone.find_first_of("/[]%:@") != zone.npos)
        refuse_url(shown, "the name of an interface must follow the '%', as in redis://[fe80::1%25eth0]");
    return zone;
}

// Takes the host and leaves ":port/db", or what there is of it.
std::string_view take_host(std::string_view shown, std::string_view rest, NodeUrl &url) {
    std::size_t end = 0;
    if (rest.starts_with('[')) {
        end = rest.find(']');
        if (end == rest.npos) refuse_url(shown, "the bracket '[' is not closed; write redis://[::1]:6379");
        const std::string_view inside = rest.substr(1, end - 1);
        const std::string_view address = inside.substr(0, inside.find('%'));
        if (address.find(':') == address.npos || address.find_first_not_of("0123456789abcdefABCDEF:.") != address.npos)
            refuse_url(shown, "only an IPv6 address goes in brackets, as in redis://[::1]:6379");
        url.host = address;
        if (address.size() < inside.size()) url.host += '%' + read_zone(shown, inside.substr(address.size() + 1));
        rest.remove_prefix(end + 1);
        if (!rest.empty() && rest[0] != ':' && rest[0] != '/')
            refuse_url(shown, "only :port or /db may follow the bracket ']'");
    } else {
        end = std::min(rest.find_first_of(":/"), rest.size());
        url.host = rest.substr(0, end);
        if (url.host.find_first_of("[]") != url.host.npos)
            refuse_url(shown, "an IPv6 address begins with '[' and ends with ']', as in redis://[::1]:6379");
        rest.remove_prefix(end);
        const std::string_view port = rest.substr(0, rest.find('/'));
        if (std::count(port.begin(), port.end(), ':') > 1)
            refuse_url(shown, "an IPv6 address goes in brackets, as in redis://[::1]:6379");
    }
    if (url.host.empty()) refuse_url(shown, "the host is missing; write redis://host:6379");
    if (has_space_or_control(url.host))
        refuse_url(shown, "a space or control character in the host; several nodes are separated by commas");
    if (url.host.find_first_of(";|'\"`") != url.host.npos)
        refuse_url(shown, "no host has such a character; several nodes are separated by commas");
    return rest;
}

NodeUrl parse_tcp(std::string_view shown, std::string_view rest) {
    NodeUrl url;
    // The last '@': whoever forgot to encode one in the password is understood all the same.
    if (const std::size_t at = rest.rfind('@'); at != rest.npos) {
        take_login(shown, rest.substr(0, at), url);
        rest.remove_prefix(at + 1);
    }
    if (rest.find_first_of("?#") != rest.npos)
        refuse_url(shown,
                   "nothing may follow a '?' or '#' here; the database goes after a '/', as in redis://host:6379/2");
    rest = take_host(shown, rest, url);
    if (rest.starts_with(':')) {
        const std::string_view port = rest.substr(1, rest.find('/') - 1);
        if (port.empty()) refuse_url(shown, "the port is missing after ':'");
        url.port = parse_number<std::uint16_t>(port).value_or(0);
        if (url.port == 0) refuse_url(shown, "the port must be a number from 1 to 65535");
        rest.remove_prefix(port.size() + 1);
    }
    if (rest.size() > 1)
        take_db(shown, rest.substr(1), "redis://host:6379/2 (for a unix socket write unix:///path)", url);
    return url;
}

NodeUrl parse_unix(std::string_view shown, std::string_view rest) {
    NodeUrl url;
    if (const std::size_t at = rest.find("@/"); !rest.starts_with('/') && at != rest.npos) {
        take_login(shown, rest.substr(0, at), url);
        rest.remove_prefix(at + 1);
    }
    if (!rest.starts_with('/'))
        refuse_url(shown, "the path must begin with '/': three slashes, as in unix:///run/redis.sock");
    const std::size_t query = rest.find('?');
    if (query != rest.npos) {
        const std::string_view option = rest.substr(query + 1);
        if (!option.starts_with("db=")) refuse_url(shown, "only ?db=N may follow the path");
        take_db(shown, option.substr(3), "unix:///run/redis.sock?db=2", url);
    }
    const std::string_view path = rest.substr(0, query);
    if (has_space_or_control(path))
        refuse_url(shown,
                   "a space or control character in the path (written %20 and so on); several nodes are separated "
                   "by commas");
    // A path like this is a login in the wrong place, and would be shown.
    const bool second_at = (!url.user.empty() || !url.password.empty()) && path.find('@') != path.npos;
    if (second_at || path.find("@/") != path.npos || path.ends_with('@') || hide_login(path) != path)
        refuse_url(shown, "user and password stand before the path: unix://user:password@/run/redis.sock (in a path, "
                          "write %40 for '@' and %3A for ':')");
    if (path.find(':') != path.npos)
        refuse_url(shown, "a ':' in the path, as if a password followed; user and password stand before the path: "
                          "unix://user:password@/run/redis.sock (in a path, write %3A for ':')");
    url.path = percent_decode(path);
    if (url.path.ends_with('/')) refuse_url(shown, "the path names a folder, not a socket");
    if (url.path.find('\0') != url.path.npos) refuse_url(shown, "a zero byte in the path");
    if (url.path.size() > longest_socket_path)
        refuse_url(shown,
                   fmt::format("the path is longer than a unix socket's can be ({} bytes)", longest_socket_path));
    return url;
}

// `shown`: as in refuse_url().
NodeUrl parse(std::string_view text, std::string_view shown) {
    if (text.empty()) refuse_url(shown, "it is empty; write redis://host:6379 or unix:///path");
    if (text[0] == '"' || text[0] == '\'' || text[0] == '`')
        refuse_url(shown, "it begins with a quotation mark; leave that out");
    const std::size_t end = text.find("://");
    if (end == text.npos) refuse_without_scheme(text, shown);
    if (text.find("://", end + 1) != text.npos)
        refuse_url(shown, "'://' stands there twice; several nodes are separated by commas (inside a password, write "
                          "%3A for ':')");
    const std::string scheme = lower(text.substr(0, end));
    const std::string_view rest = text.substr(end + 3);
    if (scheme == "redis") return parse_tcp(shown, rest);
    if (scheme == "unix") return parse_unix(shown, rest);
    refuse_scheme(shown, scheme);
}

// What a comma inside a password leaves behind: "word@host".
bool is_rest_of_login(std::string_view entry) {
    return entry.find("://") == entry.npos && entry.find('@') != entry.npos;
}

// `later`: the entries behind one. Whether that one is the start or the middle of a password with commas in it.
bool goes_on_with_login(std::string_view later) {
    const std::size_t end = later.find("://");
    return later.substr(0, end).find('@') != later.npos;
}

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\n");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

} // namespace

std::string NodeUrl::show_path() const { return printable(hide_login(path)); }

std::string NodeUrl::display() const {
    if (!path.empty()) return fmt::format("unix://{}{}", show_path(), db == 0 ? "" : fmt::format("?db={}", db));
    const bool brackets = host.find(':') != host.npos;
    return fmt::format("redis://{}{}{}:{}{}", brackets ? "[" : "", printable(host), brackets ? "]" : "", port,
                       db == 0 ? "" : fmt::format("/{}", db));
}

NodeUrl parse_node_url(std::string_view text) { return parse(text, hide_password(text)); }

std::vector<NodeUrl> parse_node_list(std::string_view text) {
    std::vector<NodeUrl> nodes;
    const auto count = static_cast<std::size_t>(std::count(text.begin(), text.end(), ',')) + 1;
    for (std::size_t i = 1; i <= count; ++i) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const std::string_view entry = trim(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
        try {
            nodes.push_back(parse(entry, goes_on_with_login(text) ? "***" : hide_password(entry)));
        } catch (const ConfigError &error) {
            if (count == 1) throw;
            const std::string_view next = trim(text.substr(0, text.find(',')));
            const bool cut_password = is_rest_of_login(entry) || is_rest_of_login(next);
            throw ConfigError(fmt::format("node {} of {}: {}{}", i, count, error.what(),
                                          cut_password ? " (a comma inside a password is written %2C)" : ""));
        }
    }
    check_node_list(nodes);
    return nodes;
}

void check_node_list(const std::vector<NodeUrl> &nodes) {
    if (nodes.size() > most_nodes)
        throw ConfigError(
            fmt::format("{} nodes are too many: at most {}, and 3 or 5 are usual", nodes.size(), most_nodes));
    const auto same = [](const NodeUrl &a, const NodeUrl &b) {
        return a.path == b.path && (!a.path.empty() || (lower(a.host) == lower(b.host) && a.port == b.port));
    };
    for (std::size_t i = 0; i < nodes.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (same(nodes[i], nodes[j]))
                throw ConfigError(
                    fmt::format("nodes {} and {} are the same server, {}: each node must be an independent "
                                "one (another database of a server is not); name it once",
                                j + 1, i + 1, nodes[i].display()));
}

} // namespace redlock::config
