#include "redis/advice.hh"
#include "redis/fault.hh"
#include "redis/rights.hh"

#include <gtest/gtest.h>

namespace redlock::redis {
namespace {

using core::Trouble;

// Texts as servers from 5.0 to 7.2 send them.
TEST(Fault, KnowsWhatOnlyAPersonCanMend) {
    for (const char *error :
         {"NOAUTH Authentication required.",
          "WRONGPASS invalid username-password pair or user is disabled.",
          "ERR invalid password",
          "ERR Client sent AUTH, but no password is set",
          "NOPERM this user has no permissions to run the 'eval' command",
          "NOPERM User x has no permissions to run the 'eval' command",
          "ERR The user executing the script can't run this command or subcommand script: ab, on "
          "@user_script:3.",
          "ERR Error running script (call to f_ab): @user_script:3: The user executing the script can't run "
          "this "
          "command or subcommand",
          "ERR ACL failure in script: User x has no permissions to run the 'set' command script: ab",
          "@user_script: 25: The user executing the script can't run this command or subcommand",
          "DENIED Redis is running in protected mode because protected mode is enabled",
          "ERR DB index is out of range",
          "ERR unknown command 'EVAL'",
          "ERR Unknown Redis command called from script script: ab, on @user_script:1.",
          "ERR Unknown Redis command called from script",
          "ERR Error running script (call to f_ab): @user_script:1: @user_script: 1: Unknown Redis command called from "
          "Lua script",
          "@user_script: 1: Unknown Redis command called from Lua script",
          "ERR This Redis command is not allowed from script script: ab, on @user_script:1.",
          "@user_script: 7: This Redis command is not allowed from scripts",
          "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
          "ERR Error running script (call to f_ab): @user_script:24: @user_script: 24: Write commands not allowed "
          "after non deterministic commands. Call redis.replicate_commands() at the start of your script"}) {
        const Fault fault = explain(error, "");
        EXPECT_EQ(fault.trouble, Trouble::access) << error;
        EXPECT_NE(fault.text.find(": "), std::string::npos) << fault.text;
    }
}

TEST(Fault, KnowsServersThatMustNotBeNodes) {
    for (const char *error : {"CROSSSLOT Keys in request don't hash to the same slot", "MOVED 866 127.0.0.1:7001",
                              "CLUSTERDOWN Hash slot not served", "ERR SELECT is not allowed in cluster mode",
                              "UNFIT cluster", "UNFIT nameless", "UNFIT evicting allkeys-lru", "UNFIT sentinel"}) {
        const Fault fault = explain(error, "");
        EXPECT_EQ(fault.trouble, Trouble::unfit) << error;
        EXPECT_NE(fault.text.find(": "), std::string::npos) << fault.text;
    }
    EXPECT_NE(explain("UNFIT evicting allkeys-lru", "").text.find("parameter group"), std::string::npos);
    for (const char *secret : {"", "pw"})
        for (const char *error : {"UNFIT replica of h:1", "UNFIT cluster", "UNFIT nameless",
                                  "UNFIT evicting allkeys-lru", "UNFIT sentinel"})
            EXPECT_EQ(explain(error, secret).text.find("UNFIT"), std::string::npos) << error;
    EXPECT_TRUE(explain("UNFIT evicting allkeys-lru", "").text.starts_with("its maxmemory-policy is allkeys-lru: "));
    EXPECT_NE(explain("NOPERM this user has no permissions to access one of the keys used as arguments", "pw")
                  .text.find("the user may not use the key NAME"),
              std::string::npos);
}

// May be promoted any moment.
TEST(Fault, KnowsReplicas) {
    for (const char *error :
         {"UNFIT replica", "UNFIT replica of 10.0.0.1:6379", "MASTERDOWN Link with MASTER is down and x",
          "READONLY You can't write against a read only replica.",
          "READONLY You can't write against a read only replica. script: ab, on @user_script:3.",
          "ERR Error running script (call to f_ab): @user_script:3: -READONLY You can't write against a read "
          "only"}) {
        const Fault fault = explain(error, "");
        EXPECT_EQ(fault.trouble, Trouble::replica) << error;
        EXPECT_NE(fault.text.find("name primaries as nodes"), std::string::npos) << fault.text;
    }
}

TEST(Fault, ListsEveryCommandThatIsNeeded) {
    const std::string text(needed_rights);
    for (const std::string_view command : needed_commands)
        EXPECT_NE(text.find(' ' + std::string(command)), std::string::npos) << command;
}

TEST(Fault, KnowsWhatMayPass) {
    for (const char *error :
         {"LOADING Redis is loading the dataset in memory",
          "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
          "OOM command not allowed when used memory > 'maxmemory'. script: ab, on @user_script:3.",
          "@user_script: 44: -OOM command not allowed when used memory > 'maxmemory'.",
          "@user_script: 5: -NOREPLICAS Not enough good replicas to write.",
          "ERR Error running script (call to f_ab): @user_script:5: -NOREPLICAS Not enough good replicas to write.",
          "@user_script: 5: -MISCONF Redis is configured to save RDB snapshots",
          "ERR Error running script (call to f_ab): @user_script:5: -MISCONF Redis is configured to save RDB snapshots",
          "MISCONF Redis is configured to save RDB snapshots", "NOREPLICAS Not enough good replicas to write.",
          "WRONGTYPE Operation against a key holding the wrong kind of value script: ab, on @user_script:19.",
          "ERR the fence on record is no number below 2^53 script: ab, on @user_script:32.",
          "ERR max number of clients reached"}) {
        const Fault fault = explain(error, "");
        EXPECT_EQ(fault.trouble, Trouble::passing) << error;
        EXPECT_NE(fault.text.find(": "), std::string::npos) << fault.text;
    }
}

TEST(Fault, GivesUnknownErrorsAsTheyAre) {
    EXPECT_EQ(explain("ERR something new.", "").text, "ERR something new");
    EXPECT_EQ(explain("ERR something new.", "").trouble, Trouble::passing);
    EXPECT_EQ(explain("ERR something new.", "", Trouble::access).trouble, Trouble::access);
    EXPECT_EQ(explain("", "").text, "");
}

TEST(Fault, LeavesOutTheScriptsPlace) {
    EXPECT_EQ(explain("ERR odd script: 0123, on @user_script:1.", "").text, "ERR odd");
}

TEST(Fault, IsSafeToPrint) {
    EXPECT_EQ(explain("ERR \x1b[2J", "").text, "ERR \\x1B[2J");
    EXPECT_LT(explain("ERR " + std::string(5000, 'x'), "").text.size(), 300U);
}

TEST(Fault, WithAPasswordShowsNoWordsOfTheNode) {
    // Stars in place of "pass" would tell what they replace.
    const std::string_view text = "WRONGPASS invalid username-password pair or user is disabled.";
    for (const char *secret : {"pass", "PASS", "word", "a", "*", "WRONGPASS", "hunter2"})
        EXPECT_EQ(explain(text, secret).text, "WRONGPASS: check user and password") << secret;
    for (const char *odd : {"ERR what is hunter2?", "HUNTER2 is it", "-hunter2", "hunter2", "UNFIT for hun", ""}) {
        const std::string shown = explain(odd, "hunter2").text;
        EXPECT_EQ(shown.find("unter"), std::string::npos) << shown;
        EXPECT_NE(shown.find("its text is not shown, as it may repeat the password"), std::string::npos) << shown;
        EXPECT_EQ(explain(odd, "hunter2").text, explain(odd, "a").text); // nothing depends on the password
    }
    const Fault renamed = explain("ERR unknown command 'AUTH', with args beginning with: 'hunter2' ", "");
    EXPECT_EQ(renamed.text.find("hunter2"), std::string::npos);
}

TEST(Fault, WithAPasswordStillTellsWhichCommandIsMissing) {
    for (const char *error : {"NOPERM this user has no permissions to run the 'hmget' command or its subcommand",
                              "NOPERM User x has no permissions to run the 'hmget' command",
                              "ERR unknown command 'HMGET', with args beginning with: ", "ERR unknown command `hmget`"})
        EXPECT_NE(explain(error, "hunter2").text.find(" (HMGET): "), std::string::npos)
            << explain(error, "hunter2").text;
    EXPECT_EQ(explain("ERR unknown command 'hunter2'", "hunter2").text.find("hunter2"), std::string::npos);
    EXPECT_EQ(explain("ERR invalid password 'del'", "del").text, "ERR invalid password: check the password");
}

// Once below a table, and not in each line.
TEST(Fault, AMissingRightIsOneShortLine) {
    for (const char *error : {"NOPERM this user has no permissions to run the 'pexpire' command",
                              "ERR ACL failure in script: User x has no permissions to run the 'pexpire' command"}) {
        EXPECT_EQ(explain(error, "pw").text, "NOPERM (PEXPIRE): a right is missing") << error;
        EXPECT_TRUE(explain(error, "").text.ends_with(missing_right)) << error;
    }
    const char *unnamed = "ERR The user executing the script can't run this command or subcommand script: ab, on x:3.";
    EXPECT_EQ(explain(unnamed, "pw").text, "NOPERM: a right is missing");
}

TEST(Fault, TellsWhichTextsANodeWrote) {
    for (const char *error : {"OOM command not allowed", "NOREPLICAS x", "ERR max number of clients reached",
                              "UNFIT sentinel", "READONLY x", "MISCONF x", "LOADING x"})
        for (const char *secret : {"", "pw"}) EXPECT_TRUE(is_known_error(explain(error, secret).text)) << error;
    for (const char *text : {"Connection refused", "no answer within 50 ms", "connection closed by the node",
                             "nobody listens on the socket", ""})
        EXPECT_FALSE(is_known_error(text)) << text;
}

TEST(Fault, SaysWhereALoginComesFrom) {
    for (const char *error :
         {"NOAUTH Authentication required.", "WRONGPASS invalid username-password pair or user is disabled.",
          "ERR invalid password", "ERR Client sent AUTH, but no password is set",
          "ERR AUTH <password> called without any password configured for the default user. Are you sure?",
          "ERR wrong number of arguments for 'auth' command"}) {
        const std::string text = explain(error, "pw", Trouble::passing, "environment variable REDISCLI_AUTH").text;
        EXPECT_TRUE(text.ends_with(" (here: from environment variable REDISCLI_AUTH)")) << text;
        EXPECT_EQ(explain(error, "pw").text.find("here:"), std::string::npos);
    }
    EXPECT_EQ(explain("LOADING x", "pw", Trouble::passing, "X").text.find("here:"), std::string::npos);
}

TEST(Fault, NamesEveryWayToGiveAPasswordForEveryKindOfAddress) {
    const std::string text = explain("NOAUTH Authentication required.", "").text;
    for (const char *way :
         {"--password-file", "REDISCLI_AUTH", "redis://[USER]:PASSWORD@HOST", "unix://[USER]:PASSWORD@/PATH"})
        EXPECT_NE(text.find(way), std::string::npos) << text;
}

} // namespace
} // namespace redlock::redis
