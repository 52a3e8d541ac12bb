// A lock that was won: where V is anchored, what moves it, and how it ends.
#include "driver.hh"

namespace redlock::core {
namespace {

constexpr milliseconds ms{1};

Terms renewing() {
    Terms terms = terms_for(3);
    terms.renew = true;
    return terms;
}

TEST(Anchor, IsTheTimeOfSendingNotOfTheReply) {
    Driver d(terms_for(3));
    d.acquire({});
    d.hear(10 * ms, 0, Answer::granted, 1 * ms);
    EXPECT_EQ(d.lock.validity(), distant_past);
    d.hear(250 * ms, 2, Answer::granted, 3 * ms);
    EXPECT_EQ(d.validity(), 1 * ms + trusted);
    d.hear(seconds{2}, 1, Answer::silent, 2 * ms);
    EXPECT_EQ(d.validity(), 1 * ms + trusted);
    d.hear(seconds{3}, 1, Answer::granted, 2 * ms); // late, but it counts: from its sending
    EXPECT_EQ(d.validity(), 2 * ms + trusted);
    EXPECT_EQ(d.lock.deadline(), d.lock.validity());
}

TEST(Anchor, AQuorumThatWasFastEnoughWins) {
    struct Case {
        Duration at;
        Phase phase;
    };
    for (const Case c : {Case{100 * ms, Phase::held}, Case{100 * ms + Duration{1}, Phase::pausing}}) {
        Terms terms = terms_for(3);
        terms.needed = trusted - 100 * ms;
        Driver d(terms);
        d.acquire({});
        d.hear(ms, 0, Answer::granted, Duration{});
        d.hear(c.at, 1, Answer::granted, ms);
        EXPECT_EQ(d.lock.phase(), c.phase);
        EXPECT_EQ(nodes_of(d.asked, Verb::abandon), c.phase == Phase::held ? Nodes{} : (Nodes{0, 1, 2}));
    }
}

TEST(Anchor, ANodeThatDoesNotExistHasNoVote) {
    Driver d(terms_for(3));
    d.acquire({});
    Reply reply = reply_to(d.round[0], Answer::granted, start);
    for (reply.node = 3; reply.node < 6; ++reply.node) d.hear(ms, reply);
    EXPECT_EQ(d.lock.phase(), Phase::acquiring);
    EXPECT_EQ(d.lock.last_round().pending(), 3U);
}

TEST(Anchor, AGrantWithoutATimeOfSendingIsWorthNothing) {
    Driver d(terms_for(3));
    d.acquire({});
    d.hear(ms, 0, Answer::granted, Duration{});
    d.hear(ms, 1, Answer::granted);
    EXPECT_EQ(nodes_of(d.asked, Verb::abandon), (Nodes{0, 1, 2}));
}

TEST(Lost, WhenValidityPassesWhileRepliesAreOnTheWay) {
    for (const bool ticked : {true, false}) {
        Driver d(renewing());
        d.win();
        while (d.now + seconds{1} < start + trusted) {
            const Instant before = d.now;
            d.to_deadline();
            ASSERT_GT(d.now, before);
            EXPECT_EQ(d.validity(), trusted);
        }
        const auto late = d.round;
        EXPECT_EQ(nodes_of(late, Verb::extend), (Nodes{0, 1, 2}));
        if (ticked) {
            d.tick(trusted - Duration{1});
            EXPECT_EQ(d.lock.phase(), Phase::held);
            d.tick(trusted);
            EXPECT_EQ(d.lock.phase(), Phase::lost);
        }
        // They were sent in time and say yes: too late all the same.
        for (const Request &request : late)
            d.hear(trusted, reply_to(request, Answer::granted, start + trusted - 500 * ms));
        EXPECT_EQ(d.lock.phase(), Phase::lost);
        EXPECT_EQ(d.lock.validity(), distant_past);
        EXPECT_EQ(d.lock.deadline(), std::nullopt);
        EXPECT_TRUE(d.asked.empty());
        d.release(trusted + ms);
        EXPECT_EQ(nodes_of(d.asked, Verb::abandon), (Nodes{0, 1, 2}));
        d.to_deadline();
        EXPECT_EQ(d.lock.ending(), Ending::lost);
    }
}

TEST(Lost, BeforeTheReplyThatWouldHaveMovedVInTime) {
    for (const Duration at : {trusted - Duration{1}, trusted}) {
        Driver d(renewing());
        d.win();
        d.to_deadline();
        d.hear(period + ms, 0, Answer::granted, period);
        EXPECT_EQ(d.validity(), trusted);
        d.hear(at, 1, Answer::granted, period); // no tick came before
        EXPECT_EQ(d.lock.phase(), at < trusted ? Phase::held : Phase::lost);
        EXPECT_EQ(d.lock.validity(), at < trusted ? start + period + trusted : distant_past);
    }
}

TEST(Lost, AtOnceWhenAQuorumNoLongerHoldsTheKey) {
    for (const Refusal refusal : {Refusal::absent, Refusal::not_ours}) {
        Driver d(renewing());
        d.win();
        d.to_deadline();
        for (const NodeIndex node : {0U, 1U}) {
            EXPECT_EQ(d.lock.phase(), Phase::held);
            Reply reply = reply_to(d.round[node], Answer::refused, d.now);
            reply.refusal = refusal;
            d.hear(seconds{9}, reply);
        }
        EXPECT_EQ(d.lock.phase(), Phase::lost);
        d.hear(seconds{9}, 2, Answer::granted, period);
        EXPECT_EQ(d.lock.phase(), Phase::lost);
    }
}

TEST(Lost, TheAttemptBeforeIsForgotten) {
    Driver d(renewing());
    d.acquire({}, "older");
    d.hear(ms, 0, Answer::granted, Duration{});
    for (const NodeIndex node : {1U, 2U}) d.hear(ms, node, Answer::refused, Duration{});
    const Duration at = d.to_deadline();
    d.acquire(at);
    d.hear(at, 0, Answer::error, at);
    for (const NodeIndex node : {1U, 2U}) d.hear(at, node, Answer::granted, at);
    const Duration later = d.to_deadline();
    EXPECT_EQ(d.lock.phase(), Phase::held);
    d.hear(later, 1, Answer::refused, later); // what node 0 once granted does not take its place
    EXPECT_EQ(d.lock.phase(), Phase::lost);
}

TEST(Lost, WithoutRenewalAtV) {
    Driver d(terms_for(3));
    d.win();
    EXPECT_EQ(d.to_deadline(), trusted);
    EXPECT_EQ(d.lock.phase(), Phase::lost);
    EXPECT_TRUE(d.asked.empty());
}

TEST(Extend, BeginsAThirdOfTheTrustedTimeAfterTheRoundBegan) {
    Driver d(renewing());
    d.acquire({});
    d.hear(100 * ms, 0, Answer::granted, 5 * ms);
    d.hear(200 * ms, 1, Answer::granted, 6 * ms);
    EXPECT_EQ(d.to_deadline(), period);
    EXPECT_EQ(nodes_of(d.asked, Verb::extend), (Nodes{0, 1, 2}));
    EXPECT_EQ(d.asked[0].token, "token");
    EXPECT_EQ(d.asked[0].key, "backup");
    EXPECT_EQ(d.asked[0].ttl, seconds{30});
    EXPECT_EQ(d.asked[0].deadline, d.now + 300 * ms);
    d.hear(period + 50 * ms, 2, Answer::granted, period + 2 * ms);
    EXPECT_EQ(d.validity(), 6 * ms + trusted); // with node 1 of the round before
    d.hear(period + 60 * ms, 1, Answer::granted, period + ms);
    EXPECT_EQ(d.validity(), period + ms + trusted);
    EXPECT_EQ(d.lock.deadline(), start + 2 * period);
}

TEST(Extend, GoesOnUntilTheRelease) {
    Driver d(renewing());
    d.win();
    Serial last = 0;
    for (int i = 1; i <= 100; ++i) {
        const Duration at = d.to_deadline();
        ASSERT_EQ(at, i * period);
        ASSERT_EQ(nodes_of(d.asked, Verb::extend).size(), 3U);
        ASSERT_GT(d.round[0].serial, last);
        last = d.round[2].serial;
        for (const NodeIndex node : {2U, 0U, 1U}) d.hear(at + ms, node, Answer::granted, at);
        ASSERT_EQ(d.validity(), at + trusted);
    }
    d.to_deadline(); // the next is under way
    d.release(101 * period + ms);
    EXPECT_EQ(nodes_of(d.asked, Verb::release), (Nodes{0, 1, 2}));
    EXPECT_EQ(d.lock.phase(), Phase::releasing);
    EXPECT_EQ(d.lock.validity(), distant_past);
    const auto releases = d.asked;
    for (NodeIndex node = 0; node < 3; ++node) d.hear(101 * period + 2 * ms, node, Answer::granted, d.now - start);
    EXPECT_EQ(d.lock.phase(), Phase::releasing); // those were extends
    for (const Request &request : releases) d.hear(101 * period + 2 * ms, reply_to(request, Answer::granted, d.now));
    EXPECT_EQ(d.lock.ending(), Ending::released);
    EXPECT_EQ(d.lock.sweep()->granted(), 3U);
    EXPECT_EQ(d.lock.deadline(), std::nullopt);
    d.tick(seconds{2000});
    EXPECT_TRUE(d.asked.empty());
}

TEST(Extend, FailedLeavesTheLeaseAndIsTriedAgainSoon) {
    for (const Answer bad : {Answer::error, Answer::silent}) {
        Driver d(renewing());
        d.win();
        d.to_deadline();
        const Serial first = d.round[0].serial;
        d.hear(period + ms, 0, bad, period);
        EXPECT_EQ(d.lock.deadline(), start + period + 300 * ms);
        d.hear(period + 2 * ms, 1, bad, period);
        EXPECT_EQ(d.validity(), trusted);
        EXPECT_GE(*d.lock.deadline(), start + period + 12 * ms);
        EXPECT_LE(*d.lock.deadline(), start + period + 2 * ms + period / 4);
        // One yes alone does not move V, but is remembered.
        d.hear(period + 3 * ms, 2, Answer::granted, period);
        EXPECT_EQ(d.validity(), trusted);
        const Duration again = d.to_deadline();
        EXPECT_EQ(nodes_of(d.asked, Verb::extend), (Nodes{0, 1, 2}));
        EXPECT_GT(d.round[0].serial, first);
        d.hear(again + ms, 0, Answer::granted, again);
        EXPECT_EQ(d.validity(), period + trusted);
    }
}

TEST(Extend, KeepsTryingToTheEndOfValidity) {
    Driver d(renewing());
    d.win();
    int rounds = 0;
    Duration last{};
    for (int inputs = 0; inputs < 200 && d.lock.phase() == Phase::held; ++inputs) {
        const Duration at = d.to_deadline();
        if (d.asked.empty()) continue;
        EXPECT_LE(at - last, rounds == 0 ? period : 300 * ms + period / 4);
        last = at;
        ++rounds;
    }
    EXPECT_EQ(d.now, start + trusted);
    EXPECT_GE(rounds, 7);
    EXPECT_LE(rounds, 50);
}

TEST(Extend, ANodeThatLostTheKeyNoLongerCounts) {
    Driver d(renewing());
    d.win();
    Duration at = d.to_deadline();
    d.hear(at, 0, Answer::refused, at);
    EXPECT_EQ(d.validity(), trusted);
    d.hear(at, 1, Answer::granted, at);
    EXPECT_EQ(d.validity(), trusted); // nodes 1 and 2, of which 2 is the older
    d.hear(at, 2, Answer::granted, at);
    EXPECT_EQ(d.validity(), at + trusted);
    EXPECT_EQ(d.lock.deadline(), start + 2 * period);
    at = d.to_deadline();
    d.hear(at, 0, Answer::refused, at);
    d.hear(at, 1, Answer::granted, at);
    EXPECT_EQ(d.validity(), period + trusted);
    // One yes is not a quorum: once more, and soon.
    d.hear(at, 2, Answer::error, at);
    EXPECT_LE(*d.lock.deadline(), d.now + period / 4);
}

TEST(Extend, ARepeatedGrantDoesNotUndoARefusal) {
    Driver d(renewing());
    d.win();
    const auto acquires = d.round;
    const Duration at = d.to_deadline();
    d.hear(at, 0, Answer::refused, at);
    d.hear(at, 1, Answer::granted, at);
    d.hear(at, reply_to(acquires[0], Answer::granted, start + ms)); // heard a second time
    d.hear(at, 2, Answer::silent, at);
    EXPECT_EQ(d.validity(), trusted);
    d.to_deadline();
    d.hear(at + seconds{3}, reply_to(d.round[2], Answer::refused, start + at));
    EXPECT_EQ(d.lock.phase(), Phase::lost);
}

TEST(Release, SinceTheLossItAbandonsOnlyWhereACommandMayHaveBeen) {
    Driver d(terms_for(3));
    d.acquire({});
    d.hear(ms, 0, Answer::error); // connection refused
    d.hear(ms, 1, Answer::granted, Duration{});
    d.hear(ms, 2, Answer::granted, Duration{});
    d.release(trusted); // not yet noticed
    EXPECT_EQ(nodes_of(d.asked, Verb::abandon), (Nodes{1, 2}));
    for (const Request &request : std::vector(d.asked)) d.hear(trusted + ms, reply_to(request, Answer::refused, d.now));
    EXPECT_EQ(d.lock.ending(), Ending::lost);
}

TEST(Release, DoesNotWaitForADeadNode) {
    Driver d(terms_for(3));
    d.acquire({});
    for (const NodeIndex node : {0U, 1U}) d.hear(ms, node, Answer::granted, Duration{});
    d.hear(300 * ms, 2, Answer::silent, Duration{});
    d.release(seconds{1});
    EXPECT_EQ(nodes_of(d.asked, Verb::release), (Nodes{0, 1, 2}));
    const auto releases = d.asked;
    d.hear(seconds{1} + ms, reply_to(releases[0], Answer::granted, d.now));
    EXPECT_EQ(d.lock.phase(), Phase::releasing);
    d.hear(seconds{1} + ms, reply_to(releases[1], Answer::granted, d.now));
    EXPECT_EQ(d.lock.ending(), Ending::released);
}

TEST(Release, IsBounded) {
    Driver d(terms_for(3));
    d.win();
    d.release(seconds{1});
    EXPECT_EQ(d.to_deadline(), seconds{1} + 300 * ms);
    EXPECT_EQ(d.lock.ending(), Ending::released);
    EXPECT_EQ(d.lock.sweep()->answered(), 0U);
}

TEST(Release, EndsTheRenewal) {
    Driver d(renewing());
    d.win();
    d.release(period - ms);
    d.tick(period + ms);
    EXPECT_EQ(d.lock.phase(), Phase::releasing);
    EXPECT_TRUE(d.asked.empty());
}

using LockDeathTest = testing::Test;

TEST(LockDeathTest, OnlyWhatWasWonIsReleased) {
    Driver d(terms_for(3));
    EXPECT_DEATH(d.release({}), "only a lock that was won");
    d.acquire({});
    EXPECT_DEATH(d.lock.acquire(d.now, "other", 0), "one attempt at a time");
}

TEST(LockDeathTest, WhatWasWonIsNotGivenUp) {
    Driver d(terms_for(3));
    d.win();
    EXPECT_DEATH(d.give_up(ms), "a lock that was won");
    Terms terms = terms_for(4);
    terms.quorum = 2;
    EXPECT_DEATH(Lock{terms}, "share a node");
    terms = terms_for(3);
    terms.needed = trusted;
    EXPECT_DEATH(Lock{terms}, "long enough");
}

} // namespace
} // namespace redlock::core
