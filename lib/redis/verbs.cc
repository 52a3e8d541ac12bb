#include "redis/verbs.hh"

#include "config/duration.hh"
#include "redis/scripts.hh"
#include "redis/terms.hh"
#include "util/text.hh"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

namespace redlock::redis {

namespace {

using core::Answer;
using core::Refusal;
using core::Reply;
using core::Request;
using core::Verb;

// The node's marker: what it knows of itself, in the data set (protocol: 7).
constexpr std::string_view node_key = "redlock:{}:node";

// What requests are made of. Rounded up: the key must not end before the caller believes that it does.
std::string ms(Duration duration) { return std::to_string(to_ms_up(duration)); }

// What all users of a prefix must agree upon, and the prefix's length: one word of acquire and extend.
std::string terms(const Request &request) {
    return fmt::format("{} {}", marker_text(request.agreement), request.agreement.prefix.size());
}

// What answers are made of.

std::string text(const Value &answer, std::size_t index) { return std::string(answer.text(index).value_or("")); }

// A whole number that a Lua script can hold.
std::optional<long long> number(const Value &answer, std::size_t index) {
    const auto found = answer.integer(index);
    return found >= 0 && static_cast<core::Fence>(*found) < core::fence_limit ? found : std::nullopt;
}

Duration capped(long long ms) { return milliseconds{std::clamp<long long>(ms, 0, to_ms(longest_duration))}; }

// A moment of a node's clock, not after `now`. The marker may have been written by anybody, and callers calculate with
// what comes out here.
std::optional<core::NodeTime> moment_of(std::string_view text, core::NodeTime now) {
    const auto moment = parse_number<core::NodeTime>(text);
    return moment && *moment >= 0 && *moment <= now ? moment : std::nullopt;
}

bool refuse(Reply &into, Refusal refusal) {
    into.answer = Answer::refused;
    into.refusal = refusal;
    return true;
}

bool done(const Value & /*answer*/, Reply & /*into*/) { return true; }

template <Refusal refusal> bool refused(const Value & /*answer*/, Reply &into) { return refuse(into, refusal); }

bool take_fence(const Value &answer, Reply &into) {
    const auto fence = number(answer, 1);
    if (fence.value_or(0) == 0) return false;
    into.fence = static_cast<core::Fence>(*fence);
    if (into.fence <= core::highest_fence) return true;
    into.answer = Answer::error;
    into.text = fmt::format("its fence {} is too high to be sound, and does not count; look at the key "
                            "redlock:{{KEY}}:fence there, and DEL it if redlock did not write it",
                            std::exchange(into.fence, 0));
    return true;
}

bool granted(const Value &answer, Reply &into) {
    if (!number(answer, 2) || !take_fence(answer, into)) return false;
    into.node_time = number(answer, 2);
    into.run_id = text(answer, 3);
    return true;
}

// Somebody's token, and what is left of it as PTTL says it; -1: for ever.
bool held(const Value &answer, Reply &into) {
    const auto left = answer.integer(2);
    if (!answer.text(1) || !left) return false;
    into.holder = text(answer, 1);
    if (*left != -1) into.holder_ttl = capped(*left);
    return refuse(into, Refusal::held);
}

bool held_with_fence(const Value &answer, Reply &into) {
    into.fence = static_cast<core::Fence>(number(answer, 3).value_or(0));
    return held(answer, into);
}

bool not_ours(const Value &answer, Reply &into) {
    into.holder = text(answer, 1);
    return answer.text(1) && refuse(into, Refusal::not_ours);
}

void note_quarantine(long long ms, Reply &into) {
    into.answer = Answer::error;
    into.trouble = core::Trouble::quarantined;
    into.quarantine = capped(ms);
    into.text = fmt::format("in quarantine for {} more", config::show_duration(*into.quarantine));
}

bool quarantined(const Value &answer, Reply &into) {
    const auto left = number(answer, 1);
    if (!left) return false;
    note_quarantine(*left, into);
    into.unused = number(answer, 2) == 0;
    into.on_hold = number(answer, 2) == 2;
    if (into.on_hold)
        into.text = fmt::format("'redlock init --reconfigure' is at work: no lock is granted here for {} more",
                                config::show_duration(*into.quarantine));
    return true;
}

bool contradicted(const Value &answer, Reply &into) {
    const auto record = answer.text(1);
    if (!record) return false;
    into.answer = Answer::error;
    into.trouble = core::Trouble::disagrees;
    into.others = parse_terms(*record);
    into.text = "others use it with " + in_words(*into.others);
    if (const auto lapses = number(answer, 2))
        into.text += fmt::format("; no 'redlock init' recorded that, and the node forgets it after {} without use",
                                 config::show_duration(capped(*lapses)));
    return true;
}

bool extended(const Value &answer, Reply &into) {
    into.node_time = number(answer, 1);
    if (!into.node_time || (answer.integer(2) && !number(answer, 2))) return false;
    if (const auto left = number(answer, 2); left > 0) note_quarantine(*left, into);
    if (!text(answer, 3).empty()) into.others = parse_terms(text(answer, 3));
    if (into.others && into.answer == Answer::error) into.text += "; others use it with " + in_words(*into.others);
    into.run_id = text(answer, 4);
    return true;
}

template <Refusal refusal> bool not_extended(const Value &answer, Reply &into) {
    return extended(answer, into) && refuse(into, refusal);
}

void take_record(const Value &answer, std::size_t record, std::size_t lapses, Reply &into) {
    into.state.record = text(answer, record);
    if (!into.state.record.empty()) into.state.terms = parse_terms(into.state.record);
    if (const auto left = number(answer, lapses)) into.state.lapses = capped(*left);
}

bool inspected(const Value &answer, Reply &into) {
    into.node_time = number(answer, 1);
    if (!into.node_time) return false;
    into.state.joined = moment_of(text(answer, 3), *into.node_time);
    if (!into.state.joined && !text(answer, 3).empty()) return false;
    into.run_id = text(answer, 2);
    take_record(answer, 4, 6, into);
    into.state.unfit = text(answer, 5);
    into.state.used = !text(answer, 7).empty();
    into.state.prefix_used = text(answer, 8);
    into.state.lock = text(answer, 9);
    into.state.hold = text(answer, 10);
    into.state.hold_left = capped(number(answer, 11).value_or(0));
    return true;
}

// Lines "COMMAND error"; then the error with keys that begin with the prefix.
bool probed(const Value &answer, Reply &into) {
    if (!answer.text(1)) return false;
    for (std::string_view rest = *answer.text(1); !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        const std::size_t blank = std::min(line.find(' '), line.size());
        into.probe.failed.push_back(
            {std::string(line.substr(0, blank)), std::string(line.substr(std::min(blank + 1, line.size())))});
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
    into.probe.barred = text(answer, 2);
    return true;
}

bool differs(const Value &answer, Reply &into) {
    take_record(answer, 1, 2, into);
    return refuse(into, Refusal::differs);
}

bool on_hold(const Value &answer, Reply &into) {
    into.state.prefix_used = text(answer, 1);
    into.state.lock = text(answer, 2);
    return true;
}

bool busy(const Value &answer, Reply &into) { return number(answer, 1) && refuse(into, Refusal::on_hold); }

constexpr Word acquire_words[] = {
    {"granted", granted}, {"refused", held}, {"quarantined", quarantined}, {"contradiction", contradicted}};
constexpr Word confirm_words[] = {
    {"confirmed", take_fence}, {"absent", refused<Refusal::absent>}, {"not ours", not_ours}};
constexpr Word extend_words[] = {{"extended", extended},
                                 {"set anew", not_extended<Refusal::set_anew>},
                                 {"absent", not_extended<Refusal::absent>},
                                 {"not ours", not_ours}};
constexpr Word release_words[] = {{"deleted", done}, {"absent", refused<Refusal::absent>}, {"not ours", not_ours}};
constexpr Word status_words[] = {{"held", held_with_fence}, {"absent", refused<Refusal::absent>}};
constexpr Word inspect_words[] = {{"inspected", inspected}};
constexpr Word probe_words[] = {{"probed", probed}};
constexpr Word trust_words[] = {
    {"trusted", done}, {"changed", refused<Refusal::changed>}, {"used", refused<Refusal::used>}};
constexpr Word record_words[] = {{"recorded", done}, {"changed", refused<Refusal::changed>}, {"different", differs}};
constexpr Word hold_words[] = {{"free", done},
                               {"on hold", on_hold},
                               {"changed", refused<Refusal::changed>},
                               {"different", differs},
                               {"busy", busy}};

using Arguments = std::vector<std::string>;

Arguments with_fence(const Request &r) { return {r.token, std::to_string(r.fence)}; }

// At most ten words a command, seven of them ours: a server takes no longer command from a client that has not
// authenticated, and says something else than what is wrong.
constexpr VerbRow rows[] = {
    {Verb::acquire, "acquire", acquire_script, Keys::lock_and_marker,
     [](const Request &r) -> Arguments {
         return {r.token, ms(r.ttl), std::to_string(r.fence), terms(r)};
     },
     acquire_words, Creates::when_granted},
    {Verb::confirm, "confirm", confirm_script, Keys::lock, with_fence, confirm_words},
    {Verb::extend, "extend", extend_script, Keys::lock_and_marker,
     [](const Request &r) -> Arguments {
         return {r.token, ms(r.ttl), std::to_string(r.fence),
                 fmt::format("{} {}", std::max<core::NodeTime>(r.until, 0), terms(r))};
     },
     extend_words, Creates::when_set_anew},
    {Verb::release, "release", release_script, Keys::lock, with_fence, release_words},
    {Verb::abandon, "abandon", release_script, Keys::lock, with_fence, release_words},
    {Verb::status, "status", status_script, Keys::lock, [](const Request &) { return Arguments{}; }, status_words},
    {Verb::inspect, "inspect", inspect_script, Keys::marker,
     [](const Request &r) -> Arguments { return {r.agreement.prefix}; }, inspect_words},
    {Verb::probe, "probe", probe_script, Keys::none,
     [](const Request &r) -> Arguments {
         const std::string &prefix = r.agreement.prefix;
         return {fmt::format("redlock:{{}}:try:{}", r.key), prefix.empty() ? "" : prefix + r.key};
     },
     probe_words},
    {Verb::trust, "trust", trust_script, Keys::marker,
     [](const Request &r) -> Arguments {
         return {r.change.run_id, std::to_string(r.change.joined)};
     },
     trust_words},
    {Verb::record, "record", record_script, Keys::marker,
     [](const Request &r) -> Arguments {
         const core::MarkerChange &c = r.change;
         return {r.agreement.prefix,
                 c.run_id,
                 c.expected,
                 c.record,
                 c.provisional ? "1" : "0",
                 c.hold.empty() ? "" : c.hold + ' ' + c.used};
     },
     record_words},
    {Verb::hold, "hold", hold_script, Keys::marker,
     [](const Request &r) -> Arguments {
         return {r.agreement.prefix, r.change.run_id, r.change.expected, r.change.hold, ms(r.change.length)};
     },
     hold_words},
};

} // namespace

std::span<const VerbRow> verb_rows() { return rows; }

const VerbRow &row_of(Verb verb) {
    for (const VerbRow &row : rows)
        if (row.verb == verb) return row;
    throw std::logic_error("a verb without a row in redis/verbs.cc");
}

std::string encode(const Request &request) {
    const VerbRow &row = row_of(request.verb);
    const Arguments arguments = row.arguments(request);
    std::vector<std::string_view> words{"EVAL", row.script, "0"};
    std::string fence_key;
    if (row.keys == Keys::lock || row.keys == Keys::lock_and_marker) {
        fence_key = "redlock:{" + request.key + "}:fence";
        words[2] = row.keys == Keys::lock ? "2" : "3";
        words.insert(words.end(), {request.key, fence_key});
    }
    if (row.keys == Keys::marker) words[2] = "1";
    if (row.keys == Keys::marker || row.keys == Keys::lock_and_marker) words.push_back(node_key);
    words.insert(words.end(), arguments.begin(), arguments.end());
    return encode(words);
}

bool decode(const Value &value, Reply &into) {
    const auto first = value.text(0);
    if (!first) return false;
    for (const Word &word : row_of(into.verb).words) {
        if (word.word != *first) continue;
        Reply read = into;
        read.answer = Answer::granted;
        if (!word.read(value, read)) return false;
        into = std::move(read);
        return true;
    }
    return false;
}

bool may_create(const Request &request) {
    const Creates creates = row_of(request.verb).creates;
    return creates == Creates::when_granted || (creates == Creates::when_set_anew && request.until > 0);
}

bool has_created(const Reply &reply) {
    const Creates creates = row_of(reply.verb).creates;
    return (creates == Creates::when_granted && reply.answer == Answer::granted) ||
           (creates == Creates::when_set_anew && reply.answer == Answer::refused && reply.refusal == Refusal::set_anew);
}

} // namespace redlock::redis
