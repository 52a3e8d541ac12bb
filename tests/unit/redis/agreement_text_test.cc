#include "redis/agreement_text.hh"

#include <gtest/gtest.h>

namespace redlock::redis {
namespace {

TEST(AgreementText, ThereAndBack) {
    const core::Agreement agreement{"", 5, 3, milliseconds{1500}};
    EXPECT_EQ(marker_text(agreement), "5 3 1500");
    EXPECT_EQ(parse_marker_text("5 3 1500"), agreement);
    EXPECT_EQ(in_words(agreement), "5 nodes, a quorum of 3 and a restart guard of 1.5 s");
    EXPECT_EQ(in_words({"", 3, 2, {}}), "3 nodes, a quorum of 2 and no restart guard");
}

TEST(AgreementText, WhatAnybodyMayHaveWritten) {
    for (const char *text :
         {"", "x", "5 3", "5 3 -1", "3 5 1000", "5 0 1000", "-1 -1 0 0", "99999999999999999999999 1 1"})
        EXPECT_EQ(in_words(parse_marker_text(text)), "terms that cannot be read") << text;
    EXPECT_LE(parse_marker_text("5 3 9223372036854775807").guard, longest_duration);
}

} // namespace
} // namespace redlock::redis
