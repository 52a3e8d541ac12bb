#include "util/similar.hh"

#include <array>
#include <gtest/gtest.h>

namespace redlock {
namespace {

constexpr std::array<std::string_view, 5> words{"wait", "ttl", "timeout", "nonblock", "conflict-exit-code"};

TEST(Closest, FindsWhatWasMeant) {
    EXPECT_EQ(closest("wiat", words), "wait");
    EXPECT_EQ(closest("wai", words), "wait");
    EXPECT_EQ(closest("waits", words), "wait");
    EXPECT_EQ(closest("tll", words), "ttl");
    EXPECT_EQ(closest("noneblock", words), "nonblock");
    EXPECT_EQ(closest("conflict", words), "conflict-exit-code"); // an abbreviation
}

TEST(Closest, DoesNotGuessWildly) {
    EXPECT_EQ(closest("", words), "");
    EXPECT_EQ(closest("w", words), "");
    EXPECT_EQ(closest("verbose", words), "");
    EXPECT_EQ(closest("dryrun", words), "");
    EXPECT_EQ(closest(std::string(100'000, 'w'), words), "");
    EXPECT_EQ(closest("wait", {}), "");
}

} // namespace
} // namespace redlock
