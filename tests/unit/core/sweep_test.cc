#include "core/sweep.hh"

#include "driver.hh"

namespace redlock::core {
namespace {

constexpr milliseconds ms{1};

Sweep::Plan plan(std::vector<bool> ask, std::vector<bool> await, std::size_t quorum, Verb verb = Verb::release) {
    Sweep::Plan plan;
    plan.verb = verb;
    plan.key = "key";
    plan.token = "token";
    plan.ask = std::move(ask);
    plan.await = std::move(await);
    plan.quorum = quorum;
    plan.node_timeout = 300 * ms;
    plan.first = 40;
    return plan;
}

Sweep::Plan all(std::size_t nodes, std::size_t quorum, Verb verb = Verb::release) {
    return plan(std::vector<bool>(nodes, true), std::vector<bool>(nodes, true), quorum, verb);
}

Reply answer(NodeIndex node, Answer answer, Refusal refusal = Refusal::absent) {
    Reply reply;
    reply.serial = 40 + node;
    reply.node = node;
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
    EXPECT_EQ(requests[1].deadline, start + 300 * ms);
    EXPECT_TRUE(sweep.take_requests().empty());
}

TEST(Sweep, WaitsOnlyForThoseExpectedToAnswer) {
    Sweep sweep(start, plan({true, true, true}, {true, false, true}, 3));
    sweep.on_reply(start, answer(0, Answer::granted));
    EXPECT_FALSE(sweep.done());
    sweep.on_reply(start, answer(2, Answer::granted));
    EXPECT_TRUE(sweep.done());
    EXPECT_EQ(sweep.deadline(), std::nullopt);
    EXPECT_TRUE(Sweep(start, plan({true, true}, {false, false}, 2)).done());
    EXPECT_TRUE(Sweep(start, plan({false, true}, {true, false}, 2)).done());
}

TEST(Sweep, CountsEachAnswerOnce) {
    Sweep sweep(start, all(6, 4));
    Reply before = answer(0, Answer::granted), beyond = answer(6, Answer::granted), stray = answer(5, Answer::granted);
    before.serial = 39;
    stray.node = 2; // the serial of another node
    for (const Reply &reply : {answer(0, Answer::granted), answer(0, Answer::granted), answer(1, Answer::refused),
                               answer(1, Answer::granted), answer(2, Answer::refused, Refusal::not_ours),
                               answer(3, Answer::error), answer(4, Answer::silent), before, beyond, stray})
        sweep.on_reply(start, reply);
    EXPECT_EQ(sweep.granted(), 1U);
    EXPECT_EQ(sweep.not_ours(), 1U);
    EXPECT_EQ(sweep.answered(), 3U);
    EXPECT_FALSE(sweep.done()); // node 5
    sweep.on_reply(start, answer(5, Answer::error));
    EXPECT_TRUE(sweep.done());
}

TEST(Sweep, HasLittlePatienceOnceAQuorumHasAnswered) {
    // Four times what the quorum took, never below 20 ms, never beyond the node timeout.
    for (const auto &[answered, until] : {std::pair{1, 21}, std::pair{30, 150}, std::pair{100, 300}}) {
        Sweep sweep(start, all(3, 2));
        sweep.on_reply(start, answer(0, Answer::granted));
        EXPECT_EQ(sweep.deadline(), start + 300 * ms);
        sweep.on_reply(start + answered * ms, answer(1, Answer::granted));
        EXPECT_EQ(sweep.deadline(), start + until * ms);
        sweep.tick(start + until * ms - Duration{1});
        EXPECT_FALSE(sweep.done());
        sweep.tick(start + until * ms);
        EXPECT_TRUE(sweep.done());
    }
}

TEST(Sweep, WaitsForAVerdictOnARelease) {
    for (const Verb verb : {Verb::release, Verb::extend, Verb::abandon}) {
        Sweep sweep(start, all(5, 3, verb));
        for (NodeIndex node = 0; node < 5; ++node) {
            // Ours or not? What was abandoned need not be known.
            const bool waits = node < 3 || verb != Verb::abandon;
            EXPECT_EQ(sweep.deadline(), start + (waits ? 300 : 21) * ms);
            sweep.on_reply(start + ms, answer(node, node < 2 ? Answer::granted : Answer::refused, Refusal::not_ours));
        }
        EXPECT_TRUE(sweep.done());
        EXPECT_EQ(sweep.proven(), Outcome::lost);
    }
}

TEST(Sweep, ALookAtTheLockIsPatientWithEveryNode) {
    Sweep sweep(start, all(3, 2, Verb::status));
    for (const NodeIndex node : {0U, 1U}) sweep.on_reply(start + ms, answer(node, Answer::refused));
    EXPECT_EQ(sweep.answered(), 2U);
    EXPECT_EQ(sweep.deadline(), start + 300 * ms);
}

TEST(Sweep, ErrorsAndSilenceDoNotMakeItImpatient) {
    Sweep sweep(start, all(3, 2));
    sweep.on_reply(start, answer(0, Answer::error));
    sweep.on_reply(start, answer(1, Answer::silent));
    EXPECT_EQ(sweep.deadline(), start + 300 * ms);
    sweep.tick(start + 300 * ms);
    EXPECT_TRUE(sweep.done());
    sweep.on_reply(start + 301 * ms, answer(2, Answer::granted));
    EXPECT_EQ(sweep.answered(), 0U); // done is done
}

} // namespace
} // namespace redlock::core
