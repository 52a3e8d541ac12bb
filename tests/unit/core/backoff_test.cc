#include "core/backoff.hh"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace redlock::core {
namespace {

constexpr Duration base = milliseconds{4}, cap = milliseconds{200};

std::vector<Duration> draw(std::uint64_t seed, std::size_t count) {
    Backoff backoff(seed);
    std::vector<Duration> pauses(count);
    for (Duration &pause : pauses) pause = backoff.next(base, cap);
    return pauses;
}

TEST(Backoff, StaysWithinAWindowThatDoubles) {
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        const auto pauses = draw(seed, 80); // more than 64: doubling must not overflow
        for (std::size_t i = 0; i < pauses.size(); ++i) {
            ASSERT_GE(pauses[i], base / 2);
            ASSERT_LE(pauses[i], i < 6 ? std::min(base * (1 << i), cap) : cap);
        }
    }
}

TEST(Backoff, SpreadsOverTheWholeWindow) {
    int tenths[10] = {};
    Backoff backoff(3);
    for (int i = 0; i < 10'000; ++i) {
        backoff.reset();
        const Duration pause = backoff.next(base, cap) - base / 2;
        ++tenths[std::min<Duration::rep>(9, 10 * pause.count() / (base / 2).count())];
    }
    for (const int count : tenths) EXPECT_NEAR(count, 1000, 200);
}

TEST(Backoff, IsRepeatableAndDiffersBySeed) {
    EXPECT_EQ(draw(5, 20), draw(5, 20));
    std::set<Duration> firsts;
    for (std::uint64_t seed = 0; seed < 100; ++seed) firsts.insert(draw(seed, 1)[0]);
    EXPECT_EQ(firsts.size(), 100U);
}

TEST(Backoff, ResetStartsAgainAtTheBase) {
    Backoff backoff(1);
    for (int i = 0; i < 10; ++i) backoff.next(base, cap);
    backoff.reset();
    EXPECT_LE(backoff.next(base, cap), base);
}

TEST(Backoff, ACapBelowTheBaseHolds) {
    Backoff backoff(1);
    for (int i = 0; i < 10; ++i) EXPECT_LE(backoff.next(seconds{1}, base), base);
}

} // namespace
} // namespace redlock::core
