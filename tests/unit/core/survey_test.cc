#include "core/survey.hh"

#include <gtest/gtest.h>

namespace redlock::core {
namespace {

Reply held(std::string holder, std::optional<Duration> left = seconds{9}) {
    Reply reply;
    reply.verb = Verb::status;
    reply.answer = Answer::refused;
    reply.refusal = Refusal::held;
    reply.holder = std::move(holder);
    reply.holder_ttl = left;
    return reply;
}

Reply absent() {
    Reply reply;
    reply.verb = Verb::status;
    reply.answer = Answer::refused;
    reply.refusal = Refusal::absent;
    return reply;
}

Reply failed(Answer answer) {
    Reply reply;
    reply.verb = Verb::status;
    reply.answer = answer;
    reply.holder = "not to be believed";
    return reply;
}

LockState state_of(const Answers &answers, std::size_t quorum = 3) { return survey(answers, quorum).state; }

TEST(Survey, HeldIsAQuorumOfTheSameHolder) {
    const Survey all = survey({held("a"), held("a"), held("a"), held("a"), held("a")}, 3);
    EXPECT_EQ(all.state, LockState::held);
    EXPECT_EQ(all.holder, "a");
    EXPECT_EQ(all.agreeing, 5U);
    const Survey just = survey({held("b"), held("a"), std::nullopt, held("a"), held("a")}, 3);
    EXPECT_EQ(just.state, LockState::held);
    EXPECT_EQ(just.holder, "a");
    EXPECT_EQ(just.agreeing, 3U);
    EXPECT_EQ(state_of({held("a"), held("a"), held("a"), absent(), absent()}, 4), LockState::split);
}

TEST(Survey, HeldEvenIfNobodyElseAnswers) {
    EXPECT_EQ(state_of({held("a"), failed(Answer::error), held("a"), failed(Answer::silent), held("a")}),
              LockState::held);
}

TEST(Survey, FreeIsAQuorumWithoutTheKey) {
    const Survey clean = survey({absent(), absent(), absent(), absent(), absent()}, 3);
    EXPECT_EQ(clean.state, LockState::free);
    EXPECT_EQ(clean.holder, "");
    EXPECT_EQ(clean.agreeing, 0U);
    // What a minority still has cannot keep the next one from winning, and is told all the same.
    const Survey leftover = survey({held("a"), absent(), absent(), held("a"), absent()}, 3);
    EXPECT_EQ(leftover.state, LockState::free);
    EXPECT_EQ(leftover.holder, "a");
    EXPECT_EQ(leftover.agreeing, 2U);
}

TEST(Survey, SplitIsNeither) {
    EXPECT_EQ(state_of({held("a"), held("a"), held("b"), held("b"), absent()}), LockState::split);
    EXPECT_EQ(state_of({held("a"), held("b"), held("c"), held("d"), held("e")}), LockState::split);
    EXPECT_EQ(state_of({held("a"), held("a"), absent(), absent(), std::nullopt}), LockState::split);
    EXPECT_EQ(state_of({held("a"), held("b")}, 2), LockState::split);
    // The holder of the most nodes is named.
    const Survey found = survey({held("b"), held("a"), held("c"), held("a"), absent()}, 3);
    EXPECT_EQ(found.holder, "a");
    EXPECT_EQ(found.agreeing, 2U);
    EXPECT_EQ(found.remaining, std::nullopt);
}

TEST(Survey, UnknownIsFewerThanAQuorumOfWords) {
    EXPECT_EQ(state_of({}, 1), LockState::unknown);
    EXPECT_EQ(state_of({std::nullopt, std::nullopt, std::nullopt}, 2), LockState::unknown);
    EXPECT_EQ(state_of({absent(), absent(), failed(Answer::error), failed(Answer::silent), std::nullopt}),
              LockState::unknown);
    EXPECT_EQ(state_of({held("a"), held("a"), failed(Answer::error), failed(Answer::error), std::nullopt}),
              LockState::unknown);
}

TEST(Survey, ErrorsAndSilenceNameNobody) {
    const Survey found = survey({failed(Answer::error), failed(Answer::silent), absent(), absent(), absent()}, 3);
    EXPECT_EQ(found.state, LockState::free);
    EXPECT_EQ(found.holder, "");
}

TEST(Survey, RemainingIsWhatAQuorumStillGrants) {
    const Survey found =
        survey({held("a", seconds{1}), held("a", seconds{5}), held("a", seconds{3}), held("a", seconds{4})}, 3);
    EXPECT_EQ(found.remaining, seconds{3});
    const Survey one = survey({held("a", Duration{})}, 1);
    EXPECT_EQ(one.remaining, Duration{});
    // Another holder's time is nothing to it.
    const Survey mixed = survey({held("b", seconds{99}), held("a", seconds{5}), held("a", seconds{3})}, 2);
    EXPECT_EQ(mixed.remaining, seconds{3});
}

TEST(Survey, RemainingWithoutAnEnd) {
    EXPECT_EQ(survey({held("a", std::nullopt), held("a", std::nullopt), held("a", seconds{3})}, 2).remaining,
              std::nullopt);
    // One key without an end does not keep a quorum.
    EXPECT_EQ(survey({held("a", std::nullopt), held("a", seconds{2}), held("a", seconds{3})}, 2).remaining, seconds{3});
}

TEST(Survey, TheFenceIsWhatAQuorumHasOnRecord) {
    const auto with = [](Reply reply, Fence fence) {
        reply.fence = fence;
        return reply;
    };
    const Reply a7 = with(held("a"), 7), a8 = with(held("a"), 8), a9 = with(held("a"), 9);
    EXPECT_EQ(survey({a9, a7, a7, a8, a7}, 3).fence, 7U);
    EXPECT_EQ(survey({a8, a9, a8, a8, with(held("b"), 10)}, 3).fence, 8U);
    EXPECT_EQ(survey({a8, a8, absent()}, 2).fence, 8U);
    EXPECT_EQ(survey({held("a"), held("a"), a9}, 2).fence, 0U); // another library's lock
    EXPECT_EQ(survey({a8, with(held("b"), 8), absent()}, 2).fence, 0U);
}

TEST(Survey, HoldersAreBytes) {
    const std::string zero("\0\xff", 2);
    const Survey found = survey({held(zero), held(zero), held(std::string("\0", 1))}, 2);
    EXPECT_EQ(found.holder, zero);
    EXPECT_EQ(found.agreeing, 2U);
    // An empty value is a holder, too: another client's SET key "".
    EXPECT_EQ(state_of({held(""), held(""), absent()}, 2), LockState::held);
}

} // namespace
} // namespace redlock::core
