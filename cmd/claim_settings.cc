#include "cmd/setting_readers.hh"

#include "cmd/user_name.hh"

#include <unistd.h>

namespace redlock::cmd {

namespace {

// Of -n and --wait the last one on the line counts, as for an option that is given twice.
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
        typed.given() ? typed.value : sources.variable("LOGNAME").value_or(sources.variable("USER").value_or(""));
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

Claim read_claim(const Sources &sources) {
    return {read_owner(sources), read_why(sources), read_wait(sources), read_conflict_exit_code(sources)};
}

} // namespace redlock::cmd
