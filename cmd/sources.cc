#include "cmd/sources.hh"

#include "config/duration.hh"
#include "util/text.hh"

namespace redlock::cmd {

Value<std::string> Sources::variable(std::string_view name) const {
    const Origin origin{.kind = Origin::Kind::environment, .name = std::string(name)};
    const char *value = environment_(origin.name.c_str());
    return value == nullptr || *value == '\0' ? Value<std::string>{} : Value<std::string>{value, origin};
}

Value<std::string> Sources::text(const Option &option) const {
    if (const std::string *value = line_.typed.last(option))
        return {*value, {.kind = Origin::Kind::typed, .name = std::string(name_of(option))}};
    return takes(option) && !option.environment.empty() ? variable(option.environment) : Value<std::string>{};
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
