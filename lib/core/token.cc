#include "core/token.hh"

#include "util/text.hh"

#include <array>
#include <charconv>

namespace redlock::core {

namespace {

constexpr std::size_t longest_token = 256;
constexpr std::size_t longest_name = 64; // encoded owner or host
constexpr std::size_t random_digits = 32;

std::string encode(std::string_view text, std::size_t most) {
    std::string out;
    for (const char c : text) {
        std::string next = percent_encode(c);
        if (out.size() + next.size() > most) break;
        out += next;
    }
    return out;
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

} // namespace

std::string make_token(std::string_view random, const Holder &holder) {
    std::string token(random);
    token += '.' + std::to_string(holder.since_ms);
    token += '.' + encode(holder.owner, longest_name) + '@' + encode(holder.host, longest_name);
    token += '.' + std::to_string(holder.pid) + '.';
    token += encode(holder.why, longest_token - token.size());
    return token;
}

std::optional<Holder> parse_token(std::string_view token) {
    std::array<std::string_view, 5> part;
    for (std::size_t i = 0; i < part.size(); ++i) {
        const std::size_t dot = token.find('.');
        const bool last = i + 1 == part.size();
        if (last != (dot == std::string_view::npos)) return std::nullopt;
        part[i] = token.substr(0, dot);
        if (!last) token.remove_prefix(dot + 1);
    }
    const std::size_t at = part[2].find('@');
    const auto since = number(part[1]);
    const auto pid = number(part[3]);
    if (part[0].size() != random_digits || at == std::string_view::npos || !since || !pid) return std::nullopt;
    return Holder{*since, percent_decode(part[2].substr(0, at)), percent_decode(part[2].substr(at + 1)), *pid,
                  percent_decode(part[4])};
}

} // namespace redlock::core
