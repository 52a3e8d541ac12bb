#include "cmd/timing.hh"

#include <gtest/gtest.h>

namespace redlock::cmd {
namespace {

using namespace std::chrono_literals;

Value<Duration> given(Duration length) { return {length, {.kind = Origin::Kind::typed, .name = "--option"}}; }

TEST(Timing, DefaultsFollowTheTtl) {
    struct Row {
        Duration ttl, slack, node_timeout, kill_after, margin;
    };
    const Row rows[] = {
        {30s, 5s, 300ms, 5s, 250ms},       {60s, 5s, 600ms, 5s, 250ms},     {1h, 5s, 1s, 5s, 250ms},
        {12s, 2s, 120ms, 2s, 250ms},       {3s, 500ms, 50ms, 500ms, 250ms}, {1200ms, 200ms, 50ms, 200ms, 100ms},
        {600ms, 100ms, 50ms, 100ms, 50ms},
    };
    for (const Row &row : rows) {
        const Timing timing = complete({.ttl = {row.ttl}});
        EXPECT_EQ(timing.trust.slack, row.slack);
        EXPECT_EQ(timing.node_timeout, row.node_timeout);
        EXPECT_EQ(timing.kill_after, row.kill_after);
        EXPECT_EQ(timing.margin, row.margin);
    }
}

TEST(Timing, ComputesTheProtocolsFormula) {
    const Timing timing = complete({});
    EXPECT_EQ(timing.fresh_validity(), 30s - 300ms - 5s - 2ms);
    EXPECT_EQ(timing.renewal_period(), Duration{25s} / 3);
    EXPECT_EQ(needed(timing, Command::exec), 5s + 500ms + Duration{25s} / 3);
    EXPECT_EQ(needed(timing, Command::acquire), 300ms);
}

TEST(Timing, EveryTtlFitsWithTheDefaults) {
    for (Duration ttl = shortest_ttl; ttl < longest_duration; ttl = ttl * 11 / 10) {
        EXPECT_TRUE(fits(complete({.ttl = {ttl}}), Command::exec)) << to_ms(ttl);
        EXPECT_TRUE(fits(complete({.ttl = {ttl}}), Command::acquire)) << to_ms(ttl);
    }
}

TEST(Timing, TheSufficientTtlIsNearTheBorder) {
    const TimingWish wishes[] = {
        {.ttl = {5s}, .kill_after = given(10s)}, {.ttl = {30s}, .slack = given(25s)},
        {.ttl = {30s}, .kill_after = given(1h)}, {.ttl = {200ms}, .kill_after = given(300ms)},
        {.ttl = {30s}, .drift = {0.49}},         {.ttl = {1s}, .node_timeout = given(2s)},
        {.ttl = {1s}, .slack = given(10s)},
    };
    for (TimingWish wish : wishes) {
        ASSERT_FALSE(fits(complete(wish), Command::exec)) << to_ms(wish.ttl.value);
        const auto sufficient = sufficient_ttl(wish, Command::exec);
        ASSERT_TRUE(sufficient.has_value());
        wish.ttl.value = *sufficient;
        EXPECT_TRUE(fits(complete(wish), Command::exec)) << to_ms(*sufficient);
        wish.ttl.value = *sufficient - std::max<Duration>(*sufficient / 40, *sufficient <= 10s ? 101ms : 1001ms);
        EXPECT_FALSE(fits(complete(wish), Command::exec)) << to_ms(*sufficient);
    }
    EXPECT_FALSE(sufficient_ttl({.ttl = {1s}, .slack = given(longest_duration)}, Command::acquire));
}

} // namespace
} // namespace redlock::cmd
