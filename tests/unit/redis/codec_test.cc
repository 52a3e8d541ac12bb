#include "redis/codec.hh"

#include <gtest/gtest.h>
#include <random>

namespace redlock::redis {
namespace {

using core::Answer;
using core::Refusal;
using core::Verb;

core::Request request(Verb verb) {
    core::Request request;
    request.verb = verb;
    request.key = std::string("k\0\r\n", 4);
    request.token = "t";
    request.ttl = milliseconds{1500} + Duration{1};
    return request;
}

// The answer in `bytes` to a request; nullopt: no value, or not of the expected shape.
std::optional<core::Reply> decode(std::string_view bytes, Verb verb) {
    Reader reader;
    reader.feed(bytes);
    const auto value = reader.next();
    core::Reply reply;
    reply.verb = verb;
    if (!value || !value->decode(reply)) return std::nullopt;
    return reply;
}

bool breaks(std::string_view bytes) {
    Reader reader;
    reader.feed(bytes);
    return !reader.next() && reader.broken();
}

TEST(Encode, WritesBytesNotText) {
    EXPECT_EQ(encode({"AUTH", "a b"}), "*2\r\n$4\r\nAUTH\r\n$3\r\na b\r\n");
    const std::string bytes = encode(request(Verb::release));
    EXPECT_TRUE(bytes.starts_with("*7\r\n$4\r\nEVAL\r\n"));
    EXPECT_TRUE(bytes.ends_with(std::string("\r\n$1\r\n2\r\n$4\r\nk\0\r\n\r\n$20\r\nredlock:{k\0\r\n}:fence\r\n"
                                            "$1\r\nt\r\n$1\r\n0\r\n",
                                            60)));
}

TEST(Encode, RoundsTheTtlUp) {
    EXPECT_TRUE(encode(request(Verb::acquire)).ends_with("\r\n$1\r\nt\r\n$4\r\n1501\r\n$1\r\n0\r\n$7\r\n0 0 0 0\r\n"));
}

TEST(Encode, Agreement) {
    core::Request acquire = request(Verb::acquire);
    acquire.agreement = {.prefix = "app:", .nodes = 5, .quorum = 3, .guard = milliseconds{1500}};
    EXPECT_TRUE(encode(acquire).ends_with("\r\n$10\r\n5 3 1500 4\r\n"));
    acquire.verb = Verb::inspect;
    EXPECT_TRUE(encode(acquire).ends_with("\r\n$15\r\nredlock:{}:node\r\n$4\r\napp:\r\n"));
}

// Who has not authenticated may send ten words, and learns of a longer command nothing but that it is too long.
TEST(Encode, CommandsAreShort) {
    for (int verb = 0; verb <= static_cast<int>(Verb::hold); ++verb) {
        const std::string bytes = encode(request(static_cast<Verb>(verb)));
        EXPECT_LE(std::stoi(bytes.substr(1)), 10) << verb;
    }
}

TEST(Encode, FenceAndUntil) {
    core::Request extend = request(Verb::extend);
    extend.fence = core::fence_limit - 1;
    extend.until = 1'700'000'000'000'000;
    EXPECT_TRUE(
        encode(extend).ends_with("\r\n$4\r\n1501\r\n$16\r\n9007199254740991\r\n$24\r\n1700000000000000 0 0 0 0\r\n"));
    extend.verb = Verb::confirm;
    EXPECT_TRUE(encode(extend).ends_with("\r\n$1\r\nt\r\n$16\r\n9007199254740991\r\n"));
}

TEST(Encode, ScriptsTravelWithoutComments) {
    constexpr std::size_t segment = 1400; // and ten of them are in TCP's first window
    for (const Verb verb : {Verb::acquire, Verb::confirm, Verb::extend, Verb::release, Verb::abandon, Verb::status}) {
        EXPECT_EQ(encode(request(verb)).find("--"), std::string::npos);
        const bool guarded = verb == Verb::acquire || verb == Verb::extend;
        EXPECT_LT(encode(request(verb)).size(), (guarded ? 4 : 1) * segment);
    }
    EXPECT_EQ(encode(request(Verb::release)), encode(request(Verb::abandon)));
}

TEST(Decode, TakesEveryAnswer) {
    const auto granted = decode("*3\r\n$7\r\ngranted\r\n:17\r\n:1000000\r\n", Verb::acquire);
    EXPECT_EQ(granted->answer, Answer::granted);
    EXPECT_EQ(granted->fence, 17U);
    EXPECT_EQ(granted->node_time, 1'000'000);
    const auto extended = decode("*2\r\n$8\r\nextended\r\n:1000000\r\n", Verb::extend);
    EXPECT_EQ(extended->answer, Answer::granted);
    EXPECT_EQ(extended->node_time, 1'000'000);
    const auto anew = decode("*2\r\n$8\r\nset anew\r\n:1000000\r\n", Verb::extend);
    EXPECT_EQ(anew->answer, Answer::refused);
    EXPECT_EQ(anew->refusal, Refusal::set_anew);
    EXPECT_EQ(anew->node_time, 1'000'000);
    const auto gone = decode("*2\r\n$6\r\nabsent\r\n:1000000\r\n", Verb::extend);
    EXPECT_EQ(gone->refusal, Refusal::absent);
    EXPECT_EQ(gone->node_time, 1'000'000);
    const auto confirmed = decode("*2\r\n$9\r\nconfirmed\r\n:18\r\n", Verb::confirm);
    EXPECT_EQ(confirmed->answer, Answer::granted);
    EXPECT_EQ(confirmed->fence, 18U);
    EXPECT_FALSE(decode("*1\r\n$9\r\nconfirmed\r\n", Verb::confirm));
    EXPECT_EQ(decode("*1\r\n$6\r\nabsent\r\n", Verb::confirm)->refusal, Refusal::absent);
    EXPECT_EQ(decode("*1\r\n$7\r\ndeleted\r\n", Verb::release)->answer, Answer::granted);
    const auto held = decode("*3\r\n$7\r\nrefused\r\n$2\r\n\xff\n\r\n:1500\r\n", Verb::acquire);
    EXPECT_EQ(held->answer, Answer::refused);
    EXPECT_EQ(held->refusal, Refusal::held);
    EXPECT_EQ(held->holder, "\xff\n");
    EXPECT_EQ(held->holder_ttl, milliseconds{1500});
    const auto other = decode("*2\r\n$8\r\nnot ours\r\n$1\r\nx\r\n", Verb::abandon);
    EXPECT_EQ(other->refusal, Refusal::not_ours);
    EXPECT_EQ(other->holder, "x");
}

TEST(Decode, TakesWhatTheGuardSays) {
    const auto granted = decode("*4\r\n$7\r\ngranted\r\n:17\r\n:1000000\r\n$2\r\naa\r\n", Verb::acquire);
    EXPECT_EQ(granted->run_id, "aa");
    const auto quarantined = decode("*2\r\n$11\r\nquarantined\r\n:4500\r\n", Verb::acquire);
    EXPECT_EQ(quarantined->answer, Answer::error);
    EXPECT_EQ(quarantined->trouble, core::Trouble::quarantined);
    EXPECT_EQ(quarantined->quarantine, milliseconds{4500});
    const auto other = decode("*2\r\n$13\r\ncontradiction\r\n$9\r\n3 2 30000\r\n", Verb::acquire);
    EXPECT_EQ(other->answer, Answer::error);
    EXPECT_EQ(other->trouble, core::Trouble::disagrees);
    EXPECT_EQ(other->others, (core::Agreement{"", 3, 2, milliseconds{30000}}));
    const auto blank = decode("*2\r\n$13\r\ncontradiction\r\n$10\r\n3 2 30000 \r\n", Verb::acquire);
    EXPECT_EQ(blank->others, core::Agreement{}); // to the scripts it is another text
    const auto extended = decode("*4\r\n$8\r\nextended\r\n:1000000\r\n:4500\r\n$9\r\n3 2 30000\r\n", Verb::extend);
    EXPECT_EQ(extended->answer, Answer::error); // says nothing of the lease
    EXPECT_EQ(extended->trouble, core::Trouble::quarantined);
    EXPECT_EQ(extended->quarantine, milliseconds{4500});
    EXPECT_EQ(extended->others->nodes, 3U);
    const auto sound = decode("*4\r\n$8\r\nextended\r\n:1000000\r\n:0\r\n$0\r\n\r\n", Verb::extend);
    EXPECT_EQ(sound->answer, Answer::granted);
    EXPECT_EQ(sound->quarantine, std::nullopt);
    for (const char *left : {"-1", "9007199254740992", "9223372036854775807"}) // as if there were none
        EXPECT_FALSE(decode("*3\r\n$8\r\nextended\r\n:1000000\r\n:" + std::string(left) + "\r\n", Verb::extend));
    EXPECT_EQ(sound->others, std::nullopt);
    for (const auto &[bytes, refusal] :
         {std::pair{"*5\r\n$8\r\nset anew\r\n:1000000\r\n:4500\r\n$9\r\n3 2 30000\r\n$2\r\naa\r\n",
                    core::Refusal::set_anew},
          std::pair{"*5\r\n$6\r\nabsent\r\n:1000000\r\n:4500\r\n$9\r\n3 2 30000\r\n$2\r\naa\r\n",
                    core::Refusal::absent}}) {
        const auto gone = decode(bytes, Verb::extend);
        EXPECT_EQ(gone->answer, Answer::refused);
        EXPECT_EQ(gone->refusal, refusal);
        EXPECT_EQ(gone->node_time, 1'000'000);
        EXPECT_EQ(gone->quarantine, milliseconds{4500});
        EXPECT_EQ(gone->others->guard, seconds{30});
        EXPECT_EQ(gone->run_id, "aa");
    }
    EXPECT_EQ(decode("*1\r\n$7\r\ntrusted\r\n", Verb::trust)->answer, Answer::granted);
    EXPECT_EQ(decode("*1\r\n$8\r\nrecorded\r\n", Verb::record)->answer, Answer::granted);
    EXPECT_EQ(decode("*1\r\n$4\r\nfree\r\n", Verb::hold)->answer, Answer::granted);
    for (const Verb verb : {Verb::acquire, Verb::extend, Verb::release, Verb::status, Verb::inspect, Verb::record})
        EXPECT_FALSE(decode("*1\r\n$7\r\ntrusted\r\n", verb));
    EXPECT_FALSE(decode("*2\r\n$11\r\nquarantined\r\n$1\r\nx\r\n", Verb::acquire));
    EXPECT_FALSE(decode("*2\r\n$11\r\nquarantined\r\n:4500\r\n", Verb::extend));
}

TEST(Decode, TakesWhatDoctorAsksFor) {
    const std::string begin = "*6\r\n$9\r\ninspected\r\n:1000000\r\n$2\r\naa\r\n";
    const auto fit = decode(begin + "$1\r\n5\r\n$9\r\n3 2 30000\r\n$0\r\n\r\n", Verb::inspect);
    EXPECT_EQ(fit->answer, Answer::granted);
    EXPECT_EQ(fit->state.joined, 5);
    EXPECT_EQ(fit->state.terms->quorum, 2U);
    EXPECT_EQ(fit->state.unfit, "");
    const auto unfit = decode(begin + "$0\r\n\r\n$0\r\n\r\n$13\r\nUNFIT replica\r\n", Verb::inspect);
    EXPECT_EQ(unfit->state.joined, std::nullopt);
    EXPECT_FALSE(unfit->state.terms);
    EXPECT_EQ(unfit->state.unfit, "UNFIT replica");
}

// Callers subtract it from the node's time, and both become nanoseconds.
TEST(Decode, RefusesAMarkerWithNoMomentOfTheNodesClock) {
    const std::string begin = "*6\r\n$9\r\ninspected\r\n:1000000\r\n$2\r\naa\r\n$";
    const std::string end = "\r\n$0\r\n\r\n$0\r\n\r\n";
    const auto inspected = [&](const std::string &joined) {
        return decode(begin + std::to_string(joined.size()) + "\r\n" + joined + end, Verb::inspect);
    };
    EXPECT_EQ(inspected("0")->state.joined, 0);
    EXPECT_EQ(inspected("1000000")->state.joined, 1000000);
    for (const char *joined : {"-1", "1000001", "-9223372036854775808", "9223372036854775807", "99999999999999999999",
                               "1e3", "nan", "inf", "x", " 5", "5 ", "0x5"})
        EXPECT_FALSE(inspected(joined)) << joined;
}

TEST(Decode, TakesWhatAProbeFinds) {
    const auto none = decode("*3\r\n$6\r\nprobed\r\n$0\r\n\r\n$0\r\n\r\n", Verb::probe);
    EXPECT_EQ(none->answer, Answer::granted);
    EXPECT_TRUE(none->probe.failed.empty());
    EXPECT_EQ(none->probe.barred, "");
    const auto two = decode("*3\r\n$6\r\nprobed\r\n$18\r\nGET ERR no\nDEL ab\n\r\n$3\r\nbar\r\n", Verb::probe);
    ASSERT_TRUE(two);
    ASSERT_EQ(two->probe.failed.size(), 2U);
    EXPECT_EQ(two->probe.failed[0].command, "GET");
    EXPECT_EQ(two->probe.failed[0].error, "ERR no");
    EXPECT_EQ(two->probe.failed[1].command, "DEL");
    EXPECT_EQ(two->probe.failed[1].error, "ab");
    EXPECT_EQ(two->probe.barred, "bar");
    const auto odd = decode("*2\r\n$6\r\nprobed\r\n$4\r\n\n\nx \r\n", Verb::probe);
    ASSERT_EQ(odd->probe.failed.size(), 3U);
    EXPECT_EQ(odd->probe.failed[2].command, "x");
    EXPECT_FALSE(decode("*1\r\n$6\r\nprobed\r\n", Verb::probe));
    EXPECT_FALSE(decode("*2\r\n$6\r\nprobed\r\n$0\r\n\r\n", Verb::inspect));
}

TEST(Decode, TakesWhatInitAsksFor) {
    const auto seen =
        decode("*11\r\n$9\r\ninspected\r\n:1000000\r\n$2\r\naa\r\n$1\r\n0\r\n$9\r\n3 2 30000\r\n$0\r\n\r\n"
               ":4500\r\n$1\r\n7\r\n$1\r\n6\r\n$2\r\ndb\r\n$2\r\nid\r\n",
               Verb::inspect);
    EXPECT_EQ(seen->state.record, "3 2 30000");
    EXPECT_EQ(seen->state.lapses, milliseconds{4500});
    EXPECT_TRUE(seen->state.used);
    EXPECT_EQ(seen->state.prefix_used, "6");
    EXPECT_EQ(seen->state.lock, "db");
    EXPECT_EQ(seen->state.hold, "id");
    const auto different = decode("*3\r\n$9\r\ndifferent\r\n$9\r\n5 3 30000\r\n:-1\r\n", Verb::record);
    EXPECT_EQ(different->refusal, Refusal::differs);
    EXPECT_EQ(different->state.terms->nodes, 5U);
    EXPECT_EQ(different->state.lapses, std::nullopt);
    EXPECT_EQ(decode("*1\r\n$7\r\nchanged\r\n", Verb::trust)->refusal, Refusal::changed);
    EXPECT_EQ(decode("*1\r\n$4\r\nused\r\n", Verb::trust)->refusal, Refusal::used);
    EXPECT_EQ(decode("*2\r\n$4\r\nbusy\r\n:5\r\n", Verb::hold)->refusal, Refusal::on_hold);
    const auto held = decode("*3\r\n$7\r\non hold\r\n$1\r\n6\r\n$2\r\ndb\r\n", Verb::hold);
    EXPECT_EQ(held->answer, Answer::granted);
    EXPECT_EQ(held->state.lock, "db");
    for (const std::string_view used : {"0", "1", "2"})
        EXPECT_EQ(decode("*3\r\n$11\r\nquarantined\r\n:5\r\n:" + std::string(used) + "\r\n", Verb::acquire)->unused,
                  used == "0");
    EXPECT_FALSE(decode("*1\r\n$7\r\nchanged\r\n", Verb::inspect));
    EXPECT_FALSE(decode("*1\r\n$4\r\nfree\r\n", Verb::record));
}

TEST(Decode, TakesBothAnswersToStatus) {
    const auto absent = decode("*1\r\n$6\r\nabsent\r\n", Verb::status);
    EXPECT_EQ(absent->answer, Answer::refused);
    EXPECT_EQ(absent->refusal, Refusal::absent);
    const auto held = decode("*3\r\n$4\r\nheld\r\n$2\r\n\xff\n\r\n:1500\r\n", Verb::status);
    EXPECT_EQ(held->answer, Answer::refused);
    EXPECT_EQ(held->refusal, Refusal::held);
    EXPECT_EQ(held->holder, "\xff\n");
    EXPECT_EQ(held->holder_ttl, milliseconds{1500});
    EXPECT_EQ(held->fence, 0U);
    EXPECT_EQ(decode("*3\r\n$4\r\nheld\r\n$0\r\n\r\n:-1\r\n", Verb::status)->holder_ttl, std::nullopt);
    EXPECT_EQ(decode("*4\r\n$4\r\nheld\r\n$0\r\n\r\n:-1\r\n:17\r\n", Verb::status)->fence, 17U);
}

TEST(Decode, RefusesWhatIsNoFence) {
    for (const std::string_view fence : {"0", "-1", "9007199254740992", "9223372036854775807"})
        EXPECT_FALSE(decode("*3\r\n$7\r\ngranted\r\n:" + std::string(fence) + "\r\n:1000000\r\n", Verb::acquire))
            << fence;
    EXPECT_FALSE(decode("*3\r\n$7\r\ngranted\r\n$1\r\n5\r\n:1000000\r\n", Verb::acquire));
    EXPECT_FALSE(decode("*3\r\n$7\r\ngranted\r\n:5\r\n:-1\r\n", Verb::acquire));
}

// Confirmed on the other nodes, such a fence would leave the name without numbers.
TEST(Decode, AFenceNearTheLimitIsAnErrorOfThatNode) {
    const auto highest = decode("*3\r\n$7\r\ngranted\r\n:9006099743113216\r\n:1\r\n", Verb::acquire);
    EXPECT_EQ(highest->answer, Answer::granted);
    EXPECT_EQ(highest->fence, core::highest_fence);
    for (const std::string_view bytes :
         {"*3\r\n$7\r\ngranted\r\n:9006099743113217\r\n:1\r\n", "*3\r\n$7\r\ngranted\r\n:9007199254740991\r\n:1\r\n"}) {
        const auto reply = decode(bytes, Verb::acquire);
        EXPECT_EQ(reply->answer, Answer::error);
        EXPECT_EQ(reply->fence, 0U);
        EXPECT_NE(reply->text.find("too high"), std::string::npos) << reply->text;
    }
    const auto confirmed = decode("*2\r\n$9\r\nconfirmed\r\n:9007199254740991\r\n", Verb::confirm);
    EXPECT_EQ(confirmed->answer, Answer::error);
    EXPECT_EQ(confirmed->fence, 0U);
}

TEST(Decode, RefusesOtherAnswersToStatus) {
    // Nothing that a node says makes a look at the lock a grant of it.
    for (const std::string_view bytes :
         {"*1\r\n$7\r\ngranted\r\n", "*1\r\n$8\r\nextended\r\n", "*1\r\n$7\r\ndeleted\r\n", "*1\r\n$4\r\nheld\r\n",
          "*2\r\n$4\r\nheld\r\n$1\r\nx\r\n", "*3\r\n$4\r\nheld\r\n:1\r\n:1\r\n",
          "*3\r\n$4\r\nheld\r\n$1\r\nx\r\n$1\r\n5\r\n", "*3\r\n$7\r\nrefused\r\n$1\r\nx\r\n:1\r\n",
          "*2\r\n$8\r\nnot ours\r\n$1\r\nx\r\n", "+OK\r\n", "$-1\r\n"})
        EXPECT_FALSE(decode(bytes, Verb::status)) << bytes;
    for (const Verb verb : {Verb::acquire, Verb::extend, Verb::release})
        EXPECT_FALSE(decode("*3\r\n$4\r\nheld\r\n$1\r\nx\r\n:1\r\n", verb));
}

TEST(Decode, TakesEveryTimeLeft) {
    const std::string refused = "*3\r\n$7\r\nrefused\r\n$1\r\nx\r\n:";
    EXPECT_EQ(decode(refused + "-1\r\n", Verb::acquire)->holder_ttl, std::nullopt);
    EXPECT_EQ(decode(refused + "-2\r\n", Verb::acquire)->holder_ttl, Duration{0});
    EXPECT_EQ(decode(refused + "9223372036854775807\r\n", Verb::acquire)->holder_ttl, longest_duration);
}

TEST(Decode, IgnoresFieldsThatLaterScriptsAppend) {
    EXPECT_EQ(decode("*4\r\n$7\r\ngranted\r\n:17\r\n:1\r\n:5\r\n", Verb::acquire)->answer, Answer::granted);
}

TEST(Decode, RefusesOtherShapes) {
    for (const std::string_view bytes :
         {"+OK\r\n", ":1\r\n", "$-1\r\n", "$7\r\ngranted\r\n", "*0\r\n", "*-1\r\n", "*1\r\n:1\r\n",
          "*1\r\n$5\r\nother\r\n", "*1\r\n$8\r\nextended\r\n", "*1\r\n$7\r\nrefused\r\n",
          "*2\r\n$7\r\nrefused\r\n$1\r\nx\r\n", "*3\r\n$7\r\nrefused\r\n:1\r\n:1\r\n",
          "*3\r\n$7\r\nrefused\r\n$1\r\nx\r\n$1\r\n5\r\n", "*1\r\n$6\r\nabsent\r\n", "*1\r\n$7\r\ngranted\r\n",
          "*2\r\n$7\r\ngranted\r\n:17\r\n", "*1\r\n$9\r\nconfirmed\r\n", "*2\r\n$8\r\nset anew\r\n:1\r\n"})
        EXPECT_FALSE(decode(bytes, Verb::acquire)) << bytes;
    for (const std::string_view bytes : {"*3\r\n$7\r\ngranted\r\n:17\r\n:1\r\n", "*1\r\n$8\r\nextended\r\n",
                                         "*1\r\n$8\r\nset anew\r\n", "*1\r\n$9\r\nconfirmed\r\n"})
        EXPECT_FALSE(decode(bytes, Verb::extend)) << bytes;
    EXPECT_FALSE(decode("*1\r\n$8\r\nnot ours\r\n", Verb::release));
}

TEST(Reader, TakesBytesOneByOne) {
    const std::string bytes = "+OK\r\n-ERR no\r\n*1\r\n$7\r\ngranted\r\n";
    Reader reader;
    int values = 0;
    for (const char byte : bytes) {
        reader.feed({&byte, 1});
        while (reader.next()) ++values;
    }
    EXPECT_EQ(values, 3);
    EXPECT_FALSE(reader.broken());
}

TEST(Reader, BreaksOnWhatIsNotRedis) {
    EXPECT_TRUE(breaks("220 mail.example.org ESMTP\r\n"));
    EXPECT_TRUE(breaks("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_TRUE(breaks(std::string_view("\0", 1)));
}

TEST(Reader, BreaksOnArraysTooLongOrTooDeep) {
    EXPECT_TRUE(breaks("*1000000000\r\n"));
    EXPECT_TRUE(breaks("*17\r\n"));
    EXPECT_FALSE(breaks("*16\r\n"));
    EXPECT_TRUE(breaks("*1\r\n*1\r\n"));
}

TEST(Reader, BreaksOnAReplyTooLong) {
    for (const std::string_view start : {"+", "$100000000\r\n", "*2\r\n:1\r\n$99999\r\n"}) {
        Reader reader;
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

TEST(Reader, BoundsEachReplyNotTheirSum) {
    Reader reader;
    for (int i = 0; i < 20; ++i) {
        reader.feed("$9000\r\n" + std::string(9000, 'x') + "\r\n");
        EXPECT_TRUE(reader.next());
    }
    EXPECT_FALSE(reader.broken());
}

// Ten thousand streams, half of them random, half of them answers with a few bytes changed.
TEST(Reader, SurvivesRandomStreams) {
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
        Reader reader;
        for (std::size_t at = 0; at < bytes.size(); at += 7) {
            reader.feed(std::string_view(bytes).substr(at, 7));
            while (const auto value = reader.next()) {
                for (const Verb verb : {Verb::acquire, Verb::extend, Verb::release}) {
                    core::Reply reply;
                    reply.verb = verb;
                    decoded += value->decode(reply) ? 1U : 0U;
                }
            }
        }
    }
    EXPECT_GT(decoded, 1000U);
}

} // namespace
} // namespace redlock::redis
