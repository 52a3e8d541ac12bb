#include "cmd/settings.hh"

#include "cmd/credentials.hh"
#include "cmd/diagnose.hh"
#include "cmd/enclosing.hh"
#include "cmd/reader.hh"
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

void read_nodes(Settings &settings, const Invocation &invocation, const Reader &reader) {
    const auto found = reader.text(option("-S"));
    if (!found)
        throw ConfigError("no nodes were given; name them with -S redis://host:6379 (once for each node) or in the "
                          "environment variable REDLOCK_NODES (separated by commas); to try redlock without servers of "
                          "your own: redlock lab");
    const bool typed = settings.nodes_typed = is_typed(found->origin);
    std::vector<config::NodeUrl> &nodes = settings.nodes;
    try {
        if (!typed) nodes = config::parse_node_list(found->value);
        for (const Typed::Given &given : invocation.typed.all()) {
            if (given.option != &option("-S")) continue;
            const auto more = config::parse_node_list(given.value);
            nodes.insert(nodes.end(), more.begin(), more.end());
        }
        config::check_node_list(nodes);
    } catch (const ConfigError &error) {
        refuse(typed, fmt::format("{}: {}", found->origin, error.what()));
    }
    if (typed && std::any_of(nodes.begin(), nodes.end(), [](const auto &node) { return !node.password.empty(); }))
        settings.warnings.emplace_back(
            "a password on the command line can be read by every user of this machine; put it "
            "into REDLOCK_NODES, REDISCLI_AUTH or a --password-file");
    read_credentials(settings, found->origin, reader);
    const std::size_t majority = nodes.size() / 2 + 1;
    const auto quorum = reader.integer(option("--quorum"), majority, nodes.size(),
                                       fmt::format(": of {} a majority must agree, or two could hold the lock at once",
                                                   counted(nodes.size(), "node")));
    settings.quorum = quorum ? quorum->value : majority;
}

void read_key(Settings &settings, const Reader &reader) {
    const auto prefix = reader.text(option("--prefix"));
    if (prefix) settings.prefix = prefix->value;
    settings.key = settings.prefix + settings.name;
    const auto is_reserved = [&](const std::string &name) { return (settings.prefix + name).starts_with("redlock:{"); };
    if (std::none_of(settings.names.begin(), settings.names.end(), is_reserved)) return;
    const bool by_prefix = prefix && prefix->value.starts_with("redlock:{");
    refuse(!by_prefix || is_typed(prefix->origin),
           fmt::format("prefix and NAME together begin with 'redlock:{{', which redlock keeps for keys of its own; "
                       "choose another {}",
                       !settings.prefix.empty() ? "prefix (" + prefix->origin + ")" : "NAME"));
}

// A number as --ttl takes it back.
std::string as_typed(Duration d) { return fmt::format("{}s", static_cast<double>(to_ms_up(d)) / 1000); }

// "slack 5 s (--slack)"; nothing in brackets for a default.
std::string with_origin(std::string_view what, Duration d, const std::optional<Found<Duration>> &setting) {
    return fmt::format("{} {}{}", what, show_duration(d), setting ? fmt::format(" ({})", setting->origin) : "");
}

double read_drift(const Reader &reader, bool &typed) {
    const auto found = reader.text(option("--drift"));
    if (!found) return default_drift;
    typed = typed || is_typed(found->origin);
    const auto value = read_ratio(found->value);
    if (!value || !(*value >= 0 && *value < 0.5))
        refuse(is_typed(found->origin), fmt::format("{}: {} is not a ratio from 0 to below 0.5; the default is {}",
                                                    found->origin, in_quotes(found->value), default_drift));
    return *value;
}

void read_guard(Settings &settings, const Reader &reader) {
    settings.guard = default_ttl;
    const auto found = reader.text(option("--restart-guard"));
    if (found && found->value == "off") {
        settings.guard = Duration::zero();
    } else if (const auto given = reader.duration(option("--restart-guard"))) {
        settings.guard = given->value;
        if (settings.guard < shortest_ttl)
            refuse(is_typed(given->origin),
                   fmt::format("{}: within {} no lock ends; give the longest --ttl that is used on these nodes, or off",
                               given->origin, show_duration(settings.guard)));
    }
    const auto ttl = reader.duration(option("--ttl"));
    if (settings.guard == Duration::zero() || settings.timing.ttl <= settings.guard ||
        !takes(info(settings.command), option("--ttl")))
        return;
    throw ConfigError(fmt::format(
        "{} is longer than the restart guard of {}{}: a node that has lost its data would vote for somebody else while "
        "this lock is held. Give --restart-guard {} (or REDLOCK_RESTART_GUARD), the same on every host that uses these "
        "nodes, and then run 'redlock init --reconfigure' with it, once; or a shorter ttl",
        with_origin("a ttl of", settings.timing.ttl, ttl), show_duration(settings.guard),
        found ? fmt::format(" ({})", found->origin) : "", as_typed(settings.timing.ttl)));
}

