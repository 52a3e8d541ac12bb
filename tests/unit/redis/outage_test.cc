// Nodes and time: servers that stop, end, come back or cannot be reached; what is late and what is dropped.
#include "client.hh"
#include "redis/dialer.hh"
#include "redis_server.hh"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

namespace redlock::redis {
namespace {

using core::Answer;
using core::Refusal;
using core::Verb;

bool says(const core::Reply &reply, std::string_view words) { return reply.text.find(words) != std::string::npos; }

class OutageTest : public testing::Test {
  protected:
    RedisServer server;
    Client client{server.url()};
};

TEST_F(OutageTest, ARequestLargerThanTheKernelTakesAtOnce) {
    ASSERT_EQ(client.ask(Verb::release, "mine").refusal, Refusal::absent);
    client.key.assign(std::size_t{8} << 20U, 'k');
    const core::Serial large = client.send(Verb::acquire, "mine");
    client.key = "lock";
    const core::Serial behind = client.send(Verb::acquire, "mine");
    EXPECT_EQ(client.wait(large).answer, Answer::granted);
    EXPECT_EQ(client.wait(behind).answer, Answer::granted);
}

;

TEST_F(OutageTest, AnIdleConnectionThatWasClosedIsDialledAnew) {
    ASSERT_EQ(client.ask(Verb::acquire, "mine").answer, Answer::granted);
    server.command({"CLIENT", "KILL", "TYPE", "normal"});
    // Once after having noticed, once without a turn of the loop in between.
    client.turn(milliseconds{20});
    EXPECT_TRUE(client.replies.empty());
    EXPECT_EQ(client.ask(Verb::extend, "mine").answer, Answer::granted);
    server.command({"CLIENT", "KILL", "TYPE", "normal"});
    EXPECT_EQ(client.ask(Verb::extend, "mine").answer, Answer::granted);
}

TEST_F(OutageTest, AServerThatEndsAndOneThatIsGone) {
    ASSERT_EQ(client.ask(Verb::acquire, "mine").answer, Answer::granted);
    server.stop();
    const core::Serial extend = client.send(Verb::extend, "mine");
    server.kill();
    const core::Reply lost = client.wait(extend);
    EXPECT_EQ(lost.answer, Answer::error);
    EXPECT_TRUE(lost.sent);
    EXPECT_FALSE(lost.text.empty());
    // The listening socket may end after the one in use.
    core::Reply refused = client.ask(Verb::extend, "mine");
    while (refused.sent) refused = client.ask(Verb::extend, "mine");
    EXPECT_EQ(refused.answer, Answer::error);
    EXPECT_FALSE(refused.sent);
    EXPECT_TRUE(says(refused, "nobody listens on the socket /")) << refused.text;
}

TEST(Outage, NobodyListens) {
    config::NodeUrl url;
    url.host = "127.0.0.1";
    url.port = free_port();
    Client client(url);
    for (int i = 0; i < 3; ++i) {
        const core::Reply reply = client.ask(Verb::acquire, "mine");
        EXPECT_EQ(reply.answer, Answer::error);
        EXPECT_EQ(reply.text, "connection refused");
        EXPECT_EQ(reply.trouble, core::Trouble::passing);
        EXPECT_FALSE(reply.sent);
    }
}

TEST(Outage, NoSuchSocket) {
    config::NodeUrl url;
    url.path = "/nonexistent/redis.sock";
    EXPECT_EQ(Client(url).ask(Verb::acquire, "mine").text, "no such socket /nonexistent/redis.sock");
}

// A full queue of connections drops what comes: like a host that has gone without a word.
TEST(Outage, ConnectionNotEstablished) {
    const UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto *generic = reinterpret_cast<sockaddr *>(&address);
    ASSERT_EQ(::bind(listener.get(), generic, length), 0);
    ASSERT_EQ(::listen(listener.get(), 0), 0);
    ASSERT_EQ(::getsockname(listener.get(), generic, &length), 0);
    std::vector<UniqueFd> fillers;
    for (int i = 0; i < 8; ++i) {
        fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        [[maybe_unused]] const int ignored = ::connect(fillers.back().get(), generic, length);
    }
    config::NodeUrl url;
    url.host = "127.0.0.1";
    url.port = ntohs(address.sin_port);
    Client client(url);
    const core::Serial acquire = client.send(Verb::acquire, "mine", seconds{60}, milliseconds{300});
    const core::Reply reply = client.wait(acquire);
    EXPECT_EQ(reply.answer, Answer::silent);
    EXPECT_EQ(reply.text, "connection not established within 300 ms");
    EXPECT_FALSE(reply.sent);
    // The kernel tries for some seconds, not for minutes: see TCP_USER_TIMEOUT.
    EXPECT_EQ(client.ask(Verb::acquire, "mine").text, "cannot connect: Connection timed out");
}

TEST(Outage, ANameThatDoesNotExistHoldsNobodyUp) {
    const RedisServer server;
    config::NodeUrl nowhere;
    nowhere.host = "no-such-host.invalid";
    Client client({nowhere, server.url()});
    const core::Serial lost = client.send(Verb::acquire, "mine", seconds{60}, seconds{20}, 0);
    const core::Serial won = client.send(Verb::acquire, "mine", seconds{60}, seconds{20}, 1);
    EXPECT_EQ(client.wait(won).answer, Answer::granted);
    const core::Reply reply = client.wait(lost);
    EXPECT_NE(reply.answer, Answer::granted);
    EXPECT_TRUE(says(reply, "host name cannot be resolved: ") || says(reply, "host name not resolved")) << reply.text;
    EXPECT_FALSE(reply.sent);
}

// Whoever asked has gone when the name is looked up at last: no descriptor is left that is always ready.
TEST(Outage, ALookUpThatNobodyWaitsForAnyMore) {
    config::NodeUrl url;
    url.host = "localhost";
    url.port = free_port();
    Client client(url);
    const core::Serial serial = client.send(Verb::acquire, "mine", seconds{60}, Duration{0});
    client.wait(serial);
    client.turn_until([&] {
        event::PollSet set;
        client.nodes.watch(set);
        return set.add(-1, 0) == 0;
    });
    // Looked up or not (a bare machine may not know the name): it is an answer, and there is one.
    EXPECT_EQ(client.ask(Verb::acquire, "mine").answer, core::Answer::error);
}

TEST(Dialer, TriesOneAddressAfterTheOther) {
    const RedisServer server({}, true);
    config::NodeUrl good;
    good.host = "127.0.0.1";
    good.port = server.port();
    config::NodeUrl bad = good;
    bad.port = free_port();
    Dialer dialer(good, seconds{5}, {resolve_at_once(bad)[0], resolve_at_once(good)[0]});

    const Instant now = event::now();
    auto stream = dialer.dial(now, now + seconds{10});
    if (dialer.switch_at()) { // the refusal has not come at once
        EXPECT_EQ(*dialer.switch_at(), now + seconds{5});
        dialer.reject(ECONNREFUSED);
        stream = dialer.dial(now + seconds{2}, now + seconds{10});
    }
    ASSERT_TRUE(stream);
    EXPECT_FALSE(dialer.switch_at());
    // A peer that is gone without a word: what is not acknowledged within this time ends the connection.
    unsigned patience_ms = 0;
    socklen_t size = sizeof patience_ms;
    ::getsockopt(stream->descriptor(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, &size);
    EXPECT_EQ(patience_ms, 5000U);
    pollfd writable{stream->descriptor(), stream->wants(true), 0};
    ::poll(&writable, 1, 20'000);
    int error = -1;
    socklen_t length = sizeof error;
    ::getsockopt(stream->descriptor(), SOL_SOCKET, SO_ERROR, &error, &length);
    EXPECT_EQ(error, 0);
    dialer.settle();
    EXPECT_TRUE(dialer.dial(now, now + seconds{10})); // the good one first
    EXPECT_EQ(*dialer.switch_at(), now + seconds{5});
    dialer.reject(ETIMEDOUT);
    (void)dialer.dial(now, now + seconds{10});
    dialer.reject(ECONNREFUSED);
    EXPECT_FALSE(dialer.dial(now, now + seconds{10}));
    EXPECT_FALSE(dialer.resolving());
    EXPECT_EQ(dialer.why(), "connection refused");
}

} // namespace
} // namespace redlock::redis
