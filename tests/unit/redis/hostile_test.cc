// Nodes against servers that are broken, malicious, or no Redis at all: each request is answered once,
// nothing grows without bound, nothing is believed.
#include "client.hh"
#include "fake_server.hh"

#include <gtest/gtest.h>

namespace redlock::redis {
namespace {

using core::Answer;
using core::Verb;

constexpr std::string_view named = "+OK\r\n"; // to CLIENT SETNAME
constexpr std::string_view granted = "*3\r\n$7\r\ngranted\r\n:17\r\n:1000000\r\n";

bool says(const core::Reply &reply, std::string_view words) { return reply.text.find(words) != std::string::npos; }

// What an acquire is answered by a server that reads once and then sends `bytes`, closing or not.
core::Reply answer_to_acquire(std::string bytes, bool close = false, config::NodeUrl access = {}) {
    const FakeServer server([&](const Peer &peer) {
        peer.read();
        if (peer.write(bytes) && !close) peer.wait();
    });
    access.host = server.url().host;
    access.port = server.url().port;
    Client client(access);
    const core::Reply reply = client.ask(Verb::acquire, "mine");
    EXPECT_TRUE(client.replies.empty());
    EXPECT_FALSE(client.nodes.deadline());
    return reply;
}

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

// Both say that there is no EVAL: what they are is asked on the same connection.
TEST(Hostile, ASentinelAndAServerWithoutEval) {
    constexpr std::string_view no_eval = "-ERR unknown command 'EVAL', with args beginning with: 'x'\r\n+OK\r\n";
    const auto answer = [&](std::string_view info, bool close) {
        std::string asked;
        const FakeServer server([&](const Peer &peer) {
            peer.read();
            if (!peer.write(no_eval)) return;
            asked = peer.read();
            if (peer.write(info) && !close) peer.wait();
        });
        Client client(server.url());
        const core::Reply reply = client.ask(Verb::acquire, "mine", seconds{60}, milliseconds{500});
        EXPECT_EQ(asked, "*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n");
        EXPECT_TRUE(client.replies.empty());
        EXPECT_FALSE(client.nodes.deadline());
        EXPECT_EQ(reply.answer, Answer::error);
        return reply;
    };
    const core::Reply sentinel = answer("$22\r\nredis_mode:sentinel\r\na\r\n", false);
    EXPECT_EQ(sentinel.trouble, core::Trouble::unfit);
    EXPECT_TRUE(says(sentinel, "the port of a Sentinel, which")) << sentinel.text;
    for (const auto &[info, close] :
         {std::pair{"$24\r\nredis_mode:standalone\r\na\r\n", false}, std::pair{"-NOPERM no\r\n", false},
          std::pair{"*0\r\n", false}, std::pair{"", true}, std::pair{"", false}}) {
        const core::Reply renamed = answer(info, close);
        EXPECT_EQ(renamed.trouble, core::Trouble::access) << info;
        EXPECT_TRUE(says(renamed, "renamed or switched off")) << renamed.text;
    }
}

TEST(Hostile, RepliesTooLongOrTooDeep) {
    for (const std::string &bytes :
         {std::string("*1000000000\r\n"), std::string("*2147483647\r\n"), std::string("*9223372036854775807\r\n"),
          std::string("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"), "+" + std::string(200'000, 'a'),
          "$100000\r\n" + std::string(100'000, 'a') + "\r\n"}) {
        const core::Reply reply = answer_to_acquire(bytes);
        EXPECT_EQ(reply.answer, Answer::error);
        EXPECT_TRUE(says(reply, "not a Redis reply")) << reply.text;
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

TEST(Hostile, AnswersOfTheWrongShape) {
    for (const std::string_view bytes : {":5\r\n", "+OK\r\n", "$-1\r\n", "*0\r\n", "*1\r\n:1\r\n",
                                         "*1\r\n$7\r\nrefused\r\n", "*1\r\n$8\r\nextended\r\n", "$7\r\ngranted\r\n"}) {
        const core::Reply reply = answer_to_acquire(std::string(bytes));
        EXPECT_EQ(reply.answer, Answer::error) << bytes;
        EXPECT_TRUE(says(reply, "unexpected reply")) << reply.text;
    }
}

// In the place of the answer to CLIENT SETNAME: replies would be off by one.
TEST(Hostile, AnAnswerTooManyEndsTheConnection) {
    for (const std::string_view extra : {granted, std::string_view(":1\r\n")}) {
        std::atomic<bool> ended = false;
        const FakeServer server([&](const Peer &peer) {
            peer.read();
            if (peer.write(granted) && peer.write(extra)) peer.wait();
            ended = true;
        });
        Client client(server.url());
        EXPECT_EQ(client.ask(Verb::acquire, "mine").answer, Answer::granted);
        client.turn_until([&] { return ended.load(); });
        EXPECT_TRUE(client.replies.empty());
    }
}

TEST(Hostile, ANameMayBeForbidden) {
    std::atomic<int> connections = 0;
    const FakeServer server([&](const Peer &peer) {
        ++connections;
        peer.read();
        if (!peer.write(std::string(granted) + "-NOPERM this user has no permissions\r\n")) return;
        peer.read();
        if (peer.write("*1\r\n$7\r\ndeleted\r\n")) peer.wait();
    });
    Client client(server.url());
    EXPECT_EQ(client.ask(Verb::acquire, "mine").answer, Answer::granted);
    EXPECT_EQ(client.ask(Verb::release, "mine").answer, Answer::granted);
    EXPECT_EQ(connections, 1);
}

TEST(Hostile, AnyErrorToAuthIsAQuestionOfAccess) {
    config::NodeUrl access;
    access.password = "hunter2";
    const core::Reply reply = answer_to_acquire("-ERR what?\r\n-ERR what?\r\n+OK\r\n", false, access);
    EXPECT_NE(reply.text.find("its text is not shown"), std::string::npos) << reply.text;
    EXPECT_EQ(reply.trouble, core::Trouble::access);
    EXPECT_EQ(answer_to_acquire("-ERR what?\r\n+OK\r\n").trouble, core::Trouble::passing);
}

// A database that was selected behind a refused AUTH is nobody's: what came meanwhile takes a new connection.
TEST(Hostile, NothingIsWrittenBehindARefusedAuth) {
    std::atomic<int> connections = 0;
    std::atomic<bool> may_select = false;
    std::string behind;
    const FakeServer server([&](const Peer &peer) {
        peer.read();
        if (++connections == 1) {
            if (!peer.write("-WRONGPASS no\r\n")) return;
            while (!may_select) std::this_thread::sleep_for(milliseconds{1});
            if (peer.write("+OK\r\n")) behind = peer.read();
        } else if (peer.write("-WRONGPASS no\r\n+OK\r\n")) {
            peer.wait();
        }
    });
    config::NodeUrl url = server.url();
    url.password = "hunter2";
    url.db = 1;
    Client client(url);
    EXPECT_EQ(client.ask(Verb::acquire, "mine").trouble, core::Trouble::access);
    const core::Serial meanwhile = client.send(Verb::acquire, "mine");
    may_select = true;
    EXPECT_EQ(client.wait(meanwhile).trouble, core::Trouble::access);
    EXPECT_EQ(connections, 2);
    EXPECT_EQ(behind, "");
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

TEST(Hostile, AServerThatOnlyAccepts) {
    const FakeServer server([](const Peer &peer) { peer.wait(); });
    Client client(server.url());
    const core::Reply reply = client.ask(Verb::acquire, "mine", seconds{1}, milliseconds{20});
    EXPECT_EQ(reply.answer, Answer::silent);
    EXPECT_TRUE(reply.sent);
}

TEST(Hostile, AServerThatClosesAtOnceIsNotDialledForEver) {
    config::NodeUrl url;
    const FakeServer server([](const Peer &) {});
    url = server.url();
    url.db = 3; // the request waits for SELECT
    Client client(url);
    const core::Reply reply = client.ask(Verb::acquire, "mine");
    EXPECT_EQ(reply.answer, Answer::error);
    EXPECT_FALSE(reply.sent);
    EXPECT_EQ(server.connections(), 1);
}

TEST(Hostile, OneByteAtATime) {
    const FakeServer server([](const Peer &peer) {
        peer.read();
        constexpr std::string_view bytes = "*3\r\n$7\r\ngranted\r\n:17\r\n:1000000\r\n+OK\r\n";
        for (const char &byte : bytes)
            if (!peer.write({&byte, 1})) return;
        peer.wait();
    });
    Client client(server.url());
    EXPECT_EQ(client.ask(Verb::acquire, "mine").answer, Answer::granted);
}

// The first connection dies with the acquire on it: the abandon must reach the node all the same.
TEST(Hostile, AbandonGoesOverANewConnection) {
    std::atomic<int> connections = 0;
    std::string second;
    const FakeServer server([&](const Peer &peer) {
        const std::string bytes = peer.read();
        if (++connections == 1) return;
        second = bytes;
        if (peer.write("*1\r\n$7\r\ndeleted\r\n+OK\r\n")) peer.wait();
    });
    Client client(server.url());
    const core::Serial acquire = client.send(Verb::acquire, "mine");
    EXPECT_EQ(client.wait(acquire).answer, Answer::error);
    EXPECT_EQ(client.ask(Verb::abandon, "mine").answer, Answer::granted);
    EXPECT_NE(second.find("'DEL'"), std::string::npos);
    EXPECT_EQ(connections, 2);
}

// An acquire that was written and lost, and the same again, not written yet: the first may have been done.
TEST(Hostile, AbandonIsSentWhenTheSameAcquireWasEverWritten) {
    std::atomic<int> connections = 0;
    std::atomic<bool> may_answer = false;
    const FakeServer server([&](const Peer &peer) {
        std::string bytes = peer.read();
        if (++connections == 1) {
            if (peer.write("+OK\r\n")) peer.read(); // takes the acquire, then closes
            return;
        }
        while (!may_answer) std::this_thread::sleep_for(milliseconds{1});
        // SELECT, the connection's name and the abandon come together or one by one.
        for (; !bytes.empty(); bytes = peer.read()) {
            std::string answers;
            for (const char *simple : {"SELECT", "SETNAME"})
                if (bytes.find(simple) != std::string::npos) answers += "+OK\r\n";
            if (bytes.find("EVAL") != std::string::npos) answers += "*1\r\n$7\r\ndeleted\r\n";
            if (!peer.write(answers)) return;
        }
    });
    config::NodeUrl url = server.url();
    url.db = 1;
    Client client(url);
    EXPECT_EQ(client.ask(Verb::acquire, "mine").answer, Answer::error);
    const core::Serial again = client.send(Verb::acquire, "mine");
    const core::Serial abandon = client.send(Verb::abandon, "mine");
    EXPECT_EQ(client.wait(again).answer, Answer::silent);
    EXPECT_TRUE(client.replies.empty());
    may_answer = true;
    const core::Reply reply = client.wait(abandon);
    EXPECT_EQ(reply.answer, Answer::granted) << reply.text;
}

// An echo: our own bytes come back, the password among them.
TEST(Hostile, ThePasswordIsNeverRepeated) {
    config::NodeUrl access;
    access.password = "hunter2";
    for (const char *bytes :
         {"*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n", "500 AUTH hunter2\r\n", "-ERR no hunter2\r\n-x\r\n+OK\r\n",
          "+hunter2\r\n", "$7\r\nhunter2\r\n", "+OK\r\n-ERR hunter2\r\n+OK\r\n"}) {
        const core::Reply reply = answer_to_acquire(bytes, true, access);
        EXPECT_EQ(reply.answer, Answer::error);
        EXPECT_FALSE(says(reply, "hunter2")) << reply.text;
        EXPECT_FALSE(reply.text.empty());
    }
}

} // namespace
} // namespace redlock::redis
