#include "cmd/user_name.hh"

#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

namespace redlock::cmd {
namespace {

TEST(UserName, IsThatOfTheFileElseTheNumber) {
    const std::string file = testing::TempDir() + "/passwd." + std::to_string(::getpid());
    std::ofstream(file)
        << "root:x:0:0:root:/root:/bin/sh\n# a remark\n\n+::::::\nalice:x:1001:1001::/:/bin/sh\nodd:x\nbob::1002";
    EXPECT_EQ(user_name(0, file.c_str()), "root");
    EXPECT_EQ(user_name(1001, file.c_str()), "alice");
    EXPECT_EQ(user_name(1002, file.c_str()), "bob");
    EXPECT_EQ(user_name(1003, file.c_str()), "uid 1003");
    std::remove(file.c_str());
    EXPECT_EQ(user_name(0, file.c_str()), "root");
    EXPECT_EQ(user_name(1001, file.c_str()), "uid 1001");
}

} // namespace
} // namespace redlock::cmd
