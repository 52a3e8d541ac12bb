// The lock: its name, the proof that it is ours, and how it is asked for.
#include "cmd/setting_readers.hh"

#include "cmd/enclosing.hh"
#include "cmd/user_name.hh"

#include <unistd.h>

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
    auto variable = sources.variable("REDLOCK_TOKEN");
    const auto name = sources.variable("REDLOCK_NAME");
    if (variable.given() && name.given() && name.value == target.name) return variable;
    if (encloses(target))
        throw UsageError(fmt::format("{} is held by a 'redlock exec' that this command runs under (REDLOCK_HELD), "
                                     "so it {}",
                                     in_quotes(target.name), why_not_inside(sources.line().command)));
    std::string why = "give what 'redlock acquire' printed with --token T or --token-file FILE (or in "
                      "REDLOCK_TOKEN, with this name in REDLOCK_NAME)";
    if (variable.given())
        why = fmt::format("REDLOCK_TOKEN {}; give the token with --token T",
                          name.given() ? "belongs to " + in_quotes(name.value) + " (REDLOCK_NAME)"
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

// The last one of -n and --wait counts, as for an option that is given twice.
std::optional<Duration> read_wait(const Sources &sources) {
    const Value<Duration> wait = sources.duration(option("--wait"));
    bool now = false;
    for (const Typed::Given &given : sources.line().typed.all())
        if (given.option == &option("-n") || given.option == &option("--wait")) now = given.option == &option("-n");
    if (now) return Duration::zero();
    return wait.given() ? std::optional(wait.value) : std::nullopt;
}

int read_conflict_exit_code(const Sources &sources) {
    const auto code = sources.integer(option("-E"), 0, 255, exit_code::busy);
    if (code.value == 0 && sources.line().command == Command::acquire)
        refuse(code.origin, "0 would tell a script that it has the lock when it has not; from 1 to 255 for acquire");
    return static_cast<int>(code.value);
}

// The environment's word for the user is good enough for other people to see.
std::string read_owner(const Sources &sources) {
    const Value<std::string> typed = sources.text(option("--owner"));
    std::string owner =
        typed.given() ? typed.value : sources.variable("LOGNAME").value_or(sources.variable("USER").value);
    return owner.empty() ? user_name(::getuid()) : owner;
}

// By default the name of COMMAND alone: its arguments may be secrets.
std::string read_why(const Sources &sources) {
    const Value<std::string> typed = sources.text(option("--why"));
    if (typed.given() || sources.line().words.empty()) return typed.value;
    const std::string &word = sources.line().words[0];
    const std::string program = word.substr(0, word.find_first_of(" \t\n"));
    return program.substr(program.rfind('/') + 1);
}

} // namespace

Target read_target(const Sources &sources, Warnings &warnings) {
    Target target{.names = sources.line().names, .held = sources.variable("REDLOCK_HELD").value};
    if (!target.names.empty()) target.name = target.names[0];
    if ((bit(sources.line().command) & proving_it) != 0) target.token = read_token(target, sources, warnings);
    return target;
}

Claim read_claim(const Sources &sources) {
    return {read_owner(sources), read_why(sources), read_wait(sources), read_conflict_exit_code(sources)};
}

} // namespace redlock::cmd
