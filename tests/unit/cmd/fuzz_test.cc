// Random command lines from a small vocabulary: each parses or ends in a UsageError or ConfigError with a
// message of one clean line; nothing else, and no password.
#include "cmd/settings.hh"
#include "util/error.hh"

#include <gtest/gtest.h>
#include <random>
#include <sstream>

namespace redlock::cmd {
namespace {

std::vector<std::string> all_words() {
    std::istringstream plain(
        "exec acquire extend release lab help status - -- --- -n -nq -w -w2 --wait --wait=2 --wait= --timeout -E -E0 "
        "-x -e --ttl --ttl=5s --ttl=1h -q -vv -k --kill-after=10s --signal --signal=KILL -c -cecho -S "
        "--server=redis://:hunter2@a --node redis://a,redis://b redis://:hunter2@h:0 --node-timeout --prefix "
        "--prefix=redlock:{ --drift 0.4 --slack --quorum 2 --token --token=abc --token-file --format=env --format "
        "--json --why --owner=x --user=u --password-file=/dev/null --nodes --tcp -h -V --help 5 db ls -5 -n=5 --wiat "
        "-u [a] [a,b] {} a=b = -= --= ' % unix:///r 1h30m 1.5 -0 +1 99999999999999999999 !flag --no-wait ~ /x:y");
    std::vector<std::string> words;
    for (std::string word; plain >> word;) words.push_back(word);
    words.insert(words.end(), {"", "\x1b[2J", "\xff", "\"a b\"", "-\xc3\xa4"});
    return words;
}

TEST(Fuzz, ParsesOrRefuses) {
    const std::vector<std::string> vocabulary = all_words();
    std::mt19937 random(20240229); // NOLINT: the same run every time
    const auto below = [&](std::size_t n) { return random() % n; };
    std::size_t parsed = 0;
    std::size_t refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::vector<std::string> words;
        if (below(10) != 0) words.push_back(vocabulary[below(4)]);
        for (std::size_t n = below(8); n > 0; --n) words.push_back(vocabulary[below(vocabulary.size())]);
        const bool nodes = below(2) != 0;
        const auto environment = [&](const char *name) -> const char * {
            if (nodes && std::string_view(name) == "REDLOCK_NODES") return "redis://a,redis://b,redis://c";
            if (below(8) != 0) return nullptr;
            return vocabulary[below(vocabulary.size())].c_str();
        };
        std::string message;
        try {
            const Invocation invocation = parse_command_line(words);
            if (invocation.text.empty()) {
                const Settings settings = make_settings(invocation, environment);
                ASSERT_EQ(settings.job.words.empty(), (bit(settings.command) & running_a_command) == 0);
            }
            ++parsed;
            continue;
        } catch (const UsageError &error) {
            message = error.what();
        } catch (const ConfigError &error) {
            message = error.what();
        }
        ++refused;
        for (const char bad : {'\n', '\x1b', '\xff'}) ASSERT_EQ(message.find(bad), message.npos) << message;
        ASSERT_EQ(message.find("hunter2"), message.npos) << message;
        ASSERT_EQ(message.find("cannot be read"), message.npos) << message; // CLI11 saw what the splitter did not
        ASSERT_GT(message.size(), 20U);
    }
    // Both ways are really taken.
    EXPECT_GT(parsed, 500U);
    EXPECT_GT(refused, 5'000U);
}

} // namespace
} // namespace redlock::cmd
