#include "cmd/settings.hh"

#include "config/duration.hh"
#include "util/error.hh"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <unistd.h>

namespace redlock::cmd {
namespace {

using config::show_duration;

// `line`: as in a shell, "NAME=value ... COMMAND ...", without quotes: '' is the empty word and ~ is a blank. With
// three nodes, unless it names others.
Settings settings_of(std::string line) {
    std::map<std::string, std::string> variables{{"REDLOCK_NODES", "redis://a,redis://b,redis://c"}};
    std::vector<std::string> words;
    while (!line.empty()) {
        const std::size_t end = std::min(line.find(' '), line.size());
        std::string word = line.substr(0, end);
        line.erase(0, end + 1);
        if (word.ends_with("''")) word.resize(word.size() - 2);
        std::replace(word.begin(), word.end(), '~', ' ');
        const std::size_t equals = word.find('=');
        if (words.empty() && equals != word.npos) variables[word.substr(0, equals)] = word.substr(equals + 1);
        else words.push_back(word);
    }
    return make_settings(parse_command_line(words), [&](const char *name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

std::string show(const Settings &s) {
    std::string words, nodes;
    for (const std::string &word : s.job.words) words += word + '|';
    for (const auto &node : s.cluster.nodes)
        nodes += fmt::format("{}:{}<{}> ", node.user, node.password, node.login_origin);
    return fmt::format(
        "ok: key {}; quorum {} of {}; guard {}; logins {}; token {}; owner {}; why {}; wait {}; code {}; "
        "ttl {}, drift {}, node timeout {}, kill after {}; run {} first {}{}; verbosity {}; "
        "lab {} {}; {} warnings",
        s.key(), s.cluster.quorum, s.cluster.nodes.size(), show_duration(s.cluster.guard), nodes, s.target.token,
        s.claim.owner, s.claim.why, s.claim.wait ? show_duration(*s.claim.wait) : "forever", s.claim.conflict_exit_code,
        show_duration(s.timing.ttl), s.timing.trust.drift, show_duration(s.timing.node_timeout),
        show_duration(s.timing.kill_after), words, s.job.signal, s.job.not_found_hint, s.output.verbosity, s.lab.nodes,
        s.lab.tcp, s.warnings.size());
}

// The settings, or the exit code and the message.
std::string outcome_of(const std::string &line) {
    try {
        return show(settings_of(line));
    } catch (const UsageError &error) {
        return std::string("64: ") + error.what();
    } catch (const ConfigError &error) {
        return std::string("78: ") + error.what();
    }
}

struct Row {
    std::string line, expected; // a part of the outcome
};

void expect(std::initializer_list<Row> rows) {
    for (const Row &row : rows) {
        const std::string outcome = outcome_of(row.line);
        EXPECT_NE(outcome.find(row.expected), outcome.npos) << row.line << "\n"
                                                            << outcome << "\nexpected: " << row.expected;
    }
}

TEST(Origin, TellsItselfInWords) {
    using Kind = Origin::Kind;
    const std::pair<Origin, const char *> rows[] = {
        {{}, ""},
        {{.kind = Kind::typed, .name = "--ttl"}, "--ttl"},
        {{.kind = Kind::environment, .name = "REDLOCK_TTL"}, "environment variable REDLOCK_TTL"},
        {{.kind = Kind::file, .name = "/etc/redlock.toml", .line = 3}, "/etc/redlock.toml:3"},
        {{.kind = Kind::typed, .name = "--token-file", .contents = "t"}, "--token-file 't'"},
    };
    for (const auto &[origin, words] : rows) {
        EXPECT_EQ(origin.in_words(), words);
        if (origin.typed()) EXPECT_THROW(refuse(origin, "bad"), UsageError);
        else EXPECT_THROW(refuse(origin, "bad"), ConfigError);
    }
}

TEST(Settings, HaveDefaults) {
    expect({{"LOGNAME=eve exec db /bin/ls -l",
             "ok: key db; quorum 2 of 3; guard 30 s; logins :<> :<> :<> ; token ; owner eve; why ls; wait forever; "
             "code 75; ttl 30 s, drift 0.01, node timeout 300 ms, kill after 5 s; run /bin/ls|-l| first 15; "
             "verbosity 0; lab 5 false; 0 warnings"}});
}

TEST(Settings, OptionBeatsEnvironmentBeatsDefault) {
    const std::string variables = "REDLOCK_TTL=20s REDLOCK_WAIT=7 REDLOCK_PREFIX=p: REDLOCK_NODE_TIMEOUT=123ms ";
    expect({
        {variables + "exec db ls", "ok: key p:db; quorum 2 of 3;"},
        {variables + "exec db ls", "wait 7 s; code 75; ttl 20 s, drift 0.01, node timeout 123 ms"},
        {variables + "exec --ttl=10s --timeout=0 --prefix='' --node-timeout 99ms db ls", "ok: key db;"},
        {variables + "exec --ttl=10s --timeout=0 --prefix=p --node-timeout 99ms db ls",
         "wait 0 s; code 75; ttl 10 s, drift 0.01, node timeout 99 ms"},
        // the list of the environment is replaced, not prolonged
        {"exec -S redis://x --server=redis://y,redis://z,unix:///z db ls", "quorum 3 of 4;"},
        // an empty variable is unset; that of another command is not read
        {"REDLOCK_TTL= REDLOCK_WAIT= REDISCLI_AUTH= exec db ls", "wait forever; code 75; ttl 30 s"},
        {"REDLOCK_NODES= exec db ls", "78: no nodes were give"},
        {"REDLOCK_TTL=rubbish release --token=t db", "ok: key db"},
        {"REDLOCK_TTL=rubbish REDLOCK_NODES=rubbish lab", "ok: key ;"},
    });
}

TEST(Settings, TakeTheseValues) {
    expect({
        // the last one on the line counts
        {"exec --ttl=10s --ttl=rubbish --ttl=20s db ls", "ttl 20 s"},
        {"exec -E1 -E 2 db ls", "code 2"},
        {"exec -n db ls", "wait 0 s"},
        {"exec -w2 -n db ls", "wait 0 s"},
        {"exec -n -w2 db ls", "wait 2 s"},
        {"exec -nqw2 db ls", "wait 2 s"},
        {"REDLOCK_WAIT=5 exec -n db ls", "wait 0 s"},
        {"exec -w0 db ls", "wait 0 s"},
        {"exec -v db ls", "verbosity 1"},
        {"exec -vv db ls", "verbosity 2"},
        {"exec -vvv db ls", "verbosity 2"},
        {"exec -q db ls", "verbosity -1"},
        {"exec -qv db ls", "verbosity 1"},
        {"exec -v -q db ls", "verbosity -1"},
        {"LOGNAME=eve USER=bob exec db ls", "owner eve"},
        {"USER=bob exec db ls", "owner bob"},
        {"exec db ls", ::getuid() == 0 ? "owner root" : "owner "}, // without the system's database
        {"exec db -c a~b", "why ; "},
        {"exec db -c a~b", "run /bin/sh|-c|a b| first 15; "},
        {"SHELL=/bin/zsh exec db -c x", "run /bin/zsh|-c|x|"},
        {"SHELL=/bin/zsh lab", "run /bin/zsh|"},
        {"lab", "run /bin/sh|"},
        {"lab --nodes=3 --tcp ls", "run ls| first 15; verbosity 0; lab 3 true"},
        {"exec db echo h~i", "first 15; "},
        {"exec db echo~hi",
         "first 15; COMMAND is one word with blanks in it: for a shell line write exec NAME -c 'LINE'"},
        {"exec --signal=USR1 db ls", "first 10;"},
        {"exec --signal=sigusr1 db ls", "first 10;"},
        {"exec --signal=2 db ls", "first 2;"},
        {"exec --signal=64 db ls", "first 64;"},
        {"exec --quorum=3 db ls", "quorum 3 of 3"},
        {"exec -S redis://a db ls", "quorum 1 of 1"},
        {"exec -S redis://a,redis://b db ls", "quorum 2 of 2"},
        {"exec -S redis://a,redis://b,redis://c,redis://d db ls", "quorum 3 of 4"},
        {"release --token A-z.0%2F@:_ db", "token A-z.0%2F@:_;"},
        {"release --token=" + std::string(256, 'x') + " db", "token xxx"},
        {"REDLOCK_TOKEN=abc REDLOCK_NAME=db release db", "token abc;"},
    });
    for (const char *options :
         {"--ttl=100ms", "-E0", "-E255", "--drift=0", "--drift=.01", "--slack=0", "--kill-after=0",
          "--prefix=redlock:", "--ttl=3650d --restart-guard=off", "--ttl=3650d --restart-guard=3650d"})
        expect({{fmt::format("exec {} db ls", options), "ok: "}});
    expect({{"acquire -E1 db", "ok: "}, {"exec redlock:x ls", "ok: "}});
}

TEST(Settings, SayWhatIsWrongAndWhereItCameFrom) {
    const std::string held = "REDLOCK_TOKEN=abc REDLOCK_NAME=db ";
    expect({
        {"REDLOCK_NODES= exec db ls", "78: no nodes were given; name them with -S"},
        {"REDLOCK_NODES= exec db ls", "redlock lab"},
        {"exec --ttl=x db ls", "64: --ttl: 'x' is not a duration"},
        {"REDLOCK_TTL=x exec db ls", "78: environment variable REDLOCK_TTL: 'x' is not a duration"},
        {"exec --ttl=99ms db ls", "64: --ttl: a ttl of 99 ms is too short"},
        {"REDLOCK_TTL=0 exec db ls", "78: environment variable REDLOCK_TTL: a ttl of 0 s"},
        {"exec -w -5 db ls", "64: --wait: '-5' is not a duration: it is negative"},
        {"REDLOCK_WAIT=x exec db ls", "78: environment variable REDLOCK_WAIT"},
        {"exec --node-timeout=0 db ls", "64: --node-timeout: no node can answer within 0 s"},
        {"REDLOCK_NODE_TIMEOUT=40s exec db ls", "78: a ttl of 30 s is too short"},
        {"exec -E256 db ls", "64: --conflict-exit-code: '256' is not a whole number from 0 to 255"},
        {"exec -E -1 db ls", "64: --conflict-exit-code"},
        {"exec -E x db ls", "64: --conflict-exit-code"},
        {"exec -E '' db ls", "64: --conflict-exit-code"},
        {"acquire -E0 db", "64: --conflict-exit-code: 0 would tell a script"},
        {"exec --drift=0.5 db ls", "64: --drift: '0.5' is not a ratio"},
        {"exec --drift=-0.1 db ls", "64: --drift"},
        {"exec --drift=nan db ls", "64: --drift"},
        {"exec --drift=1% db ls", "64: --drift"},
        {"exec --slack=x db ls", "64: --slack"},
        {"exec --kill-after=x db ls", "64: --kill-after"},
        {"exec -S redis://h:0 db ls", "64: --server: bad node address"},
        {"exec -S '' db ls", "64: --server: bad node address '': it is empty"},
        {"exec -S redis://a -S redis://a db ls", "64: --server: nodes 1 and 2 are the same server"},
        {"REDLOCK_NODES=redis://a,reddis://b exec db ls", "78: environment variable REDLOCK_NODES: node 2 of 2"},
        {"exec -S rediss://a db ls", "no TLS yet"},
        {"exec -S redis://word@a db ls", "64: --server: redis://a:6379 has a user but no password"},
        {"exec --user=bob db ls", "64: --user: redis://a:6379 has a user but no password"},
        {"REDLOCK_NODES=redis://word@a exec db ls",
         "78: environment variable REDLOCK_NODES: redis://a:6379 has a user"},
        {"exec redlock:{x ls", "64: prefix and NAME together begin with 'redlock:{'"},
        {"REDLOCK_PREFIX=redlock: exec {x ls", "64: prefix and NAME together"},
        {"REDLOCK_PREFIX=redlock:{ exec db ls", "78: prefix and NAME together"},
        {"exec --prefix=redlock:{ db ls", "64: prefix and NAME together"},
        {"exec db -c ''", "64: -c: the shell line is empty"},
        {"exec --ttl=31s db ls", "78: a ttl of 31 s (--ttl) is longer than the restart guard of 30 s"},
        {"REDLOCK_TTL=1m exec --restart-guard=31s db ls", "the restart guard of 31 s (--restart-guard)"},
        {"exec --restart-guard=9ms db ls", "64: --restart-guard: within 9 ms no lock ends"},
        {"REDLOCK_RESTART_GUARD=never exec db ls", "78: environment variable REDLOCK_RESTART_GUARD"},
        {"lab --nodes=0", "64: --nodes: '0' is not a whole number from 1 to 64"},
        {"lab --nodes=65", "64: --nodes"},
        {"exec --quorum=1 db ls",
         "64: --quorum: '1' is not a whole number from 2 to 3: of 3 nodes a majority must agree, "
         "or two could hold the lock at once"},
        {"exec --quorum=4 db ls", "64: --quorum"},
        {"REDLOCK_NODES=redis://a status --quorum 2 db", "is not 1: of 1 node a majority"},
        {"release db", "64: no token for 'db': give what 'redlock acquire' printed"},
        {held + "release other", "64: no token for 'other': REDLOCK_TOKEN belongs to 'db' (REDLOCK_NAME)"},
        {"REDLOCK_TOKEN=abc release db", "counts only when REDLOCK_NAME is this name"},
        {held + "release --token='' db", "64: --token: the token is empty; did 'redlock acquire' fail?"},
        {"release --token=a~b db", "64: --token: this is no token"},
        {"release --token=" + std::string(257, 'x') + " db", "64: --token: this is no token"},
        {"REDLOCK_TOKEN=a\n REDLOCK_NAME=db release db", "78: environment variable REDLOCK_TOKEN: this is no token"},
    });
    for (const char *name : {"KILL", "9", "STOP", "SIGKILL", "0", "65", "-1", "''", "TERMINATE", "15x"})
        expect({{fmt::format("exec --signal {} db ls", name), "64: --signal:"}});
}

TEST(Settings, ATtlTooShortIsExplainedWithNumbers) {
    const std::string line = "exec --ttl=5s -k10s db ls";
    expect({
        {line,
         "64: a ttl of 5 s (--ttl) is too short: a fresh lease is safe for 4.1 s (5 s less a drift of 0.01, slack "
         "833 ms and 2 ms), which must be more than 11.9 s (kill-after 10 s (--kill-after), twice the kill margin "
         "of 250 ms, and 1.4 s from one renewal to the next); a ttl that would do is --ttl "},
        // acquire kills nobody
        {"acquire --ttl=5s db", "ok: "},
        {"acquire --ttl=5s --slack=5s db", "64: a ttl"},
        {"exec --slack=3650d --ttl=3650d db ls", "64: a ttl"},
    });
    // The advice is good: what it says passes, and a little less does not.
    const std::string message = outcome_of(line);
    const std::string advice = message.substr(message.rfind(' ') + 1);
    expect({{fmt::format("exec --ttl={} -k10s db ls", advice), "ok: "},
            {fmt::format("exec --ttl={}s -k10s db ls", std::stoi(advice) - 2), "64: "}});
}

TEST(Settings, Passwords) {
    const std::string cli_auth = "environment variable REDISCLI_AUTH";
    const std::string nodes = "the address in environment variable REDLOCK_NODES";
    expect({
        {"REDLOCK_NODES=redis://a,redis://:pw@b,redis://me@c REDISCLI_AUTH=x status db",
         fmt::format("logins :x<{}> :pw<{}> me:x<{} and {}> ;", cli_auth, nodes, nodes, cli_auth)},
        {"REDISCLI_AUTH=x status -S redis://:pw@h -S redis://g db",
         fmt::format("logins :pw<the address in --server> :x<{}> ;", cli_auth)},
        {"REDISCLI_AUTH=x status --user bob -S redis://h db", fmt::format("logins bob:x<--user and {}> ;", cli_auth)},
        {"exec -S redis://:hunter2@a,redis://b db ls", "1 warnings"},
        {"REDLOCK_NODES=redis://:one@a exec db ls", "0 warnings"},
    });
    const std::string warning = settings_of("exec -S redis://:hunter2@a,redis://b db ls").warnings.at(0);
    EXPECT_NE(warning.find("REDISCLI_AUTH"), warning.npos);
    EXPECT_EQ(warning.find("hunter2"), warning.npos);
    for (const char *url : {"redis://:hunter2@", "redis://hunter2@h", "redis://:hunter2",
                            "redis://:hunter2@a,redis://a", "redis://:hunter2@h:0"})
        for (const char *line : {"exec -S {} db ls", "REDLOCK_NODES={} exec db ls", "exec --ttl {} db ls",
                                 "exec -E {} db ls", "exec --signal {} db ls", "exec --drift {} db ls"}) {
            const std::string outcome = outcome_of(fmt::format(fmt::runtime(line), url));
            EXPECT_EQ(outcome.find("hunter2"), outcome.npos) << outcome;
        }
}

} // namespace
} // namespace redlock::cmd
