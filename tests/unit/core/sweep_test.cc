#include "core/sweep.hh"

#include "driver.hh"

namespace redlock::core {
namespace {

Sweep::Plan plan(std::vector<bool> ask, std::vector<bool> await, std::size_t quorum) {
    Sweep::Plan plan;
    plan.key = "key";
    plan.token = "token";
    plan.ask = std::move(ask);
    plan.await = std::move(await);
    plan.quorum = quorum;
    plan.node_timeout = milliseconds{300};
    plan.first = 40;
    return plan;
}

Reply answer(Serial serial, Answer answer, Refusal refusal = Refusal::absent) {
    Reply reply;
    reply.serial = serial;
    reply.node = serial - 40;
    reply.verb = Verb::release;
    reply.answer = answer;
    reply.refusal = refusal;
    return reply;
}

TEST(Sweep, AsksWhomItShould) {
    Sweep sweep(start, plan({true, false, true}, {true, true, true}, 2));
    const auto requests = sweep.take_requests();
    EXPECT_EQ(nodes_of(requests, Verb::release), (Nodes{0, 2}));
    EXPECT_EQ(requests[1].serial, 42U);
    EXPECT_EQ(requests[1].key, "key");
    EXPECT_EQ(requests[1].token, "token");
    EXPECT_EQ(requests[1].deadline, start + milliseconds{300});
    EXPECT_TRUE(sweep.take_requests().empty());
}

TEST(Sweep, WaitsOnlyForThoseExpectedToAnswer) {
    Sweep sweep(start, plan({true, true, true}, {true, false, true}, 3));
    sweep.on_reply(start, answer(40, Answer::granted));
    EXPECT_FALSE(sweep.done());
    sweep.on_reply(start, answer(42, Answer::granted));
    EXPECT_TRUE(sweep.done());
    EXPECT_EQ(sweep.deadline(), std::nullopt);
}

TEST(Sweep, WithNobodyToWaitForItIsDoneAtOnce) {
    EXPECT_TRUE(Sweep(start, plan({true, true}, {false, false}, 2)).done());
    EXPECT_TRUE(Sweep(start, plan({false, true}, {true, false}, 2)).done());
}

TEST(Sweep, CountsEachAnswerOnce) {
    Sweep sweep(start, plan(std::vector<bool>(6, true), std::vector<bool>(6, true), 4));
    for (const Reply &reply :
         {answer(40, Answer::granted), answer(40, Answer::granted), answer(41, Answer::refused),
          answer(41, Answer::granted), answer(42, Answer::refused, Refusal::not_ours), answer(43, Answer::error),
          answer(44, Answer::silent), answer(39, Answer::granted), answer(46, Answer::granted)})
        sweep.on_reply(start, reply);
    Reply stray = answer(45, Answer::granted);
    stray.node = 2; // the serial of another node
    sweep.on_reply(start, stray);
    EXPECT_EQ(sweep.granted(), 1U);
    EXPECT_EQ(sweep.not_ours(), 1U);
    EXPECT_EQ(sweep.answered(), 3U);
    EXPECT_FALSE(sweep.done()); // node 5
    sweep.on_reply(start, answer(45, Answer::error));
    EXPECT_TRUE(sweep.done());
}

TEST(Sweep, HasLittlePatienceOnceAQuorumHasAnswered) {
    struct Case {
        milliseconds answered;
        milliseconds until;
    };
    // Four times what the quorum took, never below 20 ms, never beyond the node timeout.
    for (const Case c : {Case{milliseconds{1}, milliseconds{21}}, Case{milliseconds{30}, milliseconds{150}},
                         Case{milliseconds{100}, milliseconds{300}}}) {
        Sweep sweep(start, plan({true, true, true}, {true, true, true}, 2));
        sweep.on_reply(start, answer(40, Answer::granted));
        EXPECT_EQ(sweep.deadline(), start + milliseconds{300});
        sweep.on_reply(start + c.answered, answer(41, Answer::granted));
        EXPECT_EQ(sweep.deadline(), start + c.until);
        sweep.tick(start + c.until - Duration{1});
        EXPECT_FALSE(sweep.done());
        sweep.tick(start + c.until);
        EXPECT_TRUE(sweep.done());
    }
}

TEST(Sweep, WaitsForAVerdictOnARelease) {
    for (const Verb verb : {Verb::release, Verb::extend, Verb::abandon}) {
        Sweep::Plan some = plan(std::vector<bool>(5, true), std::vector<bool>(5, true), 3);
        some.verb = verb;
        Sweep sweep(start, std::move(some));
        const auto hear = [&](Serial serial, Answer with) {
            Reply reply = answer(serial, with, Refusal::not_ours);
            reply.verb = verb;
            sweep.on_reply(start + milliseconds{1}, reply);
        };
        hear(40, Answer::granted);
        hear(41, Answer::granted);
        hear(42, Answer::refused);
        // Ours or not? What was abandoned need not be known.
        EXPECT_EQ(sweep.deadline(), start + milliseconds{verb == Verb::abandon ? 21 : 300});
        hear(43, Answer::refused);
        EXPECT_EQ(sweep.deadline(), start + milliseconds{verb == Verb::abandon ? 21 : 300});
        hear(44, Answer::refused);
        EXPECT_TRUE(sweep.done());
        EXPECT_EQ(sweep.proven(), Outcome::lost);
    }
}

TEST(Sweep, ALookAtTheLockIsPatientWithEveryNode) {
    Sweep::Plan look = plan({true, true, true}, {true, true, true}, 2);
    look.verb = Verb::status;
    Sweep sweep(start, std::move(look));
    for (const Serial serial : {Serial{40}, Serial{41}}) {
        Reply reply = answer(serial, Answer::refused);
        reply.verb = Verb::status;
        sweep.on_reply(start + milliseconds{1}, reply);
    }
    EXPECT_EQ(sweep.answered(), 2U);
    EXPECT_EQ(sweep.deadline(), start + milliseconds{300});
    sweep.tick(start + milliseconds{299});
    EXPECT_FALSE(sweep.done());
}

TEST(Sweep, ErrorsAndSilenceDoNotMakeItImpatient) {
    Sweep sweep(start, plan({true, true, true}, {true, true, true}, 2));
    sweep.on_reply(start, answer(40, Answer::error));
    sweep.on_reply(start, answer(41, Answer::silent));
    EXPECT_EQ(sweep.deadline(), start + milliseconds{300});
    sweep.tick(start + milliseconds{300});
    EXPECT_TRUE(sweep.done());
    sweep.on_reply(start + milliseconds{301}, answer(42, Answer::granted));
    EXPECT_EQ(sweep.answered(), 0U); // done is done
}

} // namespace
} // namespace redlock::core
