#include "core/token.hh"

#include "util/text.hh"

#include <array>

namespace redlock::core {

namespace {

constexpr std::size_t longest_token = 256;
constexpr std::size_t longest_name = 64; // encoded owner or host

std::string encode(std::string_view text, std::size_t most) {
    std::string out;
    for (const char c : text) {
        std::string next = percent_encode(c);
        if (out.size() + next.size() > most) break;
        out += next;
    }
    return out;
}

} // namespace

std::string make_token(std::string_view random, const HolderInfo &holder) {
    std::string token(random);
    token += '.' + std::to_string(holder.since_ms);
    token += '.' + encode(holder.owner, longest_name) + '@' + encode(holder.host, longest_name);
    token += '.' + std::to_string(holder.pid) + '.';
    token += encode(holder.why, longest_token - token.size());
    return token;
}

std::optional<HolderInfo> parse_token(std::string_view token) {
    std::array<std::string_view, 5> part;
    for (std::size_t i = 0; i < part.size(); ++i) {
        const std::size_t dot = token.find('.');
        const bool last = i + 1 == part.size();
        if (last != (dot == std::string_view::npos)) return std::nullopt;
        part[i] = token.substr(0, dot);
        if (!last) token.remove_prefix(dot + 1);
    }
    const std::size_t at = part[2].find('@');
    const auto since = parse_number<std::int64_t>(part[1]);
    const auto pid = parse_number<std::int64_t>(part[3]);
    if (part[0].size() != random_digits || at == std::string_view::npos || !since || !pid || *since < 0 || *pid < 0)
        return std::nullopt;
    return HolderInfo{*since, percent_decode(part[2].substr(0, at)), percent_decode(part[2].substr(at + 1)), *pid,
                      percent_decode(part[4])};
}

} // namespace redlock::core
