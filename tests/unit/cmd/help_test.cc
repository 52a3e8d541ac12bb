#include "cmd/cli.hh"
#include "cmd/exit_code.hh"
#include "cmd/help.hh"
#include "util/error.hh"

#include <algorithm>
#include <gtest/gtest.h>

namespace redlock::cmd {
namespace {

using Words = std::vector<std::string>;

std::string text_of(const Words &words) { return parse_command_line(words).text; }

std::string row_of(const Option &option) {
    return std::string(option.spellings.starts_with("--") ? "\n      " : "\n  ").append(option.spellings) +
           (option.metavar.empty() ? "" : " ") + std::string(option.metavar);
}

TEST(Help, CanBeAskedForInManyWays) {
    const std::string exec = help_text(info(Command::exec));
    for (const Words &words : {Words{"exec", "--help"}, Words{"help", "exec"}, Words{"exec", "-n", "--help", "--bogus"},
                               Words{"exec", "db", "--help"}, Words{"exec", "-w", "1", "--help", "db", "ls"}})
        EXPECT_EQ(text_of(words), exec);
    for (const Words &words : {Words{"exec", "-h"}, Words{"exec", "-n", "-h", "--bogus"}, Words{"exec", "-nh"}})
        EXPECT_EQ(text_of(words), short_help_text(info(Command::exec)));
    for (const Words &words : {Words{"--help"}, Words{"-h"}, Words{"help"}, Words{"help", "--help"}})
        EXPECT_EQ(text_of(words), overview_text());
    for (const Words &words : {Words{"--version"}, Words{"-V"}, Words{"exec", "-V"}, Words{"lab", "--version"}})
        EXPECT_EQ(text_of(words), version_text());
    EXPECT_EQ(version_text().substr(0, 8), "redlock ");
    EXPECT_EQ(text_of({"exec", "db", "ls", "-h"}), ""); // that one is for ls
    EXPECT_EQ(text_of({"exec", "-w", "--help", "db", "ls"}), "");
}

TEST(Help, NamesEveryOptionEnvironmentAndExitCodeOfTheCommand) {
    for (const CommandInfo &command : all_commands) {
        const std::string text = help_text(command);
        for (const Option &option : all_options) {
            const bool there = text.find(row_of(option)) != text.npos;
            EXPECT_EQ(there, takes(command, option)) << command.name << " " << option.spellings;
            if (!option.environment.empty()) {
                EXPECT_EQ(text.find("\n  " + std::string(option.environment) + " ") != text.npos,
                          takes(command, option))
                    << option.environment;
            }
        }
        for (const ExitCode &each : all_exit_codes)
            if ((each.commands & bit(command.command)) != 0) {
                EXPECT_NE(text.find(each.meaning.substr(0, 20)), text.npos) << command.name << " " << each.code;
            }
        EXPECT_NE(overview_text().find(command.summary), std::string::npos);
    }
}

TEST(Help, FitsATerminal) {
    std::string all = overview_text();
    for (const CommandInfo &command : all_commands) all += help_text(command) + short_help_text(command);
    std::size_t begin = 0;
    while (begin < all.size()) {
        const std::size_t end = all.find('\n', begin);
        ASSERT_NE(end, all.npos);
        EXPECT_LT(end - begin, 80U) << all.substr(begin, end - begin);
        EXPECT_TRUE(end == begin || all[end - 1] != ' ') << all.substr(begin, end - begin);
        begin = end + 1;
    }
}

TEST(Help, ShortHelpFitsAScreenAndHasTheCommonOptions) {
    for (const CommandInfo &command : all_commands) {
        const std::string text = short_help_text(command);
        EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 24) << text;
        for (const Option &option : all_options) {
            const bool there = text.find(" " + std::string(name_of(option)) + " ") != text.npos;
            EXPECT_EQ(there, option.common && takes(command, option)) << command.name << " " << option.spellings;
        }
    }
}

TEST(Help, SaysThatWaitIsNoLimitOnTheCommand) {
    const std::string text = help_text(info(Command::exec));
    EXPECT_NE(text.find("timeout(1)"), text.npos);
}

} // namespace
} // namespace redlock::cmd
