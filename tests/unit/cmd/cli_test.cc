#include "cmd/cli.hh"

#include "util/error.hh"

#include <gtest/gtest.h>

namespace redlock::cmd {
namespace {

using Words = std::vector<std::string>;

// One string per invocation: options as "--long=value ", then "|", NAME, "|", COMMAND in <>.
std::string parsed(const Words &words) {
    const Invocation invocation = parse_command_line(words);
    std::string out(info(invocation.command).name);
    for (const Typed::Given &given : invocation.typed.all()) {
        out += ' ' + std::string(name_of(*given.option));
        if (given.option->kind != ValueKind::flag) out += '=' + given.value;
    }
    out += " |";
    for (std::size_t i = 0; i < invocation.names.size(); ++i) out += (i > 0 ? " " : "") + invocation.names[i];
    out += '|';
    for (const std::string &word : invocation.words) out += '<' + word + '>';
    return out;
}

std::string message_of(const Words &words) {
    try {
        return "no error: " + parsed(words);
    } catch (const UsageError &error) {
        return error.what();
    }
}

TEST(CommandLine, IsCutAsTheContractSays) {
    const std::pair<Words, const char *> rows[] = {
        {{"exec", "db", "ls"}, "exec |db|<ls>"},
        {{"exec", "db", "ls", "-d", "/tmp"}, "exec |db|<ls><-d></tmp>"},
        {{"exec", "db", "git", "checkout", "--", "file"}, "exec |db|<git><checkout><--><file>"},
        {{"exec", "db", "--", "ls"}, "exec |db|<ls>"},
        {{"exec", "db", "--", "-n"}, "exec |db|<-n>"},
        {{"exec", "--", "db", "ls"}, "exec |db|<ls>"},
        {{"exec", "--", "db", "--", "ls", "--", "x"}, "exec |db|<ls><--><x>"},
        {{"exec", "--", "-n", "ls"}, "exec |-n|<ls>"},
        {{"exec", "db", "--", "--", "ls"}, "exec |db|<--><ls>"},
        {{"exec", "-w", "2", "db", "ls"}, "exec --wait=2 |db|<ls>"},
        {{"exec", "-w2", "db", "ls"}, "exec --wait=2 |db|<ls>"},
        {{"exec", "--wait=2", "db", "ls"}, "exec --wait=2 |db|<ls>"},
        {{"exec", "--wait", "2", "db", "ls"}, "exec --wait=2 |db|<ls>"},
        {{"exec", "--timeout", "2", "db", "ls"}, "exec --wait=2 |db|<ls>"},
        {{"exec", "-nq", "db", "ls"}, "exec --nonblock --quiet |db|<ls>"},
        {{"exec", "-nqw", "2", "db", "ls"}, "exec --nonblock --quiet --wait=2 |db|<ls>"},
        {{"exec", "-nqw2", "db", "ls"}, "exec --nonblock --quiet --wait=2 |db|<ls>"},
        {{"exec", "db", "-n", "ls"}, "exec --nonblock |db|<ls>"},
        {{"exec", "-xe", "--nb", "db", "ls"}, "exec --exclusive --exclusive --nonblock |db|<ls>"},
        {{"exec", "-vv", "-v", "db", "ls"}, "exec --verbose --verbose --verbose |db|<ls>"},
        {{"exec", "-w", "1", "-n", "-w", "2", "db", "ls"}, "exec --wait=1 --nonblock --wait=2 |db|<ls>"},
        {{"exec", "db", "-c", "echo hi"}, "exec -c=echo hi |db|"},
        {{"exec", "-c", "echo hi", "db"}, "exec -c=echo hi |db|"},
        {{"exec", "-cecho", "db"}, "exec -c=echo |db|"},
        {{"exec", "db", "sh", "-c", "echo"}, "exec |db|<sh><-c><echo>"},
        {{"exec", "db", "ls", "--help"}, "exec |db|<ls><--help>"},
        {{"exec", "/var/lock/x.lock", "ls"}, "exec |/var/lock/x.lock|<ls>"},
        {{"exec", "-", "ls"}, "exec |-|<ls>"},
        {{"exec", "-w", "-5", "db", "ls"}, "exec --wait=-5 |db|<ls>"}, // refused later, as a duration
        {{"exec", "-w", "--", "db", "ls"}, "exec --wait=-- |db|<ls>"},
        {{"exec", "--prefix", "", "db", "ls"}, "exec --prefix= |db|<ls>"},
        {{"exec", "--prefix=", "db", "ls"}, "exec --prefix= |db|<ls>"},
        {{"exec", "--prefix=a=b", "db", "ls"}, "exec --prefix=a=b |db|<ls>"},
        {{"exec", "--prefix", "[a,b]", "db", "ls"}, "exec --prefix=[a,b] |db|<ls>"},
        {{"exec", "--prefix", "a,b", "db", "ls"}, "exec --prefix=a,b |db|<ls>"},
        {{"exec", "--prefix", "\"a b\"", "db", "ls"}, "exec --prefix=\"a b\" |db|<ls>"},
        {{"exec", "-S", "redis://a", "-S", "redis://b,redis://c", "db", "ls"},
         "exec --server=redis://a --server=redis://b,redis://c |db|<ls>"},
        {{"exec", "-n", "5", "ls"}, "exec --nonblock |5|<ls>"}, // a lock may be called 5
        {{"exec", "db", "ls", ""}, "exec |db|<ls><>"},
        {{"acquire", "db"}, "acquire |db|"},
        {{"acquire", "db", "--ttl", "5s"}, "acquire --ttl=5s |db|"},
        {{"acquire", "--", "-n"}, "acquire |-n|"},
        {{"release", "--token", "abc", "db"}, "release --token=abc |db|"},
        {{"status", "db", "-q", "x", "--", "-y"}, "status --quiet |db x -y|"},
        {{"acquire", "--json", "--format", "env", "db"}, "acquire --json --format=env |db|"},
        {{"lab"}, "lab ||"},
        {{"lab", "--"}, "lab ||"},
        {{"lab", "-qv"}, "lab --quiet --verbose ||"},
        {{"lab", "--nodes", "3", "--tcp"}, "lab --nodes=3 --tcp ||"},
        {{"lab", "ls", "--nodes", "3"}, "lab ||<ls><--nodes><3>"},
        {{"lab", "--", "ls", "--", "x"}, "lab ||<ls><--><x>"},
        {{"lab", "--tcp", "redlock", "exec", "-n", "x", "ls"}, "lab --tcp ||<redlock><exec><-n><x><ls>"},
    };
    for (const auto &[words, expected] : rows) EXPECT_EQ(parsed(words), expected);
}

TEST(CommandLine, SaysWhatIsWrong) {
    const std::pair<Words, const char *> rows[] = {
        {{}, "no command was given"},
        {{"exce", "db", "ls"}, "unknown command 'exce'; did you mean 'redlock exec'?"},
        {{"db", "ls"}, "redlock exec NAME COMMAND"},
        {{"list"},
         "unknown command 'list'; the commands are exec, acquire, extend, release, status, init, doctor, lab"},
        {{"status"}, "status: no NAME for the lock was given"},
        {{"status", "db", ""}, "status: the NAME of the lock is empty"},
        {{"status", "--", "db", "redis://h"}, "looks like the address of a node"},
        {{"extend", "a", "b"}, "extend: one NAME is expected, 'b' is one word too many"},
        {{"release", "--why", "x", "db"}, "--why is an option of 'redlock exec' and 'redlock acquire'"},
        {{"doctor", "db"}, "doctor: 'db' is one word too many"},
        {{""}, "unknown command ''"},
        {{"unlock", "db"}, "unknown command 'unlock'; here it is called 'redlock release'"},
        {{"lock", "db"}, "here it is called 'redlock acquire'"},
        {{"run", "db", "ls"}, "here it is called 'redlock exec'"},
        {{"flock", "db", "ls"}, "here it is called 'redlock exec'"},
        {{"check", "db"}, "here it is called 'redlock status'"},
        {{"info", "db"}, "here it is called 'redlock status'"},
        {{"renew", "db"}, "here it is called 'redlock extend'"},
        {{"ping"}, "here it is called 'redlock doctor'"},
        {{"help", "unlock"}, "here it is called 'redlock release'"},
        {{"exec", "db", "redis://:hunter2@h", "ls"},
         "'redis://***@h' looks like the address of a node where COMMAND belongs"},
        {{"help", "exce"}, "did you mean 'redlock exec'?"},
        {{"-n", "exec", "db", "ls"}, "options come after it"},
        {{"--ttl=5", "exec"}, "'--ttl' stands before the command"},
        {{"exec"}, "no NAME"},
        {{"exec", "-n"}, "no NAME"},
        {{"exec", "--"}, "no NAME"},
        {{"acquire"}, "no NAME"},
        {{"exec", "db"}, "no COMMAND after the lock's name 'db'"},
        {{"exec", "--", "db"}, "no COMMAND"},
        {{"exec", "db", "--"}, "no COMMAND"},
        {{"exec", "db", ""}, "COMMAND is an empty word"},
        {{"exec", "-c", "echo", "db", "ls"}, "both -c and the command 'ls'"},
        {{"exec", "", "ls"}, "NAME of the lock is empty"},
        {{"acquire", ""}, "NAME of the lock is empty"},
        {{"exec", "redis://h:1", "ls"}, "nodes are given with -S"},
        {{"acquire", std::string(4097, 'x')}, "4097 bytes"},
        {{"acquire", "db", "ls"}, "'ls' is one word too many"},
        {{"acquire", "--", "db", "ls"}, "'ls' is one word too many"},
        {{"release", "db", "ls"}, "one word too many"},
        {{"exec", "--wiat", "5", "db", "ls"}, "unknown option '--wiat'; did you mean --wait?"},
        {{"exec", "--wai=5", "db", "ls"}, "did you mean --wait?"},
        {{"exec", "--non", "db", "ls"}, "did you mean --nonblock?"},
        {{"exec", "-ttl", "5", "db", "ls"}, "did you mean --ttl?"},
        {{"exec", "--frobnicate", "db", "ls"}, "see 'redlock exec --help'"},
        {{"exec", "-Z", "db", "ls"}, "unknown option '-Z'"},
        {{"exec", "-nZ", "db", "ls"}, "unknown option '-Z'"},
        {{"exec", "---", "db", "ls"}, "unknown option '---'"},
        {{"exec", "--token", "x", "db", "ls"}, "--token is an option of 'redlock extend' and 'redlock release'"},
        {{"acquire", "--kill-after", "5", "db"}, "--kill-after is an option of 'redlock exec'"},
        {{"acquire", "-k5", "db"}, "-k is an option of 'redlock exec'"},
        {{"release", "--ttl=5", "db"}, "'redlock exec' and 'redlock acquire'"},
        {{"lab", "-n"}, "-n is an option of"},
        {{"exec", "-u", "db", "ls"}, "-u: not needed"},
        {{"acquire", "--unlock", "db"}, "--unlock: not needed"},
        {{"exec", "-o", "db", "ls"}, "-o: not needed"},
        {{"exec", "-nF", "db", "ls"}, "-F: not possible"},
        {{"exec", "--no-fork", "db", "ls"}, "renew the lock"},
        {{"exec", "--command", "x", "db"}, "write -c"},
        {{"exec", "-w"}, "-w needs a value"},
        {{"exec", "-nqw"}, "-w needs a value"},
        {{"exec", "db", "-c"}, "-c needs a value"},
        {{"exec", "--wait"}, "write --wait DUR"},
        {{"exec", "--nonblock=5", "db", "ls"}, "--nonblock takes no value"},
        {{"exec", "-n=5", "db", "ls"}, "write --wait DUR"},
        {{"exec", "--quiet=", "db", "ls"}, "--quiet takes no value"},
        {{"acquire", "-n", "5", "db"}, "-n takes no number: '5' was read as the NAME"},
        {{"exec", "-n", "5"}, "-n takes no number"},
        {{"exec", "-n5", "db", "ls"}, "-n takes no value, '5' was given; to wait"},
    };
    for (const auto &[words, expected] : rows) {
        const std::string message = message_of(words);
        EXPECT_NE(message.find(expected), message.npos) << message << "\nexpected: " << expected;
        EXPECT_EQ(message.find('\n'), message.npos) << message;
    }
}

TEST(CommandLine, HintsAtConsulsHabit) {
    EXPECT_NE(parse_command_line(Words{"exec", "-n", "5", "db", "ls"}).not_found_hint, "");
    EXPECT_NE(parse_command_line(Words{"exec", "-qn", "5", "db"}).not_found_hint, "");
    EXPECT_EQ(parse_command_line(Words{"exec", "-n", "-q", "5", "db"}).not_found_hint, "");
    EXPECT_EQ(parse_command_line(Words{"exec", "-n", "five", "db"}).not_found_hint, "");
    EXPECT_EQ(parse_command_line(Words{"exec", "-n", "--", "5", "db"}).not_found_hint, "");
}

TEST(CommandLine, AcceptsANameOfTheGreatestLength) {
    EXPECT_EQ(parse_command_line(Words{"acquire", std::string(4096, 'x')}).names[0].size(), 4096U);
}

TEST(CommandLine, NeverRepeatsAPassword) {
    const Words rows[] = {
        {"redis://:hunter2@h"},
        {"exec", "redis://:hunter2@h", "ls"},
        {"exec", "--serverr=redis://:hunter2@h", "db", "ls"},
        {"exec", "-Zredis://:hunter2@h", "db", "ls"},
        {"exec", "--quiet=redis://:hunter2@h", "db", "ls"},
        {"exec", "-q=redis://:hunter2@h", "db", "ls"},
        {"acquire", "db", "redis://:hunter2@h"},
        {"acquire", "db", "redis://user:hunter2"},
        {"exec", "-c", "x", "db", "redis://:hunter2@h"},
        {"--redis://:hunter2@h"},
    };
    for (const Words &words : rows) {
        const std::string message = message_of(words);
        EXPECT_EQ(message.find("no error"), message.npos) << message;
        EXPECT_EQ(message.find("hunter2"), message.npos) << message;
    }
}

TEST(CommandLine, EscapesWhatMovesACursor) {
    EXPECT_EQ(message_of({"acquire", "a", "\x1b[2J"}).find('\x1b'), std::string::npos);
    EXPECT_EQ(message_of({"exec", "--\x1b[2J"}).find('\x1b'), std::string::npos);
    EXPECT_EQ(message_of({"exec", "-\x1b[2J"}).find('\x1b'), std::string::npos);
}

} // namespace
} // namespace redlock::cmd
