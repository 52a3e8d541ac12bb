#include "redis/codec.hh"

#include <gtest/gtest.h>
#include <random>

namespace redlock::redis {
namespace {

bool breaks(std::string_view bytes) {
    ReplyReader reader;
    reader.feed(bytes);
    return !reader.next() && reader.broken();
}

Value value_of(std::string_view bytes) {
    ReplyReader reader;
    reader.feed(bytes);
    return reader.next().value();
}

TEST(Encode, WritesBytesNotText) {
    EXPECT_EQ(encode({"AUTH", "a b"}), "*2\r\n$4\r\nAUTH\r\n$3\r\na b\r\n");
    EXPECT_EQ(encode({std::string_view("\0\r\n", 3), ""}), std::string("*2\r\n$3\r\n\0\r\n\r\n$0\r\n\r\n", 19));
}

TEST(Value, TellsKindsApart) {
    EXPECT_TRUE(value_of("+OK\r\n").is_ok());
    EXPECT_FALSE(value_of("$2\r\nOK\r\n").is_ok());
    EXPECT_EQ(value_of("-ERR no\r\n").error(), "ERR no");
    EXPECT_EQ(value_of("+ERR no\r\n").error(), std::nullopt);
    EXPECT_EQ(value_of("$2\r\n\xff\n\r\n").text(), "\xff\n");
    EXPECT_EQ(value_of("+no\r\n").text(), std::nullopt);
    const Value array = value_of("*2\r\n$1\r\nx\r\n:-5\r\n");
    EXPECT_EQ(array.text(0), "x");
    EXPECT_EQ(array.integer(0), std::nullopt);
    EXPECT_EQ(array.integer(1), -5);
    EXPECT_EQ(array.text(1), std::nullopt);
    for (const std::string_view bytes : {"*0\r\n", "*-1\r\n", "$-1\r\n", "+OK\r\n", ":1\r\n", "$1\r\nx\r\n"}) {
        EXPECT_EQ(value_of(bytes).text(0), std::nullopt) << bytes;
        EXPECT_EQ(value_of(bytes).integer(0), std::nullopt) << bytes;
    }
}

TEST(ReplyReader, TakesBytesOneByOne) {
    const std::string bytes = "+OK\r\n-ERR no\r\n*1\r\n$7\r\ngranted\r\n";
    ReplyReader reader;
    int values = 0;
    for (const char byte : bytes) {
        reader.feed({&byte, 1});
        while (reader.next()) ++values;
    }
    EXPECT_EQ(values, 3);
    EXPECT_FALSE(reader.broken());
}

TEST(ReplyReader, BreaksOnWhatIsNotRedis) {
    EXPECT_TRUE(breaks("220 mail.example.org ESMTP\r\n"));
    EXPECT_TRUE(breaks("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_TRUE(breaks(std::string_view("\0", 1)));
}

TEST(ReplyReader, BreaksOnArraysTooLongOrTooDeep) {
    EXPECT_TRUE(breaks("*1000000000\r\n"));
    EXPECT_TRUE(breaks("*17\r\n"));
    EXPECT_FALSE(breaks("*16\r\n"));
    EXPECT_TRUE(breaks("*1\r\n*1\r\n"));
}

TEST(ReplyReader, BreaksOnAReplyTooLong) {
    for (const std::string_view start : {"+", "$100000000\r\n", "*2\r\n:1\r\n$99999\r\n"}) {
        ReplyReader reader;
        reader.feed(start);
        std::size_t fed = 0;
        while (!reader.next() && !reader.broken()) {
            reader.feed(std::string(1000, 'x'));
            fed += 1000;
            ASSERT_LT(fed, max_reply + 2000) << start;
        }
        EXPECT_TRUE(reader.broken());
    }
}

TEST(ReplyReader, BoundsEachReplyNotTheirSum) {
    ReplyReader reader;
    for (int i = 0; i < 20; ++i) {
        reader.feed("$9000\r\n" + std::string(9000, 'x') + "\r\n");
        EXPECT_TRUE(reader.next());
    }
    EXPECT_FALSE(reader.broken());
}

// Ten thousand streams, half of them random, half of them answers with a few bytes changed.
TEST(ReplyReader, SurvivesRandomStreams) {
    const std::string answers[] = {"*3\r\n$7\r\nrefused\r\n$4\r\nabcd\r\n:1500\r\n", "*1\r\n$7\r\ngranted\r\n",
                                   "+OK\r\n-NOAUTH Authentication required.\r\n", "*-1\r\n$-1\r\n:-9\r\n"};
    constexpr std::string_view alphabet = "*$+-:,#_%~>=(|!0123456789\r\n\r\nab";
    std::mt19937 random(20240917); // NOLINT: the same streams every time
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
    std::size_t decoded = 0;
    for (int i = 0; i < 10'000; ++i) {
        std::string bytes;
        if (i % 2 == 0) {
            for (std::size_t left = below(80); left > 0; --left)
                bytes += below(8) == 0 ? static_cast<char>(below(256)) : alphabet[below(alphabet.size())];
        } else {
            bytes = answers[below(std::size(answers))] + answers[below(std::size(answers))];
            for (std::size_t left = below(4); left > 0; --left)
                bytes[below(bytes.size())] = alphabet[below(alphabet.size())];
        }
        ReplyReader reader;
        for (std::size_t at = 0; at < bytes.size(); at += 7) {
            reader.feed(std::string_view(bytes).substr(at, 7));
            while (const auto value = reader.next()) decoded += value->text(0) ? 1U : 0U;
        }
    }
    EXPECT_GT(decoded, 1000U);
}

} // namespace
} // namespace redlock::redis
