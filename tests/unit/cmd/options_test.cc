#include "cmd/exit_code.hh"
#include "cmd/options.hh"

#include <gtest/gtest.h>
#include <set>
#include <sstream>

namespace redlock::cmd {
namespace {

TEST(Options, NoSpellingMeansTwoThings) {
    for (const CommandInfo &command : all_commands) {
        std::set<std::string_view> seen;
        for (const Option &option : all_options)
            if (takes(command, option))
                any_spelling(option, [&](std::string_view each) {
                    EXPECT_TRUE(seen.insert(each).second) << command.name << " " << each;
                    return false;
                });
    }
}

TEST(Options, AreWellFormed) {
    for (const Option &option : all_options) {
        any_spelling(option, [&](std::string_view each) {
            EXPECT_TRUE(each.size() == 2 ? each[0] == '-' && each[1] != '-' : each.starts_with("--")) << each;
            return false;
        });
        EXPECT_EQ(option.kind == ValueKind::flag, option.metavar.empty()) << option.spellings;
        EXPECT_FALSE(option.help.empty()) << option.spellings;
        EXPECT_NE(option.commands, 0U) << option.spellings;
        EXPECT_EQ(find_option(name_of(option)), &option);
    }
}

TEST(Options, KnowEverySpellingOfTheContract) {
    std::istringstream contract(
        "-n --nonblock --nb --nonblocking -w --wait --timeout -E --conflict-exit-code -x -e --exclusive "
        "--ttl -q --quiet -v --verbose -k --kill-after --signal -c -S --server --node --node-timeout "
        "--prefix --drift --slack --quorum --token --nodes --tcp -h --help -V --version");
    for (std::string spelling; contract >> spelling;) EXPECT_NE(find_option(spelling), nullptr) << spelling;
    EXPECT_EQ(find_option("--wai"), nullptr);
    EXPECT_EQ(find_option("-n, --nonblock"), nullptr);
    EXPECT_EQ(name_of(option("-n")), "--nonblock");
    EXPECT_EQ(name_of(option("-c")), "-c");
    EXPECT_EQ(find_option("--token", bit(Command::exec)), nullptr);
}

TEST(Commands, StandAtTheirPlaceInTheTable) {
    for (const CommandInfo &command : all_commands) {
        EXPECT_EQ(&info(command.command), &command);
        EXPECT_EQ(find_command(command.name), &command);
    }
    EXPECT_EQ(find_command("unlock"), nullptr);
}

TEST(ExitCodes, EveryCommandCanFail) {
    for (const CommandInfo &command : all_commands)
        for (const int code : {64, 70, 78}) {
            bool found = false;
            for (const ExitCode &each : all_exit_codes)
                found = found || (each.code == code && (each.commands & bit(command.command)) != 0);
            EXPECT_TRUE(found) << command.name << " " << code;
        }
}

} // namespace
} // namespace redlock::cmd
