#include "core/token.hh"

#include <gtest/gtest.h>
#include <limits>

namespace redlock::core {
namespace {

const std::string random_part(random_digits, 'a');

HolderInfo somebody() { return {1'700'000'000'000, "alice", "host.example", 42, "nightly backup"}; }

void expect_same(const std::optional<HolderInfo> &found, const HolderInfo &holder) {
    ASSERT_TRUE(found);
    EXPECT_EQ(found->since_ms, holder.since_ms);
    EXPECT_EQ(found->owner, holder.owner);
    EXPECT_EQ(found->host, holder.host);
    EXPECT_EQ(found->pid, holder.pid);
    EXPECT_EQ(found->why, holder.why);
}

TEST(Token, TellsWhoWhereSinceWhenAndWhy) {
    EXPECT_EQ(make_token(random_part, somebody()),
              random_part + ".1700000000000.alice@host%2Eexample.42.nightly%20backup");
    expect_same(parse_token(make_token(random_part, somebody())), somebody());
    expect_same(parse_token(make_token(random_part, {})), {});
}

TEST(Token, ManyBytesArePartOfAName) {
    HolderInfo odd = somebody();
    odd.owner = ".@%\n\xff";
    odd.host = "@a.b";
    odd.why = std::string("\0. %2E", 7);
    const std::string token = make_token(random_part, odd);
    EXPECT_EQ(token.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.%_-"),
              std::string::npos);
    expect_same(parse_token(token), odd);
}

TEST(Token, LongNamesAreCutAndNeverInAnEscape) {
    HolderInfo wordy = somebody();
    wordy.owner = "ab" + std::string(100, '/'); // 2 + 20 escapes are 62: one more would be 65
    wordy.host = std::string(100, 'h');
    wordy.pid = std::numeric_limits<std::int64_t>::max();
    wordy.since_ms = wordy.pid;
    wordy.why = "w" + std::string(1000, ' ');
    const std::string token = make_token(random_part, wordy);
    EXPECT_LE(token.size(), 256U);
    EXPECT_GT(token.size(), 253U); // as long as fits
    HolderInfo cut = wordy;
    cut.owner = "ab" + std::string(20, '/');
    cut.host = std::string(64, 'h');
    cut.why = "w" + std::string((token.size() - token.rfind('.') - 2) / 3, ' ');
    expect_same(parse_token(token), cut);
}

TEST(Token, OfOtherLibrariesNamesNobody) {
    const std::string digits = random_part;
    ASSERT_TRUE(parse_token(digits + ".1.o@h.2.w"));
    EXPECT_TRUE(parse_token(digits + ".0.@.0."));
    for (const std::string &token :
         {std::string(), digits, digits + ".1.o@h.2", digits + ".1.o@h.2.w.", digits + ".1.o@h.2.w.x", // parts
          digits.substr(1) + ".1.o@h.2.w", digits + "a.1.o@h.2.w",                                     // random
          digits + ".1.o.2.w", digits + "..o@h.2.w", digits + ".x.o@h.2.w", digits + ".1x.o@h.2.w",
          digits + ".1.o@h..w", digits + ".1.o@h.x.w", digits + ".-1.o@h.2.w", digits + ".1.o@h.-2.w",
          digits + ".9999999999999999999.o@h.2.w", digits + ".1.o@h.9999999999999999999.w"})
        EXPECT_FALSE(parse_token(token)) << token;
}

} // namespace
} // namespace redlock::core
