// What a caller must not do to a Lock.
#include "driver.hh"

namespace redlock::core {
namespace {

constexpr milliseconds ms{1};

using LockDeathTest = testing::Test;

TEST(LockDeathTest, OneAttemptAtATimeAndNoReleaseBeforeAWin) {
    Driver d(terms_for(3));
    EXPECT_DEATH(d.release({}), "only a lock that was won");
    d.acquire({});
    EXPECT_DEATH(d.acquire({}), "one attempt at a time");
}

TEST(LockDeathTest, NoGivingUpAfterAWin) {
    Driver d(terms_for(3));
    d.win();
    EXPECT_DEATH(d.give_up(ms), "a lock that was won");
    d.tick(trusted);
    ASSERT_EQ(d.lock.phase(), Phase::lost);
    EXPECT_DEATH(d.give_up(trusted), "a lock that was won");
}

TEST(LockDeathTest, NoSecondRelease) {
    Driver d(terms_for(3));
    d.win();
    d.release(ms);
    EXPECT_DEATH(d.release(ms), "only a lock that was won");
}

TEST(LockDeathTest, TermsWithoutASharedNodeOrALongEnoughLease) {
    Terms terms = terms_for(4);
    for (const std::size_t quorum : {2U, 5U}) {
        terms.quorum = quorum;
        EXPECT_DEATH(Lock{terms}, "share a node");
    }
    terms.quorum = 4;
    const Lock all(terms);
    terms.needed = trusted;
    EXPECT_DEATH(Lock{terms}, "long enough");
}

} // namespace
} // namespace redlock::core
