#include "core/node_clock.hh"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace redlock::core {
namespace {

using std::chrono::microseconds;

constexpr Instant start = Instant{seconds{1000}};
constexpr NodeTime epoch = 1'700'000'000'000'000; // what the node's clock shows at `start`
constexpr double drift = 0.01;

// What a clock shows that runs like ours and was set forward by `step`.
NodeTime shown(Instant at, Duration step = {}) {
    return epoch + std::chrono::floor<microseconds>(at - start + step).count();
}

TEST(NodeClock, TheFirstReadingIsNoStepWhateverItShows) {
    for (const NodeTime time : {NodeTime{0}, epoch, epoch * 2}) {
        NodeClock clock(drift);
        EXPECT_FALSE(clock.latest());
        EXPECT_EQ(clock.read(time, start, start + milliseconds{1}), Duration{});
        EXPECT_EQ(clock.latest()->time, time);
        EXPECT_EQ(clock.latest()->at, start + milliseconds{1});
    }
}

// What a clock that was read at `start` tells when it is read again so much later, `step` ahead.
Duration step_told(Duration later, Duration step, double assumed = drift) {
    NodeClock clock(assumed);
    clock.read(shown(start), start, start);
    return clock.read(shown(start + later, step), start + later, start + later);
}

TEST(NodeClock, TellsAStepByHand) {
    // Both readings are exact to a microsecond, and in ten seconds the clocks may part by 100 ms and a hundredth of it.
    const Duration apart{101'011'104};
    for (const Duration step : {seconds{1}, seconds{5}, seconds{3600}}) {
        EXPECT_EQ(step_told(seconds{10}, step), step - apart);
        EXPECT_EQ(step_told(seconds{10}, -step), -step + apart);
    }
}

TEST(NodeClock, WhatDriftExplainsIsNoStep) {
    for (const milliseconds step : {milliseconds{100}, milliseconds{-100}}) {
        EXPECT_EQ(step_told(seconds{10}, step), Duration{});
        EXPECT_NE(step_told(seconds{10}, step, 0), Duration{});
    }
}

TEST(NodeClock, WhatTheWayExplainsIsNoStep) {
    // The node may have read its clock at once, or just before we heard of it.
    const Instant later = start + seconds{1};
    const Duration trip = milliseconds{400};
    NodeClock clock(0);
    clock.read(shown(start), start, start + trip);
    EXPECT_EQ(clock.read(shown(later + trip), later, later + trip), Duration{});
    // At once in the one case and just before in the other: both is only possible when it shows what we thought.
    EXPECT_EQ(clock.read(shown(later + trip + trip), later + trip, later + trip + trip), Duration{});
    EXPECT_GT(clock.read(shown(start + seconds{3} + trip, trip), start + seconds{3}, start + seconds{3} + trip),
              Duration{});
}

TEST(NodeClock, ManyWideReadingsTogetherAreANarrowOne) {
    // Each of them leaves room for 300 ms. The first says that the node is ahead by -300 to 0, the second by 0 to 300.
    const Duration trip = milliseconds{300};
    NodeClock narrowed(0);
    narrowed.read(shown(start), start, start + trip);
    narrowed.read(shown(start + trip + trip), start + trip, start + trip + trip);
    const Instant later = start + seconds{1};
    EXPECT_EQ(narrowed.read(shown(later, milliseconds{200}), later, later),
              milliseconds{200} - microseconds{1} - Duration{4});

    NodeClock wide(0);
    wide.read(shown(start + trip), start, start + trip);
    EXPECT_EQ(wide.read(shown(later, milliseconds{200}), later, later), Duration{});
}

TEST(NodeClock, AStepIsToldOnce) {
    NodeClock clock(drift);
    clock.read(shown(start), start, start);
    Instant now = start;
    for (int i = 0; i < 5; ++i) {
        now += seconds{10};
        const Duration found = clock.read(shown(now, seconds{20}), now, now);
        EXPECT_EQ(found > Duration{}, i == 0);
    }
    now += seconds{10};
    EXPECT_LT(clock.read(shown(now), now, now), -seconds{19});
}

TEST(NodeClock, OfSmallStepsWhatDriftDoesNotExplain) {
    // In ten seconds the drift explains 100 ms.
    for (const Duration step : {milliseconds{90}, milliseconds{150}}) {
        NodeClock clock(drift);
        Instant now = start;
        Duration ahead{}, told{};
        clock.read(shown(now), now, now);
        for (int i = 0; i < 100; ++i) {
            now += seconds{10};
            ahead += step;
            told += clock.read(shown(now, ahead), now, now);
        }
        EXPECT_LE(told, 100 * std::max<Duration>(step - milliseconds{100}, {}));
        EXPECT_GE(told, 100 * std::max<Duration>(step - milliseconds{102}, {}));
    }
}

TEST(NodeClock, AnAnswerOutOfOrderIsNoStep) {
    NodeClock clock(drift);
    const Duration trip = milliseconds{5};
    clock.read(shown(start + seconds{2}), start + seconds{2}, start + seconds{2} + trip);
    EXPECT_EQ(clock.read(shown(start + seconds{1}), start + seconds{1}, start + seconds{1} + trip), Duration{});
}

// A clock within the drift is never accused, and of a step never more is told than there was; but for what the drift
// does while one answer is on its way.
TEST(NodeClock, OnlyWhatIsCertain) {
    constexpr Duration on_the_way = milliseconds{1};
    std::mt19937 random(1);
    const auto up_to = [&](unsigned milli) { return microseconds{random() % (1000 * milli + 1)}; };
    for (int run = 0; run < 300; ++run) {
        NodeClock clock(drift);
        const double rate = 1 + drift * (static_cast<double>(random() % 1999) - 999) / 1000;
        Duration stepped{};
        Instant now = start;
        for (int i = 0; i < 60; ++i) {
            now += up_to(3000);
            const Duration step =
                i > 0 && random() % 5 == 0 ? seconds{static_cast<int>(random() % 21) - 10} : seconds{0};
            stepped += step;
            const Instant sent = now, read = sent + up_to(50), received = read + up_to(50);
            now = received;
            const Duration run_for{static_cast<Duration::rep>(static_cast<double>((read - start).count()) * rate)};
            const Duration told = clock.read(shown(start, run_for + stepped), sent, received);
            ASSERT_LE(told, std::max(step, Duration{}) + on_the_way) << "run " << run << ", reading " << i;
            ASSERT_GE(told, std::min(step, Duration{}) - on_the_way) << "run " << run << ", reading " << i;
            // What is not told is what one reading leaves open at each end, and what the clocks may have parted since.
            if (step > Duration{}) {
                ASSERT_GE(told, step - milliseconds{300});
            }
            if (step < Duration{}) {
                ASSERT_LE(told, step + milliseconds{300});
            }
        }
    }
}

} // namespace
} // namespace redlock::core
