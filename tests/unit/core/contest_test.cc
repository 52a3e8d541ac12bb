// Who stays and who goes when nobody has a quorum.
#include "core/contest.hh"

#include <gtest/gtest.h>

namespace redlock::core {
namespace {

// One letter for each node: `-` nothing yet, `e` an error, `s` silence, `+` ours; any other is the token that the node
// named.
Round round_of(std::string_view votes, std::size_t quorum) {
    Round round(votes.size(), quorum, 1, Instant{});
    for (NodeIndex node = 0; node < votes.size(); ++node) {
        if (votes[node] == '-') continue;
        Reply reply;
        reply.serial = 1 + node;
        reply.node = node;
        reply.answer = votes[node] == '+'   ? Answer::granted
                       : votes[node] == 'e' ? Answer::error
                       : votes[node] == 's' ? Answer::silent
                                            : Answer::refused;
        reply.holder = votes[node];
        EXPECT_TRUE(round.take(reply));
    }
    return round;
}

Standing standing_of(std::string_view votes, bool all_in = false, std::string_view token = "m") {
    return standing(round_of(votes, majority(votes.size())), majority(votes.size()), token, all_in);
}

TEST(Contest, AQuorumOfSomebodyElseShutsUsOut) {
    EXPECT_EQ(standing_of("aaa++"), Standing::shut_out);
    EXPECT_EQ(standing_of("aaa--"), Standing::shut_out);
    EXPECT_EQ(standing_of("zz+"), Standing::shut_out);
}

TEST(Contest, WhoHasMoreThanAnybodyElseIsAhead) {
    EXPECT_EQ(standing_of("++abc"), Standing::ahead);
    EXPECT_EQ(standing_of("++aaz"), Standing::behind);
    EXPECT_EQ(standing_of("+aabb"), Standing::behind);
    EXPECT_EQ(standing_of("++aee"), Standing::ahead); // three in reach
}

TEST(Contest, OfEqualsTheSmallestTokenIsAhead) {
    EXPECT_EQ(standing_of("++zz"), Standing::ahead);
    EXPECT_EQ(standing_of("++aa"), Standing::behind);
    EXPECT_EQ(standing_of("+abcd", true, "Z"), Standing::ahead);
    EXPECT_EQ(standing_of("+abcd"), Standing::behind);
    EXPECT_EQ(standing_of("zyx", true), Standing::behind); // no vote, no equal
}

TEST(Contest, VotesUnderWayMayDecide) {
    EXPECT_EQ(standing_of("+a-"), Standing::undecided);
    EXPECT_EQ(standing_of("+z-"), Standing::undecided);
    EXPECT_EQ(standing_of("+aa-b"), Standing::behind);    // at best as many as "a"
    EXPECT_EQ(standing_of("+zz-y"), Standing::undecided); // at best as many as "z", and smaller
    EXPECT_EQ(standing_of("+a-", true), Standing::behind);
    EXPECT_EQ(standing_of("+z-", true), Standing::ahead);
}

TEST(Contest, WithTooFewInReachThereIsNobodyToWaitFor) {
    EXPECT_EQ(standing_of("++ees"), Standing::behind);
    EXPECT_EQ(standing_of("++se-", true), Standing::behind);
    EXPECT_EQ(standing_of("+ase-"), Standing::undecided);
}

TEST(Contest, MostNamedOfEqualsIsTheSmallest) {
    const Named found = most_named(round_of("bba+a", 3).answers());
    EXPECT_EQ(found.token, "a");
    EXPECT_EQ(found.nodes, 2U);
    EXPECT_EQ(most_named(round_of("++es-", 3).answers()).nodes, 0U);
    EXPECT_EQ(most_named(round_of("cba", 2).answers()).token, "a");
}

} // namespace
} // namespace redlock::core
