#include "config/secret.hh"

#include "util/text.hh"

#include <algorithm>
#include <array>

namespace redlock::config {

namespace {

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hexadecimal(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::size_t length_of(std::string_view text, auto &&wanted) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), wanted) - text.begin());
}

// A scheme that somebody means; any other word in front of "://" may be part of a password.
std::size_t scheme_length(std::string_view address) {
    const std::size_t end = address.find("://");
    if (end == std::string_view::npos || end == 0) return 0;
    const std::string_view scheme = address.substr(0, end);
    const bool is_word = length_of(scheme, [](char c) { return is_alphanumeric(c) || c == '+' || c == '-'; }) == end;
    constexpr std::array<std::string_view, 7> known{"redis", "rediss", "valkey", "valkeys", "unix", "http", "https"};
    const bool is_known = std::find(known.begin(), known.end(), scheme) != known.end();
    return is_known || (is_word && address.find('@') == std::string_view::npos) ? end + 3 : 0;
}

// Length of a host name, of an IPv6 address in brackets, or of a path, none of which can hide a password: whatever
// could separate a password from something else ends it.
std::size_t place_length(std::string_view text) {
    if (text.starts_with('[')) {
        std::size_t length =
            1 + length_of(text.substr(1), [](char c) { return is_hexadecimal(c) || c == ':' || c == '.'; });
        if (text.substr(length).starts_with('%'))
            length += 1 + length_of(text.substr(length + 1),
                                    [](char c) { return is_alphanumeric(c) || c == '_' || c == '-'; });
        return length + (text.substr(length).starts_with(']') ? 1 : 0);
    }
    return length_of(text, [](char c) {
        return is_alphanumeric(c) || static_cast<unsigned char>(c) >= 0x80 ||
               std::string_view("._-/+~=").find(c) != std::string_view::npos;
    });
}

// Length of what is harmless at the start of `rest`, which should read HOST[:PORT][/DB] or PATH[?db=N].
std::size_t harmless_length(std::string_view rest) {
    std::size_t length = place_length(rest);
    std::string_view tail = rest.substr(length);
    const auto take_number = [&](std::string_view before) {
        if (!tail.starts_with(before)) return;
        const std::size_t taken =
            before.size() + length_of(tail.substr(before.size()), [](char c) { return is_hexadecimal(c) && c <= '9'; });
        const bool ends = taken > before.size() && (taken == tail.size() || tail[taken] == '/' || tail[taken] == '?');
        if (!ends) return;
        length += taken;
        tail.remove_prefix(taken);
    };
    if (length > 0 && rest[0] != '/') {
        take_number(":");
        take_number("/");
    }
    take_number("?db=");
    return length;
}

bool looks_like_token(std::string_view word) {
    constexpr std::size_t random_digits = 32;
    return word.size() >= random_digits && length_of(word.substr(0, random_digits), is_hexadecimal) == random_digits;
}

} // namespace

std::string hide_password(std::string_view address) {
    std::string shown(address.substr(0, scheme_length(address)));
    address.remove_prefix(shown.size());
    const std::size_t at = address.rfind('@');
    if (at != std::string_view::npos) {
        shown += "***";
        // Behind a '?' the '@' may itself be part of a password.
        if (address.substr(0, at).find_first_of("?#") != std::string_view::npos) return printable(shown);
        shown += '@';
        address.remove_prefix(at + 1);
    }
    const std::size_t length = harmless_length(address);
    shown += address.substr(0, length);
    if (length == address.size()) return printable(shown);
    const bool separator = std::string_view(":/?").find(address[length]) != std::string_view::npos;
    if (separator) shown += address[length];
    return printable(shown + "***");
}

std::string hide_login(std::string_view path) {
    const std::size_t colon = path.find(':');
    const std::size_t at = path.rfind('@');
    if (colon == std::string_view::npos || at == std::string_view::npos || at < colon) return std::string(path);
    return std::string(path.substr(0, colon + 1)) + "***" + std::string(path.substr(at));
}

std::string show_word(std::string_view word) {
    if (looks_like_token(word)) return "***";
    constexpr std::array<std::string_view, 5> starts{"redis:", "rediss:", "valkey:", "valkeys:", "unix:"};
    const bool doubtful =
        word.find("://") != std::string_view::npos || word.find('@') != std::string_view::npos ||
        std::any_of(starts.begin(), starts.end(), [&](auto start) { return word.starts_with(start); });
    return doubtful ? hide_password(word) : printable(word);
}

} // namespace redlock::config
