#include "cmd/setting_readers.hh"

#include "cmd/credentials.hh"
#include "cmd/enclosing.hh"

namespace redlock::cmd {

namespace {

// A token as `redlock acquire` prints it (protocol 3.3).
void check_token(const Value<std::string> &token) {
    constexpr std::size_t longest = 256;
    constexpr std::string_view word = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%._:-";
    if (token.value.empty())
        refuse(true, fmt::format("{}: the token is empty; did 'redlock acquire' fail?", token.origin.in_words()));
    if (token.value.find_first_not_of(word) != std::string::npos || token.value.size() > longest)
        refuse(token.origin, fmt::format("this is no token; give what 'redlock acquire' printed: one word of at most "
                                         "{} bytes",
                                         longest));
}

// REDLOCK_TOKEN, if REDLOCK_NAME says that it belongs to this lock.
Value<std::string> token_of_environment(const Target &target, const Sources &sources) {
    const auto variable = sources.variable("REDLOCK_TOKEN");
    const auto name = sources.variable("REDLOCK_NAME");
    if (variable && name == target.name)
        return {*variable, {.kind = Origin::Kind::environment, .name = "REDLOCK_TOKEN"}};
    if (encloses(target))
        throw UsageError(fmt::format("{} is held by a 'redlock exec' that this command runs under (REDLOCK_HELD), "
                                     "so it {}",
                                     in_quotes(target.name), why_not_inside(sources.line().command)));
    std::string why = "give what 'redlock acquire' printed with --token T or --token-file FILE (or in "
                      "REDLOCK_TOKEN, with this name in REDLOCK_NAME)";
    if (variable)
        why = fmt::format("REDLOCK_TOKEN {}; give the token with --token T",
                          name ? "belongs to " + in_quotes(*name) + " (REDLOCK_NAME)"
                               : "counts only when REDLOCK_NAME is this name");
    throw UsageError(fmt::format("no token for {}: {}", in_quotes(target.name), why));
}

std::string read_token(const Target &target, const Sources &sources, Warnings &warnings) {
    Value<std::string> token = sources.text(option("--token"));
    const Value<std::string> file = sources.text(option("--token-file"));
    if (token.given() && file.given())
        throw UsageError("both --token and --token-file were given; leave out one of them");
    if (file.given()) token = read_secret(file, warnings);
    if (!token.given()) token = token_of_environment(target, sources);
    check_token(token);
    return token.value;
}

} // namespace

Target read_target(const Sources &sources, Warnings &warnings) {
    Target target{.names = sources.line().names, .held = sources.variable("REDLOCK_HELD").value_or("")};
    if (!target.names.empty()) target.name = target.names[0];
    if ((bit(sources.line().command) & proving_it) != 0) target.token = read_token(target, sources, warnings);
    return target;
}

} // namespace redlock::cmd
