// What is said about a lock that was lost under a command.
#include "cmd/loss.hh"

#include <csignal>
#include <gtest/gtest.h>

namespace redlock::cmd {
namespace {

using core::Outcome;
using process::Status;
constexpr milliseconds tolerance{250};

Status exited(int code) { return Status(code << 8); }
Status killed(int signal) { return Status(signal); }

TEST(Loss, AStallIsAStallWhateverTheAnswersSaidAfterwards) {
    for (const Outcome outcome : {Outcome::won, Outcome::lost, Outcome::pending})
        for (const Outcome proven : {Outcome::won, Outcome::lost, Outcome::pending})
            for (const bool counted : {false, true})
                EXPECT_EQ(why_lost({seconds{8}, tolerance, false, outcome, proven, counted}),
                          "redlock or the machine stood still for 8 s, too long for its lease");
}

TEST(Loss, AStallDuringAFailureIsNotTheOnlyReason) {
    EXPECT_EQ(why_lost({seconds{8}, tolerance, true, Outcome::lost, Outcome::pending, false}),
              "it could not be renewed in time, and redlock or the machine stood still for 8 s");
}

TEST(Loss, ASmallDelayIsNone) {
    EXPECT_EQ(why_lost({tolerance, tolerance, true, Outcome::lost, Outcome::pending, false}),
              "it could not be renewed in time");
}

TEST(Loss, WhatTheNodesSaid) {
    EXPECT_EQ(why_lost({{}, tolerance, false, Outcome::lost, Outcome::lost, false}), "too few nodes still held it");
    EXPECT_EQ(why_lost({{}, tolerance, false, Outcome::pending, Outcome::pending, false}),
              "it could not be renewed in time");
    EXPECT_EQ(why_lost({{}, tolerance, false, Outcome::won, Outcome::won, false}),
              "too few of the answers counted, for a clock was set or a server is listed twice");
    EXPECT_EQ(why_lost({{}, tolerance, false, Outcome::won, Outcome::won, true}), "it could not be renewed in time");
}

TEST(Loss, HowTheCommandEnded) {
    EXPECT_EQ(how_it_ended(exited(3), {}, false), "ended with code 3 before redlock could end it");
    EXPECT_EQ(how_it_ended(killed(SIGSEGV), {}, false), "died of SEGV before redlock could end it");
    EXPECT_EQ(how_it_ended(exited(0), {SIGTERM}, false), "was sent TERM, and ended with code 0");
    EXPECT_EQ(how_it_ended(killed(SIGHUP), {SIGTERM}, false), "was sent TERM, and died of HUP");
    EXPECT_EQ(how_it_ended(killed(SIGTERM), {SIGTERM}, false), "was ended by TERM");
    EXPECT_EQ(how_it_ended(killed(SIGTERM), {SIGTERM, SIGKILL}, false), "was ended by TERM");
    EXPECT_EQ(how_it_ended(killed(SIGKILL), {SIGTERM, SIGKILL}, false), "was ended by KILL");
    EXPECT_EQ(how_it_ended(exited(1), {SIGKILL}, false), "was sent KILL, and ended with code 1");
    EXPECT_EQ(how_it_ended(killed(SIGKILL), {SIGKILL}, true), "could not be killed in time, and then died of KILL");
    EXPECT_EQ(how_it_ended(killed(40), {}, false), "died of signal 40 before redlock could end it");
    EXPECT_EQ(how_it_ended(std::nullopt, {}, false), "could not be executed");
}

} // namespace
} // namespace redlock::cmd
