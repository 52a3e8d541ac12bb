// Nodes against real servers: what the four verbs do, and what comes of servers that refuse.
#include "client.hh"
#include "redis_server.hh"

#include <gtest/gtest.h>

namespace redlock::redis {
namespace {

using core::Answer;
using core::Refusal;
using core::Trouble;
using core::Verb;

bool says(const core::Reply &reply, std::string_view words) { return reply.text.find(words) != std::string::npos; }

class NodesTest : public testing::Test {
  protected:
    RedisServer server;
    Client client{server.url()};

    long long ttl_left() const { return std::atoll(server.command({"PTTL", client.key}).c_str() + 1); }
};

TEST_F(NodesTest, AcquireSetsAFreeKey) {
    const Instant before = event::now();
    const core::Reply reply = client.ask(Verb::acquire, "mine");
    EXPECT_EQ(reply.answer, Answer::granted);
    EXPECT_EQ(reply.verb, Verb::acquire);
    ASSERT_TRUE(reply.sent);
    EXPECT_GE(*reply.sent, before);
    EXPECT_EQ(server.command({"GET", "lock"}), "mine");
    EXPECT_GT(ttl_left(), 0);
    EXPECT_LE(ttl_left(), 60'000);
    EXPECT_NE(server.command({"CLIENT", "LIST"}).find("name=redlock "), std::string::npos);
}

TEST_F(NodesTest, AcquireSaysWhoHoldsAndForHowLong) {
    server.command({"SET", "lock", std::string("other\0\r\n", 8), "PX", "50000"});
    const core::Reply reply = client.ask(Verb::acquire, "mine");
    EXPECT_EQ(reply.answer, Answer::refused);
    EXPECT_EQ(reply.refusal, Refusal::held);
    EXPECT_EQ(reply.holder, std::string("other\0\r\n", 8));
    ASSERT_TRUE(reply.holder_ttl);
    EXPECT_GT(*reply.holder_ttl, Duration{0});
    EXPECT_LE(*reply.holder_ttl, milliseconds{50'000});

    server.command({"PERSIST", "lock"});
    EXPECT_EQ(client.ask(Verb::acquire, "mine").holder_ttl, std::nullopt);
}

TEST_F(NodesTest, KeysOfAnotherTypeAreSomebodyElses) {
    server.command({"HSET", "lock", "field", "value"});
    const core::Reply refused = client.ask(Verb::acquire, "mine");
    EXPECT_EQ(refused.refusal, Refusal::held);
    EXPECT_EQ(refused.holder, "(hash)");
    // Not even by a token that looks like what we say of them.
    for (const Verb verb : {Verb::extend, Verb::release, Verb::abandon}) {
        const core::Reply reply = client.ask(verb, "(hash)");
        EXPECT_EQ(reply.answer, Answer::refused);
        EXPECT_EQ(reply.refusal, Refusal::not_ours);
    }
    EXPECT_EQ(client.ask(Verb::acquire, "(hash)").answer, Answer::refused);
    EXPECT_EQ(server.command({"HGET", "lock", "field"}), "value");
}

TEST_F(NodesTest, AcquireOfOurOwnTokenIsGrantedForTheFullTtl) {
    server.command({"SET", "lock", "mine", "PX", "1000"});
    EXPECT_EQ(client.ask(Verb::acquire, "mine").answer, Answer::granted);
    EXPECT_GT(ttl_left(), 10'000);
}

TEST_F(NodesTest, ExtendRaisesAndNeverLowers) {
    server.command({"SET", "lock", "mine", "PX", "1000"});
    EXPECT_EQ(client.ask(Verb::extend, "mine", seconds{90}).answer, Answer::granted);
    EXPECT_GT(ttl_left(), 60'000);
    EXPECT_EQ(client.ask(Verb::extend, "mine", seconds{10}).answer, Answer::granted);
    EXPECT_GT(ttl_left(), 30'000);
    server.command({"PERSIST", "lock"});
    EXPECT_EQ(client.ask(Verb::extend, "mine").answer, Answer::granted);
    EXPECT_EQ(ttl_left(), -1);
}

TEST_F(NodesTest, AFenceOutlivesItsLock) {
    constexpr std::int64_t days = 86'400;
    for (const Verb verb : {Verb::acquire, Verb::confirm, Verb::extend}) {
        EXPECT_EQ(client.ask(verb, "mine", seconds{60 * days}).answer, Answer::granted);
        EXPECT_GE(std::stoll(server.command({"TTL", "redlock:{lock}:fence"}).substr(1)), 89 * days);
    }
}

TEST_F(NodesTest, ExtendTouchesNothingThatIsNotOurs) {
    EXPECT_EQ(client.ask(Verb::extend, "mine").refusal, Refusal::absent);
    EXPECT_EQ(server.command({"EXISTS", "lock"}), ":0");
    server.command({"SET", "lock", "other", "PX", "1000"});
    const core::Reply reply = client.ask(Verb::extend, "mine");
    EXPECT_EQ(reply.answer, Answer::refused);
    EXPECT_EQ(reply.refusal, Refusal::not_ours);
    EXPECT_EQ(reply.holder, "other");
    EXPECT_LE(ttl_left(), 1000);
}

TEST_F(NodesTest, StatusTellsTheHolderAndChangesNothing) {
    core::Reply reply = client.ask(Verb::status, "");
    EXPECT_EQ(reply.answer, Answer::refused);
    EXPECT_EQ(reply.refusal, Refusal::absent);
    EXPECT_EQ(server.command({"EXISTS", "lock"}), ":0");

    const std::string token("\0\r\n\xff", 4);
    server.command({"SET", "lock", token, "PX", "50000"});
    reply = client.ask(Verb::status, token);
    EXPECT_EQ(reply.answer, Answer::refused); // even if it is ours
    EXPECT_EQ(reply.refusal, Refusal::held);
    EXPECT_EQ(reply.holder, token);
    ASSERT_TRUE(reply.holder_ttl);
    EXPECT_GT(*reply.holder_ttl, Duration{0});
    EXPECT_LE(*reply.holder_ttl, milliseconds{50'000});
    EXPECT_EQ(server.command({"GET", "lock"}), token);
    EXPECT_GT(ttl_left(), 0);
}

TEST_F(NodesTest, StatusOfKeysWithoutAnEndOrOfAnotherType) {
    server.command({"SET", "lock", "x"});
    EXPECT_EQ(client.ask(Verb::status, "").holder_ttl, std::nullopt);
    EXPECT_EQ(ttl_left(), -1);
    server.command({"DEL", "lock"});
    server.command({"RPUSH", "lock", "x"});
    const core::Reply reply = client.ask(Verb::status, "");
    EXPECT_EQ(reply.refusal, Refusal::held);
    EXPECT_EQ(reply.holder, "(list)");
    EXPECT_EQ(reply.holder_ttl, std::nullopt);
    EXPECT_EQ(server.command({"LLEN", "lock"}), ":1");
}

TEST_F(NodesTest, ReleaseAndAbandonDeleteOnlyOurs) {
    for (const Verb verb : {Verb::release, Verb::abandon}) {
        EXPECT_EQ(client.ask(verb, "mine").refusal, Refusal::absent);
        server.command({"SET", "lock", "other"});
        const core::Reply reply = client.ask(verb, "mine");
        EXPECT_EQ(reply.refusal, Refusal::not_ours);
        EXPECT_EQ(reply.holder, "other");
        EXPECT_EQ(server.command({"GET", "lock"}), "other");
        EXPECT_EQ(client.ask(verb, "other").answer, Answer::granted);
        EXPECT_EQ(server.command({"EXISTS", "lock"}), ":0");
    }
}

TEST_F(NodesTest, KeysAndTokensAreBytes) {
    client.key = std::string("a\0b\r\n\xff", 6);
    const std::string token("\0\r\n\xfe", 4);
    EXPECT_EQ(client.ask(Verb::acquire, token).answer, Answer::granted);
    EXPECT_EQ(server.command({"GET", client.key}), token);
    EXPECT_EQ(client.ask(Verb::release, token).answer, Answer::granted);
}

TEST_F(NodesTest, AHugeValueOfOthersIsCut) {
    server.command({"SET", "lock", std::string(300'000, 'x')});
    EXPECT_EQ(client.ask(Verb::acquire, "mine").holder, std::string(1024, 'x'));
    EXPECT_EQ(client.ask(Verb::release, "mine").holder, std::string(1024, 'x'));
    EXPECT_EQ(client.ask(Verb::status, "").holder, std::string(1024, 'x'));
}

TEST_F(NodesTest, WhatFinishLeavesBehindIsDelivered) {
    server.command({"SET", "lock", "mine"});
    client.send(Verb::release, "mine");
    client.nodes.finish();
    client.turn_until([&] { return server.command({"EXISTS", "lock"}) == ":0"; });
}

TEST_F(NodesTest, NamesWhatTheServerCannotDo) {
    EXPECT_EQ(client.ask(Verb::acquire, "mine", seconds{5}).answer, Answer::granted);
    server.command({"CONFIG", "SET", "maxmemory", "1"});
    EXPECT_EQ(client.ask(Verb::extend, "mine", seconds{90}).answer, Answer::granted);
    EXPECT_EQ(client.ask(Verb::acquire, "other").refusal, Refusal::held);
    client.key = "another";
    const core::Reply oom = client.ask(Verb::acquire, "mine");
    EXPECT_EQ(oom.answer, Answer::error);
    EXPECT_EQ(oom.trouble, Trouble::passing);
    EXPECT_TRUE(says(oom, "OOM ") && says(oom, "maxmemory: free")) << oom.text;
    EXPECT_FALSE(says(oom, "user_script")) << oom.text;

    server.command({"CONFIG", "SET", "maxmemory", "0"});
    server.command({"REPLICAOF", "127.0.0.1", "1"});
    const core::Reply readonly = client.ask(Verb::acquire, "mine");
    EXPECT_EQ(readonly.answer, Answer::error);
    EXPECT_TRUE(says(readonly, "primaries")) << readonly.text;
}

TEST_F(NodesTest, NamesMissingRights) {
    for (const char *rights : {"-eval", "-set", "-pexpire", "-pttl", "-del", "resetkeys"}) {
        server.command({"ACL", "SETUSER", "worker", "reset", "on", ">pw", "~*", "+@all", rights});
        config::NodeUrl url = server.url();
        url.user = "worker";
        url.password = "pw";
        const core::Reply reply = Client(url).ask(Verb::acquire, "mine");
        EXPECT_EQ(reply.answer, Answer::error) << rights;
        EXPECT_EQ(reply.trouble, Trouble::access) << rights;
        EXPECT_TRUE(says(reply, "a right is missing")) << reply.text;
        EXPECT_EQ(server.command({"EXISTS", "lock"}), ":0");
    }
}

// As one that is renamed outside of scripts.
TEST(Nodes, NamesCommandsThatAreRenamed) {
    for (const char *command : {"INFO", "PEXPIRE", "DEL", "PTTL", "HMGET"}) {
        const RedisServer server({"--rename-command", command, "hidden"});
        Client client(server.url());
        const core::Reply reply = client.ask(Verb::acquire, "mine");
        // Without a guard nobody asks for INFO.
        if (command == std::string_view("INFO")) {
            EXPECT_EQ(reply.answer, Answer::granted);
            continue;
        }
        EXPECT_EQ(reply.trouble, Trouble::access) << command;
        EXPECT_TRUE(says(reply, "renamed or switched off")) << reply.text;
        EXPECT_EQ(server.command({"EXISTS", "lock"}), ":0") << command;
    }
}

TEST_F(NodesTest, AProbeLeavesNothingBehind) {
    for (const char *rights : {"+@all", "-hdel", "-del", "-pexpire", "-set", "-hset"}) {
        server.command({"ACL", "SETUSER", "worker", "reset", "on", ">pw", "~*", "+@all", rights});
        config::NodeUrl url = server.url();
        url.user = "worker";
        url.password = "pw";
        Client worker(url);
        worker.key = "0123";
        const core::Reply reply = worker.ask(Verb::probe, "");
        EXPECT_EQ(reply.answer, Answer::granted) << reply.text;
        EXPECT_EQ(reply.probe.failed.empty(), rights == std::string_view("+@all")) << rights;
        worker.turn_until([&] { return server.command({"DBSIZE"}) == ":0"; }); // or after a second
    }
}

TEST_F(NodesTest, UsersAndDatabases) {
    server.command({"ACL", "SETUSER", "worker", "on", ">se cret", "~*", "+@all"});
    config::NodeUrl url = server.url();
    url.user = "worker";
    url.password = "se cret";
    url.db = 2;
    Client second(url);
    EXPECT_EQ(second.ask(Verb::acquire, "mine").answer, Answer::granted);
    EXPECT_EQ(server.command({"EXISTS", "lock"}), ":0");
    EXPECT_NE(server.command({"INFO", "keyspace"}).find("db2:keys=3"), std::string::npos); // and the node's marker

    url.db = 99;
    const core::Reply reply = Client(url).ask(Verb::acquire, "mine");
    EXPECT_EQ(reply.answer, Answer::error);
    EXPECT_TRUE(says(reply, "database that the node has")) << reply.text;
    EXPECT_FALSE(reply.sent);
    EXPECT_EQ(server.calls("set"), 2); // the lock and its fence
}

TEST(Nodes, Passwords) {
    const RedisServer server({"--requirepass", "hunter2"});
    config::NodeUrl url = server.url();
    const core::Reply without = Client(url).ask(Verb::acquire, "mine");
    EXPECT_EQ(without.answer, Answer::error);
    EXPECT_EQ(without.trouble, Trouble::access);
    EXPECT_TRUE(says(without, "NOAUTH") && says(without, "redis://[USER]:PASSWORD@HOST")) << without.text;

    url.password = "hunter3";
    Client wrong(url);
    for (int i = 0; i < 2; ++i) {
        const core::Reply reply = wrong.ask(Verb::acquire, "mine");
        EXPECT_EQ(reply.answer, Answer::error);
        EXPECT_EQ(reply.trouble, Trouble::access);
        EXPECT_TRUE(says(reply, "WRONGPASS")) << reply.text;
        EXPECT_FALSE(says(reply, "hunter")) << reply.text;
    }
    url.password = "hunter2";
    for (const unsigned db : {0U, 1U}) {
        url.db = db;
        EXPECT_EQ(Client(url).ask(Verb::acquire, "mine").answer, Answer::granted);
    }
}

// The default user needs no password, so the script behind the failed AUTH runs.
TEST_F(NodesTest, ALockSetBehindAFailedAuthIsTakenBack) {
    config::NodeUrl url = server.url();
    url.password = "hunter2";
    Client wrong(url);
    wrong.fence = core::fence_limit - 1; // a proposal that the node ignores, for it is far ahead of its clock
    const core::Reply reply = wrong.ask(Verb::acquire, "mine");
    EXPECT_EQ(reply.answer, Answer::error);
    EXPECT_EQ(reply.trouble, Trouble::access);
    EXPECT_TRUE(says(reply, "no password")) << reply.text;
    wrong.turn_until([&] { return server.calls("del") == 2; }); // one by the acquire
    EXPECT_LT(std::stoull(server.command({"GET", "redlock:{lock}:fence"})), core::fence_limit / 2);
    EXPECT_EQ(server.calls("set"), 2);
    EXPECT_EQ(server.command({"EXISTS", "lock"}), ":0");
    // And the connection is not used any more.
    wrong.turn_until([&] { return server.command({"CLIENT", "LIST"}).find("name=redlock") == std::string::npos; });
    EXPECT_EQ(wrong.ask(Verb::release, "mine").answer, Answer::error);
}

TEST(Nodes, TurnedAwayAtTheDoor) {
    const RedisServer server({"--maxclients", "1"});
    Client first(server.url());
    ASSERT_EQ(first.ask(Verb::acquire, "mine").answer, Answer::granted);
    Client second(server.url());
    const core::Reply reply = second.ask(Verb::acquire, "mine");
    EXPECT_EQ(reply.answer, Answer::error);
    // The node closes behind its words; a reset may be faster than they are.
    EXPECT_TRUE(says(reply, "max number of clients") || says(reply, "reset") || says(reply, "closed") ||
                says(reply, "Broken pipe"))
        << reply.text;
}

TEST(Nodes, FourAtOnce) {
    const RedisServer server({}, true);
    std::vector<config::NodeUrl> urls(4);
    urls[0].host = "127.0.0.1";
    urls[1].host = "localhost";
    urls[2].host = "::1"; // may be missing on this machine
    urls[3] = server.url();
    for (config::NodeUrl &url : urls) url.port = server.port();
    Client client(urls);
    std::vector<core::Serial> serials;
    for (core::NodeIndex node = 0; node < 4; ++node)
        serials.push_back(client.send(Verb::acquire, "mine", seconds{60}, generous, node));
    for (core::NodeIndex node = 0; node < 4; ++node) {
        const core::Reply reply = client.wait(serials[node]);
        EXPECT_EQ(reply.node, node);
        if (node == 2 && reply.answer == Answer::error) continue;     // no IPv6 on this machine
        if (node == 1 && says(reply, "cannot be resolved")) continue; // no /etc/hosts
        EXPECT_EQ(reply.answer, Answer::granted) << node << reply.text;
    }
    EXPECT_EQ(client.nodes.size(), 4U);
    EXPECT_FALSE(client.nodes.deadline());
}

} // namespace
} // namespace redlock::redis
