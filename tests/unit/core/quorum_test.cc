#include "core/round.hh"

#include <gtest/gtest.h>

namespace redlock::core {
namespace {

// All ways in which the missing votes may still fall, one by one.
Outcome by_enumeration(std::size_t nodes, std::size_t quorum, std::size_t yes, std::size_t no) {
    const std::size_t missing = nodes - yes - no;
    bool may_win = false, may_fail = false;
    for (std::size_t more = 0; more <= missing; ++more) (yes + more >= quorum ? may_win : may_fail) = true;
    return may_win && may_fail ? Outcome::pending : may_win ? Outcome::won : Outcome::lost;
}

TEST(Tally, AgreesWithEnumeration) {
    for (std::size_t nodes = 1; nodes <= 9; ++nodes)
        for (std::size_t quorum = 1; quorum <= nodes; ++quorum)
            for (std::size_t yes = 0; yes <= nodes; ++yes)
                for (std::size_t no = 0; yes + no <= nodes; ++no)
                    ASSERT_EQ(tally(nodes, quorum, yes, no), by_enumeration(nodes, quorum, yes, no))
                        << nodes << " nodes, quorum " << quorum << ", " << yes << " yes, " << no << " no";
}

TEST(Tally, IsNeverPendingWithAllVotesIn) {
    for (std::size_t nodes = 1; nodes <= 9; ++nodes)
        for (std::size_t yes = 0; yes <= nodes; ++yes)
            EXPECT_EQ(tally(nodes, majority(nodes), yes, nodes - yes), 2 * yes > nodes ? Outcome::won : Outcome::lost);
}

TEST(Majority, IsTheSmallestOfWhichAnyTwoMeet) {
    for (std::size_t nodes = 1; nodes <= 9; ++nodes) {
        EXPECT_GT(2 * majority(nodes), nodes);
        EXPECT_LE(2 * (majority(nodes) - 1), nodes);
    }
}

Reply vote(Serial serial, NodeIndex node, Answer answer) {
    Reply reply;
    reply.serial = serial;
    reply.node = node;
    reply.answer = answer;
    return reply;
}

TEST(Round, TakesOnlyWhatBelongsToIt) {
    Round round(3, 2, 10, Instant{});
    EXPECT_FALSE(round.take(vote(9, 0, Answer::granted)));
    EXPECT_FALSE(round.take(vote(11, 0, Answer::granted)));
    EXPECT_FALSE(round.take(vote(13, 3, Answer::granted)));
    EXPECT_EQ(round.pending(), 3U);
    EXPECT_TRUE(round.take(vote(10, 0, Answer::granted)));
    EXPECT_FALSE(round.take(vote(10, 0, Answer::refused)));
    EXPECT_EQ(round.heard(), 1U);
    EXPECT_EQ(round.outcome(), Outcome::pending);
}

TEST(Round, OnlySilenceMayBeTakenBack) {
    for (const Answer first : {Answer::granted, Answer::refused, Answer::error, Answer::silent})
        for (const Answer second : {Answer::granted, Answer::refused, Answer::error, Answer::silent}) {
            Round round(1, 1, 1, Instant{});
            EXPECT_TRUE(round.take(vote(1, 0, first)));
            const bool news = first == Answer::silent && second != Answer::silent;
            EXPECT_EQ(round.take(vote(1, 0, second)), news);
            EXPECT_EQ(round.count(news ? second : first), 1U);
        }
}

TEST(Round, OnceClosedItIsNotPending) {
    Round round(4, 3, 1, Instant{});
    round.take(vote(1, 0, Answer::granted));
    round.take(vote(2, 1, Answer::granted));
    EXPECT_EQ(round.outcome(), Outcome::pending);
    round.close("no answer");
    EXPECT_EQ(round.outcome(), Outcome::lost);
    EXPECT_EQ(round.count(Answer::silent), 2U);
    EXPECT_EQ(round.answers()[3]->text, "no answer");
    EXPECT_EQ(round.answers()[3]->node, 3U);
    EXPECT_TRUE(round.take(vote(4, 3, Answer::granted)));
    EXPECT_EQ(round.outcome(), Outcome::won);
}

} // namespace
} // namespace redlock::core
