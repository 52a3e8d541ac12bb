#include "config/duration.hh"

#include "util/error.hh"

#include <gtest/gtest.h>

namespace redlock::config {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, Accepts) {
    const std::pair<const char *, Duration> rows[] = {
        {"0", 0s},
        {"1", 1s},
        {"1.5", 1500ms},
        {".5", 500ms},
        {"90s", 90s},
        {"500ms", 500ms},
        {"250us", 250us},
        {"2h", 2h},
        {"1d", 24h},
        {"1h30m", 90min},
        {"1h1.5m", 3690s},
        {"1m30s", 90s},
        {"1d2h3m4s5ms6us", 93784s + 5ms + 6us},
        {"0.25h", 15min},
        {"3650d", 3650 * 24h},
        {"007s", 7s},
        {"0.1", 100ms},
        {"0.000000001", 1ns},
        {"1.0", 1s},
        {"5min", 5min},
        {"5mins", 5min},
        {"1minute", 1min},
        {"2minutes", 2min},
        {"90sec", 90s},
        {"90secs", 90s},
        {"1second", 1s},
        {"30seconds", 30s},
        {"1hr", 1h},
        {"2hrs", 2h},
        {"1hour30minutes", 90min},
        {"2hours", 2h},
        {"1day", 24h},
        {"2days", 48h},
        {"500msec", 500ms},
        {"500msecs", 500ms},
        {"500millis", 500ms},
        {"5millisecond", 5ms},
        {"5milliseconds", 5ms},
        {"5\xc2\xb5s", 5us},
        {"5usec", 5us},
        {"5microseconds", 5us},
        {"1hr1.5min", 3690s},
    };
    for (const auto &[text, expected] : rows) EXPECT_EQ(parse_duration(text), expected) << text;
}

TEST(ParseDuration, SaysWhatIsWrong) {
    const std::pair<const char *, const char *> rows[] = {
        {"", "it is empty"},
        {"-5", "negative"},
        {"abc", "does not begin with a number"},
        {"s", "does not begin with a number"},
        {"5 s", "no spaces"},
        {" 5", "does not begin with a number"},
        {"5x", "'x' is no unit"},
        {"5 min", "no spaces, no capital letters and no comma; did you mean 5min?"},
        {"5S", "did you mean 5s?"},
        {"5 Minutes", "did you mean 5minutes?"},
        {"1,5h", "did you mean 1.5h?"},
        {"1h 30m", "did you mean 1h30m?"},
        {"5 x", "' x' is no unit"},
        {"1min1minute", "at most once"},
        {"2w", "'w' is no unit; count it in days (d)"},
        {"2weeks", "count it in days (d)"},
        {"1month", "count it in days (d)"},
        {"1year", "count it in days (d)"},
        {"1h30", "the last number has no unit"},
        {"1.5h30m", "only the last number"},
        {"1.2.3", "two points"},
        {"5.", "a digit must follow"},
        {".", "a digit must follow"},
        {"1m1h", "longest first"},
        {"1h1h", "at most once"},
        {"1s1", "the last number has no unit"},
        {"1:30", "':' is no unit; write 1h30m for hours and minutes"},
        {"1e3", "'e' is no unit"},
        {"inf", "does not begin with a number"},
        {"11y", "'y' is no unit; count it in days (d)"},
        {"3661d", "ten years"},
        {"3659d48h", "ten years"},
        {"99999999999999999999999999", "ten years"},
        {"99999999999999999999999999us", "ten years"},
    };
    for (const auto &[text, expected] : rows) {
        try {
            parse_duration(text);
            FAIL() << text;
        } catch (const ConfigError &error) {
            EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << text << ": " << error.what();
            EXPECT_NE(std::string(error.what()).find("1h30m"), std::string::npos) << error.what();
        }
    }
}

TEST(ParseDuration, NeverShowsAPasswordOrAControlCharacter) {
    try {
        parse_duration("redis://:hunter2@h\x1b[2J");
        FAIL();
    } catch (const ConfigError &error) {
        const std::string text = error.what();
        EXPECT_EQ(text.find("hunter2"), text.npos) << text;
        EXPECT_EQ(text.find('\x1b'), text.npos) << text;
    }
}

TEST(ShowDuration, ReadsWell) {
    const std::pair<Duration, const char *> rows[] = {
        {0s, "0 s"},        {3us, "3 us"},       {999us, "999 us"},      {999600ns, "1 ms"},  {300ms, "300 ms"},
        {999600us, "1 s"},  {1500ms, "1.5 s"},   {25s, "25 s"},          {24698ms, "24.7 s"}, {59940ms, "59.9 s"},
        {59960ms, "1 min"}, {90s, "1 min 30 s"}, {3599s, "59 min 59 s"}, {3599600ms, "1 h"},  {125min, "2 h 5 min"},
        {24h, "1 d"},       {24h - 20s, "1 d"},  {76h, "3 d 4 h"},       {-1500ms, "-1.5 s"},
    };
    for (const auto &[d, expected] : rows) EXPECT_EQ(show_duration(d), expected);
}

} // namespace
} // namespace redlock::config
