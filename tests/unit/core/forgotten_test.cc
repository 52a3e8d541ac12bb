// A node in quarantine that has lost a key is no witness of a loss.
#include "core/forgotten.hh"

#include <gtest/gtest.h>

namespace redlock::core {
namespace {

constexpr Duration guard = seconds{30};

Reply said(Answer answer, Refusal refusal = Refusal::absent) {
    Reply reply;
    reply.verb = Verb::release;
    reply.answer = answer;
    reply.refusal = refusal;
    return reply;
}
const Reply deleted = said(Answer::granted), absent = said(Answer::refused),
            not_ours = said(Answer::refused, Refusal::not_ours), silent = said(Answer::silent);

// A node that has been in quarantine for `age`.
Reply joined(Duration age) {
    Reply reply;
    reply.verb = Verb::inspect;
    reply.answer = Answer::granted;
    reply.run_id = "a";
    reply.node_time = 1'000'000'000;
    reply.state.joined = *reply.node_time - std::chrono::duration_cast<std::chrono::microseconds>(age).count();
    return reply;
}
const Reply young = joined(seconds{1}), old = joined(guard);

bool is_lost(const Answers &told, const Answers &inspected, Duration guard_time = guard) {
    return proves_loss(without_forgotten(told, inspected, guard_time), told.size() / 2 + 1);
}

TEST(Forgotten, AnAbsentKeyOnNodesInQuarantineIsNoLoss) {
    EXPECT_FALSE(is_lost({absent, absent, absent, deleted, deleted}, {young, young, young, old, old}));
    EXPECT_FALSE(is_lost({absent, absent, absent}, {young, young, young}));
    EXPECT_FALSE(is_lost({absent}, {young}));
}

TEST(Forgotten, AnAbsentKeyOnNodesThatVoteIsALoss) {
    EXPECT_TRUE(is_lost({absent, absent, absent, deleted, deleted}, {old, old, old, old, old}));
    EXPECT_TRUE(is_lost({absent, absent, deleted}, {joined(guard + seconds{1}), old, old}));
    EXPECT_FALSE(is_lost({absent, absent, deleted}, {joined(guard - std::chrono::microseconds{1}), old, old}));
    EXPECT_FALSE(is_lost({absent, deleted, deleted}, {old, old, old}));
}

TEST(Forgotten, SomebodyElsesKeyIsALossInQuarantineToo) {
    EXPECT_TRUE(is_lost({not_ours, not_ours, deleted}, {young, young, old}));
    EXPECT_TRUE(is_lost({not_ours, absent, deleted}, {young, old, old}));
    EXPECT_FALSE(is_lost({not_ours, absent, deleted}, {young, young, old}));
}

TEST(Forgotten, ANodeThatDoesNotTellItsQuarantineHasNone) {
    Reply nameless = young, timeless = young, never = young, failed = young;
    nameless.run_id = "";
    timeless.node_time.reset();
    never.state.joined.reset();
    failed.answer = Answer::error;
    for (const Reply &each : {nameless, timeless, never, failed, silent})
        EXPECT_TRUE(is_lost({absent, absent, deleted}, {each, each, old}));
    EXPECT_TRUE(is_lost({absent, absent, deleted}, {std::nullopt, std::nullopt, old}));
    EXPECT_TRUE(is_lost({absent, absent, deleted}, {}));
}

TEST(Forgotten, WithoutTheGuardEveryNodeVotesAtOnce) {
    EXPECT_TRUE(is_lost({absent, absent, deleted}, {young, young, old}, Duration{}));
}

TEST(Forgotten, AnExtendTellsTheQuarantineItself) {
    Reply gone = absent;
    gone.quarantine = seconds{7};
    const Answers told = without_forgotten({gone, deleted, silent, std::nullopt}, {}, guard);
    EXPECT_EQ(told[0]->answer, Answer::error);
    EXPECT_EQ(told[0]->trouble, Trouble::quarantined);
    EXPECT_EQ(told[0]->quarantine, seconds{7});
    EXPECT_EQ(told[1]->answer, Answer::granted);
    EXPECT_EQ(told[2]->answer, Answer::silent);
    EXPECT_FALSE(told[3]);
    EXPECT_EQ(heard(told), 1U);
}

} // namespace
} // namespace redlock::core
