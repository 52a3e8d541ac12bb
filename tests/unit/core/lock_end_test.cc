// A lock that was not won: pauses, deadlines, and which news it ends with.
#include "driver.hh"

#include <algorithm>

namespace redlock::core {
namespace {

constexpr milliseconds ms{1};

Terms waiting(std::optional<Duration> wait, std::size_t nodes = 3) {
    Terms terms = terms_for(nodes);
    terms.wait = wait;
    return terms;
}

// What a node says, in one letter: granted, refused, error, denied, silent; '-' nothing.
void say(Driver &d, Duration at, NodeIndex node, char what) {
    const Instant sent = d.lock.last_round().started();
    switch (what) {
    case 'g': return d.hear(at, reply_to(d.round[node], Answer::granted, sent));
    case 'r': return d.hear(at, reply_to(d.round[node], Answer::refused, sent));
    case 'e': return d.hear(at, reply_to(d.round[node], Answer::error, std::nullopt));
    case 'd': return d.hear(at, denied(d.round[node]));
    case 's': return d.hear(at, reply_to(d.round[node], Answer::silent, sent));
    default: return;
    }
}

void say_all(Driver &d, Duration at, std::string_view all) {
    for (NodeIndex node = 0; node < all.size(); ++node) say(d, at, node, all[node]);
}

// Plays attempts in which the nodes always say the same, until the lock ends or `limit` has passed.
void repeat(Driver &d, std::string_view all, Duration limit) {
    for (int attempt = 0; d.now - start < limit && d.lock.phase() != Phase::ended; ++attempt) {
        ASSERT_LT(attempt, 100'000);
        if (d.lock.phase() == Phase::idle) {
            d.acquire(d.now - start, "token" + std::to_string(attempt));
            say_all(d, d.now - start + ms, all);
        } else {
            d.to_deadline();
        }
    }
}

TEST(Nonblock, EndsWithTheNewsOfOneRound) {
    struct Case {
        std::string_view votes; // in the order of the nodes
        Ending ending;
    };
    for (const Case &c :
         {Case{"rr", Ending::busy}, Case{"grr", Ending::busy}, Case{"rrs", Ending::busy},
          Case{"eer", Ending::unreachable}, Case{"sse", Ending::unreachable}, Case{"ggerr", Ending::busy},
          Case{"dd", Ending::denied}, Case{"dgd", Ending::denied}, Case{"ggdee", Ending::unreachable},
          Case{"rdr", Ending::busy}, Case{"der", Ending::unreachable},
          // The last votes decide which it is.
          Case{"erg", Ending::busy}, Case{"ers", Ending::unreachable}, Case{"eergr", Ending::busy},
          Case{"errer", Ending::busy}, Case{"eersg", Ending::unreachable}, Case{"rrddg", Ending::busy},
          Case{"rrddd", Ending::denied}, Case{"rdd", Ending::denied}, Case{"eed", Ending::unreachable}}) {
        Driver d(waiting(Duration{}, c.votes.size() > 3 ? 5 : 3));
        d.acquire({});
        for (NodeIndex node = 0; node < c.votes.size(); ++node) {
            say(d, ms * static_cast<int>(node), node, c.votes[node]);
            for (const Request &request : std::vector(d.asked)) {
                EXPECT_EQ(request.verb, Verb::abandon);
                d.hear(d.now - start, reply_to(request, Answer::refused, d.now));
            }
        }
        repeat(d, c.votes, seconds{5});
        EXPECT_EQ(d.lock.phase(), Phase::ended) << c.votes;
        EXPECT_EQ(d.lock.ending(), c.ending) << c.votes;
        d.hear(d.now - start + ms, 0, Answer::granted, ms);
        EXPECT_EQ(d.lock.ending(), c.ending) << c.votes;
        EXPECT_TRUE(d.asked.empty());
    }
}

TEST(Nonblock, WaitsForEveryVoteOfTheFirstRoundAndThenForTheContest) {
    for (const auto &[votes, ending] : {std::pair{"r--", Ending::unreachable}, std::pair{"gr-", Ending::busy},
                                        std::pair{"---", Ending::unreachable}}) {
        Driver d(waiting(Duration{}));
        d.acquire({});
        say_all(d, ms, votes);
        d.tick(599 * ms);
        EXPECT_EQ(d.lock.phase(), Phase::acquiring) << votes;
        EXPECT_EQ(d.lock.deadline(), start + 600 * ms);
        d.tick(600 * ms);
        EXPECT_EQ(nodes_of(d.asked, Verb::abandon), (Nodes{0, 1, 2})) << votes;
        repeat(d, votes, seconds{5});
        EXPECT_EQ(d.lock.phase(), Phase::ended) << votes;
        EXPECT_EQ(d.lock.ending(), ending) << votes;
        EXPECT_LE(d.now, start + 1500 * ms) << votes; // the nodes' time to answer the abandon included
    }
}

TEST(Wait, EndsAtItsDeadline) {
    for (const auto &[votes, ending] : {std::pair{"rrr", Ending::busy}, std::pair{"rr-", Ending::busy},
                                        std::pair{"eee", Ending::unreachable}, std::pair{"er-", Ending::unreachable},
                                        std::pair{"---", Ending::unreachable}, std::pair{"r--", Ending::unreachable}}) {
        Driver d(waiting(seconds{2}));
        repeat(d, votes, seconds{5});
        EXPECT_EQ(d.lock.phase(), Phase::ended) << votes;
        EXPECT_EQ(d.lock.ending(), ending) << votes;
        EXPECT_GE(d.now, start + seconds{2}) << votes;
        EXPECT_LE(d.now, start + seconds{2} + 300 * ms) << votes; // cleanup has a budget of its own
    }
}

TEST(Wait, CutsAnAttemptShort) {
    Driver d(waiting(100 * ms));
    d.acquire({});
    EXPECT_EQ(d.lock.deadline(), start + 100 * ms);
    say(d, ms, 0, 'r');
    d.tick(99 * ms);
    EXPECT_EQ(d.lock.phase(), Phase::acquiring);
    d.tick(100 * ms);
    EXPECT_EQ(nodes_of(d.asked, Verb::abandon), (Nodes{0, 1, 2}));
    d.hear(101 * ms, reply_to(d.asked[0], Answer::refused, d.now));
    EXPECT_EQ(d.lock.phase(), Phase::cleaning); // one more vote, and it is known to be busy
    say(d, 102 * ms, 2, 'r');
    EXPECT_EQ(d.lock.ending(), Ending::busy);
}

TEST(Wait, AVoteThatComesWhileCleaningWinsNothing) {
    Driver d(waiting(100 * ms));
    d.acquire({});
    d.tick(100 * ms);
    for (NodeIndex node = 0; node < 3; ++node) say(d, 101 * ms, node, 'g');
    EXPECT_EQ(d.lock.validity(), distant_past);
    EXPECT_EQ(d.lock.ending(), Ending::busy);
}

TEST(Wait, WithoutAnEndItGoesOnWhileNodesAnswer) {
    Driver d(waiting(std::nullopt));
    repeat(d, "rre", seconds{300});
    EXPECT_NE(d.lock.phase(), Phase::ended);
}

TEST(Unreachable, ForOneTtlInARowIsTheEnd) {
    for (const std::string_view votes : {"eee", "---", "gee", "rss", "ee-"}) {
        Driver d(waiting(std::nullopt));
        repeat(d, votes, seconds{60});
        EXPECT_EQ(d.lock.ending(), Ending::unreachable) << votes;
        EXPECT_GE(d.now, start + seconds{30}) << votes;
        EXPECT_LE(d.now, start + seconds{32}) << votes;
    }
}

TEST(Unreachable, CountsFromTheLastTimeAQuorumWasHeard) {
    Driver d(waiting(std::nullopt));
    repeat(d, "eee", seconds{29});
    EXPECT_NE(d.lock.phase(), Phase::ended);
    if (d.lock.phase() == Phase::pausing) d.to_deadline();
    ASSERT_EQ(d.lock.phase(), Phase::idle);
    const Instant heard = d.now;
    d.acquire(d.now - start, "heard");
    say_all(d, d.now - start + ms, "rr");
    repeat(d, "eee", seconds{120});
    EXPECT_EQ(d.lock.ending(), Ending::unreachable);
    EXPECT_GE(d.now, heard + seconds{30});
    EXPECT_LE(d.now, heard + seconds{33});
}

TEST(Denied, WhenTooManyNodesRefuseOurCredentials) {
    for (const auto &[votes, end] : {std::pair{"dd", true}, std::pair{"ed-", false}, std::pair{"dr-", false},
                                     std::pair{"rdd", true}, std::pair{"drr", false}}) {
        Driver d(waiting(std::nullopt));
        d.acquire({});
        say_all(d, ms, votes);
        EXPECT_EQ(d.lock.phase() == Phase::cleaning || d.lock.phase() == Phase::ended, end) << votes;
        if (end && d.lock.phase() == Phase::cleaning) d.to_deadline();
        EXPECT_EQ(d.lock.ending(), end ? Ending::denied : Ending::none) << votes;
    }
}

TEST(Pause, ScalesWithTheRoundTripAndIsBounded) {
    struct Case {
        Duration round_trip;
        std::string_view votes;
        Duration least, most;
    };
    for (const Case &c : {Case{Duration{}, "rr", 2 * ms, 200 * ms}, Case{10 * ms, "rr", 20 * ms, 200 * ms},
                          Case{100 * ms, "rr", 200 * ms, 200 * ms}, Case{ms, "eee", 2 * ms, seconds{1}}}) {
        Driver d(waiting(std::nullopt));
        Duration longest{}, shortest = seconds{9};
        for (int attempt = 0; attempt < 24; ++attempt) {
            d.acquire(d.now - start, "token" + std::to_string(attempt));
            say_all(d, d.now - start + c.round_trip, c.votes);
            ASSERT_EQ(d.lock.phase(), Phase::pausing);
            const Duration pause = *d.lock.deadline() - d.now;
            longest = std::max(longest, pause);
            shortest = std::min(shortest, pause);
            d.tick(d.now - start + pause - Duration{1});
            ASSERT_EQ(d.lock.phase(), Phase::pausing);
            d.to_deadline();
            ASSERT_EQ(d.lock.phase(), Phase::idle);
            EXPECT_EQ(d.lock.deadline(), std::nullopt);
        }
        EXPECT_GE(shortest, c.least);
        EXPECT_LE(longest, c.most);
        EXPECT_GE(longest, c.most * 8 / 10);
    }
}

TEST(Pause, IsOverWhenAQuorumOfKeysHasExpired) {
    struct Case {
        std::string_view votes;
        std::vector<int> left; // ms, per node; -1: never
        int pause;             // ms; 0: not bounded
    };
    for (const Case &c :
         {Case{"rr", {5, 9}, 10}, Case{"rr", {9, 5}, 10}, Case{"grr", {0, 7, 9}, 8}, Case{"rr", {5, -1}, 0},
          Case{"grr", {0, -1, 9}, 10}, Case{"er", {0, 3}, 0}, Case{"rr", {0, 0}, 1}}) {
        Driver d(waiting(std::nullopt));
        d.acquire({});
        for (NodeIndex node = 0; node < c.votes.size(); ++node) {
            const Answer answer = c.votes[node] == 'g'   ? Answer::granted
                                  : c.votes[node] == 'r' ? Answer::refused
                                                         : Answer::error;
            Reply reply = reply_to(d.round[node], answer, start);
            if (c.left[node] >= 0) reply.holder_ttl = ms * c.left[node];
            d.hear(50 * ms, reply); // a round trip that alone would mean at least 100 ms
        }
        ASSERT_EQ(d.lock.phase(), Phase::pausing);
        const Duration pause = *d.lock.deadline() - d.now;
        if (c.pause > 0) {
            EXPECT_EQ(pause, ms * c.pause) << c.votes;
        } else {
            EXPECT_GE(pause, 100 * ms) << c.votes;
        }
    }
}

TEST(Pause, NamesWhoBlocks) {
    Driver d(waiting(std::nullopt, 5));
    EXPECT_EQ(d.lock.blocker(), "");
    d.acquire({});
    NodeIndex node = 0;
    for (const char *holder : {"b", "a", "a"}) {
        Reply reply = reply_to(d.round[node++], Answer::refused, start);
        reply.holder = holder;
        d.hear(ms, reply);
    }
    EXPECT_EQ(d.lock.blocker(), "a");
}

TEST(GiveUp, BeforeAndBetweenAttemptsEndsAtOnce) {
    Driver fresh(waiting(std::nullopt));
    fresh.give_up({});
    EXPECT_EQ(fresh.lock.ending(), Ending::interrupted);
    EXPECT_TRUE(fresh.asked.empty());
    for (const bool idle : {false, true}) {
        Driver d(waiting(std::nullopt));
        d.acquire({});
        say_all(d, ms, "rrr");
        ASSERT_EQ(d.lock.phase(), Phase::pausing);
        if (idle) d.to_deadline();
        d.give_up(d.now - start);
        EXPECT_EQ(d.lock.ending(), Ending::interrupted);
        EXPECT_TRUE(d.asked.empty()); // all was abandoned before the pause
    }
}

TEST(GiveUp, WhileAcquiringAbandonsAndWaitsForThoseWhoAnswer) {
    Driver d(waiting(std::nullopt));
    d.acquire({});
    say(d, ms, 0, 'g');
    say(d, ms, 1, 'e'); // never reached
    d.give_up(2 * ms);
    EXPECT_EQ(nodes_of(d.asked, Verb::abandon), (Nodes{0, 2}));
    const Request abandon = d.asked[0];
    EXPECT_EQ(d.lock.phase(), Phase::cleaning);
    say(d, 2 * ms, 2, 'g'); // would have been the quorum
    EXPECT_EQ(d.lock.phase(), Phase::cleaning);
    EXPECT_EQ(d.lock.validity(), distant_past);
    d.hear(3 * ms, reply_to(abandon, Answer::granted, d.now));
    EXPECT_EQ(d.lock.ending(), Ending::interrupted);
}

TEST(GiveUp, WhileCleaningIsTheNewsThatCounts) {
    Driver d(waiting(100 * ms));
    d.acquire({});
    say(d, ms, 0, 'r');
    d.tick(100 * ms);
    ASSERT_EQ(d.lock.phase(), Phase::cleaning);
    const Request abandon = d.asked[0];
    d.give_up(101 * ms);
    EXPECT_EQ(d.lock.phase(), Phase::cleaning);
    EXPECT_TRUE(d.asked.empty());
    d.hear(102 * ms, reply_to(abandon, Answer::refused, d.now));
    EXPECT_EQ(d.lock.ending(), Ending::interrupted);
    d.give_up(103 * ms);
    EXPECT_EQ(d.lock.phase(), Phase::ended);
}

TEST(GiveUp, EndsTheWaitForTheLastVotes) {
    Driver d(waiting(Duration{}));
    d.acquire({});
    say_all(d, ms, "ee");
    d.hear(2 * ms, reply_to(d.asked[0], Answer::refused, d.now));
    EXPECT_EQ(d.lock.phase(), Phase::cleaning); // for the vote of node 2
    d.give_up(3 * ms);
    EXPECT_EQ(d.lock.phase(), Phase::ended);
    EXPECT_EQ(d.lock.ending(), Ending::interrupted);
}

TEST(GiveUp, WhileReleasingChangesNothing) {
    Driver d(waiting(std::nullopt));
    d.win();
    d.release(ms);
    d.give_up(2 * ms);
    EXPECT_TRUE(d.asked.empty());
    d.to_deadline();
    EXPECT_EQ(d.lock.ending(), Ending::released);
}

TEST(Attempt, EachHasATokenAndSerialsOfItsOwn) {
    Driver d(waiting(std::nullopt));
    Serial last = 0;
    for (int attempt = 0; attempt < 50; ++attempt) {
        const std::string token = "token" + std::to_string(attempt);
        d.acquire(d.now - start, token);
        for (const Request &request : d.round) {
            ASSERT_EQ(request.token, token);
            ASSERT_EQ(request.key, "backup");
            ASSERT_EQ(request.ttl, seconds{30});
            // Nobody is connected in the first attempt.
            ASSERT_EQ(request.timeout, 300 * ms);
            ASSERT_EQ(request.deadline, d.now + (attempt == 0 ? 600 * ms : 300 * ms));
            ASSERT_GT(request.serial, last);
            last = request.serial;
        }
        say_all(d, d.now - start + ms, "rrr");
        for (const Request &request : d.asked) {
            ASSERT_EQ(request.token, token);
            ASSERT_GT(request.serial, last);
            last = request.serial;
        }
        d.to_deadline();
    }
}

} // namespace
} // namespace redlock::core
