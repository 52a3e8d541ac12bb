#include "cmd/sources.hh"

#include "config/duration.hh"
#include "util/text.hh"

namespace redlock::cmd {

std::optional<std::string> Sources::variable(std::string_view name) const {
    const char *value = environment_(std::string(name).c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
}

Value<std::string> Sources::text(const Option &option) const {
    if (const std::string *value = line_.typed.last(option))
        return {*value, {.kind = Origin::Kind::typed, .name = std::string(name_of(option))}};
    if (!takes(option) || option.environment.empty()) return {};
    if (auto value = variable(option.environment))
        return {*std::move(value), {.kind = Origin::Kind::environment, .name = std::string(option.environment)}};
    return {};
}

Value<Duration> Sources::duration(const Option &option, Duration otherwise) const {
    const Value<std::string> found = text(option);
    if (!found.given()) return {otherwise};
    try {
        return {config::parse_duration(found.value), found.origin};
    } catch (const ConfigError &error) {
        refuse(found.origin, error.what());
    }
}

Value<std::size_t> Sources::integer(const Option &option, std::size_t low, std::size_t high, std::size_t otherwise,
                                    std::string_view why) const {
    const Value<std::string> found = text(option);
    if (!found.given()) return {otherwise};
    const auto value = parse_number<std::size_t>(found.value);
    if (value && *value >= low && *value <= high) return {*value, found.origin};
    refuse(found.origin,
           fmt::format("{} is not {}{}", in_quotes(found.value),
                       low == high ? fmt::to_string(low) : fmt::format("a whole number from {} to {}", low, high),
                       why));
}

} // namespace redlock::cmd
