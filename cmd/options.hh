// Every option, once: parser, help, completions and the checks on the man pages read this table. Adding an
// option is one entry here and the line that uses it. Compile-time constants; nothing to own or to throw.
#pragma once

#include "cmd/command.hh"

#include <array>
#include <cstddef>
#include <string_view>

namespace redlock::cmd {

// What the value is; completions need it. `flag` takes none; the metavar of a `choice` lists its words.
enum class ValueKind { flag, duration, integer, number, text, choice, file, url, signal, shell_line };

enum class Group { lock, command, result, nodes, setup, lab, general };

struct Option {
    std::string_view spellings; // the one that messages use first among the long ones
    std::string_view metavar;   // empty for a flag
    ValueKind kind;
    Group group;
    unsigned commands; // who takes it (cmd/command.hh)
    std::string_view help;
    std::string_view default_text = {};
    std::string_view environment = {}; // read by the commands that take the option, and by no other
};

inline constexpr std::array<Option, 31> all_options{{
    {"-n, --nonblock, --nb, --nonblocking", "", ValueKind::flag, Group::lock, taking_a_lock,
     "do not wait for a lock that is busy"},
    {"-w, --wait, --timeout", "DUR", ValueKind::duration, Group::lock, taking_a_lock,
     "wait at most DUR for the lock; 0 is -n. It limits the wait alone, never the run time of COMMAND (for "
     "that, see timeout(1))",
     "for ever", "REDLOCK_WAIT"},
    {"-E, --conflict-exit-code", "N", ValueKind::integer, Group::lock, taking_a_lock,
     "exit code when the lock is busy, 0 to 255 (acquire: not 0)", "75"},
    {"-x, -e, --exclusive", "", ValueKind::flag, Group::lock, taking_a_lock,
     "one holder at a time, which is always so; accepted for fingers used to flock"},
    {"--ttl", "DUR", ValueKind::duration, Group::lock, taking_a_lock | bit(Command::extend),
     "length of the lease: an abandoned lock frees itself after DUR; exec renews it in time", "30s", "REDLOCK_TTL"},
    {"--owner", "TEXT", ValueKind::text, Group::lock, taking_a_lock,
     "who takes the lock, for others to see (redlock status, and those who wait)", "$LOGNAME", "REDLOCK_OWNER"},
    {"--why", "TEXT", ValueKind::text, Group::lock, taking_a_lock, "what for, for others to see",
     "the name of COMMAND"},

    {"-c", "LINE", ValueKind::shell_line, Group::command, bit(Command::exec),
     "run LINE by $SHELL, else /bin/sh, in place of COMMAND"},
    {"-k, --kill-after", "DUR", ValueKind::duration, Group::command, bit(Command::exec),
     "time from TERM to KILL when COMMAND must end", "ttl/6, at most 5s"},
    {"--signal", "SIG", ValueKind::signal, Group::command, bit(Command::exec),
     "first signal to a COMMAND that must end, by name or number", "TERM"},

    {"--token", "T", ValueKind::text, Group::result, proving_it,
     "the token that acquire printed; without it and --token-file REDLOCK_TOKEN, if REDLOCK_NAME is this NAME"},
    {"--token-file", "FILE", ValueKind::file, Group::result, bit(Command::acquire) | proving_it,
     "FILE with the token: acquire writes it there (mode 0600) and not to stdout; extend and release read it from "
     "there"},
    {"--format", "token|env|json", ValueKind::choice, Group::result, bit(Command::acquire),
     "what goes to stdout: the token, lines for eval that set REDLOCK_NAME, REDLOCK_TOKEN and REDLOCK_FENCE, or JSON",
     "token"},
    {"--json", "", ValueKind::flag, Group::result,
     bit(Command::acquire) | proving_it | bit(Command::status) | bit(Command::doctor),
     "print the result as JSON, with what each node said"},

    {"-S, --server, --node", "URL", ValueKind::url, Group::nodes, on_nodes,
     "one of the nodes: redis://[user[:password]@]host[:port][/db] or unix:///path[?db=N]. "
     "Once for each node, or several separated by commas",
     "", "REDLOCK_NODES"},
    {"--user", "TEXT", ValueKind::text, Group::nodes, on_nodes, "user for the nodes whose URL has none"},
    {"--password-file", "FILE", ValueKind::file, Group::nodes, on_nodes,
     "password for the nodes whose URL has none: the first line of FILE, which may be a pipe", "",
     "REDLOCK_PASSWORD_FILE"},
    {"--node-timeout", "DUR", ValueKind::duration, Group::nodes, on_nodes, "how long to wait for one node's answer",
     "ttl/100, from 50ms to 1s; init: at least 2s", "REDLOCK_NODE_TIMEOUT"},
    {"--prefix", "TEXT", ValueKind::text, Group::nodes, on_nodes, "put before NAME to make the key on the nodes",
     "none", "REDLOCK_PREFIX"},
    {"--quorum", "N", ValueKind::integer, Group::nodes, on_nodes, "how many nodes must agree", "majority"},
    {"--drift", "R", ValueKind::number, Group::nodes, on_nodes,
     "how far the rates of two clocks may differ, as a ratio", "0.01"},
    {"--slack", "DUR", ValueKind::duration, Group::nodes, on_nodes,
     "how far a node's clock may step forward within a lease", "ttl/6, at most 5s"},
    {"--restart-guard", "DUR|off", ValueKind::text, Group::nodes, on_nodes,
     "how long a node that may have forgotten its votes has none; the longest --ttl that anybody uses on these nodes, "
     "and the same everywhere. off: a restarted node votes at once",
     "30s", "REDLOCK_RESTART_GUARD"},

    {"--reconfigure", "", ValueKind::flag, Group::setup, bit(Command::init),
     "replace the settings that the nodes have on record, unless a lock is held"},
    {"--no-wait", "", ValueKind::flag, Group::setup, bit(Command::init),
     "do not wait for the end of a quarantine, a provisional record or a hold: say how long it takes, and exit with "
     "69"},

    {"--nodes", "N", ValueKind::integer, Group::lab, bit(Command::lab), "how many nodes", "5"},
    {"--tcp", "", ValueKind::flag, Group::lab, bit(Command::lab), "loopback ports in place of unix sockets"},

    {"-q, --quiet", "", ValueKind::flag, Group::general, everywhere,
     "say nothing but errors (status: print nothing; the exit code tells)"},
    {"-v, --verbose", "", ValueKind::flag, Group::general, everywhere, "say more"},
    {"-h, --help", "", ValueKind::flag, Group::general, everywhere, "print this help"},
    {"-V, --version", "", ValueKind::flag, Group::general, everywhere, "print the version"},
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

// For the program's own text: a spelling that is not in the table does not compile.
consteval const Option &option(std::string_view spelling) {
    const std::size_t i = find_index(spelling);
    if (i == all_options.size()) throw "no such option in the table";
    return all_options[i];
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
