#include "redis/verbs.hh"

#include <gtest/gtest.h>
#include <ostream>
#include <variant>

namespace redlock::redis {

void PrintTo(const VerbRow &row, std::ostream *out) { *out << row.name; }

namespace {

using core::Answer;
using core::Refusal;
using core::Trouble;
using core::Verb;

struct Integer {
    long long number;
};
using Elements = std::vector<std::variant<std::string_view, Integer>>;

// An array of bulk strings and integers.
std::string resp(const Elements &elements) {
    std::string bytes = "*" + std::to_string(elements.size()) + "\r\n";
    for (const auto &each : elements) {
        if (const auto *text = std::get_if<std::string_view>(&each))
            bytes.append("$" + std::to_string(text->size()) + "\r\n").append(*text).append("\r\n");
        else bytes += ":" + std::to_string(std::get<Integer>(each).number) + "\r\n";
    }
    return bytes;
}

// The answer in `bytes` to a request; nullopt: it is none.
std::optional<core::Reply> decode_bytes(Verb verb, std::string_view bytes) {
    ReplyReader reader;
    reader.feed(bytes);
    const auto value = reader.next();
    core::Reply reply;
    reply.verb = verb;
    if (!value || !decode(*value, reply)) return std::nullopt;
    return reply;
}
std::optional<core::Reply> decode(Verb verb, const Elements &elements) { return decode_bytes(verb, resp(elements)); }

core::Request request(Verb verb) {
    core::Request request;
    request.verb = verb;
    request.key = std::string("k\0\r\n", 4);
    request.token = "t";
    request.ttl = milliseconds{1500} + Duration{1};
    return request;
}

// EVAL of the verb's script with these keys and arguments.
std::string eval(Verb verb, std::string_view keys, std::vector<std::string_view> words) {
    words.insert(words.begin(), {"EVAL", row_of(verb).script, keys});
    return encode(words);
}

constexpr std::string_view key{"k\0\r\n", 4}, fence_key{"redlock:{k\0\r\n}:fence", 20}, node_key = "redlock:{}:node";

class EveryVerb : public testing::TestWithParam<VerbRow> {};
INSTANTIATE_TEST_SUITE_P(Verbs, EveryVerb, testing::ValuesIn(verb_rows().begin(), verb_rows().end()),
                         [](const auto &row) { return std::string(row.param.name); });

TEST_P(EveryVerb, IsShortEnoughForAServer) {
    // A client that has not authenticated may send ten words, and learns of a longer command only that it is too long.
    const std::string bytes = encode(request(GetParam().verb));
    EXPECT_LE(std::stoi(bytes.substr(1)), 10);
    EXPECT_EQ(bytes.find("--"), std::string::npos); // scripts travel without comments
    constexpr std::size_t segment = 1400;           // ten of them are in TCP's first window
    EXPECT_LT(bytes.size(), (GetParam().keys == Keys::lock ? 1 : 4) * segment);
}

// Of all words that any script answers. Nothing that a node says makes a look at the lock a grant of it.
TEST(Verbs, WhatCountsAsGranted) {
    std::string all;
    for (const VerbRow &row : verb_rows())
        for (const VerbRow &other : verb_rows())
            for (const Word &word : other.words)
                for (const auto &second : {Elements{Integer{5}}, Elements{"x"}}) {
                    const auto reply = decode(row.verb, {word.word, second[0], Integer{0}});
                    const std::string grant = std::string(row.name) + ": " + std::string(word.word) + '\n';
                    if (reply && reply->answer == Answer::granted && !all.ends_with(grant)) all += grant;
                }
    EXPECT_EQ(all, "acquire: granted\nconfirm: confirmed\nextend: extended\nrelease: deleted\nabandon: deleted\n"
                   "inspect: inspected\nprobe: probed\ntrust: trusted\nrecord: recorded\nhold: free\nhold: on hold\n");
}

TEST_P(EveryVerb, RefusesOtherShapes) {
    for (const std::string_view bytes : {"+OK\r\n", ":1\r\n", "$-1\r\n", "$7\r\ngranted\r\n", "*0\r\n", "*-1\r\n",
                                         "*1\r\n:1\r\n", "*1\r\n$5\r\nother\r\n"})
        EXPECT_FALSE(decode_bytes(GetParam().verb, bytes)) << bytes;
}

TEST(Verbs, AVerbWithoutARowIsAnErrorOfOurs) { EXPECT_THROW(row_of(static_cast<Verb>(1000)), std::logic_error); }

TEST(Verbs, Requests) {
    core::Request r = request(Verb::acquire);
    r.agreement = {.prefix = "app:", .nodes = 5, .quorum = 3, .guard = milliseconds{1500}};
    // The ttl is rounded up.
    EXPECT_EQ(encode(r), eval(r.verb, "3", {key, fence_key, node_key, "t", "1501", "0", "5 3 1500 4"}));
    r.verb = Verb::extend;
    r.fence = core::fence_limit - 1;
    r.until = 1'700'000'000'000'000;
    EXPECT_EQ(
        encode(r),
        eval(r.verb, "3", {key, fence_key, node_key, "t", "1501", "9007199254740991", "1700000000000000 5 3 1500 4"}));
    for (const Verb verb : {Verb::confirm, Verb::release, Verb::abandon}) {
        r.verb = verb;
        EXPECT_EQ(encode(r), eval(verb, "2", {key, fence_key, "t", "9007199254740991"}));
    }
    EXPECT_EQ(row_of(Verb::release).script, row_of(Verb::abandon).script);
    r.verb = Verb::status;
    EXPECT_EQ(encode(r), eval(r.verb, "2", {key, fence_key}));
    r.verb = Verb::inspect;
    EXPECT_EQ(encode(r), eval(r.verb, "1", {node_key, "app:"}));
    r.change = {.run_id = "aa",
                .joined = 7,
                .expected = "e",
                .record = "r",
                .hold = "id",
                .used = "6",
                .length = milliseconds{30}};
    r.verb = Verb::trust;
    EXPECT_EQ(encode(r), eval(r.verb, "1", {node_key, "aa", "7"}));
    r.verb = Verb::record;
    EXPECT_EQ(encode(r), eval(r.verb, "1", {node_key, "app:", "aa", "e", "r", "0", "id 6"}));
    r.verb = Verb::hold;
    EXPECT_EQ(encode(r), eval(r.verb, "1", {node_key, "app:", "aa", "e", "id", "30"}));
    r.verb = Verb::probe;
    r.key = "0123";
    EXPECT_EQ(encode(r), eval(r.verb, "0", {"redlock:{}:try:0123", "app:0123"}));
}

TEST(Verbs, WhatMayCreateTheKey) {
    for (const VerbRow &row : verb_rows()) {
        core::Request r = request(row.verb);
        EXPECT_EQ(may_create(r), row.verb == Verb::acquire) << row.name;
        r.until = 1;
        EXPECT_EQ(may_create(r), row.verb == Verb::acquire || row.verb == Verb::extend) << row.name;
    }
    EXPECT_TRUE(has_created(*decode(Verb::acquire, {"granted", Integer{17}, Integer{1}})));
    EXPECT_TRUE(has_created(*decode(Verb::extend, {"set anew", Integer{1}})));
    EXPECT_FALSE(has_created(*decode(Verb::extend, {"extended", Integer{1}})));
    EXPECT_FALSE(has_created(*decode(Verb::release, {"deleted"})));
}

TEST(Verbs, AnswersAboutTheLock) {
    const auto granted = decode(Verb::acquire, {"granted", Integer{17}, Integer{1'000'000}, "aa", "later"});
    EXPECT_EQ(granted->answer, Answer::granted);
    EXPECT_EQ(granted->fence, 17U);
    EXPECT_EQ(granted->node_time, 1'000'000);
    EXPECT_EQ(granted->run_id, "aa");
    EXPECT_EQ(decode(Verb::confirm, {"confirmed", Integer{18}})->fence, 18U);
    EXPECT_EQ(decode(Verb::release, {"deleted"})->answer, Answer::granted);
    for (const Verb verb : {Verb::confirm, Verb::extend, Verb::release, Verb::abandon}) {
        const auto other = decode(verb, {"not ours", "x"});
        EXPECT_EQ(other->refusal, Refusal::not_ours);
        EXPECT_EQ(other->holder, "x");
        EXPECT_FALSE(decode(verb, {"not ours"}));
        EXPECT_EQ(decode(verb, {"absent", Integer{1}})->refusal, Refusal::absent);
    }
    for (const auto &[verb, word] : {std::pair{Verb::acquire, "refused"}, std::pair{Verb::status, "held"}}) {
        const auto held = decode(verb, {word, "\xff\n", Integer{1500}, Integer{17}});
        EXPECT_EQ(held->answer, Answer::refused);
        EXPECT_EQ(held->refusal, Refusal::held);
        EXPECT_EQ(held->holder, "\xff\n");
        EXPECT_EQ(held->holder_ttl, milliseconds{1500});
        EXPECT_EQ(held->fence, verb == Verb::status ? 17U : 0U);
        EXPECT_EQ(decode(verb, {word, "x", Integer{-1}})->holder_ttl, std::nullopt);
        EXPECT_EQ(decode(verb, {word, "x", Integer{-2}})->holder_ttl, Duration{0});
        EXPECT_EQ(decode(verb, {word, "x", Integer{9223372036854775807}})->holder_ttl, longest_duration);
        for (const Elements &wrong :
             {Elements{word}, Elements{word, "x"}, Elements{word, Integer{1}, Integer{1}}, Elements{word, "x", "5"}})
            EXPECT_FALSE(decode(verb, wrong));
    }
}

TEST(Verbs, AnswersToExtend) {
    for (const auto &[word, refusal] :
         {std::pair{"extended", std::optional<Refusal>()}, std::pair{"set anew", std::optional(Refusal::set_anew)},
          std::pair{"absent", std::optional(Refusal::absent)}}) {
        const auto sound = decode(Verb::extend, {word, Integer{1'000'000}, Integer{0}, "", "aa"});
        EXPECT_EQ(sound->answer, refusal ? Answer::refused : Answer::granted);
        EXPECT_EQ(sound->refusal, refusal.value_or(core::Reply().refusal));
        EXPECT_EQ(sound->node_time, 1'000'000);
        EXPECT_EQ(sound->quarantine, std::nullopt);
        EXPECT_EQ(sound->others, std::nullopt);
        EXPECT_EQ(sound->run_id, "aa");
        const auto kept_out = decode(Verb::extend, {word, Integer{1'000'000}, Integer{4500}, "3 2 30000"});
        EXPECT_EQ(kept_out->answer, refusal ? Answer::refused : Answer::error); // an error says nothing of the lease
        EXPECT_EQ(kept_out->trouble, Trouble::quarantined);
        EXPECT_EQ(kept_out->quarantine, milliseconds{4500});
        EXPECT_EQ(kept_out->others->guard, seconds{30});
        EXPECT_FALSE(decode(Verb::extend, {word}));
        for (const long long left : {-1LL, 9007199254740992LL, 9223372036854775807LL}) // as if there were none
            EXPECT_FALSE(decode(Verb::extend, {word, Integer{1'000'000}, Integer{left}}));
    }
}

TEST(Verbs, ErrorsOfAcquire) {
    const auto quarantined = decode(Verb::acquire, {"quarantined", Integer{4500}});
    EXPECT_EQ(quarantined->answer, Answer::error);
    EXPECT_EQ(quarantined->trouble, Trouble::quarantined);
    EXPECT_EQ(quarantined->quarantine, milliseconds{4500});
    for (const long long used : {0, 1, 2}) {
        const auto reply = decode(Verb::acquire, {"quarantined", Integer{5}, Integer{used}});
        EXPECT_EQ(reply->unused, used == 0);
        EXPECT_EQ(reply->on_hold, used == 2);
    }
    EXPECT_FALSE(decode(Verb::acquire, {"quarantined", "x"}));
    const auto other = decode(Verb::acquire, {"contradiction", "3 2 30000"});
    EXPECT_EQ(other->answer, Answer::error);
    EXPECT_EQ(other->trouble, Trouble::disagrees);
    EXPECT_EQ(other->others, (core::Agreement{"", 3, 2, milliseconds{30000}}));
    // To the scripts it is another text.
    EXPECT_EQ(decode(Verb::acquire, {"contradiction", "3 2 30000 "})->others, core::Agreement{});
}

TEST(Verbs, WhatIsNoFence) {
    for (const long long fence : {0LL, -1LL, 9007199254740992LL, 9223372036854775807LL}) {
        EXPECT_FALSE(decode(Verb::acquire, {"granted", Integer{fence}, Integer{1}})) << fence;
        EXPECT_FALSE(decode(Verb::confirm, {"confirmed", Integer{fence}})) << fence;
    }
    EXPECT_FALSE(decode(Verb::acquire, {"granted", "5", Integer{1}}));
    EXPECT_FALSE(decode(Verb::acquire, {"granted", Integer{5}, Integer{-1}}));
    EXPECT_FALSE(decode(Verb::acquire, {"granted", Integer{5}}));
    EXPECT_FALSE(decode(Verb::confirm, {"confirmed"}));
}

// Confirmed on the other nodes, such a fence would leave the name without numbers.
TEST(Verbs, AFenceNearTheLimitIsAnErrorOfThatNode) {
    const auto highest = static_cast<long long>(core::highest_fence);
    EXPECT_EQ(decode(Verb::acquire, {"granted", Integer{highest}, Integer{1}})->fence, core::highest_fence);
    for (const auto &reply : {decode(Verb::acquire, {"granted", Integer{highest + 1}, Integer{1}}),
                              decode(Verb::confirm, {"confirmed", Integer{(1LL << 53) - 1}})}) {
        EXPECT_EQ(reply->answer, Answer::error);
        EXPECT_EQ(reply->fence, 0U);
        EXPECT_NE(reply->text.find("too high"), std::string::npos) << reply->text;
    }
}

TEST(Verbs, AnswersToInspect) {
    const auto seen = decode(Verb::inspect, {"inspected", Integer{1'000'000}, "aa", "0", "3 2 30000", "", Integer{4500},
                                             "7", "6", "db", "id", Integer{80}});
    EXPECT_EQ(seen->answer, Answer::granted);
    EXPECT_EQ(seen->run_id, "aa");
    EXPECT_EQ(seen->state.joined, 0);
    EXPECT_EQ(seen->state.record, "3 2 30000");
    EXPECT_EQ(seen->state.terms->quorum, 2U);
    EXPECT_EQ(seen->state.unfit, "");
    EXPECT_EQ(seen->state.lapses, milliseconds{4500});
    EXPECT_TRUE(seen->state.used);
    EXPECT_EQ(seen->state.prefix_used, "6");
    EXPECT_EQ(seen->state.lock, "db");
    EXPECT_EQ(seen->state.hold, "id");
    EXPECT_EQ(seen->state.hold_left, milliseconds{80});
    const auto unfit = decode(Verb::inspect, {"inspected", Integer{1'000'000}, "aa", "", "", "UNFIT replica"});
    EXPECT_EQ(unfit->state.joined, std::nullopt);
    EXPECT_FALSE(unfit->state.terms);
    EXPECT_EQ(unfit->state.unfit, "UNFIT replica");
    EXPECT_FALSE(unfit->state.used);
}

// Callers subtract it from the node's time, and both become nanoseconds.
TEST(Verbs, AMarkerWithNoMomentOfTheNodesClock) {
    const auto inspected = [](std::string_view joined) {
        return decode(Verb::inspect, {"inspected", Integer{1'000'000}, "aa", joined, "", ""});
    };
    EXPECT_EQ(inspected("1000000")->state.joined, 1000000);
    for (const char *joined : {"-1", "1000001", "-9223372036854775808", "9223372036854775807", "99999999999999999999",
                               "1e3", "nan", "inf", "x", " 5", "5 ", "0x5"})
        EXPECT_FALSE(inspected(joined)) << joined;
}

TEST(Verbs, AnswersToProbe) {
    const auto none = decode(Verb::probe, {"probed", "", ""});
    EXPECT_EQ(none->answer, Answer::granted);
    EXPECT_TRUE(none->probe.failed.empty());
    EXPECT_EQ(none->probe.barred, "");
    const auto two = decode(Verb::probe, {"probed", "GET ERR no\nDEL ab\n", "bar"});
    ASSERT_EQ(two->probe.failed.size(), 2U);
    EXPECT_EQ(two->probe.failed[0].command, "GET");
    EXPECT_EQ(two->probe.failed[0].error, "ERR no");
    EXPECT_EQ(two->probe.failed[1].command, "DEL");
    EXPECT_EQ(two->probe.failed[1].error, "ab");
    EXPECT_EQ(two->probe.barred, "bar");
    const auto odd = decode(Verb::probe, {"probed", "\n\nx "});
    ASSERT_EQ(odd->probe.failed.size(), 3U);
    EXPECT_EQ(odd->probe.failed[2].command, "x");
    EXPECT_FALSE(decode(Verb::probe, {"probed"}));
}

TEST(Verbs, AnswersToChangesOfTheMarker) {
    EXPECT_EQ(decode(Verb::trust, {"trusted"})->answer, Answer::granted);
    EXPECT_EQ(decode(Verb::record, {"recorded"})->answer, Answer::granted);
    EXPECT_EQ(decode(Verb::hold, {"free"})->answer, Answer::granted);
    EXPECT_EQ(decode(Verb::trust, {"used"})->refusal, Refusal::used);
    EXPECT_EQ(decode(Verb::hold, {"busy", Integer{5}})->refusal, Refusal::on_hold);
    EXPECT_FALSE(decode(Verb::hold, {"busy"}));
    const auto held = decode(Verb::hold, {"on hold", "6", "db"});
    EXPECT_EQ(held->answer, Answer::granted);
    EXPECT_EQ(held->state.prefix_used, "6");
    EXPECT_EQ(held->state.lock, "db");
    for (const Verb verb : {Verb::trust, Verb::record, Verb::hold})
        EXPECT_EQ(decode(verb, {"changed"})->refusal, Refusal::changed);
    for (const Verb verb : {Verb::record, Verb::hold}) {
        const auto different = decode(verb, {"different", "5 3 30000", Integer{-1}});
        EXPECT_EQ(different->refusal, Refusal::differs);
        EXPECT_EQ(different->state.terms->nodes, 5U);
        EXPECT_EQ(different->state.lapses, std::nullopt);
    }
}

} // namespace
} // namespace redlock::redis
