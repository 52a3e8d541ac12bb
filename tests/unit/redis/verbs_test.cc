#include "redis/verbs.hh"

#include "redis/agreement_text.hh"

#include <concepts>
#include <gtest/gtest.h>
#include <ostream>

namespace redlock::redis {

void PrintTo(const VerbRow &row, std::ostream *out) { *out << row.name; }

namespace {

using core::Answer;
using core::Trouble;
using core::Verb;

// A bulk string or an integer, as the node writes it.
struct Element {
    Element(std::string_view text) : bytes("$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n") {}
    Element(const char *text) : Element(std::string_view(text)) {}
    Element(std::integral auto number) : bytes(":" + std::to_string(number) + "\r\n") {}
    std::string bytes;
};
using Elements = std::vector<Element>;

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
std::optional<core::Reply> decode(Verb verb, const Elements &elements) {
    std::string bytes = "*" + std::to_string(elements.size()) + "\r\n";
    for (const Element &each : elements) bytes += each.bytes;
    return decode_bytes(verb, bytes);
}

// All that an answer may fill in, as far as it is there; "none" for no answer.
std::string show(const std::optional<core::Reply> &reply) {
    if (!reply) return "none";
    static constexpr const char *refusals[] = {"held",    "not_ours", "absent",  "set_anew",
                                               "changed", "used",     "differs", "on_hold"};
    const auto ms = [](Duration duration) { return std::to_string(to_ms(duration)); };
    std::string all = reply->answer == Answer::granted   ? "granted"
                      : reply->answer == Answer::refused ? refusals[static_cast<int>(reply->refusal)]
                                                         : "error";
    const auto add = [&](const char *name, const std::string &text) {
        if (!text.empty()) all += ' ' + std::string(name) + '=' + text;
    };
    const core::NodeState &state = reply->state;
    add("holder", reply->holder);
    add("ttl", reply->holder_ttl ? ms(*reply->holder_ttl) : "");
    add("fence", reply->fence != 0 ? std::to_string(reply->fence) : "");
    add("time", reply->node_time ? std::to_string(*reply->node_time) : "");
    add("run_id", reply->run_id);
    add("others", reply->others ? marker_text(*reply->others) : "");
    add("quarantine", reply->quarantine ? ms(*reply->quarantine) : "");
    add("unused", reply->unused ? "yes" : "");
    add("on_hold", reply->on_hold ? "yes" : "");
    add("trouble", reply->trouble == Trouble::disagrees ? "disagrees" : "");
    EXPECT_EQ(reply->trouble == Trouble::quarantined, reply->quarantine.has_value());
    add("joined", state.joined ? std::to_string(*state.joined) : "");
    add("terms", state.terms ? marker_text(*state.terms) : "");
    EXPECT_EQ(state.record, state.terms ? marker_text(*state.terms) : "");
    add("unfit", state.unfit);
    add("lapses", state.lapses ? ms(*state.lapses) : "");
    add("used", state.used ? "yes" : "");
    add("prefix_used", state.prefix_used);
    add("lock", state.lock);
    add("hold", state.hold);
    add("hold_left", state.hold_left > Duration{} ? ms(state.hold_left) : "");
    for (const auto &[command, error] : reply->probe.failed) add("failed", command + '(' + error + ')');
    add("barred", reply->probe.barred);
    return all;
}

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

// Tries every word of every script on every verb. No answer makes a look at the lock a grant of it.
TEST(Verbs, WhatCountsAsGranted) {
    std::string all;
    for (const VerbRow &row : verb_rows())
        for (const VerbRow &other : verb_rows())
            for (const Word &word : other.words)
                for (const Element &second : {Element(5), Element("x")}) {
                    const auto reply = decode(row.verb, {word.word, second, 0});
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
    EXPECT_TRUE(has_created(*decode(Verb::acquire, {"granted", 17, 1})));
    EXPECT_TRUE(has_created(*decode(Verb::extend, {"set anew", 1})));
    EXPECT_FALSE(has_created(*decode(Verb::extend, {"extended", 1})));
    EXPECT_FALSE(has_created(*decode(Verb::release, {"deleted"})));
}

constexpr long long huge = 9223372036854775807, no_number = 9007199254740992; // 2^53: more than Lua can count
const std::string longest = std::to_string(to_ms(longest_duration));

struct Case {
    Verb verb;
    Elements answer;
    std::string shown;
};
const Case cases[] = {
    {Verb::acquire, {"granted", 17, 1000000, "aa", "later"}, "granted fence=17 time=1000000 run_id=aa"},
    {Verb::acquire, {"granted", 17, 0}, "granted fence=17 time=0"},
    {Verb::acquire, {"granted", "5", 1}, "none"},
    {Verb::acquire, {"granted", 5, -1}, "none"},
    {Verb::acquire, {"granted", 5}, "none"},
    {Verb::acquire, {"granted", 0, 1}, "none"},
    {Verb::acquire, {"granted", -1, 1}, "none"},
    {Verb::acquire, {"granted", no_number, 1}, "none"},
    {Verb::acquire, {"granted", huge, 1}, "none"},
    {Verb::acquire, {"granted", core::highest_fence, 1}, "granted fence=9006099743113216 time=1"},
    // Confirmed on the other nodes, such a fence would leave the name without numbers.
    {Verb::acquire, {"granted", core::highest_fence + 1, 1}, "error time=1"},
    {Verb::acquire, {"refused", "\xff\n", 1500, 17}, "held holder=\xff\n ttl=1500"},
    {Verb::acquire, {"refused", "x", -1}, "held holder=x"},
    {Verb::acquire, {"refused", "x", -2}, "held holder=x ttl=0"},
    {Verb::acquire, {"refused", "x", huge}, "held holder=x ttl=" + longest},
    {Verb::acquire, {"refused", "x"}, "none"},
    {Verb::acquire, {"refused", 1, 1}, "none"},
    {Verb::acquire, {"refused", "x", "5"}, "none"},
    {Verb::acquire, {"quarantined", 4500}, "error quarantine=4500"},
    {Verb::acquire, {"quarantined", 5, 0}, "error quarantine=5 unused=yes"},
    {Verb::acquire, {"quarantined", 5, 1}, "error quarantine=5"},
    {Verb::acquire, {"quarantined", 5, 2}, "error quarantine=5 on_hold=yes"},
    {Verb::acquire, {"quarantined", "x"}, "none"},
    {Verb::acquire, {"contradiction", "3 2 30000"}, "error others=3 2 30000 trouble=disagrees"},
    // To the scripts it is another text.
    {Verb::acquire, {"contradiction", "3 2 30000 "}, "error others=0 0 0 trouble=disagrees"},
    {Verb::confirm, {"confirmed", 18}, "granted fence=18"},
    {Verb::confirm, {"confirmed", no_number - 1}, "error"},
    {Verb::confirm, {"confirmed", 0}, "none"},
    {Verb::confirm, {"confirmed"}, "none"},
    {Verb::confirm, {"absent"}, "absent"},
    {Verb::confirm, {"not ours", "x"}, "not_ours holder=x"},
    {Verb::extend, {"extended", 7, 0, "", "aa"}, "granted time=7 run_id=aa"},
    {Verb::extend, {"extended", 7}, "granted time=7"},
    // An error says nothing of the lease.
    {Verb::extend, {"extended", 7, 4500, "3 2 30000"}, "error time=7 others=3 2 30000 quarantine=4500"},
    {Verb::extend, {"set anew", 7, 4500, "3 2 30000"}, "set_anew time=7 others=3 2 30000 quarantine=4500"},
    {Verb::extend, {"set anew", 7, 0, "", "aa"}, "set_anew time=7 run_id=aa"},
    {Verb::extend, {"absent", 7, 4500, "", "aa"}, "absent time=7 run_id=aa quarantine=4500"},
    {Verb::extend, {"extended", 7, -1}, "none"}, // as if there were none
    {Verb::extend, {"extended", 7, no_number}, "none"},
    {Verb::extend, {"extended", 7, huge}, "none"},
    {Verb::extend, {"set anew"}, "none"},
    {Verb::extend, {"not ours", "x"}, "not_ours holder=x"},
    {Verb::extend, {"not ours"}, "none"},
    {Verb::release, {"deleted"}, "granted"},
    {Verb::release, {"absent"}, "absent"},
    {Verb::abandon, {"not ours", "x"}, "not_ours holder=x"},
    {Verb::status, {"held", "\xff\n", 1500}, "held holder=\xff\n ttl=1500"},
    {Verb::status, {"held", "x", -1, 17}, "held holder=x fence=17"},
    {Verb::status, {"held", "x"}, "none"},
    {Verb::status, {"absent"}, "absent"},
    {Verb::inspect,
     {"inspected", 1000000, "aa", "0", "3 2 30000", "", 4500, "7", "6", "db", "id", 80},
     "granted time=1000000 run_id=aa joined=0 terms=3 2 30000 lapses=4500 used=yes prefix_used=6 lock=db hold=id "
     "hold_left=80"},
    {Verb::inspect, {"inspected", 7, "aa", "", "", "UNFIT replica"}, "granted time=7 run_id=aa unfit=UNFIT replica"},
    {Verb::inspect, {"inspected", 7, "aa", "7"}, "granted time=7 run_id=aa joined=7"},
    {Verb::probe, {"probed", "", ""}, "granted"},
    {Verb::probe, {"probed", "GET ERR no\nDEL ab\n", "no"}, "granted failed=GET(ERR no) failed=DEL(ab) barred=no"},
    {Verb::probe, {"probed", "\n\nx "}, "granted failed=() failed=() failed=x()"},
    {Verb::probe, {"probed"}, "none"},
    {Verb::trust, {"trusted"}, "granted"},
    {Verb::trust, {"changed"}, "changed"},
    {Verb::trust, {"used"}, "used"},
    {Verb::record, {"recorded"}, "granted"},
    {Verb::record, {"different", "5 3 30000", -1}, "differs terms=5 3 30000"},
    {Verb::record, {"different", "5 3 30000", 20}, "differs terms=5 3 30000 lapses=20"},
    {Verb::hold, {"free"}, "granted"},
    {Verb::hold, {"on hold", "6", "db"}, "granted prefix_used=6 lock=db"},
    {Verb::hold, {"different", "", -1}, "differs"},
    {Verb::hold, {"busy", 5}, "on_hold"},
    {Verb::hold, {"busy"}, "none"},
};

TEST(Verbs, Answers) {
    for (const auto &[verb, answer, shown] : cases) EXPECT_EQ(show(decode(verb, answer)), shown) << row_of(verb).name;
}

// Callers subtract it from the node's time, and both become nanoseconds.
TEST(Verbs, AMarkerWithNoMomentOfTheNodesClock) {
    for (const char *joined : {"-1", "1000001", "-9223372036854775808", "9223372036854775807", "99999999999999999999",
                               "1e3", "nan", "inf", "x", " 5", "5 ", "0x5"})
        EXPECT_FALSE(decode(Verb::inspect, {"inspected", 1000000, "aa", joined, "", ""})) << joined;
}

} // namespace
} // namespace redlock::redis
