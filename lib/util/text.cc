#include "util/text.hh"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace redlock {

namespace {

void append_hex(std::string &out, char byte) {
    constexpr const char *digits = "0123456789ABCDEF";
    out += digits[static_cast<unsigned char>(byte) >> 4U];
    out += digits[static_cast<unsigned char>(byte) & 15U];
}

// Length of the printable UTF-8 sequence at the start of `text`; 0 where it is none, or a control
// character (C0, DEL and C1: the latter move cursors too).
std::size_t printable_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return lead >= 0x20 && lead != 0x7f ? 1 : 0;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
    std::uint32_t code = lead & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U) return 0;
        code = code << 6U | (byte(i) & 0x3fU);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    // No surrogates; no C1; no marks that reorder or hide what follows them on a terminal, or that nobody can see.
    constexpr std::uint32_t bad[][2] = {{0xd800, 0xdfff}, {0x80, 0x9f},     {0xad, 0xad},      {0x61c, 0x61c},
                                        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x206f},
                                        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};
    if (code < least[length] || code > 0x10ffff) return 0;
    for (const auto &range : bad)
        if (code >= range[0] && code <= range[1]) return 0;
    return length;
}

} // namespace

std::string printable(std::string_view text, std::size_t limit) {
    std::string out;
    for (std::string_view left = text.substr(0, limit); !left.empty();) {
        const std::size_t length = printable_length(left);
        if (left[0] == '\\') {
            out += "\\\\";
        } else if (length > 0) {
            out += left.substr(0, length);
        } else {
            out += "\\x";
            append_hex(out, left[0]);
        }
        left.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return text.size() > limit ? out + "..." : out;
}

std::string counted(std::size_t count, std::string_view noun) {
    return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

std::string percent_encode(char c) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (plain.find(c) != plain.npos) return {c};
    std::string out = "%";
    append_hex(out, c);
    return out;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    for (; !text.empty(); text.remove_prefix(1)) {
        unsigned byte = 0;
        if (text[0] == '%' && text.size() > 2 &&
            std::from_chars(text.data() + 1, text.data() + 3, byte, 16).ptr == text.data() + 3) {
            text.remove_prefix(2);
            out += static_cast<char>(byte);
        } else {
            out += text[0];
        }
    }
    return out;
}

} // namespace redlock
