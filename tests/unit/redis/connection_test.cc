// One connection: order, deadlines, and what is written again.
#include "played_stream.hh"

#include <gtest/gtest.h>

namespace redlock::redis {
namespace {

using core::Answer;
using core::Refusal;
using core::Trouble;
using core::Verb;

constexpr const char *absent = "*1\r\n$6\r\nabsent\r\n", *deleted = "*1\r\n$7\r\ndeleted\r\n", *ok = "+OK\r\n";
constexpr const char *granted = "*3\r\n$7\r\ngranted\r\n:17\r\n:1000000\r\n";

TEST(Connection, LogsInWithTheFirstRequest) {
    Driver plain(some_url(0, "pw"));
    plain.send(Verb::acquire);
    EXPECT_EQ(plain.written(), "AUTH acquire CLIENT");
    Driver held(some_url(2, "pw"));
    held.send(Verb::acquire);
    EXPECT_EQ(held.written(), "AUTH SELECT");
    held.answer("+OK\r\n+OK\r\n");
    EXPECT_EQ(held.written(), "acquire CLIENT");
    EXPECT_TRUE(held.connection.owed());
}

TEST(Connection, AnswersBelongToRequestsInOrder) {
    Driver driver;
    const core::Serial acquire = driver.send(Verb::acquire), release = driver.send(Verb::release);
    const std::string bytes = std::string(granted) + "-NOPERM a name may be forbidden\r\n" + deleted;
    for (const char &byte : bytes) driver.answer({&byte, 1});
    EXPECT_EQ(driver.replies[0].serial, acquire);
    EXPECT_EQ(driver.replies[0].fence, 17U);
    EXPECT_EQ(driver.replies[0].sent, driver.now);
    EXPECT_EQ(driver.replies[1].serial, release);
    EXPECT_EQ(driver.replies[1].answer, Answer::granted);
    EXPECT_EQ(driver.streams.size(), 1U);
    EXPECT_FALSE(driver.connection.owed());
}

// In the place of the answer to CLIENT SETNAME: replies would be off by one.
TEST(Connection, AnAnswerTooManyEndsTheStream) {
    for (const char *extra : {granted, ":1\r\n"}) {
        Driver driver;
        driver.send(Verb::acquire);
        driver.answer(std::string(granted) + extra);
        EXPECT_EQ(driver.reply().answer, Answer::granted);
        EXPECT_TRUE(driver.replies.empty());
        EXPECT_TRUE(driver.streams[0].closed);
    }
}

TEST(Connection, WhatTheStreamDoesNotTakeIsWrittenLater) {
    Driver driver;
    driver.send(Verb::release);
    driver.answer(std::string(absent) + ok);
    driver.written();
    driver.streams[0].room = 10;
    driver.send(Verb::acquire);
    driver.send(Verb::extend);
    driver.streams[0].room = std::string::npos;
    driver.connection.handle(POLLOUT, driver.now);
    EXPECT_EQ(driver.written(), "acquire extend");
}

TEST(Connection, SilenceIsDueAfterTheTimeoutOrAtTheDeadline) {
    Driver driver(some_url(2));
    driver.send(Verb::acquire, "mine", milliseconds{100}, milliseconds{50});
    EXPECT_EQ(driver.connection.deadline(), driver.now + milliseconds{100}); // it waits for the database
    driver.now += milliseconds{30};
    driver.answer(ok);
    EXPECT_EQ(driver.connection.deadline(), driver.now + milliseconds{50}); // it was written
    driver.pass(milliseconds{50});
    const core::Reply silent = driver.reply();
    EXPECT_EQ(silent.text, "no answer within 50 ms");
    EXPECT_EQ(silent.answer, Answer::silent);
    EXPECT_EQ(driver.connection.deadline(), std::nullopt);
    driver.answer(granted);
    EXPECT_EQ(driver.reply().sent, silent.sent); // late, and as good
}

TEST(Connection, WhatHasExpiredUnwrittenIsNeverWritten) {
    Driver unreachable(some_url(), false);
    unreachable.send(Verb::acquire, "mine", milliseconds{30});
    unreachable.pass(milliseconds{30});
    EXPECT_EQ(unreachable.reply().text, "connection not established within 30 ms");
    Driver held(some_url(2));
    held.send(Verb::acquire, "mine", milliseconds{30});
    held.pass(milliseconds{30});
    const core::Reply reply = held.reply();
    EXPECT_EQ(reply.answer, Answer::silent);
    EXPECT_EQ(reply.text, "database not selected within 30 ms");
    EXPECT_FALSE(reply.sent);
    held.send(Verb::extend);
    held.answer(ok);
    EXPECT_EQ(held.written(), "SELECT CLIENT extend");
}

TEST(Connection, AbandonTakesBackWhatWasNotWritten) {
    Driver driver(some_url(2));
    const core::Serial acquire = driver.send(Verb::acquire);
    driver.send(Verb::acquire, "other");
    const core::Serial abandon = driver.send(Verb::abandon);
    const core::Reply taken = driver.reply(), settled = driver.reply();
    EXPECT_EQ(taken.serial, acquire);
    EXPECT_EQ(taken.answer, Answer::silent);
    EXPECT_FALSE(taken.sent);
    EXPECT_EQ(settled.serial, abandon);
    EXPECT_EQ(settled.refusal, Refusal::absent);
    driver.answer(ok);
    EXPECT_EQ(driver.written(), "SELECT CLIENT acquire");
}

// An acquire that was written and lost, and the same again, not written yet: the first may have been done.
TEST(Connection, AbandonIsSentWhenTheSameAcquireWasEverWritten) {
    Driver driver(some_url(2));
    driver.send(Verb::acquire);
    driver.answer(ok);
    driver.end();
    EXPECT_EQ(driver.reply().answer, Answer::error);
    driver.send(Verb::acquire);
    driver.send(Verb::abandon);
    EXPECT_EQ(driver.reply().answer, Answer::silent);
    EXPECT_TRUE(driver.replies.empty());
    driver.answer(ok);
    EXPECT_EQ(driver.written(), "SELECT CLIENT release"); // the same script
}

TEST(Connection, AStreamWithRequestsUnderWayIsAborted) {
    Driver driver;
    driver.send(Verb::acquire);
    driver.end();
    const core::Reply lost = driver.reply();
    EXPECT_EQ(lost.answer, Answer::error);
    EXPECT_TRUE(lost.sent);
    EXPECT_TRUE(driver.streams[0].aborted);
    driver.send(Verb::abandon);
    EXPECT_EQ(driver.written(), "release CLIENT");
    driver.answer(std::string(deleted) + ok);
    EXPECT_EQ(driver.reply().answer, Answer::granted);
    driver.end(); // nothing is under way
    EXPECT_FALSE(driver.streams[1].aborted);
    EXPECT_EQ(driver.streams.size(), 2U);
}

TEST(Connection, WhatWaitsGetsANewStreamIfThisOneWasEverGood) {
    Driver bad(some_url(3));
    bad.send(Verb::acquire);
    bad.end();
    const core::Reply refused = bad.reply();
    EXPECT_EQ(refused.answer, Answer::error);
    EXPECT_FALSE(refused.sent);
    EXPECT_EQ(bad.streams.size(), 1U);
    Driver good;
    good.send(Verb::release);
    good.answer(std::string(absent) + ok);
    good.streams[0].room = 0;
    good.send(Verb::extend);
    good.end();
    EXPECT_EQ(good.written(), "extend CLIENT");
    EXPECT_EQ(good.streams.size(), 2U);
}

TEST(Connection, IsReplacedWhenItOwesAnAnswerForTooLong) {
    Driver driver;
    driver.send(Verb::acquire, "mine", seconds{1});
    driver.pass(Driver::patience);
    EXPECT_EQ(driver.reply().answer, Answer::silent);
    driver.send(Verb::extend);
    EXPECT_EQ(driver.streams.size(), 1U);
    driver.pass(Duration{1});
    driver.send(Verb::release);
    ASSERT_EQ(driver.streams.size(), 2U);
    EXPECT_TRUE(driver.streams[0].aborted);
    EXPECT_EQ(driver.reply().text, "given up: the node owes an answer for too long"); // the extend's
    EXPECT_TRUE(driver.replies.empty()); // the caller was told of the acquire's silence, and hears nothing more
    EXPECT_EQ(driver.written(), "release CLIENT");
    // We were stopped, and the answer has come meanwhile.
    driver.now += 2 * Driver::patience;
    driver.streams[1].answer = std::string(deleted) + ok;
    driver.send(Verb::status);
    EXPECT_EQ(driver.streams.size(), 2U);
    EXPECT_EQ(driver.reply().answer, Answer::granted);
}

// A database that was selected behind a refused AUTH is nobody's: what came meanwhile takes a new stream.
TEST(Connection, NothingIsWrittenBehindARefusedAuth) {
    Driver driver(some_url(1, "hunter2"));
    driver.send(Verb::acquire);
    driver.answer("-ERR any error to AUTH is a question of access\r\n");
    EXPECT_EQ(driver.reply().trouble, Trouble::access);
    driver.send(Verb::extend);
    EXPECT_EQ(driver.written(), "AUTH SELECT");
    driver.answer(ok);
    EXPECT_EQ(driver.streams[0].written, "");
    EXPECT_TRUE(driver.streams[0].closed);
    EXPECT_EQ(driver.written(), "AUTH SELECT"); // for the extend
}

TEST(Connection, EndsInGoodOrder) {
    Driver owing;
    owing.send(Verb::release);
    owing.send(Verb::extend);
    owing.streams[0].answer = absent;
    owing.connection.finish();
    EXPECT_TRUE(owing.streams[0].shut && owing.streams[0].closed);
    EXPECT_FALSE(owing.streams[0].aborted);
    EXPECT_EQ(owing.streams[0].answer, ""); // unread, it would make close() drop the release
}

} // namespace
} // namespace redlock::redis
