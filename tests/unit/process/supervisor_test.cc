#include "process/supervisor.hh"

#include <csignal>
#include <gtest/gtest.h>

namespace redlock::process {
namespace {

using Signals = std::vector<int>;
using State = Supervisor::State;

constexpr Duration grace = seconds{5};
constexpr Duration margin = milliseconds{250};
constexpr Instant start = Instant{seconds{1000}};
constexpr Instant validity = start + seconds{24};

Supervisor running() {
    Supervisor s({grace, margin, SIGTERM});
    s.started(start, validity);
    return s;
}

TEST(Supervisor, LeavesAHealthyCommandAlone) {
    Supervisor s = running();
    EXPECT_EQ(s.needed_validity(), milliseconds{5500});
    EXPECT_EQ(s.deadline(), validity - margin - grace);
    s.tick(validity - margin - grace - Duration{1});
    EXPECT_EQ(s.take_signals(), Signals{});
    EXPECT_FALSE(s.lost());
}

TEST(Supervisor, RenewalMovesTheDeadline) {
    Supervisor s = running();
    s.validity_is(start + seconds{8}, validity + seconds{8});
    s.tick(validity - margin - grace);
    EXPECT_EQ(s.take_signals(), Signals{});
    EXPECT_EQ(s.deadline(), validity + seconds{8} - margin - grace);
}

TEST(Supervisor, TermThenKillBeforeTheEndOfValidity) {
    Supervisor s = running();
    s.tick(validity - margin - grace);
    EXPECT_EQ(s.take_signals(), (Signals{SIGTERM, SIGCONT}));
    EXPECT_TRUE(s.lost());
    EXPECT_EQ(s.deadline(), validity - margin);
    s.tick(validity - margin - Duration{1});
    EXPECT_EQ(s.take_signals(), Signals{});
    s.tick(validity - margin);
    EXPECT_EQ(s.take_signals(), Signals{SIGKILL});
    EXPECT_EQ(s.state(), State::killed);
    EXPECT_EQ(s.deadline(), std::nullopt);
}

TEST(Supervisor, ARenewalDuringTheGraceComesTooLate) {
    Supervisor s = running();
    s.tick(validity - margin - grace);
    s.validity_is(validity - margin - seconds{2}, validity + seconds{20});
    EXPECT_EQ(s.deadline(), validity - margin);
    s.tick(validity - margin);
    EXPECT_EQ(s.take_signals(), (Signals{SIGTERM, SIGCONT, SIGKILL}));
    EXPECT_TRUE(s.lost());
}

TEST(Supervisor, AShrinkingValidityPullsKillForward) {
    Supervisor s = running();
    s.tick(validity - margin - grace);
    s.validity_is(validity - margin - grace, validity - seconds{3});
    EXPECT_EQ(s.deadline(), validity - seconds{3} - margin);
}

TEST(Supervisor, ALeaseLostForGoodKillsAtOnce) {
    Supervisor s = running();
    s.validity_is(start + seconds{1}, distant_past);
    EXPECT_EQ(s.take_signals(), Signals{SIGKILL});
    EXPECT_TRUE(s.lost());
}

TEST(Supervisor, AWakeUpAfterTheEndKillsAtOnce) {
    Supervisor s = running();
    s.tick(validity + std::chrono::hours{8});
    EXPECT_EQ(s.take_signals(), Signals{SIGKILL});
}

TEST(Supervisor, LateTermLeavesOnlyWhatIsLeftOfTheGrace) {
    Supervisor s = running();
    s.tick(validity - margin - seconds{1});
    EXPECT_EQ(s.deadline(), validity - margin);
}

TEST(Supervisor, PassesSignalsOnAndRemembersThem) {
    Supervisor s = running();
    s.pass_on(SIGINT);
    s.pass_on(SIGINT);
    EXPECT_EQ(s.take_signals(), (Signals{SIGINT, SIGINT}));
    EXPECT_FALSE(s.lost());
}

TEST(Supervisor, SignalsAfterTheEndGoNowhere) {
    Supervisor s = running();
    s.ended(start);
    s.pass_on(SIGTERM);
    s.tick(validity + seconds{1});
    EXPECT_EQ(s.take_signals(), Signals{});
    EXPECT_FALSE(s.lost());
}

TEST(Supervisor, AnEndSeenAfterTheLeaseCountsAsLost) {
    Supervisor s = running();
    s.ended(validity);
    EXPECT_TRUE(s.lost());
    Supervisor in_time = running();
    in_time.ended(validity - Duration{1});
    EXPECT_FALSE(in_time.lost());
}

TEST(Supervisor, FirstSignalIsTheUsersChoice) {
    Supervisor s({grace, margin, SIGUSR1});
    s.started(start, validity);
    s.tick(validity - margin - grace);
    EXPECT_EQ(s.take_signals(), (Signals{SIGUSR1, SIGCONT}));
}

TEST(Supervisor, PassesSignalsOnToACommandThatIsEnding) {
    Supervisor s = running();
    s.tick(validity - margin - grace);
    s.pass_on(SIGINT);
    EXPECT_EQ(s.take_signals(), (Signals{SIGTERM, SIGCONT, SIGINT}));
    s.tick(validity - margin);
    s.pass_on(SIGINT); // nobody is left to hear it
    EXPECT_EQ(s.take_signals(), Signals{SIGKILL});
    Supervisor waiting({grace, margin, SIGTERM});
    waiting.pass_on(SIGINT);
    EXPECT_EQ(waiting.take_signals(), Signals{});
}

} // namespace
} // namespace redlock::process
