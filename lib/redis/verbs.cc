#include "redis/verbs.hh"

#include "config/duration.hh"
#include "redis/agreement_text.hh"
#include "redis/scripts.hh"
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
using enum Field::Shape;

// The node's marker: what the node knows of itself, inside its data set (protocol 9.1).
constexpr std::string_view node_key = "redlock:{}:node";

// Arguments. Times are rounded up: the key must not end before the caller believes that it does. A command has at most
// ten words, with EVAL, the script and the keys: a server refuses longer ones from a client that has not authenticated,
// and its error does not say so.

using Arguments = std::vector<std::string>;

std::string ms(Duration duration) { return std::to_string(to_ms_up(duration)); }
std::string decimal(auto number) { return std::to_string(number); }

// The agreement of all users of a prefix, and the length of the prefix: one word.
std::string terms(const Request &r) {
    return fmt::format("{} {}", marker_text(r.agreement), r.agreement.prefix.size());
}

Arguments for_acquire(const Request &r) { return {r.token, ms(r.ttl), decimal(r.fence), terms(r)}; }
Arguments for_extend(const Request &r) {
    return {r.token, ms(r.ttl), decimal(r.fence), fmt::format("{} {}", std::max<core::NodeTime>(r.until, 0), terms(r))};
}
Arguments token_and_fence(const Request &r) { return {r.token, decimal(r.fence)}; }
Arguments nothing(const Request & /*r*/) { return {}; }
Arguments for_inspect(const Request &r) { return {r.agreement.prefix}; }
Arguments for_probe(const Request &r) {
    const std::string &prefix = r.agreement.prefix;
    return {fmt::format("redlock:{{}}:try:{}", r.key), prefix.empty() ? "" : prefix + r.key};
}
Arguments for_trust(const Request &r) { return {r.change.run_id, decimal(r.change.joined)}; }
Arguments for_record(const Request &r) {
    const core::MarkerChange &c = r.change;
    const std::string hold = c.hold.empty() ? "" : c.hold + ' ' + c.used;
    return {r.agreement.prefix, c.run_id, c.expected, c.record, c.provisional ? "1" : "0", hold};
}
Arguments for_hold(const Request &r) {
    return {r.agreement.prefix, r.change.run_id, r.change.expected, r.change.hold, ms(r.change.length)};
}

// Elements of answers.

Duration capped(long long ms) { return milliseconds{std::clamp<long long>(ms, 0, to_ms(longest_duration))}; }
std::string string_of(const Element &e) { return std::string(e.text.value_or("")); }

// A moment of the node's clock, not after its present time. Anybody may have written the marker, and callers calculate
// with the result.
std::optional<core::NodeTime> moment_of(const Element &e, const Reply &so_far) {
    const auto moment = parse_number<core::NodeTime>(e.text.value_or(""));
    return moment && *moment >= 0 && moment <= so_far.node_time ? moment : std::nullopt;
}

void take_fence(const Element &e, Reply &r) {
    r.fence = static_cast<core::Fence>(*e.number);
    if (r.fence <= core::highest_fence) return;
    r.answer = Answer::error;
    r.text = fmt::format("its fence {} is too high to be sound, and does not count; look at the key "
                         "redlock:{{KEY}}:fence there, and DEL it if redlock did not write it",
                         std::exchange(r.fence, 0));
}

// The remaining time of a key as PTTL gives it; -1: the key never expires.
void take_left(const Element &e, Reply &r) {
    if (*e.integer != -1) r.holder_ttl = capped(*e.integer);
}

void take_quarantine(const Element &e, Reply &r) {
    r.answer = Answer::error;
    r.trouble = core::Trouble::quarantined;
    r.quarantine = capped(*e.number);
    r.text = fmt::format("in quarantine for {} more", config::show_duration(*r.quarantine));
}
void take_rest_of_quarantine(const Element &e, Reply &r) {
    if (e.number > 0) take_quarantine(e, r);
}
void take_reason(const Element &e, Reply &r) {
    r.unused = e.number == 0;
    r.on_hold = e.number == 2;
    if (r.on_hold)
        r.text = fmt::format("'redlock init --reconfigure' is at work: no lock is granted here for {} more",
                             config::show_duration(*r.quarantine));
}

