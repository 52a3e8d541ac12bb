// Many attempts or renewals in a row: how they end, and how long the pauses are. tests/core has the single ones, as
// text.
#include "driver.hh"

#include <algorithm>

namespace redlock::core {
namespace {

constexpr milliseconds ms{1};

// A letter for each node: it granted, refused, could not be reached (e), denied access, was silent, or said nothing
// (-).
void say(Driver &d, Duration at, std::string_view votes) {
    const Instant sent = d.lock.last_round().started();
    for (NodeIndex node = 0; node < votes.size(); ++node) {
        const Request &request = d.round[node];
        switch (votes[node]) {
        case 'g': d.hear(at, reply_to(request, Answer::granted, sent)); break;
        case 'r': d.hear(at, reply_to(request, Answer::refused, sent)); break;
        case 'e': d.hear(at, reply_to(request, Answer::error, std::nullopt)); break;
        case 'd': d.hear(at, denied(request)); break;
        case 's': d.hear(at, reply_to(request, Answer::silent, sent)); break;
        default: continue;
        }
        for (const Request &asked : std::vector(d.asked))
            if (asked.verb == Verb::abandon && asked.node < votes.size() && votes[asked.node] != '-')
                d.hear(at, reply_to(asked, Answer::refused, d.now));
    }
}

// Attempts in which the nodes always say the same, until the lock has ended or `limit` has passed.
void play(Driver &d, std::string_view votes, Duration limit) {
    for (int attempt = 0; d.now - start < limit && d.lock.phase() != Phase::ended; ++attempt) {
        if (d.lock.phase() == Phase::idle) {
            d.acquire(d.now - start, "token" + std::to_string(attempt));
            say(d, d.now - start + ms, votes);
        } else {
            d.to_deadline();
        }
    }
}

struct Course {
    std::optional<Duration> wait;
    std::string_view votes; // more than three letters: of five nodes
    Ending ending;
    Duration least{}, most = seconds{5};
};

void run(const Course &course) {
    Terms terms = terms_for(course.votes.size() > 3 ? 5 : 3);
    terms.wait = course.wait;
    Driver d(terms);
    play(d, course.votes, seconds{300});
    EXPECT_EQ(d.lock.ending(), course.ending) << course.votes;
    EXPECT_GE(d.now - start, course.least) << course.votes;
    EXPECT_LE(d.now - start, course.most) << course.votes;
    if (course.ending == Ending::none) return;
    d.hear(d.now - start + ms, 0, Answer::granted, ms);
    EXPECT_EQ(d.lock.ending(), course.ending) << course.votes;
    EXPECT_TRUE(d.asked.empty());
}

TEST(Attempts, WithoutTimeToWaitEndWithTheNewsOfTheVotes) {
    for (const std::string_view votes : {"rr", "grr", "rrs", "ggerr", "rdr", "erg", "eergr", "errer", "rrddg", "gr-"})
        run({Duration{}, votes, Ending::busy, {}, 1500 * ms});
    for (const std::string_view votes : {"eer", "sse", "ggdee", "der", "ers", "eersg", "eed", "r--", "---"})
        run({Duration{}, votes, Ending::unreachable, {}, 1500 * ms});
    for (const std::string_view votes : {"dd", "dgd", "rrddd", "rdd"})
        run({Duration{}, votes, Ending::denied, {}, 1500 * ms});
}

TEST(Attempts, EndAtTheDeadlineAndATimeForTheCleaning) {
    for (const std::string_view votes : {"rrr", "rr-"}) run({seconds{2}, votes, Ending::busy, seconds{2}, 2300 * ms});
    for (const std::string_view votes : {"eee", "er-", "---", "r--"})
        run({seconds{2}, votes, Ending::unreachable, seconds{2}, 2300 * ms});
}

TEST(Attempts, WithoutADeadlineEndWhenNoQuorumHasAnsweredForATtl) {
    for (const std::string_view votes : {"eee", "---", "gee", "rss", "ee-"})
        run({std::nullopt, votes, Ending::unreachable, seconds{30}, seconds{32}});
    run({std::nullopt, "rre", Ending::none, seconds{300}, seconds{301}});
}

TEST(Attempts, CountTheTtlFromTheLastTimeAQuorumAnswered) {
    Driver d(terms_for(3));
    play(d, "eee", seconds{29});
    while (d.lock.phase() == Phase::pausing) d.to_deadline();
    ASSERT_EQ(d.lock.phase(), Phase::idle);
    const Instant heard = d.now;
    d.acquire(d.now - start, "heard");
    say(d, d.now - start + ms, "rr");
    play(d, "eee", seconds{120});
    EXPECT_EQ(d.lock.ending(), Ending::unreachable);
    EXPECT_GE(d.now, heard + seconds{30});
    EXPECT_LE(d.now, heard + seconds{33});
}

TEST(Attempts, LastThroughAQuarantineAndAreThereWhenItEnds) {
    Terms terms = terms_for(3);
    terms.guard = terms.ttl;
    Driver d(terms);
    const Duration ends = seconds{600}; // long past the TTL after which unreachable nodes are given up
    for (int attempt = 0; d.now < start + ends; ++attempt) {
        ASSERT_LT(attempt, 10'000);
        const Duration at = d.now - start;
        d.acquire(at, "token" + std::to_string(attempt));
        for (NodeIndex node = 0; node < 3; ++node) {
            Reply reply = reply_to(d.round[node], Answer::error, start);
            reply.trouble = Trouble::quarantined;
            reply.quarantine = ends - at;
            d.hear(at + ms, reply);
        }
        while (d.lock.phase() != Phase::idle) d.to_deadline();
    }
    EXPECT_LT(d.now, start + ends + 5 * ms);
}

TEST(Pause, ScalesWithTheRoundTripAndIsBounded) {
    struct Case {
        Duration round_trip;
        std::string_view votes;
        Duration least, most;
    };
    for (const Case &c : {Case{Duration{}, "rr", 2 * ms, 200 * ms}, Case{10 * ms, "rr", 20 * ms, 200 * ms},
                          Case{100 * ms, "rr", 200 * ms, 200 * ms}, Case{ms, "eee", 2 * ms, seconds{1}}}) {
        Driver d(terms_for(3));
        std::vector<Duration> pauses;
        for (int attempt = 0; attempt < 24; ++attempt) {
            d.acquire(d.now - start, "token" + std::to_string(attempt));
            say(d, d.now - start + c.round_trip, c.votes);
            ASSERT_EQ(d.lock.phase(), Phase::pausing);
            pauses.push_back(*d.lock.deadline() - d.now);
            d.tick(d.now - start + pauses.back() - Duration{1});
            ASSERT_EQ(d.lock.phase(), Phase::pausing);
            d.to_deadline();
            ASSERT_EQ(d.lock.phase(), Phase::idle);
        }
        const auto [shortest, longest] = std::minmax_element(pauses.begin(), pauses.end());
        EXPECT_GE(*shortest, c.least);
        EXPECT_LE(*longest, c.most);
        EXPECT_GE(*longest, c.most * 8 / 10);
    }
}

TEST(Renewals, GoOnToTheEndOfValidity) {
    Terms terms = terms_for(3);
    terms.renew = true;
    Driver d(terms);
    d.win();
    int rounds = 0;
    Duration last{};
    for (int inputs = 0; inputs < 200 && d.lock.phase() == Phase::held; ++inputs) {
        const Duration at = d.to_deadline();
        if (d.asked.empty()) continue;
        EXPECT_LE(at - last, rounds == 0 ? period : 300 * ms + period / 4);
        last = at;
        ++rounds;
    }
    EXPECT_EQ(d.now, start + trusted);
    EXPECT_GE(rounds, 7);
    EXPECT_LE(rounds, 50);
}

TEST(Renewals, KeepTheirPeriodAsLongAsTheNodesGrant) {
    Terms terms = terms_for(3);
    terms.renew = true;
    Driver d(terms);
    d.win();
    for (int i = 1; i <= 100; ++i) {
        const Duration at = d.to_deadline();
        ASSERT_EQ(at, i * period);
        ASSERT_EQ(nodes_of(d.asked, Verb::extend), (Nodes{0, 1, 2}));
        for (const NodeIndex node : {2U, 0U, 1U}) d.hear(at + ms, node, Answer::granted, at);
        ASSERT_EQ(d.validity(), at + trusted);
    }
}

} // namespace
} // namespace redlock::core
