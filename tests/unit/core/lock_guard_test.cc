// Nodes that have no vote: in quarantine, used by others in another way, listed twice, with a clock that was set.
#include "driver.hh"

#include "core/agreement.hh"

#include <bit>

namespace redlock::core {
namespace {

constexpr milliseconds ms{1};

Terms guarded(std::size_t nodes, std::optional<Duration> wait = std::nullopt) {
    Terms terms = terms_for(nodes);
    terms.guard = terms.ttl;
    terms.wait = wait;
    return terms;
}

Reply quarantined(const Request &request, Duration left) {
    Reply reply = reply_to(request, Answer::error, start);
    reply.trouble = Trouble::quarantined;
    reply.quarantine = left;
    return reply;
}

Reply contradicting(const Request &request, std::size_t nodes, std::size_t quorum) {
    Reply reply = reply_to(request, Answer::error, start);
    reply.trouble = Trouble::disagrees;
    reply.others = Agreement{"", nodes, quorum, seconds{30}};
    return reply;
}

Reply granted_by(const Request &request, const std::string &run_id) {
    Reply reply = reply_to(request, Answer::granted, start);
    reply.run_id = run_id;
    return reply;
}

// At `at` by our clock, `step` further by the node's than it should be.
Reply extended(const Request &request, Duration at, Duration step) {
    Reply reply = reply_to(request, Answer::granted, start + at);
    reply.node_time = (at + step) / microseconds{1};
    return reply;
}

TEST(Quarantine, EveryRequestSaysWhatAllMustAgreeUpon) {
    Terms terms = guarded(5);
    terms.prefix = "app:";
    Driver d(terms);
    d.acquire({});
    for (const Request &request : d.round) EXPECT_EQ(request.agreement, (Agreement{"app:", 5, 3, seconds{30}}));
}

TEST(Quarantine, TellsWhenAQuorumMayVote) {
    Driver d(guarded(5, Duration{}));
    d.acquire({});
    d.hear(ms, 0, Answer::granted, Duration{});
    d.hear(ms, quarantined(d.round[1], seconds{9}));
    EXPECT_EQ(d.lock.quarantine(), std::nullopt); // two of five, as far as is known
    d.hear(ms, quarantined(d.round[2], seconds{4}));
    EXPECT_EQ(d.lock.quarantine(), seconds{9});
    d.hear(ms, quarantined(d.round[3], seconds{7}));
    EXPECT_EQ(d.lock.quarantine(), seconds{7});
    d.hear(ms, quarantined(d.round[4], seconds{1}));
    EXPECT_EQ(d.lock.quarantine(), seconds{4});
    while (d.lock.phase() != Phase::ended) d.to_deadline();
    EXPECT_EQ(d.lock.ending(), Ending::unreachable);
}

TEST(Quarantine, WhoWaitsWaitsItOutAndIsThereWhenItEnds) {
    Driver d(guarded(3));
    const Duration ends = seconds{600}; // long past the ttl after which nodes out of reach are given up
    int attempts = 0;
    while (d.now < start + ends) {
        ASSERT_LT(++attempts, 10'000);
        const Duration at = d.now - start;
        d.acquire(at, "token" + std::to_string(attempts));
        for (NodeIndex node = 0; node < 3; ++node) d.hear(at + ms, quarantined(d.round[node], ends - at));
        while (d.lock.phase() != Phase::idle) d.to_deadline();
    }
    EXPECT_LT(d.now, start + ends + 5 * ms);
}

TEST(Quarantine, HasNoSayInALeaseEither) {
    Terms terms = guarded(3);
    terms.renew = true;
    Driver d(terms);
    d.win();
    d.tick(period);
    d.hear(period + ms, 0, Answer::granted, period);
    for (const NodeIndex node : {1U, 2U}) d.hear(period + ms, quarantined(d.round[node], seconds{1}));
    EXPECT_EQ(d.validity(), trusted); // that of before, for it may be all that is true
    d.to_deadline();
    ASSERT_FALSE(d.asked.empty());
    const Duration again = d.now - start;
    EXPECT_LT(again, 2 * period); // the renewal has not succeeded
    d.hear(again + ms, 0, Answer::granted, again);
    d.hear(again + ms, 1, Answer::granted, again);
    EXPECT_EQ(d.validity(), again + trusted);
}

TEST(Quarantine, WhatWasSaidLastIsKnownWhenTheNextRenewalHasNoAnswerYet) {
    Terms terms = guarded(3);
    terms.renew = true;
    Driver d(terms);
    d.win();
    d.tick(period);
    for (const NodeIndex node : {0U, 1U, 2U}) d.hear(period + ms, quarantined(d.round[node], seconds{node + 1}));
    d.to_deadline();
    ASSERT_EQ(d.lock.last_round().pending(), 3U);
    d.hear(d.now - start + ms, quarantined(d.round[0], seconds{9}));
    EXPECT_EQ(d.lock.latest_answers()[0]->quarantine, seconds{9});
    EXPECT_EQ(d.lock.latest_answers()[2]->quarantine, seconds{3});
}

TEST(Disagreement, EndsTheAttemptWhereBothCouldHoldIt) {
    Driver d(guarded(5));
    d.acquire({});
    d.hear(ms, 0, Answer::granted, Duration{});
    d.hear(ms, contradicting(d.round[1], 9, 5));
    while (d.lock.phase() != Phase::ended) d.to_deadline();
    EXPECT_EQ(d.lock.ending(), Ending::disagreed);
}

TEST(Disagreement, CostsAVoteWhereTheQuorumsMeet) {
    Driver d(guarded(5));
    d.acquire({});
    d.hear(ms, contradicting(d.round[0], 3, 3));
    d.hear(ms, contradicting(d.round[1], 5, 4));
    for (NodeIndex node = 2; node < 5; ++node) d.hear(ms, node, Answer::granted, Duration{});
    ASSERT_EQ(d.lock.phase(), Phase::held);
    const auto notices = d.lock.take_notices();
    ASSERT_EQ(notices.size(), 2U);
    EXPECT_EQ(notices[0].node, 0U);
    EXPECT_EQ(notices[1].others->quorum, 4U);
    EXPECT_FALSE(notices[1].danger);
    EXPECT_TRUE(d.lock.take_notices().empty());
}

TEST(Disagreement, OfOneNodeIsNoDangerWhereTheOthersTurnThemAway) {
    Driver d(guarded(5));
    d.acquire({});
    d.hear(ms, contradicting(d.round[0], 3, 2)); // they need one more
    for (NodeIndex node = 1; node < 4; ++node) d.hear(ms, node, Answer::granted, Duration{});
    EXPECT_EQ(d.lock.phase(), Phase::acquiring); // it may be the last one
    d.hear(2 * ms, 4, Answer::granted, Duration{});
    EXPECT_EQ(d.lock.phase(), Phase::held);
}

TEST(Disagreement, IsADangerWhereANodeThatIsSilentMayHelpThem) {
    Driver d(guarded(5));
    d.acquire({});
    d.hear(ms, contradicting(d.round[0], 3, 2));
    for (NodeIndex node = 1; node < 4; ++node) d.hear(ms, node, Answer::granted, Duration{});
    d.to_deadline();
    EXPECT_GE(d.now, d.round[0].deadline);
    while (d.lock.phase() != Phase::ended) d.to_deadline();
    EXPECT_EQ(d.lock.ending(), Ending::disagreed);
}

TEST(Disagreement, WhoRefusesOrHasNoVoteYetIsAskedAgain) {
    for (const bool young : {false, true}) {
        Driver d(guarded(5));
        d.acquire({});
        d.hear(ms, contradicting(d.round[0], 3, 2));
        for (NodeIndex node = 1; node < 4; ++node) d.hear(ms, node, Answer::granted, Duration{});
        if (young) d.hear(2 * ms, quarantined(d.round[4], seconds{9}));
        else d.hear(2 * ms, 4, Answer::refused, Duration{});
        EXPECT_EQ(d.lock.phase(), Phase::pausing);
        EXPECT_TRUE(d.lock.in_doubt());
        d.to_deadline();
        EXPECT_EQ(d.lock.phase(), Phase::idle);
    }
}

TEST(Disagreement, WhoDoesNotWaitGoesWhenTimeIsUp) {
    Driver d(guarded(5, 2 * ms));
    d.acquire({});
    d.hear(ms, contradicting(d.round[0], 3, 2));
    for (NodeIndex node = 1; node < 4; ++node) d.hear(ms, node, Answer::granted, Duration{});
    d.to_deadline();
    EXPECT_LE(d.now, start + 2 * ms);
    EXPECT_EQ(d.lock.phase(), Phase::cleaning);
    while (d.lock.phase() != Phase::ended) d.to_deadline();
    EXPECT_EQ(d.lock.ending(), Ending::disagreed);
}

TEST(Disagreement, WithoutAGuardNobodyTurnsThemAway) {
    const Agreement others{"", 3, 2, seconds{30}};
    Reply yes;
    yes.answer = Answer::granted;
    Reply no = yes;
    no.others = others;
    const Answers answers{no, yes, yes, yes, std::nullopt};
    EXPECT_FALSE(could_hold_beside_us({no, yes, yes, yes, yes}, others, {"", 5, 3, seconds{30}}, true));
    EXPECT_FALSE(could_hold_beside_us(answers, others, {"", 5, 3, seconds{30}}, false));
    EXPECT_TRUE(could_hold_beside_us(answers, others, {"", 5, 3, seconds{30}}, true));
    EXPECT_TRUE(could_hold_beside_us({no, yes, yes, yes, yes}, others, {"", 5, 3, {}}, true));
}

TEST(Disagreement, OfTooManyEndsTheAttemptAtOnce) {
    Driver d(guarded(3));
    d.acquire({});
    d.hear(ms, contradicting(d.round[0], 3, 3));
    EXPECT_EQ(d.lock.phase(), Phase::acquiring);
    d.hear(ms, contradicting(d.round[1], 3, 3));
    while (d.lock.phase() != Phase::ended) d.to_deadline();
    EXPECT_EQ(d.lock.ending(), Ending::disagreed);
}

TEST(Disagreement, IsHeardOfAlsoWhenTheRoundIsLostAlready) {
    for (const auto wait : {std::optional<Duration>{Duration{}}, std::optional<Duration>{}}) {
        Driver d(guarded(3, wait));
        d.acquire({});
        d.hear(ms, contradicting(d.round[0], 3, 3));
        d.hear(ms, quarantined(d.round[1], seconds{9}));
        d.hear(2 * ms, contradicting(d.round[2], 3, 3));
        while (d.lock.phase() != Phase::ended && d.now < start + seconds{1}) d.to_deadline();
        EXPECT_EQ(d.lock.ending(), Ending::disagreed);
    }
}

TEST(Disagreement, AfterTheWinIsSaidOnce) {
    Driver d(guarded(3));
    d.acquire({});
    d.hear(ms, 0, Answer::granted, Duration{});
    d.hear(ms, 1, Answer::granted, Duration{});
    ASSERT_EQ(d.lock.phase(), Phase::held);
    d.hear(2 * ms, contradicting(d.round[2], 5, 3));
    d.hear(3 * ms, contradicting(d.round[2], 5, 3));
    EXPECT_EQ(d.lock.phase(), Phase::held);
    const auto notices = d.lock.take_notices();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_TRUE(notices[0].danger);
}

TEST(Disagreement, OneServerListedTwiceVotesForNobody) {
    Driver d(guarded(3));
    d.acquire({});
    d.hear(ms, granted_by(d.round[0], "aa"));
    d.hear(ms, granted_by(d.round[1], "aa"));
    while (d.lock.phase() != Phase::ended) d.to_deadline();
    EXPECT_EQ(d.lock.ending(), Ending::disagreed);
}

// The first two nodes are one server; the second name has not answered when the lock is won.
class ListedTwice : public testing::Test {
  protected:
    ListedTwice() : d(terms()) {
        d.acquire({});
        d.hear(ms, granted_by(d.round[0], "a"));
        d.hear(ms, granted_by(d.round[2], "b"));
    }
    static Terms terms() {
        Terms terms = guarded(3);
        terms.renew = true;
        return terms;
    }
    Driver d;
};

TEST_F(ListedTwice, CountsOnceWhenItComesLate) {
    ASSERT_EQ(d.lock.phase(), Phase::held);
    d.hear(2 * ms, granted_by(d.round[1], "a"));
    const auto notices = d.lock.take_notices();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_EQ(notices[0].node, 1U);
    EXPECT_EQ(notices[0].same_as, 0U);
    d.tick(period);
    ASSERT_FALSE(d.asked.empty());
    for (const NodeIndex node : {0U, 1U}) d.hear(period + ms, node, Answer::granted, period);
    EXPECT_EQ(d.validity(), trusted);                           // one of them, and the other one of before
    EXPECT_LT(*d.lock.deadline(), start + period + period / 2); // so it is asked for again soon
    d.hear(period + 2 * ms, 2, Answer::granted, period);
    EXPECT_EQ(d.validity(), period + trusted);
}

TEST_F(ListedTwice, IsToldAlsoByARenewalAndSaidOnce) {
    for (const int turn : {1, 2}) {
        d.to_deadline();
        ASSERT_EQ(d.round.size(), 3U);
        for (const NodeIndex node : {0U, 1U, 2U}) {
            Reply reply = reply_to(d.round[node], Answer::granted, d.now);
            reply.run_id = node == 2 ? "b" : "a";
            d.hear(d.now - start + ms, reply);
        }
        EXPECT_EQ(d.lock.take_notices().size(), turn == 1 ? 1U : 0U);
    }
}

// One list contains the other. Is there a quorum of each without a node in common?
bool two_quorums(std::size_t ours, std::size_t mine, std::size_t theirs, std::size_t other) {
    const auto of = [](unsigned set, std::size_t count) { return std::popcount(set) == static_cast<int>(count); };
    for (unsigned one = 0; one < 1U << ours; ++one)
        for (unsigned two = 0; of(one, mine) && two < 1U << theirs; ++two)
            if (of(two, other) && (one & two) == 0) return true;
    return false;
}

TEST(QuorumsMeet, ExactlyWhenTheyMust) {
    constexpr std::size_t most = 7;
    for (std::size_t ours = 1; ours <= most; ++ours)
        for (std::size_t mine = majority(ours); mine <= ours; ++mine)
            for (std::size_t theirs = 1; theirs <= most; ++theirs)
                for (std::size_t other = majority(theirs); other <= theirs; ++other)
                    EXPECT_EQ(could_both_hold({"", theirs, other, {}}, {"", ours, mine, {}}),
                              two_quorums(ours, mine, theirs, other));
    EXPECT_FALSE(could_both_hold({}, {"", 3, 2, {}})); // terms that cannot be read
}

class SetForward : public testing::Test {
  protected:
    SetForward() : d(terms()) { d.win(); }
    static Terms terms() {
        Terms terms = guarded(3);
        terms.renew = true;
        return terms;
    }
    // A renewal in which node 0's clock is `step` ahead of what it was before the first.
    void renew(Duration step) {
        d.to_deadline();
        const Duration at = d.now - start;
        for (NodeIndex node = 0; node < 3; ++node)
            d.hear(at, extended(d.round[node], at, node == 0 ? step : Duration{}));
    }
    Driver d;
};

TEST_F(SetForward, ByMoreThanTheSlackDoesNotCountUntilTheNextRenewal) {
    renew({});
    EXPECT_TRUE(d.lock.take_notices().empty());
    renew(seconds{6});
    const auto notices = d.lock.take_notices();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_TRUE(notices[0].too_far);
    EXPECT_GT(notices[0].step, seconds{5});
    EXPECT_EQ(d.validity(), d.now - start + trusted); // the other two
    renew(seconds{6});
    EXPECT_TRUE(d.lock.take_notices().empty());
}

TEST_F(SetForward, SmallStepsAreAddedUpOverALease) {
    renew({});
    renew(seconds{1});
    renew(seconds{2});
    EXPECT_TRUE(d.lock.take_notices().empty());
    renew(seconds{3});
    const auto notices = d.lock.take_notices();
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_FALSE(notices[0].too_far);
    EXPECT_GT(notices[0].step, milliseconds{2500});
}

} // namespace
} // namespace redlock::core
