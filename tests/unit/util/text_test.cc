#include "util/text.hh"

#include <gtest/gtest.h>

namespace redlock {
namespace {

TEST(Printable, LeavesOrdinaryTextAlone) { EXPECT_EQ(printable("nächtlicher Lauf, 3 Uhr"), "nächtlicher Lauf, 3 Uhr"); }

TEST(Printable, EscapesWhatMovesACursor) {
    EXPECT_EQ(printable("a\x1b[2Jb\r\n"), "a\\x1B[2Jb\\x0D\\x0A");
    EXPECT_EQ(printable("\x7f"), "\\x7F");
    EXPECT_EQ(printable("\xc2\x9b"), "\\xC2\\x9B");          // C1: a one-character CSI
    EXPECT_EQ(printable("\xe2\x80\xae"), "\\xE2\\x80\\xAE"); // right-to-left override
}

TEST(Printable, EscapesMarksThatReorderOrCannotBeSeen) {
    for (const char *mark : {"\u00ad", "\u061c", "\u180e", "\u200b", "\u200f", "\u2028", "\u202e", "\u2060", "\u2066",
                             "\u206f", "\ufeff", "\ufff9", "\U000e0041"})
        EXPECT_EQ(printable(mark).find(mark), std::string::npos) << printable(mark);
    for (const char *text :
         {"\u00ac", "\u00ae", "\u061b", "\u200a", "\u2010", "\u2027", "\u2030", "\u2070", "\U0001f600"})
        EXPECT_EQ(printable(text), text);
}

TEST(Counted, AgreesInNumber) {
    EXPECT_EQ(counted(0, "node"), "0 nodes");
    EXPECT_EQ(counted(1, "node"), "1 node");
    EXPECT_EQ(counted(2, "node"), "2 nodes");
}

TEST(Printable, EscapesBrokenUtf8AndTheEscapeItself) {
    EXPECT_EQ(printable("\xff\xfe"), "\\xFF\\xFE");
    EXPECT_EQ(printable("\xc3"), "\\xC3");
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xED\\xA0\\x80"); // a surrogate
    EXPECT_EQ(printable("a\\x41"), "a\\\\x41");
}

TEST(Printable, MarksWhatItCut) { EXPECT_EQ(printable("abcdef", 3), "abc..."); }

TEST(Percent, GoesThereAndBack) {
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        EXPECT_EQ(percent_decode(percent_encode(c)), std::string(1, c));
    }
    std::string encoded;
    for (const char c : std::string("a b%/.é_-Z9")) encoded += percent_encode(c);
    EXPECT_EQ(encoded, "a%20b%25%2F%2E%C3%A9_-Z9");
}

TEST(Percent, LeavesMalformedEscapesAlone) { EXPECT_EQ(percent_decode("50% %4 %zz%41"), "50% %4 %zzA"); }

} // namespace
} // namespace redlock
