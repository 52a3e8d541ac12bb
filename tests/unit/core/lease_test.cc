#include "core/lease.hh"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace redlock::core {
namespace {

constexpr Instant base = Instant{seconds{1000}};

TEST(TrustedTime, IsWhatOneGetsByHand) {
    EXPECT_EQ(trusted_time(seconds{30}, {0.01, seconds{5}}), milliseconds{24'698});
    EXPECT_EQ(trusted_time(seconds{30}, {0, Duration{}}), milliseconds{29'998});
    EXPECT_EQ(trusted_time(seconds{2}, {0.1, milliseconds{333}}), milliseconds{1465});
    EXPECT_LT(trusted_time(milliseconds{1}, {0.01, Duration{}}), Duration{});
}

TEST(TrustedTime, RoundsTheDriftUp) {
    for (const Duration ttl : {Duration{1}, Duration{99}, Duration{101}, Duration{1'000'000'001}}) {
        const Duration allowed = ttl - trusted_time(ttl, {0.01, Duration{}}) - milliseconds{2};
        EXPECT_GE(allowed * 100, ttl);
        EXPECT_LT((allowed - Duration{1}) * 100, ttl);
    }
}

TEST(Lease, ValidityIsTheQuorumthLargest) {
    std::mt19937 random(1);
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t nodes = 1 + random() % 9, quorum = 1 + random() % nodes;
        std::vector<Instant> expiry(nodes, distant_past);
        Lease lease(nodes, quorum);
        for (std::size_t step = 0; step < 2 * nodes; ++step) {
            const NodeIndex node = random() % nodes;
            if (random() % 4 == 0) {
                lease.drop(node);
                expiry[node] = distant_past;
            } else {
                const Instant at = base + milliseconds{random() % 20};
                lease.confirm(node, at);
                if (at > expiry[node]) expiry[node] = at;
            }
            std::vector<Instant> sorted = expiry;
            std::sort(sorted.begin(), sorted.end());
            ASSERT_EQ(lease.validity(), sorted[nodes - quorum]);
        }
    }
}

TEST(Lease, ConfirmNeverShortens) {
    Lease lease(1, 1);
    lease.confirm(0, base + seconds{9});
    lease.confirm(0, base + seconds{8});
    EXPECT_EQ(lease.validity(), base + seconds{9});
    lease.drop(0);
    EXPECT_EQ(lease.validity(), distant_past);
    lease.confirm(0, base + seconds{8});
    EXPECT_EQ(lease.validity(), base + seconds{8});
}

TEST(Lease, LostIsForEver) {
    Lease lease(3, 2);
    lease.confirm(0, base);
    lease.confirm(1, base + seconds{1});
    EXPECT_FALSE(lease.lost(base - Duration{1}));
    EXPECT_TRUE(lease.lost(base)); // V itself is too late
    for (NodeIndex node = 0; node < 3; ++node) lease.confirm(node, base + seconds{60});
    EXPECT_EQ(lease.validity(), distant_past);
    EXPECT_TRUE(lease.lost(base - seconds{1}));
}

TEST(Lease, DroppedBelowTheQuorumIsLost) {
    Lease lease(3, 2);
    lease.confirm(0, base + seconds{9});
    lease.confirm(1, base + seconds{9});
    EXPECT_FALSE(lease.lost(base));
    lease.drop(1);
    EXPECT_TRUE(lease.lost(base));
}

std::optional<Reply> answered(Answer answer, std::optional<Instant> sent) {
    Reply reply;
    reply.verb = Verb::extend;
    reply.answer = answer;
    reply.sent = sent;
    return reply;
}

TEST(ValidityOf, CountsEachGrantFromBeforeItWasSent) {
    const auto granted = [](int s) { return answered(Answer::granted, base + seconds{s}); };
    const Duration trusted = milliseconds{24'698};
    const auto validity = [](const Answers &answers) {
        return validity_of(answers, 2, seconds{30}, {0.01, seconds{5}});
    };
    EXPECT_EQ(validity({granted(0), granted(1), granted(2)}), base + seconds{1} + trusted);
    EXPECT_EQ(validity({granted(2), std::nullopt, granted(1)}), base + seconds{1} + trusted);
    EXPECT_EQ(validity({granted(2), granted(0), answered(Answer::refused, base)}), base + trusted);
}

TEST(ValidityOf, FewerGrantsThanAQuorumAreNone) {
    const auto granted = answered(Answer::granted, base);
    for (const auto &other : {std::optional<Reply>{}, answered(Answer::refused, base), answered(Answer::error, base),
                              answered(Answer::silent, base), answered(Answer::granted, std::nullopt)})
        EXPECT_EQ(validity_of({granted, other, other}, 2, seconds{30}, {}), distant_past);
    EXPECT_EQ(validity_of({granted}, 1, seconds{30}, {0, Duration{}}), base + milliseconds{29'998});
}

} // namespace
} // namespace redlock::core
