#include "core/survey.hh"

#include <gtest/gtest.h>

namespace redlock::core {
namespace {

Reply held(std::string holder, std::optional<Duration> left = seconds{9}, Fence fence = 0) {
    Reply reply;
    reply.verb = Verb::status;
    reply.answer = Answer::refused;
    reply.refusal = Refusal::held;
    reply.holder = std::move(holder);
    reply.holder_ttl = left;
    reply.fence = fence;
    return reply;
}

// One letter for each node: `?` nothing yet, `-` no key, `e` an error, `s` silence; any other is the holder.
Survey survey_of(std::string_view nodes, std::size_t quorum = 3) {
    Answers answers(nodes.size());
    for (NodeIndex node = 0; node < nodes.size(); ++node) {
        const char letter = nodes[node];
        if (letter == '?') continue;
        Reply &reply = answers[node].emplace(held({letter}));
        if (letter == '-') reply.refusal = Refusal::absent;
        if (letter == 'e') reply.answer = Answer::error;
        if (letter == 's') reply.answer = Answer::silent;
    }
    return survey(answers, quorum);
}

LockState state_of(std::string_view nodes, std::size_t quorum = 3) { return survey_of(nodes, quorum).state; }

TEST(Survey, HeldIsAQuorumOfTheSameHolder) {
    const Survey just = survey_of("ba?aa");
    EXPECT_EQ(just.state, LockState::held);
    EXPECT_EQ(just.holder, "a");
    EXPECT_EQ(just.agreeing, 3U);
    EXPECT_EQ(survey_of("aaaaa").agreeing, 5U);
    EXPECT_EQ(state_of("aeasa"), LockState::held);
    EXPECT_EQ(state_of("aaa--", 4), LockState::split);
}

TEST(Survey, FreeIsAQuorumWithoutTheKey) {
    const Survey clean = survey_of("es---");
    EXPECT_EQ(clean.state, LockState::free);
    EXPECT_EQ(clean.holder, "");
    EXPECT_EQ(clean.agreeing, 0U);
    // The keys of a minority cannot keep the next client from winning, and are told all the same.
    const Survey leftover = survey_of("a--a-");
    EXPECT_EQ(leftover.state, LockState::free);
    EXPECT_EQ(leftover.holder, "a");
    EXPECT_EQ(leftover.agreeing, 2U);
}

TEST(Survey, SplitIsNeither) {
    for (const std::string_view nodes : {"aabb-", "abcdf", "aa--?"}) EXPECT_EQ(state_of(nodes), LockState::split);
    EXPECT_EQ(state_of("ab", 2), LockState::split);
    // The holder of the most nodes is named.
    const Survey found = survey_of("baca-");
    EXPECT_EQ(found.holder, "a");
    EXPECT_EQ(found.agreeing, 2U);
    EXPECT_EQ(found.remaining, std::nullopt);
}

TEST(Survey, UnknownIsFewerThanAQuorumOfWords) {
    EXPECT_EQ(state_of("", 1), LockState::unknown);
    for (const std::string_view nodes : {"???", "--es?", "aaee?"}) EXPECT_EQ(state_of(nodes), LockState::unknown);
}

TEST(Survey, RemainingIsWhatAQuorumStillGrants) {
    const auto remaining = [](const Answers &answers, std::size_t quorum) { return survey(answers, quorum).remaining; };
    const Reply endless = held("a", std::nullopt), two = held("a", seconds{2}), three = held("a", seconds{3});
    EXPECT_EQ(remaining({held("a", seconds{1}), held("a", seconds{5}), three, held("a", seconds{4})}, 3), seconds{3});
    EXPECT_EQ(remaining({held("a", Duration{})}, 1), Duration{});
    EXPECT_EQ(remaining({held("b", seconds{99}), held("a", seconds{5}), three}, 2), seconds{3});
    EXPECT_EQ(remaining({endless, endless, three}, 2), std::nullopt);
    EXPECT_EQ(remaining({endless, two, three}, 2), seconds{3}); // one key without an end does not keep a quorum
}

TEST(Survey, TheFenceIsWhatAQuorumHasOnRecord) {
    const auto with = [](Fence fence) { return held("a", seconds{9}, fence); };
    EXPECT_EQ(survey({with(9), with(7), with(7), with(8), with(7)}, 3).fence, 7U);
    EXPECT_EQ(survey({with(8), with(9), with(8), with(8), held("b", seconds{9}, 10)}, 3).fence, 8U);
    EXPECT_EQ(survey({with(8), with(8), std::nullopt}, 2).fence, 8U);
    EXPECT_EQ(survey({with(0), with(0), with(9)}, 2).fence, 0U); // another library's lock
    EXPECT_EQ(survey({with(8), held("b", seconds{9}, 8), std::nullopt}, 2).fence, 0U);
}

TEST(Survey, HoldersAreBytes) {
    const std::string zero("\0\xff", 2);
    const Survey found = survey({held(zero), held(zero), held(std::string("\0", 1))}, 2);
    EXPECT_EQ(found.holder, zero);
    EXPECT_EQ(found.agreeing, 2U);
    // An empty value is a holder, too: another client's SET key "".
    EXPECT_EQ(survey({held(""), held(""), std::nullopt}, 2).state, LockState::held);
}

} // namespace
} // namespace redlock::core
