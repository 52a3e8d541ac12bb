#include "cmd/settings.hh"

#include "cmd/credentials.hh"
#include "cmd/diagnose.hh"
#include "cmd/enclosing.hh"
#include "cmd/signal_name.hh"
#include "cmd/user_name.hh"
#include "config/duration.hh"
#include "util/text.hh"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

namespace redlock::cmd {

namespace {

using config::show_duration;

// Digits and a point: from_chars for doubles would have libm loaded at every start.
std::optional<double> read_ratio(const std::string &text) {
    if (text.empty() || text.find_first_not_of("0123456789.") != text.npos) return std::nullopt;
    char *end = nullptr;
    const double value = std::strtod(text.c_str(), &end); // in the C locale: nobody sets another
    return end == text.c_str() + text.size() ? std::optional(value) : std::nullopt;
}

std::vector<config::NodeUrl> read_node_list(const Invocation &invocation, const Value<std::string> &given) {
    std::vector<config::NodeUrl> nodes;
    try {
        if (!given.origin.typed()) nodes = config::parse_node_list(given.value);
        for (const Typed::Given &each : invocation.typed.all()) {
            if (each.option != &option("-S")) continue;
            const auto more = config::parse_node_list(each.value);
            nodes.insert(nodes.end(), more.begin(), more.end());
        }
        config::check_node_list(nodes);
    } catch (const ConfigError &error) {
        refuse(given.origin, error.what());
    }
    return nodes;
}

void read_nodes(Settings &settings, const Invocation &invocation, const Sources &sources) {
    const Value<std::string> given = sources.text(option("-S"));
    if (!given.given())
        throw ConfigError("no nodes were given; name them with -S redis://host:6379 (once for each node) or in the "
                          "environment variable REDLOCK_NODES (separated by commas); to try redlock without servers of "
                          "your own: redlock lab");
    settings.nodes = read_node_list(invocation, given);
    const auto has_password = [](const config::NodeUrl &node) { return !node.password.empty(); };
    if (given.origin.typed() && std::any_of(settings.nodes.begin(), settings.nodes.end(), has_password))
        settings.warnings.emplace_back(
            "a password on the command line can be read by every user of this machine; put it "
            "into REDLOCK_NODES, REDISCLI_AUTH or a --password-file");
    read_credentials(settings, given.origin, sources);
    // A majority: any two quorums share a node (protocol 3.1).
    const std::size_t count = settings.nodes.size();
    settings.quorum = sources
                          .integer(option("--quorum"), count / 2 + 1, count, count / 2 + 1,
                                   fmt::format(": of {} a majority must agree, or two could hold the lock at once",
                                               counted(count, "node")))
                          .value;
}

// The nodes' own keys (protocol 3.2).
bool is_reserved(std::string_view key) { return key.starts_with("redlock:{"); }

void read_key(Settings &settings, const Sources &sources) {
    const Value<std::string> prefix = sources.text(option("--prefix"));
    settings.prefix = prefix.value;
    settings.key = settings.prefix + settings.name;
    if (std::none_of(settings.names.begin(), settings.names.end(),
                     [&](const std::string &name) { return is_reserved(settings.prefix + name); }))
        return;
    refuse(!is_reserved(prefix.value) || prefix.origin.typed(),
           fmt::format("prefix and NAME together begin with 'redlock:{{', which redlock keeps for keys of its own; "
                       "choose another {}",
                       prefix.value.empty() ? "NAME" : "prefix (" + prefix.origin.in_words() + ")"));
}

// A number as --ttl takes it back.
std::string as_typed(Duration d) { return fmt::format("{}s", static_cast<double>(to_ms_up(d)) / 1000); }

// "slack 5 s (--slack)"; nothing in brackets for a default.
std::string with_origin(std::string_view what, Duration d, const Origin &origin) {
    const std::string words = origin.in_words();
    return fmt::format("{} {}{}", what, show_duration(d), words.empty() ? "" : " (" + words + ")");
}

Value<double> read_drift(const Sources &sources) {
    const Value<std::string> found = sources.text(option("--drift"));
    if (!found.given()) return {core::default_drift};
    const auto value = read_ratio(found.value);
    if (value && *value >= 0 && *value < 0.5) return {*value, found.origin};
    refuse(found.origin, fmt::format("{} is not a ratio from 0 to below 0.5; the default is {}", in_quotes(found.value),
                                     core::default_drift));
}

Value<Duration> read_guard(const Sources &sources) {
    const Value<std::string> found = sources.text(option("--restart-guard"));
    if (found.value == "off") return {Duration::zero(), found.origin};
    const auto guard = sources.duration(option("--restart-guard"), default_ttl);
    if (guard.value < shortest_ttl)
        refuse(guard.origin, fmt::format("within {} no lock ends; give the longest --ttl that is used on these nodes, "
                                         "or off",
                                         show_duration(guard.value)));
    return guard;
}

// No lease is longer than the guard (protocol 9.5).
void check_guard(const Value<Duration> &guard, const Value<Duration> &ttl) {
    if (guard.value == Duration::zero() || ttl.value <= guard.value) return;
    throw ConfigError(fmt::format(
        "{} is longer than {}: a node that has lost its data would vote for somebody else while "
        "this lock is held. Give --restart-guard {} (or REDLOCK_RESTART_GUARD), the same on every host that uses these "
        "nodes, and then run 'redlock init --reconfigure' with it, once; or a shorter ttl",
        with_origin("a ttl of", ttl.value, ttl.origin), with_origin("the restart guard of", guard.value, guard.origin),
        as_typed(ttl.value)));
}

TimingWish read_timing_wish(const Sources &sources) {
    TimingWish wish{.ttl = sources.duration(option("--ttl"), default_ttl),
                    .slack = sources.duration(option("--slack")),
                    .node_timeout = sources.duration(option("--node-timeout")),
                    .kill_after = sources.duration(option("--kill-after")),
                    .drift = read_drift(sources)};
    if (wish.ttl.value < shortest_ttl)
        refuse(wish.ttl.origin, fmt::format("a ttl of {} is too short to hold a lock over a network; at least {}",
                                            show_duration(wish.ttl.value), show_duration(shortest_ttl)));
    if (wish.node_timeout.given() && wish.node_timeout.value < milliseconds{1})
        refuse(wish.node_timeout.origin,
               fmt::format("no node can answer within {}; at least 1 ms", show_duration(wish.node_timeout.value)));
    return wish;
}

// The times must fit into each other (protocol 13.7).
void check_timing(const TimingWish &wish, const Timing &timing, Command command) {
    if (fits(timing, command)) return;
    const Duration validity = std::max(fresh_validity(timing), Duration::zero());
    std::string needs = with_origin("a node timeout of", timing.node_timeout, wish.node_timeout.origin);
    if (needed(timing, command) > timing.node_timeout && command == Command::exec)
        needs = fmt::format("{} ({}, twice the kill margin of {}, and {} from one renewal to the next)",
                            show_duration(needed(timing, Command::exec)),
                            with_origin("kill-after", timing.kill_after, wish.kill_after.origin),
                            show_duration(timing.margin), show_duration(renewal_period(timing)));
    const auto better = sufficient_ttl(wish, command);
    const auto typed = [](const auto &...value) { return (value.origin.typed() || ...); };
    refuse(typed(wish.ttl, wish.slack, wish.node_timeout, wish.kill_after, wish.drift),
           fmt::format("{} is too short: a fresh lease is safe for {} ({} less a drift of {}, {} and 2 ms), which "
                       "must be more than {}; {}",
                       with_origin("a ttl of", timing.ttl, wish.ttl.origin), show_duration(validity),
                       show_duration(timing.ttl), timing.trust.drift,
                       with_origin("slack", timing.trust.slack, wish.slack.origin), needs,
                       better ? fmt::format("a ttl that would do is --ttl {}", as_typed(*better))
                              : "no ttl would do: shorten the others"));
}

// Of -n and --wait the last one on the line counts, as for an option that is given twice.
std::optional<Duration> read_wait(const Invocation &invocation, const Sources &sources) {
    const Value<Duration> wait = sources.duration(option("--wait"));
    bool now = false;
    for (const Typed::Given &given : invocation.typed.all())
        if (given.option == &option("-n") || given.option == &option("--wait")) now = given.option == &option("-n");
    if (now) return Duration::zero();
    return wait.given() ? std::optional(wait.value) : std::nullopt;
}

void read_waiting(Settings &settings, const Invocation &invocation, const Sources &sources) {
    settings.wait = read_wait(invocation, sources);
    const auto code = sources.integer(option("-E"), 0, 255, exit_code::busy);
    if (code.value == 0 && settings.command == Command::acquire)
        refuse(code.origin, "0 would tell a script that it has the lock when it has not; from 1 to 255 for acquire");
    settings.conflict_exit_code = static_cast<int>(code.value);
}

int read_signal(const Sources &sources) {
    const Value<std::string> found = sources.text(option("--signal"));
    if (!found.given()) return SIGTERM;
    const std::optional<int> signal = parse_signal(found.value);
    if (signal && *signal != SIGKILL && *signal != SIGSTOP) return *signal;
    refuse(found.origin, fmt::format("{} is not a signal that COMMAND could act upon; give a name or number such as "
                                     "TERM, INT or 15 (KILL follows by itself, see --kill-after)",
                                     in_quotes(found.value)));
}

void read_command(Settings &settings, const Invocation &invocation, const Sources &sources) {
    settings.words = invocation.words;
    const std::string shell = sources.variable("SHELL").value_or("/bin/sh");
    if (const std::string *line = invocation.typed.last(option("-c"))) {
        if (line->empty()) throw UsageError("-c: the shell line is empty (an unset variable?)");
        settings.words = {shell, "-c", *line};
    }
    settings.not_found_hint = invocation.not_found_hint;
    if (invocation.words.size() == 1 && invocation.words[0].find_first_of(" \t\n") != std::string::npos)
        settings.not_found_hint += settings.command == Command::exec
                                       ? "; COMMAND is one word with blanks in it: for a shell line write exec NAME -c "
                                         "'LINE', for a command leave out the quotes"
                                       : "; COMMAND is one word with blanks in it: leave out the quotes, or write "
                                         "sh -c 'LINE'";
    settings.users_shell = settings.words.empty(); // lab alone: exec has a COMMAND
    if (settings.users_shell) settings.words = {shell};
    settings.signal = read_signal(sources);
}

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
Value<std::string> token_of_environment(const Settings &settings, const Sources &sources) {
    const auto variable = sources.variable("REDLOCK_TOKEN");
    const auto name = sources.variable("REDLOCK_NAME");
    if (variable && name == settings.name)
        return {*variable, {.kind = Origin::Kind::environment, .name = "REDLOCK_TOKEN"}};
    if (encloses(settings))
        throw UsageError(fmt::format("{} is held by a 'redlock exec' that this command runs under (REDLOCK_HELD), "
                                     "so it {}",
                                     in_quotes(settings.name), why_not_inside(settings.command)));
    std::string why = "give what 'redlock acquire' printed with --token T or --token-file FILE (or in "
                      "REDLOCK_TOKEN, with this name in REDLOCK_NAME)";
    if (variable)
        why = fmt::format("REDLOCK_TOKEN {}; give the token with --token T",
                          name ? "belongs to " + in_quotes(*name) + " (REDLOCK_NAME)"
                               : "counts only when REDLOCK_NAME is this name");
    throw UsageError(fmt::format("no token for {}: {}", in_quotes(settings.name), why));
}

void read_token(Settings &settings, const Sources &sources) {
    Value<std::string> token = sources.text(option("--token"));
    const Value<std::string> file = sources.text(option("--token-file"));
    if (token.given() && file.given())
        throw UsageError("both --token and --token-file were given; leave out one of them");
    if (file.given()) token = read_secret(file, settings);
    if (!token.given()) token = token_of_environment(settings, sources);
    check_token(token);
    settings.token = token.value;
}

// Of --format and --json the last one on the line counts.
void read_output(Settings &settings, const Invocation &invocation, const Sources &sources) {
    const bool acquire = settings.command == Command::acquire;
    if (const Value<std::string> file = sources.text(option("--token-file")); file.given() && acquire) {
        settings.token_file = file.value;
        if (file.value.empty()) throw UsageError("--token-file: the name of the file is empty (an unset variable?)");
        if (file.value == "-")
            throw UsageError("--token-file: '-' is no name for standard output; leave out --token-file, and the token "
                             "goes there (a file of that name is ./-)");
        if (file.value.find("://") != file.value.npos)
            throw UsageError(fmt::format("--token-file: {} is an address and no file", in_quotes(file.value)));
    }
    settings.format = acquire && settings.token_file.empty() ? Format::token : Format::nothing;
    for (const Typed::Given &given : invocation.typed.all()) {
        const bool json = given.option == &option("--json");
        if (!json && given.option != &option("--format")) continue;
        if (!json && given.value != "token" && given.value != "env" && given.value != "json")
            throw UsageError(fmt::format("--format: {} is not one of token, env and json", in_quotes(given.value)));
        settings.format = json || given.value == "json" ? Format::json
                          : given.value == "env"        ? Format::env
                                                        : Format::token;
    }
}

// What others see. The environment's word for the user is good enough for that. Of COMMAND only the name: its arguments
// may be secrets.
void read_holder(Settings &settings, const Invocation &invocation, const Sources &sources) {
    const Value<std::string> owner = sources.text(option("--owner")), why = sources.text(option("--why"));
    settings.owner =
        owner.given() ? owner.value : sources.variable("LOGNAME").value_or(sources.variable("USER").value_or(""));
    if (settings.owner.empty()) settings.owner = user_name(::getuid());
    if (!invocation.words.empty()) {
        const std::string program = invocation.words[0].substr(0, invocation.words[0].find_first_of(" \t\n"));
        settings.why = program.substr(program.rfind('/') + 1);
    }
    if (why.given()) settings.why = why.value;
}

// What a later `redlock init` must be told in the same way.
std::string typed_again(const Typed &typed) {
    std::string text;
    for (const Option *each : {&option("-S"), &option("--quorum"), &option("--restart-guard"), &option("--prefix")})
        if (const std::string_view name = each == &option("-S") ? "-S" : name_of(*each); typed.has(*each))
            text += fmt::format("{}{}", text.empty() ? "with the same " : ", ", name);
    return text;
}

int read_verbosity(const Typed &typed) {
    int verbosity = 0;
    for (const Typed::Given &given : typed.all()) {
        if (given.option == &option("-q")) verbosity = -1;
        if (given.option == &option("-v")) verbosity = std::clamp(verbosity + 1, 1, 2);
    }
    return verbosity;
}

} // namespace

Settings make_settings(const Invocation &invocation, const Environment &environment) {
    const Sources sources(invocation, environment);
    const unsigned command = bit(invocation.command);
    Settings settings;
    settings.command = invocation.command;
    settings.names = invocation.names;
    if (!settings.names.empty()) settings.name = settings.names[0];
    settings.verbosity = read_verbosity(invocation.typed);
    settings.held = sources.variable("REDLOCK_HELD").value_or("");
    // Typed mistakes of the smaller kind first: they are the likelier ones, and nearer to the sources.
    if ((command & running_a_command) != 0) read_command(settings, invocation, sources);
    if ((command & taking_a_lock) != 0) read_waiting(settings, invocation, sources);
    if ((command & taking_a_lock) != 0) read_holder(settings, invocation, sources);
    if ((command & proving_it) != 0) read_token(settings, sources);
    read_output(settings, invocation, sources);
    if ((command & on_nodes) != 0) {
        const TimingWish wish = read_timing_wish(sources);
        settings.timing = complete(wish);
        const bool leased = sources.takes(option("--ttl"));
        if (leased) check_timing(wish, settings.timing, settings.command);
        const Value<Duration> guard = read_guard(sources);
        if (leased) check_guard(guard, wish.ttl);
        settings.guard = guard.value;
        read_key(settings, sources);
        read_nodes(settings, invocation, sources);
    }
    settings.lab_nodes = sources.integer(option("--nodes"), 1, 64, settings.lab_nodes).value;
    settings.lab_tcp = invocation.typed.has(option("--tcp"));
    settings.reconfigure = invocation.typed.has(option("--reconfigure"));
    settings.no_wait = invocation.typed.has(option("--no-wait"));
    settings.same_again = typed_again(invocation.typed);
    return settings;
}

} // namespace redlock::cmd
