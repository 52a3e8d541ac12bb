#include "core/agreement.hh"

#include "core/round.hh"

#include <bit>
#include <gtest/gtest.h>

namespace redlock::core {
namespace {

// One list contains the other. Is there a quorum of each without a node in common?
bool two_quorums(std::size_t ours, std::size_t mine, std::size_t theirs, std::size_t other) {
    const auto of = [](unsigned set, std::size_t count) { return std::popcount(set) == static_cast<int>(count); };
    for (unsigned one = 0; one < 1U << ours; ++one)
        for (unsigned two = 0; of(one, mine) && two < 1U << theirs; ++two)
            if (of(two, other) && (one & two) == 0) return true;
    return false;
}

TEST(Agreement, BothCouldHoldExactlyWhenTwoQuorumsNeedNotMeet) {
    constexpr std::size_t most = 7;
    for (std::size_t ours = 1; ours <= most; ++ours)
        for (std::size_t mine = majority(ours); mine <= ours; ++mine)
            for (std::size_t theirs = 1; theirs <= most; ++theirs)
                for (std::size_t other = majority(theirs); other <= theirs; ++other)
                    EXPECT_EQ(could_both_hold({"", theirs, other, {}}, {"", ours, mine, {}}),
                              two_quorums(ours, mine, theirs, other));
    EXPECT_FALSE(could_both_hold({}, {"", 3, 2, {}})); // an agreement that is not readable
}

TEST(Agreement, WithoutAGuardOurGrantsDoNotKeepOthersOut) {
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

} // namespace
} // namespace redlock::core
