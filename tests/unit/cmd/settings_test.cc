#include "cmd/settings.hh"

#include "cmd/signal_name.hh"
#include "util/error.hh"

#include <gtest/gtest.h>
#include <map>
#include <unistd.h>

namespace redlock::cmd {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

const Variables three{{"REDLOCK_NODES", "redis://a,redis://b,redis://c"}};

Variables with(Variables more) {
    more.insert(three.begin(), three.end());
    return more;
}

Settings settings_of(const Words &words, const Variables &variables = three) {
    return make_settings(parse_command_line(words), [&](const char *name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

// "64: message" or "78: message"
std::string message_of(const Words &words, const Variables &variables = three) {
    try {
        settings_of(words, variables);
    } catch (const UsageError &error) {
        return std::string("64: ") + error.what();
    } catch (const ConfigError &error) {
        return std::string("78: ") + error.what();
    }
    return "no error";
}

Words exec(Words options) {
    options.insert(options.begin(), "exec");
    options.insert(options.end(), {"db", "ls"});
    return options;
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

TEST(Settings, TellWhereALoginComesFrom) {
    const auto origins = [](const Words &words, const Variables &variables) {
        std::string text;
        for (const auto &node : settings_of(words, variables).cluster.nodes) text += node.login_origin + '|';
        return text;
    };
    const std::string nodes = "redis://a,redis://:pw@b,redis://me@c";
    const Variables variables{{"REDLOCK_NODES", nodes}, {"REDISCLI_AUTH", "x"}};
    EXPECT_EQ(origins({"status", "db"}, variables), "environment variable REDISCLI_AUTH|the address in environment "
                                                    "variable REDLOCK_NODES|the address in environment "
                                                    "variable REDLOCK_NODES and environment variable REDISCLI_AUTH|");
    EXPECT_EQ(origins({"status", "-S", "redis://:pw@h", "-S", "redis://g", "db"}, {{"REDISCLI_AUTH", "x"}}),
              "the address in --server|environment variable REDISCLI_AUTH|");
    EXPECT_EQ(origins({"status", "--user", "bob", "db"}, {{"REDLOCK_NODES", "redis://a"}, {"REDISCLI_AUTH", "x"}}),
              "--user and environment variable REDISCLI_AUTH|");
    EXPECT_EQ(origins({"status", "db"}, {{"REDLOCK_NODES", "redis://a"}}), "|");
}

TEST(Settings, HaveDefaults) {
    const Settings s = settings_of({"exec", "db", "ls", "-l"});
    EXPECT_EQ(s.command, Command::exec);
    EXPECT_EQ(s.target.name, "db");
    EXPECT_EQ(s.key(), "db");
    EXPECT_EQ(s.job.words, (Words{"ls", "-l"}));
    EXPECT_EQ(s.cluster.nodes.size(), 3U);
    EXPECT_EQ(s.cluster.quorum, 2U);
    EXPECT_EQ(s.timing.ttl, 30s);
    EXPECT_EQ(s.timing.kill_after, 5s);
    EXPECT_EQ(s.timing.trust.drift, 0.01);
    EXPECT_FALSE(s.claim.wait.has_value());
    EXPECT_EQ(s.claim.conflict_exit_code, 75);
    EXPECT_EQ(s.job.signal, SIGTERM);
    EXPECT_EQ(s.output.verbosity, 0);
    EXPECT_TRUE(s.warnings.empty());
}

TEST(Settings, OptionBeatsEnvironmentBeatsDefault) {
    const Variables variables = with(
        {{"REDLOCK_TTL", "20s"}, {"REDLOCK_WAIT", "7"}, {"REDLOCK_PREFIX", "p:"}, {"REDLOCK_NODE_TIMEOUT", "123ms"}});
    const Settings from_environment = settings_of(exec({}), variables);
    EXPECT_EQ(from_environment.timing.ttl, 20s);
    EXPECT_EQ(from_environment.claim.wait, 7s);
    EXPECT_EQ(from_environment.key(), "p:db");
    EXPECT_EQ(from_environment.timing.node_timeout, 123ms);

    const Settings typed = settings_of(exec({"--ttl=10s", "--timeout=0", "--prefix=", "--node-timeout", "99ms", "-S",
                                             "redis://x", "--server=redis://y,unix:///z"}),
                                       variables);
    EXPECT_EQ(typed.timing.ttl, 10s);
    EXPECT_EQ(typed.claim.wait, Duration::zero());
    EXPECT_EQ(typed.key(), "db");
    EXPECT_EQ(typed.timing.node_timeout, 99ms);
    ASSERT_EQ(typed.cluster.nodes.size(), 3U); // the list of the environment is replaced, not prolonged
    EXPECT_EQ(typed.cluster.nodes[2].path, "/z");
}

TEST(Settings, AnEmptyVariableIsUnset) {
    const Settings s = settings_of(exec({}), with({{"REDLOCK_TTL", ""}, {"REDLOCK_WAIT", ""}, {"REDISCLI_AUTH", ""}}));
    EXPECT_FALSE(s.claim.wait.has_value());
    EXPECT_EQ(message_of(exec({}), {{"REDLOCK_NODES", ""}}).substr(0, 22), "78: no nodes were give");
}

TEST(Settings, VariablesOfOtherCommandsAreNotRead) {
    EXPECT_EQ(message_of({"release", "--token=t", "db"}, with({{"REDLOCK_TTL", "rubbish"}})), "no error");
    EXPECT_EQ(message_of({"lab"}, {{"REDLOCK_NODES", "rubbish"}, {"REDLOCK_TTL", "rubbish"}}), "no error");
}

// A setting as text, so that one table holds them all.
std::string value_of(const char *setting, const Settings &s) {
    const std::string_view name = setting;
    if (name == "ttl") return std::to_string(to_ms(s.timing.ttl));
    if (name == "wait") return s.claim.wait ? std::to_string(to_ms(*s.claim.wait)) : "forever";
    if (name == "code") return std::to_string(s.claim.conflict_exit_code);
    if (name == "owner") return s.claim.owner;
    if (name == "verbosity") return std::to_string(s.output.verbosity);
    if (name == "signal") return std::to_string(s.job.signal);
    if (name == "hint") return s.job.not_found_hint.substr(0, 67);
    if (name == "quorum") return std::to_string(s.cluster.quorum);
    if (name == "token") return s.target.token;
    std::string words;
    for (const std::string &word : s.job.words) words += (words.empty() ? "" : " ") + word;
    return words;
}

TEST(Settings, TakeTheseValues) {
    const Variables held = with({{"REDLOCK_TOKEN", "abc"}, {"REDLOCK_NAME", "db"}});
    const std::tuple<const char *, Words, Variables, std::string> rows[] = {
        // the last one on the line counts
        {"ttl", exec({"--ttl=10s", "--ttl=rubbish", "--ttl=20s"}), three, "20000"},
        {"code", exec({"-E1", "-E", "2"}), three, "2"},
        {"wait", exec({"-n"}), three, "0"},
        {"wait", exec({"-w2", "-n"}), three, "0"},
        {"wait", exec({"-n", "-w2"}), three, "2000"},
        {"wait", exec({"-nqw2"}), three, "2000"},
        {"wait", exec({"-n"}), with({{"REDLOCK_WAIT", "5"}}), "0"},
        {"wait", exec({"-w0"}), three, "0"},
        {"verbosity", exec({}), three, "0"},
        {"verbosity", exec({"-v"}), three, "1"},
        {"verbosity", exec({"-vv"}), three, "2"},
        {"verbosity", exec({"-vvv"}), three, "2"},
        {"verbosity", exec({"-q"}), three, "-1"},
        {"verbosity", exec({"-qv"}), three, "1"},
        {"verbosity", exec({"-v", "-q"}), three, "-1"},
        {"owner", exec({}), with({{"LOGNAME", "eve"}, {"USER", "bob"}}), "eve"},
        {"owner", exec({}), with({{"USER", "bob"}}), "bob"},
        {"words", {"exec", "db", "-c", "a b"}, three, "/bin/sh -c a b"},
        {"words", {"exec", "db", "-c", "x"}, with({{"SHELL", "/bin/zsh"}}), "/bin/zsh -c x"},
        {"words", {"lab"}, {{"SHELL", "/bin/zsh"}}, "/bin/zsh"},
        {"words", {"lab"}, {}, "/bin/sh"},
        {"words", {"lab", "ls"}, {}, "ls"},
        {"hint", exec({}), three, ""},
        {"hint", {"exec", "db", "echo", "h i"}, three, ""},
        {"hint", {"exec", "db", "-c", "echo hi"}, three, ""},
        {"hint",
         {"exec", "db", "echo hi"},
         three,
         "; COMMAND is one word with blanks in it: for a shell line write exe"},
        {"signal", exec({"--signal=USR1"}), three, std::to_string(SIGUSR1)},
        {"signal", exec({"--signal=sigusr1"}), three, std::to_string(SIGUSR1)},
        {"signal", exec({"--signal=2"}), three, "2"},
        {"signal", exec({"--signal=64"}), three, "64"},
        {"quorum", exec({"--quorum=3"}), three, "3"},
        {"quorum", exec({"-S", "redis://a"}), three, "1"},
        {"quorum", exec({"-S", "redis://a,redis://b"}), three, "2"},
        {"quorum", exec({"-S", "redis://a,redis://b,redis://c,redis://d"}), three, "3"},
        {"token", {"release", "--token", "A-z.0%2F@:_", "db"}, three, "A-z.0%2F@:_"},
        {"token", {"release", "--token=" + std::string(256, 'x'), "db"}, three, std::string(256, 'x')},
        {"token", {"release", "db"}, held, "abc"},
    };
    for (const auto &[setting, words, variables, expected] : rows)
        EXPECT_EQ(value_of(setting, settings_of(words, variables)), expected) << setting << ' ' << words.back();
    const std::string owner = settings_of(exec({})).claim.owner;
    EXPECT_TRUE(::getuid() == 0 ? owner == "root" : !owner.empty()) << owner;
    const LabSettings lab = settings_of({"lab", "--nodes=3", "--tcp"}, {}).lab;
    EXPECT_TRUE(lab.nodes == 3 && lab.tcp);
}

TEST(Settings, SayWhatIsWrongAndWhereItCameFrom) {
    struct Row {
        Words words;
        Variables variables;
        const char *expected;
    };
    const Variables held = with({{"REDLOCK_TOKEN", "abc"}, {"REDLOCK_NAME", "db"}});
    const Row rows[] = {
        {exec({}), {}, "78: no nodes were given; name them with -S"},
        {exec({}), {}, "REDLOCK_NODES"},
        {exec({}), {}, "redlock lab"},
        {exec({"--ttl=x"}), three, "64: --ttl: 'x' is not a duration"},
        {exec({}), with({{"REDLOCK_TTL", "x"}}), "78: environment variable REDLOCK_TTL: 'x' is not a duration"},
        {exec({"--ttl=99ms"}), three, "64: --ttl: a ttl of 99 ms is too short"},
        {exec({}), with({{"REDLOCK_TTL", "0"}}), "78: environment variable REDLOCK_TTL: a ttl of 0 s"},
        {exec({"-w", "-5"}), three, "64: --wait: '-5' is not a duration: it is negative"},
        {exec({}), with({{"REDLOCK_WAIT", "x"}}), "78: environment variable REDLOCK_WAIT"},
        {exec({"--node-timeout=0"}), three, "64: --node-timeout: no node can answer within 0 s"},
        {exec({}), with({{"REDLOCK_NODE_TIMEOUT", "40s"}}), "78: a ttl of 30 s is too short"},
        {exec({"-E256"}), three, "64: --conflict-exit-code: '256' is not a whole number from 0 to 255"},
        {exec({"-E", "-1"}), three, "64: --conflict-exit-code"},
        {exec({"-E", "x"}), three, "64: --conflict-exit-code"},
        {exec({"-E", ""}), three, "64: --conflict-exit-code"},
        {{"acquire", "-E0", "db"}, three, "64: --conflict-exit-code: 0 would tell a script"},
        {exec({"--drift=0.5"}), three, "64: --drift: '0.5' is not a ratio"},
        {exec({"--drift=-0.1"}), three, "64: --drift"},
        {exec({"--drift=nan"}), three, "64: --drift"},
        {exec({"--drift=1%"}), three, "64: --drift"},
        {exec({"--slack=x"}), three, "64: --slack"},
        {exec({"--kill-after=x"}), three, "64: --kill-after"},
        {exec({"-S", "redis://h:0"}), three, "64: --server: bad node address"},
        {exec({"-S", ""}), three, "64: --server: bad node address '': it is empty"},
        {exec({"-S", "redis://a", "-S", "redis://a"}), three, "64: --server: nodes 1 and 2 are the same server"},
        {exec({}), {{"REDLOCK_NODES", "redis://a,reddis://b"}}, "78: environment variable REDLOCK_NODES: node 2 of 2"},
        {exec({"-S", "rediss://a"}), three, "no TLS yet"},
        {exec({"-S", "redis://word@a"}), three, "64: --server: redis://a:6379 has a user but no password"},
        {exec({"--user=bob"}), three, "64: --user: redis://a:6379 has a user but no password"},
        {exec({}),
         {{"REDLOCK_NODES", "redis://word@a"}},
         "78: environment variable REDLOCK_NODES: redis://a:6379 has a"},
        {{"exec", "redlock:{x", "ls"}, three, "64: prefix and NAME together begin with 'redlock:{'"},
        {{"exec", "{x", "ls"}, with({{"REDLOCK_PREFIX", "redlock:"}}), "64: prefix and NAME together"},
        {exec({}), with({{"REDLOCK_PREFIX", "redlock:{"}}), "78: prefix and NAME together"},
        {exec({"--prefix=redlock:{"}), three, "64: prefix and NAME together"},
        {{"exec", "db", "-c", ""}, three, "64: -c: the shell line is empty"},
        {exec({"--ttl=31s"}), three, "78: a ttl of 31 s (--ttl) is longer than the restart guard of 30 s"},
        {exec({"--restart-guard=31s"}), with({{"REDLOCK_TTL", "1m"}}), "the restart guard of 31 s (--restart-guard)"},
        {exec({"--restart-guard=9ms"}), three, "64: --restart-guard: within 9 ms no lock ends"},
        {exec({}), with({{"REDLOCK_RESTART_GUARD", "never"}}), "78: environment variable REDLOCK_RESTART_GUARD"},
        {{"lab", "--nodes=0"}, {}, "64: --nodes: '0' is not a whole number from 1 to 64"},
        {{"lab", "--nodes=65"}, {}, "64: --nodes"},
        {exec({"--quorum=1"}), three,
         "64: --quorum: '1' is not a whole number from 2 to 3: of 3 nodes a majority must agree, or two could hold the "
         "lock at once"},
        {exec({"--quorum=4"}), three, "64: --quorum"},
        {{"status", "--quorum", "2", "db"}, {{"REDLOCK_NODES", "redis://a"}}, "is not 1: of 1 node a majority"},
        {{"release", "db"}, three, "64: no token for 'db': give what 'redlock acquire' printed"},
        {{"release", "other"}, held, "64: no token for 'other': REDLOCK_TOKEN belongs to 'db' (REDLOCK_NAME)"},
        {{"release", "db"}, with({{"REDLOCK_TOKEN", "abc"}}), "counts only when REDLOCK_NAME is this name"},
        {{"release", "--token=", "db"}, held, "64: --token: the token is empty; did 'redlock acquire' fail?"},
        {{"release", "--token=a b", "db"}, three, "64: --token: this is no token"},
        {{"release", "--token=" + std::string(257, 'x'), "db"}, three, "64: --token: this is no token"},
        {{"release", "db"}, with({{"REDLOCK_TOKEN", "a\n"}, {"REDLOCK_NAME", "db"}}), "78: environment variable"},
    };
    for (const Row &row : rows) {
        const std::string message = message_of(row.words, row.variables);
        EXPECT_NE(message.find(row.expected), message.npos) << message << "\nexpected: " << row.expected;
    }
    for (const char *name : {"KILL", "9", "STOP", "SIGKILL", "0", "65", "-1", "", "TERMINATE", "15x"})
        EXPECT_EQ(message_of(exec({"--signal", name})).substr(0, 13), "64: --signal:") << name;
}

TEST(Settings, EdgesThatPass) {
    for (const Words &words :
         {exec({"--ttl=100ms"}), exec({"-E0"}), exec({"-E255"}), exec({"--drift=0"}), exec({"--drift=.01"}),
          exec({"--slack=0"}), exec({"--kill-after=0"}), Words{"acquire", "-E1", "db"}, exec({"--prefix=redlock:"}),
          Words{"exec", "redlock:x", "ls"}, exec({"--ttl=3650d", "--restart-guard=off"}),
          exec({"--ttl=3650d", "--restart-guard=3650d"})})
        EXPECT_EQ(message_of(words), "no error");
}

TEST(Settings, ATtlTooShortIsExplainedWithNumbers) {
    const std::string message = message_of(exec({"--ttl=5s", "-k10s"}));
    for (const char *part :
         {"64: a ttl of 5 s (--ttl) is too short", "safe for 4.1 s", "5 s less a drift of 0.01", "slack 833 ms",
          "11.9 s (kill-after 10 s (--kill-after), twice the kill margin of 250 ms, and "
          "1.4 s from one renewal",
          "a ttl that would do is --ttl "})
        EXPECT_NE(message.find(part), message.npos) << message;
    // The advice is good: what it says passes, and a little less does not.
    const std::string advice = message.substr(message.rfind(' ') + 1);
    EXPECT_EQ(message_of(exec({"--ttl=" + advice, "-k10s"})), "no error") << advice;
    EXPECT_EQ(message_of(exec({"--ttl=" + std::to_string(std::stoi(advice) - 2) + "s", "-k10s"})).substr(0, 3), "64:");
    // acquire kills nobody
    EXPECT_EQ(message_of({"acquire", "--ttl=5s", "db"}), "no error");
    EXPECT_EQ(message_of({"acquire", "--ttl=5s", "--slack=5s", "db"}).substr(0, 9), "64: a ttl");
    EXPECT_EQ(message_of(exec({"--slack=3650d", "--ttl=3650d"})).substr(0, 9), "64: a ttl");
}

TEST(Settings, Passwords) {
    const Settings typed = settings_of(exec({"-S", "redis://:hunter2@a,redis://b"}));
    EXPECT_EQ(typed.cluster.nodes[0].password, "hunter2");
    ASSERT_EQ(typed.warnings.size(), 1U);
    EXPECT_NE(typed.warnings[0].find("REDISCLI_AUTH"), std::string::npos);
    EXPECT_EQ(typed.warnings[0].find("hunter2"), std::string::npos);

    const Settings environment =
        settings_of(exec({}), {{"REDLOCK_NODES", "redis://:one@a,redis://me@b,redis://c"}, {"REDISCLI_AUTH", "two"}});
    EXPECT_TRUE(environment.warnings.empty());
    EXPECT_EQ(environment.cluster.nodes[0].password, "one");
    EXPECT_EQ(environment.cluster.nodes[1].password, "two");
    EXPECT_EQ(environment.cluster.nodes[1].user, "me");
    EXPECT_EQ(environment.cluster.nodes[2].password, "two");

    for (const char *url : {"redis://:hunter2@", "redis://hunter2@h", "redis://:hunter2",
                            "redis://:hunter2@a,redis://a", "redis://:hunter2@h:0"})
        for (const std::string &message :
             {message_of(exec({"-S", url})), message_of(exec({}), {{"REDLOCK_NODES", url}}),
              message_of(exec({"--ttl", url})), message_of(exec({"-E", url})), message_of(exec({"--signal", url})),
              message_of(exec({"--drift", url}))}) {
            EXPECT_EQ(message.find("hunter2"), message.npos) << message;
        }
}

} // namespace
} // namespace redlock::cmd
