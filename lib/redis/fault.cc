#include "redis/fault.hh"

#include "redis/advice.hh"
#include "redis/rights.hh"
#include "util/text.hh"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <vector>

namespace redlock::redis {

namespace {

using core::Trouble;

struct Row {
    std::string_view words; // at the start of the error, or anywhere in one that a script raised
    Trouble trouble;
    std::string_view advice;
};

constexpr std::string_view give_password = "give the password by --password-file, REDISCLI_AUTH or in the node's "
                                           "address: redis://[USER]:PASSWORD@HOST or unix://[USER]:PASSWORD@/PATH";
constexpr std::string_view give_rights = missing_right.substr(2);
constexpr std::string_view missing_keys =
    "the user may not use the key NAME (the lock's own), or not those that begin with redlock: (ACL SETUSER USER ~NAME "
    "~redlock:*)";
constexpr std::string_view give_commands =
    "the server has it renamed or switched off (rename-command in its configuration); 'redlock doctor' says which "
    "commands are missing";
constexpr std::string_view spoilt_key =
    "somebody else has written to redlock:{KEY}:fence or to redlock:{}:node there; DEL what is not redlock's";
constexpr std::string_view no_cluster = "locks need independent nodes, not those of a cluster";

constexpr Row rows[] = {
    {"NOAUTH ", Trouble::access, give_password},
    {"WRONGPASS ", Trouble::access, "check user and password"},
    {"ERR invalid password", Trouble::access, "check the password"},
    {"ERR Client sent AUTH, but no password is set", Trouble::access, "the node has no password: give none"},
    {"ERR AUTH <password> called without any password configured", Trouble::access,
     "the node has no password: give none"},
    {"ERR wrong number of arguments for 'auth'", Trouble::access,
     "the server is older than Redis 6 and knows no users: give no user"},
    {"NOPERM ", Trouble::access, give_rights},
    {"The user executing the script", Trouble::access, give_rights},
    {"has no permissions", Trouble::access, give_rights},
    {"DENIED ", Trouble::access,
     "the server is in protected mode and takes local clients only: give it a password or another address "
     "to listen on"},
    {"ERR DB index is out of range", Trouble::access, "choose a database that the node has"},
    {"ERR SELECT is not allowed in cluster mode", Trouble::unfit, no_cluster},
    {"CROSSSLOT ", Trouble::unfit, no_cluster},
    {"MOVED ", Trouble::unfit, no_cluster},
    {"CLUSTERDOWN ", Trouble::unfit, no_cluster},
    {"ERR unknown command", Trouble::access,
     "the server has it renamed or switched off, or is no Redis server; if this is the port of a Sentinel, name the "
     "addresses of the servers themselves"},
    {"Unknown Redis command called from", Trouble::access, give_commands},
    {"This Redis command is not allowed from", Trouble::access, give_commands},
    {"UNFIT sentinel", Trouble::unfit,
     "this is the port of a Sentinel, which holds no data: name the addresses of the servers themselves, independent "
     "primaries"},
    {"LOADING ", Trouble::passing, "the server is starting; wait"},
    {"BUSY ", Trouble::passing, "somebody's script blocks the server; SCRIPT KILL there ends it"},
    {"READONLY ", Trouble::replica, "this is a replica: name primaries as nodes"},
    {"MASTERDOWN ", Trouble::replica, "this is a replica without its primary: name primaries as nodes"},
    {"OOM ", Trouble::passing, "the server has reached its maxmemory: free memory or raise it"},
    {"MISCONF ", Trouble::passing, "the server cannot save its data: see its log, and the space on its disk"},
    {"UNFIT cluster", Trouble::unfit, no_cluster},
    {"UNFIT replica", Trouble::replica,
     "it would follow its primary and forget its own votes: name primaries as nodes"},
    {"UNFIT nameless", Trouble::unfit, "its INFO tells no run_id, so nobody can see whether it has restarted"},
    {"UNFIT evicting", Trouble::unfit,
     "when its memory is full it throws keys away, and locks with them: CONFIG SET maxmemory-policy noeviction there, "
     "and in its configuration, or in the parameter group of a managed service"},
    {"WRONGTYPE ", Trouble::passing, spoilt_key},
    {"ERR the fence on record", Trouble::passing, spoilt_key},
    {"Write commands not allowed after non deterministic", Trouble::access, "locks need Redis 5 or newer"},
    {"NOREPLICAS ", Trouble::passing, "the server misses the replicas that min-replicas-to-write asks for"},
    {"ERR max number of clients reached", Trouble::passing, "close connections to the server or raise its maxclients"},
};

const Row *find_row(std::string_view error) {
    // Before Redis 7, "ERR Error running script (call to f_…): @user_script:3: -OOM command not …"; since
    // then the error itself and the place behind it. ACL denials have no code word of their own in either. What the
    // script has caught and given back begins with "@user_script: 3: " before Redis 7.
    const bool by_script = error.starts_with("ERR ") || error.starts_with("@user_script");
    for (const Row &row : rows) {
        if (error.starts_with(row.words)) return &row;
        if (by_script && !row.words.starts_with("ERR ") && error.find(row.words) != error.npos) return &row;
    }
    return nullptr;
}

// Whether the row is about what AUTH was given.
bool is_about_login(const Row &row) {
    for (const std::string_view start : {"NOAUTH ", "WRONGPASS ", "ERR invalid password", "ERR Client sent AUTH",
                                         "ERR AUTH ", "ERR wrong number of arguments for 'auth'"})
        if (row.words.starts_with(start)) return true;
    return false;
}

// The Redis command that the error is about, by one of the names below and never as the node wrote it; else empty.
std::string_view command_in(std::string_view error) {
    std::vector<std::string_view> commands{"AUTH", "SELECT"};
    commands.insert(commands.end(), needed_commands.begin(), needed_commands.end());
    const std::size_t begin = error.find_first_of("'`");
    if (begin == error.npos) return {};
    std::string_view quoted = error.substr(begin + 1);
    quoted = quoted.substr(0, quoted.find_first_of("'`|"));
    for (const std::string_view command : commands)
        if (std::equal(command.begin(), command.end(), quoted.begin(), quoted.end(),
                       [](char upper, char c) { return c == upper || c == upper - 'A' + 'a'; }))
            return command;
    return {};
}

// Our scripts say why a server must not be a node in words for programs.
std::string in_plain_words(std::string_view error) {
    constexpr std::pair<std::string_view, std::string_view> known[] = {
        {"UNFIT replica", "a replica"},
        {"UNFIT cluster", "a member of a cluster"},
        {"UNFIT nameless", "a server without a name of its own"},
        {"UNFIT evicting", "its maxmemory-policy is not noeviction"},
        {"UNFIT sentinel", "a Sentinel"},
    };
    for (const auto &[words, plain] : known) {
        if (!error.starts_with(words)) continue;
        const std::string_view rest = error.substr(words.size());
        if (words == "UNFIT evicting" && rest.starts_with(' ')) return "its maxmemory-policy is" + std::string(rest);
        return std::string(plain) + std::string(rest);
    }
    return std::string(error);
}

// For a node that knows a password. It may repeat that in parts or changed, and stars in the middle of well-known words
// would tell what they replace. So nothing of what it wrote is shown, only words of our own, and never which of them
// depends on the password.
std::string own_words(const Row *row, std::string_view error) {
    if (row == nullptr)
        return "an error that redlock does not know; its text is not shown, as it may repeat the password: ask the "
               "node with redis-cli, or see its log";
    std::string_view words = row->words;
    if (words.starts_with("UNFIT ")) return in_plain_words(words);
    if (const std::size_t end = words.find(' '); end + 1 == words.size()) words.remove_suffix(1); // the code word alone
    if (row->advice == give_rights) words = "NOPERM"; // the code word alone, also where a script has raised it
    const bool is_about_command = row->advice == give_rights || row->words.starts_with("ERR unknown command");
    if (!is_about_command) return std::string(words);
    const bool keys = error.find("access") != error.npos && error.find("key") != error.npos;
    const std::string_view what = keys ? "keys" : command_in(error);
    return what.empty() ? std::string(words) : fmt::format("{} ({})", words, what);
}

} // namespace

// The commands as in rights.hh.
const std::string_view needed_rights =
    "the user needs the keys NAME and redlock:* and the commands EVAL, TIME, INFO, TYPE, GET, SET, HMGET, HSET, "
    "HDEL, PTTL, PEXPIRE and DEL, and SELECT for a database other than 0 (ACL SETUSER); 'redlock doctor' says "
    "which of them are missing";

bool is_known_error(std::string_view text) {
    return std::any_of(std::begin(rows), std::end(rows),
                       [&](const Row &row) { return text.find(": " + std::string(row.advice)) != text.npos; });
}

Fault explain(std::string_view error, std::string_view secret, Trouble otherwise, std::string_view origin) {
    const Row *row = find_row(error);
    // The script's place, and words of the request that an unknown command brings back, help nobody.
    constexpr std::string_view inside = "ERR ACL failure in script: ";
    if (error.starts_with(inside)) error.remove_prefix(inside.size());
    for (const std::string_view tail : {" script: ", ", with args beginning with", "\n", "\r"})
        error = error.substr(0, error.find(tail));
    while (error.ends_with('.') || error.ends_with(' ')) error.remove_suffix(1);
    const std::string words = secret.empty() ? printable(in_plain_words(error), 160) : own_words(row, error);
    if (row == nullptr) return {otherwise, words};
    const bool keys =
        row->advice == give_rights && error.find("access") != error.npos && error.find("key") != error.npos;
    if (keys) return {row->trouble, fmt::format("{}: {}: {}", words, missing_keys, row->advice)};
    const bool tell_origin = !origin.empty() && is_about_login(*row);
    return {row->trouble,
            fmt::format("{}: {}{}", words, row->advice, tell_origin ? fmt::format(" (here: from {})", origin) : "")};
}

} // namespace redlock::redis