void read_timing(Settings &settings, const Reader &reader) {
    const auto ttl = reader.duration(option("--ttl"));
    const auto slack = reader.duration(option("--slack"));
    const auto node_timeout = reader.duration(option("--node-timeout"));
    const auto kill_after = reader.duration(option("--kill-after"));
    bool typed = false;
    for (const auto *each : {&ttl, &slack, &node_timeout, &kill_after})
        typed = typed || (*each && is_typed((*each)->origin));

    TimingWish wish;
    wish.drift = read_drift(reader, typed);
    if (ttl) wish.ttl = ttl->value;
    if (slack) wish.slack = slack->value;
    if (node_timeout) wish.node_timeout = node_timeout->value;
    if (kill_after) wish.kill_after = kill_after->value;
    if (ttl && ttl->value < shortest_ttl)
        refuse(is_typed(ttl->origin),
               fmt::format("{}: a ttl of {} is too short to hold a lock over a network; at least {}", ttl->origin,
                           show_duration(ttl->value), show_duration(shortest_ttl)));
    if (node_timeout && node_timeout->value < milliseconds{1})
        refuse(is_typed(node_timeout->origin), fmt::format("{}: no node can answer within {}; at least 1 ms",
                                                           node_timeout->origin, show_duration(node_timeout->value)));

    const Timing timing = complete(wish);
    settings.timing = timing;
    if (!takes(info(settings.command), option("--ttl")) || fits(timing, settings.command)) return;

    const Duration validity = std::max(fresh_validity(timing), Duration::zero());
    std::string needs = with_origin("a node timeout of", timing.node_timeout, node_timeout);
    if (needed(timing, settings.command) > timing.node_timeout && settings.command == Command::exec)
        needs = fmt::format("{} ({}, twice the kill margin of {}, and {} from one renewal to the next)",
                            show_duration(needed(timing, Command::exec)),
                            with_origin("kill-after", timing.kill_after, kill_after), show_duration(timing.margin),
                            show_duration(renewal_period(timing)));
    const auto better = sufficient_ttl(wish, settings.command);
    refuse(typed,
           fmt::format("{} is too short: a fresh lease is safe for {} ({} less a drift of {}, {} and 2 ms), which "
                       "must be more than {}; {}",
                       with_origin("a ttl of", timing.ttl, ttl), show_duration(validity), show_duration(timing.ttl),
                       timing.drift, with_origin("slack", timing.slack, slack), needs,
                       better ? fmt::format("a ttl that would do is --ttl {}", as_typed(*better))
                              : "no ttl would do: shorten the others"));
}

void read_waiting(Settings &settings, const Invocation &invocation, const Reader &reader) {
    if (const auto wait = reader.duration(option("--wait"))) settings.wait = wait->value;
    // Of -n and --wait the last one on the line counts, as for an option that is given twice.
    for (const Typed::Given &given : invocation.typed.all()) {
        if (given.option == &option("-n")) settings.wait = Duration::zero();
        if (given.option == &option("--wait")) settings.wait = reader.duration(*given.option)->value;
    }
    const std::size_t lowest = settings.command == Command::acquire ? 1 : 0;
    const auto code = reader.integer(option("-E"), 0, 255);
    if (!code) return;
    if (code->value < lowest)
        refuse(is_typed(code->origin),
               fmt::format("{}: 0 would tell a script that it has the lock when it has not; from 1 to 255 for acquire",
                           code->origin));
    settings.conflict_exit_code = static_cast<int>(code->value);
}

void read_command(Settings &settings, const Invocation &invocation, const Reader &reader) {
    settings.words = invocation.words;
    const std::string shell = reader.variable("SHELL").value_or("/bin/sh");
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
    if (const auto found = reader.text(option("--signal"))) {
        const std::optional<int> signal = parse_signal(found->value);
        if (!signal || *signal == SIGKILL || *signal == SIGSTOP)
            refuse(is_typed(found->origin), fmt::format("{}: {} is not a signal that COMMAND could act upon; "
                                                        "give a name or number such as TERM, INT "
                                                        "or 15 (KILL follows by itself, see --kill-after)",
                                                        found->origin, in_quotes(found->value)));
        settings.signal = *signal;
    }
}

