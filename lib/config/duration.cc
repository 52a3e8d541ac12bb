#include "config/duration.hh"

#include "config/secret.hh"
#include "util/error.hh"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace redlock::config {

namespace {

using namespace std::chrono_literals;

struct Unit {
    Duration length;
    std::array<std::string_view, 6> names; // the first is the one that messages use
};
constexpr std::array<Unit, 6> units{{
    {24h, {{"d", "day", "days"}}},
    {1h, {{"h", "hr", "hrs", "hour", "hours"}}},
    {1min, {{"m", "min", "mins", "minute", "minutes"}}},
    {1s, {{"s", "sec", "secs", "second", "seconds"}}},
    {1ms, {{"ms", "msec", "msecs", "millis", "millisecond", "milliseconds"}}},
    {1us, {{"us", "\xc2\xb5s", "usec", "usecs", "microsecond", "microseconds"}}}, // the second begins with a micro sign
}};
constexpr std::size_t unit_without_name = 3; // seconds

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw ConfigError(fmt::format("'{}' is not a duration: {}; write for example 30s, 1h30m, 500ms, or 1.5 "
                                  "for one and a half seconds",
                                  show_word(text), why));
}

// What is right but for blanks, capitals or a decimal comma, written as it should be; else empty.
std::string corrected(std::string_view text) {
    std::string better;
    for (const char c : text) {
        if (c == ' ' || c == '\t') continue;
        better += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == ',' ? '.' : c;
    }
    if (better == text) return {};
    try {
        (void)parse_duration(better);
        return better;
    } catch (const ConfigError &) {
        return {};
    }
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_while(std::string_view &rest, auto &&wanted) {
    std::size_t length = 0;
    while (length < rest.size() && wanted(rest[length])) ++length;
    const std::string_view taken = rest.substr(0, length);
    rest.remove_prefix(length);
    return taken;
}

// Position in `units`; refuses what is none.
std::size_t find_unit(std::string_view text, std::string_view name) {
    for (std::size_t i = 0; i < units.size(); ++i)
        if (std::find(units[i].names.begin(), units[i].names.end(), name) != units[i].names.end()) return i;
    if (const std::string better = corrected(text); !better.empty())
        refuse(text, fmt::format("no spaces, no capital letters and no comma; did you mean {}?", better));
    const char first = name[0];
    if (first == 'w' || first == 'y' || name.starts_with("mo"))
        refuse(text, fmt::format("'{}' is no unit; count it in days (d)", show_word(name)));
    if (first == ':') refuse(text, "':' is no unit; write 1h30m for hours and minutes, 1m30s for minutes and seconds");
    refuse(text, fmt::format("'{}' is no unit; the units are d h m s ms us", show_word(name)));
}

// `whole` and `fraction` are digits only. Refuses what is above the limit before it can overflow.
Duration multiply(std::string_view text, std::string_view whole, std::string_view fraction, Duration unit) {
    Duration::rep count = 0;
    for (const char c : whole) {
        count = count * 10 + (c - '0');
        if (count > longest_duration / unit) refuse(text, "longer than ten years");
    }
    Duration::rep part = 0;
    Duration::rep place = unit.count();
    for (const char c : fraction) part += (c - '0') * (place /= 10);
    return count * unit + Duration{part};
}

} // namespace

Duration parse_duration(std::string_view text) {
    if (text.empty()) refuse(text, "it is empty");
    if (text[0] == '-') refuse(text, "it is negative");
    Duration sum{};
    std::size_t next_unit = 0;
    std::string_view rest = text;
    while (!rest.empty()) {
        const bool first = rest.size() == text.size();
        const std::string_view whole = take_while(rest, is_digit);
        std::string_view fraction;
        const bool point = rest.starts_with('.');
        if (point) {
            rest.remove_prefix(1);
            fraction = take_while(rest, is_digit);
            if (fraction.empty()) refuse(text, "a digit must follow the point");
        }
        if (whole.empty() && !point) refuse(text, first ? "it does not begin with a number" : "a number is missing");
        const std::string_view name = take_while(rest, [](char c) { return !is_digit(c) && c != '.'; });
        if (name.empty() && !(first && rest.empty()))
            refuse(text, rest.empty() ? "the last number has no unit" : "it has two points");
        if (point && !rest.empty()) refuse(text, "only the last number may have a fraction");
        const std::size_t unit = name.empty() ? unit_without_name : find_unit(text, name);
        if (unit < next_unit) refuse(text, "each unit at most once, the longest first");
        next_unit = unit + 1;
        sum += multiply(text, whole, fraction, units[unit].length);
        if (sum > longest_duration) refuse(text, "longer than ten years");
    }
    return sum;
}

std::string show_duration(Duration d) {
    if (d < Duration::zero()) return "-" + show_duration(-d);
    // Rounded first, split afterwards: no "60 s", no "1 h 60 min".
    const auto in = [&](Duration unit) { return (d + unit / 2) / unit; };
    if (d == Duration::zero()) return "0 s";
    if (in(1us) < 1000) return fmt::format("{} us", in(1us));
    if (in(1ms) < 1000) return fmt::format("{} ms", in(1ms));
    if (const auto tenths = in(100ms); tenths < 600)
        return fmt::format("{}{} s", tenths / 10, tenths % 10 == 0 ? "" : fmt::format(".{}", tenths % 10));
    const auto pair = [&](Duration unit, Duration::rep per_large, std::string_view large, std::string_view small) {
        std::string text = fmt::format("{} {}", in(unit) / per_large, large);
        if (in(unit) % per_large != 0) text += fmt::format(" {} {}", in(unit) % per_large, small);
        return text;
    };
    if (in(1s) < 3600) return pair(1s, 60, "min", "s");
    return in(1min) < 24 * 60 ? pair(1min, 60, "h", "min") : pair(1h, 24, "d", "h");
}

} // namespace redlock::config