void take_contradiction(const Element &e, Reply &r) {
    r.answer = Answer::error;
    r.trouble = core::Trouble::disagrees;
    r.others = parse_marker_text(*e.text);
    r.text = "others use it with " + in_words(*r.others);
}
void take_its_end(const Element &e, Reply &r) {
    if (!e.number) return;
    r.text += fmt::format("; no 'redlock init' recorded that, and the node forgets it after {} without use",
                          config::show_duration(capped(*e.number)));
}
void take_others(const Element &e, Reply &r) {
    if (string_of(e).empty()) return;
    r.others = parse_marker_text(*e.text);
    if (r.answer == Answer::error) r.text += "; others use it with " + in_words(*r.others);
}

void take_record(const Element &e, Reply &r) {
    r.state.record = string_of(e);
    if (!r.state.record.empty()) r.state.terms = parse_marker_text(r.state.record);
}
void take_lapses(const Element &e, Reply &r) {
    if (e.number) r.state.lapses = capped(*e.number);
}

// Lines "COMMAND error".
void take_failed(const Element &e, Reply &r) {
    for (std::string_view rest = *e.text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        const std::size_t blank = std::min(line.find(' '), line.size());
        const std::string_view error = line.substr(std::min(blank + 1, line.size()));
        r.probe.failed.push_back({std::string(line.substr(0, blank)), std::string(error)});
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
}

constexpr Field fence{positive, take_fence}, left{integer, take_left}, record{any, take_record};
constexpr Field quarantine{number, take_quarantine}, rest_of_quarantine{number_or_missing, take_rest_of_quarantine};
constexpr Field reason{any, take_reason}, contradiction{text, take_contradiction}, its_end{any, take_its_end};
constexpr Field others{any, take_others}, lapses{any, take_lapses}, failed{text, take_failed};
constexpr Field time{number, [](const Element &e, Reply &r) { r.node_time = e.number; }};
constexpr Field run_id{any, [](const Element &e, Reply &r) { r.run_id = string_of(e); }};
constexpr Field holder{text, [](const Element &e, Reply &r) { r.holder = *e.text; }};
constexpr Field its_fence{any, [](const Element &e, Reply &r) { r.fence = core::Fence(e.number.value_or(0)); }};
constexpr Field joined{moment_or_empty, [](const Element &e, Reply &r) { r.state.joined = moment_of(e, r); }};
constexpr Field unfit{any, [](const Element &e, Reply &r) { r.state.unfit = string_of(e); }};
constexpr Field used{any, [](const Element &e, Reply &r) { r.state.used = !string_of(e).empty(); }};
constexpr Field prefix_used{any, [](const Element &e, Reply &r) { r.state.prefix_used = string_of(e); }};
constexpr Field lock{any, [](const Element &e, Reply &r) { r.state.lock = string_of(e); }};
constexpr Field hold{any, [](const Element &e, Reply &r) { r.state.hold = string_of(e); }};
constexpr Field hold_left{any, [](const Element &e, Reply &r) { r.state.hold_left = capped(e.number.value_or(0)); }};
constexpr Field any_number{number, [](const Element &, Reply &) {}};
constexpr Field barred{any, [](const Element &e, Reply &r) { r.probe.barred = string_of(e); }};

constexpr Word absent{"absent", Refusal::absent}, not_ours{"not ours", Refusal::not_ours, {holder}};
constexpr Word changed{"changed", Refusal::changed}, different{"different", Refusal::differs, {record, lapses}};

constexpr Word to_acquire[] = {{"granted", {}, {fence, time, run_id}},
                               {"refused", Refusal::held, {holder, left}},
                               {"quarantined", {}, {quarantine, reason}},
                               {"contradiction", {}, {contradiction, its_end}}};
constexpr Word to_confirm[] = {{"confirmed", {}, {fence}}, absent, not_ours};
constexpr Word to_extend[] = {{"extended", {}, {time, rest_of_quarantine, others, run_id}},
                              {"set anew", Refusal::set_anew, {time, rest_of_quarantine, others, run_id}},
                              {"absent", Refusal::absent, {time, rest_of_quarantine, others, run_id}},
                              not_ours};
constexpr Word to_release[] = {{"deleted", {}}, absent, not_ours};
constexpr Word to_status[] = {{"held", Refusal::held, {holder, left, its_fence}}, absent};
constexpr Word to_inspect[] = {
    {"inspected", {}, {time, run_id, joined, record, unfit, lapses, used, prefix_used, lock, hold, hold_left}}};
constexpr Word to_probe[] = {{"probed", {}, {failed, barred}}};
constexpr Word to_trust[] = {{"trusted", {}}, changed, {"used", Refusal::used}};
constexpr Word to_record[] = {{"recorded", {}}, changed, different};
constexpr Word to_hold[] = {
    {"free", {}}, {"on hold", {}, {prefix_used, lock}}, changed, different, {"busy", Refusal::on_hold, {any_number}}};

constexpr VerbRow table_of_verbs[] = {
    {Verb::acquire, "acquire", acquire_script, Keys::lock_and_marker, for_acquire, to_acquire, Creates::when_granted},
    {Verb::confirm, "confirm", confirm_script, Keys::lock, token_and_fence, to_confirm},
    {Verb::extend, "extend", extend_script, Keys::lock_and_marker, for_extend, to_extend, Creates::when_set_anew},
    {Verb::release, "release", release_script, Keys::lock, token_and_fence, to_release},
    {Verb::abandon, "abandon", release_script, Keys::lock, token_and_fence, to_release},
    {Verb::status, "status", status_script, Keys::lock, nothing, to_status},
    {Verb::inspect, "inspect", inspect_script, Keys::marker, for_inspect, to_inspect},
    {Verb::probe, "probe", probe_script, Keys::none, for_probe, to_probe},
    {Verb::trust, "trust", trust_script, Keys::marker, for_trust, to_trust},
    {Verb::record, "record", record_script, Keys::marker, for_record, to_record},
    {Verb::hold, "hold", hold_script, Keys::marker, for_hold, to_hold},
};

Element element_of(const Value &answer, std::size_t index) {
    Element e{answer.text(index), answer.integer(index), {}};
    if (e.integer >= 0 && static_cast<core::Fence>(*e.integer) < core::fence_limit) e.number = e.integer;
    return e;
}

bool fits(const Element &e, Field::Shape shape, const Reply &so_far) {
    switch (shape) {
    case any: return true;
    case text: return e.text.has_value();
    case integer: return e.integer.has_value();
    case number: return e.number.has_value();
    case positive: return e.number > 0;
    case number_or_missing: return e.number || !e.integer;
    case moment_or_empty: return string_of(e).empty() || moment_of(e, so_far);
    }
    return false;
}

} // namespace

std::span<const VerbRow> verb_rows() { return table_of_verbs; }

const VerbRow &row_of(Verb verb) {
    for (const VerbRow &row : table_of_verbs)
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
    for (const Word &word : row_of(into.verb).words) {
        if (word.word != value.text(0)) continue;
        Reply read = into;
        read.answer = Answer::granted;
        std::size_t index = 0;
        for (const Field &field : word.fields) {
            if (field.take == nullptr) break;
            const Element element = element_of(value, ++index);
            if (!fits(element, field.shape, read)) return false;
            field.take(element, read);
        }
        if (word.refusal) {
            read.answer = Answer::refused;
            read.refusal = *word.refusal;
        }
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
    if (reply.answer == Answer::refused) return reply.refusal == Refusal::set_anew;
    return reply.answer == Answer::granted && row_of(reply.verb).creates == Creates::when_granted;
}

} // namespace redlock::redis
