// The option table. Parser, help, completions and the OPTIONS section of redlock(1) are made from it. To add an option,
// add one entry here and the code that uses it. Compile-time constants only.
#pragma once

#include "cmd/command.hh"

#include <array>
#include <cstddef>
#include <string_view>

namespace redlock::cmd {

// Type of an option's value, for completions. `flag` has no value; the metavar of a `choice` lists its words.
enum class ValueKind { flag, duration, integer, number, text, choice, file, url, signal, shell_line };

enum class Group { lock, command, result, nodes, setup, lab, general };
inline constexpr std::array<std::string_view, 7> group_titles{"Lock",       "Command", "Token and result", "Nodes",
                                                              "Setting up", "Lab",     "General"};

struct Option {
    std::string_view spellings; // messages use the first long one
    std::string_view metavar;   // empty for a flag
    ValueKind kind;
    Group group;
    unsigned commands; // the commands that take it (cmd/command.hh)
    bool common;       // shown by -h; --help shows every option
    std::string_view help;
    std::string_view default_text = {};
    std::string_view environment = {}; // read only by the commands that take the option
};

inline constexpr bool common_option = true;
inline constexpr bool rare_option = false;

inline constexpr std::array<Option, 32> all_options{{
    {"-n, --nonblock, --nb, --nonblocking", "", ValueKind::flag, Group::lock, taking_a_lock, common_option,
     "do not wait for a busy lock; the attempt takes at most four times --node-timeout"},
    {"-w, --wait, --timeout", "DUR", ValueKind::duration, Group::lock, taking_a_lock, common_option,
     "wait at most DUR for the lock; 0 is the same as -n. To limit the run time of COMMAND, use timeout(1)", "forever",
     "REDLOCK_WAIT"},
    {"-E, --conflict-exit-code", "N", ValueKind::integer, Group::lock, taking_a_lock, common_option,
     "exit with N if the lock is busy; 0 to 255 (acquire: not 0)", "75"},
    {"-x, -e, --exclusive", "", ValueKind::flag, Group::lock, taking_a_lock, rare_option,
     "one holder at a time; this is always so. The option exists for users of flock"},
    {"--ttl", "DUR", ValueKind::duration, Group::lock, taking_a_lock | bit(Command::extend), common_option,
     "length of the lease; at least 100ms. An abandoned lock is free after DUR. exec renews the lease", "30s",
     "REDLOCK_TTL"},
    {"--owner", "TEXT", ValueKind::text, Group::lock, taking_a_lock, rare_option,
     "name of the holder; 'redlock status' and waiting clients show it", "$LOGNAME", "REDLOCK_OWNER"},
    {"--why", "TEXT", ValueKind::text, Group::lock, taking_a_lock, rare_option,
     "purpose of the lock; shown with the owner. It is stored on the nodes: do not put a secret there",
     "the name of COMMAND"},

    {"-c", "LINE", ValueKind::shell_line, Group::command, bit(Command::exec), common_option,
     "run the shell command LINE; the shell is $SHELL, or /bin/sh if SHELL is not set"},
    {"-k, --kill-after", "DUR", ValueKind::duration, Group::command, bit(Command::exec), rare_option,
     "time from TERM to KILL when COMMAND must end", "ttl/6, at most 5s"},
    {"--signal", "SIG", ValueKind::signal, Group::command, bit(Command::exec), rare_option,
     "first signal when COMMAND must end; a name or a number, but not KILL or STOP", "TERM"},

    {"--token", "T", ValueKind::text, Group::result, proving_it, common_option,
     "the token that acquire printed; other users can see it in the list of processes. Without --token and "
     "--token-file, REDLOCK_TOKEN is used if REDLOCK_NAME is NAME"},
    {"--token-file", "FILE", ValueKind::file, Group::result, bit(Command::acquire) | proving_it, common_option,
     "file for the token; acquire writes it (mode 0600) and prints no token. extend and release read it"},
    {"--format", "token|env|json", ValueKind::choice, Group::result, bit(Command::acquire), rare_option,
     "format of the result; env: shell lines that export REDLOCK_NAME, REDLOCK_TOKEN and REDLOCK_FENCE", "token"},
    {"--json", "", ValueKind::flag, Group::result,
     bit(Command::acquire) | proving_it | bit(Command::status) | bit(Command::doctor), common_option,
     "print the result as JSON; see redlock-json(5)"},

    {"-S, --server, --node", "URL", ValueKind::url, Group::nodes, on_nodes, common_option,
     "address of a node; redis://[user[:password]@]host[:port][/db] or unix:///path[?db=N]. Repeat the option for each "
     "node, or separate the addresses by commas",
     "", "REDLOCK_NODES"},
    {"--user", "TEXT", ValueKind::text, Group::nodes, on_nodes, rare_option, "user for nodes whose URL has none"},
    {"--password-file", "FILE", ValueKind::file, Group::nodes, on_nodes, rare_option,
     "password for nodes whose URL has none; the first line of FILE, which may be a pipe", "", "REDLOCK_PASSWORD_FILE"},
    {"--node-timeout", "DUR", ValueKind::duration, Group::nodes, on_nodes, rare_option,
     "time limit for the answer of a node", "ttl/100, from 50ms to 1s; init: at least 2s", "REDLOCK_NODE_TIMEOUT"},
    {"--prefix", "TEXT", ValueKind::text, Group::nodes, on_nodes, rare_option,
     "text before NAME in the key on the nodes", "none", "REDLOCK_PREFIX"},
    {"--quorum", "N", ValueKind::integer, Group::nodes, on_nodes, rare_option,
     "number of nodes that must agree; a majority or more", "majority"},
    {"--drift", "R", ValueKind::number, Group::nodes, on_nodes, rare_option,
     "largest difference between the rates of two clocks; a ratio", "0.01"},
    {"--slack", "DUR", ValueKind::duration, Group::nodes, on_nodes, rare_option,
     "largest forward step of a node's clock within a lease", "ttl/6, at most 5s"},
    {"--restart-guard", "DUR|off", ValueKind::text, Group::nodes, on_nodes, rare_option,
     "quarantine of a node that may have forgotten a lock; at least the longest --ttl, and the same on every host. "
     "off: "
     "no quarantine",
     "30s", "REDLOCK_RESTART_GUARD"},

    {"--reconfigure", "", ValueKind::flag, Group::setup, bit(Command::init), common_option,
     "replace the settings on record unless a lock is held"},
    {"--no-wait", "", ValueKind::flag, Group::setup, bit(Command::init), common_option,
     "do not wait until the nodes can be set up; print how long it takes, and exit with 69"},

    {"--nodes", "N", ValueKind::integer, Group::lab, bit(Command::lab), common_option, "number of nodes", "5"},
    {"--tcp", "", ValueKind::flag, Group::lab, bit(Command::lab), common_option,
     "loopback ports instead of unix sockets"},

    {"-q, --quiet", "", ValueKind::flag, Group::general, everywhere, common_option,
     "print errors only; status prints nothing: its exit code is the answer"},
    {"-v, --verbose", "", ValueKind::flag, Group::general, everywhere, rare_option, "print more"},
    {"-h", "", ValueKind::flag, Group::general, everywhere, rare_option, "print a short help"},
    {"--help", "", ValueKind::flag, Group::general, everywhere, common_option, "print the complete help"},
    {"-V, --version", "", ValueKind::flag, Group::general, everywhere, rare_option, "print the version"},
}};

// Environment variables that do not belong to one option.
struct Variable {
    std::string_view name;
    unsigned commands; // the commands that read it
    std::string_view meaning;
};
inline constexpr std::array<Variable, 6> other_variables{{
    {"REDISCLI_AUTH", on_nodes, "password for nodes whose URL has none"},
    {"REDLOCK_TOKEN", proving_it, "the token, if REDLOCK_NAME is NAME"},
    {"REDLOCK_NAME", proving_it, "the lock that REDLOCK_TOKEN belongs to"},
    {"LOGNAME", taking_a_lock, "default of --owner; without it, USER or the name in the user database"},
    {"SHELL", bit(Command::exec), "runs the LINE of -c"},
    {"SHELL", bit(Command::lab), "runs if no COMMAND is given"},
}};

// Calls `visit(spelling)` for each, in the order of the table, until it returns true; whether it did.
constexpr bool any_spelling(const Option &option, auto &&visit) {
    std::string_view rest = option.spellings;
    while (true) {
        const std::size_t comma = rest.find(", ");
        if (visit(rest.substr(0, comma))) return true;
        if (comma == rest.npos) return false;
        rest.remove_prefix(comma + 2);
    }
}

constexpr bool takes(const CommandInfo &command, const Option &option) {
    return (option.commands & bit(command.command)) != 0;
}

// The option that is spelled so, dashes included, among those of `commands`: its place in the table, or the
// table's size.
constexpr std::size_t find_index(std::string_view spelling, unsigned commands = ~0U) {
    std::size_t i = 0;
    for (; i < all_options.size(); ++i)
        if ((all_options[i].commands & commands) != 0 &&
            any_spelling(all_options[i], [&](std::string_view each) { return each == spelling; }))
            break;
    return i;
}

// The same; null when there is none.
constexpr const Option *find_option(std::string_view spelling, unsigned commands = ~0U) {
    const std::size_t i = find_index(spelling, commands);
    return i < all_options.size() ? &all_options[i] : nullptr;
}

// The first part of a help text, without explanations: one line for completions and -h.
constexpr std::string_view summary(const Option &option) {
    std::string_view text = option.help;
    for (const std::string_view end : {"; ", ": ", ". ", " ("}) text = text.substr(0, text.find(end));
    return text;
}

// For the program's own text: a spelling that is not in the table does not compile.
consteval const Option &option(std::string_view spelling) {
    const std::size_t i = find_index(spelling);
    if (i == all_options.size()) throw "no such option in the table";
    return all_options[i];
}

// A word that prints a text instead of running the command.
constexpr bool asks_for_text(const Option &each) {
    return &each == &option("-h") || &each == &option("--help") || &each == &option("--version");
}

// How messages call it: its first long spelling, else its only one ("-c").
constexpr std::string_view name_of(const Option &option) {
    std::string_view name = option.spellings;
    any_spelling(option, [&](std::string_view each) {
        name = each;
        return each.starts_with("--");
    });
    return name;
}

} // namespace redlock::cmd
