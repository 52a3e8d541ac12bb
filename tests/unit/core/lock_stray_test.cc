// What no honest wire and no careful caller would do to a Lock.
#include "driver.hh"

namespace redlock::core {
namespace {

constexpr milliseconds ms{1};

Reply as(Verb verb, Reply reply) {
    reply.verb = verb;
    return reply;
}

TEST(Stray, AnotherVerbsGrantIsNoLease) {
    for (const Verb verb : {Verb::release, Verb::abandon, Verb::status}) {
        Driver d(terms_for(3));
        d.acquire({});
        for (const Request &request : std::vector(d.round))
            d.hear(ms, as(verb, reply_to(request, Answer::granted, d.now)));
        EXPECT_NE(d.lock.phase(), Phase::held);
        EXPECT_EQ(d.lock.validity(), distant_past);
    }
}

TEST(Stray, AnotherVerbsAnswersMoveNoLeaseThatIsHeld) {
    Terms terms = terms_for(3);
    terms.renew = true;
    for (const Answer answer : {Answer::granted, Answer::refused}) {
        Driver d(terms);
        d.win();
        const Duration before = d.validity();
        d.to_deadline();
        ASSERT_EQ(nodes_of(d.asked, Verb::extend).size(), 3U);
        for (const Request &request : std::vector(d.round))
            d.hear(d.now - start, as(Verb::release, reply_to(request, answer, d.now)));
        ASSERT_EQ(d.lock.phase(), Phase::held);
        EXPECT_EQ(d.validity(), before);
    }
}

using StrayDeathTest = testing::Test;

TEST(StrayDeathTest, AQuorumOfMoreNodesThanThereAre) {
    Terms terms = terms_for(3);
    terms.quorum = 3;
    const Lock all(terms);
    terms.quorum = 4;
    EXPECT_DEATH(Lock{terms}, "share a node");
}

TEST(StrayDeathTest, WhatWasLostIsNotGivenUp) {
    Driver d(terms_for(3));
    d.win();
    d.tick(trusted);
    ASSERT_EQ(d.lock.phase(), Phase::lost);
    EXPECT_DEATH(d.give_up(trusted), "a lock that was won");
}

TEST(StrayDeathTest, WhatWasGivenBackIsNotReleasedAgain) {
    Driver d(terms_for(3));
    d.win();
    d.release(ms);
    EXPECT_DEATH(d.release(ms), "only a lock that was won");
}

} // namespace
} // namespace redlock::core