void check_token(const Found<std::string> &token) {
    constexpr std::size_t longest = 256;
    constexpr std::string_view word = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%._:-";
    if (token.value.empty())
        refuse(true, fmt::format("{}: the token is empty; did 'redlock acquire' fail?", token.origin));
    if (token.value.find_first_not_of(word) != std::string::npos || token.value.size() > longest)
        refuse(is_typed(token.origin), fmt::format("{}: this is no token; give what 'redlock acquire' printed: one "
                                                   "word of at most {} bytes",
                                                   token.origin, longest));
}

void read_token(Settings &settings, const Reader &reader) {
    std::optional<Found<std::string>> token = reader.text(option("--token"));
    const std::optional<Found<std::string>> file = reader.text(option("--token-file"));
    if (token && file) throw UsageError("both --token and --token-file were given; leave out one of them");
    if (file) token = {read_secret(*file, settings), fmt::format("{} {}", file->origin, in_quotes(file->value))};
    if (!token) {
        const auto variable = reader.variable("REDLOCK_TOKEN");
        const auto name = reader.variable("REDLOCK_NAME");
        std::string why = "give what 'redlock acquire' printed with --token T or --token-file FILE (or in "
                          "REDLOCK_TOKEN, with this name in REDLOCK_NAME)";
        if (variable && name != settings.name)
            why = fmt::format("REDLOCK_TOKEN {}; give the token with --token T",
                              name ? "belongs to " + in_quotes(*name) + " (REDLOCK_NAME)"
                                   : "counts only when REDLOCK_NAME is this name");
        const bool of_ours = variable && name == settings.name;
        if (!of_ours && encloses(settings))
            throw UsageError(fmt::format("{} is held by a 'redlock exec' that this command runs under (REDLOCK_HELD), "
                                         "so it {}",
                                         in_quotes(settings.name), why_not_inside(settings.command)));
        if (!of_ours) throw UsageError(fmt::format("no token for {}: {}", in_quotes(settings.name), why));
        token = {*variable, "environment variable REDLOCK_TOKEN"};
    }
    check_token(*token);
    settings.token = token->value;
}

// Of --format and --json the last one on the line counts.
void read_output(Settings &settings, const Invocation &invocation, const Reader &reader) {
    const bool acquire = settings.command == Command::acquire;
    if (const auto file = reader.text(option("--token-file")); file && acquire) {
        settings.token_file = file->value;
        if (file->value.empty()) throw UsageError("--token-file: the name of the file is empty (an unset variable?)");
        if (file->value == "-")
            throw UsageError("--token-file: '-' is no name for standard output; leave out --token-file, and the token "
                             "goes there (a file of that name is ./-)");
        if (file->value.find("://") != file->value.npos)
            throw UsageError(fmt::format("--token-file: {} is an address and no file", in_quotes(file->value)));
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
void read_holder(Settings &settings, const Invocation &invocation, const Reader &reader) {
    settings.owner = reader.variable("LOGNAME").value_or(reader.variable("USER").value_or(""));
    if (const auto owner = reader.text(option("--owner"))) settings.owner = owner->value;
    if (settings.owner.empty()) settings.owner = user_name(::getuid());
    if (!invocation.words.empty()) {
        const std::string program = invocation.words[0].substr(0, invocation.words[0].find_first_of(" \t\n"));
        settings.why = program.substr(program.rfind('/') + 1);
    }
    if (const auto why = reader.text(option("--why"))) settings.why = why->value;
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
    const Reader reader(invocation, environment);
    const unsigned command = bit(invocation.command);
    Settings settings;
    settings.command = invocation.command;
    settings.names = invocation.names;
    if (!settings.names.empty()) settings.name = settings.names[0];
    settings.verbosity = read_verbosity(invocation.typed);
    settings.held = reader.variable("REDLOCK_HELD").value_or("");
    // Typed mistakes of the smaller kind first: they are the likelier ones, and nearer to the reader.
    if ((command & running_a_command) != 0) read_command(settings, invocation, reader);
    if ((command & taking_a_lock) != 0) read_waiting(settings, invocation, reader);
    if ((command & taking_a_lock) != 0) read_holder(settings, invocation, reader);
    if ((command & proving_it) != 0) read_token(settings, reader);
    read_output(settings, invocation, reader);
    if ((command & on_nodes) != 0) {
        read_timing(settings, reader);
        read_guard(settings, reader);
        read_key(settings, reader);
        read_nodes(settings, invocation, reader);
    }
    if (const auto count = reader.integer(option("--nodes"), 1, 64)) settings.lab_nodes = count->value;
    settings.lab_tcp = invocation.typed.has(option("--tcp"));
    settings.reconfigure = invocation.typed.has(option("--reconfigure"));
    settings.no_wait = invocation.typed.has(option("--no-wait"));
    settings.same_again = typed_again(invocation.typed);
    return settings;
}

} // namespace redlock::cmd
