// Nodes against servers that are broken, malicious, or no Redis at all: each request is answered once,
// nothing grows without bound, nothing is believed.
#include "client.hh"
#include "fake_server.hh"
#include "played_stream.hh"

#include <gtest/gtest.h>

namespace redlock::redis {
namespace {

using core::Answer;
using core::Trouble;
using core::Verb;

constexpr std::string_view named = "+OK\r\n"; // to CLIENT SETNAME
constexpr std::string_view granted = "*3\r\n$7\r\ngranted\r\n:17\r\n:1000000\r\n";

// The reply to an acquire when the node sends these bytes, and then closes or not.
core::Reply answer_to_acquire(std::string_view bytes, bool close = false, const config::NodeUrl &url = some_url()) {
    Driver driver(url);
    driver.send(Verb::acquire);
    driver.answer(bytes);
    if (close && driver.replies.empty()) driver.end();
    EXPECT_EQ(driver.replies.size(), 1U);
    EXPECT_EQ(driver.connection.deadline(), std::nullopt);
    return driver.reply();
}
bool says(const core::Reply &reply, std::string_view words) { return reply.text.find(words) != std::string::npos; }

TEST(Hostile, NoRedisAtAll) {
    for (const char *banner :
         {"220 mail.example.org ESMTP\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"}) {
        const core::Reply reply = answer_to_acquire(banner);
        EXPECT_EQ(reply.answer, Answer::error);
        EXPECT_TRUE(reply.sent);
        EXPECT_TRUE(says(reply, "not a Redis reply")) << reply.text;
    }
    EXPECT_TRUE(says(answer_to_acquire("220 mail\x1b[2J"), "220 mail\\x1B[2J"));
}

TEST(Hostile, ATlsPort) {
    EXPECT_TRUE(says(answer_to_acquire("\x15\x03\x01"), "speaks TLS"));
    EXPECT_TRUE(says(answer_to_acquire("", true), "closed by the node; the port may speak TLS"));
    // Behind an answer it is something else.
    EXPECT_TRUE(says(answer_to_acquire("+OK\r\n\x15\x03\x01"), "unexpected reply"));
    EXPECT_FALSE(says(answer_to_acquire("*1\r\n$7\r\ngran", true), "TLS"));
}

// Both say that there is no EVAL: what they are is asked on the same stream.
TEST(Hostile, ASentinelAndAServerWithoutEval) {
    const auto answer = [](std::string_view info) {
        Driver driver;
        driver.send(Verb::acquire, "mine", milliseconds{500});
        driver.answer("-ERR unknown command 'EVAL', with args beginning with: 'x'\r\n+OK\r\n");
        EXPECT_EQ(driver.written(), "acquire CLIENT INFO");
        if (info.empty()) driver.end();
        else driver.answer(info);
        driver.pass(milliseconds{500});
        EXPECT_EQ(driver.replies.size(), 1U);
        return driver.reply();
    };
    const core::Reply sentinel = answer("$22\r\nredis_mode:sentinel\r\na\r\n");
    EXPECT_EQ(sentinel.trouble, Trouble::unfit);
    EXPECT_TRUE(says(sentinel, "the port of a Sentinel, which")) << sentinel.text;
    for (const char *info :
         {"$24\r\nredis_mode:standalone\r\na\r\n", "-NOPERM no\r\n", "*0\r\n", "", "$24\r\nnever all"}) {
        const core::Reply renamed = answer(info);
        EXPECT_EQ(renamed.trouble, Trouble::access) << info;
        EXPECT_TRUE(says(renamed, "renamed or switched off")) << renamed.text;
    }
}

// An echo: our own bytes come back, the password among them.
TEST(Hostile, ThePasswordIsNeverRepeated) {
    for (const char *bytes :
         {"*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n", "500 AUTH hunter2\r\n", "-ERR no hunter2\r\n-x\r\n+OK\r\n",
          "+hunter2\r\n", "$7\r\nhunter2\r\n", "+OK\r\n-ERR hunter2\r\n+OK\r\n"}) {
        const core::Reply reply = answer_to_acquire(bytes, true, some_url(0, "hunter2"));
        EXPECT_EQ(reply.answer, Answer::error);
        EXPECT_FALSE(says(reply, "hunter2")) << reply.text;
        EXPECT_FALSE(reply.text.empty());
    }
}

TEST(Hostile, StreamsWithoutEnd) {
    for (const std::string_view start : {"+", "$999999999\r\n", "*3\r\n$99999999\r\n"}) {
        std::atomic<std::size_t> sent = 0;
        const FakeServer server([&](const Peer &peer) {
            const std::string block(65'536, 'x');
            if (!peer.write(start)) return;
            while (peer.write(block)) sent += block.size();
        });
        Client client(server.url());
        EXPECT_EQ(client.ask(Verb::acquire, "mine").answer, Answer::error);
        client.nodes.finish();
        EXPECT_LT(sent, 64U << 20U); // what the kernel buffers, not all that could be sent
    }
}

TEST(Hostile, AnswersWithoutEnd) {
    std::atomic<bool> ended = false;
    const FakeServer server([&](const Peer &peer) {
        std::string block;
        while (block.size() < 60'000) block += granted;
        peer.read();
        bool open = peer.write(granted) && peer.write(named);
        while (open) open = peer.write(block);
        ended = true;
    });
    Client client(server.url());
    EXPECT_EQ(client.ask(Verb::acquire, "mine").answer, Answer::granted);
    client.turn_until([&] { return ended.load(); });
    EXPECT_TRUE(client.replies.empty());
}

TEST(Hostile, ConnectionsThatEnd) {
    EXPECT_TRUE(says(answer_to_acquire("", true), "connection closed by the node"));
    EXPECT_EQ(answer_to_acquire("*1\r\n$7\r\ngran", true).answer, Answer::error);
    EXPECT_TRUE(says(answer_to_acquire("-ERR max number of clients reached\r\n", true), "raise its maxclients"));
    const FakeServer server([&](const Peer &peer) {
        peer.read();
        peer.reset();
    });
    Client client(server.url());
    const core::Reply reply = client.ask(Verb::acquire, "mine");
    EXPECT_EQ(reply.answer, Answer::error);
    EXPECT_TRUE(reply.sent);
}

} // namespace
} // namespace redlock::redis
